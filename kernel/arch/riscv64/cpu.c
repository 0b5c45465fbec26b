/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor: timer, console and end by SBI (RISC-V SBI specification 1.0), registers. */
#include "api/syscall.h"
#include "arch/arch.h"
#include "arch/riscv64/riscv.h"
#include "base/panic.h"
#include "base/print.h"
#include "base/symbols.h"
#include "object/thread.h"

/* What trap.S and fast.h take for granted. */
#define IS_AT(place, field) (offsetof(struct tcb, field) == (place))
_Static_assert(IS_AT(FRAME_SP, frame[ARCH_FRAME_SP]) && IS_AT(FRAME_PC, frame[ARCH_FRAME_PC]) &&
                   IS_AT(FRAME_TP, frame[ARCH_FRAME_TLS]) && IS_AT(FRAME_S + 12 * 8, cs_base),
               "the frame");
_Static_assert(IS_AT(THREAD_CPU, cpu) && offsetof(struct cpu, stack) == CPU_STACK, "the stack");
_Static_assert(IS_AT(THREAD_ARGS, args) && IS_AT(THREAD_TEMPS, temps) &&
                   IS_AT(THREAD_FULL, temps[8]) && IS_AT(THREAD_FULL, full),
               "the rest of a full frame");
_Static_assert(SYS_CALL == 0 && SYS_REPLY_RECV == 1 && SYS_CALL_LONG == 2 &&
                   SYS_REPLY_RECV_LONG == 3 && SYS_SIGNAL == 4 && SYS_POLL == 5 && SYS_YIELD == 6 &&
                   SYS_NULL == 14,
               "what the entry compares");
_Static_assert(EVENT_SIGNAL == EVENT_KIND_SIGNAL << EVENT_KIND_SHIFT, "fast_resume_event");

/* ---- SBI ---- */

#define SBI_LEGACY_PUTCHAR 1
#define SBI_TIME           0x54494d45
#define SBI_SRST           0x53525354

static long sbi_call(word extension, word function, word a, word b)
{
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a6 __asm__("a6") = function;
    register word a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return (long)a0;
}

void arch_put(char c)
{
    if (c == '\n') {
        sbi_call(SBI_LEGACY_PUTCHAR, 0, '\r', 0);
    }
    sbi_call(SBI_LEGACY_PUTCHAR, 0, (word)c, 0);
}

uint32_t volatile DEVICE *riscv_finisher;
#define FINISHER_FAIL 0x3333

void arch_stop(int code)
{
    /* The firmware turns the machine off with an exit code of 0, whatever reason it is told. */
    if (code != 0 && riscv_finisher != NULL) {
        *riscv_finisher = (uint32_t)code << 16 | FINISHER_FAIL;
    }
    sbi_call(SBI_SRST, 0, 0, code == 0 ? 0 : 1); /* shut down; 1: system failure */
    for (;;) {
        arch_wait_for_interrupt();
    }
}

void arch_restart(void)
{
    sbi_call(SBI_SRST, 0, 1, 0); /* cold */
    arch_stop(1);
}

/* ---- Timer ---- */

bool riscv_has_sstc;

void riscv_timer_by_sbi(word when)
{
    sbi_call(SBI_TIME, 0, when, 0);
}

void arch_wait_for_interrupt(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

/* ---- Threads ---- */

void arch_thread_start(struct tcb *thread, word pc, word sp, word tls, word first, word second)
{
    for (unsigned i = 0; i < 16; i++) {
        thread->frame[i] = 0;
    }
    for (unsigned i = 0; i < 8; i++) {
        thread->args[i] = 0;
        thread->temps[i] = 0;
    }
    for (unsigned i = 0; i < ARCH_FPU_WORDS; i++) {
        thread->fpu[i] = 0;
    }
    thread->frame[ARCH_FRAME_PC] = pc;
    thread->frame[ARCH_FRAME_SP] = sp;
    thread->frame[ARCH_FRAME_TLS] = tls;
    thread->args[0] = first;
    thread->args[1] = second;
    thread->full = 1;
}

#define SSTATUS_FS (3ul << 13)

bool arch_fpu_enable(void)
{
    word status;
    __asm__ volatile("csrs sstatus, %1\n\tcsrr %0, sstatus" : "=r"(status) : "r"(SSTATUS_FS));
    return (status & SSTATUS_FS) != 0;
}

void arch_fpu_disable(void)
{
    __asm__ volatile("csrc sstatus, %0" : : "r"(SSTATUS_FS));
}

void arch_fpu_save(word *registers)
{
    word status;
    __asm__ volatile(".option push\n\t"
                     ".option arch, +d\n\t"
                     "fsd f0, 0(%0)\n\t"
                     "fsd f1, 8(%0)\n\t"
                     "fsd f2, 16(%0)\n\t"
                     "fsd f3, 24(%0)\n\t"
                     "fsd f4, 32(%0)\n\t"
                     "fsd f5, 40(%0)\n\t"
                     "fsd f6, 48(%0)\n\t"
                     "fsd f7, 56(%0)\n\t"
                     "fsd f8, 64(%0)\n\t"
                     "fsd f9, 72(%0)\n\t"
                     "fsd f10, 80(%0)\n\t"
                     "fsd f11, 88(%0)\n\t"
                     "fsd f12, 96(%0)\n\t"
                     "fsd f13, 104(%0)\n\t"
                     "fsd f14, 112(%0)\n\t"
                     "fsd f15, 120(%0)\n\t"
                     "fsd f16, 128(%0)\n\t"
                     "fsd f17, 136(%0)\n\t"
                     "fsd f18, 144(%0)\n\t"
                     "fsd f19, 152(%0)\n\t"
                     "fsd f20, 160(%0)\n\t"
                     "fsd f21, 168(%0)\n\t"
                     "fsd f22, 176(%0)\n\t"
                     "fsd f23, 184(%0)\n\t"
                     "fsd f24, 192(%0)\n\t"
                     "fsd f25, 200(%0)\n\t"
                     "fsd f26, 208(%0)\n\t"
                     "fsd f27, 216(%0)\n\t"
                     "fsd f28, 224(%0)\n\t"
                     "fsd f29, 232(%0)\n\t"
                     "fsd f30, 240(%0)\n\t"
                     "fsd f31, 248(%0)\n\t"
                     "frcsr %1\n\t"
                     ".option pop"
                     : "+r"(registers), "=&r"(status)
                     :
                     : "memory");
    registers[32] = status;
}

void arch_fpu_load(word const *registers)
{
    __asm__ volatile(".option push\n\t"
                     ".option arch, +d\n\t"
                     "fld f0, 0(%0)\n\t"
                     "fld f1, 8(%0)\n\t"
                     "fld f2, 16(%0)\n\t"
                     "fld f3, 24(%0)\n\t"
                     "fld f4, 32(%0)\n\t"
                     "fld f5, 40(%0)\n\t"
                     "fld f6, 48(%0)\n\t"
                     "fld f7, 56(%0)\n\t"
                     "fld f8, 64(%0)\n\t"
                     "fld f9, 72(%0)\n\t"
                     "fld f10, 80(%0)\n\t"
                     "fld f11, 88(%0)\n\t"
                     "fld f12, 96(%0)\n\t"
                     "fld f13, 104(%0)\n\t"
                     "fld f14, 112(%0)\n\t"
                     "fld f15, 120(%0)\n\t"
                     "fld f16, 128(%0)\n\t"
                     "fld f17, 136(%0)\n\t"
                     "fld f18, 144(%0)\n\t"
                     "fld f19, 152(%0)\n\t"
                     "fld f20, 160(%0)\n\t"
                     "fld f21, 168(%0)\n\t"
                     "fld f22, 176(%0)\n\t"
                     "fld f23, 184(%0)\n\t"
                     "fld f24, 192(%0)\n\t"
                     "fld f25, 200(%0)\n\t"
                     "fld f26, 208(%0)\n\t"
                     "fld f27, 216(%0)\n\t"
                     "fld f28, 224(%0)\n\t"
                     "fld f29, 232(%0)\n\t"
                     "fld f30, 240(%0)\n\t"
                     "fld f31, 248(%0)\n\t"
                     "fscsr %1\n\t"
                     ".option pop"
                     :
                     : "r"(registers), "r"(registers[32])
                     : "memory");
}

void arch_syscall_again(struct tcb *thread)
{
    thread->frame[ARCH_FRAME_PC] -= 4; /* ecall has no short form */
}

/* Where each register is in a thread, in the order of REGISTER_WORDS: pc, sp, tp, then the others
 * by number, x1 (ra), x3 (gp), x5 to x31. */
#define REGISTERS           32
#define IN_THREAD(field, i) (uint16_t)(offsetof(struct tcb, field) / sizeof(word) + (i))
static uint16_t const register_place[REGISTERS] = {
    IN_THREAD(frame, 1),  IN_THREAD(frame, 0),  IN_THREAD(frame, 2),  IN_THREAD(temps, 0),
    IN_THREAD(frame, 3),  IN_THREAD(temps, 1),  IN_THREAD(temps, 2),  IN_THREAD(temps, 3),
    IN_THREAD(frame, 4),  IN_THREAD(frame, 5),  IN_THREAD(args, 0),   IN_THREAD(args, 1),
    IN_THREAD(args, 2),   IN_THREAD(args, 3),   IN_THREAD(args, 4),   IN_THREAD(args, 5),
    IN_THREAD(args, 6),   IN_THREAD(args, 7),   IN_THREAD(frame, 6),  IN_THREAD(frame, 7),
    IN_THREAD(frame, 8),  IN_THREAD(frame, 9),  IN_THREAD(frame, 10), IN_THREAD(frame, 11),
    IN_THREAD(frame, 12), IN_THREAD(frame, 13), IN_THREAD(frame, 14), IN_THREAD(frame, 15),
    IN_THREAD(temps, 4),  IN_THREAD(temps, 5),  IN_THREAD(temps, 6),  IN_THREAD(temps, 7),
};

void arch_registers_read(struct tcb const *thread, word registers[REGISTER_WORDS])
{
    for (unsigned i = 0; i < REGISTERS; i++) {
        registers[i] = ((word const *)thread)[register_place[i]];
    }
}

void arch_registers_write(struct tcb *thread, word const registers[REGISTER_WORDS])
{
    for (unsigned i = 0; i < REGISTERS; i++) {
        ((word *)thread)[register_place[i]] = registers[i];
    }
    thread->full = 1;
}

/* ---- Traps that are not system calls or interrupts ---- */

/* Table 4.2. */
static enum fault_kind const fault_kinds[16] = {
    [0] = FAULT_KIND_ALIGNMENT, [1] = FAULT_KIND_EXECUTE,   [2] = FAULT_KIND_INSTRUCTION,
    [3] = FAULT_KIND_BREAKPOINT, [4] = FAULT_KIND_ALIGNMENT, [5] = FAULT_KIND_READ,
    [6] = FAULT_KIND_ALIGNMENT, [7] = FAULT_KIND_WRITE,     [12] = FAULT_KIND_EXECUTE,
    [13] = FAULT_KIND_READ,     [15] = FAULT_KIND_WRITE,
};

typedef struct tcb *fault_way(struct tcb *current, enum fault_kind kind, word address);

ALWAYS_INLINE struct tcb *fault(struct tcb *current, word cause, word value, fault_way *way)
{
    enum fault_kind kind = cause < 16 ? fault_kinds[cause] : 0;
    if (kind == 0) {
        kind = FAULT_KIND_INSTRUCTION;
    }
    if (kind == FAULT_KIND_INSTRUCTION || kind == FAULT_KIND_BREAKPOINT) {
        value = current->frame[ARCH_FRAME_PC];
    }
    return way(current, kind, value);
}

struct tcb *riscv_fault(struct tcb *current, word cause, word value)
{
    return fault(current, cause, value, kernel_fault);
}

struct tcb *riscv_traced_fault(struct tcb *current, word cause, word value)
{
    return fault(current, cause, value, traced_fault);
}

void arch_trace(bool on)
{
    __asm__ volatile("csrw stvec, %0" : : "r"(on ? traced_entry : trap_entry));
}

/* Where the kernel's stack was when the kernel trapped; the panic has a stack of its own. */
static word trap_sp;

void riscv_kernel_trap(word cause, word pc, word value, word ra, word sp)
{
    trap_sp = sp;
    kprint("\nThe kernel trapped: cause %lu at %lx (", cause, pc);
    symbol_print(pc);
    kprint("), value %lx, ra %lx, sp %lx\n", value, ra, sp);
    if (sp >= (word)kernel_stack_guard && sp < (word)kernel_stack_guard + 4096 + 256) {
        kprint("Its stack has overflowed.\n");
    }
    panic("trap in the kernel");
}

/* A return address follows a jump that links: jal or jalr with rd = ra, or c.jalr. */
static bool follows_call(word address)
{
    if (address < (word)text_start + 4 || address >= (word)text_end || address & 1) {
        return false;
    }
    uint16_t const *before = (uint16_t const *)(address - 4);
    uint32_t full = before[0] | (uint32_t)before[1] << 16;
    bool jal = (full & 0xfff) == 0x0ef;
    bool jalr = (full & 0x7fff) == 0x00e7;
    bool c_jalr = (before[1] & 0xf07f) == 0x9002 && (before[1] & 0xf80) != 0;
    return jal || jalr || c_jalr;
}

void arch_print_state(struct tcb const *thread)
{
    static char const names[REGISTERS][4] = {
        "pc", "sp", "tp", "ra", "gp", "t0", "t1", "t2",  "s0",  "s1", "a0",
        "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",  "s3",  "s4", "s5",
        "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    };
    if (thread != NULL) {
        word registers[REGISTER_WORDS];
        arch_registers_read(thread, registers);
        kprint("The program's registers%s:\n", thread->full ? "" : " (t0 to t6 are old)");
        for (unsigned i = 0; i < REGISTERS; i++) {
            kprint("%4s %016lx%c", names[i], registers[i], i % 4 == 3 ? '\n' : ' ');
        }
    }
    kprint("Return addresses on the kernel's stack:\n");
    word sp = trap_sp != 0 ? trap_sp : (word)__builtin_frame_address(0);
    word lowest = (word)kernel_stack_guard + 4096;
    for (word *at = (word *)(sp > lowest ? sp : lowest); at < (word *)kernel_stack_top; at++) {
        if (follows_call(*at)) {
            kprint("  %016lx ", *at);
            symbol_print(*at);
            kprint("\n");
        }
    }
}

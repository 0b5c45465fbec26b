/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor: console, end by PSCI (Arm DEN 0022), registers, faults. */
#include "api/syscall.h"
#include "arch/aarch64/aarch64.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/print.h"
#include "base/symbols.h"
#include "dev/pl011.h"
#include "object/thread.h"

/* What trap.S and fast.h take for granted. */
#define IS_AT(place, field) (offsetof(struct tcb, field) == (place))
_Static_assert(IS_AT(FRAME_SP, frame[ARCH_FRAME_SP]) && IS_AT(FRAME_SP + 8, frame[ARCH_FRAME_PC]) &&
                   IS_AT(FRAME_FP + 8, frame[ARCH_FRAME_TLS]) && IS_AT(FRAME_ZERO + 16, cs_base),
               "the frame");
_Static_assert(IS_AT(THREAD_ARGS, args) && IS_AT(THREAD_TEMPS, temps) &&
                   IS_AT(THREAD_FLAGS, temps[ARCH_TEMPS - 1]) && IS_AT(THREAD_FULL, full),
               "the rest of a full frame");
_Static_assert(SYS_CALL == 0 && SYS_REPLY_RECV == 1 && SYS_CALL_LONG == 2 &&
                   SYS_REPLY_RECV_LONG == 3 && SYS_SIGNAL == 4 && SYS_POLL == 5 && SYS_YIELD == 6 &&
                   SYS_NULL == 14,
               "what the entry compares");
_Static_assert(EVENT_SIGNAL == EVENT_KIND_SIGNAL << EVENT_KIND_SHIFT, "fast_resume_event");

void arch_put(char c)
{
    if (c == '\n') {
        pl011_put('\r');
    }
    pl011_put(c);
}

/* ---- The end ---- */

#define PSCI_SYSTEM_OFF   0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

enum psci_method psci_method;
bool semihosting;

/* The only way to give the emulator an exit code (Arm Semihosting, SYS_EXIT). */
static void semihosting_exit(word code)
{
    word const reason[2] = { 0x20026 /* the application exited */, code };
    register word x0 __asm__("x0") = 0x18;
    register word const *x1 __asm__("x1") = reason;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

static void psci_call(word function)
{
    register word x0 __asm__("x0") = function;
    if (psci_method == PSCI_HVC) {
        __asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    } else if (psci_method == PSCI_SMC) {
        __asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    }
}

void arch_stop(int code)
{
    if (semihosting) {
        semihosting_exit((word)code);
    }
    psci_call(PSCI_SYSTEM_OFF);
    for (;;) {
        arch_wait_for_interrupt();
    }
}

void arch_restart(void)
{
    psci_call(PSCI_SYSTEM_RESET);
    arch_stop(1);
}

void arch_wait_for_interrupt(void)
{
    __asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

/* ---- Threads ---- */

void arch_thread_start(struct tcb *thread, word pc, word sp, word tls, word first, word second)
{
    for (unsigned i = 0; i < 16; i++) {
        thread->frame[i] = 0;
    }
    for (unsigned i = 0; i < 8; i++) {
        thread->args[i] = 0;
    }
    for (unsigned i = 0; i < ARCH_TEMPS; i++) {
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

#define CPACR_FP    (3ul << 20)
#define FPU_CONTROL 64 /* behind the 32 registers of two words */
#define FPU_STATUS  65

bool arch_fpu_enable(void)
{
    register_write(cpacr_el1, CPACR_FP);
    __asm__ volatile("isb");
    return true;
}

void arch_fpu_disable(void)
{
    register_write(cpacr_el1, 0);
}

void arch_fpu_save(word *registers)
{
    __asm__ volatile(".arch_extension simd\n\t"
                     "stp q0, q1, [%0, #0]\n\t"
                     "stp q2, q3, [%0, #32]\n\t"
                     "stp q4, q5, [%0, #64]\n\t"
                     "stp q6, q7, [%0, #96]\n\t"
                     "stp q8, q9, [%0, #128]\n\t"
                     "stp q10, q11, [%0, #160]\n\t"
                     "stp q12, q13, [%0, #192]\n\t"
                     "stp q14, q15, [%0, #224]\n\t"
                     "stp q16, q17, [%0, #256]\n\t"
                     "stp q18, q19, [%0, #288]\n\t"
                     "stp q20, q21, [%0, #320]\n\t"
                     "stp q22, q23, [%0, #352]\n\t"
                     "stp q24, q25, [%0, #384]\n\t"
                     "stp q26, q27, [%0, #416]\n\t"
                     "stp q28, q29, [%0, #448]\n\t"
                     "stp q30, q31, [%0, #480]"
                     :
                     : "r"(registers)
                     : "memory");
    __asm__ volatile(".arch_extension fp\n\t"
                     "mrs %0, fpcr\n\t"
                     "mrs %1, fpsr"
                     : "=r"(registers[FPU_CONTROL]), "=r"(registers[FPU_STATUS]));
}

void arch_fpu_load(word const *registers)
{
    __asm__ volatile(".arch_extension simd\n\t"
                     "ldp q0, q1, [%0, #0]\n\t"
                     "ldp q2, q3, [%0, #32]\n\t"
                     "ldp q4, q5, [%0, #64]\n\t"
                     "ldp q6, q7, [%0, #96]\n\t"
                     "ldp q8, q9, [%0, #128]\n\t"
                     "ldp q10, q11, [%0, #160]\n\t"
                     "ldp q12, q13, [%0, #192]\n\t"
                     "ldp q14, q15, [%0, #224]\n\t"
                     "ldp q16, q17, [%0, #256]\n\t"
                     "ldp q18, q19, [%0, #288]\n\t"
                     "ldp q20, q21, [%0, #320]\n\t"
                     "ldp q22, q23, [%0, #352]\n\t"
                     "ldp q24, q25, [%0, #384]\n\t"
                     "ldp q26, q27, [%0, #416]\n\t"
                     "ldp q28, q29, [%0, #448]\n\t"
                     "ldp q30, q31, [%0, #480]"
                     :
                     : "r"(registers)
                     : "memory");
    __asm__ volatile(".arch_extension fp\n\t"
                     "msr fpcr, %0\n\t"
                     "msr fpsr, %1"
                     :
                     : "r"(registers[FPU_CONTROL]), "r"(registers[FPU_STATUS]));
}

void arch_syscall_again(struct tcb *thread)
{
    thread->frame[ARCH_FRAME_PC] -= 4;
}

/* Where each register is in a thread, in the order of REGISTER_WORDS: pc, sp, the thread pointer,
 * x0 to x30, the flags. */
#define TEMP_FLAGS          12
#define IN_THREAD(field, i) (uint16_t)(offsetof(struct tcb, field) / sizeof(word) + (i))
#define FRAME(i)            IN_THREAD(frame, i)
#define ARG(i)              IN_THREAD(args, i)
#define TEMP(i)             IN_THREAD(temps, i)
static uint16_t const register_place[REGISTER_WORDS] = {
    FRAME(1),  FRAME(0),  FRAME(3),  ARG(0),    ARG(1),   ARG(2),   ARG(3),
    ARG(4),    ARG(5),    ARG(6),    ARG(7),    TEMP(0),  TEMP(1),  TEMP(2),
    TEMP(3),   TEMP(4),   TEMP(5),   TEMP(6),   TEMP(7),  TEMP(8),  TEMP(9),
    TEMP(10),  FRAME(4),  FRAME(5),  FRAME(6),  FRAME(7), FRAME(8), FRAME(9),
    FRAME(10), FRAME(11), FRAME(12), FRAME(13), FRAME(2), TEMP(11), TEMP(TEMP_FLAGS),
};

void arch_registers_read(struct tcb const *thread, word registers[REGISTER_WORDS])
{
    for (unsigned i = 0; i < REGISTER_WORDS; i++) {
        registers[i] = ((word const *)thread)[register_place[i]];
    }
}

/* Of the flags, those that a program could set itself: negative, zero, carry, overflow. */
#define FLAGS_OF_PROGRAM 0xf0000000ul

void arch_registers_write(struct tcb *thread, word const registers[REGISTER_WORDS])
{
    for (unsigned i = 0; i < REGISTER_WORDS; i++) {
        ((word *)thread)[register_place[i]] = registers[i];
    }
    thread->temps[TEMP_FLAGS] &= FLAGS_OF_PROGRAM;
    thread->full = 1;
}

/* ---- Traps that are not system calls or interrupts ---- */

/* ESR_EL1, D13.2.37. */
#define SYNDROME_CLASS(esr)  ((esr) >> 26)
#define SYNDROME_WRITE(esr)  (((esr)&1ul << 6) != 0)
#define SYNDROME_STATUS(esr) ((esr)&63)
#define STATUS_ALIGNMENT     0x21
enum syndrome_class {
    CLASS_FETCH = 0x20,
    CLASS_FETCH_KERNEL = 0x21,
    CLASS_PC_ALIGNMENT = 0x22,
    CLASS_DATA = 0x24,
    CLASS_DATA_KERNEL = 0x25,
    CLASS_SP_ALIGNMENT = 0x26,
    CLASS_BREAKPOINT = 0x30,
    CLASS_STEP = 0x32,
    CLASS_WATCHPOINT = 0x34,
    CLASS_BRK = 0x3c,
};

static enum fault_kind fault_kind(word syndrome)
{
    switch ((enum syndrome_class)SYNDROME_CLASS(syndrome)) {
    case CLASS_FETCH:
        return FAULT_KIND_EXECUTE;
    case CLASS_DATA:
        if (SYNDROME_STATUS(syndrome) == STATUS_ALIGNMENT) {
            return FAULT_KIND_ALIGNMENT;
        }
        return SYNDROME_WRITE(syndrome) ? FAULT_KIND_WRITE : FAULT_KIND_READ;
    case CLASS_PC_ALIGNMENT:
    case CLASS_SP_ALIGNMENT:
        return FAULT_KIND_ALIGNMENT;
    case CLASS_BREAKPOINT:
    case CLASS_STEP:
    case CLASS_WATCHPOINT:
    case CLASS_BRK:
        return FAULT_KIND_BREAKPOINT;
    default:
        return FAULT_KIND_INSTRUCTION;
    }
}

typedef struct tcb *fault_way(struct tcb *current, enum fault_kind kind, word address);

ALWAYS_INLINE struct tcb *fault(struct tcb *current, word syndrome, word address, fault_way *way)
{
    enum fault_kind kind = fault_kind(syndrome);
    word class = SYNDROME_CLASS(syndrome);
    if (class != CLASS_FETCH && class != CLASS_DATA) {
        address = class == CLASS_SP_ALIGNMENT ? current->frame[ARCH_FRAME_SP]
                                              : current->frame[ARCH_FRAME_PC];
    }
    return way(current, kind, address);
}

struct tcb *aarch64_fault(struct tcb *current, word syndrome, word address)
{
    return fault(current, syndrome, address, kernel_fault);
}

struct tcb *aarch64_traced_fault(struct tcb *current, word syndrome, word address)
{
    return fault(current, syndrome, address, traced_fault);
}

void arch_trace(bool on)
{
    register_write(vbar_el1, on ? traced_vectors : vectors);
    __asm__ volatile("isb" : : : "memory");
}

/* Where the kernel's stack was when the kernel trapped; the panic has a stack of its own. */
static word trap_sp;

void aarch64_kernel_trap(word syndrome, word pc, word address, word lr, word sp)
{
    trap_sp = sp;
    kprint("\nThe kernel trapped: cause %lx (class %lx) at %lx (", syndrome,
           SYNDROME_CLASS(syndrome), pc);
    symbol_print(pc);
    kprint("), address %lx, lr %lx, sp %lx\n", address, lr, sp);
    word class = SYNDROME_CLASS(syndrome);
    word guard = (word)kernel_stack_guard;
    if (class == CLASS_DATA_KERNEL && address >= guard && address < guard + 4096) {
        kprint("Its stack has overflowed.\n");
    }
    panic("trap in the kernel");
}

/* A return address follows a jump that links: bl or blr. */
static bool follows_call(word address)
{
    if (address < (word)text_start + 4 || address >= (word)text_end || address & 3) {
        return false;
    }
    uint32_t before = *(uint32_t const *)(address - 4);
    bool bl = (before & 0xfc000000) == 0x94000000;
    bool blr = (before & 0xfffffc1f) == 0xd63f0000;
    return bl || blr;
}

static void print_registers(struct tcb const *thread)
{
    word registers[REGISTER_WORDS];
    arch_registers_read(thread, registers);
    kprint("The program's registers%s:\n",
           thread->full ? "" : " (x8 to x18, x30 and the flags are old)");
    kprint("  pc %016lx  sp %016lx tls %016lx flg %016lx\n", registers[0], registers[1],
           registers[2], registers[REGISTER_WORDS - 1]);
    for (unsigned i = 0; i <= 30; i++) {
        kprint("%sx%u %016lx%c", i < 10 ? "  " : " ", i, registers[3 + i], i % 4 == 3 ? '\n' : ' ');
    }
    kprint("\n");
}

void arch_print_state(struct tcb const *thread)
{
    if (thread != NULL) {
        print_registers(thread);
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

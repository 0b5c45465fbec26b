/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor: timer, serial port, end, registers, exceptions. */
#include "api/syscall.h"
#include "arch/arch.h"
#include "arch/x86_64/x86_64.h"
#include "base/panic.h"
#include "base/print.h"
#include "base/symbols.h"
#include "object/thread.h"

_Static_assert(offsetof(struct tcb, full) == 288 && offsetof(struct tcb, cpu) == 184, "trap.S");

/* ---- The first serial port: National Semiconductor PC16550D ---- */

#define SERIAL        0x3f8
#define SERIAL_STATUS (SERIAL + 5)
#define STATUS_EMPTY  0x20

static void put_raw(char c)
{
    while ((arch_port_read(SERIAL_STATUS, 1) & STATUS_EMPTY) == 0) {
    }
    arch_port_write(SERIAL, 1, (uint8_t)c);
}

void arch_put(char c)
{
    if (c == '\n') {
        put_raw('\r');
    }
    put_raw(c);
}

/* QEMU's isa-debug-exit ends the emulator with 2 * value + 1. */
#define DEBUG_EXIT 0xf4

void arch_stop(int code)
{
    arch_port_write(DEBUG_EXIT, 1, code == 0 ? 0 : 1);
    for (;;) {
        __asm__ volatile("cli\n\thlt");
    }
}

/* The chipset's reset control register: 2 says which reset (everything), 4 does it. */
#define RESET_CONTROL 0xcf9

void arch_restart(void)
{
    arch_port_write(RESET_CONTROL, 1, 2);
    arch_port_write(RESET_CONTROL, 1, 6);
    for (;;) { /* it takes a moment */
        __asm__ volatile("cli\n\thlt");
    }
}

/* ---- Timer and sleep ---- */

word x86_timer = ~0ul, x86_timer_rate;
unsigned x86_vector;

/* The timer's interrupt is over. False: it was too early, for it cannot count that far; it is set
 * again. */
bool x86_timer_came(void)
{
    x86_vector = 0;
    *lapic_register(LAPIC_EOI) = 0;
    if (arch_now() < x86_timer) {
        arch_timer_set(x86_timer);
        return false;
    }
    return true;
}

/* The one place where the kernel is interrupted: trap.S notes the vector and comes back. Interrupts are
 * not taken before the instruction after sti is done. */
void arch_wait_for_interrupt(void)
{
    while (x86_vector == 0) {
        __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
    }
}

/* ---- Floating-point registers: FXSAVE's part of volume 1, section 10.5 ---- */

#define CR0_TS (1ul << 3)
/* In units of words, and the values that a new program finds: all exceptions masked. */
#define FPU_CONTROL 0
#define FPU_MXCSR   3

bool arch_fpu_enable(void)
{
    __asm__ volatile("clts");
    return true;
}

void arch_fpu_disable(void)
{
    word cr0;
    __asm__ volatile("mov %%cr0, %0\n\tor %1, %0\n\tmov %0, %%cr0" : "=&r"(cr0) : "i"(CR0_TS));
}

void arch_fpu_save(word *registers)
{
    __asm__ volatile("fxsave64 (%0)" : : "r"(registers) : "memory");
}

void arch_fpu_load(word const *registers)
{
    __asm__ volatile("fxrstor64 (%0)" : : "r"(registers) : "memory");
}

/* ---- Threads ---- */

#define FLAGS_FIXED 0x202 /* interrupts on, and the bit that is always 1 */
#define FLAGS_OWN   0x244dd5 /* what a program can set itself: arithmetic, TF, DF, NT, AC and ID */

/* An address that is not canonical would trap in the kernel, when it is loaded as a base. */
static word canonical(word address)
{
    return (word)((long)(address << 16) >> 16);
}

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
    thread->fpu[FPU_CONTROL] = 0x37f;
    thread->fpu[FPU_MXCSR] = 0x1f80;
    thread->frame[ARCH_FRAME_PC] = pc;
    thread->frame[ARCH_FRAME_SP] = sp;
    thread->frame[ARCH_FRAME_TLS] = canonical(tls);
    thread->temps[TEMP_FLAGS] = FLAGS_FIXED;
    thread->args[0] = first;
    thread->args[1] = second;
    thread->full = 1;
}

void arch_syscall_again(struct tcb *thread)
{
    thread->frame[ARCH_FRAME_PC] -= 2; /* the syscall instruction */
}

/* Where each register is in a thread: pc, sp, FS base, then by number rax to r15, then flags and GS
 * base. */
#define REGISTERS           20
#define IN_THREAD(field, i) (uint16_t)(offsetof(struct tcb, field) / sizeof(word) + (i))
static uint16_t const register_place[REGISTERS] = {
    IN_THREAD(frame, 1), IN_THREAD(frame, 0), IN_THREAD(frame, 2), IN_THREAD(args, 7),
    IN_THREAD(temps, TEMP_RCX), IN_THREAD(args, 2), IN_THREAD(frame, 3), IN_THREAD(frame, 4),
    IN_THREAD(args, 1), IN_THREAD(args, 0), IN_THREAD(args, 3), IN_THREAD(args, 4),
    IN_THREAD(args, 5), IN_THREAD(temps, TEMP_R11), IN_THREAD(frame, 5), IN_THREAD(frame, 6),
    IN_THREAD(frame, 7), IN_THREAD(frame, 8), IN_THREAD(temps, TEMP_FLAGS), IN_THREAD(temps, TEMP_GS),
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
    thread->frame[ARCH_FRAME_TLS] = canonical(thread->frame[ARCH_FRAME_TLS]);
    thread->temps[TEMP_GS] = canonical(thread->temps[TEMP_GS]);
    thread->temps[TEMP_FLAGS] = (thread->temps[TEMP_FLAGS] & FLAGS_OWN) | FLAGS_FIXED;
    thread->full = 1;
}

/* ---- Exceptions: volume 3, section 6.3 ---- */

#define VECTOR_DEBUG      1
#define VECTOR_NMI        2
#define VECTOR_BREAKPOINT 3
#define VECTOR_DOUBLE     8
#define VECTOR_PAGE       14
#define VECTOR_ALIGNMENT  17
#define VECTOR_CHECK      18

#define PAGE_WRITE   2u
#define PAGE_EXECUTE 16u

typedef struct tcb *fault_way(struct tcb *current, enum fault_kind kind, word address);

ALWAYS_INLINE struct tcb *fault(struct tcb *current, word vector, word error, word address, fault_way *way)
{
    enum fault_kind kind = FAULT_KIND_INSTRUCTION;
    switch (vector) {
    case VECTOR_PAGE:
        kind = error & PAGE_EXECUTE ? FAULT_KIND_EXECUTE : error & PAGE_WRITE ? FAULT_KIND_WRITE
                                                                              : FAULT_KIND_READ;
        return way(current, kind, address);
    case VECTOR_BREAKPOINT:
        current->frame[ARCH_FRAME_PC]--; /* the instruction, not the one behind it */
        kind = FAULT_KIND_BREAKPOINT;
        break;
    case VECTOR_DEBUG:
        kind = FAULT_KIND_BREAKPOINT;
        break;
    case VECTOR_ALIGNMENT:
        kind = FAULT_KIND_ALIGNMENT;
        break;
    case VECTOR_NMI:
    case VECTOR_DOUBLE:
    case VECTOR_CHECK:
        panic("the hardware reports an error: exception %lu", vector);
    default:
        break;
    }
    return way(current, kind, current->frame[ARCH_FRAME_PC]);
}

struct tcb *x86_fault(struct tcb *current, word vector, word error, word address)
{
    return fault(current, vector, error, address, kernel_fault);
}

struct tcb *x86_traced_fault(struct tcb *current, word vector, word error, word address)
{
    return fault(current, vector, error, address, traced_fault);
}

/* Where the kernel's stack was when the kernel trapped; the panic has a stack of its own. */
static word trap_sp;

static bool is_in_guard(word address)
{
    char *const guards[] = { kernel_stack_guard, trap_stack_guard, fatal_stack_guard };
    for (unsigned i = 0; i < array_length(guards); i++) {
        if (address >= (word)guards[i] && address < (word)guards[i] + 4096) {
            return true;
        }
    }
    return false;
}

void x86_kernel_trap(struct kernel_trap const *trap)
{
    word address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    trap_sp = trap->sp;
    kprint("\nThe kernel trapped: exception %lu (error %lx) at %lx (", trap->vector, trap->error, trap->pc);
    symbol_print(trap->pc);
    kprint("), address %lx, sp %lx\n", address, trap->sp);
    if ((trap->vector == VECTOR_PAGE || trap->vector == VECTOR_DOUBLE) && is_in_guard(address)) {
        kprint("Its stack has overflowed.\n");
    }
    panic("trap in the kernel");
}

/* A return address follows a call: e8 with 32 bits, or ff with a register or memory. */
static bool follows_call(word address)
{
    if (address < (word)text_start + 7 || address >= (word)text_end) {
        return false;
    }
    uint8_t const *at = (uint8_t const *)address;
    bool direct = at[-5] == 0xe8;
    bool by_register = at[-2] == 0xff && (at[-1] & 0xf8) == 0xd0;
    bool by_memory = (at[-3] == 0xff && (at[-2] & 0x38) == 0x10) ||
                     (at[-7] == 0xff && (at[-6] & 0x38) == 0x10);
    return direct || by_register || by_memory;
}

void arch_print_state(struct tcb const *thread)
{
    static char const names[REGISTERS][6] = {
        "rip", "rsp", "fs",  "rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi",
        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "flags", "gs",
    };
    if (thread != NULL) {
        word registers[REGISTER_WORDS];
        arch_registers_read(thread, registers);
        kprint("The program's registers%s:\n", thread->full ? "" : " (rcx, r11, flags and gs are old)");
        for (unsigned i = 0; i < REGISTERS; i++) {
            kprint("%5s %016lx%c", names[i], registers[i], i % 4 == 3 ? '\n' : ' ');
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine that the kernel sees when it runs as an ordinary program. */
#include "api/syscall.h"
#include "arch/arch.h"
#include "dev/irqchip.h"
#include "object/thread.h"

#include <stdio.h>
#include <stdlib.h>

struct host host = { .timer = ~0ul };

/* The table that kernel/base/symbols.c prints from: three names, for a test. */
uint32_t const symbol_count = 3;
uint32_t const symbol_address[] = { 0x10, 0x20, 0x80 };
uint32_t const symbol_name[] = { 0, 6, 13 };
char const symbol_text[] = "first\0second\0third";
char const text_start[0x100];

void arch_put(char c)
{
    (void)fputc(c, stderr);
}

void arch_stop(int code)
{
    (void)code;
    abort();
}

void arch_restart(void)
{
    abort();
}

static void never_wakes(void)
{
    (void)fprintf(stderr, "the machine sleeps for ever\n");
    abort();
}

void (*host_asleep)(void) = never_wakes;

/* ---- The interrupt controller: claimed lines are silent until they are completed ---- */

static uint64_t ready_lines(unsigned half)
{
    return host.lines[half] & host.open[half] & ~host.claimed[half];
}

bool host_interrupt_pending(void)
{
    return host.timer <= host.now || (ready_lines(0) | ready_lines(1)) != 0;
}

int irqchip_claim(void)
{
    for (unsigned half = 0; half < 2; half++) {
        uint64_t ready = ready_lines(half);
        if (ready != 0) {
            int bit = __builtin_ctzl(ready);
            host.claimed[half] |= 1ul << bit;
            return (int)half * 64 + bit;
        }
    }
    return 0;
}

void irqchip_complete(unsigned line)
{
    host.claimed[line / 64] &= ~(1ul << line % 64);
}

void irqchip_open(unsigned line)
{
    host.open[line / 64] |= 1ul << line % 64;
}

void irqchip_close(unsigned line)
{
    host.open[line / 64] &= ~(1ul << line % 64);
}

unsigned irqchip_lines(void)
{
    return 96;
}

/* Nothing can happen but what the timer was set for: the clock goes there. */
void arch_wait_for_interrupt(void)
{
    if (!host_interrupt_pending() && host.timer == ~0ul) {
        host_asleep();
    }
    if (!host_interrupt_pending()) {
        host.now = host.timer;
    }
}

/* ---- Address spaces and threads ---- */

word arch_asid_count(void)
{
    return 8; /* few, so that tests run out of them */
}

void arch_check(void)
{
}

void arch_trace(bool on)
{
    host.traced = on;
}

void arch_root_init(word *table)
{
    table[511] = 1ul << 63; /* something that is the kernel's, and not valid for anyone else */
}

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

bool arch_fpu_enable(void)
{
    host.fpu_enabled = true;
    return true;
}

void arch_fpu_disable(void)
{
    host.fpu_enabled = false;
}

void arch_fpu_save(word *registers)
{
    for (unsigned i = 0; i < ARCH_FPU_WORDS; i++) {
        registers[i] = host.fpu[i];
    }
}

void arch_fpu_load(word const *registers)
{
    for (unsigned i = 0; i < ARCH_FPU_WORDS; i++) {
        host.fpu[i] = registers[i];
    }
}

/* The test's loop looks at this and makes the same system call once more. */
void arch_syscall_again(struct tcb *thread)
{
    thread->frame[ARCH_FRAME_PC] -= 4;
}

#define REGISTERS 32

void arch_registers_read(struct tcb const *thread, word registers[REGISTER_WORDS])
{
    for (unsigned i = 0; i < REGISTERS; i++) {
        registers[i] = i < 16 ? thread->frame[i] : i < 24 ? thread->args[i - 16]
                                                          : thread->temps[i - 24];
    }
}

void arch_registers_write(struct tcb *thread, word const registers[REGISTER_WORDS])
{
    for (unsigned i = 0; i < REGISTERS; i++) {
        word *place = i < 16 ? &thread->frame[i] : i < 24 ? &thread->args[i - 16]
                                                          : &thread->temps[i - 24];
        *place = registers[i];
    }
    thread->full = 1;
}

void arch_print_state(struct tcb const *thread)
{
    (void)thread;
}

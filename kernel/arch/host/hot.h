/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel as an ordinary program: physical memory is a piece of this process's memory below
 * 2 GiB (where sanitizers let a program have fixed addresses), and what a test does with `host` is
 * what devices and the clock do. The program is linked without PIE, so that the kernel's own data
 * lies in the window too.
 */
#pragma once

#include "base/types.h"

#define ARCH_WINDOW            0ul
#define ARCH_USER_TOP          (1ul << 38)
#define ARCH_LEVELS            3
#define ARCH_LEAF_LEVELS       3
#define ARCH_MESSAGE_REGISTERS 6
#define ARCH_IRQS              128
#define ARCH_FPU_WORDS         2
#define ARCH_FRAME_SP          0
#define ARCH_FRAME_PC          1
#define ARCH_FRAME_TLS         2
#define ARCH_FRAME_FP          4
#define ARCH_FRAME_RECORD      0ul
#define ARCH_TEMPS             8
#define ARCH_TEMP_LINK         0

/* The machine. */
#define HOST_EVENTS 8u

struct host {
    word registers[8];     /* the running program's: address and operation, message, tag */
    struct tcb *current;   /* who runs */
    word now;              /* the clock */
    word timer;            /* when the timer interrupts */
    uint64_t lines[2];     /* interrupt lines that are raised, 1 to 127 ... */
    uint64_t open[2];      /* ... and those that may interrupt */
    uint64_t claimed[2];   /* claimed and not completed */
    unsigned pending_in;   /* from the so-many-th look on there is an interrupt ...; 0: never */
    bool pending;          /* ... which is there until the test has it taken */
    word root;             /* loaded */
    unsigned flushes;      /* of the TLB */
    word flushed;          /* bit n: a page whose number is n modulo 64, or all of an ASID's */
    word happened[HOST_EVENTS]; /* what the processor counts, by event */
    bool traced;           /* the ways into the kernel are the traced ones */
    bool declined;         /* by the fast path */
    word fpu[ARCH_FPU_WORDS]; /* floating-point registers ... */
    bool fpu_enabled;      /* ... and whether programs can use them */
    uint8_t port[256];     /* what was written to them */
    bool slow_timer;       /* setting it takes more than a few instructions */
};
extern struct host host;
bool host_interrupt_pending(void);
/* Called when nobody can run and nothing will ever happen: sees to it that something does. */
extern void (*host_asleep)(void);
#define ARCH_NOTHING           NOTHING_RISCV64
#define ARCH_PROBE             PROBE_RISCV64

typedef uint16_t arch_code_t;

ALWAYS_INLINE void *arch_pointer(word address)
{
    return (void *)(address & ((1ul << 38) - 1));
}

ALWAYS_INLINE paddr_t arch_physical(void const *pointer)
{
    return (paddr_t){ (word)pointer };
}

ALWAYS_INLINE void *arch_window(paddr_t address)
{
    return (void *)address.raw;
}

ALWAYS_INLINE unsigned arch_lowest_bit(word bits)
{
    return (unsigned)__builtin_ctzl(bits);
}

ALWAYS_INLINE word arch_now(void)
{
    return host.now;
}

ALWAYS_INLINE bool arch_timer_is_quick(void)
{
    return !host.slow_timer;
}

ALWAYS_INLINE void arch_timer_set_quickly(word when)
{
    host.timer = when;
}

ALWAYS_INLINE void arch_timer_set(word when)
{
    host.timer = when;
}

ALWAYS_INLINE bool arch_interrupt_pending(void)
{
    if (host.pending_in != 0) {
        host.pending_in--;
        host.pending |= host.pending_in == 0;
    }
    return host.pending || host_interrupt_pending();
}

ALWAYS_INLINE bool arch_timer_pending(void)
{
    return host.timer <= host.now;
}

ALWAYS_INLINE void arch_root_load(word root)
{
    host.root = root;
}

ALWAYS_INLINE word arch_kernel_root(void)
{
    return 1;
}

/* Entries as RISC-V has them, so that rights are easy to read in a debugger. */
ALWAYS_INLINE word arch_pte_leaf(paddr_t address, word rights, bool device, unsigned level)
{
    (void)device, (void)level;
    return address.raw >> 2 | rights >> 2 | 1;
}

ALWAYS_INLINE word arch_pte_table(paddr_t address)
{
    return address.raw >> 2 | 1;
}

ALWAYS_INLINE bool arch_pte_valid(word pte)
{
    return (pte & 1) != 0;
}

ALWAYS_INLINE bool arch_pte_is_leaf(word pte, unsigned level)
{
    (void)level;
    return (pte & 14) != 0;
}

ALWAYS_INLINE paddr_t arch_pte_address(word pte)
{
    return (paddr_t){ pte >> 10 << 12 };
}

/* Entries for programs do not have RISC-V's bit for them: no one looks at it here but a test. */
ALWAYS_INLINE bool arch_pte_is_kernels(word pte)
{
    return (pte & 16) == 0;
}

ALWAYS_INLINE word arch_pte_step(unsigned level)
{
    return 1ul << (PAGE_BITS - 2 + 9 * level);
}

ALWAYS_INLINE word arch_root_make(paddr_t table, word asid)
{
    return table.raw | asid << 48;
}

ALWAYS_INLINE void arch_flush_page(word address, word asid)
{
    (void)asid;
    host.flushes++;
    host.flushed |= 1ul << (address >> PAGE_BITS) % 64;
}

ALWAYS_INLINE void arch_flush_asid(word asid)
{
    (void)asid;
    host.flushes++;
    host.flushed = ~0ul;
}

/* The ports are memory. */
ALWAYS_INLINE uint32_t arch_port_read(uint16_t port, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint32_t)host.port[port + i] << i * 8;
    }
    return value;
}

ALWAYS_INLINE void arch_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        host.port[port + i] = (uint8_t)(value >> i * 8);
    }
}

ALWAYS_INLINE void arch_code_changed(void const *at)
{
    (void)at;
}

ALWAYS_INLINE bool arch_frame_is_leaf(word frame, word caller)
{
    (void)frame, (void)caller;
    return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm Generic Interrupt Controller, version 3 (Arm IHI 0069H). Lines are the shared interrupts:
 * line n is interrupt 31 + n. Acknowledging, dropping priority and deactivating are kept apart
 * (EOImode): a line that was claimed stays active, which means silent, until it is completed.
 */
#include "dev/gicv3.h"

#include "arch/arch.h"
#include "base/panic.h"
#include "dev/irqchip.h"

#define FIRST_SHARED 32u
#define SPECIAL      1020u /* interrupt numbers from here on mean none */
#define ALL          0xffffffffu
#define PRIORITY_ALL 0xa0a0a0a0u

/* The distributor, 12.9. Those from GROUP on are also in a redistributor's second half. */
#define CTLR         0x0000
#define TYPER        0x0004
#define GROUP(n)     (0x0080 + (n) / 32 * 4ul)
#define ENABLE(n)    (0x0100 + (n) / 32 * 4ul)
#define DISABLE(n)   (0x0180 + (n) / 32 * 4ul)
#define PRIORITY(n)  (0x0400 + (n) / 4 * 4ul)
#define ROUTE(n)     (0x6000 + (n)*8ul)
#define CTLR_ROUTING 0x10u /* interrupts are routed by affinity */
#define CTLR_GROUP1  0x02u
#define CTLR_PENDING (1u << 31)

/* A redistributor, 12.11. */
#define R_TYPER_LOW    0x0008
#define R_TYPER_HIGH   0x000c
#define R_WAKER        0x0014
#define R_PRIVATE      0x10000
#define R_SIZE         0x20000ul
#define R_SIZE_VIRTUAL 0x40000ul /* with virtual interrupts */
#define R_IS_VIRTUAL   2u
#define R_IS_LAST      0x10u
#define R_SLEEP        2u
#define R_ASLEEP       4u

static struct {
    char *distributor;
    unsigned lines;
} gic;

ALWAYS_INLINE uint32_t volatile DEVICE *at(char *base, word offset)
{
    return (uint32_t volatile DEVICE *)(void *)(base + offset);
}

/* This core's affinity, as the redistributors write it: four bytes. */
static uint32_t own_affinity(void)
{
    word mpidr;
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
    return (uint32_t)(mpidr & 0xffffff) | (uint32_t)(mpidr >> 32 & 0xff) << 24;
}

static char *own_redistributor(char *base)
{
    while (*at(base, R_TYPER_HIGH) != own_affinity()) {
        uint32_t type = *at(base, R_TYPER_LOW);
        if (type & R_IS_LAST) {
            panic("this core has no part of the interrupt controller");
        }
        base += type & R_IS_VIRTUAL ? R_SIZE_VIRTUAL : R_SIZE;
    }
    return base;
}

/* 32 interrupts from `first` on: closed, of the kernel's group, all of one priority. */
static void set_up(char *base, unsigned first)
{
    *at(base, DISABLE(first)) = ALL;
    *at(base, GROUP(first)) = ALL;
    for (unsigned i = 0; i < 32; i += 4) {
        *at(base, PRIORITY(first + i)) = PRIORITY_ALL;
    }
}

static void set_up_shared(void)
{
    char *base = gic.distributor;
    unsigned count = ((*at(base, TYPER) & 31) + 1) * 32;
    count = count < SPECIAL ? count : SPECIAL;
    gic.lines = count - FIRST_SHARED < ARCH_IRQS ? count - FIRST_SHARED : ARCH_IRQS - 1;
    *at(base, CTLR) = 0;
    for (unsigned n = FIRST_SHARED; n < count; n += 32) {
        set_up(base, n);
    }
    uint32_t here = own_affinity();
    for (unsigned n = FIRST_SHARED; n < count; n++) {
        *at(base, ROUTE(n)) = here & 0xffffff;
        *at(base, ROUTE(n) + 4) = here >> 24;
    }
    *at(base, CTLR) = CTLR_ROUTING | CTLR_GROUP1;
    while (*at(base, CTLR) & CTLR_PENDING) {
    }
}

static void set_up_private(char *base, unsigned timer)
{
    *at(base, R_WAKER) &= ~R_SLEEP;
    while (*at(base, R_WAKER) & R_ASLEEP) {
    }
    set_up(base + R_PRIVATE, 0);
    *at(base + R_PRIVATE, ENABLE(0)) = 1u << timer;
}

/* The registers of the core, 12.2: all priorities, two steps to the end, group 1. */
static void set_up_core(void)
{
    __asm__ volatile("msr icc_sre_el1, %0\n\t"
                     "isb\n\t"
                     "msr icc_pmr_el1, %1\n\t"
                     "msr icc_bpr1_el1, xzr\n\t"
                     "msr icc_ctlr_el1, %2\n\t"
                     "msr icc_igrpen1_el1, %3\n\t"
                     "isb"
                     :
                     : "r"(7ul), "r"(0xfful), "r"(2ul), "r"(1ul)
                     : "memory");
}

void gicv3_init(char *distributor, char *redistributors, unsigned timer)
{
    gic.distributor = distributor;
    set_up_shared();
    set_up_private(own_redistributor(redistributors), timer);
    set_up_core();
}

ALWAYS_INLINE void deactivate(word interrupt)
{
    __asm__ volatile("msr icc_dir_el1, %0\n\tisb" : : "r"(interrupt) : "memory");
}

/* The timer, which interrupts just now: it will come back. Or nothing. */
static void drop_private(word interrupt)
{
    if (interrupt < FIRST_SHARED) {
        __asm__ volatile("msr icc_eoir1_el1, %0\n\tisb" : : "r"(interrupt) : "memory");
        deactivate(interrupt);
    }
}

int irqchip_claim(void)
{
    word interrupt;
    __asm__ volatile("mrs %0, icc_iar1_el1\n\tdsb sy" : "=r"(interrupt) : : "memory");
    if (unlikely(interrupt - FIRST_SHARED >= SPECIAL - FIRST_SHARED)) {
        drop_private(interrupt);
        return 0;
    }
    /* In effect when the kernel returns to a program, at the latest. */
    __asm__ volatile("msr icc_eoir1_el1, %0" : : "r"(interrupt) : "memory");
    return (int)(interrupt - (FIRST_SHARED - 1));
}

void irqchip_complete(unsigned line)
{
    deactivate(line + FIRST_SHARED - 1);
}

void irqchip_open(unsigned line)
{
    unsigned n = line + FIRST_SHARED - 1;
    *at(gic.distributor, ENABLE(n)) = 1u << n % 32;
}

void irqchip_close(unsigned line)
{
    unsigned n = line + FIRST_SHARED - 1;
    *at(gic.distributor, DISABLE(n)) = 1u << n % 32;
    while (*at(gic.distributor, CTLR) & CTLR_PENDING) {
    }
}

unsigned irqchip_lines(void)
{
    return gic.lines;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82093AA I/O APIC, and the local APIC's part in interrupts. A line is masked from when it is
 * claimed until it is completed, and the interrupt is over for the local APIC at once: so a line that
 * waits for its driver keeps no other line waiting, nor the timer.
 *
 * All lines are level-triggered, those of old devices too, which hold them until they are served. That
 * way nothing is lost while a line is masked.
 */
#include "dev/ioapic.h"

#include "arch/arch.h"
#include "dev/irqchip.h"

#define SELECT 0x00
#define WINDOW 0x10
/* Registers, by what SELECT says. */
#define VERSION 1
#define LOW(line)  (0x10 + 2 * (line))
#define HIGH(line) (0x11 + 2 * (line))

#define ACTIVE_LOW   (1u << 13)
#define LEVEL        (1u << 15)
#define MASKED       (1u << 16)
#define TO_CORE      24
#define FIRST_OF_PCI 16 /* lines from this one on are active when low */

static struct {
    char *base;
    unsigned lines;
    uint32_t open;    /* lines that may interrupt ... */
    uint32_t claimed; /* ... and those that wait to be completed */
} ioapic;

static uint32_t volatile DEVICE *window(unsigned number)
{
    *(uint32_t volatile DEVICE *)(void *)(ioapic.base + SELECT) = number;
    return (uint32_t volatile DEVICE *)(void *)(ioapic.base + WINDOW);
}

static void update(unsigned line)
{
    bool silent = (ioapic.open & ~ioapic.claimed & 1u << line) == 0;
    uint32_t polarity = line >= FIRST_OF_PCI ? ACTIVE_LOW : 0;
    *window(LOW(line)) = (VECTOR_LINE + line) | LEVEL | polarity | (silent ? MASKED : 0);
}

void ioapic_init(char *base, unsigned core)
{
    ioapic.base = base;
    unsigned last = *window(VERSION) >> 16 & 0xff;
    ioapic.lines = last < ARCH_IRQS - 1 ? last : ARCH_IRQS - 1;
    for (unsigned line = 0; line <= ioapic.lines; line++) {
        update(line);
        *window(HIGH(line)) = core << TO_CORE;
    }
}

int irqchip_claim(void)
{
    unsigned line = x86_vector - VECTOR_LINE;
    x86_vector = 0;
    if (line > ioapic.lines) {
        return 0;
    }
    ioapic.claimed |= 1u << line;
    update(line);
    *lapic_register(LAPIC_EOI) = 0;
    return (int)line;
}

void irqchip_complete(unsigned line)
{
    ioapic.claimed &= ~(1u << line);
    update(line);
}

void irqchip_open(unsigned line)
{
    ioapic.open |= 1u << line;
    update(line);
}

void irqchip_close(unsigned line)
{
    ioapic.open &= ~(1u << line);
    update(line);
}

unsigned irqchip_lines(void)
{
    return ioapic.lines;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V Platform-Level Interrupt Controller, specification 1.0.0. A line that was claimed stays
 * silent until it is completed, which is just what an acknowledgement is to mean. */
#include "dev/plic.h"

#include "arch/arch.h"
#include "dev/irqchip.h"

#define PRIORITY(line)     (0x000000 + 4ul * (line))
#define ENABLE(context)    (0x002000 + 0x80ul * (context))
#define THRESHOLD(context) (0x200000 + 0x1000ul * (context))
#define CLAIM(context)     (0x200004 + 0x1000ul * (context))

static struct {
    char *base;
    uint32_t volatile DEVICE *claim; /* read to claim, written to complete */
    unsigned context;
    unsigned lines;
} plic;

ALWAYS_INLINE uint32_t volatile DEVICE *at(word offset)
{
    return (uint32_t volatile DEVICE *)(void *)(plic.base + offset);
}

void plic_init(char *base, unsigned context, unsigned lines)
{
    plic.base = base;
    plic.claim = at(CLAIM(context));
    plic.context = context;
    plic.lines = lines < ARCH_IRQS - 1 ? lines : ARCH_IRQS - 1;
    for (unsigned line = 1; line <= plic.lines; line++) {
        *at(PRIORITY(line)) = 1;
        irqchip_close(line);
    }
    *at(THRESHOLD(context)) = 0;
}

int irqchip_claim(void)
{
    return (int)*plic.claim;
}

void irqchip_complete(unsigned line)
{
    *plic.claim = line;
}

void irqchip_open(unsigned line)
{
    *at(ENABLE(plic.context) + line / 32 * 4) |= 1u << line % 32;
}

void irqchip_close(unsigned line)
{
    *at(ENABLE(plic.context) + line / 32 * 4) &= ~(1u << line % 32);
}

unsigned irqchip_lines(void)
{
    return plic.lines;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines: each signals the notification whose capability it holds, and is silent from
 * then until it is acknowledged. */
#pragma once

#include "object/cap.h"

struct irq {
    struct slot notification; /* empty: not bound */
    struct life life;         /* type OBJECT_NONE: free to be claimed */
    bool waiting;             /* for an acknowledgement */
} ALIGNED(64);

extern struct irq irqs[ARCH_IRQS];

ALWAYS_INLINE struct irq *cap_irq(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_IRQ_HANDLER);
}

ALWAYS_INLINE unsigned irq_number(struct irq const *irq)
{
    return (unsigned)(irq - irqs);
}

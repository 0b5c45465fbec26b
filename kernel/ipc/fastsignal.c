/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of calls after which the same thread goes on: a signal that nobody waits for, a
 * poll, a yield when nobody else wants to run. Nothing is saved: this file is compiled so that only
 * scratch registers are free. What turns out to concern another thread goes on in fastpath.c.
 */
#include "arch/arch.h"
#include "fast.h"
#include "object/notification.h"
#include "sched/sched.h"

void fast_signal(void)
{
    struct tcb *current = arch_current();
    struct slot *slot = (struct slot *)(current->cs_base + (arch_address() & current->cs_mask));
    word head = slot->head;
    if (unlikely(!(head & NOTIFICATION_SIGNAL))) {
        return arch_decline_unsaved();
    }
    struct notification *notification = cap_object_of(head, OBJECT_NOTIFICATION);
    if (notification->waiters.head != NULL) {
        return arch_signal_wake();
    }
    if (unlikely(notification->bound != 0)) {
        return arch_decline_unsaved();
    }
    notification->bits |= slot->arg;
    notification->count++;
    arch_resume();
}

void fast_poll(void)
{
    struct tcb *current = arch_current();
    struct slot *slot = (struct slot *)(current->cs_base + (arch_address() & current->cs_mask));
    word head = slot->head;
    if (unlikely(cap_type(head) != OBJECT_NOTIFICATION) || unlikely(!(head & NOTIFICATION_WAIT))) {
        return arch_decline_unsaved();
    }
    struct notification *notification = cap_object_of(head, OBJECT_NOTIFICATION);
    word bits = notification->bits;
    word count = notification->count;
    if (count == 0 || unlikely(notification->bound != 0)) {
        return arch_decline_unsaved();
    }
    notification->bits = 0;
    notification->count = 0;
    arch_resume_event(bits, count);
}

void fast_yield(void)
{
    struct tcb *current = arch_current();
    struct cpu *cpu = current->cpu;
    if (unlikely(cpu->top >= current->priority)) {
        return arch_decline_unsaved();
    }
    struct tcb *first = cpu->first;
    if (first != NULL && first->priority >= current->priority) {
        return arch_yield_to();
    }
    arch_resume();
}

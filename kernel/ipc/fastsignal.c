/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of a signal that nobody waits for. The thread goes on, so nothing is saved: this
 * file is compiled so that only scratch registers are free. If somebody waits, fastpath.c sees to
 * it.
 */
#include "arch/arch.h"
#include "fast.h"
#include "object/notification.h"

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
    if (unlikely(notification->bound != NULL)) {
        return arch_decline_unsaved();
    }
    notification->bits |= slot->arg;
    notification->count++;
    arch_resume();
}

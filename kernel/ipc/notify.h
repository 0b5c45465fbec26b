/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals. A signal that nobody waits for stays until somebody does; many become one. */
#pragma once

#include "object/notification.h"
#include "sched/sched.h"

void notify_signal_slow(struct cpu *cpu, struct notification *notification, word bits);
/* Takes what is pending into the thread's argument registers; false if there is nothing. */
bool notify_take(struct cpu *cpu, struct notification *notification, struct tcb *thread);
/* Takes what is pending, or waits; would_block without `wait`. `deadline` in ticks, 0 for none. */
NODISCARD enum err notify_wait(struct cpu *cpu, struct notification *notification, word deadline,
                               bool wait);
void notify_bind(struct cpu *cpu, struct notification *notification, struct tcb *thread);
/* A thread that may have had none has got time: signals may wait for it. */
void notify_has_time(struct cpu *cpu, struct tcb *thread);
void notify_unbind(struct cpu *cpu, struct notification *notification);

/* The timer has interrupted: deadlines that passed, time that is used up. */
void notify_timer(struct cpu *cpu);

/* A thread that waited gets the signals. */
ALWAYS_INLINE void notify_hand_out(struct tcb *thread, word bits, word count)
{
    thread->args[0] = EVENT_KIND_SIGNAL;
    thread->args[1] = bits;
    thread->args[2] = count;
}

/* Sets bits, and wakes whom that concerns. */
ALWAYS_INLINE void notify_signal(struct cpu *cpu, struct notification *notification, word bits)
{
    struct tcb *waiter = notification->waiters.head;
    if (likely(waiter != NULL) && likely(waiter->attention == 0)) {
        wait_queue_pop(&notification->waiters);
        notify_hand_out(waiter, bits, 1);
        sched_wake(cpu, waiter);
    } else {
        notify_signal_slow(cpu, notification, bits);
    }
}

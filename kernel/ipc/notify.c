/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/notify.h"

#include "ipc/ipc.h"
#include "ipc/wait_set.h"
#include "trace_events.h"

/* There is nothing any more that the bound thread, or the wait set, has to be told. */
static void told(struct cpu *cpu, struct notification *notification)
{
    struct member *member = member_of(notification->bound);
    if (member != NULL) {
        wait_set_taken(member);
    } else {
        cpu_unattend(cpu, notification_thread(notification), ATTENTION_SIGNAL);
    }
}

bool notify_take(struct cpu *cpu, struct notification *notification, struct tcb *thread)
{
    if (notification->count == 0) {
        return false;
    }
    notify_hand_out(thread, notification->bits, notification->count);
    notification->bits = 0;
    notification->count = 0;
    if (notification->bound != 0) {
        told(cpu, notification);
    }
    return true;
}

/* The bound thread gets what is pending if it receives messages, or will when it next does. Without
 * time of its own it goes on receiving: it could do nothing, and nobody could call it. */
static void tell_bound(struct cpu *cpu, struct notification *notification)
{
    struct tcb *bound = notification_thread(notification);
    if (bound->wait != 0 && wait_kind(bound->wait) == WAIT_RECV && bound->sc != NULL) {
        struct endpoint *endpoint = wait_object(bound->wait);
        wait_queue_remove(&endpoint->recv, bound);
        deadline_clear(cpu, bound);
        (void)notify_take(cpu, notification, bound);
        bound->caller = NULL;
        sched_ready(cpu, bound);
    } else {
        cpu_attend(cpu, bound, ATTENTION_SIGNAL);
    }
}

void notify_signal_slow(struct cpu *cpu, struct notification *notification, word bits)
{
    struct tcb *waiter = notification->waiters.head;
    if (waiter != NULL) {
        wait_queue_pop(&notification->waiters);
        deadline_clear(cpu, waiter);
        notify_hand_out(waiter, bits, 1);
        sched_wake(cpu, waiter);
        return;
    }
    notification->bits |= bits;
    notification->count++;
    if (notification->bound & SET_MEMBER) {
        if (notification->count == 1) {
            wait_set_signal(cpu, member_of(notification->bound));
        }
    } else if (notification->bound != 0) {
        tell_bound(cpu, notification);
    }
}

enum err notify_wait(struct cpu *cpu, struct notification *notification, word deadline, bool wait)
{
    struct tcb *current = cpu->current;
    if (notify_take(cpu, notification, current)) {
        return OK;
    }
    if (!wait) {
        return ERR_WOULD_BLOCK;
    }
    time_lend(current, cpu->sc);
    sched_block(cpu, (word)notification | WAIT_NOTIFICATION);
    wait_queue_add(&notification->waiters, current, false);
    deadline_set(cpu, current, deadline);
    return OK;
}

void notify_bind(struct cpu *cpu, struct notification *notification, struct tcb *thread)
{
    notification->bound = (word)thread;
    thread->bound = notification;
    if (notification->count != 0) {
        tell_bound(cpu, notification);
    }
}

void notify_has_time(struct cpu *cpu, struct tcb *thread)
{
    if (thread->bound != NULL && thread->bound->count != 0) {
        tell_bound(cpu, thread->bound);
    }
    if (thread->serving != NULL && thread->serving->set != 0) {
        wait_set_has_time(cpu, thread);
    }
}

void notify_unbind(struct cpu *cpu, struct notification *notification)
{
    struct tcb *thread = notification_thread(notification);
    if (thread != NULL) {
        thread->bound = NULL;
        notification->bound = 0;
        cpu_unattend(cpu, thread, ATTENTION_SIGNAL);
    }
}

/* So many deadlines are seen to in one timer interrupt; the next comes at once if there are more. */
#define DEADLINES_AT_ONCE 8

void notify_timer(struct cpu *cpu)
{
    word now = arch_now();
    trace_timer(cpu, cpu->timer);
    trace_interrupted(cpu);
    cpu_count(cpu, COUNTER_TICKS);
    sched_tick(cpu, now);
    for (int i = 0; i < DEADLINES_AT_ONCE; i++) {
        struct tcb *thread = deadline_passed(cpu, now);
        if (thread == NULL) {
            break;
        }
        trace_timeout(cpu, thread);
        ipc_cancel(cpu, thread, ERR_TIMED_OUT, false);
    }
    timer_first(cpu);
}

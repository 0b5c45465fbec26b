/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/timer.h"

void timer_first(struct cpu *cpu)
{
    struct heap_node const *deadline = cpu->deadlines.first;
    struct heap_node const *renewal = cpu->renewals.first;
    word when = deadline != NULL ? deadline->key : ~0ul;
    if (renewal != NULL && renewal->key < when) {
        when = renewal->key;
    }
    cpu->timer = when;
    arch_timer_set(when); /* once: it may be the firmware that does it */
}

void deadline_set(struct cpu *cpu, struct tcb *thread, word when)
{
    if (when != 0) {
        heap_insert(&cpu->deadlines, &thread->deadline, when);
        timer_by(cpu, when);
        thread_attend(thread, ATTENTION_DEADLINE);
    }
}

void deadline_leave(struct cpu *cpu, struct tcb *thread)
{
    heap_remove(&cpu->deadlines, &thread->deadline);
    thread_unattend(thread, ATTENTION_DEADLINE);
}

struct tcb *deadline_passed(struct cpu *cpu, word now)
{
    struct heap_node *first = cpu->deadlines.first;
    if (first == NULL || first->key > now) {
        return NULL;
    }
    return container_of(first, struct tcb, deadline);
}

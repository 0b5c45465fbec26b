/* SPDX-License-Identifier: BSD-2-Clause */
/* A core's timer, which interrupts for what is known to come next; and by when threads wait. */
#pragma once

#include "sched/cpu.h"

/* The timer is to interrupt at `when` at the latest. */
ALWAYS_INLINE void timer_by(struct cpu *cpu, word when)
{
    if (unlikely(when < cpu->timer)) {
        cpu->timer = when;
        arch_timer_set(when);
    }
}
/* The timer has interrupted: sets it for what is known to come next. */
void timer_first(struct cpu *cpu);

/* Arms the deadline of a thread that begins to wait; 0 is never. */
void deadline_set(struct cpu *cpu, struct tcb *thread, word when);
void deadline_leave(struct cpu *cpu, struct tcb *thread);
ALWAYS_INLINE void deadline_clear(struct cpu *cpu, struct tcb *thread)
{
    if (unlikely(thread->attention & ATTENTION_DEADLINE)) {
        deadline_leave(cpu, thread);
    }
}
/* The thread whose deadline passed first, or NULL. */
struct tcb *deadline_passed(struct cpu *cpu, word now);

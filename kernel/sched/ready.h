/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that are ready, and do not run: the first of all, if it is known, and lists of the others
 * by priority; those of DEADLINE_PRIORITY stand in a heap, by deadline.
 */
#pragma once

#include "sched/cpu.h"

/* Into its list, behind its equals or before them; `cpu->first` is as it was. */
void ready_insert(struct cpu *cpu, struct tcb *thread, bool before);
/* Out of its list. */
void ready_extract(struct cpu *cpu, struct tcb *thread);
/* It is not ready any more. */
void ready_remove(struct cpu *cpu, struct tcb *thread);
/* What a thread has to be done by is another time: it may have to stand elsewhere. */
void ready_stand_anew(struct cpu *cpu, struct tcb *thread);
/* The current thread runs by deadline, like the first that is ready. That has to be done before it? */
bool ready_is_due_first(struct cpu const *cpu);

/* The highest priority of those that are ready; -1: there are none. */
ALWAYS_INLINE int ready_highest(struct cpu const *cpu)
{
    return cpu->first != NULL ? cpu->first->priority : cpu->top;
}

/* Puts a ready thread behind the others of its priority. */
ALWAYS_INLINE void ready_put(struct cpu *cpu, struct tcb *thread)
{
    struct tcb *first = cpu->first;
    if (likely(thread->priority > ready_highest(cpu))) {
        cpu->first = thread;
        if (likely(first == NULL)) {
            return;
        }
        ready_insert(cpu, first, true);
    } else {
        ready_insert(cpu, thread, false);
    }
}

/* Before its equals; nobody is known to be the first of all. */
ALWAYS_INLINE void ready_put_back(struct cpu *cpu, struct tcb *thread)
{
    kassert(cpu->first == NULL);
    if (likely(thread->priority >= cpu->top) && likely(thread->priority != DEADLINE_PRIORITY)) {
        cpu->first = thread;
    } else {
        ready_insert(cpu, thread, true);
    }
}

/* The first of all, NULL if nobody is ready. It is not ready any more, but about to run. */
ALWAYS_INLINE struct tcb *ready_take(struct cpu *cpu)
{
    struct tcb *best = cpu->first;
    if (likely(best != NULL)) {
        cpu->first = NULL;
        return best;
    }
    if (cpu->top < 0) {
        return NULL;
    }
    best = cpu->ready.list[PRIORITIES - 1 - cpu->top].head;
    ready_extract(cpu, best);
    return best;
}

void ready_check(struct cpu const *cpu);

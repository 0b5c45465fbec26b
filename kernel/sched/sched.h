/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: 256 priorities, the most urgent ready thread runs. Threads run on time, which is
 * an account (object/sched_context.h), usually their own (sched/time.h).
 */
#pragma once

#include "sched/cpu.h"
#include "sched/ready.h"
#include "sched/time.h"
#include "sched/timer.h"

void cpu_init(struct cpu *cpu);

/* The current thread waits: `wait` is as in struct tcb. */
ALWAYS_INLINE void sched_block(struct cpu *cpu, word wait)
{
    cpu->current->wait = wait;
    cpu->resched = RESCHED_ALL;
}
/* A thread can run now: it waits for nothing but time. Without any it waits for that. */
void sched_ready_or_not(struct cpu *cpu, struct tcb *thread);

/* A thread that is not the current one can run. */
ALWAYS_INLINE void sched_wake(struct cpu *cpu, struct tcb *thread)
{
    kassert(thread != cpu->current);
    if (likely(thread->slice != NULL)) {
        thread->wait = 0;
        cpu->resched |= RESCHED_READY;
        ready_put(cpu, thread);
    } else {
        sched_ready_or_not(cpu, thread);
    }
}
ALWAYS_INLINE void sched_ready(struct cpu *cpu, struct tcb *thread)
{
    if (likely(thread != cpu->current)) {
        sched_wake(cpu, thread);
    } else {
        sched_ready_or_not(cpu, thread);
    }
}
/* A thread that could run, or waits for time, no longer can. */
void sched_unready(struct cpu *cpu, struct tcb *thread, word wait);

/* Whether the processor can go straight to `to`, as the fast path would: two ordinary threads, and
 * nobody more urgent is ready. */
ALWAYS_INLINE bool sched_can_pass(struct cpu const *cpu, struct tcb const *to)
{
    return likely(to->rank_to >= cpu->bar) && likely(to->vspace->root != 0);
}
/* Processor and time go to `to`, for whom the current thread now waits. */
ALWAYS_INLINE void sched_pass(struct cpu *cpu, struct tcb *to)
{
    kassert(cpu->resched == 0 && cpu->sc != NULL && to->lent == NULL && !cpu->fpu_on);
    to->wait = 0;
    cpu->current = to;
    cpu_count(cpu, COUNTER_SWITCHES);
    arch_root_load(to->vspace->root);
}
/* The same, if it can be; otherwise `to` becomes ready and gets the time when it runs. */
ALWAYS_INLINE void sched_pass_or_ready(struct cpu *cpu, struct tcb *to)
{
    if (sched_can_pass(cpu, to)) {
        sched_pass(cpu, to);
    } else {
        time_hand_over(cpu, to);
        sched_ready(cpu, to);
        cpu->resched = RESCHED_ALL;
    }
}

void sched_set_priority(struct cpu *cpu, struct tcb *thread, uint8_t priority);
/* Moves the current thread behind the others of its priority. */
void sched_step_aside(struct cpu *cpu);
/* A stopped thread that is about to be destroyed. */
void sched_forget_thread(struct cpu *cpu, struct tcb *thread);

/* What the passing of time asks for, threads' deadlines aside: slices and periods. */
void sched_tick(struct cpu *cpu, word now);
/* Decides who runs, and sets up time and timer for it. NULL: nobody can, or cpu->late has to be seen
 * to first. If another thread runs then, so many ticks that were already spent are its own. */
struct tcb *sched_choose(struct cpu *cpu, word spent);

/* The fast path's bar while `next` runs and the highest ready priority is `rival` (-1: nobody).
 * Never below 0: a special thread, whose rank is -1, must not pass even if nobody is ready. */
ALWAYS_INLINE void sched_set_bar(struct cpu *cpu, struct tcb const *next, int rival)
{
    cpu->bar = likely(next->attention == 0) ? (int16_t)(rival < 0 ? 0 : rival) : RANK_NEVER;
}

/* The same when all that happened is that threads became ready, in a straight line: the current
 * one goes on, or makes way for the first that is ready. NULL: it is not that simple. */
ALWAYS_INLINE struct tcb *sched_choose_ready(struct cpu *cpu, word spent)
{
    struct tcb *current = cpu->current;
    struct tcb *next = cpu->first;
    kassert(current != NULL);
    if (unlikely(next == NULL) || unlikely(cpu->sc != current->sc)) {
        return NULL;
    }
    if (next->priority <= current->priority) {
        if (unlikely(next->priority == DEADLINE_PRIORITY)) {
            return NULL; /* it may hold up somebody who is due first */
        }
        sched_set_bar(cpu, current, next->priority);
        timer_by(cpu, cpu->end);
        cpu->resched = 0;
        return current;
    }
    struct sched_context *from = cpu->sc;
    struct sched_context *to = next->slice;
    if (unlikely(to == NULL) || unlikely(to->left <= 0) ||
        unlikely(cpu->top > current->priority)) { /* several became ready at once */
        return NULL;
    }
    word now = arch_now() - spent;
    from->left = (long)(cpu->end - now);
    cpu->sc = to;
    cpu->end = now + (word)to->left;
    cpu->first = current; /* it was the most urgent until now */
    sched_set_bar(cpu, next, current->priority);
    timer_by(cpu, cpu->end);
    cpu->resched = 0;
    return next;
}

void sched_check(struct cpu const *cpu);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: 256 priorities, the most urgent ready thread runs. Threads run on time, which is
 * an account (object/sched_context.h), usually their own. Time follows the core: while a call or
 * a reply hands the processor on, the account that is charged stays the same.
 *
 * All of a core's state is written under its home lock.
 */
#pragma once

#include "base/lock.h"
#include "object/sched_context.h"
#include "object/thread.h"
#include "object/vspace.h"

struct ready_list {
    struct tcb *head;
    struct tcb *tail;
};

/* Lists are kept by 255 - priority, so that the lowest set bit is the most urgent. */
struct ready_queue {
    word summary; /* which words of `map` are not 0 */
    word map[PRIORITIES / 64];
    struct ready_list list[PRIORITIES];
};

struct cpu {
    struct tcb *current;      /* who runs, or entered the kernel last; NULL once it is destroyed */
    int16_t bar;              /* the rank that a thread must have to be switched to by a reply:
                                 the highest ready priority or 0; RANK_NEVER if current is
                                 special */
    struct sched_context *sc; /* whose time runs; NULL: nobody's */
    word ipc_fast;            /* replies on the fast path */
    word stack;               /* top of the kernel stack */

    struct lock home;
    bool resched;      /* something changed that may change who runs, or `bar` */
    bool rotate;       /* current has used up its slice, or yields */
    int top;           /* the highest ready priority, -1 if none */
    struct tcb *woken; /* made ready in this kernel entry, not yet queued: may run at once */
    word since;        /* when `sc` began to run, or was last charged */
    word timer;        /* what the timer is set to */
    struct heap deadlines; /* of waiting threads */
    struct heap renewals;  /* of exhausted scheduling contexts */
    word counters[COUNTER_IDLE + 1];

    /* The request to a kernel object that is being performed: see api/invocation.h. */
    word volatile *args;
    word volatile *tag; /* where a handler that is interrupted says how to go on */
    word detail;        /* ErrorDetail */
    word last_call;     /* first argument register and tag of the last system call, for a panic */
    word last_tag;

    struct ready_queue ready;
};
_Static_assert(offsetof(struct cpu, bar) == 8 && offsetof(struct cpu, stack) == 32, "trap.S");

void cpu_init(struct cpu *cpu);

ALWAYS_INLINE void cpu_count(struct cpu *cpu, enum counter which)
{
    cpu->counters[which]++;
}

/* The current thread waits: `wait` is as in struct tcb. */
ALWAYS_INLINE void sched_block(struct cpu *cpu, word wait)
{
    cpu->current->wait = wait;
    cpu->resched = true;
}
/* Why the fast path must keep away from a thread, and that it need not any more. */
ALWAYS_INLINE void sched_attend(struct cpu *cpu, struct tcb *thread, enum attention why)
{
    thread_attend(thread, why);
    cpu->resched |= thread == cpu->current;
}
ALWAYS_INLINE void sched_unattend(struct cpu *cpu, struct tcb *thread, enum attention why)
{
    thread_unattend(thread, why);
    cpu->resched |= thread == cpu->current;
}
/* A thread can run now: it waits for nothing but time. Without any it waits for that. */
void sched_ready(struct cpu *cpu, struct tcb *thread);
/* A thread that could run, or waits for time, no longer can. */
void sched_unready(struct cpu *cpu, struct tcb *thread, word wait);
/* `thread` will run on `sc` when it next runs, instead of its own time. NULL: on its own. */
void sched_lend(struct tcb *thread, struct sched_context *sc);
/* The time that runs is lent to `to`: the current thread waits, or runs on its own from now on. */
void sched_hand_over(struct cpu *cpu, struct tcb *to);
/* The current thread runs on the time of `from`, which waits for it. */
void sched_take_over(struct cpu *cpu, struct tcb *from);
/* Gives and takes a thread's own time. */
void sched_bind(struct cpu *cpu, struct sched_context *sc, struct tcb *thread);
void sched_unbind(struct cpu *cpu, struct sched_context *sc);
/* Time that is about to be destroyed: takes it from one of those that use it. True when done. */
bool sched_forget_one(struct cpu *cpu, struct sched_context *sc);
/* Sets budget and period, in ticks; a full budget is there at once. */
void sched_configure(struct cpu *cpu, struct sched_context *sc, word budget, word period);
void sched_set_priority(struct cpu *cpu, struct tcb *thread, uint8_t priority);
/* Moves the current thread behind the others of its priority. */
void sched_yield(struct cpu *cpu);

/* Charges the time that runs for what it has used until now. */
void sched_charge(struct cpu *cpu, word now);
/* What the passing of time asks for, threads' deadlines aside: slices and periods. */
void sched_tick(struct cpu *cpu, word now);
/* Decides who runs: NULL if nobody can. Sets up time and timer for it. */
struct tcb *sched_choose(struct cpu *cpu);

/* Arms the deadline of a thread that begins to wait; 0 is never. */
void deadline_set(struct cpu *cpu, struct tcb *thread, word when);
void deadline_clear(struct cpu *cpu, struct tcb *thread);
/* The thread whose deadline passed first, or NULL. */
struct tcb *deadline_passed(struct cpu *cpu, word now);

void sched_check(struct cpu const *cpu);

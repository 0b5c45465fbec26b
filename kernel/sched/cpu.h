/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core: who runs on it and on whose time, who is ready, and what it waits for.
 *
 * All of its state is written under its home lock.
 */
#pragma once

#include "base/lock.h"
#include "object/ring.h"
#include "object/sched_context.h"
#include "object/thread.h"
#include "object/vspace.h"

struct pmu_counter;

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

/* What a kernel entry did to the question who runs next. */
enum resched {
    RESCHED_READY = 1, /* threads became ready, no more */
    RESCHED_ALL = 2,   /* anything else */
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
    uint8_t resched;   /* enum resched: what has changed that may change who runs, or `bar` */
    bool rotate;       /* current has used up its slice, or yields */
    int top;           /* the highest priority in the queue, -1 if it is empty */
    struct tcb *first; /* ready, and goes before all in the queue; NULL: not known */
    struct tcb *heir;  /* who gets the time that runs, when this kernel entry is over */
    struct tcb *late;  /* whose time-out handler is to be told that there is no time for it */
    word end;          /* when `sc` will be used up */
    word interruption; /* ticks that an interrupt takes from who runs, to and fro */
    word timer;        /* what the timer is set to */
    struct heap deadlines; /* of waiting threads */
    struct heap renewals;  /* of exhausted scheduling contexts */
    struct heap by_deadline; /* ready threads of DEADLINE_PRIORITY; the first is at its list's head */
    word turn_first; /* whose turn it is of those without a deadline, the first and the last of them */
    word turn_last;
    struct tcb *fpu_owner; /* whose floating-point registers are in the processor, or NULL */
    bool fpu_on;           /* they are switched on: the owner runs */
    word counters[COUNTER_IDLE + 1];
    struct pmu_counter *counting; /* those that count what the processor does: in a ring */
    bool is_traced;         /* `tracing` is not 0 */
    word tracing;           /* bits of enum trace_event: which are recorded, into `ring` */
    struct ring ring;
    uint32_t trace_session; /* counts the rings; a thread notes the one that knows it */

    /* The request to a kernel object that is being performed: see api/invocation.h. */
    word volatile *args;
    word detail;        /* ErrorDetail */
    word last_call;     /* first argument register and tag of the last system call, for a panic */
    word last_tag;

    struct ready_queue ready;
};
_Static_assert(offsetof(struct cpu, bar) == 8 && offsetof(struct cpu, stack) == 32, "trap.S");

ALWAYS_INLINE void cpu_count(struct cpu *cpu, enum counter which)
{
    cpu->counters[which]++;
}

/* Why the fast path must keep away from a thread, and that it need not any more. */
ALWAYS_INLINE void cpu_attend(struct cpu *cpu, struct tcb *thread, enum attention why)
{
    thread_attend(thread, why);
    if (thread == cpu->current) {
        cpu->resched = RESCHED_ALL;
    }
}
ALWAYS_INLINE void cpu_unattend(struct cpu *cpu, struct tcb *thread, enum attention why)
{
    thread_unattend(thread, why);
    if (thread == cpu->current) {
        cpu->resched = RESCHED_ALL;
    }
}

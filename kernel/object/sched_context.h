/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling contexts: processor time, as an account that threads run on. */
#pragma once

#include "object/wait_queue.h"

/* A piece of the budget, and when it comes back. */
struct refill {
    word when;
    word amount;
};
#define REFILLS 48

struct sched_context {
    word budget; /* clock ticks in each period; 0: not configured */
    word period; /* clock ticks; 0: renewed as soon as it is used up */
    long left;    /* of the budget, or of the first refill where there is a period; while it does
                     not run; below 0 after an overrun */
    word granted; /* all that it ever had; less `left`, what it has used */
    struct tcb *thread;       /* it is bound to */
    struct tcb *borrowers;    /* threads whose `lent` it is, linked by `borrow_next` */
    struct wait_queue waiters; /* threads that wait for the next refill, with WAIT_TIME */
    struct heap_node renewal; /* in the core's heap while there are waiters */
    struct life life;
    word mark;      /* what a time-out says of it */
    word deadline;  /* of the job that it is used for, if there is a period */
    word stopped;   /* when it last ran */
    word missed;    /* jobs that were done too late */
    uint32_t first; /* of the refills, which are used in turn (sched/refill.h) */
    uint32_t count;
    word since; /* when the first part of the last refill comes */
    struct refill refill[REFILLS];
} ALIGNED(64);
_Static_assert(sizeof(struct sched_context) <= SCHED_CONTEXT_SIZE, "time fits its object");

ALWAYS_INLINE struct sched_context *cap_sched_context(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_SCHED_CONTEXT);
}

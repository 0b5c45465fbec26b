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

void cpu_init(struct cpu *cpu);

ALWAYS_INLINE void cpu_count(struct cpu *cpu, enum counter which)
{
    cpu->counters[which]++;
}

/* The current thread waits: `wait` is as in struct tcb. */
ALWAYS_INLINE void sched_block(struct cpu *cpu, word wait)
{
    cpu->current->wait = wait;
    cpu->resched = RESCHED_ALL;
}
/* Why the fast path must keep away from a thread, and that it need not any more. */
ALWAYS_INLINE void sched_attend(struct cpu *cpu, struct tcb *thread, enum attention why)
{
    thread_attend(thread, why);
    if (thread == cpu->current) {
        cpu->resched = RESCHED_ALL;
    }
}
ALWAYS_INLINE void sched_unattend(struct cpu *cpu, struct tcb *thread, enum attention why)
{
    thread_unattend(thread, why);
    if (thread == cpu->current) {
        cpu->resched = RESCHED_ALL;
    }
}
/* A thread can run now: it waits for nothing but time. Without any it waits for that. */
void sched_ready_or_not(struct cpu *cpu, struct tcb *thread);
void sched_queue(struct cpu *cpu, struct tcb *thread, bool before);

ALWAYS_INLINE int sched_highest_ready(struct cpu const *cpu)
{
    return cpu->first != NULL ? cpu->first->priority : cpu->top;
}

/* Puts a ready thread behind the others of its priority. */
ALWAYS_INLINE void sched_ready_put(struct cpu *cpu, struct tcb *thread)
{
    struct tcb *first = cpu->first;
    if (likely(thread->priority > sched_highest_ready(cpu))) {
        cpu->first = thread;
        if (likely(first == NULL)) {
            return;
        }
        sched_queue(cpu, first, true);
    } else {
        sched_queue(cpu, thread, false);
    }
}

/* A thread that is not the current one can run. */
ALWAYS_INLINE void sched_wake(struct cpu *cpu, struct tcb *thread)
{
    kassert(thread != cpu->current);
    if (likely(thread->slice != NULL)) {
        thread->wait = 0;
        cpu->resched |= RESCHED_READY;
        sched_ready_put(cpu, thread);
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
/* The time that runs goes to `to`: the current thread waits, or runs on its own from now on. */
ALWAYS_INLINE void sched_hand_over(struct cpu *cpu, struct tcb *to)
{
    cpu->heir = cpu->sc != NULL ? to : NULL;
}
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
        sched_hand_over(cpu, to);
        sched_ready(cpu, to);
        cpu->resched = RESCHED_ALL;
    }
}

/* A thread runs, or begins anew: that it had no time is over. */
void sched_forget_loss(struct tcb *thread);
ALWAYS_INLINE void sched_has_time_again(struct tcb *thread)
{
    if (unlikely(thread->attention != 0) && (thread->attention & ATTENTION_NO_TIME)) {
        sched_forget_loss(thread);
    }
}
/* A thread that could run, or waits for time, no longer can. */
void sched_unready(struct cpu *cpu, struct tcb *thread, word wait);
/* `thread` will run on `sc` when it next runs, instead of its own time. NULL: on its own. */
void sched_change_lender(struct tcb *thread, struct sched_context *sc);
/* To be called where a thread can go on whose caller's time may be gone, or elsewhere. */
void sched_on_its_own(struct cpu *cpu, struct tcb *thread);
/* A stopped thread begins anew: what it did on its caller's time is over. */
void sched_start_anew(struct cpu *cpu, struct tcb *thread);
/* The same thread has no caller any more. */
ALWAYS_INLINE void sched_no_caller(struct cpu *cpu, struct tcb *thread)
{
    thread->caller = NULL;
    if (unlikely(thread->attention & ATTENTION_TIME)) {
        sched_unattend(cpu, thread, ATTENTION_TIME);
    }
}
/* On what a thread would run, if it could. */
ALWAYS_INLINE struct sched_context *sched_time_of(struct tcb const *thread)
{
    return thread->lent != NULL ? thread->lent : thread->sc;
}
ALWAYS_INLINE void sched_lend(struct tcb *thread, struct sched_context *sc)
{
    if (unlikely(thread->lent != NULL) || unlikely(sc != NULL && sc != thread->sc)) {
        sched_change_lender(thread, sc);
    }
}
/* Whether the current thread will have time to go on with, when this kernel entry is over. */
ALWAYS_INLINE bool sched_has_time(struct cpu const *cpu)
{
    return cpu->current->sc != NULL || (cpu->sc != NULL && cpu->heir == NULL);
}
/* `owner` waits no longer for those who run on its time: they lose it. */
void sched_take_back(struct cpu *cpu, struct tcb *owner);
/* The time that `owner` has passed on to `server`, and that from there on, is back; it need not be its own. */
void sched_take_back_passed(struct cpu *cpu, struct tcb *owner, struct tcb *server);
/* The time that `owner` lent to `server`, which has kept it in a Reply object: from it and whom it passed it on to. */
void sched_take_back_kept(struct cpu *cpu, struct tcb *owner, struct tcb *server);
/* `to`, which waits on, has the time that runs; the current thread goes on on its own, or on the same while
 * it has none. */
void sched_give_back(struct cpu *cpu, struct tcb *to);
/* The current thread runs on the time of `from`, which waits for it. */
void sched_take_over(struct cpu *cpu, struct tcb *from);
/* Gives and takes a thread's own time. */
void sched_bind(struct cpu *cpu, struct sched_context *sc, struct tcb *thread);
void sched_unbind(struct cpu *cpu, struct sched_context *sc);
/* A stopped thread that is about to be destroyed. */
void sched_forget_thread(struct cpu *cpu, struct tcb *thread);
/* Time that is about to be destroyed: takes it from one of those that use it. True when done. */
bool sched_forget_one(struct cpu *cpu, struct sched_context *sc);
/* Sets budget and period, in ticks; a full budget is there at once. */
void sched_configure(struct cpu *cpu, struct sched_context *sc, word budget, word period);
void sched_set_priority(struct cpu *cpu, struct tcb *thread, uint8_t priority);
/* What a thread has to be done by is another time: it may have to stand elsewhere among those that are ready. */
void sched_stand_anew(struct cpu *cpu, struct tcb *thread);
/* Moves the current thread behind the others of its priority. */
void sched_step_aside(struct cpu *cpu);

/* Jobs that were done too late on this time, or are late now. */
word sched_missed(struct sched_context const *sc);
/* Ticks of this time that were used so far. */
word sched_used(struct cpu const *cpu, struct sched_context const *sc);
/* The timer is to interrupt at `when` at the latest. */
ALWAYS_INLINE void sched_timer_by(struct cpu *cpu, word when)
{
    if (unlikely(when < cpu->timer)) {
        cpu->timer = when;
        arch_timer_set(when);
    }
}
/* The timer has interrupted: sets it for what is known to come next. */
void sched_timer_first(struct cpu *cpu);
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
        sched_timer_by(cpu, cpu->end);
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
    sched_timer_by(cpu, cpu->end);
    cpu->resched = 0;
    return next;
}

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

void sched_check(struct cpu const *cpu);

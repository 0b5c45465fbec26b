/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On whose time threads run: their own, or what a caller has lent. Time follows the core: while a
 * call or a reply hands the processor on, the account that is charged stays the same. Whoever waits
 * no longer takes back what it lent.
 */
#pragma once

#include "sched/cpu.h"

/* The time that runs goes to `to`: the current thread waits, or runs on its own from now on. */
ALWAYS_INLINE void time_hand_over(struct cpu *cpu, struct tcb *to)
{
    cpu->heir = cpu->sc != NULL ? to : NULL;
}
/* On what a thread would run, if it could. */
ALWAYS_INLINE struct sched_context *time_of(struct tcb const *thread)
{
    return thread->lent != NULL ? thread->lent : thread->sc;
}
/* Whether the current thread will have time to go on with, when this kernel entry is over. */
ALWAYS_INLINE bool time_remains(struct cpu const *cpu)
{
    return cpu->current->sc != NULL || (cpu->sc != NULL && cpu->heir == NULL);
}
/* Nobody's time runs from now on. */
void time_stop(struct cpu *cpu, word now);

/* `thread` will run on `sc` when it next runs, instead of its own time. NULL: on its own. */
void time_change_lender(struct tcb *thread, struct sched_context *sc);
ALWAYS_INLINE void time_lend(struct tcb *thread, struct sched_context *sc)
{
    if (unlikely(thread->lent != NULL) || unlikely(sc != NULL && sc != thread->sc)) {
        time_change_lender(thread, sc);
    }
}
/* Whether a straight line may wake the thread is another question than before. */
void time_update_slice(struct tcb *thread);
/* To be called where a thread can go on whose caller's time may be gone, or elsewhere. */
void time_on_its_own(struct cpu *cpu, struct tcb *thread);
/* A stopped thread begins anew: what it did on its caller's time is over. */
void time_start_anew(struct cpu *cpu, struct tcb *thread);
/* The same thread has no caller any more. */
ALWAYS_INLINE void time_no_caller(struct cpu *cpu, struct tcb *thread)
{
    thread->caller = NULL;
    if (unlikely(thread->attention & ATTENTION_TIME)) {
        cpu_unattend(cpu, thread, ATTENTION_TIME);
    }
}

/* A call is passed on through so many servers at most, if their time is to be found again. */
#define LENDERS 16

/* `owner` waits no longer for those who run on its time: they lose it. */
void time_take_back(struct cpu *cpu, struct tcb *owner);
/* The time that `owner` has passed on to `server`, and that from there on, is back; it need not be its own. */
void time_take_back_passed(struct cpu *cpu, struct tcb *owner, struct tcb *server);
/* The time that `owner` lent to `server`, which has kept it in a Reply object: from it and whom it passed it on to. */
void time_take_back_kept(struct cpu *cpu, struct tcb *owner, struct tcb *server);
/* `to`, which waits on, has the time that runs; the current thread goes on on its own, or on the same while
 * it has none. */
void time_give_back(struct cpu *cpu, struct tcb *to);
/* The current thread runs on the time of `from`, which waits for it. */
void time_take_over(struct cpu *cpu, struct tcb *from);

/* Gives and takes a thread's own time. */
void time_bind(struct cpu *cpu, struct sched_context *sc, struct tcb *thread);
void time_unbind(struct cpu *cpu, struct sched_context *sc);
/* Time that is about to be destroyed: takes it from one of those that use it. True when done. */
bool time_forget_one(struct cpu *cpu, struct sched_context *sc);
/* Sets budget and period, in ticks; a full budget is there at once. */
void time_configure(struct cpu *cpu, struct sched_context *sc, word budget, word period);
/* Ticks of this time that were used so far. */
word time_used(struct cpu const *cpu, struct sched_context const *sc);

/* What a handler of time-outs is told of `thread`, which has nothing of `sc`. */
void time_note_out(struct cpu *cpu, struct tcb *thread, struct sched_context const *sc);
/* A thread runs, or begins anew: that it had no time is over. */
void time_forget_loss(struct tcb *thread);
ALWAYS_INLINE void time_has_again(struct tcb *thread)
{
    if (unlikely(thread->attention != 0) && (thread->attention & ATTENTION_NO_TIME)) {
        time_forget_loss(thread);
    }
}

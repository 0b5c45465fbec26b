/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/time.h"

#include "object/reply.h"
#include "sched/refill.h"
#include "sched/sched.h"

void time_update_slice(struct tcb *thread)
{
    struct sched_context *sc = thread->sc;
    bool plain = sc != NULL && sc->period == 0 && thread->lent == NULL &&
                 !(thread->attention & (ATTENTION_TURN | ATTENTION_NO_TIME));
    thread->slice = plain ? sc : NULL;
}

void time_forget_loss(struct tcb *thread)
{
    thread_unattend(thread, ATTENTION_NO_TIME);
    time_update_slice(thread);
}

void time_change_lender(struct tcb *thread, struct sched_context *sc)
{
    if (thread->lent != NULL) {
        struct tcb **place = &thread->lent->borrowers;
        if (thread->borrow_prev != NULL) {
            place = &thread->borrow_prev->borrow_next;
        }
        *place = thread->borrow_next;
        if (thread->borrow_next != NULL) {
            thread->borrow_next->borrow_prev = thread->borrow_prev;
        }
        thread->lent = NULL;
    }
    if (sc != NULL && sc != thread->sc) {
        thread->lent = sc;
        thread->borrow_prev = NULL;
        thread->borrow_next = sc->borrowers;
        if (sc->borrowers != NULL) {
            sc->borrowers->borrow_prev = thread;
        }
        sc->borrowers = thread;
    }
    time_update_slice(thread);
}

void time_on_its_own(struct cpu *cpu, struct tcb *thread)
{
    bool receives = thread->wait != 0 && wait_kind(thread->wait) == WAIT_RECV;
    if (thread->caller != NULL && !receives && thread->lent == NULL && thread != cpu->heir) {
        cpu_attend(cpu, thread, ATTENTION_TIME);
    }
}

void time_start_anew(struct cpu *cpu, struct tcb *thread)
{
    struct tcb *caller = thread->caller;
    if (caller != NULL && caller->sc == NULL) {
        time_lend(caller, thread->lent);
    }
    time_lend(thread, NULL);
    time_on_its_own(cpu, thread);
}

void time_stop(struct cpu *cpu, word now)
{
    if (cpu->sc != NULL) {
        cpu->sc->left = (long)(cpu->end - now);
        cpu->sc->stopped = now;
        cpu->sc = NULL;
    }
}

void time_give_back(struct cpu *cpu, struct tcb *to)
{
    time_lend(to, cpu->sc);
    if (cpu->current->sc != NULL) {
        time_stop(cpu, arch_now());
        cpu->resched = RESCHED_ALL;
    }
}

void time_take_over(struct cpu *cpu, struct tcb *from)
{
    struct sched_context *sc = time_of(from);
    if (unlikely(sc == NULL) && cpu->current->sc == NULL) {
        return; /* neither has any: it goes on on what it runs on */
    }
    if (unlikely(cpu->heir != NULL)) {
        time_lend(cpu->heir, cpu->sc); /* what was to be handed over, before it stops */
        cpu->heir = NULL;
    }
    time_lend(from, NULL);
    time_lend(cpu->current, sc);
    time_stop(cpu, arch_now());
    cpu->resched = RESCHED_ALL;
}

static bool could_run(struct tcb const *thread)
{
    return thread->wait == 0 || wait_kind(thread->wait) == WAIT_TIME;
}

void time_note_out(struct cpu *cpu, struct tcb *thread, struct sched_context const *sc)
{
    thread->fault_mark = sc->mark;
    thread->fault_time = time_used(cpu, sc);
}

/* A thread has lost the time of somebody else, `sc`: it goes on on its own, or has none. */
static void lose_lent(struct cpu *cpu, struct tcb *thread, struct sched_context *sc)
{
    time_lend(thread, NULL);
    time_on_its_own(cpu, thread);
    if (thread->sc == NULL && thread->wait != WAIT_STOPPED) {
        thread_unattend(thread, ATTENTION_TOLD);
        cpu_attend(cpu, thread, ATTENTION_LOST);
        time_note_out(cpu, thread, sc);
    }
    bool goes_on = thread->wait == 0 && thread->sc != NULL;
    if (goes_on && thread->priority == DEADLINE_PRIORITY) {
        sched_unready(cpu, thread, WAIT_STOPPED); /* it begins a job of its own, and has its deadline */
        sched_ready(cpu, thread);
    } else if (!goes_on && could_run(thread)) { /* or it stays where it is, among those that are ready */
        sched_unready(cpu, thread, WAIT_TIME);
        sched_ready(cpu, thread);
    }
}

/* What runs is the time `sc`, and the current thread is to run on that no longer. */
static void current_loses(struct cpu *cpu, struct sched_context *sc)
{
    struct tcb *current = cpu->current;
    time_stop(cpu, arch_now());
    cpu->resched = RESCHED_ALL;
    if (current != NULL && current->wait == 0) {
        lose_lent(cpu, current, sc);
    }
}

void time_take_back(struct cpu *cpu, struct tcb *owner)
{
    struct sched_context *sc = owner->sc;
    if (sc == NULL) {
        return;
    }
    if (cpu->sc == sc && cpu->current != owner && cpu->heir != owner) {
        current_loses(cpu, sc);
    }
    for (unsigned i = 0; i < LENDERS && sc->borrowers != NULL; i++) {
        lose_lent(cpu, sc->borrowers, sc);
    }
}

void time_take_back_passed(struct cpu *cpu, struct tcb *owner, struct tcb *server)
{
    /* Whoever runs on its own time has not been passed any. */
    for (unsigned i = 0; i < LENDERS && !(server->attention & ATTENTION_TIME); i++) {
        struct tcb *next = wait_object(server->wait);
        if (next == NULL || wait_kind(server->wait) != WAIT_REPLY) {
            break;
        }
        server = next;
    }
    if (server->attention & ATTENTION_TIME) {
        return;
    }
    bool runs = server == cpu->current && cpu->sc != NULL; /* or it has stopped: used up, or to be changed */
    struct sched_context *sc = runs ? cpu->sc : server->lent;
    if (sc == NULL || sc == server->sc || cpu->heir != NULL) {
        return;
    }
    time_lend(owner, sc);
    if (server == cpu->current) {
        current_loses(cpu, sc);
    } else {
        lose_lent(cpu, server, sc);
    }
}

/* Who runs on the time of a thread that waits for it; NULL: nobody does. */
static struct tcb *works_for(struct tcb const *thread)
{
    void *object = wait_object(thread->wait);
    if (object != NULL && wait_kind(thread->wait) == WAIT_REPLY) {
        return object;
    }
    if (object != NULL && wait_kind(thread->wait) == WAIT_REPLY_OBJECT) {
        struct reply const *reply = object;
        return reply->awaited ? NULL : reply->server;
    }
    return NULL;
}

void time_take_back_kept(struct cpu *cpu, struct tcb *owner, struct tcb *server)
{
    struct sched_context *sc = owner->lent;
    for (unsigned i = 0; i < LENDERS && sc != NULL && server != NULL; i++) {
        struct tcb *next = works_for(server);
        if (server->lent == sc) {
            lose_lent(cpu, server, sc);
        } else if (server == cpu->current && cpu->sc == sc && server->sc != sc) {
            current_loses(cpu, sc);
        }
        server = next;
    }
}

void time_bind(struct cpu *cpu, struct sched_context *sc, struct tcb *thread)
{
    bool has_lent = thread == cpu->current || thread == cpu->heir || thread->lent != NULL;
    bool was_to_be_told = thread->wait == 0 && !has_lent; /* that it has none */
    sc->thread = thread;
    thread->sc = sc;
    if (thread->lent == sc) {
        time_change_lender(thread, NULL); /* it runs on it already: on its own from now on */
    }
    time_update_slice(thread);
    if (unlikely(cpu->sc == sc) && cpu->current == thread) {
        time_on_its_own(cpu, thread); /* it is its caller's no more */
    }
    if (was_to_be_told || wait_kind(thread->wait) == WAIT_TIME) {
        sched_unready(cpu, thread, WAIT_TIME);
        sched_ready(cpu, thread);
    }
}

word time_used(struct cpu const *cpu, struct sched_context const *sc)
{
    long left = sc == cpu->sc ? (long)(cpu->end - arch_now()) : sc->left;
    long used = (long)(sc->granted - (word)left);
    return used < 0 ? 0 : (word)used; /* of a slice, what an interrupt gave back */
}

void time_configure(struct cpu *cpu, struct sched_context *sc, word budget, word period)
{
    word now = arch_now();
    cpu->resched = RESCHED_ALL;
    if (sc == cpu->sc) {
        sc->left = (long)(cpu->end - now);
        cpu->end = now + budget;
    }
    sc->budget = budget;
    sc->period = period;
    refill_begin(sc, now);
    sc->deadline = now + period;
    sc->stopped = now;
    sc->missed = 0;
    if (sc->thread != NULL) {
        time_update_slice(sc->thread);
        ready_stand_anew(cpu, sc->thread);
    }
    struct tcb *borrower = sc->borrowers;
    for (unsigned i = 0; i < LENDERS && borrower != NULL; i++, borrower = borrower->borrow_next) {
        ready_stand_anew(cpu, borrower);
    }
    if (sc->waiters.head != NULL) {
        /* They go on at the next tick, which is at once. */
        heap_remove(&cpu->renewals, &sc->renewal);
        heap_insert(&cpu->renewals, &sc->renewal, now);
        timer_by(cpu, now);
    }
}

/* `thread` has lost `sc`. If it was to run on that, it stops until it has time again. */
static void lose_time(struct cpu *cpu, struct tcb *thread, struct sched_context *sc)
{
    bool runs = thread == cpu->current && cpu->sc != NULL; /* or it has just given back what it ran on */
    bool runs_on_it = runs ? cpu->sc == sc : thread->lent == NULL;
    if (runs_on_it && could_run(thread)) {
        sched_unready(cpu, thread, WAIT_TIME);
    }
}

void time_unbind(struct cpu *cpu, struct sched_context *sc)
{
    struct tcb *thread = sc->thread;
    if (thread == NULL) {
        return;
    }
    sc->thread = NULL;
    thread->sc = NULL;
    time_update_slice(thread);
    lose_time(cpu, thread, sc);
}

bool time_forget_one(struct cpu *cpu, struct sched_context *sc)
{
    time_unbind(cpu, sc);
    if (cpu->sc == sc) {
        current_loses(cpu, sc);
    }
    struct tcb *thread = sc->waiters.head;
    if (thread == NULL) {
        thread = sc->borrowers;
    }
    if (thread == NULL) {
        return true;
    }
    lose_lent(cpu, thread, sc);
    return false;
}

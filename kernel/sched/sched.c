/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/sched.h"

#include "object/reply.h"
#include "sched/refill.h"
#include "trace_events.h"

/* ---- Ready threads: the first of all, if it is known, and the queue of the others ---- */

static void list_begins(struct cpu *cpu, unsigned index, struct tcb *thread)
{
    cpu->ready.map[index / 64] |= 1ul << index % 64;
    cpu->ready.summary |= 1ul << index / 64;
    if (thread->priority > cpu->top) {
        cpu->top = thread->priority;
    }
}

/* By when a thread has to be done; NO_DEADLINE or later: whenever. One that is waited for by a thread
 * with a deadline, and has none itself, is holding that up. */
#define NO_DEADLINE (1ul << 63)

static word deadline_on(struct tcb const *thread, struct sched_context const *sc)
{
    if (sc != NULL && sc->period != 0) {
        return sc->deadline;
    }
    return thread->attention & ATTENTION_BOOST ? 0 : NO_DEADLINE;
}

static word deadline_of(struct cpu const *cpu, struct tcb const *thread)
{
    return deadline_on(thread, thread == cpu->heir ? cpu->sc : sched_time_of(thread));
}

/* The current thread runs by deadline, like the first that is ready. That has to be done before it? */
static __attribute__((noinline)) bool is_another_due_first(struct cpu const *cpu)
{
    struct tcb const *current = cpu->current, *first = cpu->first;
    bool goes_on_with_it = cpu->sc != NULL && cpu->heir == NULL;
    word own = deadline_on(current, goes_on_with_it ? cpu->sc : sched_time_of(current));
    return (first != NULL ? deadline_of(cpu, first) : cpu->by_deadline.first->key) < own;
}

/* Those that have none take turns: behind or before all others of them. */
static void heap_put(struct cpu *cpu, struct tcb *thread, bool before)
{
    word deadline = deadline_of(cpu, thread);
    if (deadline == NO_DEADLINE) {
        deadline += NO_DEADLINE / 2 + (before ? --cpu->turn_first : cpu->turn_last++);
    }
    heap_insert(&cpu->by_deadline, &thread->deadline, deadline);
    thread->next = thread->prev = NULL;
}

static void put_by_deadline(struct cpu *cpu, struct tcb *thread, bool before)
{
    unsigned index = PRIORITIES - 1 - DEADLINE_PRIORITY;
    struct tcb *first = cpu->first;
    if (first != NULL && first->priority == DEADLINE_PRIORITY) { /* it may be the first no longer */
        cpu->first = NULL;
        heap_put(cpu, first, true);
    }
    heap_put(cpu, thread, before);
    cpu->ready.list[index].head = container_of(cpu->by_deadline.first, struct tcb, deadline);
    list_begins(cpu, index, thread);
}

/* The thread is out of its list: so it must be out of the heap. The next takes its place, if there
 * is one. */
static bool next_by_deadline(struct cpu *cpu, struct tcb *thread)
{
    heap_remove(&cpu->by_deadline, &thread->deadline);
    struct heap_node *first = cpu->by_deadline.first;
    if (first == NULL) {
        return false;
    }
    unsigned index = PRIORITIES - 1 - DEADLINE_PRIORITY;
    cpu->ready.list[index].head = container_of(first, struct tcb, deadline);
    return true;
}

void sched_queue(struct cpu *cpu, struct tcb *thread, bool before)
{
    unsigned index = PRIORITIES - 1 - thread->priority;
    struct ready_list *list = &cpu->ready.list[index];
    if (unlikely(thread->priority == DEADLINE_PRIORITY)) {
        put_by_deadline(cpu, thread, before);
    } else if (list->head == NULL) {
        thread->next = thread->prev = NULL;
        list->head = list->tail = thread;
        list_begins(cpu, index, thread);
    } else if (before) {
        thread->next = list->head;
        thread->prev = NULL;
        list->head->prev = thread;
        list->head = thread;
    } else {
        thread->next = NULL;
        thread->prev = list->tail;
        list->tail->next = thread;
        list->tail = thread;
    }
}

static int highest_queued(struct cpu const *cpu)
{
    if (cpu->ready.summary == 0) {
        return -1;
    }
    unsigned group = arch_lowest_bit(cpu->ready.summary);
    unsigned index = group * 64 + arch_lowest_bit(cpu->ready.map[group]);
    return (int)(PRIORITIES - 1 - index);
}

static void queue_take(struct cpu *cpu, struct tcb *thread)
{
    unsigned index = PRIORITIES - 1 - thread->priority;
    struct ready_list *list = &cpu->ready.list[index];
    if (thread->prev == NULL) {
        list->head = thread->next;
    } else {
        thread->prev->next = thread->next;
    }
    if (thread->next == NULL) {
        list->tail = thread->prev;
    } else {
        thread->next->prev = thread->prev;
    }
    thread->next = NULL;
    if (list->head == NULL) {
        if (unlikely(thread->priority == DEADLINE_PRIORITY) && next_by_deadline(cpu, thread)) {
            return;
        }
        cpu->ready.map[index / 64] &= ~(1ul << index % 64);
        if (cpu->ready.map[index / 64] == 0) {
            cpu->ready.summary &= ~(1ul << index / 64);
        }
        cpu->top = highest_queued(cpu);
    }
}

/* Before its equals; nobody is known to be the first of all. */
ALWAYS_INLINE void ready_put_back(struct cpu *cpu, struct tcb *thread)
{
    kassert(cpu->first == NULL);
    if (likely(thread->priority >= cpu->top) && likely(thread->priority != DEADLINE_PRIORITY)) {
        cpu->first = thread;
    } else {
        sched_queue(cpu, thread, true);
    }
}

static void ready_remove(struct cpu *cpu, struct tcb *thread)
{
    if (thread == cpu->first) {
        cpu->first = NULL;
    } else {
        queue_take(cpu, thread);
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
    queue_take(cpu, best);
    return best;
}

void cpu_init(struct cpu *cpu)
{
    cpu->bar = RANK_NEVER;
    cpu->top = -1;
    cpu->timer = ~0ul;
    cpu->resched = RESCHED_ALL;
}

/* Somebody is to be told when there is no time for it. */
static bool has_time_out(struct tcb const *thread)
{
    return !slot_is_empty(&thread->slots[THREAD_TIME_OUT]) && !(thread->attention & ATTENTION_TOLD);
}

/* It has lost its caller's time, and somebody is to be told. */
static bool is_to_be_told(struct tcb const *thread)
{
    return (thread->attention & ATTENTION_LOST) && has_time_out(thread);
}

/* A job is done: too late? */
static void end_job(struct sched_context *sc)
{
    if (sc->stopped > sc->deadline) {
        sc->missed++;
    }
}

/* Whether what is left of the budget is more than its share of the time until the deadline: then a job
 * that begins now gets a deadline of its own. */
static bool has_more_than_its_share(struct sched_context const *sc, word left, word now)
{
    return (unsigned __int128)left * sc->period >=
           (unsigned __int128)(sc->deadline - now) * sc->budget;
}

/* A thread wakes and begins a job, or goes on with the last one; it is not running. */
static void begin_job(struct sched_context *sc, word now)
{
    refill_settle(sc);
    if (now < sc->deadline && !has_more_than_its_share(sc, refill_due(sc, now), now)) {
        return;
    }
    end_job(sc);
    sc->deadline = (refill_take(sc, now, false) ? now : refill_next(sc)) + sc->period;
}

/* The thread's budget is back before its job was done. */
static void go_on_late(struct sched_context *sc, word now)
{
    if (now >= sc->deadline) {
        sc->missed++;
        sc->deadline = refill_next(sc) + sc->period;
    }
}

/* No job begins where the thread will work on its caller's time, nor while somebody else works on its own. */
static void note_job(struct cpu *cpu, struct tcb *thread)
{
    struct sched_context *sc = thread->sc;
    bool own = thread->lent == NULL && thread != cpu->heir;
    if (sc == NULL || sc->period == 0 || !own || sc == cpu->sc || sc->borrowers != NULL) {
        return;
    }
    switch (wait_kind(thread->wait)) {
    case WAIT_RECV:
    case WAIT_NOTIFICATION:
    case WAIT_STOPPED:
        begin_job(sc, arch_now());
        break;
    case WAIT_TIME:
        go_on_late(sc, arch_now());
        break;
    default:
        break;
    }
}

static void update_slice(struct tcb *thread)
{
    struct sched_context *sc = thread->sc;
    bool plain = sc != NULL && sc->period == 0 && thread->lent == NULL &&
                 !(thread->attention & (ATTENTION_TURN | ATTENTION_NO_TIME));
    thread->slice = plain ? sc : NULL;
}

void sched_forget_loss(struct tcb *thread)
{
    thread_unattend(thread, ATTENTION_NO_TIME);
    update_slice(thread);
}

void sched_ready_or_not(struct cpu *cpu, struct tcb *thread)
{
    cpu->resched = RESCHED_ALL;
    if (unlikely(thread->attention & ATTENTION_TURN)) {
        thread_unattend(thread, ATTENTION_TURN);
        update_slice(thread);
    }
    bool has_time = thread->sc != NULL || thread->lent != NULL || thread == cpu->heir;
    if (!has_time && !is_to_be_told(thread)) {
        thread->wait = WAIT_TIME;
        return;
    }
    note_job(cpu, thread);
    thread->wait = 0;
    if (thread != cpu->current) {
        sched_ready_put(cpu, thread);
    }
}

void sched_unready(struct cpu *cpu, struct tcb *thread, word wait)
{
    cpu->resched = RESCHED_ALL;
    if (thread->wait == 0) {
        if (thread != cpu->current) {
            ready_remove(cpu, thread);
        }
    } else if (wait_kind(thread->wait) == WAIT_TIME && wait_object(thread->wait) != NULL) {
        struct sched_context *sc = wait_object(thread->wait);
        wait_queue_remove(&sc->waiters, thread);
        if (sc->waiters.head == NULL) {
            heap_remove(&cpu->renewals, &sc->renewal);
        }
    }
    thread->wait = wait;
}

void sched_set_priority(struct cpu *cpu, struct tcb *thread, uint8_t priority)
{
    bool ready = thread->wait == 0 && thread != cpu->current;
    cpu->resched = RESCHED_ALL;
    cpu->bar = RANK_NEVER; /* the processor is not passed on until all is worked out anew */
    if (ready) {
        ready_remove(cpu, thread);
    }
    thread->priority = priority;
    thread_update_rank(thread);
    if (ready) {
        sched_ready_put(cpu, thread);
    }
}

void sched_step_aside(struct cpu *cpu)
{
    cpu->rotate = true;
    cpu->resched = RESCHED_ALL;
}

/* ---- Time ---- */

void sched_change_lender(struct tcb *thread, struct sched_context *sc)
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
    update_slice(thread);
}

void sched_on_its_own(struct cpu *cpu, struct tcb *thread)
{
    bool receives = thread->wait != 0 && wait_kind(thread->wait) == WAIT_RECV;
    if (thread->caller != NULL && !receives && thread->lent == NULL && thread != cpu->heir) {
        sched_attend(cpu, thread, ATTENTION_TIME);
    }
}

void sched_start_anew(struct cpu *cpu, struct tcb *thread)
{
    struct tcb *caller = thread->caller;
    if (caller != NULL && caller->sc == NULL) {
        sched_lend(caller, thread->lent);
    }
    sched_lend(thread, NULL);
    sched_on_its_own(cpu, thread);
}

/* Nobody's time runs from now on. */
static void stop_time(struct cpu *cpu, word now)
{
    if (cpu->sc != NULL) {
        cpu->sc->left = (long)(cpu->end - now);
        cpu->sc->stopped = now;
        cpu->sc = NULL;
    }
}

void sched_give_back(struct cpu *cpu, struct tcb *to)
{
    sched_lend(to, cpu->sc);
    if (cpu->current->sc != NULL) {
        stop_time(cpu, arch_now());
        cpu->resched = RESCHED_ALL;
    }
}

void sched_take_over(struct cpu *cpu, struct tcb *from)
{
    struct sched_context *sc = sched_time_of(from);
    if (unlikely(sc == NULL) && cpu->current->sc == NULL) {
        return; /* neither has any: it goes on on what it runs on */
    }
    if (unlikely(cpu->heir != NULL)) {
        sched_lend(cpu->heir, cpu->sc); /* what was to be handed over, before it stops */
        cpu->heir = NULL;
    }
    sched_lend(from, NULL);
    sched_lend(cpu->current, sc);
    stop_time(cpu, arch_now());
    cpu->resched = RESCHED_ALL;
}

/* A call is passed on through so many servers at most, if their time is to be found again. */
#define LENDERS 16

static bool could_run(struct tcb const *thread)
{
    return thread->wait == 0 || wait_kind(thread->wait) == WAIT_TIME;
}

static void note_time_out(struct cpu *cpu, struct tcb *thread, struct sched_context const *sc)
{
    thread->fault_mark = sc->mark;
    thread->fault_time = sched_used(cpu, sc);
}

/* A thread has lost the time of somebody else, `sc`: it goes on on its own, or has none. */
static void lose_lent(struct cpu *cpu, struct tcb *thread, struct sched_context *sc)
{
    sched_lend(thread, NULL);
    sched_on_its_own(cpu, thread);
    if (thread->sc == NULL && thread->wait != WAIT_STOPPED) {
        thread_unattend(thread, ATTENTION_TOLD);
        sched_attend(cpu, thread, ATTENTION_LOST);
        note_time_out(cpu, thread, sc);
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
    stop_time(cpu, arch_now());
    cpu->resched = RESCHED_ALL;
    if (current != NULL && current->wait == 0) {
        lose_lent(cpu, current, sc);
    }
}

void sched_take_back(struct cpu *cpu, struct tcb *owner)
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

void sched_take_back_passed(struct cpu *cpu, struct tcb *owner, struct tcb *server)
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
    sched_lend(owner, sc);
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

void sched_take_back_kept(struct cpu *cpu, struct tcb *owner, struct tcb *server)
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

void sched_bind(struct cpu *cpu, struct sched_context *sc, struct tcb *thread)
{
    bool has_lent = thread == cpu->current || thread == cpu->heir || thread->lent != NULL;
    bool was_to_be_told = thread->wait == 0 && !has_lent; /* that it has none */
    sc->thread = thread;
    thread->sc = sc;
    if (thread->lent == sc) {
        sched_change_lender(thread, NULL); /* it runs on it already: on its own from now on */
    }
    update_slice(thread);
    if (unlikely(cpu->sc == sc) && cpu->current == thread) {
        sched_on_its_own(cpu, thread); /* it is its caller's no more */
    }
    if (was_to_be_told || wait_kind(thread->wait) == WAIT_TIME) {
        sched_unready(cpu, thread, WAIT_TIME);
        sched_ready(cpu, thread);
    }
}

void sched_forget_thread(struct cpu *cpu, struct tcb *thread)
{
    if (cpu->heir == thread) {
        cpu->heir = NULL;
    }
    if (cpu->current == thread) {
        stop_time(cpu, arch_now());
        cpu->current = NULL;
    }
}

/* It runs on its caller's time, or has passed that on. */
static bool works_for_others(struct tcb const *thread)
{
    struct cpu const *cpu = thread->cpu;
    if (thread == cpu->current && cpu->sc != NULL) {
        return cpu->sc != thread->sc;
    }
    bool passes_on = wait_kind(thread->wait) == WAIT_REPLY || wait_kind(thread->wait) == WAIT_REPLY_OBJECT;
    bool for_caller = thread->caller != NULL && !(thread->attention & ATTENTION_TIME);
    return thread->lent != NULL || (thread->wait != 0 && passes_on && for_caller);
}

word sched_missed(struct sched_context const *sc)
{
    struct tcb const *thread = sc->thread;
    enum wait kind = thread == NULL ? WAIT_STOPPED : wait_kind(thread->wait);
    bool is_busy = kind != WAIT_STOPPED && (thread->wait == 0 || kind == WAIT_TIME ||
                                            kind == WAIT_REPLY || kind == WAIT_SEND ||
                                            kind == WAIT_REPLY_OBJECT);
    bool serves = is_busy && works_for_others(thread);
    bool is_late = sc->period != 0 && is_busy && !serves && arch_now() > sc->deadline;
    return sc->missed + is_late;
}

word sched_used(struct cpu const *cpu, struct sched_context const *sc)
{
    long left = sc == cpu->sc ? (long)(cpu->end - arch_now()) : sc->left;
    long used = (long)(sc->granted - (word)left);
    return used < 0 ? 0 : (word)used; /* of a slice, what an interrupt gave back */
}

void sched_stand_anew(struct cpu *cpu, struct tcb *thread)
{
    if (thread->wait == 0 && thread->priority == DEADLINE_PRIORITY && thread != cpu->current) {
        ready_remove(cpu, thread);
        sched_ready_put(cpu, thread);
    }
}

void sched_configure(struct cpu *cpu, struct sched_context *sc, word budget, word period)
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
        update_slice(sc->thread);
        sched_stand_anew(cpu, sc->thread);
    }
    struct tcb *borrower = sc->borrowers;
    for (unsigned i = 0; i < LENDERS && borrower != NULL; i++, borrower = borrower->borrow_next) {
        sched_stand_anew(cpu, borrower);
    }
    if (sc->waiters.head != NULL) {
        /* They go on at the next tick, which is at once. */
        heap_remove(&cpu->renewals, &sc->renewal);
        heap_insert(&cpu->renewals, &sc->renewal, now);
        sched_timer_by(cpu, now);
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

void sched_unbind(struct cpu *cpu, struct sched_context *sc)
{
    struct tcb *thread = sc->thread;
    if (thread == NULL) {
        return;
    }
    sc->thread = NULL;
    thread->sc = NULL;
    update_slice(thread);
    lose_time(cpu, thread, sc);
}

bool sched_forget_one(struct cpu *cpu, struct sched_context *sc)
{
    sched_unbind(cpu, sc);
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

/* Whether there is some of it for `thread` now: a new slice at once, or what has come back of the budget. A
 * job with a deadline has its budget until then, whenever it gets to run. */
static bool has_some(struct sched_context *sc, struct tcb const *thread, word now)
{
    if (sc->period != 0) {
        return refill_take(sc, now, thread->priority == DEADLINE_PRIORITY);
    }
    if (sc->left <= 0) {
        sc->granted += sc->budget - (word)sc->left;
        sc->left = (long)sc->budget;
    }
    if (unlikely(sc->left > (long)sc->budget)) {
        sc->left = (long)sc->budget; /* as in refill_settle() */
    }
    return true;
}

/* The slice that runs is used up. If the current thread works on it for others and is too urgent to make
 * way, then the first of those who is not does so, as soon as it is answered. */
static void end_turn(struct cpu const *cpu)
{
    struct tcb *thread = cpu->current;
    int rival = sched_highest_ready(cpu);
    for (unsigned i = 0; i < LENDERS && thread->priority > rival; i++) {
        if (thread->caller == NULL || (thread->attention & ATTENTION_TIME)) {
            return;
        }
        thread = thread->caller;
    }
    if (thread != cpu->current) {
        thread_attend(thread, ATTENTION_TURN);
        update_slice(thread); /* no straight line wakes it: sched_ready_or_not() does */
    }
}

void sched_tick(struct cpu *cpu, word now)
{
    cpu->resched = RESCHED_ALL;
    struct sched_context *sc = cpu->sc;
    if (sc != NULL && (long)(cpu->end - now) <= 0) {
        stop_time(cpu, now); /* if current goes on, its time is renewed, or it waits */
        cpu->rotate = true;
        trace_budget(cpu, cpu->current);
        if (cpu->current != NULL) {
            sched_lend(cpu->current, sc);
            if (sc->period == 0) {
                end_turn(cpu);
            }
        }
    }
    struct heap_node *first = cpu->renewals.first;
    if (first != NULL && first->key <= now) {
        struct sched_context *due = container_of(first, struct sched_context, renewal);
        struct tcb *thread = due->waiters.head;
        sched_unready(cpu, thread, WAIT_TIME);
        sched_ready(cpu, thread);
    }
}

/* Until there is some of this time again. */
static void wait_for_time(struct cpu *cpu, struct tcb *thread, struct sched_context *sc)
{
    thread->wait = (word)sc | WAIT_TIME;
    if (sc->waiters.head != NULL) {
        heap_remove(&cpu->renewals, &sc->renewal); /* what comes first may be another piece */
    }
    heap_insert(&cpu->renewals, &sc->renewal, refill_next(sc));
    sched_timer_by(cpu, refill_next(sc));
    wait_queue_add(&sc->waiters, thread, false);
}

/* `thread` has nothing of `sc` now: waits for more, unless its handler is to be told, or it has time
 * of its own: then `*sc` is that, or it is ready by a deadline of its own. */
static bool turn_to_own(struct cpu *cpu, struct tcb *thread, word now, struct sched_context **sc)
{
    bool has_own = thread->lent != NULL && thread->sc != NULL;
    if (has_own) {
        sched_lend(thread, NULL);
        if (thread->priority == DEADLINE_PRIORITY) {
            sched_ready_put(cpu, thread);
            return false;
        }
        *sc = thread->sc;
        if (has_some(*sc, thread, now)) {
            return true;
        }
    }
    if (has_time_out(thread)) {
        note_time_out(cpu, thread, *sc);
        cpu->late = thread;
    } else {
        wait_for_time(cpu, thread, *sc);
    }
    return false;
}

/* Lets `thread` run on its time, of which so much is spent: false if it cannot. Where that is used up
 * it waits for more, or is cpu->late; so it is if it was to be, and got no time meanwhile. */
static bool take_time(struct cpu *cpu, struct tcb *thread, word now, word spent)
{
    struct sched_context *sc = sched_time_of(thread);
    if (unlikely(sc == NULL)) {
        if (is_to_be_told(thread)) {
            cpu->late = thread;
        } else {
            thread->wait = WAIT_TIME;
        }
        return false;
    }
    if (unlikely(!has_some(sc, thread, now)) && !turn_to_own(cpu, thread, now, &sc)) {
        return false;
    }
    if (unlikely(thread->lent != NULL)) {
        sched_lend(thread, NULL);
    } else if (unlikely(thread->caller != NULL)) {
        thread_attend(thread, ATTENTION_TIME);
    }
    cpu->sc = sc;
    cpu->end = now - spent + (word)sc->left;
    return true;
}

/* The current thread makes way, and the time that runs is not its own: it will go on with that,
 * unless it has handed it over. A time that has stopped already was lent then. False: it has none. */
static __attribute__((noinline)) bool keep_time(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    if (cpu->heir == NULL && cpu->sc != NULL) {
        sched_lend(current, cpu->sc);
    }
    return current->sc != NULL || current->lent != NULL;
}

/* The current thread makes way for the others of its priority; among those that run by deadline it may
 * be the best, all the same. */
static __attribute__((noinline)) struct tcb *make_way(struct cpu *cpu)
{
    struct tcb *current = cpu->current, *heir = cpu->heir;
    if (current->priority != DEADLINE_PRIORITY) {
        struct tcb *best = ready_take(cpu);
        sched_ready_put(cpu, current);
        return best;
    }
    sched_ready_put(cpu, current);
    struct tcb *best = ready_take(cpu);
    if (cpu->sc != NULL && best == (heir != NULL ? heir : current)) {
        sched_lend(best, NULL); /* it goes on with what runs */
    }
    return best;
}

/* The current thread can go on; it, or who runs in its place. */
ALWAYS_INLINE struct tcb *better_than_current(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    int rival = sched_highest_ready(cpu);
    bool rotate = cpu->rotate;
    if (unlikely(rival == DEADLINE_PRIORITY) && current->priority == rival) {
        rotate |= is_another_due_first(cpu);
    }
    if (current->priority >= rival + rotate) {
        return current;
    }
    bool stays = likely(cpu->sc == current->sc) || keep_time(cpu);
    if (unlikely(rotate) && stays) {
        return make_way(cpu);
    }
    struct tcb *best = ready_take(cpu);
    if (likely(stays)) {
        ready_put_back(cpu, current);
    } else {
        current->wait = WAIT_TIME;
    }
    return best;
}

struct tcb *sched_choose(struct cpu *cpu, word spent)
{
    struct tcb *current = cpu->current;
    struct tcb *heir = cpu->heir;
    struct tcb *best = current == NULL || current->wait != 0 ? ready_take(cpu) : better_than_current(cpu);
    cpu->heir = NULL;
    cpu->rotate = false;
    cpu->resched = 0;

    /* On whose time? The same goes on if nobody else runs, or if it is handed over to who does. */
    bool same_time = cpu->sc != NULL && best == (heir != NULL ? heir : current);
    if (!same_time) {
        word now = arch_now();
        spent = cpu->sc != NULL ? spent : 0; /* nobody was kept from anything */
        if (unlikely(heir != NULL)) {
            sched_lend(heir, cpu->sc);
        }
        stop_time(cpu, now - spent);
        while (best != NULL && unlikely(!take_time(cpu, best, now, spent))) {
            if (cpu->late != NULL) {
                return NULL;
            }
            best = ready_take(cpu);
        }
    }
    int rival = sched_highest_ready(cpu);
    if (best != NULL) {
        sched_has_time_again(best);
        sched_set_bar(cpu, best, rival);
        if (rival >= 0 || cpu->sc->period != 0) {
            sched_timer_by(cpu, cpu->end);
        }
    }
    return best;
}

/* ---- The timer ---- */

void sched_timer_first(struct cpu *cpu)
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
        sched_timer_by(cpu, when);
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

static void check_by_deadline(struct cpu const *cpu)
{
    struct tcb const *head = cpu->ready.list[PRIORITIES - 1 - DEADLINE_PRIORITY].head;
    struct heap_node const *first = cpu->by_deadline.first;
    (void)heap_check(&cpu->by_deadline);
    bool sound = head == NULL ? first == NULL
                              : first == &head->deadline && head->wait == 0 &&
                                    head != cpu->current && head->priority == DEADLINE_PRIORITY;
    if (!sound) {
        panic("thread %p is not the first of those that run by deadline", (void const *)head);
    }
}

static void check_current(struct cpu const *cpu)
{
    struct tcb const *current = cpu->current;
    if (current == NULL || current->wait != 0 || cpu->resched != 0) {
        return; /* it is still to be chosen who runs */
    }
    int rival = sched_highest_ready(cpu);
    bool same_band = rival == DEADLINE_PRIORITY && current->priority == rival;
    if (current->priority < rival || (same_band && is_another_due_first(cpu))) {
        panic("I-FIRST: thread %p runs, and another one is ready that goes before", (void const *)current);
    }
}

void sched_check(struct cpu const *cpu)
{
    int top = -1;
    for (unsigned index = 0; index < PRIORITIES; index++) {
        struct ready_list const *list = &cpu->ready.list[index];
        bool marked = cpu->ready.map[index / 64] >> index % 64 & 1;
        if (marked != (list->head != NULL)) {
            panic("the ready queue's map is wrong for priority %lu", PRIORITIES - 1 - index);
        }
        if (marked && top < 0) {
            top = (int)(PRIORITIES - 1 - index);
        }
        if (index == PRIORITIES - 1 - DEADLINE_PRIORITY) {
            check_by_deadline(cpu);
            continue;
        }
        struct tcb const *prev = NULL;
        for (struct tcb const *t = list->head; t != NULL; t = t->next) {
            bool sound = t->wait == 0 && t->prev == prev && t != cpu->current &&
                         t->priority == PRIORITIES - 1 - index &&
                         (t->next != NULL || list->tail == t);
            if (!sound) {
                panic("thread %p does not belong into the ready queue", (void const *)t);
            }
            prev = t;
        }
    }
    if (top != cpu->top || highest_queued(cpu) != top) {
        panic("the highest queued priority is %d, not %d", top, cpu->top);
    }
    struct tcb const *first = cpu->first;
    if (first != NULL && (first->wait != 0 || first == cpu->current || first->priority < top)) {
        panic("thread %p is not the first of those that are ready", (void const *)first);
    }
    (void)heap_check(&cpu->deadlines);
    (void)heap_check(&cpu->renewals);
    check_current(cpu);
}

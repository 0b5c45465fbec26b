/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/sched.h"

#include "sched/job.h"
#include "sched/refill.h"
#include "trace_events.h"

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

void sched_ready_or_not(struct cpu *cpu, struct tcb *thread)
{
    cpu->resched = RESCHED_ALL;
    if (unlikely(thread->attention & ATTENTION_TURN)) {
        thread_unattend(thread, ATTENTION_TURN);
        time_update_slice(thread);
    }
    bool has_time = thread->sc != NULL || thread->lent != NULL || thread == cpu->heir;
    if (!has_time && !is_to_be_told(thread)) {
        thread->wait = WAIT_TIME;
        return;
    }
    job_note(cpu, thread);
    thread->wait = 0;
    if (thread != cpu->current) {
        ready_put(cpu, thread);
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
        ready_put(cpu, thread);
    }
}

void sched_step_aside(struct cpu *cpu)
{
    cpu->rotate = true;
    cpu->resched = RESCHED_ALL;
}

void sched_forget_thread(struct cpu *cpu, struct tcb *thread)
{
    if (cpu->heir == thread) {
        cpu->heir = NULL;
    }
    if (cpu->current == thread) {
        time_stop(cpu, arch_now());
        cpu->current = NULL;
    }
}

/* Whether there is some of it for `thread` now: a new slice at once, or what has come back of the budget. A
 * job with a deadline has its budget until then, whenever it gets to run. */
static bool has_some(struct sched_context *sc, struct tcb const *thread, word now)
{
    if (sc->period != 0) {
        return refill_take(sc, now, thread->priority == DEADLINE_PRIORITY);
    }
    if (sc->left <= 0) {
        sc->granted += (word)((long)sc->budget - sc->left);
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
    int rival = ready_highest(cpu);
    for (unsigned i = 0; i < LENDERS && thread->priority > rival; i++) {
        if (thread->caller == NULL || (thread->attention & ATTENTION_TIME)) {
            return;
        }
        thread = thread->caller;
    }
    if (thread != cpu->current) {
        thread_attend(thread, ATTENTION_TURN);
        time_update_slice(thread); /* no straight line wakes it: sched_ready_or_not() does */
    }
}

void sched_tick(struct cpu *cpu, word now)
{
    cpu->resched = RESCHED_ALL;
    struct sched_context *sc = cpu->sc;
    if (sc != NULL && (long)(cpu->end - now) <= 0) {
        time_stop(cpu, now); /* if current goes on, its time is renewed, or it waits */
        cpu->rotate = true;
        trace_budget(cpu, cpu->current);
        if (cpu->current != NULL) {
            time_lend(cpu->current, sc);
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
    timer_by(cpu, refill_next(sc));
    wait_queue_add(&sc->waiters, thread, false);
}

/* `thread` has nothing of `sc` now: waits for more, unless its handler is to be told, or it has time
 * of its own: then `*sc` is that, or it is ready by a deadline of its own. */
static bool turn_to_own(struct cpu *cpu, struct tcb *thread, word now, struct sched_context **sc)
{
    bool has_own = thread->lent != NULL && thread->sc != NULL;
    if (has_own) {
        time_lend(thread, NULL);
        if (thread->priority == DEADLINE_PRIORITY) {
            ready_put(cpu, thread);
            return false;
        }
        *sc = thread->sc;
        if (has_some(*sc, thread, now)) {
            return true;
        }
    }
    if (has_time_out(thread)) {
        time_note_out(cpu, thread, *sc);
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
    struct sched_context *sc = time_of(thread);
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
        time_lend(thread, NULL);
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
        time_lend(current, cpu->sc);
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
        ready_put(cpu, current);
        return best;
    }
    ready_put(cpu, current);
    struct tcb *best = ready_take(cpu);
    if (cpu->sc != NULL && best == (heir != NULL ? heir : current)) {
        time_lend(best, NULL); /* it goes on with what runs */
    }
    return best;
}

/* The current thread can go on; it, or who runs in its place. */
ALWAYS_INLINE struct tcb *better_than_current(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    int rival = ready_highest(cpu);
    bool rotate = cpu->rotate;
    if (unlikely(rival == DEADLINE_PRIORITY) && current->priority == rival) {
        rotate |= ready_is_due_first(cpu);
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
            time_lend(heir, cpu->sc);
        }
        time_stop(cpu, now - spent);
        while (best != NULL && unlikely(!take_time(cpu, best, now, spent))) {
            if (cpu->late != NULL) {
                return NULL;
            }
            best = ready_take(cpu);
        }
    }
    int rival = ready_highest(cpu);
    if (best != NULL) {
        time_has_again(best);
        sched_set_bar(cpu, best, rival);
        if (rival >= 0 || cpu->sc->period != 0) {
            timer_by(cpu, cpu->end);
        }
    }
    return best;
}

static void check_current(struct cpu const *cpu)
{
    struct tcb const *current = cpu->current;
    if (current == NULL || current->wait != 0 || cpu->resched != 0) {
        return; /* it is still to be chosen who runs */
    }
    int rival = ready_highest(cpu);
    bool same_band = rival == DEADLINE_PRIORITY && current->priority == rival;
    if (current->priority < rival || (same_band && ready_is_due_first(cpu))) {
        panic("I-FIRST: thread %p runs, and another one is ready that goes before", (void const *)current);
    }
}

void sched_check(struct cpu const *cpu)
{
    ready_check(cpu);
    (void)heap_check(&cpu->deadlines);
    (void)heap_check(&cpu->renewals);
    check_current(cpu);
}

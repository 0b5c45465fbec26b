/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/sched.h"

#include "base/trace.h"

/* ---- The ready queue ---- */

static void queue_put(struct cpu *cpu, struct tcb *thread, bool first)
{
    cpu->resched = true;
    unsigned index = PRIORITIES - 1 - thread->priority;
    struct ready_list *list = &cpu->ready.list[index];
    if (list->head == NULL) {
        thread->next = thread->prev = NULL;
        list->head = list->tail = thread;
        cpu->ready.map[index / 64] |= 1ul << index % 64;
        cpu->ready.summary |= 1ul << index / 64;
        if (thread->priority > cpu->top) {
            cpu->top = thread->priority;
        }
    } else if (first) {
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

static int highest_ready(struct cpu const *cpu)
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
    cpu->resched = true;
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
        cpu->ready.map[index / 64] &= ~(1ul << index % 64);
        if (cpu->ready.map[index / 64] == 0) {
            cpu->ready.summary &= ~(1ul << index / 64);
        }
        cpu->top = highest_ready(cpu);
    }
}

ALWAYS_INLINE struct tcb *queue_first(struct cpu *cpu)
{
    return cpu->ready.list[PRIORITIES - 1 - cpu->top].head;
}

/* ---- Who can run ---- */

void cpu_init(struct cpu *cpu)
{
    cpu->bar = RANK_NEVER;
    cpu->top = -1;
    cpu->timer = ~0ul;
}

void sched_ready(struct cpu *cpu, struct tcb *thread)
{
    if (unlikely(thread->sc == NULL && thread->lent == NULL)) {
        thread->wait = WAIT_TIME;
        return;
    }
    thread->wait = 0;
    cpu->resched = true;
    if (thread == cpu->current) {
        return;
    }
    struct tcb *other = cpu->woken;
    if (other == NULL) {
        cpu->woken = thread;
    } else if (thread->priority > other->priority) {
        cpu->woken = thread;
        queue_put(cpu, other, false);
    } else {
        queue_put(cpu, thread, false);
    }
}

void sched_unready(struct cpu *cpu, struct tcb *thread, word wait)
{
    cpu->resched = true;
    if (thread->wait == 0) {
        if (thread == cpu->woken) {
            cpu->woken = NULL;
        } else if (thread != cpu->current) {
            queue_take(cpu, thread);
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
    bool queued = thread->wait == 0 && thread != cpu->current && thread != cpu->woken;
    if (queued) {
        queue_take(cpu, thread);
    }
    thread->priority = priority;
    thread_update_rank(thread);
    cpu->resched = true;
    if (queued) {
        queue_put(cpu, thread, false);
    }
}

void sched_yield(struct cpu *cpu)
{
    cpu->rotate = true;
    cpu->resched = true;
}

void sched_hand_over(struct cpu *cpu, struct tcb *to)
{
    sched_lend(to, cpu->sc);
    sched_charge(cpu, arch_now());
    cpu->sc = NULL;
    cpu->resched = true;
}

void sched_take_over(struct cpu *cpu, struct tcb *from)
{
    struct sched_context *sc = from->lent != NULL ? from->lent : from->sc;
    if (sc != NULL) {
        sched_lend(from, NULL);
        sched_lend(cpu->current, sc);
        sched_charge(cpu, arch_now());
        cpu->sc = NULL;
        cpu->resched = true;
    }
}

/* ---- Time ---- */

void sched_lend(struct tcb *thread, struct sched_context *sc)
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
}

void sched_bind(struct cpu *cpu, struct sched_context *sc, struct tcb *thread)
{
    sc->thread = thread;
    thread->sc = sc;
    if (thread->wait == WAIT_TIME) {
        sched_ready(cpu, thread);
    }
}

void sched_configure(struct cpu *cpu, struct sched_context *sc, word budget, word period)
{
    word now = arch_now();
    cpu->resched = true;
    sched_charge(cpu, now);
    sc->budget = budget;
    sc->period = period;
    sc->left = (long)budget;
    sc->start = now;
    if (sc->waiters.head != NULL) {
        /* They go on at the next tick, which is at once. */
        heap_remove(&cpu->renewals, &sc->renewal);
        heap_insert(&cpu->renewals, &sc->renewal, now);
    }
}

/* `thread` has lost `sc`. If it was to run on that, it stops until it has time again. */
static void lose_time(struct cpu *cpu, struct tcb *thread, struct sched_context *sc)
{
    bool runs_on_it = thread == cpu->current ? cpu->sc == sc : thread->lent == NULL;
    bool could_run = thread->wait == 0 || wait_kind(thread->wait) == WAIT_TIME;
    if (runs_on_it && could_run) {
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
    lose_time(cpu, thread, sc);
}

bool sched_forget_one(struct cpu *cpu, struct sched_context *sc)
{
    if (cpu->sc == sc) {
        struct tcb *current = cpu->current;
        cpu->sc = NULL;
        cpu->resched = true;
        if (current != NULL && current->wait == 0) {
            current->wait = WAIT_TIME;
            if (current->sc != NULL && current->sc != sc) {
                sched_ready(cpu, current);
            }
        }
    }
    sched_unbind(cpu, sc);
    struct tcb *thread = sc->waiters.head;
    if (thread == NULL) {
        thread = sc->borrowers;
    }
    if (thread == NULL) {
        return true;
    }
    bool could_run = thread->wait == 0 || wait_kind(thread->wait) == WAIT_TIME;
    if (could_run) {
        sched_unready(cpu, thread, WAIT_TIME);
    }
    sched_lend(thread, NULL);
    if (could_run && thread->sc != NULL) {
        sched_ready(cpu, thread);
    }
    return false;
}

void sched_charge(struct cpu *cpu, word now)
{
    if (cpu->sc != NULL) {
        word used = now - cpu->since;
        cpu->sc->left -= (long)used;
        cpu->sc->used += used;
    }
    cpu->since = now;
}

/* A new slice at once, or a new period when it is time for that. False: it must wait. */
static bool renew(struct sched_context *sc, word now)
{
    if (sc->period == 0) {
        sc->left = (long)sc->budget;
        return true;
    }
    if (now - sc->start < sc->period) {
        return false;
    }
    /* Periods follow each other without drift; after a pause they start anew. */
    sc->start = now - sc->start < 2 * sc->period ? sc->start + sc->period : now;
    long left = sc->left + (long)sc->budget;
    sc->left = left < (long)sc->budget ? left : (long)sc->budget;
    return sc->left > 0;
}

void sched_tick(struct cpu *cpu, word now)
{
    cpu->timer = ~0ul;
    cpu->resched = true;
    arch_timer_set(~0ul); /* it has fired; sched_choose() sets it anew */
    sched_charge(cpu, now);
    struct sched_context *sc = cpu->sc;
    if (sc != NULL && sc->left <= 0) {
        renew(sc, now);
        cpu->rotate = true;
    }
    struct heap_node *first = cpu->renewals.first;
    if (first != NULL && first->key <= now) {
        struct sched_context *due = container_of(first, struct sched_context, renewal);
        struct tcb *thread = due->waiters.head;
        renew(due, now);
        sched_unready(cpu, thread, WAIT_TIME);
        sched_ready(cpu, thread);
    }
}

/* Lets the best thread there is run on its time. Where that is used up the thread waits for its
 * next period, and there is no best thread any more: false. */
static bool take_time(struct cpu *cpu, struct tcb **best)
{
    struct tcb *thread = *best;
    struct sched_context *sc = thread->lent != NULL ? thread->lent : thread->sc;
    if (unlikely(sc == NULL)) {
        thread->wait = WAIT_TIME;
        *best = NULL;
        return false;
    }
    if (unlikely(sc->left <= 0) && !renew(sc, cpu->since)) {
        thread->wait = (word)sc | WAIT_TIME;
        if (sc->waiters.head == NULL) {
            heap_insert(&cpu->renewals, &sc->renewal, sc->start + sc->period);
        }
        wait_queue_add(&sc->waiters, thread, false);
        *best = NULL;
        return false;
    }
    if (unlikely(thread->lent != NULL)) {
        sched_lend(thread, NULL);
    }
    cpu->sc = sc;
    return true;
}

/* Sets the timer for whatever comes first, if it is not set early enough already. */
static void set_timer(struct cpu *cpu)
{
    word when = ~0ul;
    if (cpu->sc != NULL && (cpu->top >= 0 || cpu->sc->period != 0)) {
        when = cpu->since + (cpu->sc->left > 0 ? (word)cpu->sc->left : 0);
    }
    if (cpu->deadlines.first != NULL && cpu->deadlines.first->key < when) {
        when = cpu->deadlines.first->key;
    }
    if (cpu->renewals.first != NULL && cpu->renewals.first->key < when) {
        when = cpu->renewals.first->key;
    }
    if (when < cpu->timer) {
        cpu->timer = when;
        arch_timer_set(when);
    }
}

/* The most urgent of those that are ready, `woken` among them; NULL if there is none. */
static struct tcb *take_best(struct cpu *cpu, struct tcb *woken)
{
    if (woken != NULL) {
        if (woken->priority > cpu->top) {
            return woken;
        }
        queue_put(cpu, woken, false);
    }
    if (cpu->top < 0) {
        return NULL;
    }
    struct tcb *best = queue_first(cpu);
    queue_take(cpu, best);
    return best;
}

struct tcb *sched_choose(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    struct tcb *woken = cpu->woken;
    bool rotate = cpu->rotate;
    cpu->woken = NULL;
    cpu->rotate = false;

    struct tcb *best = NULL;
    if (current != NULL && current->wait == 0) {
        int rival = woken != NULL && woken->priority > cpu->top ? woken->priority : cpu->top;
        bool stays = rotate ? rival < current->priority : rival <= current->priority;
        if (likely(stays)) {
            if (woken != NULL) {
                queue_put(cpu, woken, false);
                woken = NULL;
            }
            best = current;
        } else {
            sched_lend(current, cpu->sc);
            queue_put(cpu, current, !rotate);
        }
    }
    if (best == NULL || cpu->sc == NULL || cpu->sc->left <= 0) {
        sched_charge(cpu, arch_now());
        do {
            best = best != NULL ? best : take_best(cpu, woken);
            woken = NULL;
            cpu->sc = NULL;
        } while (best != NULL && !take_time(cpu, &best));
    }
    /* Never below 0: a special thread, whose rank is -1, must not pass even if nobody is ready. */
    int16_t bar = cpu->top > 0 ? (int16_t)cpu->top : 0;
    cpu->bar = best != NULL && best->attention == 0 ? bar : RANK_NEVER;
    set_timer(cpu);
    cpu->resched = false;
    return best;
}

/* ---- Deadlines ---- */

void deadline_set(struct cpu *cpu, struct tcb *thread, word when)
{
    if (when != 0) {
        cpu->resched = true;
        heap_insert(&cpu->deadlines, &thread->deadline, when);
        sched_attend(cpu, thread, ATTENTION_DEADLINE);
    }
}

void deadline_clear(struct cpu *cpu, struct tcb *thread)
{
    if (thread->attention & ATTENTION_DEADLINE) {
        heap_remove(&cpu->deadlines, &thread->deadline);
        sched_unattend(cpu, thread, ATTENTION_DEADLINE);
    }
}

struct tcb *deadline_passed(struct cpu *cpu, word now)
{
    struct heap_node *first = cpu->deadlines.first;
    if (first == NULL || first->key > now) {
        return NULL;
    }
    return container_of(first, struct tcb, deadline);
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
    if (top != cpu->top || highest_ready(cpu) != top) {
        panic("the highest ready priority is %d, not %d", top, cpu->top);
    }
    (void)heap_check(&cpu->deadlines);
    (void)heap_check(&cpu->renewals);
}

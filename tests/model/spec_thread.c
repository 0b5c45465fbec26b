/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: where they stand, on whose time they run, and how urgent they are. */
#include "spec.h"

#include <string.h>

int spec_own(struct spec const *s, int thread, enum spec_own which)
{
    return s->thread[thread].first + (int)which;
}

/* ---- Queues: most urgent first ---- */

static void put_at(struct spec_queue *queue, int at, int thread)
{
    memmove(&queue->thread[at + 1], &queue->thread[at], (size_t)(queue->count - at));
    queue->thread[at] = (int8_t)thread;
    queue->count++;
}

static void queue_add(struct spec const *s, struct spec_queue *queue, int thread, bool before)
{
    int priority = s->thread[thread].priority;
    int at = 0;
    while (at < queue->count && (s->thread[queue->thread[at]].priority > priority ||
                                 (!before && s->thread[queue->thread[at]].priority == priority))) {
        at++;
    }
    put_at(queue, at, thread);
}

static void put_by_deadline(struct spec *s, int thread, bool before)
{
    struct spec_thread *t = &s->thread[thread];
    int at = 0;
    t->due = spec_due(s, thread);
    for (; at < s->ready.count; at++) {
        struct spec_thread const *other = &s->thread[s->ready.thread[at]];
        if (other->priority < t->priority) {
            break;
        }
        if (other->priority == t->priority && other->due == t->due && t->due < SPEC_WHENEVER) {
            s->exceeded = true; /* which of the two is first is not specified */
        }
        if (other->priority == t->priority && (other->due > t->due || (before && other->due == t->due))) {
            break;
        }
    }
    put_at(&s->ready, at, thread);
}

void spec_put_ready(struct spec *s, int thread, bool before)
{
    if (s->thread[thread].priority == DEADLINE_PRIORITY) {
        put_by_deadline(s, thread, before);
    } else {
        queue_add(s, &s->ready, thread, before);
    }
}

static void queue_remove(struct spec_queue *queue, int thread)
{
    for (int i = 0; i < queue->count; i++) {
        if (queue->thread[i] == thread) {
            queue->count--;
            memmove(&queue->thread[i], &queue->thread[i + 1], (size_t)(queue->count - i));
            return;
        }
    }
}

/* Where a thread stands in line; NULL: nowhere. *before: among its equals, those that come later
 * stand in front. */
static struct spec_queue *queue_of(struct spec *s, int thread, bool *before)
{
    struct spec_thread const *t = &s->thread[thread];
    *before = false;
    switch (t->state) {
    case SPEC_READY:
        return thread == s->current ? NULL : &s->ready;
    case SPEC_RECEIVES:
        *before = true;
        return &s->endpoint[t->partner].receivers;
    case SPEC_SENDS:
        return &s->endpoint[t->partner].senders;
    case SPEC_AWAITS_SIGNAL:
        return &s->notification[t->partner].waiters;
    case SPEC_AWAITS_TIME:
        return t->partner == SPEC_NONE ? NULL : &s->time[t->partner].waiters;
    default:
        return NULL;
    }
}

static void stand_in_line(struct spec *s, int thread)
{
    bool before;
    struct spec_queue *queue = queue_of(s, thread, &before);
    if (queue == &s->ready) {
        spec_put_ready(s, thread, before);
    } else if (queue != NULL) {
        queue_add(s, queue, thread, before);
    }
}

void spec_leave_line(struct spec *s, int thread)
{
    bool before;
    struct spec_queue *queue = queue_of(s, thread, &before);
    if (queue != NULL) {
        queue_remove(queue, thread);
    }
}

void spec_set_state(struct spec *s, int thread, enum spec_state state, int partner)
{
    spec_leave_line(s, thread);
    s->thread[thread].state = (uint8_t)state;
    s->thread[thread].partner = (int16_t)partner;
    if (state == SPEC_READY || state == SPEC_STOPPED || state == SPEC_AWAITS_TIME) {
        s->thread[thread].deadline = 0;
    }
    stand_in_line(s, thread);
}

void spec_block(struct spec *s, enum spec_state state, int partner)
{
    struct spec_thread *t = &s->thread[s->current];
    spec_set_state(s, s->current, state, partner);
    if (state != SPEC_SENDS && t->fault == 0) {
        t->known = 0;
    }
}

void spec_ready(struct spec *s, int thread)
{
    bool can_run = spec_time(s, thread) != SPEC_NONE || spec_has_time_out(s, thread);
    if (can_run) {
        spec_wakes(s, thread);
    }
    spec_set_state(s, thread, can_run ? SPEC_READY : SPEC_AWAITS_TIME, SPEC_NONE);
}

void spec_await_time(struct spec *s, int thread, int time)
{
    spec_set_state(s, thread, SPEC_AWAITS_TIME, time);
}

void spec_stop(struct spec *s, int thread)
{
    spec_set_state(s, thread, SPEC_STOPPED, SPEC_NONE);
}

/* ---- Time ---- */

int spec_time(struct spec const *s, int thread)
{
    struct spec_thread const *t = &s->thread[thread];
    return t->lent != SPEC_NONE ? t->lent : t->own;
}

void spec_lend(struct spec *s, int thread, int time)
{
    struct spec_thread *t = &s->thread[thread];
    t->lent = (int16_t)(time == t->own ? SPEC_NONE : time);
}

void spec_hand_over_time(struct spec *s, int to)
{
    spec_lend(s, to, spec_time(s, s->current));
    spec_lend(s, s->current, SPEC_NONE);
    s->heir = (int16_t)(s->running != SPEC_NONE ? to : SPEC_NONE);
}

bool spec_runs_on_its_own(struct spec const *s, int thread)
{
    return s->thread[thread].lent == SPEC_NONE;
}

/* A thread has lost somebody else's time. */
static void lose_lent(struct spec *s, int thread)
{
    struct spec_thread *t = &s->thread[thread];
    if (t->lent == s->running && (thread == s->current || thread == s->heir)) {
        spec_stop_time(s); /* whoever is stopped does not run on it */
    }
    if (t->own == SPEC_NONE && t->state != SPEC_STOPPED) {
        t->time_out = SPEC_DUE;
        spec_note_loss(s, thread, t->lent);
    }
    spec_lend(s, thread, SPEC_NONE);
    if (t->own != SPEC_NONE && t->state == SPEC_READY && t->priority == DEADLINE_PRIORITY) {
        spec_stop(s, thread); /* for a moment: it begins a job of its own */
        spec_ready(s, thread);
    } else if ((t->own == SPEC_NONE && t->state == SPEC_READY) || t->state == SPEC_AWAITS_TIME) {
        spec_ready(s, thread);
    }
}

void spec_withdraw(struct spec *s, int time)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].lent == time) {
            lose_lent(s, i);
        }
    }
}

/* One of those that wait for the thread's reply, or for theirs, has it. */
static bool is_from_a_caller(struct spec const *s, int time, int thread)
{
    do {
        thread = spec_caller(s, thread);
    } while (thread != SPEC_NONE && s->thread[thread].own != time);
    return thread != SPEC_NONE;
}

bool spec_declines(struct spec *s)
{
    return s->declines >> s->choices++ & 1;
}

/* What a thread has called with, which may be what it was lent itself, comes back to it. Where time is not its
 * owner's any more, the kernel may choose. */
static void take_back_passed(struct spec *s, int thread, int server)
{
    while (server != SPEC_NONE && s->thread[server].state == SPEC_AWAITS_REPLY) {
        server = s->thread[server].partner;
    }
    if (server == SPEC_NONE || spec_runs_on_its_own(s, server)) {
        return;
    }
    bool is_back = s->thread[server].lent == s->thread[thread].own ||
                   is_from_a_caller(s, s->thread[server].lent, thread);
    if (is_back || !spec_declines(s)) {
        spec_lend(s, thread, s->thread[server].lent);
        lose_lent(s, server);
    }
}

void spec_take_back(struct spec *s, int thread, int server)
{
    take_back_passed(s, thread, server);
    if (s->thread[thread].own != SPEC_NONE) {
        spec_withdraw(s, s->thread[thread].own);
    }
}

void spec_take_back_kept(struct spec *s, int thread, int server)
{
    int time = s->thread[thread].lent;
    while (time != SPEC_NONE && server != SPEC_NONE) {
        struct spec_thread const *t = &s->thread[server];
        bool kept = t->state == SPEC_AWAITS_OBJECT && !s->reply[t->partner].awaited;
        int next = t->state == SPEC_AWAITS_REPLY ? t->partner : kept ? s->reply[t->partner].server : SPEC_NONE;
        if (t->lent == time) {
            lose_lent(s, server);
        }
        server = next;
    }
}

void spec_begin_anew(struct spec *s, int thread)
{
    int caller = spec_caller(s, thread);
    if (caller != SPEC_NONE && s->thread[caller].own == SPEC_NONE) {
        spec_lend(s, caller, s->thread[thread].lent);
    }
    spec_lend(s, thread, SPEC_NONE);
}

int spec_user(struct spec const *s, int time)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].own == time) {
            return i;
        }
    }
    return SPEC_NONE;
}

void spec_unbind_time(struct spec *s, int time)
{
    int thread = spec_user(s, time);
    if (thread == SPEC_NONE) {
        return;
    }
    s->thread[thread].own = SPEC_NONE;
    bool could_run = s->thread[thread].state == SPEC_READY || s->thread[thread].state == SPEC_AWAITS_TIME;
    if (could_run && spec_time(s, thread) == SPEC_NONE) {
        spec_await_time(s, thread, SPEC_NONE);
    }
}

void spec_hand_over(struct spec *s, int to)
{
    spec_hand_over_time(s, to);
    bool nobody_above = s->ready.count == 0 ||
                        s->thread[s->ready.thread[0]].priority <= s->thread[to].priority;
    bool declines = nobody_above && s->ready.count != 0 && spec_declines(s);
    if (nobody_above && !declines && s->thread[s->current].state != SPEC_READY) {
        s->current = (int16_t)to;
    }
    spec_ready(s, to);
}

/* ---- Priorities: a thread's own, or that of the most urgent other thread that waits for it ---- */

int spec_first_server(struct spec const *s, int endpoint)
{
    int first = SPEC_NONE;
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].serving == endpoint &&
            (first == SPEC_NONE || s->thread[i].served > s->thread[first].served)) {
            first = i;
        }
    }
    return first;
}

static int waits_for(struct spec const *s, int thread)
{
    struct spec_thread const *t = &s->thread[thread];
    switch (t->state) {
    case SPEC_AWAITS_REPLY:
        return t->partner;
    case SPEC_AWAITS_OBJECT:
        return s->reply[t->partner].server;
    case SPEC_SENDS:
        return spec_first_server(s, t->partner);
    default:
        return SPEC_NONE;
    }
}

/* moved[i]: the round in which the priority of thread i changed last. */
static bool update_once(struct spec *s, unsigned round, unsigned moved[SPEC_THREADS])
{
    uint8_t most[SPEC_THREADS];
    for (int i = 0; i < SPEC_THREADS; i++) {
        most[i] = s->thread[i].base;
    }
    for (int i = 0; i < SPEC_THREADS; i++) {
        int server = s->thread[i].exists ? waits_for(s, i) : SPEC_NONE;
        if (server != SPEC_NONE && server != i && s->thread[i].priority > most[server]) {
            most[server] = s->thread[i].priority;
        }
    }
    bool any = false;
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].priority != most[i]) {
            s->thread[i].priority = most[i];
            moved[i] = round;
            any = true;
        }
    }
    return any;
}

/* Whoever has another priority in the end stands behind its new equals, in the order in which that was found. Threads that
 * wait for each other in a ring may hand priorities round without end: whose they keep is not specified. */
void spec_update(struct spec *s)
{
    uint8_t before[SPEC_THREADS];
    unsigned moved[SPEC_THREADS] = { 0 };
    for (int i = 0; i < SPEC_THREADS; i++) {
        before[i] = s->thread[i].priority;
    }
    unsigned rounds = 1;
    while (update_once(s, rounds, moved)) {
        if (++rounds == 2 * SPEC_THREADS) {
            s->exceeded = true;
            return;
        }
    }
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].priority != before[i]) {
            spec_leave_line(s, i);
        }
    }
    for (unsigned round = 1; round < rounds; round++) {
        for (int i = 0; i < SPEC_THREADS; i++) {
            if (moved[i] == round && s->thread[i].priority != before[i]) {
                stand_in_line(s, i);
            }
        }
    }
}

void spec_set_base(struct spec *s, int thread, uint8_t priority)
{
    struct spec_thread *t = &s->thread[thread];
    bool was_raised = t->priority != t->base;
    t->base = priority;
    if (was_raised != (t->priority != t->base)) {
        spec_stand_anew(s, thread);
    }
    spec_update(s);
}

void spec_serve(struct spec *s, int thread, int endpoint)
{
    struct spec_thread *t = &s->thread[thread];
    if (t->serving == endpoint) {
        return;
    }
    t->serving = SPEC_NONE;
    spec_update(s);
    t->serving = (int16_t)endpoint;
    t->served = ++s->stamp;
    spec_update(s);
}

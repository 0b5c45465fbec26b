/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time that runs out. A time without a period is a slice: used up, there is a new one at once, and its
 * thread makes way for its equals. With a period it is a budget in pieces; what is used of a piece comes
 * back a period after that was begun.
 */
#include "spec.h"

#include <string.h>

#define TICKS_PER_SECOND 10000000ull
#define SHORTEST_PIECE   (TICKS_PER_SECOND / 100000) /* a shorter one waits for the next */
#define KEPT_APART       (SPEC_PIECES / 4) /* so many pieces; of more, those of a 36th of the period are one */

/* ---- Pieces, in the order in which they come ---- */

static void add_piece(struct spec_time *t, uint64_t when, uint64_t amount)
{
    struct spec_piece *last = t->pieces == 0 ? NULL : &t->piece[t->pieces - 1];
    bool is_close = (when - t->since) * (SPEC_PIECES - KEPT_APART) < t->period;
    if (last != NULL && when <= last->when + last->amount) {
        last->amount += amount; /* it comes while that is being used */
    } else if (last != NULL && t->pieces > KEPT_APART && (is_close || t->pieces == SPEC_PIECES)) {
        *last = (struct spec_piece){ when, last->amount + amount };
    } else {
        t->piece[t->pieces++] = (struct spec_piece){ when, amount };
        t->since = when;
    }
}

static void drop_first(struct spec_time *t)
{
    t->pieces--;
    memmove(&t->piece[0], &t->piece[1], t->pieces * sizeof t->piece[0]);
}

/* What has been used of the first piece comes back a period after that was begun; what was used beyond it is
 * taken from the next. Whoever used whole budgets too much waits as many periods more. */
static void settle(struct spec_time *t)
{
    uint64_t used = t->piece[0].amount - (uint64_t)t->left;
    if (used > t->budget) {
        for (int i = 0; i < t->pieces; i++) {
            t->piece[i].when += used / t->budget * t->period;
        }
        used %= t->budget;
    }
    while (used != 0) {
        struct spec_piece first = t->piece[0];
        uint64_t amount = used < first.amount ? used : first.amount;
        t->piece[0].amount -= amount;
        if (t->piece[0].amount == 0) {
            drop_first(t);
        }
        add_piece(t, first.when + t->period, amount);
        used -= amount;
    }
    t->left = (int64_t)t->piece[0].amount;
}

static void join_next(struct spec_time *t, bool waits)
{
    uint64_t when = waits ? t->piece[1].when : t->piece[0].when;
    uint64_t amount = t->piece[0].amount + t->piece[1].amount;
    drop_first(t);
    t->piece[0] = (struct spec_piece){ when, amount };
}

/* Begins to use the first piece, and what comes before that is used up: from now on, or as of when it came.
 * False: it is not there yet. */
static bool begin_piece(struct spec_time *t, uint64_t now, bool as_it_came)
{
    settle(t);
    if (t->piece[0].when > now) {
        return false;
    }
    if (!as_it_came) {
        t->piece[0].when = now;
    }
    while (t->pieces > 1 && t->piece[1].when <= now + t->piece[0].amount) {
        join_next(t, false);
    }
    while (t->pieces > 1 && t->piece[0].amount < SHORTEST_PIECE) {
        join_next(t, true);
    }
    t->left = (int64_t)t->piece[0].amount;
    return t->piece[0].when <= now;
}

static bool has_some(struct spec_time *t, uint64_t now, bool as_it_came)
{
    if (t->period != 0) {
        return begin_piece(t, now, as_it_came);
    }
    if (t->left <= 0) {
        t->left = (int64_t)t->budget;
    }
    return true;
}

/* ---- What runs ---- */

int64_t spec_left(struct spec const *s, int time)
{
    return s->time[time].left - (int64_t)(time == s->running ? s->now - s->since : 0);
}

uint64_t spec_used(struct spec const *s, int time)
{
    return s->time[time].used + (time == s->running ? s->now - s->since : 0);
}

static void charge(struct spec *s)
{
    struct spec_time *t = &s->time[s->running];
    t->left -= (int64_t)(s->now - s->since);
    t->used += s->now - s->since;
    t->stopped = s->now;
    s->since = s->now;
}

void spec_stop_time(struct spec *s)
{
    if (s->running != SPEC_NONE) {
        charge(s);
        s->running = SPEC_NONE;
    }
}

uint64_t spec_due(struct spec const *s, int thread)
{
    int time = spec_time(s, thread);
    if (time != SPEC_NONE && s->time[time].period != 0) {
        return s->time[time].deadline;
    }
    /* Who is waited for by a thread with a deadline is holding that up. */
    return s->thread[thread].priority != s->thread[thread].base ? 0 : SPEC_WHENEVER;
}

void spec_stand_anew(struct spec *s, int thread)
{
    bool runs_by_deadline = s->thread[thread].priority == DEADLINE_PRIORITY && s->thread[thread].state == SPEC_READY;
    if (runs_by_deadline && thread != s->current) {
        spec_leave_line(s, thread);
        spec_put_ready(s, thread, false);
    }
}

/* The deadline of those who run on it is another one. */
static void stand_anew(struct spec *s, int time)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        struct spec_thread const *t = &s->thread[i];
        if (t->exists && (t->own == time || t->lent == time)) {
            spec_stand_anew(s, i);
        }
    }
}

void spec_set_budget(struct spec *s, int time, uint64_t budget, uint64_t period)
{
    struct spec_time *t = &s->time[time];
    if (time == s->running) {
        charge(s);
    }
    t->configured = true;
    t->budget = budget;
    t->period = period;
    t->left = (int64_t)budget;
    t->pieces = 1;
    t->piece[0] = (struct spec_piece){ s->now, budget };
    t->deadline = s->now + period;
    t->stopped = s->now;
    t->missed = 0;
    stand_anew(s, time);
    if (t->waiters.count != 0) {
        t->renewal = s->now; /* at once */
        spec_alarm(s, s->now);
    }
}

/* ---- Jobs: from when a thread wakes until it waits again ---- */

static bool has_more_than_its_share(struct spec const *s, struct spec_time const *t)
{
    uint64_t due = 0;
    for (int i = 0; i < t->pieces; i++) {
        due += t->piece[i].when <= s->now ? t->piece[i].amount : 0;
    }
    return (unsigned __int128)due * t->period >= (unsigned __int128)(t->deadline - s->now) * t->budget;
}

static void begin_job(struct spec *s, struct spec_time *t)
{
    settle(t);
    if (s->now < t->deadline && !has_more_than_its_share(s, t)) {
        return; /* it goes on with the last one */
    }
    t->missed += t->stopped > t->deadline;
    t->deadline = (begin_piece(t, s->now, false) ? s->now : t->piece[0].when) + t->period;
}

static bool is_lent(struct spec const *s, int time)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].lent == time) {
            return true;
        }
    }
    return false;
}

void spec_wakes(struct spec *s, int thread)
{
    int own = s->thread[thread].own;
    if (own == SPEC_NONE || s->thread[thread].lent != SPEC_NONE || own == s->running || is_lent(s, own) ||
        s->time[own].period == 0) {
        return;
    }
    struct spec_time *t = &s->time[own];
    switch ((enum spec_state)s->thread[thread].state) {
    case SPEC_RECEIVES:
    case SPEC_AWAITS_SIGNAL:
    case SPEC_STOPPED:
        begin_job(s, t);
        break;
    case SPEC_AWAITS_TIME: /* its budget is back before its job was done */
        if (s->now >= t->deadline) {
            t->missed++;
            t->deadline = t->piece[0].when + t->period;
        }
        break;
    default:
        break;
    }
}

/* Its user works, or waits for somebody to, on it and not on a caller's. *known: who has passed on a call, on
 * whose time is not. */
static bool is_busy(struct spec const *s, int user, bool *known)
{
    int state = user == SPEC_NONE ? SPEC_STOPPED : s->thread[user].state;
    bool passes_on = state == SPEC_AWAITS_REPLY || state == SPEC_AWAITS_OBJECT;
    *known = !passes_on || spec_caller(s, user) == SPEC_NONE;
    return state != SPEC_STOPPED && state != SPEC_RECEIVES && state != SPEC_AWAITS_SIGNAL &&
           s->thread[user].lent == SPEC_NONE;
}

/* Done too late, or late now. */
uint64_t spec_missed(struct spec const *s, int time, bool *known)
{
    struct spec_time const *t = &s->time[time];
    *known = true;
    bool late = t->period != 0 && s->now > t->deadline && is_busy(s, spec_user(s, time), known);
    return t->missed + late;
}

/* ---- Threads and what they run on ---- */

void spec_note_loss(struct spec *s, int thread, int time)
{
    s->thread[thread].lost = s->time[time].mark;
    s->thread[thread].lost_used = spec_used(s, time);
}

static void await_piece(struct spec *s, int thread, int time)
{
    s->time[time].renewal = s->time[time].piece[0].when;
    spec_alarm(s, s->time[time].renewal);
    spec_await_time(s, thread, time);
}

/* A thread is told by its handler that it has no time, once. */
static bool may_be_told(struct spec const *s, int thread)
{
    return s->thread[thread].time_out != SPEC_TOLD && !spec_is_empty(s, spec_own(s, thread, SPEC_TIME_OUT));
}

static void has_none(struct spec *s, int thread)
{
    int time = spec_time(s, thread);
    if (time != SPEC_NONE && may_be_told(s, thread)) {
        spec_note_loss(s, thread, time);
        spec_raise_time_out(s, thread);
    } else if (time != SPEC_NONE) {
        await_piece(s, thread, time);
    } else if (spec_has_time_out(s, thread)) {
        spec_raise_time_out(s, thread);
    } else {
        spec_await_time(s, thread, SPEC_NONE);
    }
}

bool spec_begin_time(struct spec *s, int thread)
{
    struct spec_thread *t = &s->thread[thread];
    bool as_it_came = t->priority == DEADLINE_PRIORITY;
    int time = spec_time(s, thread);
    bool some = time != SPEC_NONE && has_some(&s->time[time], s->now, as_it_came);
    if (!some && t->lent != SPEC_NONE && t->own != SPEC_NONE) {
        spec_lend(s, thread, SPEC_NONE); /* what it was lent is used up: it goes on on its own */
        if (as_it_came) {
            spec_put_ready(s, thread, false); /* by another deadline */
            return false;
        }
        time = t->own;
        some = has_some(&s->time[time], s->now, as_it_came);
    }
    if (!some) {
        has_none(s, thread);
        return false;
    }
    s->running = (int16_t)time;
    s->since = s->now;
    return true;
}

/* ---- The timer ---- */

void spec_alarm(struct spec *s, uint64_t when)
{
    if (when < s->alarm) {
        s->alarm = when;
    }
}

/* The time that comes back first, SPEC_NONE if nobody waits for any. */
static int first_renewal(struct spec *s)
{
    int first = SPEC_NONE;
    for (int i = 0; i < SPEC_TIMES; i++) {
        struct spec_time const *t = &s->time[i];
        if (!t->exists || t->waiters.count == 0) {
            continue;
        }
        if (first != SPEC_NONE && t->renewal == s->time[first].renewal) {
            s->exceeded |= t->renewal <= s->now; /* which of the two is first is not specified */
        } else if (first == SPEC_NONE || t->renewal < s->time[first].renewal) {
            first = i;
        }
    }
    return first;
}

void spec_tick_time(struct spec *s)
{
    if (s->running != SPEC_NONE && spec_left(s, s->running) <= 0) {
        spec_stop_time(s);
        s->rotate = true;
    }
    int first = first_renewal(s);
    if (first != SPEC_NONE && s->time[first].renewal <= s->now) {
        spec_ready(s, s->time[first].waiters.thread[0]);
    }
}

uint64_t spec_next_renewal(struct spec *s)
{
    int first = first_renewal(s);
    return first == SPEC_NONE ? SPEC_NEVER : s->time[first].renewal;
}

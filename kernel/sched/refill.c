/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/refill.h"

#include "base/clock.h"
#include "base/panic.h"

/* A piece that is shorter than this is all overhead: it waits for the next one. */
#define SHORTEST_IN_A_SECOND 100000ul /* 10 us */

ALWAYS_INLINE struct refill *nth(struct sched_context *sc, unsigned n)
{
    unsigned place = sc->first + n;
    return &sc->refill[place < REFILLS ? place : place - REFILLS];
}

static void pop(struct sched_context *sc)
{
    sc->first = sc->first + 1 < REFILLS ? sc->first + 1 : 0;
    sc->count--;
}

/* So many are kept apart in any case. */
#define FEW (REFILLS / 4)

static bool joins_last(struct sched_context const *sc, word when)
{
    bool is_close = (when - sc->since) * (REFILLS - FEW) < sc->period;
    return sc->count > FEW && (is_close || sc->count == REFILLS);
}

/* Adds a piece behind the others. It joins the last if that would be in use still when it comes; or
 * the last waits for it. */
static void add(struct sched_context *sc, word when, word amount)
{
    struct refill *last = sc->count == 0 ? NULL : nth(sc, sc->count - 1);
    if (last != NULL && when <= last->when + last->amount) {
        last->amount += amount;
    } else if (last != NULL && joins_last(sc, when)) {
        last->when = when;
        last->amount += amount;
    } else {
        *nth(sc, sc->count) = (struct refill){ when, amount };
        sc->count++;
        sc->since = when;
    }
}

/* The first piece is all there is now; what was used is known from `left`. */
static void set_left(struct sched_context *sc)
{
    long left = (long)nth(sc, 0)->amount;
    sc->granted += (word)(left - sc->left);
    sc->left = left;
}

void refill_begin(struct sched_context *sc, word now)
{
    sc->first = 0;
    sc->count = 1;
    sc->refill[0] = (struct refill){ now, sc->budget };
    set_left(sc);
}

/* Uses up to `amount` of the first piece. Returns what it did not have. */
static word use_first(struct sched_context *sc, word amount)
{
    struct refill first = *nth(sc, 0);
    if (amount < first.amount) {
        nth(sc, 0)->amount -= amount;
        add(sc, first.when + sc->period, amount);
        return 0;
    }
    pop(sc);
    add(sc, first.when + sc->period, first.amount);
    return amount - first.amount;
}

void refill_settle(struct sched_context *sc)
{
    word first = nth(sc, 0)->amount;
    if (sc->left >= (long)first) {
        sc->left = (long)first; /* interrupted at once, it got back what that takes, and more than it had used */
        return;
    }
    word used = first - (word)sc->left;
    if (used > sc->budget) { /* an overrun of whole budgets: as many periods are lost */
        word rounds = used / sc->budget;
        for (unsigned i = 0; i < sc->count; i++) {
            nth(sc, i)->when += rounds * sc->period;
        }
        used %= sc->budget;
    }
    while (used != 0) {
        used = use_first(sc, used);
    }
    set_left(sc);
}

word refill_due(struct sched_context const *sc, word now)
{
    word sum = 0;
    for (unsigned i = 0; i < sc->count; i++) {
        struct refill const *refill = &sc->refill[(sc->first + i) % REFILLS];
        sum += refill->when <= now ? refill->amount : 0;
    }
    return sum;
}

bool refill_take(struct sched_context *sc, word now, bool as_it_came)
{
    refill_settle(sc);
    struct refill first = *nth(sc, 0);
    if (first.when > now) {
        return false;
    }
    if (!as_it_came) {
        first.when = now;
    }
    while (sc->count > 1 && nth(sc, 1)->when <= now + first.amount) {
        pop(sc);
        first.amount += nth(sc, 0)->amount;
    }
    while (sc->count > 1 && first.amount < clock_hz / SHORTEST_IN_A_SECOND) {
        pop(sc);
        first.amount += nth(sc, 0)->amount;
        first.when = nth(sc, 0)->when;
    }
    *nth(sc, 0) = first;
    set_left(sc);
    return first.when <= now;
}

void refill_check(struct sched_context const *sc, long left)
{
    word sum = 0, before = 0;
    for (unsigned i = 0; i < sc->count; i++) {
        struct refill const *refill = &sc->refill[(sc->first + i) % REFILLS];
        if (refill->when < before || refill->amount == 0) {
            panic("I-REFILL: piece %u of time %p is out of order", i, (void const *)sc);
        }
        before = refill->when;
        sum += refill->amount;
    }
    bool sound = sc->count > 0 && sc->count <= REFILLS && sc->first < REFILLS &&
                 sum == sc->budget && left <= (long)sc->refill[sc->first].amount;
    if (!sound) {
        panic("I-REFILL: %u pieces of time %p are %lu of %lu, %ld left of the first", sc->count,
              (void const *)sc, sum, sc->budget, left);
    }
}

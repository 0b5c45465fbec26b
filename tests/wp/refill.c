/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sporadic replenishment: the ring of pieces.
 *
 * Prove: nth pop set_left
 * Plant: sched/refill.c: (sc->first + n) % REFILLS -> (sc->first + n) % (REFILLS + 1)
 * Plant: sched/refill.c: sc->count--; -> sc->count -= sc->count > 1;
 * Plant: sched/refill.c: sc->left = left; -> sc->left = left - 1;
 */
#include "wp.h"

#include "object/sched_context.h"

/*@ requires \valid_read(sc) && sc->first < REFILLS && n < REFILLS;
    assigns \result \from sc, sc->first, n;
    ensures \result == &sc->refill[(sc->first + n) % REFILLS];
*/
static inline struct refill *nth(struct sched_context *sc, unsigned n);

/*@ requires \valid(sc) && sc->first < REFILLS && 0 < sc->count <= REFILLS;
    assigns sc->first, sc->count;
    ensures sc->first == (\old(sc->first) + 1) % REFILLS;
    ensures sc->count == \old(sc->count) - 1;
*/
static void pop(struct sched_context *sc);

/*@ requires \valid(sc) && sc->first < REFILLS && sc->refill[sc->first].amount <= 0x3fffffffffffffff;
    requires -0x3fffffffffffffff <= sc->left <= 0x3fffffffffffffff;
    assigns sc->left, sc->granted;
    ensures sc->left == sc->refill[sc->first].amount;
*/
static void set_left(struct sched_context *sc);

#include "sched/refill.c"

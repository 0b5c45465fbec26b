/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sporadic replenishment: the ring of pieces.
 *
 * Prove: nth pop set_left joins_last add use_first
 * Plant: sched/refill.c: last->amount += amount;\n    } else { -> last->amount = amount;\n    } else {
 * Plant: sched/refill.c: sc->count > FEW && (is_close || sc->count == REFILLS) -> sc->count > FEW && is_close
 * Plant: sched/refill.c: *nth(sc, sc->count) = (struct -> *nth(sc, 0) = (struct
 * Plant: sched/refill.c: return amount - first.amount; -> return amount;
 * Plant: sched/refill.c: if (amount < first.amount) { -> if (amount <= first.amount + 1) {
 * Plant: sched/refill.c: place < REFILLS ? -> place <= REFILLS ?
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

/*@ predicate sound(struct sched_context *sc) = \valid(sc) && sc->first < REFILLS && sc->count <= REFILLS;
    predicate moderate(struct sched_context *sc) = \forall integer i; 0 <= i < REFILLS ==> sc->refill[i].amount <= 0x3fffffffffffffff;
    logic integer place(struct sched_context *sc, integer n) = (sc->first + n) % REFILLS;
*/

/*@ requires \valid_read(sc);
    assigns \result \from *sc, when;
    ensures sc->count == REFILLS ==> \result;
    ensures sc->count <= REFILLS / 4 ==> !\result;
*/
static bool joins_last(struct sched_context const *sc, word when);

/* `amount` is in the last piece afterwards, or a piece of its own behind it; the others are as they were. */
/*@ requires sound(sc) && moderate(sc) && amount <= 0x3fffffffffffffff;
    assigns sc->count, sc->since, sc->refill[0 .. REFILLS - 1];
    ensures sound(sc) && sc->count > 0;
    ensures sc->count == \old(sc->count) || sc->count == \old(sc->count) + 1;
    ensures \let last = place(sc, sc->count - 1); sc->refill[last].amount ==
      (sc->count == \old(sc->count) ? \old(sc->refill)[last].amount : 0) + amount;
    ensures \forall integer i; 0 <= i < REFILLS && i != place(sc, sc->count - 1) ==>
      sc->refill[i] == \old(sc->refill)[i];
*/
static void add(struct sched_context *sc, word when, word amount);

/* What the first piece does not have is left; the ring is never empty, nor too full. */
/*@ requires sound(sc) && moderate(sc) && sc->count > 0 && amount <= 0x3fffffffffffffff;
    assigns sc->first, sc->count, sc->since, sc->refill[0 .. REFILLS - 1];
    ensures sound(sc) && sc->count > 0;
    ensures \let had = \old(sc->refill[sc->first].amount); \result == (amount < had ? 0 : amount - had);
*/
static word use_first(struct sched_context *sc, word amount);

#include "sched/refill.c"

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slices, which are renewed as soon as they are used up.
 *
 * Prove: has_some
 * Plant: sched/sched.c: if (sc->left <= 0) { -> if (sc->left < 0) {
 * Plant: sched/sched.c: sc->granted += (word)((long)sc->budget - sc->left); -> sc->granted += sc->budget;
 * Plant: sched/sched.c: if (unlikely(sc->left > (long)sc->budget)) { -> if (unlikely(sc->left < (long)sc->budget)) {
 */
#include "wp.h"

#include "sched/sched.h"

/* There is always some, and never more than a slice; what was used (granted less left) is not forgotten. */
/*@ requires \valid(sc) && \valid_read(thread) && \separated(sc, thread);
    requires sc->period == 0 && 0 < sc->budget <= 0x3fffffffffffffff && sc->granted <= 0x3fffffffffffffff;
    requires -0x3fffffffffffffff <= sc->left <= 0x3fffffffffffffff;
    assigns sc->left, sc->granted;
    ensures \result == 1 && 0 < sc->left <= sc->budget;
    ensures \old(sc->left) <= 0 ==> sc->granted - sc->left == \old(sc->granted) - \old(sc->left);
    ensures \old(sc->left) > 0 ==> sc->granted == \old(sc->granted) && sc->left == \min(\old(sc->left), sc->budget);
*/
static bool has_some(struct sched_context *sc, struct tcb const *thread, word now);

#include "sched/sched.c"

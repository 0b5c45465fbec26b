/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sporadic replenishment: a budget that comes back, piece by piece, a period after each piece was
 * begun. So in no stretch of time as long as the period is more than the budget used.
 * (B. Sprunt, L. Sha, J. Lehoczky, Aperiodic task scheduling for hard real-time systems, 1989.)
 *
 * The pieces are kept in the order in which they come. The first is the one that is being used
 * up: `left` says how much there is of it. A piece that was used in part comes back in two. Where
 * there are many, those of a 36th of the period are one, and come with the last of them: so there is
 * room for all, and a thread that is interrupted all the time gets its budget a 36th later.
 *
 * Only for scheduling contexts with a period.
 */
#pragma once

#include "object/sched_context.h"

/* The whole budget is there, from `now` on. */
void refill_begin(struct sched_context *sc, word now);
/* How much there is at `now`: while it does not run, and is settled. */
word refill_due(struct sched_context const *sc, word now);
/* Begins to use the first piece, together with others that come before it is used up: from now on,
 * or as of when it came. False: it is not there yet. */
NODISCARD bool refill_take(struct sched_context *sc, word now, bool as_it_came);
/* What was used of the first piece comes back a period after that was begun. */
void refill_settle(struct sched_context *sc);

/* When there is something again: while it does not run, and is settled. */
ALWAYS_INLINE word refill_next(struct sched_context const *sc)
{
    return sc->refill[sc->first].when;
}

void refill_check(struct sched_context const *sc, long left);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hazard pointers: a thread says which thing it looks at, and who has taken a thing out of where others
 * find it frees it only when nobody looks at it any more. Nobody waits for anybody. Each thread looks at one
 * thing at a time.
 *
 * Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004. His threads keep lists
 * of what they could not free yet. Here a thing that somebody looks at is handed to him, who frees it as he
 * lets it go (as in Herlihy, Luchangco and Moir, "The Repeat Offender Problem", 2002): so it goes as
 * soon as it can, and there are no lists.
 *
 *      held:  | address of the thing | handed over: bit 0 |     0: nothing
 */
#pragma once

#include <stdatomic.h>
#include <tessera/park.h>

#define SYS_HAZARD_HANDED 1u

struct sys_hazards {
    void (*free)(void *thing); /* nobody has it */
    struct {
        _Atomic uintptr_t held;
    } __attribute__((aligned(64))) thread[SYS_PARKS + 1]; /* by number */
};

/* What was handed over is this thread's to free, unless another one looks at it, too. */
void sys_hazard_handed(struct sys_hazards *hazards, void *thing);

/* Lets go what sys_hazard_hold() has got. */
ALWAYS_INLINE void sys_hazard_let_go(struct sys_hazards *hazards)
{
    /* pairs with the acquire in sys_hazard_retire() */
    uintptr_t was = atomic_exchange_explicit(&hazards->thread[sys_park_own].held, 0, memory_order_acq_rel);
    if (unlikely(was & SYS_HAZARD_HANDED)) {
        sys_hazard_handed(hazards, (void *)(was - SYS_HAZARD_HANDED));
    }
}

/* `thing`, which is what *place has led to by its value `seen`, stays until it is let go. False: *place
 * leads elsewhere by now, and nothing is held. */
ALWAYS_INLINE bool sys_hazard_hold(struct sys_hazards *hazards, void *thing, _Atomic uintptr_t *place,
                                   uintptr_t seen)
{
    atomic_store_explicit(&hazards->thread[sys_park_own].held, (uintptr_t)thing, memory_order_relaxed);
    /* Either sys_hazard_retire() sees that it is held, or this one sees that it is gone. */
    atomic_thread_fence(memory_order_seq_cst);
    /* pairs with the release of who put it there */
    if (likely(atomic_load_explicit(place, memory_order_acquire) == seen)) {
        return true;
    }
    sys_hazard_let_go(hazards);
    return false;
}

/* Frees a thing that can be found nowhere any more, when nobody holds it. */
void sys_hazard_retire(struct sys_hazards *hazards, void *thing);

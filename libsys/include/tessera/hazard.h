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

struct sys_hazard {
    _Atomic uintptr_t held;
} __attribute__((aligned(64)));

struct sys_hazards {
    struct sys_hazard thread[SYS_PARKS + 1]; /* by number */
    void (*free)(void *thing); /* what was handed over, and nobody holds any more */
};

/* This thread's. */
ALWAYS_INLINE struct sys_hazard *sys_hazard_own(struct sys_hazards *hazards)
{
    return &hazards->thread[sys_park_own];
}

void sys_hazard_handed(struct sys_hazards *hazards, uintptr_t held);
/* Hands it to this thread; false if that one holds it no longer. */
bool sys_hazard_hand(struct sys_hazard *to, void *thing);

/* Lets go what sys_hazard_hold() has got. */
ALWAYS_INLINE void sys_hazard_let_go(struct sys_hazards *hazards, struct sys_hazard *own)
{
    /* pairs with the acquire in sys_hazard_retire() */
    uintptr_t was = atomic_exchange_explicit(&own->held, 0, memory_order_release);
    if (unlikely(was & SYS_HAZARD_HANDED)) {
        sys_hazard_handed(hazards, was);
    }
}

ALWAYS_INLINE bool sys_hazard_is_there(struct sys_hazards *hazards, struct sys_hazard *own,
                                       _Atomic uintptr_t *place, uintptr_t seen)
{
    /* Either sys_hazard_retire() sees that it is held, or this one sees that it is gone. */
    atomic_thread_fence(memory_order_seq_cst);
    /* pairs with the release of who put it there */
    if (likely(atomic_load_explicit(place, memory_order_acquire) == seen)) {
        return true;
    }
    sys_hazard_let_go(hazards, own);
    return false;
}

/* `thing`, which is what *place has led to by its value `seen`, stays until it is let go. False: *place
 * leads elsewhere by now, and nothing is held. */
ALWAYS_INLINE bool sys_hazard_hold(struct sys_hazards *hazards, struct sys_hazard *own, void *thing,
                                   _Atomic uintptr_t *place, uintptr_t seen)
{
    atomic_store_explicit(&own->held, (uintptr_t)thing, memory_order_relaxed);
    return sys_hazard_is_there(hazards, own, place, seen);
}

/* The same for who holds something already, and lets go of that. */
ALWAYS_INLINE bool sys_hazard_hold_instead(struct sys_hazards *hazards, struct sys_hazard *own, void *thing,
                                           _Atomic uintptr_t *place, uintptr_t seen)
{
    /* pairs with the acquire in sys_hazard_retire() */
    uintptr_t was = atomic_exchange_explicit(&own->held, (uintptr_t)thing, memory_order_release);
    if (unlikely(was & SYS_HAZARD_HANDED)) {
        sys_hazard_handed(hazards, was);
    }
    return sys_hazard_is_there(hazards, own, place, seen);
}

/* A thing that can be found nowhere any more. True: nobody holds it, and the caller frees it. False: it has
 * been handed to one who does. */
ALWAYS_INLINE NODISCARD bool sys_hazard_retire(struct sys_hazards *hazards, void *thing)
{
    atomic_thread_fence(memory_order_seq_cst); /* as in sys_hazard_hold() */
    for (unsigned number = 1; number <= sys_park_most; number++) {
        /* pairs with the release in sys_hazard_let_go(): who held it has done with it */
        uintptr_t held = atomic_load_explicit(&hazards->thread[number].held, memory_order_acquire);
        if (unlikely(held == (uintptr_t)thing) && sys_hazard_hand(&hazards->thread[number], thing)) {
            return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/hazard.h>

bool sys_hazard_hand(struct sys_hazard *to, void *thing)
{
    uintptr_t held = (uintptr_t)thing;
    /* pairs with sys_hazard_handed(), or with sys_hazard_let_go() as in sys_hazard_retire() */
    return atomic_compare_exchange_strong_explicit(&to->held, &held, held | SYS_HAZARD_HANDED,
                                                   memory_order_acq_rel, memory_order_acquire);
}

void sys_hazard_handed(struct sys_hazards *hazards, uintptr_t held)
{
    atomic_thread_fence(memory_order_acquire); /* pairs with the release of who handed it over */
    void *thing = (void *)(held - SYS_HAZARD_HANDED);
    if (sys_hazard_retire(hazards, thing)) { /* otherwise another one holds it, too */
        hazards->free(thing);
    }
}

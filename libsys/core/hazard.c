/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/hazard.h>

void sys_hazard_retire(struct sys_hazards *hazards, void *thing)
{
    atomic_thread_fence(memory_order_seq_cst); /* as in sys_hazard_hold() */
    for (unsigned number = 1; number <= sys_park_most; number++) {
        uintptr_t held = (uintptr_t)thing;
        /* The acquire pairs with the release in sys_hazard_let_go(): whoever held it has done with it. */
        if (atomic_load_explicit(&hazards->thread[number].held, memory_order_acquire) == held &&
            atomic_compare_exchange_strong_explicit(&hazards->thread[number].held, &held,
                                                    held | SYS_HAZARD_HANDED, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            return;
        }
    }
    hazards->free(thing);
}

void sys_hazard_handed(struct sys_hazards *hazards, void *thing)
{
    sys_hazard_retire(hazards, thing);
}

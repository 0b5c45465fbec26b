/* SPDX-License-Identifier: BSD-2-Clause */
/* How capabilities and objects end. */
#pragma once

#include "api/invocation.h"

/* Empties a slot and tells whoever has to know. The object, if that was the last capability to
 * it, is gone for everyone; its remains are left to delete_finish(). ERR_PREEMPTED: not yet. */
NODISCARD enum err delete_slot(struct cpu *cpu, struct slot *slot);

/* Whether objects that are gone have left remains. */
ALWAYS_INLINE bool delete_has_remains(void)
{
    for (unsigned f = 0; f < FAMILIES; f++) {
        if (families[f].dying != NULL) {
            return true;
        }
    }
    return false;
}

/* Clears them all. ERR_PREEMPTED: some are left. */
NODISCARD enum err delete_remains(struct cpu *cpu);
NODISCARD ALWAYS_INLINE enum err delete_finish(struct cpu *cpu)
{
    return likely(!delete_has_remains()) ? OK : delete_remains(cpu);
}

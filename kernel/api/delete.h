/* SPDX-License-Identifier: BSD-2-Clause */
/* How capabilities and objects end. */
#pragma once

#include "api/invocation.h"

/* Empties a slot and tells whoever has to know. The object, if that was the last capability to
 * it, is gone for everyone; its remains are left to delete_finish(). ERR_PREEMPTED: not yet. */
NODISCARD enum err delete_slot(struct cpu *cpu, struct slot *slot);

/* Clears the remains of all objects that are gone. ERR_PREEMPTED: some are left. */
NODISCARD enum err delete_finish(struct cpu *cpu);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of programs by their names, and probes on them. */
#pragma once

#include "build.h"

/* As Control.probe and Control.function say. `name` has `length` characters; of the other it says how many. */
NODISCARD enum err probe_put(struct builder *b, uint32_t index, char const *name, size_t length, bool on,
                             uint32_t *functions);
NODISCARD enum err probe_name(struct builder *b, uint32_t index, uint64_t address, char *name, size_t *length);

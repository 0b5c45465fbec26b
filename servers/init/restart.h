/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens when a program has ended: what it had is taken back, and the plan says whether it is
 * started again. */
#pragma once

#include "build.h"

/* Whether a program is the one that receives at an endpoint, of the plan's objects. */
bool system_serves(struct system const *system, uint32_t program, uint32_t object);

/* The program has ended. It is started again if it may; or its endpoints go with it, and with them
 * the calls of those who wait there. */
void restart_or_end(struct builder *builder, uint32_t index);
/* Ends a program by order. */
void kill_program(struct builder *builder, uint32_t index);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Many requests to kernel objects with one system call. */
#pragma once

#include "api/invocation.h"

/* Performs the requests in the current thread's message buffer: as many as its first message word
 * says, from the one that the second says. Result and position go to its argument registers. */
NODISCARD enum err batch_perform(struct cpu *cpu);

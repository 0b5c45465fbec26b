/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's one way in. */
#pragma once

#include "ipc/ipc.h"

/* Called by every trap path once `current`'s registers are saved; returns the thread to run, whose
 * address space is loaded. `kind` and `address` are those of a fault. */
struct tcb *kernel_entry(struct tcb *current, enum trap trap, word kind, word address);

/* The first thread to run. */
struct tcb *kernel_start(struct cpu *cpu);

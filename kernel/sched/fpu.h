/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point and vector registers. They stay those of the thread that used them last, its
 * owner, and are switched off while another one runs: that one's first use traps, and only then
 * are they saved and loaded. So threads that do not use them never pay, and IPC does not either:
 * while they are on, their thread has ATTENTION_FPU, which keeps the fast path away until the slow
 * path has switched them off.
 */
#pragma once

#include "sched/sched.h"

/* The current thread was stopped by an instruction that it may have if the registers are switched
 * on. False: they are on already, or the processor has none. */
bool fpu_use(struct cpu *cpu);
/* The owner does not run any more. */
void fpu_off(struct cpu *cpu);
/* What a thread has in these registers is of no use to anyone. */
void fpu_forget(struct cpu *cpu, struct tcb *thread);
/* What the core keeps for a thread that does not run is in the thread too from now on. */
void fpu_save(struct cpu const *cpu, struct tcb *thread);
void fpu_check(struct cpu const *cpu, struct tcb const *thread);

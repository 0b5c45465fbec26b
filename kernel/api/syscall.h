/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways into the kernel. Trap paths call these once `current`'s registers are saved; each
 * returns the thread to run, whose address space is loaded.
 */
#pragma once

#include "ipc/ipc.h"

/* A system call that the fast path did not do: frame and argument registers are saved. */
struct tcb *kernel_syscall(struct tcb *current);
/* An interrupt is pending; all registers are saved. */
struct tcb *kernel_interrupt(struct tcb *current);
/* The thread cannot go on; all registers are saved. */
struct tcb *kernel_fault(struct tcb *current, enum fault_kind kind, word address);

/* The same, and they tell what comes in and who goes out (sched/trace.h): for the ways in that
 * arch_trace() chooses. */
struct tcb *traced_syscall(struct tcb *current);
struct tcb *traced_interrupt(struct tcb *current);
struct tcb *traced_fault(struct tcb *current, enum fault_kind kind, word address);

/* Boot is done: the first thread to run. */
struct tcb *kernel_start(struct cpu *cpu);

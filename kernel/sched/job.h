/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs: what a thread does on time with a period from when it wakes until it waits again. Each has
 * its deadline, a period after it began. Where a thread wakes before that and has more of its budget
 * than fits its share, it gets another deadline: so it keeps to its share, whenever it wakes.
 * (L. Abeni, G. Buttazzo, Integrating multimedia applications in hard real-time systems, 1998.)
 */
#pragma once

#include "sched/cpu.h"

/* A thread becomes ready: it may begin a job. */
void job_note(struct cpu *cpu, struct tcb *thread);
/* Jobs that were done too late on this time, or are late now. */
word job_missed(struct sched_context const *sc);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting. Programs have as many counters as they like, the processor has few: those that count what the
 * processor does stand in a ring, the first ones have the processor's counters, and pmu_rotate() puts
 * them behind the others. Each knows for how long it was to count and for how long it did.
 */
#pragma once

#include "object/pmu.h"
#include "sched/sched.h"

/* What the kernel itself has counted. */
word pmu_software(struct cpu const *cpu, enum counter which);

/* A counter that is stopped begins at 0. */
NODISCARD enum err pmu_start(struct cpu *cpu, struct pmu_counter *counter, enum pmu_kind kind, word event);
/* Brings value and times up to now. */
void pmu_update(struct cpu *cpu, struct pmu_counter *counter);
void pmu_stop(struct cpu *cpu, struct pmu_counter *counter);
/* Those that have the processor's counters make way for those that wait. */
void pmu_rotate(struct cpu *cpu);
/* A set of counters that is about to be destroyed. */
void pmu_clear(struct cpu *cpu, struct pmu *pmu);

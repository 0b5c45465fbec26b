/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of counters, each of which is its holder's own (sched/pmu.h). */
#pragma once

#include "object/cap.h"

struct pmu_counter {
    struct pmu_counter *next; /* of those that count what the processor does; NULL: none of these */
    struct pmu_counter *prev;
    word value;
    word enabled;    /* clock ticks in which it was to count ... */
    word running;    /* ... and in which it did */
    word enabled_at; /* up to when these are known; 0: it is stopped */
    word base;       /* what the counter behind it said then */
    word event;
    uint8_t kind;    /* enum pmu_kind */
    bool has_counter;
    uint32_t counter; /* the processor's, if it has one */
};

struct pmu {
    struct pmu_counter counter[PMU_COUNTERS];
    uint8_t kinds; /* it may count: bits of enum pmu_kind */
    struct life life;
} ALIGNED(64);
_Static_assert(sizeof(struct pmu) <= PMU_SIZE, "a set of counters fits its object");

ALWAYS_INLINE struct pmu *cap_pmu(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_PMU);
}

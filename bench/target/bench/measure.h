/* SPDX-License-Identifier: BSD-2-Clause */
/* Samples of one benchmark, and what is said of them. */
#pragma once

#include <stdint.h>

#define WARM_UP 8
#define SAMPLES 200
#define FEW     8

struct samples {
    char const *name;
    unsigned count;
    uint64_t value[SAMPLES];
};

/* What reading the counter costs, twice included in a difference; taken off every sample. */
extern uint64_t measure_overhead;

/* Starts over, with the name of a benchmark. */
void measure_begin(struct samples *samples, char const *name);
/* Adds a difference of two readings; the first WARM_UP rounds are not to be added. */
void measure_add(struct samples *samples, uint64_t raw);
/* One line for the runner: minimum, median, 99th percentile, maximum. Each sample was of `parts`
 * operations at once. */
void measure_report(struct samples *samples, unsigned parts);

/* The benchmark cannot go on: says why and ends the program. */
void bench_fail(char const *what, unsigned error) __attribute__((noreturn));

/* Adds a sample once the first rounds are over. */
#define MEASURE_ROUNDS(i) for (unsigned i = 0; (i) < WARM_UP + SAMPLES; (i)++) /* NOLINT(bugprone-macro-parentheses): declares i */
/* The same for what takes long. */
#define MEASURE_FEW_ROUNDS(i) for (unsigned i = 0; (i) < WARM_UP + FEW; (i)++) /* NOLINT(bugprone-macro-parentheses): declares i */
#define MEASURE_KEEP(i, samples, raw)                                                              \
    do {                                                                                           \
        if ((i) >= WARM_UP) {                                                                      \
            measure_add(samples, raw);                                                             \
        }                                                                                          \
    } while (0)

/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <tessera/print.h>

uint64_t measure_overhead;

void measure_begin(struct samples *samples, char const *name)
{
    samples->name = name;
    samples->count = 0;
}

void measure_add(struct samples *samples, uint64_t raw)
{
    uint64_t net = raw > measure_overhead ? raw - measure_overhead : 0;
    unsigned at = samples->count++;
    /* In order from the start: insertion is quick enough for so few. */
    for (; at > 0 && samples->value[at - 1] > net; at--) {
        samples->value[at] = samples->value[at - 1];
    }
    samples->value[at] = net;
}

void measure_report(struct samples *samples, unsigned parts)
{
    unsigned n = samples->count;
    uint64_t const *v = samples->value;
    sys_print("bench %s %lu %lu %lu %lu %u\n", samples->name, v[0] / parts, v[n / 2] / parts,
              v[n * 99 / 100] / parts, v[n - 1] / parts, n);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: page faults that it answers. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>
#include <idl/memory_client.h>

#define MEMORY ((struct memory_space){ BENCH_CAP_MEMORY_SERVER })
#define PAGE   (1ul << PAGE_BITS)
#define BOTH   (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)

/* Pages touched for one sample: as many as the server makes at once, so that each sample has its
 * share of that. */
#define PAGES 32u

static struct samples samples;

static uint64_t new_range(uint64_t size, enum memory_how how)
{
    uint64_t address = 0;
    enum err err = memory_space_map(MEMORY, size, BOTH, how, &address);
    if (err != OK) {
        bench_fail("a range of memory", err);
    }
    return address;
}

/* Writes to each page of a new range. Forwards the server brings along more and more of them;
 * backwards every page is a fault. */
static void touch(char const *name, bool forwards)
{
    measure_begin(&samples, name);
    MEASURE_ROUNDS(i)
    {
        uint64_t address = new_range(PAGES * PAGE, 0);
        uint64_t at = forwards ? address : address + (PAGES - 1) * PAGE;
        uint64_t step = forwards ? PAGE : -PAGE;
        uint64_t a = sys_counter();
        for (unsigned n = 0; n < PAGES; n++, at += step) {
            *(uint64_t volatile *)at = 1;
        }
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
        must(memory_space_unmap(MEMORY, address), name);
    }
    measure_report(&samples, PAGES);
}

/* A range that is filled when it is asked for, and given back. */
static void renew(char const *name)
{
    measure_begin(&samples, name);
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        uint64_t address = new_range(PAGES * PAGE, MEMORY_HOW_NOW);
        must(memory_space_unmap(MEMORY, address), name);
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, PAGES);
}

void bench_memory(void)
{
    touch("mem.fault.zeroed", true);
    touch("mem.fault.scattered", false);
    renew("mem.renew");
}

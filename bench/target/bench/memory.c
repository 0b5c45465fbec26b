/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: page faults that it answers, and what saves some of them. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>
#include <idl/memory_client.h>
#include <tessera/receive.h>
#include <tessera/string.h>

#define MEMORY ((struct memory_space){ BENCH_CAP_MEMORY_SERVER })
#define PAGE   (1ul << PAGE_BITS)
#define BOTH   (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)

/* Pages touched for one sample: as many as the server makes at once, so that each sample has its
 * share of that. */
#define PAGES 32u

/* Of this the rest is measured: as much as one large page. */
#define HUGE (1ul << 21)

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

/* Writes to each page of 2 MiB. */
static void write_to_each(uint64_t address)
{
    for (uint64_t at = address; at < address + HUGE; at += PAGE) {
        *(uint64_t volatile *)at = at;
    }
}

static void touch_huge(char const *name, enum memory_how how)
{
    measure_begin(&samples, name);
    MEASURE_FEW_ROUNDS(i)
    {
        uint64_t address = new_range(HUGE, how);
        uint64_t a = sys_counter();
        write_to_each(address);
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
        must(memory_space_unmap(MEMORY, address), name);
    }
    measure_report(&samples, 1);
}

/* Giving back 2 MiB of pages of 4 KiB; `promotion`: of one large page, and what making it of them
 * took. */
static void give_back(char const *name, struct samples *promotion)
{
    measure_begin(&samples, name);
    MEASURE_FEW_ROUNDS(i)
    {
        uint64_t address = new_range(2 * HUGE, 0);
        write_to_each((address + HUGE - 1) & -HUGE);
        if (promotion != NULL) {
            uint32_t pieces = 0;
            uint64_t a = sys_counter();
            enum err err = memory_space_promote(MEMORY, address, &pieces);
            uint64_t b = sys_counter();
            must(err, name);
            if (pieces != 1) {
                bench_fail(name, 0);
            }
            MEASURE_KEEP(i, promotion, b - a);
        }
        uint64_t a = sys_counter();
        enum err err = memory_space_unmap(MEMORY, address);
        uint64_t b = sys_counter();
        must(err, name);
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void promote(void)
{
    static struct samples promotion;
    measure_begin(&promotion, "mem.promote.2m");
    give_back("mem.unmap.2m.small", NULL);
    give_back("mem.unmap.2m.promoted", &promotion);
    measure_report(&promotion, 1);
}

static uint64_t by_clone(uint64_t from)
{
    struct memory_region region = { CPTR_NONE };
    uint64_t address = 0;
    must(memory_space_copy(MEMORY, from, &region), "mem.clone");
    must(memory_space_attach(MEMORY, BOTH, region, &address), "mem.clone");
    must(memory_region_close(region), "mem.clone");
    sys_received_drop(region.cap);
    return address;
}

static uint64_t by_copying(uint64_t from)
{
    uint64_t address = new_range(HUGE, MEMORY_HOW_NOW);
    memcpy((void *)address, (void const *)from, HUGE); /* NOLINT(performance-no-int-to-ptr) */
    return address;
}

/* 2 MiB once more, and this part of it written by the new owner. */
static void duplicate(char const *name, uint64_t (*by)(uint64_t from), uint64_t written)
{
    measure_begin(&samples, name);
    MEASURE_FEW_ROUNDS(i)
    {
        uint64_t from = new_range(HUGE, 0);
        write_to_each(from);
        uint64_t a = sys_counter();
        uint64_t address = by(from);
        for (uint64_t at = 0; at < written; at += PAGE) {
            *(uint64_t volatile *)(address + at) = 1;
        }
        uint64_t b = sys_counter();
        uint64_t last = address + HUGE - PAGE;
        if (*(uint64_t volatile *)last != (written == HUGE ? 1 : from + HUGE - PAGE)) {
            bench_fail(name, 0);
        }
        MEASURE_KEEP(i, &samples, b - a);
        must(memory_space_unmap(MEMORY, address), name);
        must(memory_space_unmap(MEMORY, from), name);
    }
    measure_report(&samples, 1);
}

void bench_memory(void)
{
    touch("mem.fault.zeroed", true);
    touch("mem.fault.scattered", false);
    renew("mem.renew");
    touch_huge("mem.touch.2m.small", 0);
    touch_huge("mem.touch.2m.huge", MEMORY_HOW_HUGE);
    promote();
    duplicate("mem.clone.2m", by_clone, 0);
    duplicate("mem.clone.2m.written16", by_clone, 16 * PAGE);
    duplicate("mem.clone.2m.written512", by_clone, HUGE);
    duplicate("mem.copied.2m", by_copying, 0);
}

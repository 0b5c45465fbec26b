/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's client. It measures with the processor's instruction counter, prints a line for
 * each benchmark, and ends; the runner on the host makes tables of the lines (bench/host).
 */
#include "bench.h"

#include "measure.h"

#include <bench_caps.h>
#include <idl/bench_client.h>
#include <idl/console_client.h>
#include <idl/init_client.h>
#include <tessera/names.h>
#include <tessera/print.h>
#include <tessera/start.h>

#define CONSOLE ((struct console){ BENCH_CAP_CONSOLE })
#define SETUP   ((struct bench_setup){ BENCH_CAP_SETUP })
#define INIT    ((struct init){ CPTR(1) })

struct sys_resources resources = {
    .cnode = BENCH_CAP_CNODE,
    .memory = BENCH_CAP_MEMORY,
    .vspace = BENCH_CAP_VSPACE,
    .sched = BENCH_CAP_SCHED,
    .slots = { .next = BENCH_FIRST_FREE_SLOT, .end = BENCH_SLOTS },
    .next_address = 0x100000000,
};
struct bench_shared volatile *shared;

static void put(char const *text, size_t length)
{
    sys_ignore(console_write(CONSOLE, text, length));
}

void bench_fail(char const *what, unsigned error)
{
    uint64_t detail = sys_error_detail;
    sys_print("bench-failed %s: %s (argument %lu: wanted %s, got %s)\n", what, error_text(error),
              error_detail_argument(detail), object_type_name(error_detail_expected(detail)),
              object_type_name(error_detail_found(detail)));
    sys_ignore(console_flush(CONSOLE));
    sys_exit(1);
}

void must(enum err err, char const *what)
{
    if (unlikely(err != OK)) {
        bench_fail(what, err);
    }
}

void start_thread(struct sys_thread *thread, char const *name, uint8_t priority, cptr_t fault,
                  void (*function)(void *))
{
    struct sys_thread_options options = {
        .name = name, .priority = priority, .slice_ns = SLICE_NS, .fault = fault
    };
    must(sys_thread_create(&resources, thread, &options, function, NULL), name);
}

cptr_t new_object(enum object_type type)
{
    cptr_t cap;
    must(sys_make(&resources, type, 0, &cap), "making an object");
    return cap;
}

static void measure_the_counter(void)
{
    static struct samples samples;
    measure_begin(&samples, "overhead.counter");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
    measure_overhead = samples.value[0];
}

static void report_boot(void)
{
    static struct samples samples;
    uint64_t count;
    must(init_boot_instructions(INIT, &count), "asking init");
    measure_begin(&samples, "boot.to_init");
    measure_add(&samples, count);
    measure_report(&samples, 1);
}

int main(uint64_t argument)
{
    (void)argument;
    sys_print_to(put);
    cptr_t page;
    void *address;
    must(sys_memory(&resources, PAGE_BITS, &page, &address), "sharing a page");
    shared = address;
    must(bench_setup_share(SETUP, page), "sharing a page");

    sys_print("bench-begin %s\n", SYS_COUNTER_UNIT);
    measure_the_counter();
    bench_ipc();
    bench_kernel();
    bench_wait_set();
    bench_sync();
    bench_latency();
    bench_objects();
    bench_memory();
    bench_vfs();
    report_boot();
    sys_print("bench-end\n");
    return console_flush(CONSOLE) == OK ? 0 : 1;
}

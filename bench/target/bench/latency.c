/* SPDX-License-Identifier: BSD-2-Clause */
/* How late a thread of high priority runs after its interrupt, the timer's, while another one keeps the
 * kernel busy: the latest of all its wakings count. In nanoseconds: one is an instruction under emulation. */
#include "bench.h"
#include "measure.h"
#include "trigger.h"

#include <bench_caps.h>

#define EVERY_NS   10007ul /* so that the interrupts come in all phases of what is going on */
#define RADIX      16
#define LARGEST    27
#define MAPS       64
#define MAP_BITS   20
#define STORM_NS   2000000ul

static struct samples samples;
static cptr_t never, line;
static bool volatile watching;

/* Of so many samples the latest are kept. */
static void keep(uint64_t late)
{
    if (samples.count == SAMPLES) {
        if (late <= samples.value[0]) {
            return;
        }
        samples.count--;
        for (unsigned i = 0; i < samples.count; i++) {
            samples.value[i] = samples.value[i + 1];
        }
    }
    measure_add(&samples, late);
}

static void watch(void *argument)
{
    (void)argument;
    for (;;) {
        uint64_t bits, due = sys_clock_ns() + EVERY_NS;
        sys_ignore(sys_wait(never, due, &bits, NULL));
        if (watching) {
            keep(sys_clock_ns() - due);
        }
    }
}

static void begin(char const *name)
{
    measure_begin(&samples, name);
    watching = true;
}

static void end(void)
{
    watching = false;
    measure_report(&samples, 1);
}

static uint32_t index_of(cptr_t cap)
{
    return (uint32_t)(cap.raw >> SLOT_BITS);
}

static cptr_t sized(enum object_type type, uint8_t size)
{
    cptr_t cap;
    must(sys_make(&resources, type, size, &cap), "making an object");
    return cap;
}

static void revoke(void)
{
    cptr_t table = sized(OBJECT_CNODE, RADIX), source = new_object(OBJECT_ENDPOINT);
    for (uint32_t at = 1; at < 1u << RADIX; at++) {
        must(sys_cnode_copy(table, at, source, RIGHTS_ALL), "irq.latency.revoke");
    }
    /* The table's first slot is its own. */
    must(sys_cnode_copy(BENCH_CAP_CNODE, sys_slot_take(&resources.slots), source, RIGHTS_ALL), "irq.latency.revoke");
    begin("irq.latency.revoke");
    enum err err = sys_cnode_revoke(BENCH_CAP_CNODE, index_of(source));
    end();
    must(err, "irq.latency.revoke");
    must(sys_drop(&resources, table), "irq.latency.revoke");
}

/* The largest piece of memory that every board can give is made a frame, which zeroes it; then it is
 * revoked and made one again. */
static void reset(void)
{
    uint32_t at = sys_slot_take(&resources.slots);
    begin("irq.latency.reset");
    for (unsigned i = 0; i < 2; i++) {
        must(sys_untyped_retype(BENCH_CAP_LARGEST, OBJECT_FRAME, LARGEST, 1, BENCH_CAP_CNODE, at), "irq.latency.reset");
        must(sys_cnode_revoke(BENCH_CAP_CNODE, index_of(BENCH_CAP_LARGEST)), "irq.latency.reset");
    }
    end();
}

/* An address space with a frame mapped in many places, in pages of the smallest size. */
static void destroy(void)
{
    cptr_t vspace = new_object(OBJECT_VSPACE), frame = sized(OBJECT_FRAME, MAP_BITS);
    must(sys_vspace_feed(vspace, sized(OBJECT_TABLES, MAX_TABLES_BITS)), "irq.latency.destroy");
    uint32_t at = sys_slots_take(&resources.slots, MAPS);
    for (uint32_t i = 0; i < MAPS; i++) {
        must(sys_cnode_copy(BENCH_CAP_CNODE, at + i, frame, RIGHTS_ALL), "irq.latency.destroy");
        must(sys_frame_map(CPTR(at + i), vspace, 0x10000000ul + ((uint64_t)i << MAP_BITS), FRAME_READ),
             "irq.latency.destroy");
    }
    begin("irq.latency.destroy");
    enum err err = sys_cnode_delete(BENCH_CAP_CNODE, index_of(vspace));
    end();
    must(err, "irq.latency.destroy");
}

/* A driver whose device interrupts again as soon as it may. */
static void drive(void *argument)
{
    (void)argument;
    for (;;) {
        uint64_t bits;
        must(sys_wait(line, 0, &bits, NULL), "irq.latency.storm");
        trigger_clear();
        trigger_raise_soon();
        must(sys_irq_handler_acknowledge(BENCH_CAP_IRQ), "irq.latency.storm");
    }
}

static void storm(void)
{
    static struct sys_thread driver;
    line = new_object(OBJECT_NOTIFICATION);
    must(sys_irq_handler_bind(BENCH_CAP_IRQ, line), "irq.latency.storm");
    trigger_init();
    start_thread(&driver, "driver", PRIORITY - 1, CPTR_NONE, drive);
    /* With a budget, before it runs, or nobody else ever would. */
    must(sys_sched_control_configure(BENCH_CAP_SCHED, driver.sched_context, 100000, 200000), "irq.latency.storm");
    must(sys_sched_control_set_priority(BENCH_CAP_SCHED, driver.thread, PRIORITY + 10), "irq.latency.storm");
    trigger_raise_soon();
    begin("irq.latency.storm");
    for (uint64_t until = sys_clock_ns() + STORM_NS; sys_clock_ns() < until;) {
    }
    end();
    must(sys_thread_destroy(&resources, &driver), "irq.latency.storm");
    trigger_clear();
    must(sys_cnode_revoke(BENCH_CAP_CNODE, index_of(line)), "irq.latency.storm");
}

void bench_latency(void)
{
    static struct sys_thread watcher;
    never = new_object(OBJECT_NOTIFICATION);
    start_thread(&watcher, "watcher", PRIORITY + 50, CPTR_NONE, watch);
    revoke();
    reset();
    destroy();
    storm();
    must(sys_thread_destroy(&resources, &watcher), "irq.latency");
}

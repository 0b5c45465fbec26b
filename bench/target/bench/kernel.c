/* SPDX-License-Identifier: BSD-2-Clause */
/* Traps, signals, scheduling, faults, interrupts; then what is done with objects. */
#include "bench.h"
#include "measure.h"
#include "trigger.h"

#include <bench_caps.h>
#include <tessera/trace.h>

static struct samples samples;

/* When the other thread of a benchmark did what it was to do. */
static uint64_t volatile stamp;

/* ---- Traps and signals ---- */

static void null_trap(void)
{
    measure_begin(&samples, "trap.null");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        sys_null();
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

/* Until its ring is full it records. */
static void probe_hit(void)
{
    struct sys_trace trace;
    cptr_t frame;
    must(sys_trace_make(&resources, &trace, 16, &frame), "probe.hit");
    must(sys_trace_attach(BENCH_CAP_TRACE, frame), "probe.hit");
    must(sys_trace_select(BENCH_CAP_TRACE, 1ul << TRACE_PROBE), "probe.hit");
    measure_begin(&samples, "probe.hit");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        sys_probe();
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
    must(trace.ring->written > SAMPLES && trace.ring->lost == 0 ? OK : ERR_NOT_READY, "probe.hit");
    must(sys_trace_detach(BENCH_CAP_TRACE), "probe.hit");
}

static cptr_t signalled;

/* Nobody waits; the signals are taken up again outside of what is measured. */
static void signal_idle(void)
{
    static struct samples polls;
    measure_begin(&samples, "notify.signal.idle");
    measure_begin(&polls, "notify.poll");
    MEASURE_ROUNDS(i)
    {
        uint64_t bits;
        uint64_t a = sys_counter();
        enum err err = sys_signal(signalled);
        uint64_t b = sys_counter();
        must(err, "notify.signal.idle");
        uint64_t c = sys_counter();
        err = sys_poll(signalled, &bits, NULL);
        uint64_t d = sys_counter();
        must(err, "notify.poll");
        MEASURE_KEEP(i, &samples, b - a);
        MEASURE_KEEP(i, &polls, d - c);
    }
    measure_report(&samples, 1);
    measure_report(&polls, 1);
}

static void waiter(void *argument)
{
    (void)argument;
    for (;;) {
        uint64_t bits;
        must(sys_wait(signalled, 0, &bits, NULL), "waiting for a signal");
        stamp = sys_counter();
    }
}

/* Wakes a thread that is less urgent: what the signal costs the one that sends it. */
static void signal_low(void)
{
    static struct sys_thread low;
    cptr_t pause = new_object(OBJECT_NOTIFICATION);
    start_thread(&low, "low", PRIORITY - 1, CPTR_NONE, waiter);
    measure_begin(&samples, "notify.signal.low");
    MEASURE_ROUNDS(i)
    {
        uint64_t bits;
        /* Long enough for it to wait again. */
        sys_ignore(sys_wait(pause, sys_clock_ns() + 100000, &bits, NULL));
        uint64_t a = sys_counter();
        enum err err = sys_signal(signalled);
        uint64_t b = sys_counter();
        must(err, "notify.signal.low");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
    must(sys_thread_destroy(&resources, &low), "ending a thread");
}

/* Wakes a thread that is more urgent: until that runs. */
static void signal_high(void)
{
    static struct sys_thread high;
    start_thread(&high, "high", PRIORITY + 1, CPTR_NONE, waiter);
    measure_begin(&samples, "notify.signal.high");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        enum err err = sys_signal(signalled);
        must(err, "notify.signal.high");
        MEASURE_KEEP(i, &samples, stamp - a);
    }
    measure_report(&samples, 1);
    must(sys_thread_destroy(&resources, &high), "ending a thread");
}

/* ---- Scheduling ---- */

static void yield_alone(void)
{
    measure_begin(&samples, "sched.yield.alone");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        sys_yield();
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void yielder(void *argument)
{
    (void)argument;
    for (;;) {
        stamp = sys_counter();
        sys_yield();
    }
}

static void switch_same(void)
{
    static struct sys_thread other;
    start_thread(&other, "other", PRIORITY, CPTR_NONE, yielder);
    measure_begin(&samples, "sched.switch.same");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        sys_yield();
        MEASURE_KEEP(i, &samples, stamp - a);
    }
    measure_report(&samples, 1);
    must(sys_thread_destroy(&resources, &other), "ending a thread");
}

/* The server's partner yields as often as it is told, and leaves its time in the shared page. */
static void switch_cross(void)
{
    struct sys_message m = { .tag = 0, .w = { WARM_UP + SAMPLES + 1 } };
    must(sys_call(BENCH_CAP_PARTNER, &m, 1), "sched.switch.cross");
    measure_begin(&samples, "sched.switch.cross");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        sys_yield();
        MEASURE_KEEP(i, &samples, shared->stamp - a);
    }
    measure_report(&samples, 1);
}

/* ---- Faults and interrupts ---- */

static cptr_t done;

static void faulter(void *argument)
{
    (void)argument;
    measure_begin(&samples, "fault.round_trip");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        bench_touch_nothing();
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    must(sys_signal(done), "fault.round_trip");
}

/* The handler is in the server's address space; it lets the thread go on behind the load. */
static void fault(void)
{
    static struct sys_thread thread;
    uint64_t bits;
    start_thread(&thread, "faulter", PRIORITY, BENCH_CAP_FAULT, faulter);
    must(sys_wait(done, 0, &bits, NULL), "fault.round_trip");
    measure_report(&samples, 1);
    must(sys_thread_destroy(&resources, &thread), "ending a thread");
}

static cptr_t interrupt;

static void driver(void *argument)
{
    (void)argument;
    for (;;) {
        uint64_t bits;
        must(sys_wait(interrupt, 0, &bits, NULL), "waiting for an interrupt");
        stamp = sys_counter();
        trigger_clear();
        must(sys_irq_handler_acknowledge(BENCH_CAP_IRQ), "acknowledging an interrupt");
    }
}

static void irq(void)
{
    static struct sys_thread thread;
    interrupt = new_object(OBJECT_NOTIFICATION);
    must(sys_irq_handler_bind(BENCH_CAP_IRQ, interrupt), "binding an interrupt");
    trigger_init();
    start_thread(&thread, "driver", PRIORITY + 50, CPTR_NONE, driver);
    measure_begin(&samples, "irq.latency");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = trigger_raise();
        MEASURE_KEEP(i, &samples, stamp - a);
    }
    measure_report(&samples, 1);
    must(sys_thread_destroy(&resources, &thread), "ending a thread");
    must(sys_cnode_revoke(BENCH_CAP_CNODE, (uint32_t)(interrupt.raw >> SLOT_BITS)), "letting go of an interrupt");
}

void bench_kernel(void)
{
    signalled = new_object(OBJECT_NOTIFICATION);
    done = new_object(OBJECT_NOTIFICATION);
    null_trap();
    probe_hit();
    signal_idle();
    signal_low();
    signal_high();
    yield_alone();
    switch_same();
    switch_cross();
    fault();
    irq();
}

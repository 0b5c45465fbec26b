/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks between threads, and rings that two programs share. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>
#include <idl/bench_client.h>
#include <tessera/channel.h>
#include <tessera/mutex.h>
#include <tessera/receive.h>

#define SETUP ((struct bench_setup){ BENCH_CAP_SETUP })

enum { THIS = 1, OTHER }; /* numbers of threads that wait for each other */

static struct samples samples;
static struct sys_mutex mutex;

static void uncontended(void)
{
    measure_begin(&samples, "mutex.uncontended");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        sys_mutex_lock(&mutex);
        sys_mutex_unlock(&mutex);
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static cptr_t wanted;

/* Wants the lock whenever it is told to. */
static void want(void *argument)
{
    (void)argument;
    for (unsigned i = 0;; i++) {
        uint64_t bits;
        must(sys_wait(wanted, 0, &bits, NULL), "mutex.contended");
        uint64_t a = sys_counter();
        sys_mutex_lock(&mutex);
        uint64_t b = sys_counter();
        sys_mutex_unlock(&mutex);
        MEASURE_KEEP(i, &samples, b - a);
    }
}

/* A more urgent thread wants what this one has. */
static void contended(void)
{
    static struct sys_thread other;
    struct sys_thread_options options = {
        .name = "other", .priority = PRIORITY + 1, .slice_ns = SLICE_NS, .number = OTHER
    };
    wanted = new_object(OBJECT_NOTIFICATION);
    measure_begin(&samples, "mutex.contended");
    must(sys_thread_create(&resources, &other, &options, want, NULL), "mutex.contended");
    MEASURE_ROUNDS(i)
    {
        sys_mutex_lock(&mutex);
        must(sys_signal(wanted), "mutex.contended"); /* it comes back when the other one waits */
        sys_mutex_unlock(&mutex);
    }
    measure_report(&samples, 1);
    must(sys_thread_destroy(&resources, &other), "ending a thread");
}

static struct sys_channel channel;
static uint64_t sent;

/* The receiver has taken all, and waits again, when this thread goes on. */
static void messages(char const *name, unsigned batch)
{
    measure_begin(&samples, name);
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        for (unsigned n = 0; n < batch; n++) {
            struct bench_parcel parcel = { sent++, 0 };
            (void)sys_channel_put(&channel, &parcel, sizeof parcel);
        }
        sys_ring_publish(&channel.ring);
        uint64_t b = sys_counter();
        if (shared->stamp != sent - 1) {
            bench_fail(name, 0);
        }
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, batch);
}

static void open_channel(void)
{
    struct bench_channel ring = { CPTR_NONE };
    struct bench_channel_end end;
    cptr_t bell = CPTR_NONE;
    channel.wake = new_object(OBJECT_NOTIFICATION);
    must(sys_receive_into(&resources), "channel");
    must(bench_setup_open_channel(SETUP, channel.wake, &ring), "channel");
    must(bench_setup_channel_bell(SETUP, &bell), "channel");
    must(bench_channel_attach(&resources, ring, bell, &end), "channel");
    channel.ring = end.requests;
}

void bench_sync(void)
{
    must(sys_park_make(&resources, THIS, BENCH_CAP_THREAD), "mutex");
    sys_park_use(THIS);
    uncontended();
    contended();
    open_channel();
    messages("channel.message", 1);
    messages("channel.message.batch32", 32);
    must(bench_setup_spin(SETUP, 8), "channel");
    messages("channel.message.spin8", 1);
    messages("channel.message.batch32.spin8", 32);
}

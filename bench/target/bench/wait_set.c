/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread that hears many, through a wait set, against a thread for each. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>

#define MEMBERS  16
#define SET_BITS 11 /* room for 31 */

static struct samples samples;
static cptr_t set, home, member, bell[MEMBERS], all_heard;
static unsigned volatile heard;

static void make_set(void)
{
    must(sys_make(&resources, OBJECT_WAIT_SET, SET_BITS, &set), "making a wait set");
    home = new_object(OBJECT_ENDPOINT);
    member = new_object(OBJECT_ENDPOINT);
    all_heard = new_object(OBJECT_NOTIFICATION);
    must(sys_wait_set_attach(set, home), "attaching a wait set");
    must(sys_wait_set_add(set, 1 + MEMBERS, member), "adding a member");
}

static void hear(void)
{
    if (++heard == MEMBERS) {
        must(sys_signal(all_heard), "wait_set.burst");
    }
}

static void serve_set(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = sys_reply_recv(home, &m, 0);
        if (sys_event_kind(event) & EVENT_KIND_SIGNAL) {
            hear();
        }
    }
}

static unsigned next_bell;

static void serve_bell(void *argument)
{
    (void)argument;
    cptr_t own = bell[next_bell++];
    for (;;) {
        uint64_t bits;
        must(sys_wait(own, 0, &bits, NULL), "wait_set.burst");
        hear();
    }
}

static void round_trip(void)
{
    measure_begin(&samples, "wait_set.round_trip");
    MEASURE_ROUNDS(i)
    {
        struct sys_message m = { .tag = 0 };
        uint64_t a = sys_counter();
        enum err err = sys_call(member, &m, 0);
        uint64_t b = sys_counter();
        must(err, "wait_set.round_trip");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

/* Signals to all, then less urgent threads take them. */
static void burst(char const *name)
{
    measure_begin(&samples, name);
    MEASURE_ROUNDS(i)
    {
        uint64_t bits;
        heard = 0;
        uint64_t a = sys_counter();
        for (unsigned n = 0; n < MEMBERS; n++) {
            must(sys_signal(bell[n]), name);
        }
        enum err err = sys_wait(all_heard, 0, &bits, NULL);
        uint64_t b = sys_counter();
        must(err, name);
        sys_ignore(sys_wait(all_heard, sys_clock_ns() + 100000, &bits, NULL)); /* they wait again */
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, MEMBERS);
}

void bench_wait_set(void)
{
    static struct sys_thread server, each[MEMBERS];
    make_set();
    for (unsigned n = 0; n < MEMBERS; n++) {
        bell[n] = new_object(OBJECT_NOTIFICATION);
        start_thread(&each[n], "each", PRIORITY + 1, CPTR_NONE, serve_bell);
        must(sys_sched_control_set_priority(BENCH_CAP_SCHED, each[n].thread, PRIORITY - 1), "each");
    }
    burst("wait_set.threads16");
    for (unsigned n = 0; n < MEMBERS; n++) {
        must(sys_thread_destroy(&resources, &each[n]), "ending a thread");
        must(sys_wait_set_add(set, 1 + n, bell[n]), "adding a member");
    }
    start_thread(&server, "server", PRIORITY, CPTR_NONE, serve_set);
    sys_yield();
    round_trip();
    must(sys_sched_control_set_priority(BENCH_CAP_SCHED, server.thread, PRIORITY - 1), "server");
    burst("wait_set.burst16");
    must(sys_thread_destroy(&resources, &server), "ending a thread");
}

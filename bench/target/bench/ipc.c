/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: from client stub to client stub, the server's stub and its loop included. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>
#include <idl/bench_client.h>

static struct samples samples;

/* Keeps the compiler from working out a value before the counter is read: what loads a register
 * for the call is then inside what is measured, as it is in a program. */
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

ALWAYS_INLINE void round_trip(char const *name, cptr_t to, unsigned words)
{
    struct message_buffer *buffer = sys_buffer();
    for (unsigned i = SYS_MESSAGE_REGISTERS; i < words; i++) {
        buffer->words[i] = i * 3;
    }
    measure_begin(&samples, name);
    MEASURE_ROUNDS(i)
    {
        struct sys_message m = { .tag = sys_tag(0, words, 0), .w = { 1, 2, 3, 4, 5, 6 } };
        enum err err;
        uint64_t a = sys_counter();
        OPAQUE(to.raw);
        OPAQUE(m.tag);
        if (words <= SYS_MESSAGE_REGISTERS) {
            err = sys_call(to, &m, words);
        } else {
            err = sys_call_long(to, &m);
        }
        uint64_t b = sys_counter();
        (void)err;
        for (unsigned w = 0; w < words; w++) {
            uint64_t got = w < SYS_MESSAGE_REGISTERS ? m.w[w] : buffer->words[w];
            if (got != (w < SYS_MESSAGE_REGISTERS ? w + 1 : w * 3)) {
                bench_fail(name, 0);
            }
        }
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

/* A server in the client's own address space. */
static cptr_t same_endpoint;
static void same_server(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(same_endpoint, &m, SYS_MESSAGE_REGISTERS);
    }
}

/* A server that is less urgent than its client is raised for each call: what that costs, beyond the
 * round trip of equals. */
static void boost(cptr_t server)
{
    enum { EQUAL, LOWER };
    static struct samples trips[2];
    for (unsigned kind = EQUAL; kind <= LOWER; kind++) {
        must(sys_sched_control_set_priority(BENCH_CAP_SCHED, server, (uint8_t)(PRIORITY - kind)), "sched.boost");
        measure_begin(&trips[kind], "sched.boost");
        MEASURE_ROUNDS(i)
        {
            struct sys_message m = { .tag = 0 };
            uint64_t a = sys_counter();
            enum err err = sys_call(same_endpoint, &m, 0);
            uint64_t b = sys_counter();
            must(err, "sched.boost");
            MEASURE_KEEP(i, &trips[kind], b - a);
        }
    }
    uint64_t equal = trips[EQUAL].value[trips[EQUAL].count / 2];
    for (unsigned i = 0; i < trips[LOWER].count; i++) {
        trips[LOWER].value[i] -= equal;
    }
    measure_report(&trips[LOWER], 1);
}

/* The server's reply says when it received; with that the two directions are told apart. */
static void one_way(void)
{
    static struct samples replies;
    measure_begin(&samples, "ipc.call.cross.w0");
    measure_begin(&replies, "ipc.reply_recv.cross.w0");
    MEASURE_ROUNDS(i)
    {
        struct sys_message m = { .tag = 0 };
        uint64_t a = sys_counter();
        enum err err = sys_call(BENCH_CAP_STAMP, &m, 0);
        uint64_t b = sys_counter();
        must(err, "ipc.call");
        MEASURE_KEEP(i, &samples, m.w[0] - a);
        MEASURE_KEEP(i, &replies, b - m.w[0]);
    }
    measure_report(&samples, 1);
    measure_report(&replies, 1);
}

/* The receiver is more urgent and runs at once; it leaves its time in the shared page. */
static void plain_send(void)
{
    measure_begin(&samples, "ipc.send.cross.w0");
    MEASURE_ROUNDS(i)
    {
        struct sys_message m = { .tag = 0 };
        uint64_t a = sys_counter();
        enum err err = sys_send(BENCH_CAP_ONEWAY, &m);
        must(err, "ipc.send");
        MEASURE_KEEP(i, &samples, shared->stamp - a);
    }
    measure_report(&samples, 1);
}

static void cap_transfer(void)
{
    cptr_t gift = new_object(OBJECT_ENDPOINT);
    measure_begin(&samples, "ipc.cap_transfer.cross");
    MEASURE_ROUNDS(i)
    {
        struct sys_message m = { .tag = sys_tag(0, 0, 1) };
        m.w[SYS_MESSAGE_REGISTERS - 1] = gift.raw;
        uint64_t a = sys_counter();
        enum err err = sys_call_long(BENCH_CAP_CAPS, &m);
        uint64_t b = sys_counter();
        must(err, "ipc.cap_transfer");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void through_stubs(void)
{
    struct bench_echo echo = { BENCH_CAP_IDL };
    measure_begin(&samples, "ipc.idl.round_trip.w2");
    MEASURE_ROUNDS(i)
    {
        uint64_t x = 50 + i, y = 8, x_back, y_back;
        uint64_t a = sys_counter();
        OPAQUE(x);
        OPAQUE(y);
        enum err err = bench_echo_echo(echo, x, y, &x_back, &y_back);
        uint64_t b = sys_counter();
        if (err != OK || x_back != 50 + i || y_back != 8) {
            bench_fail("ipc.idl", err);
        }
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

void bench_ipc(void)
{
    static struct sys_thread same;
    round_trip("ipc.round_trip.cross.w0", BENCH_CAP_ECHO, 0);
    round_trip("ipc.round_trip.cross.w1", BENCH_CAP_ECHO, 1);
    round_trip("ipc.round_trip.cross.w2", BENCH_CAP_ECHO, 2);
    round_trip("ipc.round_trip.cross.w4", BENCH_CAP_ECHO, 4);
    round_trip("ipc.round_trip.cross.w6",
               SYS_MESSAGE_REGISTERS >= 6 ? BENCH_CAP_ECHO : BENCH_CAP_ECHO_LONG, 6);
    round_trip("ipc.round_trip.cross.w8", BENCH_CAP_ECHO_LONG, 8);
    round_trip("ipc.round_trip.cross.w16", BENCH_CAP_ECHO_LONG, 16);
    round_trip("ipc.round_trip.cross.w32", BENCH_CAP_ECHO_LONG, 32);
    round_trip("ipc.round_trip.cross.w64", BENCH_CAP_ECHO_LONG, 64);
    round_trip("ipc.round_trip.cross.w120", BENCH_CAP_ECHO_LONG, 120);

    same_endpoint = new_object(OBJECT_ENDPOINT);
    start_thread(&same, "same", PRIORITY, CPTR_NONE, same_server);
    sys_yield(); /* it waits for calls now */
    round_trip("ipc.round_trip.same.w0", same_endpoint, 0);
    round_trip("ipc.round_trip.same.w4", same_endpoint, 4);

    boost(same.thread);

    one_way();
    plain_send();
    cap_transfer();
    through_stubs();
}

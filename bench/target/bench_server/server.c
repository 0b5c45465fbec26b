/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's other side: a thread for each kind of partner that the client wants. */
#include <bench_server_caps.h>
#include <idl/bench_server.h>
#include <tessera/channel.h>
#include <tessera/start.h>
#include <tessera/thread.h>

#define PRIORITY 100
#define SLICE_NS 100000000ul

static struct sys_resources resources = {
    .cnode = BENCH_SERVER_CAP_CNODE,
    .memory = BENCH_SERVER_CAP_MEMORY,
    .vspace = BENCH_SERVER_CAP_VSPACE,
    .sched = BENCH_SERVER_CAP_SCHED,
    .slots = { .next = BENCH_SERVER_FIRST_FREE_SLOT, .end = BENCH_SERVER_SLOTS },
    .next_address = 0x100000000,
};
static struct bench_shared volatile *shared;

/* Sends back what it gets, in registers. */
static void echo(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(BENCH_SERVER_CAP_ECHO, &m, SYS_MESSAGE_REGISTERS);
    }
}

/* Sends back what it gets, of any length. */
static void echo_long(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv_long(BENCH_SERVER_CAP_ECHO_LONG, &m);
    }
}

struct bench_echo_server {
    int none;
};

static enum err bench_echo_on_echo(struct bench_echo_server *server, uint64_t badge, uint64_t a,
                                   uint64_t b, uint64_t *a_back, uint64_t *b_back)
{
    (void)server, (void)badge;
    *a_back = a;
    *b_back = b;
    return OK;
}

/* The same with the generated skeleton. */
static void idl(void *argument)
{
    (void)argument;
    struct bench_echo_server server;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = bench_echo_reply_recv(BENCH_SERVER_CAP_IDL, &m);
        bench_echo_serve(&server, event, &m);
    }
}

/* Answers with the time at which the call arrived. */
static void stamp(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(BENCH_SERVER_CAP_STAMP, &m, 1);
        m.w[0] = sys_counter();
    }
}

/* Receives a capability with each call, into one new slot after the other. */
static void caps(void *argument)
{
    (void)argument;
    enum { SLOTS = 256 };
    uint32_t first = sys_slots_take(&resources.slots, SLOTS);
    struct sys_message m = { 0 };
    struct message_buffer *buffer = sys_buffer();
    uint32_t slot = first;
    buffer->receive_slot = CPTR(slot).raw;
    for (;;) {
        (void)sys_reply_recv(BENCH_SERVER_CAP_CAPS, &m, 0);
        if (++slot == first + SLOTS) {
            slot = first; /* more than the client sends */
        }
        buffer->receive_slot = CPTR(slot).raw;
    }
}

/* Receives plain sends; more urgent than their sender. */
static void oneway(void *argument)
{
    (void)argument;
    for (;;) {
        struct sys_message m;
        (void)sys_recv(BENCH_SERVER_CAP_ONEWAY, &m, 0);
        shared->stamp = sys_counter();
    }
}

/* Lets a thread that has faulted go on behind the instruction, which has four bytes. */
static void fault(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(BENCH_SERVER_CAP_FAULT, &m, 1);
        m.w[0] = m.w[2] + 4;
        m.tag = 0;
    }
}

/* Yields as often as it is told. */
static void partner(void *argument)
{
    (void)argument;
    for (;;) {
        struct sys_message m;
        (void)sys_recv(BENCH_SERVER_CAP_PARTNER, &m, 0);
        uint64_t count = m.w[0];
        sys_ignore(sys_reply(CPTR_NONE, &m));
        while (count-- > 0) {
            shared->stamp = sys_counter();
            sys_yield();
        }
    }
}

/* Takes what is in the ring, more urgent than who puts it there. */
static struct sys_channel parcels;

static void receive_parcels(void *argument)
{
    (void)argument;
    struct bench_parcel parcel;
    uint64_t next = 0;
    while (sys_channel_take(&parcels, &parcel, sizeof parcel) && parcel.a == next) {
        shared->stamp = next++;
    }
}

struct bench_setup_server {
    int none;
};

static enum err bench_setup_on_open_channel(struct bench_setup_server *server, uint64_t badge, cptr_t bell,
                                            struct bench_channel *channel)
{
    (void)server, (void)badge;
    static struct sys_thread receiver;
    struct bench_channel_end end;
    struct sys_thread_options options = { .name = "channel", .priority = PRIORITY + 1, .slice_ns = SLICE_NS };
    enum err err = bench_channel_make(&resources, bell, channel, &end);
    if (err == OK) {
        parcels.ring = end.requests;
        err = sys_make(&resources, OBJECT_NOTIFICATION, 0, &parcels.wake);
    }
    return err != OK ? err : sys_thread_create(&resources, &receiver, &options, receive_parcels, NULL);
}

static enum err bench_setup_on_channel_bell(struct bench_setup_server *server, uint64_t badge, cptr_t *bell)
{
    (void)server, (void)badge;
    *bell = parcels.wake;
    return OK;
}

static enum err bench_setup_on_spin(struct bench_setup_server *server, uint64_t badge, uint32_t looks)
{
    (void)server, (void)badge;
    parcels.spins = looks;
    return OK;
}

static enum err bench_setup_on_share(struct bench_setup_server *server, uint64_t badge, cptr_t page)
{
    (void)server, (void)badge;
    void *address;
    enum err err = sys_map(&resources, page, PAGE_BITS, FRAME_READ | FRAME_WRITE, &address);
    if (err == OK) {
        shared = address;
    }
    return err;
}

int main(uint64_t argument)
{
    (void)argument;
    static struct {
        char const *name;
        void (*function)(void *);
        uint8_t priority;
        struct sys_thread thread;
    } threads[] = {
        { "echo", echo, PRIORITY, { .stack = NULL } },
        { "echo_long", echo_long, PRIORITY, { .stack = NULL } },
        { "idl", idl, PRIORITY, { .stack = NULL } },
        { "stamp", stamp, PRIORITY, { .stack = NULL } },
        { "caps", caps, PRIORITY, { .stack = NULL } },
        { "oneway", oneway, PRIORITY + 1, { .stack = NULL } },
        { "fault", fault, PRIORITY, { .stack = NULL } },
        { "partner", partner, PRIORITY, { .stack = NULL } },
    };
    for (unsigned i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        struct sys_thread_options options = {
            .name = threads[i].name, .priority = threads[i].priority, .slice_ns = SLICE_NS
        };
        if (sys_thread_create(&resources, &threads[i].thread, &options, threads[i].function,
                              NULL) != OK) {
            return 1;
        }
    }

    if (sys_receive_into(&resources) != OK) {
        return 1;
    }
    struct bench_setup_server server;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = bench_setup_reply_recv(BENCH_SERVER_CAP_SETUP, &m);
        bench_setup_serve(&server, event, &m);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel for one client and one server in one process: what the generated stubs and skeletons
 * see of the real one. A call runs the server at once, on its own message buffer, until it receives
 * again. Registers that a system call does not give hold junk, as they do on a processor.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/message.h>
#include <tessera/shared.h>

#define REGISTERS SYS_MESSAGE_REGISTERS
/* What lies around where nobody has written. */
#define JUNK 0xdeaddeaddeaddeadul
/* Capabilities: two of the client's, one of the server's. */
#define PAGE        CPTR(40)
#define OTHER_PAGE  CPTR(41)
#define SERVER_PAGE CPTR(42)
/* The table of capabilities of both, and the slots to receive into: each has its own ones. */
#define CNODE       CPTR(60)
#define CLIENT_SLOT 100u
#define SERVER_SLOT 200u
#define SLOTS       5u

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* One side: its message buffer, and what came into its receive slot. */
struct side {
    struct message_buffer buffer;
    struct message_buffer *has_buffer; /* NULL: it has none */
    struct sys_resources resources;
    cptr_t received; /* the last one that came, and nobody deleted */
};

/* A message as it crossed the kernel, of the words that it had. */
struct flight {
    unsigned operation;
    unsigned words;
    unsigned caps;
    uint64_t tag;
    uint64_t w[MESSAGE_WORDS];
    uint64_t registers[REGISTERS];
};

struct world {
    struct side client, server;
    struct flight request, reply;
    struct sys_message answer; /* on its way to the client */
    int64_t answer_event;
    unsigned calls;      /* of handlers */
    uint8_t type;        /* of all capabilities */
    cptr_t slots[300];   /* what came into those that are not empty */
    /* Whether request and reply are written by hand, and not by stubs. */
    bool raw_request, raw_reply;
};

static struct world world;
/* Serves one message and receives the next: the body of a server's loop. By endpoint. */
typedef void serve_once(sys_event_t event, struct sys_message *m);
static serve_once *servers[8];

/* Of the capability that the client calls. */
#define BADGE 0x23456789abul

_Thread_local uint64_t sys_error_detail;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;
uint64_t sys_clock_hz = 1;

/* As check_sender(), check_receiver() and carry() in kernel/ipc/ipc.c. `m` is what the registers
 * hold. An error is returned negated, like the kind of the event. */
static int64_t carry(struct side *from, struct side *to, struct sys_message const *m, bool counts,
                     struct flight *flight)
{
    unsigned words = (unsigned)tag_words(m->tag);
    unsigned caps = (unsigned)tag_caps(m->tag);
    int64_t kind = 0;
    if (counts) {
        if (words > MESSAGE_WORDS || caps > 1) {
            return -ERR_BAD_ARGUMENT;
        }
        if (words > REGISTERS) {
            kind |= EVENT_KIND_LONG;
        }
        if (caps == 1) {
            if (m->w[REGISTERS - 1] < PAGE.raw || m->w[REGISTERS - 1] > SERVER_PAGE.raw) {
                return -ERR_BAD_CAPABILITY;
            }
            kind |= EVENT_KIND_CAP;
        }
        if (kind != 0 && (from->has_buffer == NULL || to->has_buffer == NULL)) {
            return -ERR_NO_BUFFER;
        }
        if (caps == 1) {
            uint64_t slot = to->buffer.receive_slot >> SLOT_BITS;
            if (slot == 0 || world.slots[slot].raw != 0) {
                return -ERR_NO_RECEIVE_SLOT;
            }
            world.slots[slot].raw = to->received.raw = m->w[REGISTERS - 1];
        }
    }
    /* What generated code sends has nothing in it that nobody put there; a reply, what the client did. */
    bool raw = from == &world.client ? world.raw_request : world.raw_reply;
    for (unsigned i = words; !raw && i < REGISTERS; i++) {
        bool own = from == &world.server && m->w[i] == world.request.registers[i];
        CHECK(m->w[i] == 0 || own || (caps == 1 && i == REGISTERS - 1));
    }
    flight->tag = m->tag;
    flight->words = words;
    flight->caps = caps;
    for (unsigned i = 0; i < REGISTERS; i++) {
        flight->w[i] = flight->registers[i] = m->w[i];
    }
    for (unsigned i = REGISTERS; kind & EVENT_KIND_LONG && i < words; i++) {
        flight->w[i] = to->buffer.words[i] = from->buffer.words[i];
    }
    return kind;
}

/* The registers at a system call: only what was given is the caller's. */
static struct sys_message registers_of(struct sys_message const *m, unsigned given)
{
    struct sys_message registers = { .tag = given & SYS_TAG ? m->tag : JUNK };
    for (unsigned i = 0; i < 6; i++) {
        registers.w[i] = i < REGISTERS && i < (given & (SYS_TAG - 1)) ? m->w[i] : JUNK;
    }
    return registers;
}

/* Which side runs. */
static void run_as(struct side *side)
{
    sys_thread_buffer = side->has_buffer;
    sys_thread_receiver = side == &world.client || side == &world.server ? &side->resources : NULL;
}

static int64_t deliver(uint64_t first, struct sys_message *m, unsigned given, bool counts)
{
    struct sys_message message = registers_of(m, given);
    world.request.operation = (unsigned)first & 31;
    int64_t kind = carry(&world.client, &world.server, &message, counts, &world.request);
    if (kind < 0) {
        return kind;
    }
    world.answer_event = (int64_t)JUNK;
    run_as(&world.server);
    servers[first >> SLOT_BITS]((sys_event_t){ (int64_t)(BADGE << EVENT_BADGE_SHIFT) | kind },
                                &message);
    run_as(&world.client);
    return OK;
}

static int64_t call(uint64_t first, struct sys_message *m, unsigned given)
{
    int64_t error = deliver(first, m, given, (first & 31) != SYS_CALL);
    if (error < 0) {
        return error;
    }
    CHECK(world.answer_event != (int64_t)JUNK); /* the server did reply */
    *m = world.answer;
    return world.answer_event;
}

static int64_t reply(uint64_t first, struct sys_message *m, unsigned given)
{
    world.answer = registers_of(m, given);
    world.reply.operation = (unsigned)first & 31;
    world.answer_event = carry(&world.server, &world.client, &world.answer,
                               world.reply.operation == SYS_REPLY_RECV_LONG, &world.reply);
    return -ERR_WOULD_BLOCK;
}

/* Requests to the CNode. */
static int64_t invoke(struct sys_message *m)
{
    cptr_t *slot = &world.slots[m->w[0]];
    switch (tag_label(m->tag)) {
    case METHOD_CNODE_DELETE:
        if (world.client.received.raw == slot->raw) {
            world.client.received = CPTR_NONE;
        }
        if (world.server.received.raw == slot->raw) {
            world.server.received = CPTR_NONE;
        }
        *slot = CPTR_NONE;
        return OK;
    case METHOD_CNODE_INSPECT:
        m->w[0] = slot->raw == 0 ? OBJECT_NONE : world.type;
        m->w[2] = BADGE + 1;
        return OK;
    case METHOD_CNODE_COMPARE:
        m->w[0] = slot->raw == OTHER_PAGE.raw && m->w[1] == SERVER_PAGE.raw;
        return OK;
    default:
        CHECK(!"a request that these programs do not make");
        return 0;
    }
}

int64_t test_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    switch ((enum syscall)(first & 31)) {
    case SYS_CALL:
        return first >> SLOT_BITS == CNODE.raw >> SLOT_BITS ? invoke(m) : call(first, m, given);
    case SYS_CALL_LONG:
        return call(first, m, given);
    case SYS_CALL_UNTIL:
        CHECK(sys_buffer()->deadline == 1);
        return call(first, m, given);
    case SYS_SEND_UNTIL:
    case SYS_SEND:
        return deliver(first, m, given, true);
    case SYS_REPLY_RECV:
    case SYS_REPLY_RECV_LONG:
        return reply(first, m, given);
    default:
        CHECK(!"a system call that these programs do not make");
        return 0;
    }
}

static void side_begin(struct side *side, uint32_t first_slot)
{
    memset(side, 0xd5, sizeof *side);
    side->has_buffer = &side->buffer;
    side->received = CPTR_NONE;
    side->resources = (struct sys_resources){
        .cnode = CNODE,
        .slots = { .next = first_slot, .end = first_slot + SLOTS },
    };
    run_as(side);
    CHECK(sys_receive_into(&side->resources) == OK);
}

/* A world in which everything that can be stale is. */
static void world_begin(void)
{
    world = (struct world){ .type = OBJECT_FRAME };
    side_begin(&world.server, SERVER_SLOT);
    side_begin(&world.client, CLIENT_SLOT);
}

/* Leaves junk on the stack, where a function finds what it does not set. */
static __attribute__((noinline)) void dirty_stack(void)
{
    uint64_t junk[512];
    for (unsigned i = 0; i < 512; i++) {
        junk[i] = JUNK;
    }
    __asm__ volatile("" : : "r"(junk) : "memory");
}

/* ---- Cases: each runs in a process of its own, by its name ---- */

struct test_case {
    char const *name;
    void (*run)(void);
    struct test_case *next;
};
static struct test_case *test_cases;

#define CASE(name_)                                                                                \
    static void name_(void);                                                                       \
    __attribute__((constructor)) static void add_##name_(void)                                     \
    {                                                                                              \
        static struct test_case test_case = { #name_, name_, NULL };                               \
        test_case.next = test_cases;                                                               \
        test_cases = &test_case;                                                                   \
    }                                                                                              \
    static void name_(void)

static int run_case(char const *name)
{
    for (struct test_case *c = test_cases; c != NULL; c = c->next) {
        if (strcmp(c->name, name) == 0) {
            world_begin();
            dirty_stack();
            c->run();
            return 0;
        }
    }
    printf("there is no case %s\n", name);
    return 2;
}

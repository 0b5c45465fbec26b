/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A million random system calls, by threads that share a capability table. Arguments are near
 * valid ones, so that most requests get far. What the threads break for each other is mended from
 * outside; the kernel has to stand, with its invariants true.
 */
#include "test.h"
#include "world.h"

#include <tessera/names.h>

#define CALLS       1000000u
#define SEED        0x7e55e7a5eedul
#define THREADS     4
#define NAP_NS      200000ul
#define CHECK_EVERY 100000 /* calls, in debug builds */

#define RADIX 6
#define SLOTS (1u << RADIX)
#define STOCK 40 /* these are filled again; the others are the storm's */

extern char const _start[], program_end[];

static cptr_t table;
static cptr_t stock[STOCK];
static enum object_type stock_type[STOCK];
static cptr_t parent; /* of the storm's untyped memory */
static struct sys_thread *storm[THREADS];
static uint64_t volatile calls[THREADS];
static uint64_t volatile starts[THREADS];
static uint64_t volatile granted[THREADS]; /* calls without an error */

static uint64_t number(uint64_t *random, uint64_t limit)
{
    return (random_next(random) >> 32) * limit >> 32;
}

/* Mostly a capability that is there. */
static uint64_t any_address(uint64_t *random)
{
    switch (number(random, 16)) {
    case 0:
        return random_next(random) & ~31ul;
    case 1:
        return number(random, SLOTS) << SLOT_BITS | number(random, 16) << (SLOT_BITS + RADIX);
    default:
        return number(random, SLOTS) << SLOT_BITS;
    }
}

/* Mostly one that had this type when the storm began. */
static uint64_t address_of(uint64_t *random, enum object_type type)
{
    uint64_t at = number(random, STOCK);
    for (unsigned i = 0; i < STOCK && number(random, 64) != 0; i++) {
        if (stock_type[at] == type) {
            return at << SLOT_BITS;
        }
        at = at + 1 < STOCK ? at + 1 : 0;
    }
    return any_address(random);
}

/* No thread gets another's registers: two on one stack would write anywhere in these tests. So nobody reads
 * them, and what is written is full of zeroes. */
static uint64_t harmless(uint64_t label)
{
    return label == METHOD_THREAD_READ_REGISTERS ? METHOD_THREAD_WRITE_REGISTERS : label;
}

/* A thread that is started there would run these tests, on any data. */
static bool is_code(uint64_t address)
{
    return address >= (uint64_t)_start && address < (uint64_t)program_end;
}

static uint64_t any_argument(uint64_t *random)
{
    uint64_t any;
    switch (number(random, 8)) {
    case 0:
        return 0;
    case 1:
        return number(random, 70);
    case 2:
        return number(random, 4) << 30 | number(random, 64) << PAGE_BITS;
    case 3:
        return number(random, 8) << 3; /* rights of frames */
    case 4:
        any = random_next(random);
        any >>= number(random, 64);
        return is_code(any) ? 0 : any;
    default:
        return any_address(random);
    }
}

/* A request, most often one that the target's type has. */
static uint64_t any_request(uint64_t *random, uint64_t target, uint64_t w[5])
{
    uint64_t slot = target >> SLOT_BITS;
    uint64_t type = slot < STOCK ? stock_type[slot] : number(random, 16);
    uint64_t label = type * 16 + 1 + number(random, 8);
    if (number(random, 32) == 0) {
        label = number(random, 256);
    }
    for (unsigned i = 0; i < 5; i++) {
        w[i] = any_argument(random);
    }
    switch (label) {
    case METHOD_UNTYPED_RETYPE:
        w[0] = number(random, OBJECT_TYPES);
        w[1] = w[0] == OBJECT_CNODE ? number(random, 8) : 0;
        if (w[0] == OBJECT_FRAME || w[0] == OBJECT_TABLES || w[0] == OBJECT_UNTYPED) {
            w[1] = 12 + number(random, 4);
        }
        w[2] = 1 + number(random, 2);
        w[3] = 1 << SLOT_BITS;
        w[4] = STOCK + number(random, SLOTS - STOCK);
        break;
    case METHOD_CNODE_COPY:
    case METHOD_CNODE_MINT:
        w[0] = number(random, SLOTS);
        w[1] = any_address(random);
        break;
    case METHOD_CNODE_MOVE:
        w[0] = number(random, SLOTS);
        w[1] = address_of(random, OBJECT_CNODE);
        w[2] = number(random, SLOTS);
        break;
    case METHOD_CNODE_DELETE:
    case METHOD_CNODE_REVOKE:
    case METHOD_CNODE_INSPECT:
        w[0] = STOCK / 2 + number(random, SLOTS - STOCK / 2);
        break;
    case METHOD_THREAD_CONFIGURE:
        w[0] = address_of(random, OBJECT_CNODE);
        w[1] = address_of(random, OBJECT_VSPACE);
        w[2] = number(random, 2) * address_of(random, OBJECT_FRAME);
        w[3] = number(random, 2) * address_of(random, OBJECT_ENDPOINT);
        break;
    case METHOD_NOTIFICATION_BIND:
    case METHOD_SCHED_CONTEXT_BIND:
        w[0] = address_of(random, OBJECT_THREAD);
        break;
    case METHOD_WAIT_SET_ATTACH:
        w[0] = address_of(random, OBJECT_ENDPOINT);
        break;
    case METHOD_WAIT_SET_ADD:
        w[1] = address_of(random, number(random, 2) == 0 ? OBJECT_ENDPOINT : OBJECT_NOTIFICATION);
        w[0] = 1 + number(random, 4);
        break;
    case METHOD_WAIT_SET_REMOVE:
        w[0] = 1 + number(random, 4);
        break;
    case METHOD_VSPACE_FEED:
        w[0] = (STOCK + number(random, SLOTS - STOCK)) << SLOT_BITS;
        break;
    case METHOD_FRAME_MAP:
        w[0] = address_of(random, OBJECT_VSPACE);
        w[1] = number(random, 4) << 30 | number(random, 64) << PAGE_BITS;
        w[2] = FRAME_READ | number(random, 4) << 4;
        break;
    case METHOD_IRQ_HANDLER_BIND:
        w[0] = address_of(random, OBJECT_NOTIFICATION);
        break;
    case METHOD_SCHED_CONTROL_SET_PRIORITY:
        w[0] = address_of(random, OBJECT_THREAD);
        w[1] = number(random, PRIORITY); /* less urgent than who mends */
        break;
    case METHOD_SCHED_CONTROL_CONFIGURE:
        w[0] = address_of(random, OBJECT_SCHED_CONTEXT);
        w[1] = 10000 + number(random, 1000000);
        w[2] = number(random, 2) * w[1] * 2;
        break;
    default:
        break;
    }
    return sys_tag(harmless(label), 0, 0);
}

static void fill_batch(uint64_t *random, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct batch_entry *entry = &sys_buffer()->batch[i];
        uint64_t w[5];
        entry->target = any_address(random);
        entry->tag = any_request(random, entry->target, w);
        memcpy(entry->arguments, w, sizeof entry->arguments);
    }
}

/* Whether it succeeded. */
static bool one_call(uint64_t *random)
{
    struct sys_message m;
    uint64_t target = any_address(random);
    uint64_t operation = SYS_CALL;
    m.tag = any_request(random, target, m.w);
    uint64_t sent = any_address(random);
    if (number(random, 3) == 0) {
        operation = number(random, 20) == 0 ? number(random, 32) : number(random, SYS_NULL + 1);
        m.tag = sys_tag(harmless(number(random, 300)), number(random, 8) == 0 ? number(random, 130) : 0,
                        number(random, 6) == 0);
        bool is_signal = operation == SYS_SIGNAL || operation == SYS_WAIT || operation == SYS_POLL;
        target = address_of(random, is_signal ? OBJECT_NOTIFICATION : OBJECT_ENDPOINT);
        if (operation == SYS_REPLY) {
            target = number(random, 2) * address_of(random, OBJECT_REPLY);
        }
        switch (operation) {
        case SYS_RECV:
        case SYS_WAIT: /* seldom without a deadline */
            m.w[0] = number(random, 16) == 0 ? 0 : sys_clock_ns() + number(random, 30000);
            break;
        case SYS_BATCH:
            m.w[0] = number(random, 6);
            m.w[1] = 0;
            fill_batch(random, (unsigned)m.w[0]);
            break;
        default:
            break;
        }
        m.w[SYS_MESSAGE_REGISTERS - 1] = sent;
        sys_buffer()->receive_slot = any_address(random);
    }
    return sys_trap(target | operation, &m, SYS_TAG + SYS_MESSAGE_REGISTERS) >= 0;
}

static void rage(void *argument)
{
    uint64_t n = (uint64_t)argument;
    /* Another course each time that it has to be started anew. */
    starts[n] = starts[n] + 1;
    uint64_t random = SEED + n * 0x9e3779b97f4a7c15ul + (calls[n] + starts[n]) * 2 + 1;
    for (;;) {
        granted[n] = granted[n] + one_call(&random);
        calls[n] = calls[n] + 1;
    }
}

/* ---- Making and mending ---- */

static void add(uint32_t at, enum object_type type, uint8_t size)
{
    stock_type[at] = type;
    stock[at] = make_sized(type, size);
}

static void make_stock(void)
{
    static enum object_type const types[] = {
        OBJECT_ENDPOINT, OBJECT_ENDPOINT, OBJECT_NOTIFICATION,  OBJECT_NOTIFICATION,
        OBJECT_REPLY,    OBJECT_REPLY,    OBJECT_SCHED_CONTEXT, OBJECT_SCHED_CONTEXT,
        OBJECT_VSPACE,   OBJECT_VSPACE,   OBJECT_THREAD,        OBJECT_THREAD,
    };
    uint32_t at = 1;
    table = make_sized(OBJECT_CNODE, RADIX);
    stock[at] = table;
    stock_type[at++] = OBJECT_CNODE;
    stock_type[at++] = OBJECT_UNTYPED; /* of `parent`, see mend() */
    add(at++, OBJECT_CNODE, 4);
    for (unsigned i = 0; i < array_length(types); i++) {
        add(at++, types[i], 0);
    }
    add(at++, OBJECT_WAIT_SET, 8);
    for (unsigned i = 0; i < 6; i++) {
        add(at++, OBJECT_FRAME, (uint8_t)(PAGE_BITS + i / 2 * 4));
    }
    for (unsigned n = 0; n < THREADS; n++) {
        stock[at] = storm[n]->thread;
        stock_type[at++] = OBJECT_THREAD;
    }
    cptr_t const others[] = { SCHED, BOOT_TESTS_CAP_IRQ_CONTROL, BOOT_TESTS_CAP_IRQ };
    enum object_type const other_types[] = { OBJECT_SCHED_CONTROL, OBJECT_IRQ_CONTROL,
                                             OBJECT_IRQ_HANDLER };
    for (unsigned i = 0; i < array_length(others); i++) {
        stock[at] = others[i];
        stock_type[at++] = other_types[i];
    }
    stock[at] = copy_of(stock[4], ENDPOINT_SEND | ENDPOINT_GRANT, 5);
    stock_type[at++] = OBJECT_ENDPOINT;
    stock[at] = copy_of(stock[6], RIGHTS_ALL, 6);
    stock_type[at++] = OBJECT_NOTIFICATION;
    parent = make_sized(OBJECT_UNTYPED, 20);
}

static enum object_type type_at(uint32_t at)
{
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    EXPECT_OK(sys_cnode_inspect(table, at, &type, &rights, &value));
    return (enum object_type)type;
}

/* Fills the slots of the stock that are empty. */
static void mend_table(void)
{
    for (uint32_t at = 1; at < STOCK; at++) {
        if (stock_type[at] == OBJECT_UNTYPED) {
            if (type_at(at) != OBJECT_UNTYPED) {
                EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(parent)));
                EXPECT_OK(sys_cnode_delete(table, at));
                EXPECT_OK(sys_untyped_retype(parent, OBJECT_UNTYPED, 18, 1, table, at));
            }
        } else if (stock_type[at] != OBJECT_NONE && type_at(at) == OBJECT_NONE) {
            EXPECT_OK(sys_cnode_copy(table, at, stock[at], RIGHTS_ALL));
        }
    }
}

/* A thread that got nowhere: ends its wait; if that was not it, starts it anew. */
static void mend_thread(unsigned n, bool anew)
{
    struct sys_thread *t = storm[n];
    EXPECT_OK(sys_thread_suspend(t->thread));
    if (!anew) {
        EXPECT_OK(sys_thread_resume(t->thread));
        return;
    }
    EXPECT_OK(sys_thread_configure(t->thread, table, VSPACE, t->buffer_frame, CPTR_NONE));
    EXPECT_OK(sys_thread_again(t));
}

static uint64_t sum_of(uint64_t volatile const *counts)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < THREADS; n++) {
        sum += counts[n];
    }
    return sum;
}

static void rest(cptr_t nobody)
{
    uint64_t bits;
    EXPECT_ERR(sys_wait(nobody, sys_clock_ns() + NAP_NS, &bits, NULL), ERR_TIMED_OUT);
}

/* ---- Afterwards ---- */

static cptr_t endpoint;

static void echo(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(endpoint, &m, SYS_MESSAGE_REGISTERS);
    }
}

static void everything_still_works(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    start("echo", PRIORITY + 1, CPTR_NONE, echo, NULL);
    for (uint64_t i = 0; i < 100; i++) {
        struct sys_message m = { .tag = i, .w = { i, i + 1, i + 2, i + 3 } };
        EXPECT_OK(sys_call(endpoint, &m, 4));
        EXPECT_EQ(m.tag, i);
        EXPECT_EQ(m.w[0] + m.w[3], 2 * i + 3);
    }
    uint64_t *memory = memory_of(16, NULL);
    EXPECT_EQ(memory[100], 0);
    memory[100] = 1;
}

/* escape: QUEUE-CHECK */
static void million_random_calls(void)
{
    uint64_t last[THREADS] = { 0 }, stuck[THREADS] = { 0 }, restarts = 0;
    uint64_t next_check = CHECK_EVERY, objects;
    cptr_t nobody = make(OBJECT_NOTIFICATION);
    uint64_t switches = counter(COUNTER_SWITCHES), faults = counter(COUNTER_FAULTS);
    uint64_t preemptions = counter(COUNTER_PREEMPTIONS), slow = counter(COUNTER_IPC_SLOW);
    test_note("seed 0x%lx, %u threads, %u calls", SEED, THREADS, CALLS);
    for (uint64_t n = 0; n < THREADS; n++) {
        calls[n] = starts[n] = granted[n] = 0;
        storm[n] = start_sliced("storm", PRIORITY - 5, 50000, CPTR_NONE, rage, (void *)n);
        EXPECT_OK(sys_thread_suspend(storm[n]->thread));
    }
    make_stock();
    for (unsigned n = 0; n < THREADS; n++) {
        mend_table();
        mend_thread(n, true);
    }
    while (sum_of(calls) < CALLS) {
        rest(nobody);
        mend_table();
        for (unsigned n = 0; n < THREADS; n++) {
            stuck[n] = calls[n] == last[n] ? stuck[n] + 1 : 0;
            last[n] = calls[n];
            if (stuck[n] > 0) {
                mend_thread(n, stuck[n] > 1);
                restarts += stuck[n] > 1;
            }
        }
        if (world_is_debug() && sum_of(calls) >= next_check) {
            EXPECT_OK(sys_kernel_check(KERNEL, &objects));
            next_check += CHECK_EVERY;
        }
        test_at(sum_of(calls), restarts);
        ASSERT(!test_has_failed());
    }
    for (unsigned n = 0; n < THREADS; n++) {
        EXPECT_OK(sys_thread_suspend(storm[n]->thread));
    }
    EXPECT(sum_of(granted) > CALLS / 10);
    test_note("%lu granted, %lu restarts, %lu switches, %lu messages, %lu faults, %lu preempted",
              sum_of(granted), restarts, counter(COUNTER_SWITCHES) - switches,
              counter(COUNTER_IPC_SLOW) - slow, counter(COUNTER_FAULTS) - faults,
              counter(COUNTER_PREEMPTIONS) - preemptions);
    everything_still_works();
}

static struct test const tests[] = {
    TEST(million_random_calls),
};
TEST_GROUP(storm);

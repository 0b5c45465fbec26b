/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that are as much work as there can be, for tools/path_length.py to measure: the kernel has to
 * look for interrupts all the way. Here they only have to succeed. */
#include "test.h"
#include "world.h"

/* A table that has room for this many more. */
#define MANY_BITS 16
#define MANY      (1ul << MANY_BITS)

static void revoke_many(void)
{
    cptr_t table = make_sized(OBJECT_CNODE, MANY_BITS);
    cptr_t source = make(OBJECT_NOTIFICATION);
    for (uint32_t i = 1; i < MANY; i++) {
        ASSERT_OK(sys_cnode_copy(table, i, source, RIGHTS_ALL));
    }
    ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(source)));
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    EXPECT_OK(sys_cnode_inspect(table, MANY - 1, &type, &rights, &value));
    EXPECT_EQ(type, OBJECT_NONE);
    /* Once more, by the table that they are in. */
    for (uint32_t i = 1; i < MANY; i++) {
        ASSERT_OK(sys_cnode_copy(table, i, source, RIGHTS_ALL));
    }
    ASSERT_OK(sys_drop(&world, table));
}

/* A table whose only capability is that to the next, and so on. */
#define TABLES 200

static void delete_chain_of_tables(void)
{
    cptr_t first = make_sized(OBJECT_CNODE, 2);
    cptr_t handles[TABLES] = { first };
    for (unsigned i = 1; i < TABLES; i++) {
        cptr_t inner = make_sized(OBJECT_CNODE, 2);
        handles[i] = copy_of(inner, RIGHTS_ALL, 0);
        ASSERT_OK(sys_cnode_move(handles[i - 1], 1, CNODE, slot_of(inner)));
    }
    for (unsigned i = 1; i < TABLES; i++) {
        ASSERT_OK(sys_drop(&world, handles[i]));
    }
    ASSERT_OK(sys_drop(&world, first));
}

/* Memory that was used is cleaned before it is used again. */
#define LARGE_BITS 25

static void reset_large_memory(void)
{
    cptr_t memory = make_sized(OBJECT_UNTYPED, LARGE_BITS);
    cptr_t into = make_sized(OBJECT_CNODE, 5);
    for (unsigned round = 0; round < 2; round++) {
        ASSERT_OK(sys_untyped_retype(memory, OBJECT_FRAME, 21, 1 << (LARGE_BITS - 21), into, 1));
        ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(memory)));
        ASSERT_OK(sys_untyped_retype(memory, OBJECT_CNODE, MANY_BITS, 1, into, 1));
        ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(memory)));
    }
}

/* ---- Address spaces ---- */

#define PAGES   512u
#define AT_ONCE 32u
#define BASE    0x1000000000ul

/* A page for every entry of a table, and what is mapped as so many pages beside, not aligned to more
 * than a page: then it all goes. */
static void destroy_large_space(void)
{
    cptr_t space = make(OBJECT_VSPACE);
    cptr_t tables = make_sized(OBJECT_TABLES, 20);
    cptr_t all = make_sized(OBJECT_CNODE, 10);
    cptr_t large = make_sized(OBJECT_FRAME, 21);
    ASSERT_OK(sys_vspace_feed(space, tables));
    for (uint32_t i = 1; i <= PAGES; i += AT_ONCE) {
        ASSERT_OK(sys_untyped_retype(world.memory, OBJECT_FRAME, 12, AT_ONCE, all, i));
    }
    cptr_t here = empty_slot();
    for (uint32_t i = 0; i < PAGES; i++) {
        ASSERT_OK(sys_cnode_move(CNODE, slot_of(here), all, i + 1));
        ASSERT_OK(sys_frame_map(here, space, BASE + i * PAGE, FRAME_READ));
        ASSERT_OK(sys_cnode_move(all, i + 1, CNODE, slot_of(here)));
    }
    ASSERT_OK(sys_frame_map(large, space, BASE + (PAGES * 4 + 255) * PAGE, FRAME_READ | FRAME_WRITE));
    EXPECT_OK(sys_frame_protect(large, FRAME_READ));
    EXPECT_OK(sys_frame_unmap(large));
    /* Where the empty table is, a large page takes its place. */
    EXPECT_OK(sys_frame_map(large, space, BASE + PAGES * 4 * PAGE, FRAME_READ));
    ASSERT_OK(sys_drop(&world, space));
    EXPECT_OK(sys_frame_map(large, VSPACE, BASE, FRAME_READ));
    EXPECT_OK(sys_drop(&world, large));
}

/* ---- Messages and threads ---- */

#define CHAIN   20
#define WAITING 60

static cptr_t endpoints[CHAIN], queue, gift;

static void send_all(void *argument)
{
    (void)argument;
    struct sys_message m = { .tag = sys_tag(0, MESSAGE_WORDS, 1) };
    m.w[SYS_MESSAGE_REGISTERS - 1] = gift.raw;
    sys_ignore(sys_call_long(endpoints[0], &m));
}

/* As many words as there can be, and a capability, from one who waits already. */
static void longest_message(void)
{
    struct sys_message m = { 0 };
    endpoints[0] = make(OBJECT_ENDPOINT);
    gift = make(OBJECT_NOTIFICATION);
    start("sender", PRIORITY + 1, CPTR_NONE, send_all, NULL);
    cptr_t received = empty_slot();
    sys_buffer()->receive_slot = received.raw;
    sys_event_t event = sys_recv(endpoints[0], &m, sys_clock_ns() + 1000000);
    EXPECT_EQ(sys_event_kind(event), EVENT_KIND_LONG | EVENT_KIND_CAP);
    EXPECT_OK(sys_signal(received));
}

static void serve_by_next(void *argument)
{
    uint64_t self = (uint64_t)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(endpoints[self], &m, 0);
        if (self + 1 < CHAIN) {
            m.tag = 0;
            sys_ignore(sys_call(endpoints[self + 1], &m, 0));
        } else {
            pause_ns(1000000);
        }
    }
}

static void call_first(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    sys_ignore(sys_call(endpoints[0], &m, 0));
}

/* A caller raises all of a chain, though the last of it sleeps; one that gives up lowers them. */
static void raise_a_chain(void)
{
    for (uint64_t i = 0; i < CHAIN; i++) {
        endpoints[i] = make(OBJECT_ENDPOINT);
        start("server", PRIORITY - 20, CPTR_NONE, serve_by_next, (void *)i);
    }
    pause_ns(100000);
    start("low", PRIORITY - 19, CPTR_NONE, call_first, NULL);
    pause_ns(100000);
    for (uint8_t higher = 18; higher > 8; higher--) {
        struct sys_thread *caller =
            start("high", (uint8_t)(PRIORITY - higher), CPTR_NONE, call_first, NULL);
        pause_ns(20000);
        EXPECT_OK(sys_thread_suspend(caller->thread));
    }
}

static void wait_in_queue(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    sys_ignore(sys_call(queue, &m, 0));
}

/* Those who wait for what is deleted are told, each in its turn. */
static void delete_with_many_waiting(void)
{
    queue = make(OBJECT_ENDPOINT);
    for (unsigned i = 0; i < WAITING; i++) {
        start("waiting", (uint8_t)(PRIORITY + 1 + i % 50), CPTR_NONE, wait_in_queue, NULL);
    }
    EXPECT_OK(sys_drop(&world, queue));
}

static struct test const tests[] = {
    TEST(revoke_many),     TEST(delete_chain_of_tables), TEST(reset_large_memory),
    TEST(destroy_large_space), TEST(longest_message),    TEST(raise_a_chain),
    TEST(delete_with_many_waiting),
};
TEST_GROUP(longest);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Revoking leaves no descendant: wherever it went, and whatever it was used for. */
#include "test.h"
#include "world.h"

#define MANY 200

/* Copies of copies, here and in another table two levels deep. */
/* seL4: CNODEOP0007 */
static void copies_everywhere(void)
{
    cptr_t source = make(OBJECT_ENDPOINT);
    cptr_t table = make_sized(OBJECT_CNODE, 8);
    cptr_t deep = make_sized(OBJECT_CNODE, 4);
    cptr_t last = source;
    cptr_t here[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        here[i] = copy_of(last, RIGHTS_ALL, 0);
        EXPECT_OK(sys_cnode_copy(table, i + 1, here[i], RIGHTS_ALL));
        if (i < 15) {
            EXPECT_OK(sys_cnode_copy(deep, i + 1, here[i], RIGHTS_ALL));
        }
        last = i % 3 == 0 ? here[i] : last;
    }
    ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(source)));
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        test_at(i, 0);
        EXPECT_EQ(type_in(here[i]), OBJECT_NONE);
        EXPECT_OK(sys_cnode_inspect(table, i + 1, &type, &rights, &value));
        EXPECT_EQ(type, OBJECT_NONE);
        if (i < 15) {
            EXPECT_OK(sys_cnode_inspect(deep, i + 1, &type, &rights, &value));
            EXPECT_EQ(type, OBJECT_NONE);
        }
    }
    EXPECT_EQ(type_in(source), OBJECT_ENDPOINT);
}

/* A revoke in the middle takes what is below, and neither parents nor siblings. */
/* seL4: CNODEOP0007 */
static void others_stay(void)
{
    cptr_t source = make(OBJECT_NOTIFICATION);
    cptr_t left = copy_of(source, RIGHTS_ALL, 0);
    cptr_t middle = copy_of(source, RIGHTS_ALL, 0);
    cptr_t right = copy_of(source, RIGHTS_ALL, 0);
    cptr_t below = copy_of(middle, RIGHTS_ALL, 0);
    cptr_t deeper = copy_of(below, RIGHTS_ALL, 0);
    /* What was derived from a deleted capability belongs to its parent from then on. */
    EXPECT_OK(sys_cnode_delete(CNODE, slot_of(below)));
    EXPECT_EQ(type_in(deeper), OBJECT_NOTIFICATION);
    ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(middle)));
    EXPECT_EQ(type_in(deeper), OBJECT_NONE);
    EXPECT_EQ(type_in(middle), OBJECT_NOTIFICATION);
    EXPECT_EQ(type_in(left), OBJECT_NOTIFICATION);
    EXPECT_EQ(type_in(right), OBJECT_NOTIFICATION);
    EXPECT_OK(sys_signal(right));
}

/* ---- Capabilities that went with messages ---- */

static cptr_t endpoint, received, done;

static void take(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    sys_buffer()->receive_slot = received.raw;
    sys_event_t event = sys_reply_recv(endpoint, &m, 0);
    EXPECT_EQ(sys_event_kind(event), EVENT_KIND_CAP);
    EXPECT_OK(sys_signal(done));
    m.tag = 0;
    (void)sys_reply_recv(endpoint, &m, 0);
}

static enum err given;

static void give(void *argument)
{
    struct sys_message m = { .tag = sys_tag(0, 0, 1) };
    m.w[SYS_MESSAGE_REGISTERS - 1] = ((cptr_t *)argument)->raw;
    given = sys_call_long(endpoint, &m);
}

/* By the fast path to a receiver that waits, by the slow one to one that comes later. */
static void sent_in_messages(void)
{
    static cptr_t gift;
    uint64_t bits;
    for (unsigned i = 0; i < 2; i++) {
        test_at(i, 0);
        endpoint = make(OBJECT_ENDPOINT);
        done = make(OBJECT_NOTIFICATION);
        gift = make(OBJECT_NOTIFICATION);
        received = empty_slot();
        start("taker", (uint8_t)(PRIORITY - 1 - i * 2), CPTR_NONE, take, NULL);
        start("giver", PRIORITY - 2, CPTR_NONE, give, &gift);
        ASSERT_OK(sys_wait(done, sys_clock_ns() + 100000000, &bits, NULL));
        EXPECT_EQ(type_in(received), OBJECT_NOTIFICATION);
        EXPECT_OK(sys_signal(received));
        EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(gift)));
        EXPECT_EQ(type_in(received), OBJECT_NONE);
        EXPECT_ERR(sys_signal(received), ERR_BAD_CAPABILITY);
        pause_ns(100000);
        EXPECT_EQ(given, OK);
    }
}

/* It waits with a capability that is revoked before anybody receives. */
static void revoked_on_the_way(void)
{
    static cptr_t gift;
    cptr_t source = make(OBJECT_NOTIFICATION);
    endpoint = make(OBJECT_ENDPOINT);
    gift = copy_of(source, RIGHTS_ALL, 0);
    struct sys_message m = { 0 };
    given = OK;
    start("giver", PRIORITY + 1, CPTR_NONE, give, &gift);
    received = empty_slot();
    sys_buffer()->receive_slot = received.raw;
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(source)));
    /* The giver is told; there is no message. */
    EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
    EXPECT_EQ(type_in(received), OBJECT_NONE);
    EXPECT_EQ(given, ERR_BAD_CAPABILITY);
}

/* ---- What objects were doing ---- */

static enum err answers[4];

static void wait_on(void *argument)
{
    uint64_t n = (uint64_t)argument, bits;
    struct sys_message m = { 0 };
    switch (n) {
    case 0:
        answers[n] = sys_event_error(sys_recv(endpoint, &m, 0));
        break;
    case 1:
        answers[n] = sys_call(endpoint, &m, 0);
        break;
    case 2:
        answers[n] = sys_wait(done, 0, &bits, NULL);
        break;
    default:
        answers[n] = sys_event_error(sys_reply_recv(endpoint, &m, 0));
        break;
    }
}

/* Who waits for an object that goes is told so. */
static void waiters_are_told(void)
{
    for (uint64_t n = 0; n < 4; n++) {
        test_at(n, 0);
        endpoint = make(OBJECT_ENDPOINT);
        done = make(OBJECT_NOTIFICATION);
        answers[n] = OK;
        start("waiter", PRIORITY + 1, CPTR_NONE, wait_on, (void *)n);
        EXPECT_EQ(answers[n], OK);
        EXPECT_OK(sys_drop(&world, n == 2 ? done : endpoint));
        pause_ns(10000);
        EXPECT_EQ(answers[n], ERR_GONE);
    }
}

static void call_and_note(void *argument)
{
    struct sys_message m = { 0 };
    *(enum err *)argument = sys_call(endpoint, &m, 0);
}

static void receive_once(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    sys_ignore(sys_wait(done, 0, &m.w[0], NULL));
}

/* A server that dies leaves no caller waiting. */
static void callers_are_told(void)
{
    static enum err answer;
    endpoint = make(OBJECT_ENDPOINT);
    done = make(OBJECT_NOTIFICATION);
    answer = OK;
    struct sys_thread *server = start("server", PRIORITY + 2, CPTR_NONE, receive_once, NULL);
    start("caller", PRIORITY + 1, CPTR_NONE, call_and_note, &answer);
    EXPECT_EQ(answer, OK);
    EXPECT_OK(sys_thread_destroy(&world, server));
    pause_ns(10000);
    EXPECT_EQ(answer, ERR_GONE);
}

/* ---- Mappings ---- */

struct look {
    uint64_t volatile *at;
    bool survived;
};

static void look(void *argument)
{
    struct look *l = argument;
    (void)*l->at;
    l->survived = true;
}

static bool can_read(void *address)
{
    static struct look l;
    l = (struct look){ address, false };
    start("look", PRIORITY + 1, CPTR_NONE, look, &l);
    return l.survived;
}

/* Copies of a frame that are mapped here and there: the mappings go with the capabilities. */
/* seL4: FRAMEDIPC0003 */
static void mappings_go(void)
{
    for (uint8_t bits = 12; bits <= 14; bits += 2) {
        cptr_t frame;
        char *first = memory_of(bits, &frame);
        char *others[3];
        for (unsigned i = 0; i < 3; i++) {
            cptr_t copy = copy_of(frame, RIGHTS_ALL, 0);
            EXPECT_OK(sys_map(&world, copy, bits, FRAME_READ, (void **)&others[i]));
            EXPECT(can_read(others[i]));
        }
        EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(frame)));
        EXPECT(can_read(first));
        for (unsigned i = 0; i < 3; i++) {
            test_at(bits, i);
            EXPECT(!can_read(others[i]));
            EXPECT(!can_read(others[i] + (1ul << bits) - 8));
        }
        EXPECT_OK(sys_drop(&world, frame));
        EXPECT(!can_read(first));
    }
}

static void run_nothing(void *argument)
{
    (void)argument;
}

/* Revoking memory takes back everything that was made of it, threads that run included. */
static void memory_takes_all_back(void)
{
    cptr_t part = make_sized(OBJECT_UNTYPED, 20);
    struct sys_resources of = world;
    of.memory = part;
    static struct sys_thread thread;
    struct sys_thread_options options = { .name = "victim",
                                          .priority = PRIORITY - 1,
                                          .slice_ns = SLICE_NS };
    EXPECT_OK(sys_thread_create(&of, &thread, &options, run_nothing, NULL));
    world.slots = of.slots;
    world.next_address = of.next_address;
    cptr_t thread_copy = copy_of(thread.thread, RIGHTS_ALL, 0);
    ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(part)));
    EXPECT_EQ(type_in(thread.thread), OBJECT_NONE);
    EXPECT_EQ(type_in(thread_copy), OBJECT_NONE);
    EXPECT_EQ(type_in(thread.buffer_frame), OBJECT_NONE);
    EXPECT_EQ(type_in(thread.sched_context), OBJECT_NONE);
    EXPECT(!can_read(thread.stack));
    /* All of it is there again. */
    EXPECT_OK(sys_untyped_retype(part, OBJECT_UNTYPED, 20, 1, CNODE, slot_of(empty_slot())));
}

/* A thread whose parts are revoked below it: without capabilities every call fails, without an
 * address space it faults. */
static cptr_t own_table;
static enum err without;

static void lose_capabilities(void *argument)
{
    (void)argument;
    while ((without = sys_signal(CPTR(1))) == OK) {
    }
}

static void capability_space_goes(void)
{
    own_table = make_sized(OBJECT_CNODE, 4);
    cptr_t rung = make(OBJECT_NOTIFICATION);
    cptr_t space = copy_of(own_table, RIGHTS_ALL, 0);
    EXPECT_OK(sys_cnode_copy(own_table, 1, rung, RIGHTS_ALL));
    struct sys_thread *t = start("loser", PRIORITY - 1, CPTR_NONE, lose_capabilities, NULL);
    EXPECT_OK(sys_thread_suspend(t->thread));
    EXPECT_OK(sys_thread_configure(t->thread, space, VSPACE, t->buffer_frame, CPTR_NONE));
    EXPECT_OK(sys_thread_resume(t->thread));
    pause_ns(100000);
    EXPECT_EQ(without, OK);
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(own_table)));
    pause_ns(100000);
    EXPECT_EQ(without, ERR_BAD_CAPABILITY);
    EXPECT_EQ(type_in(space), OBJECT_NONE);
}

/* ---- A thread that is deep in what it takes away itself ---- */

static void end_self(void *argument)
{
    EXPECT_OK(sys_cnode_delete(CNODE, slot_of(*(cptr_t *)argument)));
    EXPECT(!"a deleted thread runs");
}

/* Its last capability is in a table that it deletes, with so much else that a timer interrupt comes
 * before that is cleared away. */
static void thread_deletes_itself(void)
{
    static cptr_t table;
    table = make_sized(OBJECT_CNODE, 12);
    cptr_t many = make(OBJECT_NOTIFICATION);
    for (uint32_t i = 2; i < 4096; i++) {
        ASSERT_OK(sys_cnode_copy(table, i, many, RIGHTS_ALL));
    }
    struct sys_thread *t =
        start_sliced("suicide", PRIORITY - 1, 20000, CPTR_NONE, end_self, &table);
    ASSERT_OK(sys_cnode_move(table, 1, CNODE, slot_of(t->thread)));
    pause_ns(100000); /* the interrupt: it has begun by now, and is far from done */
    EXPECT_EQ(type_in(table), OBJECT_NONE);
    EXPECT_OK(sys_cnode_finish(CNODE));
}

static struct test const tests[] = {
    TEST(copies_everywhere),     TEST(others_stay),           TEST(sent_in_messages),
    TEST(revoked_on_the_way),    TEST(waiters_are_told),      TEST(callers_are_told),
    TEST(mappings_go),           TEST(memory_takes_all_back), TEST(capability_space_goes),
    TEST(thread_deletes_itself),
};
TEST_GROUP(revoke);

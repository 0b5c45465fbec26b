/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread has of its own: spaces, variables, a stack; and how threads stop each other. */
#include "registers.h"
#include "test.h"
#include "world.h"

#define SOON (sys_clock_ns() + 100000000)

static cptr_t done;

static void wait_for(uint64_t threads)
{
    uint64_t bits, count = 0;
    for (uint64_t n = 0; n < threads; n += count) {
        ASSERT_OK(sys_wait(done, SOON, &bits, &count));
    }
}

/* ---- What every test starts with ---- */

/* seL4: TRIVIAL0001 */
static void objects_of_every_type(void)
{
    for (unsigned type = OBJECT_UNTYPED; type <= OBJECT_FRAME; type++) {
        bool has_size = type == OBJECT_UNTYPED || type == OBJECT_TABLES || type == OBJECT_FRAME;
        test_at(type, 0);
        cptr_t cap = make_sized((enum object_type)type,
                                has_size ? TABLE_BITS : type == OBJECT_CNODE ? 4 : 0);
        EXPECT_EQ(type_in(cap), type);
    }
}

/* More than half of all memory, twice: what one test made is gone before the next. */
/* seL4: TRIVIAL0002 */
static void memory_comes_back(void)
{
    cptr_t first = make_sized(OBJECT_UNTYPED, 25), page = make_sized(OBJECT_FRAME, PAGE_BITS);
    EXPECT_EQ(type_in(first), OBJECT_UNTYPED);
    EXPECT_EQ(type_in(page), OBJECT_FRAME);
    ASSERT_ERR(sys_untyped_retype(world.memory, OBJECT_UNTYPED, 26, 1, CNODE, slot_of(empty_slot())),
               ERR_NO_MEMORY);
    world_end();
    EXPECT_EQ(type_in(first), OBJECT_NONE);
    EXPECT_EQ(type_in(page), OBJECT_NONE);
    world_begin();
    EXPECT_OK(sys_untyped_retype(world.memory, OBJECT_UNTYPED, 26, 1, CNODE, slot_of(empty_slot())));
}

/* ---- Spaces of its own ---- */

#define OWN_ENDPOINT CPTR(6)

static uint64_t mine = 1;

static void call_from_elsewhere(void *argument)
{
    uint64_t **seen = (uint64_t **)argument;
    mine += 5; /* its own copy */
    struct sys_message m = { .tag = sys_tag(0, 2, 0), .w = { mine } };
    m.w[1] = (uint64_t)sys_signal(CPTR(7)); /* here that slot is empty */
    EXPECT_OK(sys_call(OWN_ENDPOINT, &m, 2));
    EXPECT_EQ(m.w[0], 99);
    *seen = &mine;
    sys_ignore(sys_call(OWN_ENDPOINT, &m, 0));
}

/* seL4: VSPACE0000 */
static void own_capabilities_and_addresses(void)
{
    uint64_t **seen = (uint64_t **)shared();
    struct sys_message m = { 0 };
    cptr_t table = make_sized(OBJECT_CNODE, 3), endpoint = make(OBJECT_ENDPOINT);
    EXPECT_OK(sys_cnode_mint(table, slot_of(OWN_ENDPOINT), endpoint, ENDPOINT_SEND, 31));
    mine = 1;
    *seen = NULL;
    start_apart("elsewhere", PRIORITY - 1, table, CPTR_NONE, call_from_elsewhere, (void *)seen, NULL);
    mine = 1000;
    sys_event_t event = sys_recv(endpoint, &m, SOON);
    EXPECT_EQ(event.word, 31 << EVENT_BADGE_SHIFT);
    EXPECT_EQ(m.w[0], 6);
    EXPECT_EQ(m.w[1], ERR_BAD_CAPABILITY);
    EXPECT_EQ(mine, 1000);
    m = (struct sys_message){ .tag = sys_tag(0, 1, 0), .w = { 99 } };
    EXPECT_EQ(sys_reply_recv(endpoint, &m, 1).word, 31 << EVENT_BADGE_SHIFT);
    EXPECT_EQ(*seen, &mine); /* the same address, and other memory */
    EXPECT_EQ(mine, 1000);
}

/* ---- Variables and stack ---- */

static _Thread_local uint64_t written = 0x1234567812345678;
static _Thread_local uint64_t zero;
static _Thread_local char text[8] = "abcdefg";

static bool is_new(void)
{
    return written == 0x1234567812345678 && zero == 0 && strcmp(text, "abcdefg") == 0;
}

/* This is the program's first thread. */
/* seL4: TLS0001 */
static void first_threads_variables(void)
{
    EXPECT(is_new());
    written = zero = 5;
    EXPECT_EQ(written + zero, 10);
    zero = 0;
    written = 0x1234567812345678;
}

static uint64_t *address_of_zero[4];

static void keep_variables(void *argument)
{
    uint64_t n = (uint64_t)argument;
    EXPECT(is_new());
    address_of_zero[n] = &zero;
    for (uint64_t round = 0; round < 20; round++) {
        zero = n << 32 | round;
        written = ~zero;
        text[0] = (char)('p' + n);
        sys_yield();
        test_at(n, round);
        EXPECT_EQ(zero, n << 32 | round);
        EXPECT_EQ(written, ~zero);
        EXPECT_EQ(text[0], 'p' + n);
        EXPECT_EQ(text[6], 'g');
    }
    EXPECT_OK(sys_signal(done));
}

/* seL4: TLS0002, TLS0006 */
static void variables_are_each_threads_own(void)
{
    done = make(OBJECT_NOTIFICATION);
    for (uint64_t n = 0; n < 4; n++) {
        start("variables", PRIORITY - 1, CPTR_NONE, keep_variables, (void *)n);
    }
    wait_for(4);
    for (unsigned n = 1; n < 4; n++) {
        EXPECT(address_of_zero[n] != address_of_zero[n - 1]);
    }
    EXPECT(is_new());
}

/* Not optimized: the compiler may not take for granted what is looked at. */
static uint64_t misalignment;

static void look_at_stack(void *argument)
{
    (void)argument;
    uint64_t volatile frame = (uint64_t)__builtin_frame_address(0);
    misalignment = frame % 16;
    EXPECT_OK(sys_signal(done));
}

/* seL4: STACK_ALIGNMENT_001 */
static void stack_is_aligned(void)
{
    done = make(OBJECT_NOTIFICATION);
    misalignment = 99;
    struct sys_thread *thread = start("stack", PRIORITY - 1, CPTR_NONE, look_at_stack, NULL);
    wait_for(1);
    EXPECT_EQ(misalignment, 0);
    pause_ns(100000);
    misalignment = 99;
    EXPECT_OK(sys_thread_suspend(thread->thread));
    EXPECT_OK(sys_thread_again(thread));
    wait_for(1);
    EXPECT_EQ(misalignment, 0);
}

/* ---- The end of a thread ---- */

static void sleep_and_end(void *argument)
{
    pause_ns(1000000);
    sys_thread_exit((uint64_t)argument);
}

static void return_at_once(void *argument)
{
    (void)argument;
}

static void a_thread_is_waited_for(void)
{
    uint64_t result = 99;
    struct sys_thread *thread = start("ends", PRIORITY - 1, CPTR_NONE, sleep_and_end, (void *)11);
    EXPECT_ERR(sys_thread_join(&world, thread, sys_clock_ns() + 500000, &result), ERR_TIMED_OUT);
    EXPECT_EQ(result, 99);
    EXPECT_OK(sys_thread_join(&world, thread, 0, &result));
    EXPECT_EQ(result, 11);
    result = 0; /* it has ended already */
    EXPECT_OK(sys_thread_join(&world, thread, 0, &result));
    EXPECT_EQ(result, 11);
}

/* More urgent than the test, it has ended before anybody waits; less urgent it is started over and over. */
static void one_that_has_ended_starts_again(void)
{
    uint64_t result = 99;
    struct sys_thread *thread = start("ends", PRIORITY + 1, CPTR_NONE, return_at_once, NULL);
    EXPECT_OK(sys_thread_join(&world, thread, 0, &result));
    EXPECT_EQ(result, 0);
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread->thread, PRIORITY - 1));
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_OK(sys_thread_again(thread));
        EXPECT_OK(sys_thread_join(&world, thread, 0, &result));
    }
}

/* Nothing of it stays behind but its addresses. */
static void one_that_has_ended_is_destroyed(void)
{
    uint32_t slots = 0;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t result;
        struct sys_thread *thread = start("ends", PRIORITY - 1, CPTR_NONE, return_at_once, NULL);
        EXPECT_OK(sys_thread_join(&world, thread, 0, &result));
        EXPECT_OK(sys_thread_destroy(&world, thread));
        slots = i == 0 ? world.slots.next : slots;
    }
    EXPECT_EQ(world.slots.next, slots);
}

/* ---- Reserved stores ---- */

static uint64_t reserved[2];
static uint64_t stored[2];

static void store_reserved(void *argument)
{
    uint64_t n = (uint64_t)argument;
    for (unsigned round = 0; round < 10; round++) {
        stored[n] += registers_reserved_store(&reserved[n]);
    }
    EXPECT_OK(sys_signal(done));
}

/* What a thread reserved is not reserved any more when another has run: its store does nothing. */
/* seL4: REGRESSIONS0002 */
static void reservations_end_with_the_turn(void)
{
    done = make(OBJECT_NOTIFICATION);
    reserved[0] = reserved[1] = stored[0] = stored[1] = 0;
    start("reserve", PRIORITY - 1, CPTR_NONE, store_reserved, (void *)0);
    start("reserve", PRIORITY - 1, CPTR_NONE, store_reserved, (void *)1);
    wait_for(2);
    EXPECT_EQ(stored[0] + stored[1], 0);
    EXPECT_EQ(reserved[0] | reserved[1], 0);
}

/* ---- Stopping and going on ---- */

/* seL4: SCHED0002 */
static void resuming_oneself_is_nothing(void)
{
    EXPECT_OK(sys_thread_resume(SELF));
    sys_yield();
    EXPECT_OK(sys_thread_resume(SELF));
}

static char order[32];
static unsigned steps;
static struct sys_thread *of_three[3];

static void note(char who)
{
    order[steps++ % sizeof order] = who;
}

/* The most urgent stops itself; the next lets it go on, and is stopped by it; and so on. */
static void stop_and_go(void *argument)
{
    uint64_t n = (uint64_t)argument;
    for (unsigned round = 0; round < 3; round++) {
        note((char)('a' + n));
        switch (n) {
        case 0:
            EXPECT_OK(sys_thread_suspend(of_three[0]->thread)); /* b lets it go on */
            note('A');
            EXPECT_OK(sys_thread_suspend(of_three[1]->thread));
            break;
        case 1:
            EXPECT_OK(sys_thread_resume(of_three[0]->thread)); /* which stops this one */
            note('B');
            break;
        default:
            EXPECT_OK(sys_thread_resume(of_three[1]->thread));
            note('C');
            break;
        }
    }
}

/* seL4: SCHED0003 */
static void three_stop_and_let_go_in_order(void)
{
    static char const expected[] = "abAacBbAaCcBbACcBC";
    steps = 0;
    memset(order, 0, sizeof order);
    for (uint64_t n = 3; n-- > 0;) {
        of_three[n] = start("three", (uint8_t)(PRIORITY - 1 - n), CPTR_NONE, stop_and_go, (void *)n);
    }
    pause_ns(1000000);
    EXPECT_EQ(memcmp(order, expected, sizeof expected - 1), 0);
}

static struct test const tests[] = {
    TEST(objects_of_every_type),
    TEST(memory_comes_back),
    TEST(own_capabilities_and_addresses),
    TEST(first_threads_variables),
    TEST(variables_are_each_threads_own),
    TEST(stack_is_aligned),
    TEST(a_thread_is_waited_for),
    TEST(one_that_has_ended_starts_again),
    TEST(one_that_has_ended_is_destroyed),
    TEST(reservations_end_with_the_turn),
    TEST(resuming_oneself_is_nothing),
    TEST(three_stop_and_let_go_in_order),
};
TEST_GROUP(thread);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait sets: one thread that hears many endpoints, notifications and an interrupt. */
#include "test.h"
#include "trigger.h"
#include "world.h"

#define ENDPOINTS 3
#define BELLS     2
#define SOON_NS   1000000ul

static cptr_t set, home, endpoint[ENDPOINTS], bell[BELLS];

static unsigned number_of_bell(unsigned i)
{
    return 1 + ENDPOINTS + i;
}

static void make_set(void)
{
    set = make_sized(OBJECT_WAIT_SET, 9);
    home = make(OBJECT_ENDPOINT);
    ASSERT_OK(sys_wait_set_attach(set, home));
    for (unsigned i = 0; i < ENDPOINTS; i++) {
        endpoint[i] = make(OBJECT_ENDPOINT);
        EXPECT_OK(sys_wait_set_add(set, 1 + i, endpoint[i]));
    }
    for (unsigned i = 0; i < BELLS; i++) {
        bell[i] = copy_of(make(OBJECT_NOTIFICATION), RIGHTS_ALL, 1ul << i);
        EXPECT_OK(sys_wait_set_add(set, number_of_bell(i), bell[i]));
    }
}

static uint64_t heard_bits[1 + ENDPOINTS + BELLS];

/* Answers with number and badge; notes signals. */
static void serve(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = sys_reply_recv(home, &m, 3);
        EXPECT_OK(sys_event_error(event));
        unsigned member = sys_event_member(event);
        if (sys_event_kind(event) & EVENT_KIND_SIGNAL) {
            heard_bits[member] |= m.w[0];
        } else {
            m.w[1] = member;
            m.w[2] = sys_event_badge(event);
        }
    }
}

static void ask(cptr_t to, unsigned member, uint64_t badge)
{
    struct sys_message m = { .tag = 0, .w = { 77 } };
    EXPECT_OK(sys_call(to, &m, 1));
    EXPECT_EQ(m.w[0], 77);
    EXPECT_EQ(m.w[1], member);
    EXPECT_EQ(m.w[2], badge);
}

/* Calls and signals of many kinds, taken by a server more urgent than who sends, and less. */
static void one_server_hears_all(void)
{
    make_set();
    cptr_t badged = copy_of(endpoint[1], ENDPOINT_SEND, 12345);
    static uint8_t const priorities[] = { PRIORITY + 1, PRIORITY - 1 };
    struct sys_thread *server = start("server", priorities[0], CPTR_NONE, serve, NULL);
    for (unsigned p = 0; p < array_length(priorities); p++) {
        test_at(p, 0);
        EXPECT_OK(sys_sched_control_set_priority(SCHED, server->thread, priorities[p]));
        memset(heard_bits, 0, sizeof heard_bits);
        for (unsigned round = 0; round < 5; round++) {
            ask(endpoint[0], 1, 0);
            EXPECT_OK(sys_signal(bell[0]));
            ask(badged, 2, 12345);
            ask(home, 0, 0);
            EXPECT_OK(sys_signal(bell[1]));
        }
        pause_ns(100000);
        EXPECT_EQ(heard_bits[number_of_bell(0)], 1);
        EXPECT_EQ(heard_bits[number_of_bell(1)], 2);
    }
}

static sys_event_t receive(struct sys_message *m)
{
    return sys_recv(home, m, sys_clock_ns() + SOON_NS);
}

/* A driver that serves clients: its interrupt is a member like others. */
static void an_interrupt_is_a_member(void)
{
    make_set();
    struct sys_message m;
    cptr_t line = copy_of(make(OBJECT_NOTIFICATION), RIGHTS_ALL, 64);
    EXPECT_OK(sys_wait_set_add(set, 7, line));
    ASSERT_OK(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, line));
    trigger_init();
    for (unsigned i = 0; i < 3; i++) {
        (void)trigger_raise();
        sys_event_t event = receive(&m);
        EXPECT_OK(sys_event_error(event));
        EXPECT_EQ(sys_event_member(event), 7);
        EXPECT_EQ(m.w[0], 64);
        trigger_clear();
        EXPECT_OK(sys_irq_handler_acknowledge(BOOT_TESTS_CAP_IRQ));
    }
    EXPECT_ERR(sys_event_error(receive(&m)), ERR_TIMED_OUT);
}

static void call_first(void *argument)
{
    (void)argument;
    struct sys_message m = { .tag = 0, .w = { 1, 2, 3 } };
    EXPECT_OK(sys_call(endpoint[0], &m, 3));
    EXPECT_EQ(m.w[0], 4);
    heard_bits[0]++;
}

static void touch_nothing(void *argument)
{
    (void)argument;
    *(uint64_t volatile *)0x666000 = 1;
}

static void take_from(cptr_t where, unsigned member)
{
    struct sys_message m;
    sys_event_t event = sys_recv(where, &m, sys_clock_ns() + SOON_NS);
    ASSERT_OK(sys_event_error(event));
    EXPECT_EQ(sys_event_member(event), member);
    if (sys_event_kind(event) & EVENT_KIND_FAULT) {
        EXPECT_EQ(m.w[1], 0x666000);
        m.tag = sys_tag(1, 0, 0); /* it stays stopped */
    } else {
        EXPECT_EQ(m.w[0], 1);
        EXPECT_EQ(m.w[1], 2);
        m.w[0] = 4;
    }
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
}

/* Who waits while an endpoint joins and leaves does its call, or what it faulted with, again, and has
 * all its registers for that. */
static void who_waits_follows_the_endpoint(void)
{
    make_set();
    heard_bits[0] = 0;
    start("caller", PRIORITY + 1, CPTR_NONE, call_first, NULL);
    start("faulter", PRIORITY + 1, endpoint[0], touch_nothing, NULL);
    EXPECT_OK(sys_wait_set_remove(set, 1));
    pause_ns(10000);
    take_from(endpoint[0], 0);
    take_from(endpoint[0], 0);
    EXPECT_EQ(heard_bits[0], 1);

    start("caller", PRIORITY + 1, CPTR_NONE, call_first, NULL);
    start("faulter", PRIORITY + 1, endpoint[0], touch_nothing, NULL);
    EXPECT_OK(sys_wait_set_add(set, 6, endpoint[0]));
    pause_ns(10000);
    take_from(home, 6);
    take_from(home, 6);
    EXPECT_EQ(heard_bits[0], 2);
}

/* The set goes, with callers waiting: they reach who receives at the endpoint then. */
static void a_deleted_set_loses_nobody(void)
{
    make_set();
    heard_bits[0] = 0;
    start("caller", PRIORITY + 1, CPTR_NONE, call_first, NULL);
    EXPECT_OK(sys_signal(bell[0]));
    EXPECT_OK(sys_cnode_delete(CNODE, slot_of(set)));
    pause_ns(10000);
    take_from(endpoint[0], 0);
    EXPECT_EQ(heard_bits[0], 1);
    uint64_t bits;
    EXPECT_OK(sys_poll(bell[0], &bits, NULL));
    EXPECT_EQ(bits, 1);
}

static struct test const tests[] = {
    TEST(one_server_hears_all),
    TEST(an_interrupt_is_a_member),
    TEST(who_waits_follows_the_endpoint),
    TEST(a_deleted_set_loses_nobody),
};
TEST_GROUP(wait_set);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines: they pass on time, in order, and only when nothing came before. */
#include "test.h"
#include "world.h"

/* How late a deadline may be seen to have passed. Under instruction counting nothing else takes
 * time. */
#define LATE_NS 20000ul

static uint64_t const waits[] = { 1000, 50000, 1000000, 20000000 };

static void passed_on_time(uint64_t deadline)
{
    uint64_t now = sys_clock_ns();
    EXPECT(now >= deadline);
    EXPECT(now < deadline + LATE_NS);
}

static void recv_times_out(void)
{
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    for (unsigned i = 0; i < array_length(waits); i++) {
        struct sys_message m;
        test_at(waits[i], 0);
        uint64_t deadline = sys_clock_ns() + waits[i];
        EXPECT_ERR(sys_event_error(sys_recv(endpoint, &m, deadline)), ERR_TIMED_OUT);
        passed_on_time(deadline);
    }
}

static void wait_times_out(void)
{
    cptr_t notification = make(OBJECT_NOTIFICATION);
    for (unsigned i = 0; i < array_length(waits); i++) {
        uint64_t bits;
        test_at(waits[i], 0);
        uint64_t deadline = sys_clock_ns() + waits[i];
        EXPECT_ERR(sys_wait(notification, deadline, &bits, NULL), ERR_TIMED_OUT);
        passed_on_time(deadline);
    }
}

/* A clock that ticks: each time out comes a period after the one before, and the time goes on between. */
/* seL4: TIMER0001, TIMER0002 */
static void periods_follow_each_other(void)
{
    cptr_t nobody = make(OBJECT_NOTIFICATION);
    uint64_t const period = 2000000;
    uint64_t bits, next = sys_clock_ns() + period, last = 0;
    for (unsigned i = 0; i < 10; i++) {
        test_at(i, next);
        EXPECT(sys_clock_ns() < next);
        EXPECT_ERR(sys_wait(nobody, next, &bits, NULL), ERR_TIMED_OUT);
        passed_on_time(next);
        uint64_t now = sys_clock_ns();
        EXPECT(i == 0 || now - last > period - LATE_NS);
        last = now;
        next += period;
    }
}

static void past_deadline(void)
{
    struct sys_message m;
    uint64_t bits, before = sys_clock_ns();
    EXPECT_ERR(sys_event_error(sys_recv(make(OBJECT_ENDPOINT), &m, 1)), ERR_TIMED_OUT);
    EXPECT_ERR(sys_wait(make(OBJECT_NOTIFICATION), before - 1, &bits, NULL), ERR_TIMED_OUT);
    EXPECT(sys_clock_ns() - before < LATE_NS * 2);
}

/* What is there already comes, however late it is. */
static void ready_beats_deadline(void)
{
    cptr_t notification = copy_of(make(OBJECT_NOTIFICATION), RIGHTS_ALL, 3);
    uint64_t bits;
    EXPECT_OK(sys_signal(notification));
    EXPECT_OK(sys_wait(notification, 1, &bits, NULL));
    EXPECT_EQ(bits, 3);
}

/* ---- Calls and sends with a deadline ---- */

static cptr_t service;

/* Takes one message and does not answer before it is told to. */
static cptr_t told;
static enum err answered;

static void serve_late(void *argument)
{
    struct sys_message m;
    uint64_t bits;
    EXPECT_OK(sys_event_error(sys_recv(service, &m, 0)));
    EXPECT_OK(sys_wait(told, 0, &bits, NULL));
    m.tag = 0;
    answered = sys_reply(CPTR_NONE, &m);
    (void)argument;
}

/* The server has the message or not: the caller gives up on time, and its answer is discarded. */
static void call_times_out(void)
{
    for (unsigned with_server = 0; with_server < 2; with_server++) {
        service = make(OBJECT_ENDPOINT);
        told = make(OBJECT_NOTIFICATION);
        answered = OK;
        if (with_server) {
            start("late", PRIORITY + 1, CPTR_NONE, serve_late, NULL);
        }
        for (unsigned i = with_server * 2; i < array_length(waits); i += 1 + with_server * 9) {
            struct sys_message m = { .tag = 0 };
            test_at(with_server, waits[i]);
            uint64_t deadline = sys_clock_ns() + waits[i];
            EXPECT_ERR(sys_call_until(service, &m, deadline), ERR_TIMED_OUT);
            passed_on_time(deadline);
        }
        EXPECT_OK(sys_signal(told));
        pause_ns(10000);
        EXPECT_ERR(answered, with_server ? ERR_NO_CALLER : OK);
    }
}

static void send_times_out(void)
{
    service = make(OBJECT_ENDPOINT);
    for (unsigned i = 0; i < array_length(waits); i++) {
        struct sys_message m = { .tag = 0 };
        test_at(waits[i], 0);
        uint64_t deadline = sys_clock_ns() + waits[i];
        EXPECT_ERR(sys_send_until(service, &m, deadline), ERR_TIMED_OUT);
        passed_on_time(deadline);
    }
    struct sys_message m;
    EXPECT_ERR(sys_event_error(sys_nb_recv(service, &m)), ERR_WOULD_BLOCK);
}

static void echo(void *argument)
{
    struct sys_message m = { 0 };
    (void)argument;
    for (;;) {
        (void)sys_reply_recv(service, &m, SYS_MESSAGE_REGISTERS);
    }
}

/* An answer that comes in time; the deadline does not end what the caller waits for later. */
static void answer_beats_deadline(void)
{
    struct sys_message m = { .tag = 5, .w = { 6 } };
    service = make(OBJECT_ENDPOINT);
    start("echo", PRIORITY + 1, CPTR_NONE, echo, NULL);
    uint64_t deadline = sys_clock_ns() + 100000;
    EXPECT_OK(sys_call_until(service, &m, deadline));
    EXPECT_EQ(m.w[0], 6);
    pause_ns(300000);
    EXPECT_OK(sys_call(service, &m, 1));
}

/* ---- Deadlines that are not reached, and many of them ---- */

static cptr_t rung;

static void ring_later(void *argument)
{
    pause_ns((uint64_t)argument);
    EXPECT_OK(sys_signal(rung));
}

/* A deadline that was not reached is forgotten: it does not end a later wait. */
static void deadline_is_forgotten(void)
{
    uint64_t bits;
    rung = copy_of(make(OBJECT_NOTIFICATION), RIGHTS_ALL, 1);
    start("ringer", PRIORITY + 1, CPTR_NONE, ring_later, (void *)100000);
    uint64_t first = sys_clock_ns() + 500000;
    EXPECT_OK(sys_wait(rung, first, &bits, NULL));
    uint64_t second = first + 500000;
    EXPECT_ERR(sys_wait(rung, second, &bits, NULL), ERR_TIMED_OUT);
    passed_on_time(second);
}

#define SLEEPERS 20
static uint64_t due[SLEEPERS];
static unsigned order[SLEEPERS], woken;

static void sleep_until_due(void *argument)
{
    uint64_t n = (uint64_t)argument;
    struct sys_message m;
    EXPECT_ERR(sys_event_error(sys_recv(rung, &m, due[n])), ERR_TIMED_OUT);
    EXPECT(sys_clock_ns() >= due[n]);
    order[woken++] = (unsigned)n;
}

static void deadlines_pass_in_order(void)
{
    woken = 0;
    rung = make(OBJECT_ENDPOINT);
    uint64_t start_ns = sys_clock_ns() + 1000000;
    for (uint64_t n = 0; n < SLEEPERS; n++) {
        due[n] = start_ns + n * 7 % SLEEPERS * 10000;
        start("sleeper", PRIORITY + 1, CPTR_NONE, sleep_until_due, (void *)n);
    }
    pause_ns(3000000);
    EXPECT_EQ(woken, SLEEPERS);
    for (unsigned i = 1; i < SLEEPERS; i++) {
        test_at(i, order[i]);
        EXPECT(due[order[i - 1]] < due[order[i]]);
    }
}

/* A thread that is deleted while it sleeps; its deadline passes without it. */
static void sleeper_is_deleted(void)
{
    woken = 0;
    rung = make(OBJECT_ENDPOINT);
    due[0] = sys_clock_ns() + 200000;
    struct sys_thread *thread =
        start("sleeper", PRIORITY + 1, CPTR_NONE, sleep_until_due, (void *)0);
    EXPECT_OK(sys_thread_destroy(&world, thread));
    pause_ns(500000);
    EXPECT_EQ(woken, 0);
}

static struct test const tests[] = {
    TEST(recv_times_out),       TEST(wait_times_out),        TEST(call_times_out),
    TEST(send_times_out),       TEST(answer_beats_deadline), TEST(past_deadline),
    TEST(periods_follow_each_other),
    TEST(ready_beats_deadline), TEST(deadline_is_forgotten), TEST(deadlines_pass_in_order),
    TEST(sleeper_is_deleted),
};
TEST_GROUP(time);

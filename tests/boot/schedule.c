/* SPDX-License-Identifier: BSD-2-Clause */
/* Who runs: priorities, slices, budgets. */
#include "test.h"
#include "world.h"

#define SPINNERS 4
static uint64_t volatile turns[SPINNERS];

static void spin(void *argument)
{
    uint64_t n = (uint64_t)argument;
    for (;;) {
        turns[n] = turns[n] + 1;
    }
}

static void start_spinner(uint64_t n, uint8_t priority, uint64_t slice_ns)
{
    turns[n] = 0;
    start_sliced("spinner", priority, slice_ns, CPTR_NONE, spin, (void *)n);
}

/* Threads of the same priority take turns, and get the same. */
/* seL4: SCHED0021 */
static void equals_share(void)
{
    for (uint64_t n = 0; n < 3; n++) {
        start_spinner(n, PRIORITY - 1, 100000);
    }
    uint64_t before = counter(COUNTER_SWITCHES);
    pause_ns(6000000);
    EXPECT(counter(COUNTER_SWITCHES) - before >= 50);
    uint64_t sum = turns[0] + turns[1] + turns[2];
    for (unsigned n = 0; n < 3; n++) {
        test_at(n, turns[n]);
        EXPECT(turns[n] > sum / 3 - sum / 20);
        EXPECT(turns[n] < sum / 3 + sum / 20);
    }
}

static cptr_t endpoint;

static void work_for_callers(void *argument)
{
    (void)argument;
    struct sys_message m;
    for (sys_event_t event = sys_recv(endpoint, &m, 0);;
         event = sys_reply_recv(endpoint, &m, 0)) {
        (void)event;
        for (unsigned volatile i = 0; i < 1000; i++) {
        }
    }
}

static void call_in_a_loop(void *argument)
{
    (void)argument;
    struct sys_message m = { .tag = 0 };
    while (sys_call(endpoint, &m, 0) == OK) {
        turns[0]++;
    }
}

/* A thread that has a more urgent server do its work takes turns too, although its slices end in there. */
static void who_calls_shares(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    start("server", PRIORITY, CPTR_NONE, work_for_callers, NULL);
    pause_ns(100000);
    turns[0] = 0;
    struct sys_thread *caller =
        start_sliced("caller", PRIORITY - 1, 100000, CPTR_NONE, call_in_a_loop, NULL);
    start_spinner(1, PRIORITY - 1, 100000);
    pause_ns(6000000);
    uint64_t used = 0;
    EXPECT_OK(sys_sched_context_consumed(caller->sched_context, &used));
    EXPECT(turns[0] > 100);
    EXPECT(turns[1] > 0);
    EXPECT(used > 2700000 && used < 3300000);
}

/* Slices are each thread's own: one with three times the slice gets three times the time. */
static void slices_differ(void)
{
    start_spinner(0, PRIORITY - 1, 100000);
    start_spinner(1, PRIORITY - 1, 300000);
    pause_ns(8000000);
    EXPECT(turns[1] > turns[0] * 28 / 10);
    EXPECT(turns[1] < turns[0] * 32 / 10);
}

/* A less urgent thread does not run at all while a more urgent one can. */
static void priority_is_strict(void)
{
    start_spinner(0, PRIORITY - 1, 100000);
    start_spinner(1, PRIORITY - 2, 100000);
    pause_ns(2000000);
    EXPECT(turns[0] > 0);
    EXPECT_EQ(turns[1], 0);
}

/* A changed priority counts at once. */
/* seL4: SCHED0005, SCHED0020 */
static void priority_changes(void)
{
    turns[0] = turns[1] = 0;
    start_spinner(0, PRIORITY - 1, 100000);
    struct sys_thread *low =
        start_sliced("spinner", PRIORITY - 2, 100000, CPTR_NONE, spin, (void *)1);
    pause_ns(500000);
    EXPECT_EQ(turns[1], 0);
    EXPECT_OK(sys_sched_control_set_priority(SCHED, low->thread, PRIORITY - 1));
    pause_ns(500000);
    EXPECT(turns[1] > 0);
    uint64_t other = turns[0];
    EXPECT_OK(sys_thread_set_priority(low->thread, PRIORITY));
    pause_ns(500000);
    EXPECT_EQ(turns[0], other);
    EXPECT_ERR(sys_thread_set_priority(low->thread, PRIORITY + 1), ERR_BAD_ARGUMENT);
}

/* A budget that is used up comes back with the period; what is consumed is told. */
/* escape: REFILL-ORDER */
/* seL4: SCHED0012 */
static void budget_is_kept(void)
{
    turns[0] = 0;
    struct sys_thread *thread =
        start_sliced("budgeted", PRIORITY - 1, SLICE_NS, CPTR_NONE, spin, (void *)0);
    EXPECT_OK(sys_sched_control_configure(SCHED, thread->sched_context, 200000, 1000000));
    uint64_t used_before = 0, used = 0;
    start_spinner(1, PRIORITY - 2, 100000);
    EXPECT_OK(sys_sched_context_consumed(thread->sched_context, &used_before));
    pause_ns(20000000);
    EXPECT_OK(sys_sched_context_consumed(thread->sched_context, &used));
    used -= used_before;
    /* A fifth of 20 ms, and one budget more or less. */
    EXPECT(used >= 3800000);
    EXPECT(used <= 4300000);
    EXPECT(turns[0] > 0);
    EXPECT(turns[1] > 3 * turns[0]);
}

/* Without time a thread does not run; with some it does. */
/* seL4: SCHED_CONTEXT_0003 */
static void no_time_no_run(void)
{
    turns[0] = 0;
    struct sys_thread *thread =
        start_sliced("timeless", PRIORITY - 1, 0, CPTR_NONE, spin, (void *)0);
    pause_ns(100000);
    EXPECT_EQ(turns[0], 0);
    cptr_t time = make(OBJECT_SCHED_CONTEXT);
    EXPECT_ERR(sys_sched_context_bind(time, thread->thread), ERR_NOT_READY);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread->thread));
    EXPECT_ERR(sys_sched_context_bind(time, thread->thread), ERR_ALREADY);
    pause_ns(100000);
    EXPECT(turns[0] > 0);
    EXPECT_OK(sys_sched_context_unbind(time));
    uint64_t then = turns[0];
    pause_ns(100000);
    EXPECT_EQ(turns[0], then);
    EXPECT_OK(sys_sched_context_bind(time, thread->thread));
    pause_ns(100000);
    EXPECT(turns[0] > then);
}

/* seL4: SCHED0000 */
static void suspended_does_not_run(void)
{
    turns[0] = 0;
    struct sys_thread *thread =
        start_sliced("spinner", PRIORITY - 1, 100000, CPTR_NONE, spin, (void *)0);
    pause_ns(100000);
    EXPECT(turns[0] > 0);
    EXPECT_OK(sys_thread_suspend(thread->thread));
    uint64_t then = turns[0];
    pause_ns(100000);
    EXPECT_EQ(turns[0], then);
    EXPECT_ERR(sys_thread_start(SELF, 0, 0, 0, 0, 0), ERR_NOT_READY);
    EXPECT_OK(sys_thread_resume(thread->thread));
    pause_ns(100000);
    EXPECT(turns[0] > then);
}

/* ---- Calls and priorities ---- */

static unsigned served[3], count;

static void call_with(void *argument)
{
    struct sys_message m = { .tag = 0, .w = { (uint64_t)argument } };
    EXPECT_OK(sys_call(endpoint, &m, 1));
}

/* Waiting callers are served in the order of their priorities. */
/* seL4: SCHED0006 */
/* seL4: SCHED0007 */
static void callers_queue_by_priority(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    count = 0;
    start("low", PRIORITY + 1, CPTR_NONE, call_with, (void *)1);
    start("high", PRIORITY + 3, CPTR_NONE, call_with, (void *)3);
    start("middle", PRIORITY + 2, CPTR_NONE, call_with, (void *)2);
    struct sys_message m = { 0 };
    for (unsigned i = 0; i < 3; i++) {
        ASSERT_OK(sys_event_error(sys_recv(endpoint, &m, sys_clock_ns() + 1000000)));
        served[count++] = (unsigned)m.w[0];
        struct sys_message answer = { 0 };
        EXPECT_OK(sys_reply(CPTR_NONE, &answer));
    }
    EXPECT_EQ(served[0], 3);
    EXPECT_EQ(served[1], 2);
    EXPECT_EQ(served[2], 1);
}

static void serve_on_lent_time(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_reply_recv(endpoint, &m, 0);
    for (uint64_t until = sys_clock_ns() + 100000; sys_clock_ns() < until;) {
    }
    m.tag = 0;
    (void)sys_reply_recv(endpoint, &m, 0);
}

/* A server without time of its own runs on its caller's. */
/* escape: PASSIVE-HANG */
static void server_runs_on_callers_time(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    struct sys_thread *server =
        start_sliced("server", PRIORITY, 0, CPTR_NONE, serve_on_lent_time, NULL);
    struct sys_message m = { 0 };
    EXPECT_ERR(sys_nb_send(endpoint, &m), ERR_WOULD_BLOCK);
    /* It needs time to get to its endpoint; then it is passive. */
    cptr_t time = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, server->thread));
    pause_ns(100000);
    EXPECT_OK(sys_sched_context_unbind(time));
    EXPECT_ERR(sys_send(endpoint, &m), ERR_NOT_READY);
    EXPECT_ERR(sys_nb_send(endpoint, &m), ERR_NOT_READY);
    struct sys_thread *client = start("client", PRIORITY - 1, CPTR_NONE, call_with, NULL);
    pause_ns(500000);
    uint64_t used = 0;
    EXPECT_OK(sys_sched_context_consumed(client->sched_context, &used));
    EXPECT(used >= 100000);
}

static uint64_t seen_turns;

static void call_and_look(void *argument)
{
    call_with(argument);
    seen_turns = turns[0];
}

/* A server that is less urgent than others inherits the urgency of its caller: they do not keep it
 * from its work. */
static void server_inherits_priority(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    seen_turns = ~0ul;
    start("server", PRIORITY - 4, CPTR_NONE, serve_on_lent_time, NULL);
    pause_ns(100000);
    start_spinner(0, PRIORITY - 3, 100000);
    start("client", PRIORITY - 2, CPTR_NONE, call_and_look, NULL);
    pause_ns(2000000);
    EXPECT_EQ(seen_turns, 0);
    EXPECT(turns[0] > 0);
}

static struct test const tests[] = {
    TEST(equals_share),
    TEST(who_calls_shares),
    TEST(slices_differ),
    TEST(priority_is_strict),
    TEST(priority_changes),
    TEST(budget_is_kept),
    TEST(no_time_no_run),
    TEST(suspended_does_not_run),
    TEST(callers_queue_by_priority),
    TEST(server_runs_on_callers_time),
    TEST(server_inherits_priority),
};
TEST_GROUP(schedule);

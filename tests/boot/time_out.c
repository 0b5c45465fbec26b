/* SPDX-License-Identifier: BSD-2-Clause */
/* Time that ends while somebody runs on it: his handler is told, and gives more or ends it. The test is the
 * handler. */
#include "test.h"
#include "world.h"

#define US   1000ul
#define MS   1000000ul
#define LATE (20 * US) /* for which the timer, and the kernel, may keep a budget running */
#define SOON (sys_clock_ns() + 50 * MS)

#define BUDGET (200 * US)
#define PERIOD (10 * MS)

/* The badge that a thread's time-outs come with, and the marks of times. */
enum { BADGE_LONE = 1, BADGE_OUTER = 2, BADGE_INNER = 3 };
#define MARK 0x7a7aul

static cptr_t faults, outer_door, inner_door;

static uint64_t used(cptr_t time)
{
    uint64_t ns = 0;
    EXPECT_OK(sys_sched_context_consumed(time, &ns));
    return ns;
}

static void tell_me(struct sys_thread *thread, uint64_t badge)
{
    EXPECT_OK(sys_thread_set_time_out(thread->thread, copy_of(faults, ENDPOINT_SEND, badge)));
}

/* A thread with a budget, ready to run. */
static struct sys_thread *start_on(uint64_t budget, void (*function)(void *), void *argument)
{
    struct sys_thread *t = start_sliced("budgeted", PRIORITY - 1, 0, CPTR_NONE, function, argument);
    t->sched_context = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_sched_control_configure(SCHED, t->sched_context, budget, PERIOD));
    EXPECT_OK(sys_sched_control_mark(SCHED, t->sched_context, MARK));
    EXPECT_OK(sys_sched_context_bind(t->sched_context, t->thread));
    return t;
}

/* The next time-out is of the thread with this badge, on time that has been used so far. */
static void expect_told(uint64_t badge, uint64_t consumed)
{
    struct sys_message m = { 0 };
    sys_event_t event = sys_recv(faults, &m, SOON);
    ASSERT_OK(sys_event_error(event));
    EXPECT_EQ(sys_event_kind(event), EVENT_KIND_FAULT);
    EXPECT_EQ(sys_event_badge(event), badge);
    EXPECT_EQ(m.w[0], FAULT_KIND_TIME_OUT);
    EXPECT_EQ(m.w[1], MARK);
    test_at(m.w[4], consumed);
    EXPECT(m.w[4] >= consumed);
    EXPECT(m.w[4] <= consumed + LATE);
}

static void answer(uint64_t label)
{
    struct sys_message m = { .tag = sys_tag(label, 0, 0) };
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
}

/* ---- A thread alone ---- */

static uint64_t volatile turns;

static void spin(void *argument)
{
    (void)argument;
    for (;;) {
        turns++;
    }
}

static bool turns_in(uint64_t ns)
{
    uint64_t before = turns;
    pause_ns(ns);
    return turns != before;
}

/* Told each time; it gets more at once, or has to wait for its period, or is ended. */
/* seL4: TIMEOUTFAULT0001 */
static void an_overrun_is_told(void)
{
    faults = make(OBJECT_ENDPOINT);
    uint64_t begin = sys_clock_ns();
    struct sys_thread *t = start_on(BUDGET, spin, NULL);
    tell_me(t, BADGE_LONE);
    for (unsigned i = 1; i <= 5; i++) {
        expect_told(BADGE_LONE, i * BUDGET);
        EXPECT(!turns_in(MS));
        EXPECT_OK(sys_sched_control_configure(SCHED, t->sched_context, BUDGET, PERIOD));
        answer(0);
    }
    EXPECT(sys_clock_ns() - begin < PERIOD);
    expect_told(BADGE_LONE, 6 * BUDGET);
    uint64_t gone = sys_clock_ns();
    answer(0);
    EXPECT(!turns_in(PERIOD - MS));
    expect_told(BADGE_LONE, 7 * BUDGET);
    EXPECT(sys_clock_ns() - gone >= PERIOD - BUDGET);
    EXPECT(sys_clock_ns() - gone <= PERIOD + BUDGET);
    answer(1);
    EXPECT(!turns_in(3 * PERIOD));
}

/* Without a handler it waits for its next period; so it does when the handler is taken away. */
static void without_a_handler_it_waits(void)
{
    faults = make(OBJECT_ENDPOINT);
    struct sys_thread *t = start_on(BUDGET, spin, NULL);
    tell_me(t, BADGE_LONE);
    EXPECT_OK(sys_thread_set_time_out(t->thread, CPTR_NONE));
    pause_ns(3 * PERIOD + MS);
    EXPECT(used(t->sched_context) >= 4 * BUDGET);
    EXPECT(used(t->sched_context) <= 4 * BUDGET + 4 * LATE);
    struct sys_message m;
    EXPECT_ERR(sys_event_error(sys_nb_recv(faults, &m)), ERR_WOULD_BLOCK);
}

/* ---- Servers on their client's time ---- */

static uint64_t volatile begun, served;

static void work_ns(uint64_t ns)
{
    for (uint64_t until = sys_clock_ns() + ns; sys_clock_ns() < until;) {
    }
}

/* Works as long as it is asked to; the outer one has it done by the inner. */
static void serve(void *argument)
{
    bool outer = argument != NULL && inner_door.raw != 0;
    cptr_t door = argument != NULL ? outer_door : inner_door;
    struct sys_message m = { 0 };
    begun++;
    (void)sys_recv(door, &m, 0);
    for (;;) {
        enum err err = OK;
        if (outer) {
            m.tag = sys_tag(0, 1, 0);
            err = sys_call(inner_door, &m, 1);
        } else {
            work_ns(m.w[0]);
        }
        served++;
        m = (struct sys_message){ .tag = sys_tag((uint64_t)err, 0, 0) };
        (void)sys_reply_recv(door, &m, 0);
    }
}

static void make_passive(struct sys_thread *t)
{
    EXPECT_OK(sys_sched_context_unbind(t->sched_context));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, t->thread, PRIORITY - 2));
}

static struct sys_thread *start_passive(bool outer, uint64_t badge)
{
    struct sys_thread *t = start("server", PRIORITY + 1, CPTR_NONE, serve, (void *)(uint64_t)outer);
    make_passive(t);
    tell_me(t, badge);
    return t;
}

/* To where it began, on time of its own until it waits for clients. */
static void set_back(struct sys_thread *t)
{
    EXPECT_OK(sys_thread_suspend(t->thread));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, t->thread, PRIORITY + 1));
    EXPECT_OK(sys_thread_again(t));
    EXPECT_OK(sys_sched_context_bind(t->sched_context, t->thread));
    make_passive(t);
}

static enum err volatile answers[2];
static uint64_t volatile answered_at[2];

/* The first asks for more work than its budget, the second for a little. */
static void ask(void *argument)
{
    uint64_t n = (uint64_t)argument;
    struct sys_message m = { .w = { n == 0 ? 3 * BUDGET : 10 * US } };
    enum err err = sys_call(outer_door, &m, 1);
    answers[n] = err != OK ? err : (enum err)((m.tag & TAG_LABEL_MASK) >> TAG_LABEL_SHIFT);
    answered_at[n] = sys_clock_ns();
}

static struct sys_thread *start_client(uint64_t n)
{
    answers[n] = ERR_NOT_READY;
    return start_on(BUDGET, ask, (void *)n);
}

static void make_doors(bool nested)
{
    faults = make(OBJECT_ENDPOINT);
    outer_door = make(OBJECT_ENDPOINT);
    inner_door = nested ? make(OBJECT_ENDPOINT) : CPTR_NONE;
    begun = served = 0;
}

/* Another client, whose time is enough, is served. */
static void expect_service(void)
{
    uint64_t start_ns = sys_clock_ns();
    (void)start_client(1);
    pause_ns(MS);
    EXPECT_EQ(answers[1], OK);
    EXPECT(answered_at[1] - start_ns < MS / 2);
}

/* The handler lends the server time: it finishes, and its client goes on in the next period. */
static void a_server_finishes_on_time_that_is_lent(void)
{
    make_doors(false);
    struct sys_thread *server = start_passive(true, BADGE_OUTER);
    uint64_t own = used(server->sched_context);
    uint64_t begin = sys_clock_ns();
    struct sys_thread *client = start_client(0);
    expect_told(BADGE_OUTER, BUDGET);
    EXPECT_OK(sys_sched_context_bind(server->sched_context, server->thread));
    answer(0);
    pause_ns(MS);
    EXPECT_EQ(served, 1);
    EXPECT_EQ(answers[0], ERR_NOT_READY);
    EXPECT_OK(sys_sched_context_unbind(server->sched_context));
    own = used(server->sched_context) - own;
    test_at(own, used(client->sched_context));
    EXPECT(own >= BUDGET && own <= 3 * BUDGET);
    EXPECT(used(client->sched_context) <= BUDGET + LATE);
    expect_service();
    pause_ns(begin + PERIOD + MS - sys_clock_ns());
    EXPECT_EQ(answers[0], OK);
    EXPECT(answered_at[0] >= begin + PERIOD);
}

/* It is set back to where it began: its client gets an error, when it has time to. */
/* seL4: TIMEOUTFAULT0002 */
static void a_server_is_set_back(void)
{
    make_doors(false);
    struct sys_thread *server = start_passive(true, BADGE_OUTER);
    (void)start_client(0);
    for (unsigned i = 0; i < 3; i++) {
        expect_told(BADGE_OUTER, BUDGET);
        set_back(server);
        EXPECT_EQ(begun, i + 2);
        EXPECT_EQ(served, i);
        expect_service();
        pause_ns(PERIOD);
        EXPECT_EQ(answers[0], ERR_NO_REPLY);
        answers[0] = ERR_NOT_READY;
        if (i < 2) {
            (void)start_client(0);
        }
    }
}

/* One behind the other: the inner one is told of first; the outer one, which has no time either, is told
 * of when it gets its error. */
/* seL4: TIMEOUTFAULT0003 */
static void nested_servers_are_set_back(void)
{
    make_doors(true);
    struct sys_thread *inner = start_passive(false, BADGE_INNER);
    struct sys_thread *outer = start_passive(true, BADGE_OUTER);
    (void)start_client(0);
    expect_told(BADGE_INNER, BUDGET);
    set_back(inner);
    expect_told(BADGE_OUTER, BUDGET);
    set_back(outer);
    EXPECT_EQ(begun, 4);
    EXPECT_EQ(served, 0);
    expect_service();
    EXPECT_EQ(served, 2);
    pause_ns(PERIOD);
    EXPECT_EQ(answers[0], ERR_NO_REPLY);
}

/* A server that has time of its own goes on on that, and nobody is told. */
static void a_server_with_time_goes_on(void)
{
    make_doors(false);
    struct sys_thread *server = start_passive(true, BADGE_OUTER);
    EXPECT_OK(sys_sched_context_bind(server->sched_context, server->thread));
    uint64_t own = used(server->sched_context);
    struct sys_thread *client = start_client(0);
    pause_ns(MS);
    EXPECT_EQ(served, 1);
    own = used(server->sched_context) - own;
    test_at(own, used(client->sched_context));
    EXPECT(own >= BUDGET && own <= 3 * BUDGET);
    EXPECT(used(client->sched_context) >= BUDGET);
    EXPECT(used(client->sched_context) <= BUDGET + LATE);
    struct sys_message m;
    EXPECT_ERR(sys_event_error(sys_nb_recv(faults, &m)), ERR_WOULD_BLOCK);
    pause_ns(PERIOD);
    EXPECT_EQ(answers[0], OK);
}

static struct test const tests[] = {
    TEST(an_overrun_is_told),
    TEST(without_a_handler_it_waits),
    TEST(a_server_finishes_on_time_that_is_lent),
    TEST(a_server_is_set_back),
    TEST(nested_servers_are_set_back),
    TEST(a_server_with_time_goes_on),
};
TEST_GROUP(time_out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has which time: contexts that are bound and taken away, reconfigured, and deleted, while their
 * threads run, wait, or have lent them. */
#include "test.h"
#include "world.h"

#define SOON   (sys_clock_ns() + 100000000)
#define MS     1000000ul
#define THREE  3

static cptr_t endpoint, done;
static uint64_t volatile turns[THREE];

static void spin(void *argument)
{
    uint64_t n = (uint64_t)argument;
    for (;;) {
        turns[n] = turns[n] + 1;
    }
}

static struct sys_thread *start_spinner(uint64_t n, uint8_t priority)
{
    turns[n] = 0;
    return start("spinner", priority, CPTR_NONE, spin, (void *)n);
}

static uint64_t used_by(struct sys_thread const *thread)
{
    uint64_t used = 0;
    EXPECT_OK(sys_sched_context_consumed(thread->sched_context, &used));
    return used;
}

static cptr_t new_time(uint64_t budget, uint64_t period)
{
    cptr_t time = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, budget, period));
    return time;
}

/* A thread that has got to where it waits and has no time any more. */
static struct sys_thread *start_passive(void (*function)(void *), void *argument)
{
    struct sys_thread *thread = start("passive", PRIORITY + 1, CPTR_NONE, function, argument);
    EXPECT_OK(sys_drop(&world, thread->sched_context));
    thread->sched_context = CPTR_NONE;
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread->thread, PRIORITY - 5));
    return thread;
}

static bool runs(uint64_t n)
{
    uint64_t before = turns[n];
    pause_ns(5 * MS); /* slices of others, too */
    return turns[n] != before;
}

/* ---- Budgets ---- */

/* Three with other budgets and periods, each with a period that is no multiple of another's: each gets
 * its share, the most urgent first, and what is left goes to nobody. */
/* seL4: SCHED0013, SCHED0014 */
static void periods_keep_their_relation(void)
{
    static struct {
        uint64_t budget, period;
    } const of[THREE] = { { 1 * MS, 10 * MS }, { 3 * MS, 15 * MS }, { 7 * MS, 35 * MS } };
    struct sys_thread *thread[THREE];
    uint64_t before[THREE];
    for (uint64_t n = 0; n < THREE; n++) {
        thread[n] = start_spinner(n, (uint8_t)(PRIORITY - 1 - n));
        EXPECT_OK(sys_sched_control_configure(SCHED, thread[n]->sched_context, of[n].budget, of[n].period));
    }
    pause_ns(50 * MS); /* what they had before is over */
    for (unsigned n = 0; n < THREE; n++) {
        before[n] = used_by(thread[n]);
    }
    pause_ns(210 * MS);
    for (unsigned n = 0; n < THREE; n++) {
        uint64_t share = 210 * MS / of[n].period * of[n].budget;
        uint64_t used = used_by(thread[n]) - before[n];
        test_at(n, used);
        EXPECT(used >= share - of[n].budget);
        EXPECT(used <= share + of[n].budget);
    }
}

/* Who stops and goes on does not get more than who runs on. */
/* seL4: SCHED0016 */
static void stopping_gives_no_budget(void)
{
    struct sys_thread *thread = start_spinner(0, PRIORITY - 1);
    EXPECT_OK(sys_sched_control_configure(SCHED, thread->sched_context, 2 * MS, 10 * MS));
    pause_ns(20 * MS);
    uint64_t before = used_by(thread);
    for (unsigned i = 0; i < 500; i++) {
        EXPECT_OK(sys_thread_suspend(thread->thread));
        EXPECT_OK(sys_thread_resume(thread->thread));
        pause_ns(200000);
    }
    uint64_t used = used_by(thread) - before;
    test_at(used, 0);
    EXPECT(used <= 24 * MS); /* in 100 ms or a little more */
    EXPECT(used >= 5 * MS);
}

/* While it runs and while it is stopped, up and down. */
/* seL4: SCHED_CONTEXT_0002 */
static void budgets_are_changed(void)
{
    struct sys_thread *thread = start_spinner(0, PRIORITY - 1);
    static uint64_t const budgets[] = { 5 * MS, 1 * MS, 8 * MS, 2 * MS };
    for (unsigned i = 0; i < array_length(budgets); i++) {
        test_at(i, budgets[i]);
        if (i % 2 == 1) {
            EXPECT_OK(sys_thread_suspend(thread->thread));
        }
        EXPECT_OK(sys_sched_control_configure(SCHED, thread->sched_context, budgets[i], 10 * MS));
        EXPECT_OK(sys_thread_resume(thread->thread));
        pause_ns(20 * MS);
        uint64_t before = used_by(thread);
        pause_ns(100 * MS);
        uint64_t used = used_by(thread) - before;
        EXPECT(used >= budgets[i] * 9);
        EXPECT(used <= budgets[i] * 11);
    }
    /* With all of the time it is a slice like others. */
    EXPECT_OK(sys_sched_control_configure(SCHED, thread->sched_context, MS, 0));
    EXPECT(runs(0));
}

/* ---- Binding ---- */

/* seL4: SCHED0010, SCHED_CONTEXT_0003 */
static void binding_has_its_errors(void)
{
    struct sys_thread *thread = start_sliced("timeless", PRIORITY - 1, 0, CPTR_NONE, spin, (void *)0);
    cptr_t none = make(OBJECT_SCHED_CONTEXT), one = new_time(MS, 0), two = new_time(MS, 0);
    turns[0] = 0;
    /* With no time, and with an empty one, it does not run, however it is started. */
    EXPECT(!runs(0));
    EXPECT_ERR(sys_sched_context_bind(none, thread->thread), ERR_NOT_READY);
    EXPECT_OK(sys_thread_resume(thread->thread));
    EXPECT(!runs(0));
    EXPECT_OK(sys_sched_context_bind(one, thread->thread));
    EXPECT_ERR(sys_sched_context_bind(one, thread->thread), ERR_ALREADY);
    EXPECT_ERR(sys_sched_context_bind(one, SELF), ERR_ALREADY);
    EXPECT_EQ(error_detail_argument(sys_error_detail), 0);
    EXPECT_ERR(sys_sched_context_bind(two, thread->thread), ERR_ALREADY);
    EXPECT_EQ(error_detail_argument(sys_error_detail), 1);
    EXPECT(runs(0));
    EXPECT_OK(sys_sched_context_unbind(one));
    EXPECT_OK(sys_sched_context_unbind(one)); /* of nothing is nothing */
    EXPECT(!runs(0));
    EXPECT_OK(sys_thread_suspend(thread->thread));
    EXPECT_OK(sys_thread_resume(thread->thread));
    EXPECT(!runs(0));
    EXPECT_OK(sys_sched_context_bind(two, thread->thread));
    EXPECT(runs(0));
}

/* seL4: SCHED_CONTEXT_0005 */
static void without_its_context_a_thread_stops(void)
{
    struct sys_thread *thread = start_spinner(0, PRIORITY - 1);
    EXPECT(runs(0));
    EXPECT_OK(sys_drop(&world, thread->sched_context));
    EXPECT(!runs(0));
    EXPECT_OK(sys_thread_resume(thread->thread));
    EXPECT(!runs(0));
    EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), thread->thread));
    EXPECT(runs(0));
}

static unsigned volatile served;

static void serve(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    for (;;) {
        served++;
        m.tag = 0;
        (void)sys_reply_recv(endpoint, &m, 0);
    }
}

/* First stopped and then given time, or the other way round; and the time taken away when it waits. */
/* seL4: SCHED_CONTEXT_0007 */
static void servers_without_time_begin(void)
{
    for (unsigned bound_first = 0; bound_first < 2; bound_first++) {
        struct sys_message m = { .tag = 0 };
        test_at(bound_first, 0);
        endpoint = make(OBJECT_ENDPOINT);
        served = 0;
        cptr_t time = new_time(MS, 0);
        struct sys_thread *server = start_sliced("server", PRIORITY + 1, 0, CPTR_NONE, serve, NULL);
        EXPECT_OK(sys_thread_suspend(server->thread));
        if (bound_first) {
            EXPECT_OK(sys_sched_context_bind(time, server->thread));
            EXPECT_OK(sys_thread_resume(server->thread));
        } else {
            EXPECT_OK(sys_thread_resume(server->thread));
            EXPECT_OK(sys_sched_context_bind(time, server->thread));
        }
        EXPECT_OK(sys_call(endpoint, &m, 0));
        EXPECT_OK(sys_sched_context_unbind(time));
        m.tag = 0;
        EXPECT_OK(sys_call(endpoint, &m, 0));
        EXPECT_EQ(served, 2);
        EXPECT_ERR(sys_nb_send(endpoint, &m), ERR_NOT_READY);
    }
}

/* ---- Time that is lent, and somebody goes ---- */

static enum err volatile answers[THREE];

static void call_once(void *argument)
{
    uint64_t n = (uint64_t)argument;
    struct sys_message m = { 0 };
    answers[n] = sys_call(endpoint, &m, 0);
    for (;;) {
        turns[n] = turns[n] + 1;
    }
}

static struct sys_thread *start_caller(uint64_t n, uint8_t priority)
{
    answers[n] = ERR_NOT_READY;
    turns[n] = 0;
    return start("caller", priority, CPTR_NONE, call_once, (void *)n);
}

static void serve_for_ever(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    for (;;) {
        served++;
    }
}

/* The server goes while it runs on what it was lent: the caller has its time again, and is told. */
/* seL4: SCHED_CONTEXT_0008 */
/* escape: TIME-DELETED */
static void server_goes_with_lent_time(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    served = 0;
    struct sys_thread *server = start_passive(serve_for_ever, NULL);
    struct sys_thread *caller = start_caller(0, PRIORITY - 3);
    pause_ns(5 * MS);
    EXPECT(served > 0);
    EXPECT_EQ(answers[0], ERR_NOT_READY);
    EXPECT(used_by(caller) >= 4 * MS);
    EXPECT_OK(sys_drop(&world, server->thread));
    EXPECT(runs(0));
    EXPECT_EQ(answers[0], ERR_GONE);
}

static cptr_t kept;

static void keep_caller(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    EXPECT_OK(sys_reply_save(kept));
    served++;
    for (;;) {
        (void)sys_recv(done, &m, 0);
    }
}

/* seL4: SCHED_CONTEXT_0009 */
static void reply_object_goes_with_its_caller(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    done = make(OBJECT_ENDPOINT);
    kept = make(OBJECT_REPLY);
    served = 0;
    start("server", PRIORITY - 2, CPTR_NONE, keep_caller, NULL);
    pause_ns(MS);
    struct sys_thread *caller = start_caller(0, PRIORITY - 3);
    EXPECT(!runs(0));
    EXPECT_EQ(served, 1);
    EXPECT_OK(sys_drop(&world, kept));
    EXPECT(runs(0));
    EXPECT_EQ(answers[0], ERR_GONE);
    EXPECT(used_by(caller) > 0);
}

/* The time that a server runs on is deleted: it stops, and goes on with what it is given. Its caller has
 * none to get back, and runs with what it is given. That it is unbound only, disturbs nobody: it is lent. */
/* seL4: SCHED_CONTEXT_0010 */
static void lent_time_is_taken_away(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    served = 0;
    struct sys_thread *server = start_passive(serve_for_ever, NULL);
    struct sys_thread *caller = start_caller(0, PRIORITY - 3);
    pause_ns(5 * MS);
    EXPECT(served > 0);
    EXPECT_OK(sys_sched_context_unbind(caller->sched_context));
    unsigned then = served;
    pause_ns(5 * MS);
    EXPECT(served > then);
    EXPECT_OK(sys_drop(&world, caller->sched_context));
    then = served;
    pause_ns(5 * MS);
    EXPECT_EQ(served, then);
    EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), server->thread));
    EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), caller->thread));
    pause_ns(5 * MS);
    EXPECT(served > then);
    EXPECT_EQ(turns[0], 0); /* it still waits for its reply */
    EXPECT_OK(sys_drop(&world, server->thread));
    EXPECT(runs(0));
    EXPECT_EQ(answers[0], ERR_GONE);
}

/* ---- A chain: a client, a proxy, a server ---- */

static cptr_t hop[2];
static struct sys_thread *of_chain[THREE];
static enum err volatile chain_answers[THREE];

static void last_server(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(hop[1], &m, 0);
    for (;;) {
        turns[2] = turns[2] + 1;
    }
}

static void proxy(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(hop[0], &m, 0);
    chain_answers[1] = sys_call(hop[1], &m, 0);
    for (;;) {
        turns[1] = turns[1] + 1;
    }
}

static void client(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    chain_answers[0] = sys_call(hop[0], &m, 0);
    for (;;) {
        turns[0] = turns[0] + 1;
    }
}

static void start_chain(void)
{
    for (unsigned n = 0; n < THREE; n++) {
        turns[n] = 0;
        chain_answers[n] = ERR_NOT_READY;
    }
    hop[0] = make(OBJECT_ENDPOINT);
    hop[1] = make(OBJECT_ENDPOINT);
    of_chain[2] = start_passive(last_server, NULL);
    of_chain[1] = start_passive(proxy, NULL);
    of_chain[0] = start("client", PRIORITY - 5, CPTR_NONE, client, NULL);
    EXPECT(runs(2));
    EXPECT(!runs(1));
    EXPECT(!runs(0));
}

/* From the far end: each time the one before has the time again. */
/* seL4: SCHED_CONTEXT_0011 */
static void chain_comes_back_step_by_step(void)
{
    start_chain();
    EXPECT_OK(sys_drop(&world, of_chain[2]->thread));
    EXPECT(runs(1));
    EXPECT_EQ(chain_answers[1], ERR_GONE);
    EXPECT(!runs(0));
    EXPECT_OK(sys_drop(&world, of_chain[1]->thread));
    EXPECT(runs(0));
    EXPECT_EQ(chain_answers[0], ERR_GONE);
    EXPECT(used_by(of_chain[0]) >= 4 * MS);
}

/* The one in the middle goes first: nobody has anything that is not his. The client is told, and has its
 * time; the far server, who has lost whom it worked for, does not run. */
/* seL4: SCHED_CONTEXT_0012 */
static void chain_is_broken_in_the_middle(void)
{
    start_chain();
    EXPECT_OK(sys_drop(&world, of_chain[1]->thread));
    pause_ns(MS);
    EXPECT_EQ(chain_answers[0], ERR_GONE);
    EXPECT(runs(0));
    EXPECT(!runs(2));
    EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), of_chain[2]->thread));
    EXPECT_OK(sys_thread_resume(of_chain[2]->thread)); /* nobody minded that it lost its caller */
    EXPECT(runs(2));
    EXPECT(runs(0));
}

/* The time itself goes: all stop; with time of their own all go on. */
/* seL4: SCHED_CONTEXT_0013 */
/* escape: TIME-DELETED */
static void time_of_a_chain_goes(void)
{
    start_chain();
    EXPECT_OK(sys_drop(&world, of_chain[0]->sched_context));
    for (uint64_t n = 0; n < THREE; n++) {
        EXPECT(!runs(n));
    }
    for (unsigned n = 0; n < THREE; n++) {
        EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), of_chain[n]->thread));
    }
    EXPECT(runs(2));
    EXPECT_OK(sys_drop(&world, of_chain[2]->thread));
    EXPECT(runs(1));
    EXPECT_OK(sys_drop(&world, of_chain[1]->thread));
    EXPECT(runs(0));
    EXPECT_EQ(chain_answers[0], ERR_GONE);
}

/* ---- Order ---- */

static char order[THREE + 1];
static unsigned came;

static void receive_in_order(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    while (came < THREE) {
        order[came++] = (char)('0' + m.w[0]);
        m.tag = 0;
        (void)sys_reply_recv(endpoint, &m, 0);
    }
}

static void call_with_number(void *argument)
{
    struct sys_message m = { .w = { (uint64_t)argument } };
    EXPECT_OK(sys_call(endpoint, &m, 1));
}

/* Callers wait by priority, also as that changes; and are served in that order by a server that answers
 * and receives in one. */
/* seL4: SCHED0007, SCHED0008, SCHED0009 */
static void queue_is_in_order_of_priorities(void)
{
    struct sys_thread *caller[THREE];
    endpoint = make(OBJECT_ENDPOINT);
    came = 0;
    for (uint64_t n = 0; n < THREE; n++) {
        caller[n] = start("caller", (uint8_t)(PRIORITY + 1 + n), CPTR_NONE, call_with_number, (void *)n);
    }
    /* All wait; the first is made the most urgent of them, the last the least. */
    EXPECT_OK(sys_sched_control_set_priority(SCHED, caller[0]->thread, PRIORITY + 20));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, caller[2]->thread, PRIORITY - 20));
    start("server", PRIORITY + 30, CPTR_NONE, receive_in_order, NULL);
    pause_ns(MS);
    EXPECT_EQ(memcmp(order, "012", THREE), 0);
    EXPECT_EQ(came, THREE);
}

static struct test const tests[] = {
    TEST(periods_keep_their_relation),
    TEST(stopping_gives_no_budget),
    TEST(budgets_are_changed),
    TEST(binding_has_its_errors),
    TEST(without_its_context_a_thread_stops),
    TEST(servers_without_time_begin),
    TEST(server_goes_with_lent_time),
    TEST(reply_object_goes_with_its_caller),
    TEST(lent_time_is_taken_away),
    TEST(chain_comes_back_step_by_step),
    TEST(chain_is_broken_in_the_middle),
    TEST(time_of_a_chain_goes),
    TEST(queue_is_in_order_of_priorities),
};
TEST_GROUP(owner);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets: never more than was given in any stretch of a period, whatever happens to the thread; and
 * what requests to scheduling contexts do to those who run on them. */
#include "test.h"
#include "world.h"

#define US   1000ul
#define MS   1000000ul
#define LATE (15 * US) /* for which the timer, and the kernel, may keep a budget running */

static uint64_t volatile turns[3];

static void spin(void *argument)
{
    for (;;) {
        turns[(uint64_t)argument]++;
    }
}

static uint64_t used(cptr_t time)
{
    uint64_t ns = 0;
    EXPECT_OK(sys_sched_context_consumed(time, &ns));
    return ns;
}

static cptr_t new_time(uint64_t budget, uint64_t period)
{
    cptr_t time = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, budget, period));
    return time;
}

/* A thread on a budget, ready to run. */
static struct sys_thread *start_on(uint64_t budget, uint64_t period, uint8_t priority,
                                   void (*function)(void *), void *argument)
{
    struct sys_thread *t = start_sliced("budgeted", priority, 0, CPTR_NONE, function, argument);
    t->sched_context = new_time(budget, period);
    EXPECT_OK(sys_sched_context_bind(t->sched_context, t->thread));
    return t;
}

/* ---- Windows ---- */

/* When it ran: it sees by the clock that it did not for a while. */
#define STRETCHES 400
static struct {
    uint64_t from, to;
} ran[STRETCHES];
static unsigned volatile stretches;

static void note_stretches(void *argument)
{
    (void)argument;
    ran[0].from = ran[0].to = sys_clock_ns();
    for (;;) {
        uint64_t now = sys_clock_ns();
        if (stretches < STRETCHES - 1 && now > ran[stretches].to + 5 * US) {
            ran[stretches + 1].from = now;
            stretches++;
        }
        ran[stretches].to = now;
    }
}

/* What it ran from `from` on, for `length`. */
static uint64_t ran_within(uint64_t from, uint64_t length)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= stretches; i++) {
        uint64_t a = ran[i].from > from ? ran[i].from : from;
        uint64_t b = ran[i].to < from + length ? ran[i].to : from + length;
        sum += b > a ? b - a : 0;
    }
    return sum;
}

static void disturb(void *argument)
{
    uint64_t state = (uint64_t)argument;
    for (;;) {
        uint64_t until = sys_clock_ns() + random_next(&state) % (300 * US);
        while (sys_clock_ns() < until) {
        }
        pause_ns(20 * US + random_next(&state) % (500 * US));
    }
}

static void windows_are_kept(void)
{
    static struct {
        uint64_t budget, period, disturbed;
    } const cases[] = {
        { 200 * US, MS, 0 }, { 200 * US, MS, 1 }, { 500 * US, MS, 2 }, { 300 * US, 2 * MS, 3 },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        stretches = 0;
        struct sys_thread *urgent = NULL;
        if (cases[i].disturbed != 0) {
            urgent = start("urgent", PRIORITY - 1, CPTR_NONE, disturb, (void *)cases[i].disturbed);
        }
        struct sys_thread *t =
            start_on(cases[i].budget, cases[i].period, PRIORITY - 2, note_stretches, NULL);
        pause_ns(20 * MS);
        EXPECT_OK(sys_thread_suspend(t->thread));
        EXPECT(stretches > 5);
        for (unsigned n = 0; n <= stretches; n++) {
            test_at(i, n);
            EXPECT(ran_within(ran[n].from, cases[i].period) <= cases[i].budget + LATE);
            EXPECT(ran_within(ran[n].to - cases[i].period, cases[i].period) <=
                   cases[i].budget + LATE);
        }
        if (urgent != NULL) {
            EXPECT_OK(sys_thread_suspend(urgent->thread));
        }
    }
}

/* ---- Shares ---- */

/* What a thread with this budget uses in 40 ms. */
static uint64_t used_in_40_ms(struct sys_thread *t)
{
    uint64_t before = used(t->sched_context);
    pause_ns(40 * MS);
    return used(t->sched_context) - before;
}

/* seL4: SCHED0012 */
static void a_fifth_is_a_fifth(void)
{
    struct sys_thread *t = start_on(400 * US, 2 * MS, PRIORITY - 1, spin, (void *)0);
    uint64_t share = used_in_40_ms(t);
    EXPECT(share >= 8 * MS - 400 * US);
    EXPECT(share <= 8 * MS + LATE);
}

/* Two and three threads get what their periods say. */
/* seL4: SCHED0013, SCHED0014 */
static void shares_are_as_the_periods(void)
{
    struct sys_thread *t[3];
    for (uint64_t i = 0; i < 3; i++) {
        t[i] = start_on(200 * US, (1 + i) * MS, PRIORITY - 1, spin, (void *)i);
    }
    uint64_t before[3];
    for (unsigned i = 0; i < 3; i++) {
        before[i] = used(t[i]->sched_context);
    }
    pause_ns(36 * MS);
    for (unsigned i = 0; i < 3; i++) {
        test_at(i, 0);
        uint64_t share = used(t[i]->sched_context) - before[i], right = 36 * 200 * US / (1 + i);
        EXPECT(share >= right - 200 * US);
        EXPECT(share <= right + 200 * US);
    }
}

/* Stopping it and letting it go on gives it nothing. */
/* seL4: SCHED0016 */
static void a_pause_gives_nothing(void)
{
    struct sys_thread *t = start_on(200 * US, MS, PRIORITY - 1, spin, (void *)0);
    uint64_t before = used(t->sched_context);
    for (unsigned i = 0; i < 200; i++) {
        pause_ns(100 * US);
        EXPECT_OK(sys_thread_suspend(t->thread));
        EXPECT_OK(sys_thread_resume(t->thread));
    }
    EXPECT(used(t->sched_context) - before <= 21 * 200 * US + LATE);
}

/* Equals change every slice, to the microsecond. */
/* seL4: SCHED0011 */
static void slices_are_exact(void)
{
    stretches = 0;
    struct sys_thread *other =
        start_sliced("other", PRIORITY - 1, 500 * US, CPTR_NONE, spin, (void *)0);
    struct sys_thread *t =
        start_sliced("sliced", PRIORITY - 1, 500 * US, CPTR_NONE, note_stretches, NULL);
    pause_ns(12 * MS);
    EXPECT_OK(sys_thread_suspend(t->thread));
    EXPECT_OK(sys_thread_suspend(other->thread));
    ASSERT(stretches >= 11);
    for (unsigned n = 1; n <= 10; n++) {
        test_at(n, ran[n].to - ran[n].from);
        EXPECT(ran[n].to - ran[n].from >= 500 * US - LATE);
        EXPECT(ran[n].to - ran[n].from <= 500 * US + LATE);
        EXPECT(ran[n].from - ran[n - 1].to <= 500 * US + LATE);
    }
}

/* ---- Requests ---- */

/* seL4: SCHED0010 */
static void resumed_without_time(void)
{
    struct sys_thread *t = start("idle", PRIORITY - 1, CPTR_NONE, spin, (void *)0);
    EXPECT_OK(sys_thread_suspend(t->thread));
    turns[0] = 0;
    EXPECT_OK(sys_sched_context_unbind(t->sched_context));
    EXPECT_OK(sys_thread_resume(t->thread));
    pause_ns(MS);
    EXPECT_EQ(turns[0], 0);
    EXPECT_OK(sys_sched_context_bind(t->sched_context, t->thread));
    pause_ns(MS);
    EXPECT(turns[0] > 0);
}

/* seL4: SCHED_CONTEXT_0001 */
static void configure_checks(void)
{
    cptr_t time = make(OBJECT_SCHED_CONTEXT), other = make(OBJECT_NOTIFICATION);
    static struct {
        uint64_t budget, period;
        enum err expected;
    } const cases[] = {
        { 0, 0, ERR_BAD_ARGUMENT },         { 0, MS, ERR_BAD_ARGUMENT },
        { 10 * US - 1, 0, ERR_BAD_ARGUMENT }, { 10 * US - 1, MS, ERR_BAD_ARGUMENT },
        { 10 * US, 0, OK },                 { 10 * US, 10 * US, OK },
        { MS, MS - 1, ERR_BAD_ARGUMENT },   { MS, MS, OK },
        { ~0ul, ~0ul, ERR_BAD_ARGUMENT },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        test_at(i, 0);
        EXPECT_ERR(sys_sched_control_configure(SCHED, time, cases[i].budget, cases[i].period),
                   cases[i].expected);
    }
    EXPECT_ERR(sys_sched_control_configure(SCHED, other, MS, MS), ERR_WRONG_TYPE);
    EXPECT_ERR(sys_sched_control_configure(time, time, MS, MS), ERR_WRONG_TYPE);
    EXPECT_ERR(sys_sched_control_configure(SCHED, empty_slot(), MS, MS), ERR_BAD_CAPABILITY);
}

/* Up and down, while it runs and while it does not. */
/* seL4: SCHED_CONTEXT_0002 */
static void a_budget_can_change(void)
{
    struct sys_thread *t = start_on(200 * US, 2 * MS, PRIORITY - 1, spin, (void *)0);
    EXPECT(used_in_40_ms(t) <= 21 * 200 * US);
    EXPECT_OK(sys_sched_control_configure(SCHED, t->sched_context, MS, 2 * MS));
    uint64_t more = used_in_40_ms(t);
    EXPECT(more >= 19 * MS);
    EXPECT(more <= 21 * MS);
    EXPECT_OK(sys_thread_suspend(t->thread));
    EXPECT_OK(sys_sched_control_configure(SCHED, t->sched_context, 100 * US, 2 * MS));
    EXPECT_EQ(used_in_40_ms(t), 0);
    EXPECT_OK(sys_thread_resume(t->thread));
    EXPECT(used_in_40_ms(t) <= 21 * 100 * US + LATE);
}

/* seL4: SCHED_CONTEXT_0003 */
static void bind_checks(void)
{
    struct sys_thread *a = start_sliced("a", PRIORITY - 1, 0, CPTR_NONE, spin, (void *)0);
    struct sys_thread *b = start_sliced("b", PRIORITY - 1, 0, CPTR_NONE, spin, (void *)0);
    cptr_t one = new_time(MS, 0), two = new_time(MS, 0), raw = make(OBJECT_SCHED_CONTEXT);
    EXPECT_ERR(sys_sched_context_bind(raw, a->thread), ERR_NOT_READY);
    EXPECT_ERR(sys_sched_context_bind(one, two), ERR_WRONG_TYPE);
    EXPECT_OK(sys_sched_context_unbind(one));
    EXPECT_OK(sys_sched_context_bind(one, a->thread));
    EXPECT_ERR(sys_sched_context_bind(one, a->thread), ERR_ALREADY);
    EXPECT_ERR(sys_sched_context_bind(one, b->thread), ERR_ALREADY);
    EXPECT_ERR(sys_sched_context_bind(two, a->thread), ERR_ALREADY);
    EXPECT_OK(sys_sched_context_unbind(one));
    EXPECT_OK(sys_sched_context_bind(two, a->thread));
    EXPECT_OK(sys_sched_context_bind(one, b->thread));
}

/* seL4: SCHED_CONTEXT_0005 */
static void without_its_time_a_thread_stops(void)
{
    turns[0] = 0;
    struct sys_thread *t = start_on(MS, 0, PRIORITY - 1, spin, (void *)0);
    pause_ns(MS);
    EXPECT(turns[0] > 0);
    EXPECT_OK(sys_drop(&world, t->sched_context));
    t->sched_context = CPTR_NONE;
    uint64_t then = turns[0];
    pause_ns(MS);
    EXPECT_EQ(turns[0], then);
}

/* ---- Time that is lent ---- */

static cptr_t first_door, second_door;
static uint64_t volatile answers;

static void serve(void *argument)
{
    struct sys_message m = { 0 };
    cptr_t door = argument == NULL ? first_door : second_door;
    (void)sys_recv(door, &m, 0);
    for (;;) {
        if (argument == NULL && second_door.raw != 0) {
            m.tag = 0;
            m.w[5] = (uint64_t)sys_call(second_door, &m, 0);
        }
        while (m.w[0] == 1) { /* never answers */
        }
        m.tag = 0;
        (void)sys_reply_recv(door, &m, 0);
    }
}

static void ask(void *argument)
{
    struct sys_message m = { .w = { (uint64_t)argument } };
    enum err err = sys_call(first_door, &m, 1);
    answers = answers * 100 + (uint64_t)err + 1;
    for (;;) {
        turns[2]++;
    }
}

/* A server that has got to its door and has no time. */
static struct sys_thread *passive(void *argument)
{
    struct sys_thread *t = start("server", PRIORITY + 1, CPTR_NONE, serve, argument);
    EXPECT_OK(sys_sched_context_unbind(t->sched_context));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, t->thread, PRIORITY - 2));
    return t;
}

static void doors(bool chain)
{
    first_door = make(OBJECT_ENDPOINT);
    second_door = chain ? make(OBJECT_ENDPOINT) : CPTR_NONE;
    answers = 0;
    turns[2] = 0;
}

/* Time can be bound before a thread starts, after that, and taken away once it waits. */
/* seL4: SCHED_CONTEXT_0007 */
static void a_server_becomes_passive(void)
{
    for (unsigned bound_first = 0; bound_first < 2; bound_first++) {
        test_at(bound_first, 0);
        doors(false);
        struct sys_thread *t = start_sliced("server", PRIORITY + 1, 0, CPTR_NONE, serve, NULL);
        cptr_t time = new_time(MS, 0);
        if (bound_first) {
            EXPECT_OK(sys_thread_suspend(t->thread));
        }
        EXPECT_OK(sys_sched_context_bind(time, t->thread));
        EXPECT_OK(sys_thread_resume(t->thread));
        EXPECT_OK(sys_sched_context_unbind(time));
        struct sys_message m = { 0 };
        EXPECT_OK(sys_call(first_door, &m, 1));
        EXPECT_EQ(used(time) < 100 * US, true);
    }
}

/* The server dies on its client's time: the client has it back, and an error. */
/* seL4: SCHED_CONTEXT_0008 */
static void a_server_dies_on_lent_time(void)
{
    doors(false);
    struct sys_thread *server = passive(NULL);
    start("client", PRIORITY - 1, CPTR_NONE, ask, (void *)1);
    pause_ns(MS);
    EXPECT_EQ(answers, 0);
    EXPECT_OK(sys_thread_destroy(&world, server));
    pause_ns(MS);
    EXPECT_EQ(answers, ERR_GONE + 1);
    EXPECT(turns[2] > 0);
}

static cptr_t kept;
static void keep(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(first_door, &m, 0);
    EXPECT_OK(sys_reply_save(kept));
    for (;;) {
        turns[1]++;
    }
}

/* The Reply object goes: the client has its time back, and the server none. */
/* seL4: SCHED_CONTEXT_0009 */
static void a_reply_object_goes(void)
{
    doors(false);
    kept = make(OBJECT_REPLY);
    struct sys_thread *server = start("keeper", PRIORITY + 1, CPTR_NONE, keep, NULL);
    EXPECT_OK(sys_sched_context_unbind(server->sched_context));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, server->thread, PRIORITY - 1));
    turns[1] = 0;
    start("client", PRIORITY - 2, CPTR_NONE, ask, (void *)1);
    pause_ns(MS);
    EXPECT_EQ(answers, 0);
    EXPECT(turns[1] > 0);
    EXPECT_OK(sys_drop(&world, kept));
    pause_ns(MS);
    EXPECT_EQ(answers, ERR_GONE + 1);
    EXPECT(turns[2] > 0);
    uint64_t then = turns[1];
    pause_ns(MS);
    EXPECT_EQ(turns[1], then);
}

/* Unbound from its client and deleted while a server works on it: that stops; with other time it
 * goes on, and so does the client. */
/* seL4: SCHED_CONTEXT_0010 */
static void lent_time_is_taken(void)
{
    doors(false);
    struct sys_thread *server = passive(NULL);
    struct sys_thread *client = start("client", PRIORITY - 1, CPTR_NONE, ask, (void *)0);
    EXPECT_OK(sys_thread_suspend(server->thread)); /* before it can answer */
    pause_ns(MS);
    EXPECT_OK(sys_drop(&world, client->sched_context));
    client->sched_context = CPTR_NONE;
    EXPECT_OK(sys_thread_resume(server->thread));
    pause_ns(MS);
    EXPECT_EQ(answers, 0);
    EXPECT_OK(sys_sched_context_bind(server->sched_context, server->thread));
    pause_ns(MS);
    EXPECT_EQ(answers, 0); /* it has been answered, and has no time to see it */
    EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), client->thread));
    pause_ns(MS);
    EXPECT_EQ(answers, OK + 1);
}

/* A chain: the inner server dies, then the outer, and each time the time goes back a step. */
/* seL4: SCHED_CONTEXT_0011 */
static void time_comes_back_step_by_step(void)
{
    doors(true);
    struct sys_thread *outer = passive(NULL), *inner = passive((void *)1);
    struct sys_thread *client = start("client", PRIORITY - 1, CPTR_NONE, ask, (void *)1);
    pause_ns(MS);
    EXPECT_EQ(answers, 0);
    uint64_t before = used(client->sched_context);
    EXPECT_OK(sys_thread_destroy(&world, inner));
    pause_ns(MS);
    EXPECT_EQ(answers, 0); /* the outer one spins now, on the client's time */
    EXPECT(used(client->sched_context) - before >= 900 * US);
    EXPECT_OK(sys_thread_destroy(&world, outer));
    pause_ns(MS);
    EXPECT_EQ(answers, ERR_GONE + 1);
}

/* The outer one first: the client goes on at once, the inner one no longer. */
/* seL4: SCHED_CONTEXT_0012 */
static void the_outer_server_dies_first(void)
{
    doors(true);
    struct sys_thread *outer = passive(NULL);
    (void)passive((void *)1);
    struct sys_thread *client = start("client", PRIORITY - 1, CPTR_NONE, ask, (void *)1);
    pause_ns(MS);
    EXPECT_EQ(answers, 0);
    EXPECT_OK(sys_thread_destroy(&world, outer));
    pause_ns(MS);
    EXPECT_EQ(answers, ERR_GONE + 1);
    uint64_t then = turns[2];
    EXPECT(then > 0);
    pause_ns(MS);
    EXPECT(turns[2] > then);
    (void)client;
}

/* The time of a chain is deleted: nobody runs; with new time for each, all go on. */
/* seL4: SCHED_CONTEXT_0013 */
static void a_chains_time_is_deleted(void)
{
    doors(true);
    struct sys_thread *outer = passive(NULL), *inner = passive((void *)1);
    struct sys_thread *client = start("client", PRIORITY - 1, CPTR_NONE, ask, (void *)0);
    EXPECT_OK(sys_thread_suspend(inner->thread));
    pause_ns(MS);
    EXPECT_OK(sys_drop(&world, client->sched_context));
    client->sched_context = CPTR_NONE;
    EXPECT_OK(sys_thread_resume(inner->thread));
    pause_ns(MS);
    EXPECT_EQ(answers, 0);
    EXPECT_OK(sys_sched_context_bind(inner->sched_context, inner->thread));
    EXPECT_OK(sys_sched_context_bind(outer->sched_context, outer->thread));
    EXPECT_OK(sys_sched_context_bind(new_time(MS, 0), client->thread));
    pause_ns(MS);
    EXPECT_EQ(answers, OK + 1);
}

/* ---- Queues ---- */

static cptr_t queue;
static uint64_t order;
static bool by_reply_recv;

static void call_queue(void *argument)
{
    struct sys_message m = { .w = { (uint64_t)argument } };
    EXPECT_OK(sys_call(queue, &m, 1));
}

static void serve_all(void)
{
    struct sys_message m = { 0 };
    order = 0;
    (void)sys_recv(queue, &m, sys_clock_ns() + MS);
    for (unsigned i = 0; i < 3; i++) {
        order = order * 10 + m.w[0];
        m = (struct sys_message){ 0 };
        if (by_reply_recv && i < 2) {
            (void)sys_reply_recv(queue, &m, 0);
        } else {
            EXPECT_OK(sys_reply(CPTR_NONE, &m));
            if (i < 2) {
                (void)sys_recv(queue, &m, sys_clock_ns() + MS);
            }
        }
    }
}

/* seL4: SCHED0007, SCHED0008, SCHED0009 */
static void queues_are_in_order(void)
{
    for (unsigned changed = 0; changed < 2; changed++) {
        for (unsigned how = 0; how < 2; how++) {
            test_at(changed, how);
            by_reply_recv = how != 0;
            queue = make(OBJECT_ENDPOINT);
            struct sys_thread *t[3];
            for (uint64_t i = 0; i < 3; i++) {
                t[i] = start("caller", (uint8_t)(PRIORITY + 1 + i), CPTR_NONE, call_queue,
                             (void *)(i + 1));
            }
            if (changed) {
                EXPECT_OK(sys_sched_control_set_priority(SCHED, t[0]->thread, PRIORITY + 9));
            }
            serve_all();
            EXPECT_EQ(order, changed ? 132 : 321);
        }
    }
}

static struct test const tests[] = {
    TEST(windows_are_kept),
    TEST(a_fifth_is_a_fifth),
    TEST(shares_are_as_the_periods),
    TEST(a_pause_gives_nothing),
    TEST(slices_are_exact),
    TEST(resumed_without_time),
    TEST(configure_checks),
    TEST(a_budget_can_change),
    TEST(bind_checks),
    TEST(without_its_time_a_thread_stops),
    TEST(a_server_becomes_passive),
    TEST(a_server_dies_on_lent_time),
    TEST(a_reply_object_goes),
    TEST(lent_time_is_taken),
    TEST(time_comes_back_step_by_step),
    TEST(the_outer_server_dies_first),
    TEST(a_chains_time_is_deleted),
    TEST(queues_are_in_order),
};
TEST_GROUP(budget);

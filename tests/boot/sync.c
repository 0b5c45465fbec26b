/* SPDX-License-Identifier: BSD-2-Clause */
/* What else of libsys threads wait for each other with: a low thread is in the middle of something, a medium
 * one spins, a high one comes. */
#include "test.h"
#include "world.h"

#include <tessera/cond.h>
#include <tessera/hazard.h>
#include <tessera/once.h>
#include <tessera/rcu.h>

#define HIGH   (PRIORITY - 1)
#define MEDIUM (PRIORITY - 2)
#define LOW    (PRIORITY - 3)

#define WORK     20000u     /* turns of a loop */
#define SPIN_NS  20000000ul /* how long the medium one spins: many times that */
#define SLACK_NS 50000ul    /* for switches and system calls on the way */

static void work(void)
{
    for (unsigned volatile i = 0; i < WORK; i++) {
    }
}

static uint64_t work_ns(void)
{
    uint64_t before = sys_clock_ns();
    work();
    return sys_clock_ns() - before;
}

static void spin_a_while(void *argument)
{
    (void)argument;
    for (uint64_t until = sys_clock_ns() + SPIN_NS; sys_clock_ns() < until;) {
    }
}

static struct sys_thread threads[3];

static void start_numbered(char const *name, uint8_t priority, unsigned number, void (*function)(void *))
{
    struct sys_thread_options options = {
        .name = name, .priority = priority, .slice_ns = SLICE_NS, .number = number
    };
    EXPECT_OK(sys_thread_create(&world, &threads[number], &options, function, NULL));
}

static void (*high_part)(void);
static uint64_t volatile waited_ns;
static bool volatile low_is_done, high_is_done;

static void run_high_part(void *argument)
{
    (void)argument;
    uint64_t before = sys_clock_ns();
    high_part();
    waited_ns = sys_clock_ns() - before;
    high_is_done = true;
}

/* How long the high one takes for its part, in the middle of the low one's. */
static uint64_t play(void (*low)(void *), void (*high)(void))
{
    uint64_t pause = work_ns() / 2;
    high_part = high;
    low_is_done = high_is_done = false;
    start_numbered("low", LOW, 1, low);
    pause_ns(pause);
    start_numbered("high", HIGH, 2, run_high_part);
    start("medium", MEDIUM, CPTR_NONE, spin_a_while, NULL);
    pause_ns(2 * SPIN_NS);
    EXPECT(high_is_done && low_is_done);
    test_at(waited_ns, work_ns());
    return waited_ns;
}

/* ---- Conditions ---- */

static struct sys_mutex mutex;
static struct sys_cond cond;
static bool volatile is_there;
static uint64_t wait_ns;
static enum err volatile ended_with;

static void wait_for_it(void)
{
    uint64_t deadline = sys_clock_ns() + wait_ns;
    enum err err = OK;
    sys_mutex_lock(&mutex);
    while (!is_there && err == OK) {
        err = sys_cond_wait(&cond, &mutex, deadline);
    }
    EXPECT_EQ(mutex.word, sys_park_own);
    sys_mutex_unlock(&mutex);
    ended_with = err;
}

static void bring_it(void *argument)
{
    (void)argument;
    work();
    sys_mutex_lock(&mutex);
    is_there = low_is_done = true;
    sys_cond_wake(&cond);
    sys_mutex_unlock(&mutex);
}

/* seL4: SYNC003 */
/* The low one comes to it when the medium one has done, for nobody can lend to whom he does not know. */
static void a_change_wakes_who_waits_for_it(void)
{
    is_there = false;
    wait_ns = 3 * SPIN_NS;
    uint64_t waited = play(bring_it, wait_for_it);
    EXPECT_EQ(ended_with, OK);
    EXPECT(waited >= SPIN_NS / 2 && waited < 2 * SPIN_NS);
    EXPECT_EQ(cond.waiters | mutex.word, 0);
}

static void without_a_change_the_deadline_does(void)
{
    is_there = false;
    wait_ns = SPIN_NS / 4;
    uint64_t waited = play(bring_it, wait_for_it);
    EXPECT_EQ(ended_with, ERR_TIMED_OUT);
    EXPECT(waited >= wait_ns && waited <= wait_ns + SLACK_NS);
    EXPECT_EQ(cond.waiters | mutex.word, 0);
}

/* ---- Once ---- */

static struct sys_once once;
static unsigned volatile made;

static enum err make_it(void)
{
    work();
    made++;
    low_is_done = true;
    return OK;
}

static void want_it(void)
{
    EXPECT_OK(sys_once(&once, make_it));
    EXPECT_EQ(made, 1);
}

static void make_first(void *argument)
{
    (void)argument;
    want_it();
}

static void who_comes_second_waits_for_the_maker_only(void)
{
    once = (struct sys_once){ false };
    made = 0;
    EXPECT(play(make_first, want_it) <= work_ns() + SLACK_NS);
}

/* ---- Reading what others replace ---- */

static struct sys_rcu rcu;

static void read(void *argument)
{
    (void)argument;
    sys_rcu_read_begin(&rcu);
    work();
    low_is_done = true;
    sys_rcu_read_end(&rcu);
}

static void wait_for_readers(void)
{
    sys_rcu_wait(&rcu);
    EXPECT(low_is_done);
}

static void a_writer_waits_for_the_reader_only(void)
{
    EXPECT(play(read, wait_for_readers) <= work_ns() + SLACK_NS);
}

/* ---- Holding what others take away ---- */

static int thing;
static _Atomic uintptr_t place;
static bool volatile is_freed;

static void free_thing(void *what)
{
    EXPECT(what == &thing);
    is_freed = true;
}

static struct sys_hazards hazards = { .free = free_thing };

static void hold(void *argument)
{
    (void)argument;
    struct sys_hazard *own = sys_hazard_own(&hazards);
    EXPECT(sys_hazard_hold(&hazards, own, &thing, &place, (uintptr_t)&thing));
    work();
    EXPECT(!is_freed);
    sys_hazard_let_go(&hazards, own);
    low_is_done = true;
}

static void take_away(void)
{
    place = 0;
    EXPECT(!sys_hazard_retire(&hazards, &thing));
    EXPECT(!low_is_done);
}

static void what_is_held_is_freed_by_its_holder(void)
{
    place = (uintptr_t)&thing;
    is_freed = false;
    EXPECT(play(hold, take_away) <= SLACK_NS); /* it waits for nobody */
    EXPECT(is_freed);
    EXPECT(sys_hazard_retire(&hazards, &thing)); /* nobody holds it */
}

/* ---- Ends ---- */

#define RESULT 4711

static void end_with_a_result(void *argument)
{
    (void)argument;
    work();
    low_is_done = true;
    sys_thread_exit(RESULT);
}

static void wait_for_the_end(void)
{
    uint64_t result = 0;
    EXPECT_OK(sys_thread_join(&world, &threads[1], 0, &result));
    EXPECT_EQ(result, RESULT);
}

static void high_joins_low_in_spite_of_the_medium_one(void)
{
    uint64_t waited = play(end_with_a_result, wait_for_the_end);
    EXPECT(waited <= work_ns() + SLACK_NS);
}

static struct test const tests[] = {
    TEST(high_joins_low_in_spite_of_the_medium_one),
    TEST(a_change_wakes_who_waits_for_it),
    TEST(without_a_change_the_deadline_does),
    TEST(who_comes_second_waits_for_the_maker_only),
    TEST(a_writer_waits_for_the_reader_only),
    TEST(what_is_held_is_freed_by_its_holder),
};
TEST_GROUP(sync);

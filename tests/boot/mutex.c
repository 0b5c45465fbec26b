/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of libsys: a low thread holds one, a medium one spins, a high one wants it. */
#include "test.h"
#include "world.h"

#include <tessera/mutex.h>

#define HIGH   (PRIORITY - 1)
#define MEDIUM (PRIORITY - 2)
#define MIDDLE (PRIORITY - 3) /* holds a lock too, and waits for the low one */
#define LOW    (PRIORITY - 4)

#define THREADS 6

#define WORK     20000u     /* turns of a loop under a lock */
#define SPIN_NS  20000000ul /* how long the medium one spins: many times that */
#define SLACK_NS 50000ul    /* for switches and system calls on the way */

static void work(void)
{
    for (unsigned volatile i = 0; i < WORK; i++) {
    }
}

/* ---- Two kinds of locks ---- */

static struct sys_mutex mutex[2];

static void mutex_lock(unsigned which)
{
    sys_mutex_lock(&mutex[which]);
}

static void mutex_unlock(unsigned which)
{
    sys_mutex_unlock(&mutex[which]);
}

/* One that knows nothing of who holds it. */
static cptr_t token[2];

static void token_take(unsigned which)
{
    uint64_t bits;
    EXPECT_OK(sys_wait(token[which], 0, &bits, NULL));
}

static void token_give(unsigned which)
{
    EXPECT_OK(sys_signal(token[which]));
}

static struct kind {
    void (*lock)(unsigned which);
    void (*unlock)(unsigned which);
} const with_lending = { mutex_lock, mutex_unlock }, without = { token_take, token_give };

static struct kind const *kind;

/* ---- The play ---- */

static uint64_t volatile waited_ns;

static void hold_first(void *argument)
{
    (void)argument;
    kind->lock(0);
    work();
    kind->unlock(0);
}

static void hold_second_and_want_first(void *argument)
{
    (void)argument;
    kind->lock(1);
    kind->lock(0);
    work();
    kind->unlock(0);
    kind->unlock(1);
}

static void want(unsigned which)
{
    uint64_t before = sys_clock_ns();
    kind->lock(which);
    waited_ns = sys_clock_ns() - before;
    kind->unlock(which);
}

static void want_first(void *argument)
{
    (void)argument;
    want(0);
}

static void want_second(void *argument)
{
    (void)argument;
    want(1);
}

static void spin_a_while(void *argument)
{
    (void)argument;
    for (uint64_t until = sys_clock_ns() + SPIN_NS; sys_clock_ns() < until;) {
    }
}

static struct sys_thread threads[THREADS + 1];

/* A thread that can wait for others. */
static void start_numbered(char const *name, uint8_t priority, uint64_t slice_ns, unsigned number,
                           void (*function)(void *))
{
    struct sys_thread_options options = {
        .name = name, .priority = priority, .slice_ns = slice_ns, .number = number
    };
    EXPECT_OK(sys_thread_create(&world, &threads[number], &options, function, NULL));
}

static uint64_t work_ns(void)
{
    uint64_t before = sys_clock_ns();
    work();
    return sys_clock_ns() - before;
}

/* How long the high one waits for the low one alone, or for the middle one that waits for that. */
static uint64_t play(struct kind const *which, bool in_chain)
{
    uint64_t pause = work_ns() / 2;
    kind = which;
    for (unsigned i = 0; i < array_length(token); i++) {
        token[i] = make(OBJECT_NOTIFICATION);
        token_give(i);
    }
    waited_ns = 0;
    start_numbered("low", LOW, SLICE_NS, 1, hold_first);
    pause_ns(pause); /* now it holds it */
    if (in_chain) {
        start_numbered("middle", MIDDLE, SLICE_NS, 2, hold_second_and_want_first);
        pause_ns(pause / 4);
    }
    start_numbered("high", HIGH, SLICE_NS, 3, in_chain ? want_second : want_first);
    start("medium", MEDIUM, CPTR_NONE, spin_a_while, NULL);
    pause_ns(2 * SPIN_NS);
    EXPECT_EQ(mutex[0].word | mutex[1].word, 0);
    return waited_ns;
}

static void high_waits_for_the_holder_only(void)
{
    uint64_t waited = play(&with_lending, false);
    test_at(waited, work_ns());
    EXPECT(waited != 0 && waited <= work_ns() + SLACK_NS);
}

static void high_waits_for_a_chain_of_holders_only(void)
{
    uint64_t waited = play(&with_lending, true);
    test_at(waited, work_ns());
    EXPECT(waited != 0 && waited <= 2 * work_ns() + SLACK_NS);
}

static void without_lending_it_waits_for_the_medium_one(void)
{
    EXPECT(play(&without, false) >= SPIN_NS / 2);
    EXPECT(play(&without, true) >= SPIN_NS / 2);
}

/* ---- Many at once ---- */

#define TURNS 200

static uint64_t volatile inside, sum;

static void take_turns(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < TURNS; i++) {
        sys_mutex_lock(&mutex[0]);
        EXPECT_EQ(inside, 0);
        inside = 1;
        for (unsigned volatile j = 0; j < i % 64; j++) {
        }
        sum++;
        inside = 0;
        sys_mutex_unlock(&mutex[0]);
    }
}

/* Slices end at any instruction of the lock, and priorities differ. */
static void one_at_a_time_is_inside(void)
{
    sum = 0;
    for (unsigned i = 1; i <= THREADS; i++) {
        uint8_t priority = (uint8_t)(LOW - i / 3);
        start_numbered("turns", priority, 20000 + 700 * i, i, take_turns);
    }
    for (unsigned i = 0; i < 200 && sum < THREADS * TURNS; i++) {
        pause_ns(1000000);
    }
    EXPECT_EQ(sum, THREADS * TURNS);
    EXPECT_EQ(mutex[0].word, 0);
}

static struct test const tests[] = {
    TEST(high_waits_for_the_holder_only),
    TEST(high_waits_for_a_chain_of_holders_only),
    TEST(without_lending_it_waits_for_the_medium_one),
    TEST(one_at_a_time_is_inside),
};
TEST_GROUP(mutex);

/* SPDX-License-Identifier: BSD-2-Clause */
/* A system with nothing to do: it takes no timer interrupt, and its time is accounted. */
#include "test.h"
#include "world.h"

#define SETTLED_NS 100000000ul
#define SLEEP_NS   10000000000ul
#define BUSY_NS    50000000ul

static uint64_t volatile done;

static void spin(void *argument)
{
    (void)argument;
    for (uint64_t until = sys_clock_ns() + BUSY_NS; sys_clock_ns() < until;) {
    }
    done = 1;
}

/* The one timer interrupt in ten seconds is the one that ends them. A timer that runs a little faster than
 * the clock interrupts a moment too early before that, which is no tick. */
static void idle_takes_no_ticks(void)
{
    pause_ns(SETTLED_NS); /* the console has written all, the last slice has ended */
    uint64_t ticks = counter(COUNTER_TICKS);
    uint64_t interrupts = counter(COUNTER_INTERRUPTS);
    pause_ns(SLEEP_NS);
    EXPECT_EQ(counter(COUNTER_TICKS) - ticks, 1);
    EXPECT(counter(COUNTER_INTERRUPTS) - interrupts <= 2);
}

static uint64_t idle_while_pausing(uint64_t ns)
{
    uint64_t before = counter(COUNTER_IDLE);
    pause_ns(ns);
    return counter(COUNTER_IDLE) - before;
}

static void within_a_hundredth(uint64_t found, uint64_t expected)
{
    test_at(found, expected);
    EXPECT(found <= expected + expected / 100);
    EXPECT(found >= expected - expected / 100);
}

/* What was slept is idle time; what somebody else ran is not. */
static void idle_time_is_accounted(void)
{
    within_a_hundredth(idle_while_pausing(SLEEP_NS), SLEEP_NS);
    done = 0;
    start("busy", PRIORITY - 1, CPTR_NONE, spin, NULL);
    within_a_hundredth(idle_while_pausing(3 * BUSY_NS), 2 * BUSY_NS);
    EXPECT_EQ(done, 1);
}

static struct test const tests[] = {
    TEST(idle_takes_no_ticks),
    TEST(idle_time_is_accounted),
};
TEST_GROUP(idle);

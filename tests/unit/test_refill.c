/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets come back piece by piece: never more than the budget in any stretch of a period. */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#include "sched/refill.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define SCHED      CPTR(BOOT_SLOT_SCHED_CONTROL)
#define TICK       100ul /* nanoseconds */
#define MS         1000000ul
#define MS_TICKS   (MS / TICK)

static void give_time(struct world_thread t, uint64_t budget, uint64_t period)
{
    ck_ok(sys_sched_control_configure(SCHED, t.time, budget, period));
}

static uint64_t used(cptr_t time)
{
    uint64_t ns;
    ck_ok(sys_sched_context_consumed(time, &ns));
    return ns;
}

/* ---- One that runs whenever it may, against the rule itself ---- */

/* Of each moment: whether it ran. */
#define MOMENTS 30000
static bool ran[MOMENTS];

static unsigned most_in_any(unsigned window)
{
    unsigned sum = 0, most = 0;
    for (unsigned i = 0; i < MOMENTS; i++) {
        sum += ran[i];
        if (i >= window) {
            sum -= ran[i - window];
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* A sporadic server without limits of memory: what it uses comes back a period later, moment by
 * moment. Nobody may use more than that. */
struct model {
    unsigned budget, period;
};

static unsigned model_left(struct model const *model, unsigned now)
{
    unsigned in_window = 0;
    for (unsigned i = now >= model->period ? now - model->period + 1 : 0; i < now; i++) {
        in_window += ran[i];
    }
    return in_window < model->budget ? model->budget - in_window : 0;
}

/* Somebody more urgent wakes at random and keeps it from running for a while. */
struct scene {
    struct world_thread urgent, budgeted, low;
    cptr_t bell;
};

static struct scene make_scene(unsigned budget_us, unsigned period_us)
{
    world_make();
    struct scene s = { .bell = world_object(OBJECT_NOTIFICATION, 0) };
    s.urgent = world_thread(255);
    s.budgeted = world_thread(100);
    s.low = world_thread(50);
    give_time(s.urgent, 1ul << 40, 0);
    give_time(s.low, 1ul << 40, 0);
    give_time(s.budgeted, budget_us * 1000, period_us * 1000);
    world_sleep();
    ck_runs(s.urgent);
    memset(ran, 0, sizeof ran);
    return s;
}

static void sleep_for(uint64_t ns, cptr_t bell)
{
    uint64_t bits;
    sys_ignore(sys_wait(bell, sys_clock_ns() + ns, &bits, NULL));
}

/* How it is disturbed: never, seldom and for long, often and briefly. Each step is one moment of
 * the clock, 1 us here, so that nothing is seen late. */
static struct {
    unsigned budget, period; /* us */
    unsigned sleep, busy;    /* at most, us; 0: all the time */
} const cases[] = {
    { 200, 1000, 0, 0 },     { 200, 1000, 3000, 900 }, { 300, 1000, 400, 400 },
    { 500, 1000, 100, 40 },  { 950, 1000, 300, 200 },  { 1000, 1000, 500, 500 },
    { 30, 300, 40, 40 },     { 10, 1000, 500, 500 },   { 4000, 20000, 900, 900 },
};

/* escape: REFILL-ORDER */
START_TEST(no_window_has_more_than_the_budget)
{
    unsigned budget = cases[_i].budget, period = cases[_i].period;
    struct scene s = make_scene(budget, period);
    struct model model = { budget, period };
    srand((unsigned)_i + 1);
    unsigned long sum = 0, allowed = 0;
    for (unsigned now = 0, until = 0; now < MOMENTS; now++) {
        if (world_current() == s.urgent.tcb && now >= until) {
            unsigned sleep = cases[_i].sleep == 0 ? MOMENTS : 1 + (unsigned)rand() % cases[_i].sleep;
            sleep_for(sleep * 1000ul, s.bell);
            until = now + sleep + (cases[_i].busy == 0 ? 0 : (unsigned)rand() % cases[_i].busy);
        }
        bool runs = world_current() == s.budgeted.tcb;
        bool may = model_left(&model, now) > 0;
        ck_assert(!runs || may);
        ran[now] = runs;
        sum += runs;
        allowed += may && world_current() != s.urgent.tcb;
        world_pass(1000);
    }
    ck_assert_uint_le(most_in_any(period), budget);
    ck_assert_uint_eq(used(s.budgeted.time), sum * 1000);
    /* It gets what it may, but for pieces that had to be joined; a tiny budget is mostly crumbs. */
    ck_assert(budget < 100 || sum >= allowed - allowed / 4);
}
END_TEST

/* ---- What comes back when ---- */

/* Used in two pieces: each comes back a period after it was begun. */
START_TEST(each_piece_comes_back_after_a_period)
{
    struct scene s = make_scene(3000, 10000);
    sleep_for(MS, s.bell);
    ck_runs(s.budgeted);
    world_pass(MS); /* 0..1 */
    ck_runs(s.urgent);
    world_pass(4 * MS);
    sleep_for(90 * MS, s.bell);
    ck_runs(s.budgeted);
    world_pass(2 * MS); /* 5..7 */
    ck_runs(s.low);
    world_pass(3 * MS - TICK);
    ck_runs(s.low);
    world_pass(TICK); /* 10: the first */
    ck_runs(s.budgeted);
    world_pass(MS);
    ck_runs(s.low);
    world_pass(4 * MS - TICK);
    ck_runs(s.low);
    world_pass(TICK); /* 15: the second */
    ck_runs(s.budgeted);
    world_pass(2 * MS);
    ck_runs(s.low);
}
END_TEST

/* Not used, it is not saved up. */
START_TEST(a_pause_does_not_add_up)
{
    struct scene s = make_scene(2000, 10000);
    world_pass(95 * MS);
    sleep_for(90 * MS, s.bell);
    ck_runs(s.budgeted);
    world_pass(2 * MS);
    ck_runs(s.low);
    world_pass(8 * MS - TICK);
    ck_runs(s.low);
    world_pass(TICK);
    ck_runs(s.budgeted);
}
END_TEST

/* Many pieces: some come later than they might, none is lost. */
/* escape: REFILL-ORDER */
START_TEST(many_pieces_are_joined)
{
    struct scene s = make_scene(1000, 100000);
    struct sched_context *sc = s.budgeted.tcb->sc;
    for (unsigned i = 0; i < 30; i++) {
        sleep_for(20000, s.bell);
        ck_runs(s.budgeted);
        world_pass(20000);
        ck_runs(s.urgent);
        world_pass(50000);
    }
    refill_settle(sc);
    ck_assert_uint_gt(sc->count, REFILLS / 4);
    ck_assert_uint_lt(sc->count, 30);
    sleep_for(900 * MS, s.bell);
    uint64_t before = used(s.budgeted.time);
    for (unsigned us = 0; us < 150000; us++) {
        world_pass(1000);
    }
    ck_assert_uint_eq(used(s.budgeted.time), before + 400000 + 1000000);
}
END_TEST

/* The clock was not seen for long: what was used beyond the budget is paid for, to the tick. */
START_TEST(an_overrun_is_paid_for)
{
    struct scene s = make_scene(1000, 10000);
    sleep_for(900 * MS, s.bell);
    ck_runs(s.budgeted);
    static unsigned const overrun[] = { 1, 500, 1000, 2500, 7000 }; /* us */
    world_pass((1000 + overrun[_i]) * 1000ul);
    ck_runs(s.low);
    /* The budgets of so many periods are gone, and a part of one. */
    unsigned whole = overrun[_i] / 1000, part = overrun[_i] % 1000;
    world_pass((10000ul * (1 + whole) - 1000 - overrun[_i]) * 1000 - TICK);
    ck_runs(s.low);
    world_pass(TICK);
    ck_runs(s.budgeted);
    world_pass((1000 - part) * 1000ul - TICK);
    ck_runs(s.budgeted);
    world_pass(TICK);
    ck_runs(s.low);
}
END_TEST

/* It sleeps at the tick at which the budget ends, and is woken before there is more: no piece is empty. */
START_TEST(a_job_may_end_with_the_budget)
{
    struct scene s = make_scene(1000, 10000);
    cptr_t alarm = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    ck_ok(sys_thread_set_priority(s.budgeted.cap, DEADLINE_PRIORITY));
    sleep_for(5 * MS, s.bell);
    ck_runs(s.budgeted);
    host.now += MS_TICKS;
    sys_ignore(sys_wait(alarm, 0, &bits, NULL));
    ck_runs(s.low);
    world_pass(4 * MS);
    ck_runs(s.urgent);
    ck_ok(sys_signal(alarm));
    ck_runs(s.urgent);
    sleep_for(90 * MS, s.bell);
    ck_runs(s.low);
    world_pass(5 * MS);
    ck_runs(s.budgeted);
}
END_TEST

/* What is left is too short to run on: it waits for the next piece. */
START_TEST(crumbs_wait_for_more)
{
    struct scene s = make_scene(1000, 10000);
    sleep_for(995000, s.bell);
    ck_runs(s.budgeted);
    world_pass(995000);
    ck_runs(s.urgent);
    world_pass(MS);
    sleep_for(900 * MS, s.bell);
    ck_runs(s.low);
    world_pass(10 * MS - 1995000 - TICK);
    ck_runs(s.low);
    world_pass(TICK);
    ck_runs(s.budgeted);
    world_pass(MS);
    ck_runs(s.low);
}
END_TEST

/* A new budget is there at once, whatever was used of the old one. */
START_TEST(a_new_budget_is_a_new_beginning)
{
    struct scene s = make_scene(1000, 10000);
    sleep_for(2 * MS, s.bell);
    ck_runs(s.budgeted);
    world_pass(MS);
    ck_runs(s.low);
    world_pass(MS);
    ck_runs(s.urgent);
    give_time(s.budgeted, 3 * MS, 20 * MS);
    sleep_for(90 * MS, s.bell);
    ck_runs(s.budgeted);
    world_pass(3 * MS);
    ck_runs(s.low);
    world_pass(17 * MS);
    ck_runs(s.budgeted);
    ck_assert_uint_eq(used(s.budgeted.time), 4 * MS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refill");
    WORLD_LOOP_TEST(suite, no_window_has_more_than_the_budget, array_length(cases));
    WORLD_TEST(suite, each_piece_comes_back_after_a_period);
    WORLD_TEST(suite, a_pause_does_not_add_up);
    WORLD_TEST(suite, many_pieces_are_joined);
    WORLD_LOOP_TEST(suite, an_overrun_is_paid_for, 5);
    WORLD_TEST(suite, a_job_may_end_with_the_budget);
    WORLD_TEST(suite, crumbs_wait_for_more);
    WORLD_TEST(suite, a_new_budget_is_a_new_beginning);
    return world_run(suite);
}

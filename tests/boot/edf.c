/* SPDX-License-Identifier: BSD-2-Clause */
/* Periodic work that fixed priorities cannot do and earliest deadlines can; what is let in, and what becomes
 * of work that is too much. */
#include "test.h"
#include "world.h"

#include <tessera/admission.h>

#define US 1000ul
#define MS 1000000ul

#define TASKS    4
#define PLAYS_NS (210 * MS) /* a multiple of all periods */

/* The work of the jobs is a little less than the budget: enough to wake, and to say that it is done. */
#define MARGIN_NS (50 * US)

struct task {
    uint64_t work, period; /* ns */
};

/* One that plays. */
static struct player {
    struct task task;
    cptr_t nobody;
    uint64_t first; /* when the first job is released */
    uint64_t volatile done, late;
    struct sys_thread *thread;
} players[TASKS];

/* Turns of a loop that take a millisecond. */
static uint64_t turns_in_a_ms;

static __attribute__((noinline)) void turn(uint64_t turns)
{
    for (uint64_t i = 0; i < turns; i++) {
        __asm__ volatile("");
    }
}

static void measure_work(void)
{
    uint64_t start = sys_clock_ns();
    turn(1000000);
    turns_in_a_ms = 1000000 * MS / (sys_clock_ns() - start);
}

static void play(void *argument)
{
    struct player *p = argument;
    uint64_t bits;
    for (uint64_t release = p->first;; release += p->task.period) {
        sys_ignore(sys_wait(p->nobody, release, &bits, NULL));
        turn(p->task.work * turns_in_a_ms / MS);
        p->done++;
        p->late += sys_clock_ns() > release + p->task.period;
    }
}

/* How a set is run: by deadline with these budgets, or the shorter the period the more urgent. */
enum way { BY_DEADLINE, BY_PRIORITY };

static void start_player(struct player *p, struct task task, enum way way, uint64_t budget,
                         uint64_t first)
{
    uint8_t priority =
        way == BY_DEADLINE ? DEADLINE_PRIORITY : (uint8_t)(DEADLINE_PRIORITY - 1 - task.period / MS);
    *p = (struct player){ .task = task, .nobody = make(OBJECT_NOTIFICATION), .first = first };
    p->thread = start_sliced("player", priority, 0, CPTR_NONE, play, p);
    p->thread->sched_context = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_sched_control_configure(SCHED, p->thread->sched_context, budget, task.period));
    EXPECT_OK(sys_sched_context_bind(p->thread->sched_context, p->thread->thread));
}

static uint64_t missed(struct player const *p)
{
    uint64_t jobs = 0;
    EXPECT_OK(sys_sched_context_missed(p->thread->sched_context, &jobs));
    return jobs;
}

/* More urgent than the players, so that it can stop them: there may be no time left for anybody else. */
static void let_them_play(unsigned count)
{
    EXPECT_OK(sys_sched_control_set_priority(SCHED, SELF, DEADLINE_PRIORITY + 1));
    pause_ns(players[0].first - sys_clock_ns() + PLAYS_NS + MS);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_OK(sys_thread_suspend(players[i].thread->thread));
    }
    EXPECT_OK(sys_sched_control_set_priority(SCHED, SELF, PRIORITY));
}

struct outcome {
    uint64_t late;   /* as the jobs saw it by the clock */
    uint64_t missed; /* as the kernel counted it */
};

static struct outcome play_all(struct task const *tasks, unsigned count, enum way way)
{
    struct outcome sum = { 0, 0 };
    measure_work();
    uint64_t first = sys_clock_ns() + 5 * MS;
    for (unsigned i = 0; i < count; i++) {
        uint64_t budget = way == BY_DEADLINE ? tasks[i].work + MARGIN_NS : tasks[i].period;
        start_player(&players[i], tasks[i], way, budget, first);
    }
    let_them_play(count);
    for (unsigned i = 0; i < count; i++) {
        test_at(i, players[i].done);
        EXPECT(players[i].done >= PLAYS_NS / tasks[i].period - players[i].late - 1);
        sum.late += players[i].late;
        sum.missed += missed(&players[i]);
    }
    test_note("%u tasks %s: %lu jobs late, %lu missed", count,
              way == BY_DEADLINE ? "by deadline" : "by priority", sum.late, sum.missed);
    return sum;
}

/* ---- Sets that fit ---- */

/* 95 % of the processor: with rate-monotonic priorities the last of each is late. */
static struct {
    unsigned count;
    struct task task[TASKS];
} const sets[] = {
    { 2, { { 2000 * US, 5 * MS }, { 3850 * US, 7 * MS } } },
    { 3, { { 1000 * US, 3 * MS }, { 1700 * US, 5 * MS }, { 1950 * US, 7 * MS } } },
};

/* The policy of whoever gives the time. */
static bool is_admitted(struct task const *tasks, unsigned count)
{
    struct sys_demand demands[TASKS];
    for (unsigned i = 0; i < count; i++) {
        demands[i] = (struct sys_demand){ tasks[i].work + MARGIN_NS, tasks[i].period };
    }
    return sys_admits(demands, count);
}

static void deadlines_are_met_where_priorities_miss(void)
{
    for (unsigned i = 0; i < array_length(sets); i++) {
        EXPECT(is_admitted(sets[i].task, sets[i].count));
        struct outcome fixed = play_all(sets[i].task, sets[i].count, BY_PRIORITY);
        test_at(fixed.late, fixed.missed);
        EXPECT(fixed.late > 0);
        EXPECT(fixed.missed > 0);
        EXPECT(fixed.missed <= fixed.late);
        struct outcome earliest = play_all(sets[i].task, sets[i].count, BY_DEADLINE);
        EXPECT_EQ(earliest.late, 0);
        EXPECT_EQ(earliest.missed, 0);
    }
}

/* ---- Sets that do not ---- */

/* One task more than there is time for is refused; let in all the same, jobs are late, and counted. */
static void what_is_refused_would_miss(void)
{
    static struct task const tasks[] = {
        { 2000 * US, 5 * MS }, { 3850 * US, 7 * MS }, { 500 * US, 6 * MS }
    };
    EXPECT(is_admitted(tasks, 2));
    EXPECT(!is_admitted(tasks, 3));
    struct outcome outcome = play_all(tasks, 3, BY_DEADLINE);
    test_at(outcome.late, outcome.missed);
    EXPECT(outcome.late > 0);
    EXPECT(outcome.missed > 0);
}

/* A task that does more than it said is late by itself: the others, which use all the rest, are not. */
static void who_takes_more_hurts_himself(void)
{
    static struct task const honest = { 3850 * US, 7 * MS };
    static struct task const greedy = { 3000 * US, 5 * MS };
    measure_work();
    uint64_t first = sys_clock_ns() + 5 * MS;
    start_player(&players[0], honest, BY_DEADLINE, honest.work + MARGIN_NS, first);
    start_player(&players[1], greedy, BY_DEADLINE, 2050 * US, first);
    let_them_play(2);
    EXPECT_EQ(players[0].late, 0);
    EXPECT_EQ(missed(&players[0]), 0);
    EXPECT(players[0].done >= PLAYS_NS / honest.period - 1);
    /* Its budget is back at each deadline, when the job is not done: a miss each. */
    test_at(players[1].late, missed(&players[1]));
    EXPECT(players[1].late >= 20);
    EXPECT(missed(&players[1]) >= PLAYS_NS / greedy.period - 2);
    EXPECT(missed(&players[1]) <= PLAYS_NS / greedy.period + 1);
}

static struct test const tests[] = {
    TEST(deadlines_are_met_where_priorities_miss),
    TEST(what_is_refused_would_miss),
    TEST(who_takes_more_hurts_himself),
};
TEST_GROUP(edf);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Time as the system description gives it: a program that spins has its budget and no more, what is left
 * is for a lower one, and periodic work is done by its deadlines beside it. */
#include "test.h"
#include "work.h"

#include <budget_tests_caps.h>
#include <idl/control_client.h>
#include <tessera/start.h>
#include <tessera/string.h>

#define CONTROL ((struct control){ BUDGET_TESTS_CAP_CONTROL })

struct console const test_console = { BUDGET_TESTS_CAP_CONSOLE };

void test_begin(void)
{
}

void test_end(void)
{
}

static struct control_program program_of(char const *name)
{
    struct control_program program;
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        if (strcmp((char const *)program.name, name) == 0) {
            return program;
        }
    }
    EXPECT(false);
    return (struct control_program){ 0 };
}

static uint64_t time_of(char const *name)
{
    return program_of(name).time;
}

static void spin_for(uint64_t ns)
{
    for (uint64_t end = sys_clock_ns() + ns; sys_clock_ns() < end;) {
    }
}

/* Within a hundredth of all. */
static void expect_share(uint64_t used, uint64_t all, uint64_t percent)
{
    test_at(used, all);
    EXPECT(used * 100 >= all * (percent - 1));
    EXPECT(used * 100 <= all * (percent + 1));
}

static void a_budget_of_a_fifth_leaves_the_rest(void)
{
    uint64_t begin = sys_clock_ns(), spin = time_of("spin"), own = time_of("budget_tests");
    uint32_t overruns = program_of("spin").overruns;
    spin_for(200 * MS);
    uint64_t all = sys_clock_ns() - begin;
    expect_share(time_of("spin") - spin, all, 20);
    expect_share(time_of("budget_tests") - own, all, 80);
    overruns = program_of("spin").overruns - overruns;
    EXPECT(overruns >= 19 && overruns <= 21);
}

static void what_the_description_says_is_known(void)
{
    struct control_program spin = program_of("spin"), own = program_of("budget_tests");
    EXPECT_EQ(spin.budget, 2 * MS);
    EXPECT_EQ(spin.period, 10 * MS);
    EXPECT_EQ(spin.priority, DEADLINE_PRIORITY);
    EXPECT_EQ(spin.tells_overruns, 1);
    EXPECT_EQ(own.period, 0);
    EXPECT_EQ(own.tells_overruns, 0);
}

/* With that which spins 98 % are promised. */
static void a_pair_meets_its_deadlines(void)
{
    struct control_program short_was = program_of("short"), long_was = program_of("long");
    uint64_t spin = time_of("spin");
    EXPECT_OK(sys_signal(BUDGET_TESTS_CAP_SHORT));
    EXPECT_OK(sys_signal(BUDGET_TESTS_CAP_LONG));
    spin_for(PLAYS_NS + 2 * MS);
    struct control_program short_is = program_of("short"), long_is = program_of("long");
    EXPECT_EQ(short_is.missed, short_was.missed);
    EXPECT_EQ(long_is.missed, long_was.missed);
    EXPECT_EQ(long_is.overruns, long_was.overruns);
    expect_share(short_is.time - short_was.time, PLAYS_NS, 100 * SHORT_WORK / SHORT_PERIOD);
    expect_share(long_is.time - long_was.time, PLAYS_NS, 100 * LONG_WORK / LONG_PERIOD);
    EXPECT((time_of("spin") - spin) * 100 >= PLAYS_NS * 19);
}

/* The same, and no more, to one that is started again. */
static void a_program_that_starts_again_is_admitted_again(void)
{
    EXPECT_OK(control_kill(CONTROL, "spin", 4));
    EXPECT_EQ(program_of("spin").restarts, 1);
    EXPECT(program_of("spin").overruns <= 1);
    a_budget_of_a_fifth_leaves_the_rest();
}

static struct test const tests[] = {
    TEST(a_budget_of_a_fifth_leaves_the_rest),
    TEST(what_the_description_says_is_known),
    TEST(a_pair_meets_its_deadlines),
    TEST(a_program_that_starts_again_is_admitted_again),
};
TEST_GROUP(budgets);

static struct test_group const *const groups[] = { &budgets_tests };

int main(uint64_t argument)
{
    (void)argument;
    return test_all(groups, 1) ? 0 : 1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client floods the console. It gives up each call at once, so that the console finishes what it has begun on its own
 * time. That has the budget that it has in the shell's system: the rest is left for others.
 */
#include "flood.h"
#include "test.h"

#include <flood_tests_caps.h>
#include <idl/control_client.h>
#include <tessera/start.h>
#include <tessera/string.h>

#define CONTROL ((struct control){ FLOOD_TESTS_CAP_CONTROL })
#define US      1000ul

struct console const test_console = { FLOOD_TESTS_CAP_CONSOLE };

void test_begin(void)
{
}

void test_end(void)
{
}

static uint64_t time_of(char const *name)
{
    struct control_program program;
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        if (strcmp((char const *)program.name, name) == 0) {
            return program.time;
        }
    }
    EXPECT(false);
    return 0;
}

static void spin_for(uint64_t ns)
{
    for (uint64_t end = sys_clock_ns() + ns; sys_clock_ns() < end;) {
    }
}

/* Between so many hundredths of all. */
static void expect_share(uint64_t used, uint64_t all, uint64_t least, uint64_t most)
{
    test_at(used, all);
    EXPECT(used * 100 >= all * least);
    EXPECT(used * 100 <= all * most);
}

enum { CONSOLE, FLOOD, OWN, PROGRAMS };

/* The one that writes has a tenth at most, the console a fifth. */
static void a_flood_leaves_the_rest(void)
{
    static char const *const names[PROGRAMS] = { "console", "flood", "flood_tests" };
    uint64_t used[PROGRAMS];
    for (unsigned i = 0; i < PROGRAMS; i++) {
        used[i] = time_of(names[i]);
    }
    uint64_t begin = sys_clock_ns();
    EXPECT_OK(sys_signal(FLOOD_TESTS_CAP_FLOOD));
    spin_for(FLOOD_NS);
    uint64_t all = sys_clock_ns() - begin;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        used[i] = time_of(names[i]) - used[i];
    }
    test_note("of %lu us the console has had %lu, who writes %lu, this one %lu", all / US, used[CONSOLE] / US,
              used[FLOOD] / US, used[OWN] / US);
    expect_share(used[CONSOLE], all, 15, 21);
    expect_share(used[FLOOD], all, 5, 11);
    expect_share(used[OWN], all, 68, 80);
}

static struct test const tests[] = {
    TEST(a_flood_leaves_the_rest),
};
TEST_GROUP(flood);

static struct test_group const *const groups[] = { &flood_tests };

int main(uint64_t argument)
{
    (void)argument;
    return test_all(groups, 1) ? 0 : 1;
}

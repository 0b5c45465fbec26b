/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot tests of the kernel. */
#include "test.h"
#include "world.h"

#include <boot_tests_caps.h>
#include <tessera/start.h>

struct console const test_console = { BOOT_TESTS_CAP_CONSOLE };

/* In the order in which they run. */
#define GROUPS(X)                                                                                  \
    X(capability)                                                                                  \
    X(rights)                                                                                      \
    X(registers)                                                                                   \
    X(secrets)                                                                                     \
    X(memory)                                                                                      \
    X(revoke)                                                                                      \
    X(fault)                                                                                       \
    X(time)                                                                                        \
    X(schedule)                                                                                    \
    X(notify)                                                                                      \
    X(throttle)                                                                                    \
    X(wait_set)                                                                                    \
    X(pointer)                                                                                     \
    X(space)                                                                                       \
    X(fpu)                                                                                         \
    X(trace)                                                                                       \
    X(pmu)                                                                                         \
    X(inherit)                                                                                     \
    X(mutex)                                                                                       \
    X(sync)                                                                                        \
    X(idle)                                                                                        \
    X(ipc)                                                                                         \
    X(lend)                                                                                        \
    X(budget)                                                                                      \
    X(edf)                                                                                         \
    X(time_out)                                                                                    \
    X(hostile)                                                                                     \
    X(interface)                                                                                   \
    X(owner)                                                                                       \
    X(thread)                                                                                      \
    X(serve)                                                                                       \
    X(storm)                                                                                       \
    X(longest)

#define DECLARE(name) extern struct test_group const name##_tests;
#define ADDRESS(name) &name##_tests,
GROUPS(DECLARE)
static struct test_group const *const groups[] = { GROUPS(ADDRESS) };

void test_begin(void)
{
    world_begin();
}

void test_end(void)
{
    world_end();
}

int main(uint64_t argument)
{
    (void)argument;
    world_init();
    return test_all(groups, sizeof groups / sizeof groups[0]) ? 0 : 1;
}

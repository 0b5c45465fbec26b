/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's tests. */
#include "test.h"

#include "world.h"

#include <boot_tests_caps.h>
#include <idl/console_client.h>
#include <tessera/print.h>
#include <tessera/start.h>

#define CONSOLE ((struct console){ BOOT_TESTS_CAP_CONSOLE })

extern struct test_group const capability_tests, rights_tests, registers_tests, secrets_tests,
    memory_tests, revoke_tests, fault_tests, time_tests, schedule_tests, notify_tests,
    pointer_tests, space_tests, fpu_tests, storm_tests;

static struct test_group const *const groups[] = {
    &capability_tests, &rights_tests, &registers_tests, &secrets_tests,  &memory_tests,
    &revoke_tests,     &fault_tests,  &time_tests,      &schedule_tests, &notify_tests,
    &pointer_tests,    &space_tests,  &fpu_tests,    &storm_tests,
};
#define GROUPS (sizeof groups / sizeof groups[0])

static void put(char const *text, size_t length)
{
    sys_ignore(console_write(CONSOLE, text, length));
    sys_ignore(console_flush(CONSOLE)); /* a panic would lose it */
}

int main(uint64_t argument)
{
    (void)argument;
    static struct test_world const around = { world_begin, world_end };
    sys_print_to(put);
    world_init();
    return test_run(groups, GROUPS, &around) == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot tests of the kernel. */
#include "test.h"
#include "world.h"

#include <boot_tests_caps.h>
#include <tessera/start.h>

struct console const test_console = { BOOT_TESTS_CAP_CONSOLE };

extern struct test_group const capability_tests, rights_tests, registers_tests, secrets_tests,
    memory_tests, revoke_tests, fault_tests, time_tests, schedule_tests, notify_tests,
    pointer_tests, space_tests, fpu_tests, storm_tests;

static struct test_group const *const groups[] = {
    &capability_tests, &rights_tests, &registers_tests, &secrets_tests,  &memory_tests,
    &revoke_tests,     &fault_tests,  &time_tests,      &schedule_tests, &notify_tests,
    &pointer_tests,    &space_tests,  &fpu_tests,    &storm_tests,
};

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

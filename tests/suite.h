/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <check.h>

/* Runs the tests of a suite, prints TAP, and comes back with the program's exit code. CK_FORK: each test
 * in a process of its own, which may end as it likes; CK_NOFORK: all in this one. */
int suite_run(Suite *suite, enum fork_status fork);

/* SPDX-License-Identifier: BSD-2-Clause */
/* A processor for the tests: its traps go to the kernel in kernel.h. SYS_MESSAGE_REGISTERS is given
 * by the command line of the compiler. */
#pragma once

int64_t test_trap(uint64_t first, struct sys_message *m, unsigned given);

ALWAYS_INLINE int64_t sys_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    return test_trap(first, m, given);
}

ALWAYS_INLINE uint64_t sys_counter(void)
{
    return 0;
}

ALWAYS_INLINE uint64_t sys_clock(void)
{
    return 0;
}

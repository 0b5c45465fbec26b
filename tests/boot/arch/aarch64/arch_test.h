/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot tests have to know of AArch64. */
#pragma once

#include <tessera/sys.h>

/* Registers in the order of Thread.read_registers: pc, sp, the thread pointer, x0 to x30, the flags. */
#define TEST_REGISTERS  REGISTER_WORDS
#define TEST_PC         0
#define TEST_SP         1
#define TEST_TLS        2
#define TEST_FIRST      3 /* the first argument and the result: x0 */
#define TEST_WORD(i)    (4 + (i))
#define TEST_TAG        10
#define TEST_FLAGS      34

/* What a register holds when it is given `value`: of the flags there are four bits. */
ALWAYS_INLINE uint64_t test_register_value(unsigned i, uint64_t value)
{
    return i == TEST_FLAGS ? value & 0xf0000000 : value;
}

/* What a system call leaves in a register that it clears. */
ALWAYS_INLINE uint64_t test_cleared_value(unsigned i)
{
    (void)i;
    return 0;
}

/* Floating point: registers, then ways to round and to treat small numbers, then flags. */
#define TEST_FPU_WORDS 66
ALWAYS_INLINE uint64_t test_fpu_value(unsigned i, uint64_t value)
{
    return i == 64 ? value & 7 << 22 : i == 65 ? value & 0x1f : value;
}

/* The lowest address that programs do not have, and one of the kernel's. */
#define TEST_USER_TOP       (1ul << 39)
#define TEST_KERNEL_ADDRESS 0xffffffc040200000ul

/* Bytes of the instructions at test_illegal and test_breakpoint. */
#define TEST_ILLEGAL_BYTES    4
#define TEST_BREAKPOINT_BYTES 4

/* What only counters can count of which there are few. */
#define SCARCE_KIND  PMU_KIND_HARDWARE
#define SCARCE_EVENT PMU_EVENT_INSTRUCTIONS

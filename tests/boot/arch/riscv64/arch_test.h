/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot tests have to know of RISC-V. */
#pragma once

#include <tessera/sys.h>

/* Registers in the order of Thread.read_registers: pc, sp, tp, ra, gp, t0 to t2, s0, s1, a0 ... */
#define TEST_REGISTERS  32
#define TEST_PC         0
#define TEST_SP         1
#define TEST_TLS        2
#define TEST_FIRST      10 /* the first argument and the result: a0 */
#define TEST_WORD(i)    (11 + (i))
#define TEST_TAG        17

/* What a register holds when it is given `value`. */
ALWAYS_INLINE uint64_t test_register_value(unsigned i, uint64_t value)
{
    (void)i;
    return value;
}

/* What a system call leaves in a register that it clears. */
ALWAYS_INLINE uint64_t test_cleared_value(unsigned i)
{
    (void)i;
    return 0;
}

/* Floating point: registers, then flags and a way to round. */
#define TEST_FPU_WORDS 33
ALWAYS_INLINE uint64_t test_fpu_value(unsigned i, uint64_t value)
{
    return i == 32 ? value & 0x7f : value;
}

/* The lowest address that programs do not have, and one of the kernel's. */
#define TEST_USER_TOP       (1ul << 38)
#define TEST_KERNEL_ADDRESS 0xffffffc080200000ul

/* Bytes of the instructions at test_illegal and test_breakpoint. */
#define TEST_ILLEGAL_BYTES    4
#define TEST_BREAKPOINT_BYTES 4

/* What only counters can count of which there are few. */
#define SCARCE_KIND  PMU_KIND_RAW
#define SCARCE_EVENT 0x10019 /* misses of the data TLB, as SBI numbers them */

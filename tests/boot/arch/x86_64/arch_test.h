/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot tests have to know of x86-64. */
#pragma once

#include <tessera/sys.h>

/* Registers in the order of Thread.read_registers: pc, sp, FS base, then rax, rcx, rdx, rbx, rbp, rsi, rdi,
 * r8 to r15, then flags and GS base. */
#define TEST_REGISTERS 20
#define TEST_PC        0
#define TEST_SP        1
#define TEST_TLS       2
#define TEST_FIRST     9 /* the first argument and the result: rdi */
#define TEST_WORD(i)   ((i) == 0 ? 8 : (i) == 1 ? 5 : 8 + (i))
#define TEST_TAG       3
#define TEST_R11       13
#define TEST_FLAGS     18
#define TEST_GS        19

#define TEST_FLAGS_FIXED 0x202ul    /* interrupts on, and the bit that is always 1 */
#define TEST_FLAGS_FREE  0x244cd5ul /* what instructions compute, DF, NT, AC and ID: all but TF */

/* What a register holds when it is given `value`: bases are canonical. */
ALWAYS_INLINE uint64_t test_register_value(unsigned i, uint64_t value)
{
    switch (i) {
    case TEST_TLS:
    case TEST_GS:
        return (uint64_t)((int64_t)(value << 16) >> 16);
    case TEST_FLAGS:
        return (value & TEST_FLAGS_FREE) | TEST_FLAGS_FIXED;
    default:
        return value;
    }
}

/* What a system call leaves in a register that it clears: the processor gets the flags from r11. */
ALWAYS_INLINE uint64_t test_cleared_value(unsigned i)
{
    return i == TEST_R11 || i == TEST_FLAGS ? TEST_FLAGS_FIXED : 0;
}

/* Floating point: registers, then MXCSR and control word: exceptions masked, and a way to round. */
#define TEST_FPU_WORDS 42
ALWAYS_INLINE uint64_t test_fpu_value(unsigned i, uint64_t value)
{
    return i == 40 ? 0x1f80 | (value & 3) << 13 : i == 41 ? 0x37f | (value & 3) << 10 : value;
}

/* The lowest address that programs do not have, and one of the kernel's. */
#define TEST_USER_TOP       0x00007ffffffff000ul
#define TEST_KERNEL_ADDRESS 0xffffffc000200000ul

/* Bytes of the instructions at test_illegal and test_breakpoint. */
#define TEST_ILLEGAL_BYTES    2
#define TEST_BREAKPOINT_BYTES 1

/* What only counters can count of which there are few. */
#define SCARCE_KIND  PMU_KIND_HARDWARE
#define SCARCE_EVENT PMU_EVENT_INSTRUCTIONS

/* SPDX-License-Identifier: BSD-2-Clause */
/* What a core file for this processor has: ELF for the Arm 64-bit Architecture, and the registers in
 * NT_PRSTATUS as debuggers know them. */
#pragma once

#include <stdint.h>

#define CORE_MACHINE     183
#define CORE_NO_REGISTER 0xff

/* x0 to x30, stack pointer, program counter, flags: by their places in what Thread.read_registers
 * gives. */
static uint8_t const core_registers[] = { 3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                                          15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                                          27, 28, 29, 30, 31, 32, 33, 1,  0,  34 };

/* v0 to v31; then status and control, which Thread.read_floats gives in a word each, in one. */
#define CORE_FLOAT_WORDS 66
static inline void core_floats(uint64_t *words)
{
    words[64] = words[65] | words[64] << 32;
    words[65] = 0;
}

/* Debuggers know which registers there are. */
static char const core_description[] = "";

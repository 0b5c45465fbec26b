/* SPDX-License-Identifier: BSD-2-Clause */
/* What a core file for this processor has: RISC-V ELF psABI, and the registers in NT_PRSTATUS as
 * debuggers know them. */
#pragma once

#include <stdint.h>

#define CORE_MACHINE     243
#define CORE_NO_REGISTER 0xff

/* The program counter, then x1 to x31: by their places in what Thread.read_registers gives. */
static uint8_t const core_registers[] = { 0,  3,  1,  4,  2,  5,  6,  7,  8,  9,  10,
                                          11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                          22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

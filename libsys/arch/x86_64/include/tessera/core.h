/* SPDX-License-Identifier: BSD-2-Clause */
/* What a core file for this processor has: System V ABI for AMD64, and the registers in NT_PRSTATUS as
 * debuggers know them. */
#pragma once

#include <stdint.h>

#define CORE_MACHINE     62
#define CORE_NO_REGISTER 0xff
#define NONE             CORE_NO_REGISTER

/* r15 to r12, rbp, rbx, r11 to r8, rax, rcx, rdx, rsi, rdi, the system call's number, rip, cs, flags,
 * rsp, ss, the bases of fs and gs, ds, es, fs, gs: by their places in what Thread.read_registers gives. */
static uint8_t const core_registers[] = { 17, 16, 15, 14,   7, 6,    13, 12, 11,   10, 3,    4,    5,    8,
                                          9,  NONE, 0, NONE, 18, 1, NONE, 2,  19, NONE, NONE, NONE, NONE };
#undef NONE

/* What FXSAVE writes: as Thread.read_floats gives it. */
#define CORE_FLOAT_WORDS 64
static inline void core_floats(uint64_t *words)
{
    (void)words;
}

/* Debuggers know which registers there are. */
static char const core_description[] = "";

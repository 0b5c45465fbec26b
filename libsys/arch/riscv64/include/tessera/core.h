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

/* f0 to f31 and the control word: as Thread.read_floats gives them. */
#define CORE_FLOAT_WORDS 33
static inline void core_floats(uint64_t *words)
{
    (void)words;
}

/* Which registers there are, for debuggers: the programs, which use no floating point, do not say that the
 * processor has it. */
#define CORE_EACH(X)                                                                                        \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) \
    X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define CORE_REGISTER(name, bits, type) "<reg name='" name "' bitsize='" bits "' type='" type "'/>"
#define CORE_X(n)                       CORE_REGISTER("x" #n, "64", "int")
#define CORE_F(n)                       CORE_REGISTER("f" #n, "64", "ieee_double")
static char const core_description[] =
    "<?xml version='1.0'?><target><architecture>riscv:rv64</architecture>"
    "<feature name='org.gnu.gdb.riscv.cpu'>" CORE_EACH(CORE_X) CORE_REGISTER("pc", "64", "code_ptr")
    "</feature><feature name='org.gnu.gdb.riscv.fpu'>" CORE_EACH(CORE_F)
    CORE_REGISTER("fflags", "32", "int") CORE_REGISTER("frm", "32", "int") CORE_REGISTER("fcsr", "32", "int")
    "</feature></target>";

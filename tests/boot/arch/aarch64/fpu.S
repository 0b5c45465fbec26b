/* SPDX-License-Identifier: BSD-2-Clause */
/* Words 0 to 63 are v0 to v31, then the control and the status register. */
    .arch_extension simd
    .altmacro

    .macro each op, n
    \op q\n, [x0, #16*\n]
    .endm
    .globl fpu_load
fpu_load:
    .set i, 0
    .rept 32
    each ldr, %i
    .set i, i + 1
    .endr
    add x0, x0, #512
    ldp x1, x2, [x0]
    msr fpcr, x1
    msr fpsr, x2
    ret

    .globl fpu_store
fpu_store:
    .set i, 0
    .rept 32
    each str, %i
    .set i, i + 1
    .endr
    mrs x1, fpcr
    mrs x2, fpsr
    add x0, x0, #512
    stp x1, x2, [x0]
    ret

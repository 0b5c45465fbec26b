/* SPDX-License-Identifier: BSD-2-Clause */
/* Words 0 to 31 are f0 to f31, then the control and status register. */
    .option arch, +d
    .altmacro

    .macro load n
    fld f\n, 8*\n(a0)
    .endm
    .globl fpu_load
fpu_load:
    .set i, 0
    .rept 32
    load %i
    .set i, i + 1
    .endr
    ld t0, 256(a0)
    fscsr t0
    ret

    .macro store n
    fsd f\n, 8*\n(a0)
    .endm
    .globl fpu_store
fpu_store:
    .set i, 0
    .rept 32
    store %i
    .set i, i + 1
    .endr
    frcsr t0
    sd t0, 256(a0)
    ret

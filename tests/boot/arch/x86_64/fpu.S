/* SPDX-License-Identifier: BSD-2-Clause */
/* Words 0 to 31 are xmm0 to xmm15, 32 to 39 what MMX calls mm0 to mm7, then MXCSR and the x87's
 * control word. */

    .globl fpu_load
fpu_load:
    .altmacro
    .macro load_xmm n
    movups 16*\n(%rdi), %xmm\n
    .endm
    .macro load_mm n
    movq 256 + 8*\n(%rdi), %mm\n
    .endm
    .set i, 0
    .rept 16
    load_xmm %i
    .set i, i + 1
    .endr
    fldcw 328(%rdi)
    ldmxcsr 320(%rdi)
    .set i, 0
    .rept 8
    load_mm %i
    .set i, i + 1
    .endr
    ret

    .globl fpu_store
fpu_store:
    .macro store_xmm n
    movups %xmm\n, 16*\n(%rdi)
    .endm
    .macro store_mm n
    movq %mm\n, 256 + 8*\n(%rdi)
    .endm
    movq $0, 320(%rdi)
    movq $0, 328(%rdi)
    stmxcsr 320(%rdi)
    fnstcw 328(%rdi)
    .set i, 0
    .rept 16
    store_xmm %i
    .set i, i + 1
    .endr
    .set i, 0
    .rept 8
    store_mm %i
    .set i, i + 1
    .endr
    ret

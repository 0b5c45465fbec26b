/* SPDX-License-Identifier: BSD-2-Clause */
/* sys_try_copy(): see tessera/files.h. No stack is used: a fault between the labels goes on at the last. */
    .globl sys_try_copy, sys_try_copy_end, sys_try_copy_failed
sys_try_copy:
    or t0, a0, a1
    andi t0, t0, 7
    li t1, 64
    bnez t0, 2f
1:  bltu a2, t1, 2f             /* words, eight at a time */
    ld t0, 0(a1)
    ld t2, 8(a1)
    ld a3, 16(a1)
    ld a4, 24(a1)
    ld a5, 32(a1)
    ld a6, 40(a1)
    ld a7, 48(a1)
    ld t3, 56(a1)
    sd t0, 0(a0)
    sd t2, 8(a0)
    sd a3, 16(a0)
    sd a4, 24(a0)
    sd a5, 32(a0)
    sd a6, 40(a0)
    sd a7, 48(a0)
    sd t3, 56(a0)
    addi a0, a0, 64
    addi a1, a1, 64
    addi a2, a2, -64
    j 1b
2:  beqz a2, 3f                 /* bytes */
    lb t0, (a1)
    sb t0, (a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j 2b
3:  li a0, 1
    ret
sys_try_copy_end:
sys_try_copy_failed:
    li a0, 0
    ret

/* SPDX-License-Identifier: BSD-2-Clause */
/* sys_try_copy(): see tessera/files.h. No stack is used: a fault between the labels goes on at the last. */
    .globl sys_try_copy, sys_try_copy_end, sys_try_copy_failed
sys_try_copy:
    or t0, a0, a1
    andi t0, t0, 7
    li t1, 8
    bnez t0, 2f
1:  bltu a2, t1, 2f
    ld t0, (a1)
    sd t0, (a0)
    addi a0, a0, 8
    addi a1, a1, 8
    addi a2, a2, -8
    j 1b
2:  beqz a2, 3f
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* sys_try_copy(): see tessera/files.h. No stack is used: a fault between the labels goes on at the last. */
    .globl sys_try_copy, sys_try_copy_end, sys_try_copy_failed
sys_try_copy:
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    mov $1, %eax
    ret
sys_try_copy_end:
sys_try_copy_failed:
    xor %eax, %eax
    ret

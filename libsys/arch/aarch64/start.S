/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's first instructions: x0 and x1 are what Thread.start gave. The kernel starts init
 * without a stack; it brings its own. */
    .section .text.start, "ax"
    .globl _start
_start:
    mov x8, sp
    cbnz x8, 1f
    adrp x8, sys_first_stack_top
    add x8, x8, :lo12:sys_first_stack_top
    mov sp, x8
1:  b sys_start

    .weak sys_first_stack_top

/* A thread's first instructions: x0 = its struct sys_thread; the thread pointer and sp are set. */
    .globl sys_thread_entry
sys_thread_entry:
    b sys_thread_begin

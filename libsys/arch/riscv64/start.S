/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's first instructions: a0 and a1 are what Thread.start gave. The kernel starts init
 * without a stack; it brings its own. */
    .section .text.start, "ax"
    .globl _start
_start:
    bnez sp, 1f
    la sp, sys_first_stack_top
1:  tail sys_start

    .weak sys_first_stack_top

/* A thread's first instructions: a0 = its struct sys_thread; tp and sp are set. */
    .globl sys_thread_entry
sys_thread_entry:
    tail sys_thread_begin

/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's first instructions: rdi and rsi are what Thread.start gave. The kernel starts init
 * without a stack; it brings its own. */
    .section .text.start, "ax"
    .globl _start
_start:
    test %rsp, %rsp
    jnz 1f
    mov $sys_first_stack_top, %esp
1:  xor %ebp, %ebp
    call sys_start

    .weak sys_first_stack_top

/* A thread's first instructions: rdi = its struct sys_thread; rsp and the FS base are set. */
    .globl sys_thread_entry
sys_thread_entry:
    call sys_thread_begin

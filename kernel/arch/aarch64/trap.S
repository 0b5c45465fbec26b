/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way into the kernel, and out of it. While a program runs, the kernel's stack pointer is its
 * thread.
 *
 * System call: x0 = capability address | operation, x1..x6 = message, x7 = tag. The operations of
 * the fast path branch straight into fastpath.c; what it declines, and all others, are saved and
 * go to kernel_syscall(). Interrupts and faults save everything.
 */
#include "arch/aarch64/aarch64.h"

    .section .text.trap, "ax"

    .macro each_saved op, base
    \op x19, x20, [\base, #FRAME_S+0]
    \op x21, x22, [\base, #FRAME_S+16]
    \op x23, x24, [\base, #FRAME_S+32]
    \op x25, x26, [\base, #FRAME_S+48]
    \op x27, x28, [\base, #FRAME_S+64]
    .endm

    .macro each_argument op, base
    \op x0, x1, [\base, #THREAD_ARGS+0]
    \op x2, x3, [\base, #THREAD_ARGS+16]
    \op x4, x5, [\base, #THREAD_ARGS+32]
    \op x6, x7, [\base, #THREAD_ARGS+48]
    .endm

    /* TPIDR_EL1 is the top of this core's stack. The thread, in x0, goes onto the kernel's stack and off the stack pointer. */
    .macro enter_stack
    mrs x8, tpidr_el1
    str x0, [x8, #-16]!
    mov sp, x8
    .endm

    /* All of a thread's registers, but for x16 and x17. Its own address, in x0 then, is what says that they are all there. */
    .macro save_full
    stp x8, x9, [sp, #THREAD_TEMPS+0]
    stp x10, x11, [sp, #THREAD_TEMPS+16]
    stp x12, x13, [sp, #THREAD_TEMPS+32]
    stp x14, x15, [sp, #THREAD_TEMPS+48]
    stp x18, x30, [sp, #THREAD_TEMPS+80]
    mrs x8, sp_el0
    mrs x9, elr_el1
    mrs x10, tpidr_el0
    mrs x11, spsr_el1
    stp x8, x9, [sp, #FRAME_SP]
    stp x29, x10, [sp, #FRAME_FP]
    each_saved stp, sp
    each_argument stp, sp
    mov x0, sp
    stp x11, x0, [sp, #THREAD_FLAGS]
    .endm

    .macro vector target
    .balign 128
    b \target
    .endm

    .macro interrupt_vector function /* from a program: interrupts */
    .balign 128
    stp x16, x17, [sp, #THREAD_TEMPS+64]
    save_full
    enter_stack
    bl \function
    b leave
    .endm

    .macro save_kept            /* what a call preserves */
    mrs x8, sp_el0
    mrs x9, elr_el1
    mrs x10, tpidr_el0
    stp x8, x9, [sp, #FRAME_SP]
    stp x29, x10, [sp, #FRAME_FP]
    each_saved stp, sp
    .endm

    .macro call_with_arguments function
    each_argument stp, sp
    mov x0, sp
    enter_stack
    bl \function
    .endm

    .macro not_a_syscall_either function
    ldp x16, x17, [sp]
    stp x16, x17, [sp, #THREAD_TEMPS+64]
    save_full
    enter_stack
    mrs x1, esr_el1
    mrs x2, far_el1
    bl \function
    b leave
    .endm

    .globl vectors
    .balign 2048
vectors:
    .rept 8                     /* from the kernel: cannot happen */
    vector kernel_trap
    .endr

    .balign 128                 /* from a program: system calls and faults */
    .globl trap_entry
trap_entry:
    stp x16, x17, [sp]          /* the frame is dead while its thread runs: borrow two words */
    mrs x17, esr_el1
    mov x16, #0x56000000        /* svc #0; its argument gives way to the operation */
    bfi x17, x0, #0, #5
    subs x16, x17, x16
    b.eq fast_call
    cmp x16, #2
    b.lo fast_reply_recv
    b.eq fast_call_long
    cmp x16, #4
    b.lo fast_reply_recv_long
    b.eq fast_signal
    cmp x16, #6
    b.lo fast_poll
    b.eq fast_yield
    cmp x16, #14
    b.eq null_call
    cmp x16, #31
    b.ls fast_declined_unsaved
    lsr x17, x17, #26
    cmp x17, #0x15              /* svc with any argument */
    b.ne not_a_syscall
    b fast_declined_unsaved
trap_entry_end:
    .size trap_entry, trap_entry_end - trap_entry

    interrupt_vector kernel_interrupt

    .rept 6                     /* and what there is not: FIQ, SError, 32-bit programs */
    vector kernel_trap
    .endr

    .balign 64
    .globl fast_declined_unsaved
fast_declined_unsaved:          /* nothing saved yet */
    save_kept

    .globl fast_declined
fast_declined:                  /* frame saved, x0..x7 and x19..x29 as they came */
    call_with_arguments kernel_syscall

    /* x0 = the thread to run. The registers that C preserves are as the current thread had them. */
leave:
    ldr x8, [sp]
    cmp x8, x0
    mov sp, x0
    b.eq leave_loaded
    .globl leave_to
leave_to:                       /* sp = the thread to run */
    ldp x29, x10, [sp, #FRAME_FP]
    msr tpidr_el0, x10
    each_saved ldp, sp
leave_loaded:
    ldr x11, [sp, #THREAD_FULL]
    ldp x8, x9, [sp, #FRAME_SP]
    msr sp_el0, x8
    msr elr_el1, x9
    each_argument ldp, sp
    cbnz x11, leave_full
    msr spsr_el1, xzr
    ldp x8, x9, [sp, #FRAME_ZERO]
    ldp x10, x11, [sp, #FRAME_ZERO]
    ldp x12, x13, [sp, #FRAME_ZERO]
    ldp x14, x15, [sp, #FRAME_ZERO]
    ldp x16, x17, [sp, #FRAME_ZERO]
    ldp x18, x30, [sp, #FRAME_ZERO]
    eret

    .globl fast_declined_loading
fast_declined_loading:          /* the same, but x19..x28 were used */
    each_saved ldp, sp
    b fast_declined

leave_full:
    ldr x8, [sp, #THREAD_FLAGS]
    str xzr, [sp, #THREAD_FULL]
    msr spsr_el1, x8
    ldp x8, x9, [sp, #THREAD_TEMPS+0]
    ldp x10, x11, [sp, #THREAD_TEMPS+16]
    ldp x12, x13, [sp, #THREAD_TEMPS+32]
    ldp x14, x15, [sp, #THREAD_TEMPS+48]
    ldp x16, x17, [sp, #THREAD_TEMPS+64]
    ldp x18, x30, [sp, #THREAD_TEMPS+80]
    eret

    .globl fast_resume_event
fast_resume_event:              /* not saved; x16, x17 = bits and count of a signal */
    mov x1, x16
    mov x2, x17
    mov x0, #EVENT_SIGNAL
    ldp x8, x9, [sp, #FRAME_ZERO]
    ldp x10, x11, [sp, #FRAME_ZERO]
    ldp x16, x17, [sp, #FRAME_ZERO]
    eret

null_call:
    ldp x16, x17, [sp, #FRAME_ZERO]
    mov x0, #0
    eret

not_a_syscall:
    not_a_syscall_either aarch64_fault

    /* The ways in while the kernel is traced: no fast path. Elsewhere, or the entry's branches would
     * not reach that. */
    .section .text.traced, "ax"
    .globl traced_vectors
    .balign 2048
traced_vectors:
    .rept 8
    vector kernel_trap
    .endr

    .balign 128
    stp x16, x17, [sp]
    mrs x17, esr_el1
    lsr x17, x17, #26
    cmp x17, #0x15
    b.ne traced_not_a_syscall
    b traced_call

    interrupt_vector traced_interrupt

    .rept 6
    vector kernel_trap
    .endr

    .balign 128
traced_call:
    save_kept
    call_with_arguments traced_syscall
    b leave

traced_not_a_syscall:
    not_a_syscall_either aarch64_traced_fault

    .section .text.trap, "ax"

    /* A trap from the kernel: the end. What is known is printed on a stack of its own. */
kernel_trap:
    mov x4, sp
    adrp x5, panic_stack_top
    add x5, x5, :lo12:panic_stack_top
    mov sp, x5
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    mov x3, x30
    bl aarch64_kernel_trap
1:  b 1b

    /* void arch_run(struct tcb *): the first thread. */
    .globl arch_run
arch_run:
    str xzr, [sp, #-16]!
    b leave

    .section .bss
    .balign 16
    .skip 4096
    .globl panic_stack_top
panic_stack_top:

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way into the kernel, and out of it. While a program runs, sscratch holds its thread.
 *
 * System call: a0 = capability address | operation, a1..a6 = message, a7 = tag. The operations of
 * the fast path branch straight into fastpath.c; what it declines, and all others, are saved and
 * go to kernel_syscall(). Interrupts and faults save everything.
 */
#include "arch/riscv64/riscv.h"

    .section .text.trap, "ax"

    /* gas makes two instructions of a conditional branch to another file; this stays one. */
    .macro branch_if_zero_t1 target
    .reloc ., R_RISCV_BRANCH, \target
    .4byte 0x00030063           /* beqz t1, . */
    .endm

    .macro each_saved op, base
    \op s0, FRAME_S+0(\base)
    \op s1, FRAME_S+8(\base)
    \op s2, FRAME_S+16(\base)
    \op s3, FRAME_S+24(\base)
    \op s4, FRAME_S+32(\base)
    \op s5, FRAME_S+40(\base)
    \op s6, FRAME_S+48(\base)
    \op s7, FRAME_S+56(\base)
    \op s8, FRAME_S+64(\base)
    \op s9, FRAME_S+72(\base)
    \op s10, FRAME_S+80(\base)
    \op s11, FRAME_S+88(\base)
    \op tp, FRAME_TP(\base)
    \op gp, FRAME_GP(\base)
    .endm

    .macro each_argument op, base
    \op a1, THREAD_ARGS+8(\base)
    \op a2, THREAD_ARGS+16(\base)
    \op a3, THREAD_ARGS+24(\base)
    \op a4, THREAD_ARGS+32(\base)
    \op a5, THREAD_ARGS+40(\base)
    \op a6, THREAD_ARGS+48(\base)
    \op a7, THREAD_ARGS+56(\base)
    .endm

    .macro save_kept            /* t0 = thread: what a call preserves */
    sd sp, FRAME_SP(t0)
    csrr t1, sepc
    addi t1, t1, 4
    sd t1, FRAME_PC(t0)
    each_saved sd, t0
    .endm

    .macro call_with_arguments function /* which is told the thread in t0 */
    csrw sscratch, t0           /* where the program's t0 was */
    sd a0, THREAD_ARGS(t0)
    each_argument sd, t0
    ld t1, THREAD_CPU(t0)
    ld sp, CPU_STACK(t1)
    mv a0, t0
    call \function
    .endm

    .macro not_a_syscall_either interrupt, fault
    csrr t1, sstatus
    andi t1, t1, 0x100          /* SPP: the kernel itself trapped, which cannot happen */
    bnez t1, kernel_trap
    sd ra, THREAD_TEMPS+0(t0)
    sd t2, THREAD_TEMPS+24(t0)
    ld t1, FRAME_PC(t0)
    csrr t2, sscratch
    sd t1, THREAD_TEMPS+16(t0)
    sd t2, THREAD_TEMPS+8(t0)
    sd t3, THREAD_TEMPS+32(t0)
    sd t4, THREAD_TEMPS+40(t0)
    sd t5, THREAD_TEMPS+48(t0)
    sd t6, THREAD_TEMPS+56(t0)
    csrw sscratch, t0
    csrr t1, sepc
    sd sp, FRAME_SP(t0)
    sd t1, FRAME_PC(t0)
    each_saved sd, t0
    sd a0, THREAD_ARGS(t0)
    each_argument sd, t0
    li t1, 1
    sd t1, THREAD_FULL(t0)
    ld t1, THREAD_CPU(t0)
    ld sp, CPU_STACK(t1)
    mv a0, t0
    csrr a1, scause
    bgez a1, 1f
    call \interrupt
    j leave
1:  csrr a2, stval
    call \fault
    j leave
    .endm

    .globl trap_entry
    .balign 64
trap_entry:
    csrrw t0, sscratch, t0
    sd t1, FRAME_PC(t0)         /* the frame is dead while its thread runs: borrow a word */
    csrr t1, scause
    addi t1, t1, -8
    bnez t1, not_a_syscall
    andi t1, a0, 31
    branch_if_zero_t1 fast_call
    addi t1, t1, -1
    branch_if_zero_t1 fast_reply_recv
    addi t1, t1, -1
    branch_if_zero_t1 fast_call_long
    addi t1, t1, -1
    branch_if_zero_t1 fast_reply_recv_long
    addi t1, t1, -1
    branch_if_zero_t1 fast_signal
    addi t1, t1, -1
    branch_if_zero_t1 fast_poll
    addi t1, t1, -1
    branch_if_zero_t1 fast_yield
    addi t1, t1, -(14 - 6)
    beqz t1, null_call

    .globl fast_declined_unsaved
fast_declined_unsaved:          /* t0 = thread, nothing saved yet */
    save_kept

    .globl fast_declined
fast_declined:                  /* t0 = thread, frame saved, a0..a7 and s0..s11 as they came */
    call_with_arguments kernel_syscall

    /* a0 = the thread to run. The registers that C preserves are as the current thread had them. */
leave:
    csrr t0, sscratch
    ld t1, THREAD_FULL(a0)
    mv t6, a0
    beq t0, a0, leave_loaded
    .globl leave_to
leave_to:                       /* t6 = the thread to run */
    csrw sscratch, t6
    ld t1, THREAD_FULL(t6)
    each_saved ld, t6
leave_loaded:
    bnez t1, leave_full
    ld ra, FRAME_PC(t6)         /* doubles as the clearing of ra */
    ld sp, FRAME_SP(t6)
    csrw sepc, ra
    ld a0, THREAD_ARGS(t6)
    each_argument ld, t6
    li t0, 0
    li t1, 0
    li t2, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
    sret

    .globl fast_declined_loading
fast_declined_loading:          /* the same, but s1..s11 were used */
    each_saved ld, t0
    j fast_declined

leave_full:
    ld t0, FRAME_PC(t6)
    sd zero, THREAD_FULL(t6)
    csrw sepc, t0
    ld sp, FRAME_SP(t6)
    ld a0, THREAD_ARGS(t6)
    each_argument ld, t6
    ld ra, THREAD_TEMPS+0(t6)
    ld t0, THREAD_TEMPS+8(t6)
    ld t1, THREAD_TEMPS+16(t6)
    ld t2, THREAD_TEMPS+24(t6)
    ld t3, THREAD_TEMPS+32(t6)
    ld t4, THREAD_TEMPS+40(t6)
    ld t5, THREAD_TEMPS+48(t6)
    ld t6, THREAD_TEMPS+56(t6)
    sret

    .globl fast_resume_event
fast_resume_event:              /* t0 = thread, not saved; t1, t2 = bits and count of a signal */
    mv a1, t1
    mv a2, t2
    csrr t1, sepc
    addi t1, t1, 4
    csrw sepc, t1
    csrw sscratch, t0
    li a0, EVENT_SIGNAL
    li t0, 0
    li t1, 0
    li t2, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
    sret

null_call:
    csrr t1, sepc
    addi t1, t1, 4
    csrw sepc, t1
    csrw sscratch, t0
    li t0, 0
    li t1, 0
    li a0, 0
    sret

not_a_syscall:
    not_a_syscall_either kernel_interrupt, riscv_fault

    /* The ways in while the kernel is traced: no fast path. Elsewhere, or the entry's branches would
     * not reach that. */
    .section .text.traced, "ax"
    .globl traced_entry
    .balign 64
traced_entry:
    csrrw t0, sscratch, t0
    sd t1, FRAME_PC(t0)
    csrr t1, scause
    addi t1, t1, -8
    bnez t1, traced_not_a_syscall
    save_kept
    call_with_arguments traced_syscall
    j leave

traced_not_a_syscall:
    not_a_syscall_either traced_interrupt, riscv_traced_fault

    .section .text.trap, "ax"
    /* A trap from the kernel: the end. What is known is printed on a stack of its own. */
kernel_trap:
    csrrw t0, sscratch, t0
    la t1, panic_stack_top
    mv a4, sp
    mv sp, t1
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    mv a3, ra
    call riscv_kernel_trap
2:  j 2b

    /* void arch_run(struct tcb *): the first thread. */
    .globl arch_run
arch_run:
    csrw sscratch, zero
    j leave

    .section .bss
    .balign 16
    .skip 4096
    .globl panic_stack_top
panic_stack_top:

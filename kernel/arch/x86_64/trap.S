/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way into the kernel, and out of it. In the kernel, gs:0 is the current thread (struct cpu);
 * while a program runs, the kernel's GS base is the one that swapgs brings.
 *
 * System call: rdi = capability address | operation, rsi rdx r8 r9 r10 = message, rax = tag; the
 * processor puts the next instruction's address into rcx and the flags, which are not kept, into r11.
 * The operations of the fast path branch straight into fastpath.c; what it declines, and all others,
 * are saved and go to kernel_syscall(). Interrupts and faults save everything.
 *
 * Here and there the stack is the program's. So exceptions, which the kernel must not cause, bring a
 * stack with them.
 */
#include "arch/x86_64/x86_64.h"

#define FRAME_SP  0
#define FRAME_PC  8
#define FRAME_FS  16
#define FRAME_RBX 24
#define THREAD_CPU 184
#define ARGS      192
#define TEMPS     256
#define FULL      288
#define CPU_STACK 32

#define USER_FLAGS   0x202      /* interrupts on */
#define EVENT_SIGNAL 8

    .section .text.trap, "ax"

    .macro save_frame           /* all but sp, pc and rbx; uses rcx */
    mov %rbp, FRAME_RBX+8(%r11)
    mov %r12, FRAME_RBX+16(%r11)
    mov %r13, FRAME_RBX+24(%r11)
    mov %r14, FRAME_RBX+32(%r11)
    mov %r15, FRAME_RBX+40(%r11)
    rdfsbase %rcx
    mov %rcx, FRAME_FS(%r11)
    .endm

    .macro save_arguments
    mov %rdi, ARGS+0(%r11)
    mov %rsi, ARGS+8(%r11)
    mov %rdx, ARGS+16(%r11)
    mov %r8, ARGS+24(%r11)
    mov %r9, ARGS+32(%r11)
    mov %r10, ARGS+40(%r11)
    mov %rax, ARGS+56(%r11)
    .endm

    .macro load_arguments       /* but for rax, which is the thread */
    mov ARGS+0(%rax), %rdi
    mov ARGS+8(%rax), %rsi
    mov ARGS+16(%rax), %rdx
    mov ARGS+24(%rax), %r8
    mov ARGS+32(%rax), %r9
    mov ARGS+40(%rax), %r10
    .endm

    .macro call_with_arguments function /* r11 = thread */
    save_arguments
    mov %gs:CPU_STACK, %rsp
    push %r11
    mov %r11, %rdi
    call \function
    .endm

    .macro leave_loaded         /* rax = the thread to run; all but its argument registers is loaded */
    cmpq $0, FULL(%rax)
    jne leave_full
    load_arguments
    mov FRAME_SP(%rax), %rsp
    mov FRAME_PC(%rax), %rcx
    mov ARGS+56(%rax), %rax
    mov $USER_FLAGS, %r11d
    sysretq
    .endm

    .globl trap_entry
    .balign 64
trap_entry:
    swapgs
    mov %gs:0, %r11
    mov %rsp, FRAME_SP(%r11)
    mov %gs:CPU_STACK, %rsp
    test $31, %dil
    jz fast_call
    test $30, %dil              /* each test leaves one operation that was not asked for before */
    jz fast_reply_recv
    test $29, %dil
    jz fast_call_long
    test $28, %dil
    jz fast_reply_recv_long
    test $24, %dil
    jnz 1f
    test $27, %dil
    jz fast_signal
    test $26, %dil
    jz fast_poll
    test $25, %dil
    jz fast_yield
1:  mov %rcx, FRAME_PC(%r11)
    mov %rbx, FRAME_RBX(%r11)
    lea -14(%rdi), %ecx
    test $31, %cl
    jz null_call

    .globl fast_declined_unsaved
fast_declined_unsaved:          /* r11 = thread; stack, program counter and rbx are saved, nothing else */
    save_frame
    jmp fast_declined

    .globl fast_declined_loading
fast_declined_loading:          /* the frame is saved, message registers are as they came */
    mov FRAME_RBX+0(%r11), %rbx
    mov FRAME_RBX+16(%r11), %r12
    mov FRAME_RBX+24(%r11), %r13
    mov FRAME_RBX+32(%r11), %r14
    mov FRAME_RBX+40(%r11), %r15
fast_declined:
    call_with_arguments kernel_syscall

    /* rax = the thread to run. The registers that C preserves are as the current thread had them. */
leave:
    cmp %rax, (%rsp)
    jne leave_to
    swapgs
    leave_loaded

    .globl leave_to
leave_to:                       /* rax = the thread to run, and gs:0 */
    mov FRAME_RBX+0(%rax), %rbx
    mov FRAME_RBX+8(%rax), %rbp
    mov FRAME_RBX+16(%rax), %r12
    mov FRAME_RBX+24(%rax), %r13
    mov FRAME_RBX+32(%rax), %r14
    mov FRAME_RBX+40(%rax), %r15
    mov FRAME_FS(%rax), %rcx
    wrfsbase %rcx
    swapgs
    xor %ecx, %ecx
    wrgsbase %rcx
    leave_loaded

    /* The address of the next instruction may be anything, but iretq must not see one that is not
     * canonical: bit 47 is copied to those above it. */
leave_full:
    movq $0, FULL(%rax)
    mov TEMPS+24(%rax), %rcx
    wrgsbase %rcx
    mov THREAD_CPU(%rax), %rcx
    mov CPU_STACK(%rcx), %rsp
    mov FRAME_PC(%rax), %rcx
    shl $16, %rcx
    sar $16, %rcx
    push $USER_DATA
    push FRAME_SP(%rax)
    push TEMPS+16(%rax)
    push $USER_CODE
    push %rcx
    load_arguments
    mov TEMPS+0(%rax), %rcx
    mov TEMPS+8(%rax), %r11
    mov ARGS+56(%rax), %rax
    iretq

    .globl fast_resume_event
fast_resume_event:              /* saved as above; rbx, rcx = bits and count of a signal */
    mov %rbx, %rsi
    mov %rcx, %rdx
    mov FRAME_RBX(%r11), %rbx
    mov FRAME_PC(%r11), %rcx
    mov FRAME_SP(%r11), %rsp
    mov $EVENT_SIGNAL, %edi
    mov $USER_FLAGS, %r11d
    swapgs
    sysretq

null_call:
    mov FRAME_PC(%r11), %rcx
    mov FRAME_SP(%r11), %rsp
    mov $USER_FLAGS, %r11d
    swapgs
    xor %edi, %edi
    sysretq

    /* Interrupts and exceptions: a stub for each vector, 16 bytes apart, pushes what is missing. */
    .macro stubs target
    .set vector, 0
    .rept 64
    .balign 16
    /* Those that have an error code: volume 3, section 6.3. */
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
    push $0
    .endif
    push $vector
    jmp \target
    .set vector, vector + 1
    .endr
    .endm

    .macro trapped_either interrupt, fault /* on the stack: vector, error code, pc, cs, flags, sp, ss */
    testb $3, 24(%rsp)
    jz trapped_in_kernel
    push %rcx
    push %r11
    rdgsbase %rcx
    swapgs
    mov %gs:0, %r11
    mov %rcx, TEMPS+24(%r11)
    popq TEMPS+8(%r11)
    popq TEMPS+0(%r11)
    save_arguments
    pop %rsi
    pop %rdx
    popq FRAME_PC(%r11)
    pop %rcx
    popq TEMPS+16(%r11)
    popq FRAME_SP(%r11)
    mov %rbx, FRAME_RBX(%r11)
    save_frame
    movq $1, FULL(%r11)
    cld
    clac
    mov %gs:CPU_STACK, %rsp
    push %r11
    mov %r11, %rdi
    cmp $32, %esi
    jb 1f
    mov %esi, x86_vector(%rip)
    call \interrupt
    jmp leave
1:  mov %cr2, %rcx
    call \fault
    jmp leave
    .endm

    .balign 16
    .globl trap_vectors
trap_vectors:
    stubs trapped

    .balign 16
trapped:
    trapped_either kernel_interrupt, x86_fault

    /* The ways in while the kernel is traced: no fast path. */
    .section .text.traced, "ax"
    .balign 16
    .globl traced_vectors
traced_vectors:
    stubs traced

    .balign 16
traced:
    trapped_either traced_interrupt, x86_traced_fault

    .balign 64
    .globl traced_entry
traced_entry:
    swapgs
    mov %gs:0, %r11
    mov %rsp, FRAME_SP(%r11)
    mov %rcx, FRAME_PC(%r11)
    mov %rbx, FRAME_RBX(%r11)
    save_frame
    call_with_arguments traced_syscall
    jmp leave

    .section .text.trap, "ax"

    /* The kernel lets interrupts come only where it sleeps, and one at a time: it goes on with interrupts
     * off, or a more urgent one would take the place of the first, which would never be over. Whatever
     * else traps is the end; GS may be anybody's. */
trapped_in_kernel:
    cmpq $32, (%rsp)
    jb 2f
    push %rax
    mov 8(%rsp), %eax
    mov %eax, x86_vector(%rip)
    pop %rax
    add $16, %rsp
    btrq $9, 16(%rsp) /* the interrupt flag, where it was saved */
    iretq
2:  cld
    mov %rsp, %rdi
    call x86_kernel_trap
3:  jmp 3b

    /* void arch_run(struct tcb *): the first thread. */
    .globl arch_run
arch_run:
    mov %rdi, %rax
    jmp leave_to

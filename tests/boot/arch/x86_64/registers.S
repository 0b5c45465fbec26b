/* SPDX-License-Identifier: BSD-2-Clause */
/* Every register is loaded and stored, so rsp is all there is to find memory with: it points to
 * where they are stored. Our own are behind that, on the stack that was. */
    .macro load register, number
    mov \number*8(%rdi), %\register
    .endm

    .macro store register, number
    mov %\register, \number*8(%rsp)
    .endm

    .macro each_register do         /* but for rsp, rdi, and what mov cannot reach */
    \do rax, 3
    \do rcx, 4
    \do rdx, 5
    \do rbx, 6
    \do rbp, 7
    \do rsi, 8
    \do r8, 10
    \do r9, 11
    \do r10, 12
    \do r11, 13
    \do r12, 14
    \do r13, 15
    \do r14, 16
    \do r15, 17
    .endm

    /* Our own registers go below the stack pointer, which itself goes into out's first word. */
    .macro begin
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    rdfsbase %rax
    push %rax
    rdgsbase %rax
    push %rax
    mov %rsp, (%rsi)
    load rax, 2
    wrfsbase %rax
    load rax, 19
    wrgsbase %rax
    pushq 18*8(%rdi)
    popfq
    mov %rsi, %rsp
    each_register load
    load rdi, 9
    .endm

    /* Nothing is written below rsp, which stands at a `struct registers`. Leaves rax there. */
    .macro store_all
    each_register store
    store rdi, 9
    store rsp, 1
    mov %rsp, %rax
    lea 19*8(%rsp), %rsp
    pushfq
    rdfsbase %rcx
    mov %rcx, 2*8(%rax)
    rdgsbase %rcx
    mov %rcx, 19*8(%rax)
    .endm

    .macro end
    store_all
    mov (%rax), %rsp
    pushq $0x202
    popfq
    pop %rax
    wrgsbase %rax
    pop %rax
    wrfsbase %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .endm

    .globl registers_trap
registers_trap:
    begin
    syscall
    end

    .globl registers_touch
registers_touch:
    begin
    store rcx, 4                /* no instruction reads memory and changes nothing */
    mov (%rdi), %cl
    mov 4*8(%rsp), %rcx
    end

    .globl registers_spin
registers_spin:                 /* without touching the flags */
    begin
1:  lea -1(%rdi), %rdi
    xchg %rdi, %rcx
    jrcxz 2f
    xchg %rdi, %rcx
    jmp 1b
2:  xchg %rdi, %rcx
    end

    .globl registers_store
registers_store:
    store_all
    int3
1:  jmp 1b

    .globl registers_reserved_store
registers_reserved_store:
    xor %eax, %eax
    ret

    .globl faulting_illegal
faulting_illegal:
    mov $7, %eax
    .globl test_illegal
test_illegal:
    ud2
    ret

    .globl faulting_breakpoint
faulting_breakpoint:
    mov $7, %eax
    .globl test_breakpoint
test_breakpoint:
    int3
    ret

    .globl test_trap, test_trap_end
test_trap:
    syscall
test_trap_end:
    int3

    /* What only the kernel may do: each instruction's address goes into a list. */
    .macro only_kernel what:vararg
    .pushsection .rodata.privileged, "a"
    .quad 1f
    .popsection
1:  \what
    .endm
    .pushsection .rodata.privileged, "a"
    .balign 8
    .globl test_privileged, test_privileged_end
test_privileged:
    .popsection
    only_kernel cli
    only_kernel sti
    only_kernel hlt
    only_kernel rdmsr
    only_kernel wrmsr
    only_kernel mov %cr0, %rax
    only_kernel mov %rax, %cr3
    only_kernel mov %rax, %cr4
    only_kernel mov %rax, %dr7
    only_kernel lgdt (%rsp)
    only_kernel lidt (%rsp)
    only_kernel ltr %ax
    only_kernel lmsw %ax
    only_kernel invlpg (%rsp)
    only_kernel wbinvd
    only_kernel swapgs
    only_kernel sysretq
    only_kernel clac
    only_kernel stac
    only_kernel in $0x70, %al
    only_kernel out %al, $0x70
    only_kernel int $0x20
    only_kernel int $0x3e
    only_kernel rdpmc
    only_kernel sgdt (%rsp)
    only_kernel sidt (%rsp)
    only_kernel sldt %eax
    only_kernel smsw %eax
    only_kernel str %eax
    only_kernel vmcall
    only_kernel vmlaunch
    only_kernel vmresume
    only_kernel vmmcall
    .pushsection .rodata.privileged, "a"
test_privileged_end:
    .popsection

    .section .rodata
    .balign 8
    .globl probe_start, probe_end
probe_start:
    mov (%rsi), %rsi
    syscall
1:  jmp 1b
probe_end:

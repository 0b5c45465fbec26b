/* SPDX-License-Identifier: BSD-2-Clause */
/* Every register is loaded and stored, so sp is all there is to find memory with: it points to
 * where they are stored. Our own are behind that, on the stack that was. */
    .macro each_register op, base
    \op x0, x1, [\base, #3*8]
    \op x2, x3, [\base, #5*8]
    \op x4, x5, [\base, #7*8]
    \op x6, x7, [\base, #9*8]
    \op x8, x9, [\base, #11*8]
    \op x10, x11, [\base, #13*8]
    \op x12, x13, [\base, #15*8]
    \op x14, x15, [\base, #17*8]
    \op x16, x17, [\base, #19*8]
    \op x18, x19, [\base, #21*8]
    \op x20, x21, [\base, #23*8]
    \op x22, x23, [\base, #25*8]
    \op x24, x25, [\base, #27*8]
    \op x26, x27, [\base, #29*8]
    \op x28, x29, [\base, #31*8]
    .endm

    .macro each_preserved op
    \op x19, x20, [sp]
    \op x21, x22, [sp, #16]
    \op x23, x24, [sp, #32]
    \op x25, x26, [sp, #48]
    \op x27, x28, [sp, #64]
    \op x29, x30, [sp, #80]
    .endm

    /* Our own registers go below the stack pointer, which itself goes into out's first word. */
    .macro begin
    sub sp, sp, #112
    each_preserved stp
    mrs x9, tpidr_el0
    str x9, [sp, #96]
    mov x9, sp
    str x9, [x1]
    mov sp, x1
    mov x30, x0
    ldr x9, [x30, #2*8]
    msr tpidr_el0, x9
    ldr x9, [x30, #34*8]
    msr nzcv, x9
    each_register ldp, x30
    ldr x30, [x30, #33*8]
    .endm

    .macro store_all
    each_register stp, sp
    str x30, [sp, #33*8]
    mrs x0, nzcv
    str x0, [sp, #34*8]
    mrs x0, tpidr_el0
    str x0, [sp, #2*8]
    mov x0, sp
    str x0, [sp, #1*8]
    .endm

    .macro end
    store_all
    ldr x0, [sp]
    mov sp, x0
    each_preserved ldp
    ldr x0, [sp, #96]
    msr tpidr_el0, x0
    add sp, sp, #112
    ret
    .endm

    .globl registers_trap
registers_trap:
    begin
    svc #0
    end

    .globl registers_touch
registers_touch:
    begin
    ldrb wzr, [x0]
    end

    .globl registers_spin
registers_spin:
    begin
1:  sub x0, x0, #1
    cbnz x0, 1b
    end

    .globl registers_store
registers_store:
    store_all
    brk #0
1:  b 1b

    .globl registers_reserved_store
registers_reserved_store:
    stp x19, x30, [sp, #-16]!
    mov x19, x0
    ldxr x9, [x19]
    mov x0, #6                  /* SYS_YIELD */
    svc #0
    mov x9, #1
    stxr w10, x9, [x19]
    eor w0, w10, #1
    ldp x19, x30, [sp], #16
    ret

    .globl faulting_illegal
faulting_illegal:
    mov x0, #7
    .globl test_illegal
test_illegal:
    .inst 0                     /* nothing that any processor has */
    ret

    .globl faulting_breakpoint
faulting_breakpoint:
    mov x0, #7
    .globl test_breakpoint
test_breakpoint:
    brk #0
    ret

    .globl test_trap, test_trap_end
test_trap:
    svc #32                     /* any argument will do: the call's number is in a register */
test_trap_end:
    brk #0

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
    only_kernel mrs x0, sctlr_el1
    only_kernel mrs x0, esr_el1
    only_kernel mrs x0, tpidr_el1
    only_kernel msr ttbr0_el1, x0
    only_kernel msr vbar_el1, x0
    only_kernel msr daifset, #15
    only_kernel msr spsel, #0
    only_kernel tlbi vmalle1
    only_kernel ic iallu
    only_kernel eret
    only_kernel hvc #0
    only_kernel smc #0
    .pushsection .rodata.privileged, "a"
test_privileged_end:
    .popsection

    .section .rodata
    .balign 8
    .globl probe_start, probe_end
probe_start:
    ldr x1, [x1]
    svc #0
1:  b 1b
probe_end:

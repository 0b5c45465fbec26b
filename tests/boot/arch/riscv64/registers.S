/* SPDX-License-Identifier: BSD-2-Clause */
/* Every register is loaded and stored, so sp is all there is to find memory with: it points to
 * where they are stored. Our own are behind that, on the stack that was. */
    .option norvc

    .macro each_register op, base
    \op ra, 3*8(\base)
    \op gp, 4*8(\base)
    \op t0, 5*8(\base)
    \op t1, 6*8(\base)
    \op t2, 7*8(\base)
    \op s0, 8*8(\base)
    \op s1, 9*8(\base)
    \op a0, 10*8(\base)
    \op a1, 11*8(\base)
    \op a2, 12*8(\base)
    \op a3, 13*8(\base)
    \op a4, 14*8(\base)
    \op a5, 15*8(\base)
    \op a6, 16*8(\base)
    \op a7, 17*8(\base)
    \op s2, 18*8(\base)
    \op s3, 19*8(\base)
    \op s4, 20*8(\base)
    \op s5, 21*8(\base)
    \op s6, 22*8(\base)
    \op s7, 23*8(\base)
    \op s8, 24*8(\base)
    \op s9, 25*8(\base)
    \op s10, 26*8(\base)
    \op s11, 27*8(\base)
    \op t3, 28*8(\base)
    \op t4, 29*8(\base)
    \op t5, 30*8(\base)
    .endm

    /* Our own registers go below the stack pointer, which itself goes into out's first word. */
    .macro begin
    addi sp, sp, -128
    sd ra, 0(sp)
    sd gp, 8(sp)
    sd tp, 16(sp)
    sd s0, 24(sp)
    sd s1, 32(sp)
    sd s2, 40(sp)
    sd s3, 48(sp)
    sd s4, 56(sp)
    sd s5, 64(sp)
    sd s6, 72(sp)
    sd s7, 80(sp)
    sd s8, 88(sp)
    sd s9, 96(sp)
    sd s10, 104(sp)
    sd s11, 112(sp)
    sd sp, 0(a1)
    mv sp, a1
    mv t6, a0
    ld tp, 2*8(t6)
    each_register ld, t6
    ld t6, 31*8(t6)
    .endm

    .macro end
    each_register sd, sp
    sd tp, 2*8(sp)
    sd t6, 31*8(sp)
    sd sp, 1*8(sp)
    ld sp, 0(sp)
    ld ra, 0(sp)
    ld gp, 8(sp)
    ld tp, 16(sp)
    ld s0, 24(sp)
    ld s1, 32(sp)
    ld s2, 40(sp)
    ld s3, 48(sp)
    ld s4, 56(sp)
    ld s5, 64(sp)
    ld s6, 72(sp)
    ld s7, 80(sp)
    ld s8, 88(sp)
    ld s9, 96(sp)
    ld s10, 104(sp)
    ld s11, 112(sp)
    addi sp, sp, 128
    ret
    .endm

    .globl registers_trap
registers_trap:
    begin
    ecall
    end

    .globl registers_touch
registers_touch:
    begin
    lb zero, 0(a0)
    end

    .globl registers_spin
registers_spin:
    begin
1:  addi a0, a0, -1
    bnez a0, 1b
    end

    .globl registers_store
registers_store:
    each_register sd, sp
    sd tp, 2*8(sp)
    sd t6, 31*8(sp)
    sd sp, 1*8(sp)
    ebreak
1:  j 1b

    .globl registers_reserved_store
registers_reserved_store:
    addi sp, sp, -16
    sd s1, 0(sp)
    sd ra, 8(sp)
    mv s1, a0
    lr.d t0, (s1)
    li a0, 6                    /* SYS_YIELD */
    ecall
    li t0, 1
    sc.d a0, t0, (s1)
    seqz a0, a0
    ld s1, 0(sp)
    ld ra, 8(sp)
    addi sp, sp, 16
    ret

    .globl faulting_illegal
faulting_illegal:
    li a0, 7
    .globl test_illegal
test_illegal:
    .4byte 0x0000000b           /* custom-0: nothing that this processor has */
    ret

    .globl faulting_breakpoint
faulting_breakpoint:
    li a0, 7
    .globl test_breakpoint
test_breakpoint:
    ebreak
    ret

    .globl test_trap, test_trap_end
test_trap:
    ecall
test_trap_end:
    ebreak

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
    only_kernel csrr t0, sstatus
    only_kernel csrr t0, scause
    only_kernel csrr t0, sscratch
    only_kernel csrw satp, zero
    only_kernel csrw stvec, zero
    only_kernel csrw sie, zero
    only_kernel csrr t0, mstatus
    only_kernel sret
    only_kernel mret
    only_kernel sfence.vma
    only_kernel .4byte 0x22000073   /* hfence.vvma */
    only_kernel .4byte 0x60004073   /* hlv.b zero, (zero) */
    .pushsection .rodata.privileged, "a"
test_privileged_end:
    .popsection

    .section .rodata
    .balign 8
    .globl probe_start, probe_end
probe_start:
    ld a1, 0(a1)
    ecall
1:  j 1b
probe_end:

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions, entered in EL1 or EL2 without translation, as Linux is: x0 = device tree
 * (Documentation/arm64/booting.rst of Linux tells the header and the rest). Goes on in EL1, turns on
 * translation with a table that maps memory both where it is and in the kernel's window, and
 * goes on there.
 */
    .section .text.boot, "ax"
    .globl _start
_start:
    b boot
    .long 0
    .quad 0x200000              /* where in memory this wants to be */
    .quad 0                     /* the image's size: tools/mkimage.py writes it */
    .quad 2                     /* little-endian, 4 KiB pages */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

boot:
    /* The cycle counter starts now, for boot.to_init. */
    mov x1, #0x47               /* PMCR: on, all counters to zero, 64 bits */
    msr pmcr_el0, x1
    mov x1, #1 << 31
    msr pmccfiltr_el0, xzr
    msr pmcntenset_el0, x1

    mrs x1, CurrentEL
    cmp x1, #2 << 2
    b.ne el1
    /* Nothing that EL1 does is to end up in EL2. */
    mov x1, #1 << 31            /* EL1 has 64 bits */
    msr hcr_el2, x1
    isb
    mov x1, #3                  /* counters and timers are EL1's */
    msr cnthctl_el2, x1
    msr cntvoff_el2, xzr
    mov x1, #0x33ff             /* no traps of floating point and vectors */
    msr cptr_el2, x1
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    mrs x1, midr_el1
    msr vpidr_el2, x1
    mrs x1, mpidr_el1
    msr vmpidr_el2, x1
    mrs x1, pmcr_el0            /* all performance counters are EL1's */
    ubfx x1, x1, #11, #5
    msr mdcr_el2, x1
    mov x1, #9                  /* the interrupt controller's system registers too */
    msr icc_sre_el2, x1
    ldr x1, =0x30d00800         /* what has to be 1; no translation */
    msr sctlr_el1, x1
    mov x1, #0x3c5              /* EL1 with its own stack, all interrupts masked */
    msr spsr_el2, x1
    adr x1, el1
    msr elr_el2, x1
    eret

el1:
    msr daifset, #15
    msr spsel, #1
    mov x1, #0x04ff             /* 0: ordinary memory, write-back; 1: devices, nGnRE */
    msr mair_el1, x1
    ldr x1, =TCR
    mrs x2, id_aa64mmfr0_el1
    and x2, x2, #15
    cmp x2, #2                  /* physical addresses: what there is, at most 40 bits */
    mov x3, #2
    csel x2, x2, x3, lo
    orr x1, x1, x2, lsl #32
    msr tcr_el1, x1
    adrp x1, boot_root
    msr ttbr0_el1, x1
    msr ttbr1_el1, x1
    tlbi vmalle1
    dsb nsh
    ldr x1, =SCTLR
    isb
    msr sctlr_el1, x1
    isb
    ldr x1, =1f
    br x1
1:  adrp x1, kernel_stack_top   /* in the window from here on */
    add x1, x1, :lo12:kernel_stack_top
    mov sp, x1
    adrp x1, bss_start
    add x1, x1, :lo12:bss_start
    adrp x2, bss_end
    add x2, x2, :lo12:bss_end
2:  stp xzr, xzr, [x1], #16
    cmp x1, x2
    b.lo 2b
    adrp x1, vectors
    add x1, x1, :lo12:vectors
    msr vbar_el1, x1
    isb
    bl aarch64_boot
3:  b 3b

    /* TTBR0: 39 bits of address, 4 KiB; TTBR1: 38 bits, 4 KiB; both cached and shared; the ASID
     * is TTBR0's and has 16 bits if the processor has them. */
    .equ TCR, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 26 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30 | 1 << 36
    /* Translation and caches on, stacks aligned; programs may maintain caches, zero memory, and wait for
     * events; a trap synchronises, and so does a return; and bits that have to be 1. */
    .equ SCTLR, 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 11 | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 18 | 1 << 20 | 1 << 22 | 1 << 23 | 1 << 26 | 1 << 28 | 1 << 29

    .section .data
    .balign 4096
    /* 1 GiB each: entry i maps i GiB. TTBR1 uses the first half of it. */
boot_root:
    .quad (0 << 30) | (3 << 53) | 0x405
    .quad (1 << 30) | 0x701
    .quad (2 << 30) | (3 << 53) | 0x701
    .quad (3 << 30) | (3 << 53) | 0x701
    .fill 508, 8, 0

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .globl kernel_stack_guard
kernel_stack_guard:             /* unmapped later: a stack that grows too far is noticed */
    .skip 4096
    .skip 8192
    .globl kernel_stack_top
kernel_stack_top:

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions, entered by OpenSBI or U-Boot in S-mode without translation: a0 = hart, a1
 * = device tree. Turns on translation with a table that maps memory both where it is and in the
 * kernel's window, and goes on there.
 */
#define WINDOW 0xffffffc000000000

    .section .text.boot, "ax"
    /* The header that U-Boot's booti reads (Linux, Documentation/riscv/boot-image-header.rst). */
    .globl _start
_start:
    j boot
    .balign 8
    .quad 0x200000              /* where to load it, from the start of memory */
    .quad 0                     /* bytes of the whole image: tools/mkimage.py */
    .quad 0                     /* little-endian */
    .4byte 2                    /* version 0.2 of the header */
    .4byte 0
    .quad 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\5"
    .4byte 0

boot:
    rdinstret a2                /* when the kernel was entered, for boot.to_init */
    la t0, boot_root
    srli t0, t0, 12
    li t1, 8 << 60              /* Sv39 */
    or t0, t0, t1
    la t1, 1f
    li t2, WINDOW
    add t1, t1, t2
    sfence.vma
    csrw satp, t0
    jr t1
1:  la sp, kernel_stack_top     /* in the window from here on */
    la t0, bss_start
    la t1, bss_end
2:  sd zero, 0(t0)
    addi t0, t0, 8
    bltu t0, t1, 2b
    la t0, trap_entry
    csrw stvec, t0
    call riscv_boot
3:  j 3b

    .section .data
    .balign 4096
boot_root:                      /* 1 GiB each: entry i maps i GiB, entry 256 + i the same */
    .fill 2, 8, 0
    .quad (2 << 28) | 0xcf
    .fill 253, 8, 0
    .quad (0 << 28) | 0xc7
    .quad (1 << 28) | 0xc7
    .quad (2 << 28) | 0xcf
    .quad (3 << 28) | 0xc7
    .fill 252, 8, 0

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .globl kernel_stack_guard
kernel_stack_guard:             /* unmapped later: a stack that grows too far is noticed */
    .skip 4096
    .skip 8192
    .globl kernel_stack_top
kernel_stack_top:

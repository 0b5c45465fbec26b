/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions, entered as the PVH boot protocol says (xen/include/public/arch-x86/hvm):
 * 32 bits, no translation, ebx = start info. Turns on 64 bits with a table that maps memory both where
 * it is and in the kernel's window, and goes on there.
 */
#include "arch/x86_64/x86_64.h"

#define TO_PHYSICAL 0x4000000000        /* less ARCH_WINDOW */

    .section .text.boot, "ax"
    .code32
    .globl pvh_start
pvh_start:
    rdtsc                               /* when the kernel was entered, for boot.to_init */
    mov %eax, %esi
    mov %edx, %edi
    mov %cr4, %eax
    or $0x20, %eax                      /* PAE */
    mov %eax, %cr4
    mov $boot_root + TO_PHYSICAL, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx               /* EFER: system calls, long mode, no-execute */
    rdmsr
    or $0x901, %eax
    wrmsr
    mov $0x80010023, %eax               /* CR0: translation, write protection, errors as exceptions */
    mov %eax, %cr0
    lgdt boot_gdt_physical + TO_PHYSICAL
    ljmp $KERNEL_CODE, $1f + TO_PHYSICAL
    .code64
1:  movabs $2f, %rax
    jmp *%rax
2:  lgdt boot_gdt_window(%rip)          /* in the window from here on */
    mov $KERNEL_DATA, %eax
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    lea kernel_stack_top(%rip), %rsp
    shl $32, %rdi
    or %rdi, %rsi
    mov %ebx, %edi
    xor %ebp, %ebp
    call x86_boot
3:  jmp 3b

    .section .data
    .balign 8
    .globl boot_gdt
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            /* KERNEL_CODE */
    .quad 0x00cf93000000ffff            /* KERNEL_DATA */
    .quad 0x00cff3000000ffff            /* USER_DATA */
    .quad 0x00affb000000ffff            /* USER_CODE */
    .quad 0, 0                          /* TASK_STATE, filled in later */
boot_gdt_physical:
    .word 55
    .quad boot_gdt + TO_PHYSICAL
    .balign 8
boot_gdt_window:
    .word 55
    .quad boot_gdt

    .balign 4096
boot_root:
    .quad boot_gibs + TO_PHYSICAL + 3
    .fill 510, 8, 0
    .quad boot_gibs + TO_PHYSICAL + 3
boot_gibs:                              /* 1 GiB each: entry i maps i GiB, entry 256 + i the same */
    .quad 0x00000083, 0x40000083, 0x80000083, 0xc000009b
    .fill 252, 8, 0
    .quad 0x00000083, 0x40000083, 0x80000083, 0xc000009b
    .fill 252, 8, 0

    /* The kernel's stack, that of exceptions, and that of the end. Below each is a page that is unmapped
     * later: a stack that grows too far is noticed. */
    .section .bss.stack, "aw", @nobits
    .macro stack name, size
    .balign 4096
    .globl \name\()_guard
\name\()_guard:
    .skip 4096
    .skip \size
    .globl \name\()_top
\name\()_top:
    .endm
    stack kernel_stack, 8192
    stack trap_stack, 4096
    stack fatal_stack, 4096

/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V, 64 bits, Sv39. Sections are those of the Privileged Architecture, version 20211203. */
#pragma once

#include "base/types.h"

/* The kernel's window: the top 2^38 bytes, all of the upper half of Sv39. */
#define ARCH_WINDOW            0xffffffc000000000ul
#define ARCH_USER_TOP          (1ul << 38)
#define ARCH_LEVELS            3
#define ARCH_LEAF_LEVELS       3
#define ARCH_MESSAGE_REGISTERS 6
#define ARCH_IRQS              128
#define ARCH_FPU_WORDS         33
#define ARCH_FRAME_SP          0
#define ARCH_FRAME_PC          1
#define ARCH_FRAME_TLS         2
#define ARCH_FRAME_FP          4
#define ARCH_FRAME_RECORD      (-16ul)
#define ARCH_TEMPS             8
#define ARCH_TEMP_LINK         0
#define ARCH_NOTHING           NOTHING_RISCV64
#define ARCH_PROBE             PROBE_RISCV64

typedef uint16_t arch_code_t;

ALWAYS_INLINE void *arch_pointer(word address)
{
    return (void *)address;
}

ALWAYS_INLINE paddr_t arch_physical(void const *pointer)
{
    return (paddr_t){ (word)pointer - ARCH_WINDOW };
}

ALWAYS_INLINE void *arch_window(paddr_t address)
{
    return (void *)(address.raw + ARCH_WINDOW);
}

/* Without the Zbb extension there is no instruction for this: a de Bruijn sequence of order 6
 * tells the 64 single bits apart by six bits of a product. */
ALWAYS_INLINE unsigned arch_lowest_bit(word bits)
{
    static uint8_t const position[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
        22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
        23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
    };
    return position[(bits & -bits) * 0x022fdd63cc95386dul >> 58];
}

ALWAYS_INLINE word arch_now(void)
{
    word value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

/* stimecmp, of the Sstc extension; its name is younger than the assembler. Without it the
 * firmware has to be asked. */
extern bool riscv_has_sstc;
void riscv_timer_by_sbi(word when);
/* Setting the timer takes no call: the fast path may. */
ALWAYS_INLINE bool arch_timer_is_quick(void)
{
    return likely(riscv_has_sstc);
}

ALWAYS_INLINE void arch_timer_set_quickly(word when)
{
    __asm__ volatile("csrw 0x14d, %0" : : "r"(when));
}

ALWAYS_INLINE void arch_timer_set(word when)
{
    if (arch_timer_is_quick()) {
        arch_timer_set_quickly(when);
    } else {
        riscv_timer_by_sbi(when);
    }
}

#define SIP_TIMER (1ul << 5)

/* Section 4.1.3: pending in sip and enabled in sie. What is enabled never changes. */
ALWAYS_INLINE bool arch_interrupt_pending(void)
{
    word value;
    __asm__ volatile("csrr %0, sip" : "=r"(value) : : "memory");
    return value != 0;
}

ALWAYS_INLINE bool arch_timer_pending(void)
{
    word value;
    __asm__ volatile("csrr %0, sip" : "=r"(value) : : "memory");
    return (value & SIP_TIMER) != 0;
}

ALWAYS_INLINE void arch_root_load(word root)
{
    __asm__ volatile("csrw satp, %0" : : "r"(root) : "memory");
}

extern word kernel_root_value;
ALWAYS_INLINE word arch_kernel_root(void)
{
    return kernel_root_value;
}

/* Section 4.4.1. Accessed and dirty are set from the start: nobody reads them. */
#define PTE_VALID   1ul
#define PTE_READ    2ul
#define PTE_WRITE   4ul
#define PTE_EXECUTE 8ul
#define PTE_USER    0x10ul
#define PTE_GLOBAL  0x20ul
#define PTE_USED    0xc0ul

ALWAYS_INLINE word arch_pte_leaf(paddr_t address, word rights, bool device, unsigned level)
{
    (void)device, (void)level; /* what is a device, the physical memory attributes say */
    _Static_assert(FRAME_READ == PTE_READ << 2 && FRAME_WRITE == PTE_WRITE << 2 &&
                       FRAME_EXECUTE == PTE_EXECUTE << 2,
                   "rights are the entry's bits, two places up");
    return address.raw >> 2 | rights >> 2 | PTE_VALID | PTE_USER | PTE_USED;
}

ALWAYS_INLINE word arch_pte_table(paddr_t address)
{
    return address.raw >> 2 | PTE_VALID;
}

ALWAYS_INLINE bool arch_pte_valid(word pte)
{
    return (pte & PTE_VALID) != 0;
}

ALWAYS_INLINE bool arch_pte_is_leaf(word pte, unsigned level)
{
    (void)level;
    return (pte & (PTE_READ | PTE_WRITE | PTE_EXECUTE)) != 0;
}

ALWAYS_INLINE paddr_t arch_pte_address(word pte)
{
    return (paddr_t){ pte >> 10 << 12 };
}

ALWAYS_INLINE bool arch_pte_is_kernels(word pte)
{
    return (pte & PTE_USER) == 0 && (pte & (PTE_WRITE | PTE_EXECUTE)) != (PTE_WRITE | PTE_EXECUTE);
}

ALWAYS_INLINE word arch_pte_step(unsigned level)
{
    return 1ul << (PAGE_BITS - 2 + 9 * level);
}

/* Section 4.1.11: mode 8 is Sv39. */
ALWAYS_INLINE word arch_root_make(paddr_t table, word asid)
{
    return 8ul << 60 | asid << 44 | table.raw >> PAGE_BITS;
}

ALWAYS_INLINE void arch_flush_page(word address, word asid)
{
    __asm__ volatile("sfence.vma %0, %1" : : "r"(address), "r"(asid) : "memory");
}

ALWAYS_INLINE void arch_flush_asid(word asid)
{
    __asm__ volatile("sfence.vma zero, %0" : : "r"(asid) : "memory");
}

ALWAYS_INLINE void arch_code_changed(void const *at)
{
    (void)at;
    __asm__ volatile("fence.i" : : : "memory");
}

/* It then leads upwards, as no return address does: programs lie below their stacks. */
ALWAYS_INLINE bool arch_frame_is_leaf(word frame, word caller)
{
    return caller > frame;
}

/* There are no ports: no capability to any exists. */
ALWAYS_INLINE uint32_t arch_port_read(uint16_t port, unsigned bytes)
{
    (void)port, (void)bytes;
    return 0;
}

ALWAYS_INLINE void arch_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    (void)port, (void)bytes, (void)value;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AArch64: EL1 with 4 KiB pages, programs in TTBR0 (39 bits), the kernel's window in TTBR1 (38
 * bits). Sections are those of the Arm Architecture Reference Manual for A-profile, issue J.a.
 */
#pragma once

#include "base/types.h"

/* The kernel's window: the top 2^38 bytes, all that TTBR1 translates. */
#define ARCH_WINDOW            0xffffffc000000000ul
#define ARCH_USER_TOP          (1ul << 39)
#define ARCH_LEVELS            3
#define ARCH_LEAF_LEVELS       3
#define ARCH_MESSAGE_REGISTERS 6
#define ARCH_IRQS              256
#define ARCH_FPU_WORDS         66
#define ARCH_FRAME_SP          0
#define ARCH_FRAME_PC          1
#define ARCH_FRAME_TLS         3
#define ARCH_FRAME_FP          2
#define ARCH_FRAME_RECORD      0ul
#define ARCH_TEMPS             13
#define ARCH_TEMP_LINK         11
#define ARCH_NOTHING           NOTHING_AARCH64
#define ARCH_PROBE             PROBE_AARCH64

typedef uint32_t arch_code_t;

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

ALWAYS_INLINE unsigned arch_lowest_bit(word bits)
{
    return (unsigned)__builtin_ctzl(bits);
}

/* The virtual counter. That it may be read a little early harms no one. */
ALWAYS_INLINE word arch_now(void)
{
    word value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
}

/* The virtual timer's comparator (D13.11.17): it interrupts while the counter is not below this. */
ALWAYS_INLINE bool arch_timer_is_quick(void)
{
    return true;
}

ALWAYS_INLINE void arch_timer_set_quickly(word when)
{
    __asm__ volatile("msr cntv_cval_el0, %0" : : "r"(when));
}

ALWAYS_INLINE void arch_timer_set(word when)
{
    arch_timer_set_quickly(when);
}

/* D13.2.73: what would be taken if it were not masked. */
ALWAYS_INLINE bool arch_interrupt_pending(void)
{
    word value;
    __asm__ volatile("mrs %0, isr_el1" : "=r"(value) : : "memory");
    return value != 0;
}

#define CNTV_CTL_ISTATUS 4ul

/* The interrupt of the timer follows its comparator, so nobody has to acknowledge it. */
ALWAYS_INLINE bool arch_timer_pending(void)
{
    word value;
    __asm__ volatile("mrs %0, cntv_ctl_el0" : "=r"(value) : : "memory");
    return (value & CNTV_CTL_ISTATUS) != 0;
}

/* No barrier: the kernel touches no address of programs, and the return to one synchronises. */
ALWAYS_INLINE void arch_root_load(word root)
{
    __asm__ volatile("msr ttbr0_el1, %0" : : "r"(root) : "memory");
}

extern word kernel_root_value;
ALWAYS_INLINE word arch_kernel_root(void)
{
    return kernel_root_value;
}

/* D8.3.1, table D8-33 and on. MAIR's entry 0 is ordinary memory, entry 1 device memory. */
#define PTE_VALID             1ul
#define PTE_TABLE             2ul /* or a page, in the lowest level */
#define PTE_DEVICE            4ul
#define PTE_USER              0x40ul
#define PTE_READ_ONLY         0x80ul
#define PTE_SHARED            0x300ul
#define PTE_USED              0x400ul
#define PTE_NOT_GLOBAL        0x800ul
#define PTE_NO_EXECUTE_KERNEL (1ul << 53)
#define PTE_NO_EXECUTE_USER   (1ul << 54)
#define PTE_ADDRESS           0x0000fffffffff000ul

ALWAYS_INLINE word arch_pte_leaf(paddr_t address, word rights, bool device, unsigned level)
{
    word pte = address.raw | PTE_VALID | PTE_USER | PTE_READ_ONLY | PTE_SHARED | PTE_USED |
               PTE_NOT_GLOBAL | PTE_NO_EXECUTE_KERNEL | PTE_NO_EXECUTE_USER;
    pte |= level == 0 ? PTE_TABLE : 0;
    pte |= device ? PTE_DEVICE : 0;
    _Static_assert(FRAME_WRITE << 3 == PTE_READ_ONLY && FRAME_EXECUTE << 49 == PTE_NO_EXECUTE_USER,
                   "rights are moved to the bits that deny them");
    return pte ^ (rights & FRAME_WRITE) << 3 ^ (rights & FRAME_EXECUTE) << 49;
}

ALWAYS_INLINE word arch_pte_table(paddr_t address)
{
    return address.raw | PTE_TABLE | PTE_VALID;
}

ALWAYS_INLINE bool arch_pte_valid(word pte)
{
    return (pte & PTE_VALID) != 0;
}

ALWAYS_INLINE bool arch_pte_is_leaf(word pte, unsigned level)
{
    return level == 0 || (pte & PTE_TABLE) == 0;
}

ALWAYS_INLINE paddr_t arch_pte_address(word pte)
{
    return (paddr_t){ pte & PTE_ADDRESS };
}

ALWAYS_INLINE bool arch_pte_is_kernels(word pte)
{
    /* What programs cannot read they could execute all the same. */
    return (pte & (PTE_USER | PTE_NO_EXECUTE_USER)) == PTE_NO_EXECUTE_USER &&
           (pte & (PTE_READ_ONLY | PTE_NO_EXECUTE_KERNEL)) != 0;
}

ALWAYS_INLINE word arch_pte_step(unsigned level)
{
    return 1ul << (PAGE_BITS + 9 * level);
}

#define ROOT_ASID_SHIFT 48

/* From here on the processor may walk the tables: what was written into them comes first. */
ALWAYS_INLINE word arch_root_make(paddr_t table, word asid)
{
    __asm__ volatile("dsb ishst" : : : "memory");
    return asid << ROOT_ASID_SHIFT | table.raw;
}

/* Only entries that map pages ever change while the space is in use: "last level" is enough. The
 * ISB that would complete this is the return to a program. */
ALWAYS_INLINE void arch_flush_page(word address, word asid)
{
    __asm__ volatile("dsb ishst\n\t"
                     "tlbi vale1is, %0\n\t"
                     "dsb ish"
                     :
                     : "r"(asid << ROOT_ASID_SHIFT | address >> PAGE_BITS)
                     : "memory");
}

/* The ISB makes sure that a root loaded before is in effect: else the TLB might learn once more
 * from the tables that go away. */
ALWAYS_INLINE void arch_flush_asid(word asid)
{
    __asm__ volatile("isb\n\t"
                     "dsb ishst\n\t"
                     "tlbi aside1is, %0\n\t"
                     "dsb ish"
                     :
                     : "r"(asid << ROOT_ASID_SHIFT)
                     : "memory");
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

ALWAYS_INLINE void arch_code_changed(void const *at)
{
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" : : "r"(at) : "memory");
}

ALWAYS_INLINE bool arch_frame_is_leaf(word frame, word caller)
{
    (void)frame, (void)caller;
    return false;
}

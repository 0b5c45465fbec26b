/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64 with four levels of page tables. Volumes and chapters are those of the Intel SDM of December
 * 2022. */
#pragma once

#include "base/types.h"

/* The kernel's window: the top 2^38 bytes, the upper half of what one root entry maps. */
#define ARCH_WINDOW            0xffffffc000000000ul
/* The lower half but for its last page: sysret must never see an address that is not canonical, which
 * is what follows a system call at its very end. */
#define ARCH_USER_TOP          0x00007ffffffff000ul
#define ARCH_LEVELS            4
#define ARCH_LEAF_LEVELS       3
#define ARCH_MESSAGE_REGISTERS 5
#define ARCH_IRQS              24
#define ARCH_FPU_WORDS         64
#define ARCH_FRAME_SP          0
#define ARCH_FRAME_PC          1
#define ARCH_FRAME_TLS         2
#define ARCH_FRAME_FP          4
#define ARCH_FRAME_RECORD      0ul
#define ARCH_TEMPS             4
#define ARCH_TEMP_LINK         0
#define ARCH_NOTHING           NOTHING_X86_64
#define ARCH_PROBE             PROBE_X86_64

typedef uint8_t arch_code_t;

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

/* ---- Ports ---- */

ALWAYS_INLINE uint32_t arch_port_read(uint16_t port, unsigned bytes)
{
    uint32_t value = 0;
    switch (bytes) {
    case 1:
        __asm__ volatile("inb %1, %b0" : "+a"(value) : "d"(port));
        break;
    case 2:
        __asm__ volatile("inw %1, %w0" : "+a"(value) : "d"(port));
        break;
    default:
        __asm__ volatile("inl %1, %0" : "+a"(value) : "d"(port));
        break;
    }
    return value;
}

ALWAYS_INLINE void arch_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    switch (bytes) {
    case 1:
        __asm__ volatile("outb %b0, %1" : : "a"(value), "d"(port));
        break;
    case 2:
        __asm__ volatile("outw %w0, %1" : : "a"(value), "d"(port));
        break;
    default:
        __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
        break;
    }
}

/* ---- The local APIC: volume 3, chapter 11. Its registers are where the processor puts them. ---- */

#define LAPIC_ADDRESS 0xfee00000ul
#define LAPIC_EOI     0x0b0
#define LAPIC_PENDING 0x210 /* of the requests, those of vectors 32 to 63: all that are used */
#define LAPIC_COUNT   0x380 /* of the timer, to start from; 0 stops it */

ALWAYS_INLINE uint32_t volatile DEVICE *lapic_register(unsigned offset)
{
    return (uint32_t volatile DEVICE *)(ARCH_WINDOW + LAPIC_ADDRESS + offset);
}

/* ---- Clock and timer: the time stamp counter; the local APIC counts down at a rate of its own ---- */

/* Named registers, because in the fast path the compiler may not choose these. */
ALWAYS_INLINE word arch_now(void)
{
    register word low __asm__("rax");
    register word high __asm__("rdx");
    __asm__ volatile("rdtsc" : "=r"(low), "=r"(high));
    return low | high << 32;
}

/* What the timer is set to, and its counts in 2^32 ticks of the clock. */
extern word x86_timer, x86_timer_rate;
/* The timer counts no further at once; when it ends too early it is set again. */
#define LONGEST_COUNT 0x7fffffff0ul

ALWAYS_INLINE bool arch_timer_is_quick(void)
{
    return true;
}

ALWAYS_INLINE void arch_timer_set_quickly(word when)
{
    word now = arch_now();
    word ticks = when > now ? when - now : 0;
    ticks = ticks < LONGEST_COUNT ? ticks : LONGEST_COUNT;
    x86_timer = when;
    *lapic_register(LAPIC_COUNT) = (uint32_t)(ticks * x86_timer_rate >> 32) + 1;
}

ALWAYS_INLINE void arch_timer_set(word when)
{
    if (when == ~0ul) {
        x86_timer = when;
        *lapic_register(LAPIC_COUNT) = 0;
    } else {
        arch_timer_set_quickly(when);
    }
}

/* The vector of the interrupt that the kernel was entered for, 0 once it is seen to. */
extern unsigned x86_vector;
#define VECTOR_LINE     32u /* of line 0 */
#define VECTOR_TIMER    62u
#define VECTOR_SPURIOUS 63u

ALWAYS_INLINE bool arch_interrupt_pending(void)
{
    return *lapic_register(LAPIC_PENDING) != 0;
}

bool x86_timer_came(void);
ALWAYS_INLINE bool arch_timer_pending(void)
{
    return x86_vector == VECTOR_TIMER && x86_timer_came();
}

/* ---- Address spaces: volume 3, chapter 4. An ASID is a PCID, where the processor has them ---- */

extern bool x86_has_pcids;

ALWAYS_INLINE void arch_root_load(word root)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

extern word kernel_root_value;
ALWAYS_INLINE word arch_kernel_root(void)
{
    return kernel_root_value;
}

#define PTE_VALID      1ul
#define PTE_WRITE      2ul
#define PTE_USER       4ul
#define PTE_UNCACHED   0x18ul
#define PTE_USED       0x60ul
#define PTE_LARGE      0x80ul
#define PTE_GLOBAL     0x100ul
#define PTE_NO_EXECUTE (1ul << 63)

ALWAYS_INLINE word arch_pte_leaf(paddr_t address, word rights, bool device, unsigned level)
{
    _Static_assert(FRAME_WRITE >> 3 == PTE_WRITE && FRAME_EXECUTE == 1 << 5, "shifted into place");
    return address.raw | (rights >> 3 & PTE_WRITE) | ((rights ^ FRAME_EXECUTE) << 58 & PTE_NO_EXECUTE) |
           (device ? PTE_UNCACHED : 0) | (level > 0 ? PTE_LARGE : 0) | PTE_VALID | PTE_USER | PTE_USED;
}

ALWAYS_INLINE word arch_pte_table(paddr_t address)
{
    return address.raw | PTE_VALID | PTE_WRITE | PTE_USER;
}

ALWAYS_INLINE bool arch_pte_valid(word pte)
{
    return (pte & PTE_VALID) != 0;
}

ALWAYS_INLINE bool arch_pte_is_leaf(word pte, unsigned level)
{
    return level == 0 || (pte & PTE_LARGE) != 0;
}

ALWAYS_INLINE paddr_t arch_pte_address(word pte)
{
    return (paddr_t){ pte & 0x000ffffffffff000ul };
}

ALWAYS_INLINE bool arch_pte_is_kernels(word pte)
{
    return (pte & PTE_USER) == 0 && ((pte & PTE_WRITE) == 0 || (pte & PTE_NO_EXECUTE) != 0);
}

ALWAYS_INLINE word arch_pte_step(unsigned level)
{
    return 1ul << (PAGE_BITS + 9 * level);
}

/* Bit 63: loading it forgets nothing. Without PCIDs, loading it forgets all but the kernel. */
ALWAYS_INLINE word arch_root_make(paddr_t table, word asid)
{
    return x86_has_pcids ? 1ul << 63 | table.raw | asid : table.raw;
}

/* INVPCID, volume 2. Without PCIDs the TLB knows only the space that is loaded: for another one there
 * is nothing to forget, and forgetting too much does no harm. */
ALWAYS_INLINE void arch_flush_page(word address, word asid)
{
    if (unlikely(x86_has_pcids)) {
        struct {
            word asid, address;
        } const page = { asid, address };
        __asm__ volatile("invpcid %0, %1" : : "m"(page), "r"(0ul) : "memory");
    } else {
        __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
    }
}

ALWAYS_INLINE void arch_flush_asid(word asid)
{
    if (unlikely(x86_has_pcids)) {
        struct {
            word asid, address;
        } const space = { asid, 0 };
        __asm__ volatile("invpcid %0, %1" : : "m"(space), "r"(1ul) : "memory");
    } else {
        word root;
        __asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(root) : : "memory");
    }
}

ALWAYS_INLINE void arch_code_changed(void const *at)
{
    (void)at;
    word cr0; /* writing it makes the processor fetch anew what it has fetched by another address */
    __asm__ volatile("mov %%cr0, %0\n\tmov %0, %%cr0" : "=r"(cr0) : : "memory");
}

ALWAYS_INLINE bool arch_frame_is_leaf(word frame, word caller)
{
    (void)frame, (void)caller;
    return false;
}

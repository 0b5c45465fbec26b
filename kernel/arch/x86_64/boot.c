/* SPDX-License-Identifier: BSD-2-Clause */
/* From the PVH start info to the first program: what only this processor and the PC know of that. */
#include "boot.h"

#include "arch/arch.h"
#include "arch/x86_64/x86_64.h"
#include "base/panic.h"
#include "dev/ioapic.h"
#include "dev/pvh.h"
#include "object/thread.h"

#include <cpuid.h>

#define PAGE    4096ul
#define GIB     (1ul << 30)
#define MIB     (1ul << 20)
#define MIB2    (1ul << 21)
#define ENTRIES 512u

/* ---- The processor ---- */

#define FEATURE_GIB_PAGES (1u << 26) /* leaf 0x80000001, edx */
#define FEATURE_INVPCID   (1u << 10) /* leaf 7, ebx */
#define FEATURE_SMEP      (1u << 7)
#define FEATURE_SMAP      (1u << 20)
#define FEATURE_UMIP      (1u << 2)  /* leaf 7, ecx */
#define FEATURE_PCID      (1u << 17) /* leaf 1, ecx */

#define CR4_PGE        (1ul << 7) /* entries that stay when the root changes */
#define CR4_FXSR       (1ul << 9)
#define CR4_XMM_EXCEPT (1ul << 10)
#define CR4_UMIP       (1ul << 11) /* programs cannot ask where the kernel's tables are */
#define CR4_FSGSBASE   (1ul << 16)
#define CR4_PCIDE      (1ul << 17)
#define CR4_SMEP       (1ul << 20) /* the kernel cannot execute programs' pages, nor touch them */
#define CR4_SMAP       (1ul << 21)

#define CR0_MP (1ul << 1)
#define CR0_TS (1ul << 3)
#define CR0_WP (1ul << 16)

#define EFER_NXE (1ul << 11)
#define FLAG_AC  (1ul << 18)

#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_SFMASK         0xc0000084
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_APIC_BASE      0x1b

static void write_msr(unsigned msr, word value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static word read_msr(unsigned msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (word)high << 32;
}

bool x86_has_pcids;

/* Switches on what the kernel relies on. */
static void set_up_processor(void)
{
    unsigned a, b, c, d;
    __cpuid(0x80000001, a, b, c, d);
    bool gib_pages = (d & FEATURE_GIB_PAGES) != 0;
    unsigned with_pcid;
    __cpuid(1, a, b, with_pcid, d);
    __cpuid_count(7, 0, a, b, c, d);
    unsigned needed = bit_FSGSBASE | bit_BMI | bit_BMI2 | FEATURE_SMEP | FEATURE_SMAP;
    if (!gib_pages || (b & needed) != needed) {
        panic("Tessera needs a processor with pages of 1 GiB, FSGSBASE, BMI1, BMI2, SMEP and SMAP; this one "
              "has features %x", b);
    }
    x86_has_pcids = (with_pcid & FEATURE_PCID) != 0 && (b & FEATURE_INVPCID) != 0;
    word cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    cr4 |= CR4_PGE | CR4_FXSR | CR4_XMM_EXCEPT | CR4_FSGSBASE | CR4_SMEP | CR4_SMAP;
    cr4 |= (c & FEATURE_UMIP ? CR4_UMIP : 0) | (x86_has_pcids ? CR4_PCIDE : 0);
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
    word cr0;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_MP | CR0_TS) : "memory");

    write_msr(MSR_STAR, (word)KERNEL_CODE << 32 | (word)(USER_DATA - 8) << 48);
    /* Cleared by a system call: TF, IF, DF, IOPL, NT and AC. */
    write_msr(MSR_SFMASK, 0x47700);
}

/* ---- Interrupt and task descriptors: volume 3, chapters 6 and 7 ---- */

#define VECTORS          64u
#define GATE_PRESENT     (0x8eul << 40) /* an interrupt gate: interrupts off */
#define GATE_FOR_PROGRAM (3ul << 45)
#define VECTOR_NMI        2
#define VECTOR_BREAKPOINT 3
#define VECTOR_DOUBLE     8
#define VECTOR_CHECK      18
/* Stacks that the processor switches to, by number in the task state. */
#define TRAP_STACK  1ul
#define FATAL_STACK 2ul

/* The usual ones, and those while the kernel is traced. */
static word gates[2][VECTORS][2] ALIGNED(16);

static struct {
    uint32_t unused;
    word stack_of_kernel __attribute__((packed)); /* for interrupts */
    word unused_stacks[3] __attribute__((packed));
    word stack[7] __attribute__((packed)); /* from number 1 on */
    uint32_t more_unused[2];
    uint32_t ports; /* the offset of its end: no port belongs to programs */
} task_state = { .ports = 104u << 16 };
_Static_assert(sizeof task_state == 104, "volume 3, section 7.7");

static word stack_for(unsigned vector)
{
    if (vector >= 32) {
        return 0; /* interrupts come only while a program runs, or where the kernel sleeps */
    }
    bool fatal = vector == VECTOR_NMI || vector == VECTOR_DOUBLE || vector == VECTOR_CHECK;
    return fatal ? FATAL_STACK : TRAP_STACK;
}

struct descriptor_register {
    uint16_t limit;
    word base __attribute__((packed));
};

static void set_up_gates(word gate[VECTORS][2], char const *vectors)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        word at = (word)vectors + 16 * i;
        gate[i][0] = (at & 0xffff) | KERNEL_CODE << 16 | stack_for(i) << 32 | GATE_PRESENT |
                     (i == VECTOR_BREAKPOINT ? GATE_FOR_PROGRAM : 0) | (at >> 16 & 0xffff) << 48;
        gate[i][1] = at >> 32;
    }
}

void arch_trace(bool on)
{
    struct descriptor_register table = { sizeof gates[0] - 1, (word)gates[on] };
    __asm__ volatile("lidt %0" : : "m"(table));
    write_msr(MSR_LSTAR, (word)(on ? traced_entry : trap_entry));
}

static void set_up_traps(void)
{
    set_up_gates(gates[0], trap_vectors);
    set_up_gates(gates[1], traced_vectors);
    arch_trace(false);

    task_state.stack_of_kernel = (word)kernel_stack_top;
    task_state.stack[TRAP_STACK - 1] = (word)trap_stack_top;
    task_state.stack[FATAL_STACK - 1] = (word)fatal_stack_top;
    word base = (word)&task_state;
    word *entry = &boot_gdt[TASK_STATE / 8];
    entry[0] = (sizeof task_state - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
    entry[1] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(TASK_STATE));
}

/* ---- The kernel's own page tables ---- */

static word kernel_root[ENTRIES] ALIGNED(4096);
static word kernel_gibs[ENTRIES] ALIGNED(4096);
static word kernel_blocks[ENTRIES] ALIGNED(4096); /* the GiB that the kernel lies in */
static word kernel_pages[ENTRIES] ALIGNED(4096);  /* the 2 MiB that the kernel lies in */
word kernel_root_value;

static word kernel_leaf(word physical, word kind)
{
    return physical | kind | PTE_VALID | PTE_USED | PTE_GLOBAL;
}

static word kernel_table(word const *table)
{
    return arch_physical(table).raw | PTE_VALID | PTE_WRITE | PTE_USED;
}

static word page_kind(word address)
{
    if (address >= (word)text_start && address < (word)text_end) {
        return 0;
    }
    if (address >= (word)text_end && address < (word)rodata_end) {
        return PTE_NO_EXECUTE;
    }
    return PTE_NO_EXECUTE | PTE_WRITE;
}

static bool is_guard(word address)
{
    return address == (word)kernel_stack_guard || address == (word)trap_stack_guard ||
           address == (word)fatal_stack_guard;
}

/* The window: memory to read and write, the last of the first four GiB as devices, the kernel's pages as
 * they deserve, nothing under the stacks. */
static void map_window(word memory_end)
{
    word base = arch_physical(text_start).raw;
    word block = base & ~(MIB2 - 1);
    if (arch_physical(kernel_end).raw > block + MIB2 || block >= GIB) {
        panic("the kernel is larger than 2 MiB, or not in the first GiB");
    }
    word const data = PTE_NO_EXECUTE | PTE_WRITE;
    word *window = &kernel_gibs[ENTRIES / 2];
    for (word at = 0; at < memory_end; at += GIB) {
        window[at / GIB] = kernel_leaf(at, data | PTE_LARGE);
    }
    window[3] = kernel_leaf(3 * GIB, data | PTE_LARGE | PTE_UNCACHED);
    for (unsigned i = 0; i < ENTRIES; i++) {
        kernel_blocks[i] = kernel_leaf(i * MIB2, data | PTE_LARGE);
        word at = block + i * PAGE;
        kernel_pages[i] = is_guard(at + ARCH_WINDOW) ? 0 : kernel_leaf(at, page_kind(at + ARCH_WINDOW));
    }
    kernel_blocks[block / MIB2] = kernel_table(kernel_pages);
    window[0] = kernel_table(kernel_blocks);
    kernel_root[ENTRIES - 1] = kernel_table(kernel_gibs);
    kernel_root_value = arch_physical(kernel_root).raw;
    arch_root_load(kernel_root_value);
}

void arch_root_init(word *table)
{
    table[ENTRIES - 1] = kernel_root[ENTRIES - 1];
}

static void must(bool holds, char const *what)
{
    if (!holds) {
        panic("a protection is off: %s", what);
    }
}

void arch_check(void)
{
    word cr0, cr3, cr4, flags;
    __asm__ volatile("mov %%cr0, %0\n\tmov %%cr3, %1\n\tmov %%cr4, %2\n\tpushfq\n\tpop %3"
                     : "=r"(cr0), "=r"(cr3), "=r"(cr4), "=r"(flags));
    unsigned a, b, features, d;
    __cpuid_count(7, 0, a, b, features, d);
    must(cr0 & CR0_WP, "the kernel can write where its pages say no (CR0.WP)");
    must(cr4 & CR4_SMEP, "the kernel can execute programs' pages (CR4.SMEP)");
    must(cr4 & CR4_SMAP && !(flags & FLAG_AC), "the kernel can touch programs' pages (CR4.SMAP, AC)");
    must(cr4 & CR4_UMIP || !(features & FEATURE_UMIP), "programs see where tables are (CR4.UMIP)");
    must(read_msr(MSR_EFER) & EFER_NXE, "pages can be executed that say no (EFER.NXE)");
    boot_check_tables(arch_window(arch_pte_address(cr3)), ENTRIES - 1, ENTRIES);
}

/* Without PCIDs they are just numbers: any do. 0 is the kernel's. */
word arch_asid_count(void)
{
    return 4096;
}

/* ---- Clock and timer ---- */

#define LAPIC_SPURIOUS  0x0f0
#define LAPIC_TIMER     0x320
#define LAPIC_LEFT      0x390
#define LAPIC_DIVIDER   0x3e0
#define LAPIC_ID        0x020
#define LAPIC_ON        (1u << 8)
#define DIVIDE_BY_16    0x3 /* half a minute is as far as it counts then */
#define TIMER_MASKED    (1u << 16)

/* IA-PC HPET Specification 1.0a. On a PC it is here. */
#define HPET_ADDRESS 0xfed00000ul
#define HPET_PERIOD  4    /* femtoseconds */
#define HPET_CONFIG  0x10 /* 1: counts */
#define HPET_COUNTER 0xf0

static uint32_t volatile DEVICE *hpet(unsigned offset)
{
    return (uint32_t volatile DEVICE FORCE *)arch_window((paddr_t){ HPET_ADDRESS + offset });
}

#define FEMTO            1000000000000000ul
#define CALIBRATION_TIME (FEMTO / 5000) /* 200 microseconds */

/* Compares clock and timer with the HPET; returns the clock's frequency. */
static word calibrate(void)
{
    word period = *hpet(HPET_PERIOD);
    if (period == 0 || period > 100000000) {
        panic("there is no HPET to tell the clock's frequency by");
    }
    *hpet(HPET_CONFIG) |= 1;
    *lapic_register(LAPIC_COUNT) = ~0u;
    uint32_t start = *hpet(HPET_COUNTER);
    word clock = arch_now();
    word left = *lapic_register(LAPIC_LEFT);
    word ticks = 0;
    while (ticks * period < CALIBRATION_TIME) {
        ticks = *hpet(HPET_COUNTER) - start;
    }
    clock = arch_now() - clock;
    left -= *lapic_register(LAPIC_LEFT);
    *lapic_register(LAPIC_COUNT) = 0;
    x86_timer_rate = (left << 32) / clock;
    word hz = clock * (FEMTO / period) / ticks;
    /* The nearest whole MHz: the rest is the error of so short a look. */
    return (hz + 500000) / 1000000 * 1000000;
}

static word set_up_timer(void)
{
    write_msr(MSR_APIC_BASE, LAPIC_ADDRESS | 1 << 11);
    *lapic_register(LAPIC_SPURIOUS) = VECTOR_SPURIOUS | LAPIC_ON;
    *lapic_register(LAPIC_DIVIDER) = DIVIDE_BY_16;
    *lapic_register(LAPIC_TIMER) = VECTOR_TIMER | TIMER_MASKED;
    word hz = calibrate();
    *lapic_register(LAPIC_TIMER) = VECTOR_TIMER;
    return hz;
}

/* ---- What the boot protocol tells ---- */

/* That a memory map has; more than any PC's. */
#define MOST_RANGES 128

/* Of ACPI's first table. Who reads it is init. */
#define RSDP_SIZE 36

/* Of all memory, what is above the first MiB, where the firmware is, and in the window. Returns where it ends. */
static word find_memory(struct boot *boot, word start_info)
{
    struct pvh_info const *info = arch_window((paddr_t){ start_info });
    if (info->magic != PVH_MAGIC || info->version < 1 || info->map >= 4 * GIB || info->map_entries > MOST_RANGES) {
        panic("this was not booted by PVH");
    }
    struct pvh_range const *map = arch_window((paddr_t){ info->map });
    word end = pvh_find_memory(boot, map, info->map_entries, MIB, ENTRIES / 2 * GIB);
    if (end == 0) {
        panic("the firmware tells of no memory");
    }
    pvh_find_firmware(boot, map, info->map_entries, MIB, 4 * GIB);
    if (info->acpi != 0 && info->acpi < MIB - RSDP_SIZE) {
        boot_add_device(boot, "acpi", info->acpi, RSDP_SIZE, 0);
    }
    return end;
}

/* What every PC has, and where. */
static void find_devices(struct boot *boot)
{
    boot_add_ports(boot, "ns16550", 0x3f8, 8, 4);
    boot_add_ports(boot, "mc146818", 0x70, 2, 8);
    /* Of the lines that its first timer can have, the first that no other device has. */
    boot_add_device(boot, "hpet", HPET_ADDRESS, 0x400, 16);
}

void x86_boot(word start_info, word entry_count)
{
    static struct boot boot;
    boot.entry_count = entry_count;
    boot.cores = 1; /* of those there are, the one that boots takes part */
    set_up_traps();
    set_up_processor();
    word end = find_memory(&boot, start_info);
    find_devices(&boot);
    map_window(end);
    /* The interrupt controllers of the first PCs: all lines off. */
    arch_port_write(0x21, 1, 0xff);
    arch_port_write(0xa1, 1, 0xff);
    boot.clock_hz = set_up_timer();
    ioapic_init(arch_window((paddr_t){ IOAPIC_ADDRESS }), *lapic_register(LAPIC_ID) >> 24);

    boot.image = (struct boot_image const *)boot_image_start;
    word kernel = arch_physical(text_start).raw;
    word image_end = arch_physical(boot_image_start).raw + boot.image->archive_offset +
                     boot.image->archive_size;
    boot_reserve(&boot, kernel, image_end);
    struct tcb *first = kernel_boot(&boot, (word)kernel_stack_top);
    write_msr(MSR_GS_BASE, (word)first->cpu);
    write_msr(MSR_KERNEL_GS_BASE, 0);
    arch_run(first);
}

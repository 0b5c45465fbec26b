/* SPDX-License-Identifier: BSD-2-Clause */
/* From the device tree to the first program: what only this processor knows of that. */
#include "boot.h"

#include "arch/aarch64/aarch64.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/string.h"
#include "dev/fdt.h"
#include "dev/gicv3.h"
#include "dev/pl011.h"

#define PAGE    4096ul
#define GIB     (1ul << 30)
#define MIB2    (1ul << 21)
#define ENTRIES 512u

/* ---- The kernel's own page tables ---- */

static word kernel_root[ENTRIES / 2] ALIGNED(4096); /* TTBR1: 38 bits of address */
static word no_root[ENTRIES] ALIGNED(4096);         /* TTBR0 when no program runs: maps nothing */
static word kernel_pages[ENTRIES] ALIGNED(4096);    /* the 2 MiB that the kernel lies in */
/* For memory that does not begin or end at a GiB, and for the GiB that the kernel lies in. */
static word kernel_gib[4][ENTRIES] ALIGNED(4096);
static unsigned kernel_gibs;
word kernel_root_value;
static word asid_count;

#define PTE_DATA (PTE_VALID | PTE_SHARED | PTE_USED | PTE_NO_EXECUTE_KERNEL | PTE_NO_EXECUTE_USER)

static word page_entry(word physical)
{
    word address = physical + ARCH_WINDOW;
    if (address == (word)kernel_stack_guard) {
        return 0;
    }
    word entry = physical | PTE_DATA | PTE_TABLE;
    if (address >= (word)text_start && address < (word)text_end) {
        return (entry ^ PTE_NO_EXECUTE_KERNEL) | PTE_READ_ONLY;
    }
    if (address >= (word)text_end && address < (word)rodata_end) {
        return entry | PTE_READ_ONLY;
    }
    return entry;
}

/* The table for a GiB of the window, made if need be. */
static word *gib_table(word physical)
{
    word *entry = &kernel_root[physical / GIB];
    if (*entry == 0) {
        if (kernel_gibs == array_length(kernel_gib)) {
            panic("memory in too many pieces");
        }
        *entry = arch_pte_table(arch_physical(kernel_gib[kernel_gibs++]));
    }
    return arch_window(arch_pte_address(*entry));
}

/* Maps memory or devices in units of 2 MiB. */
static void map_range(word start, word end, word attributes)
{
    word kernel = arch_physical(text_start).raw & ~(GIB - 1);
    for (word at = start & ~(MIB2 - 1); at < end;) {
        if (at % GIB == 0 && end - at >= GIB && at != kernel) {
            kernel_root[at / GIB] = at | attributes;
            at += GIB;
        } else {
            gib_table(at)[at % GIB / MIB2] = at | attributes;
            at += MIB2;
        }
    }
}

/* The window: memory, the devices that the kernel itself uses, and the kernel's pages as they
 * deserve. Nothing under the stack, and nothing where there is nothing. */
static void map_window(struct boot const *boot, word const *devices, unsigned device_count)
{
    word base = arch_physical(text_start).raw;
    word block = base & ~(MIB2 - 1);
    if (arch_physical(kernel_end).raw > block + MIB2) {
        panic("the kernel is larger than 2 MiB");
    }
    for (unsigned i = 0; i < boot->memory_count; i++) {
        map_range(boot->memory[i].start, boot->memory[i].end, PTE_DATA);
    }
    for (unsigned i = 0; i < device_count; i++) {
        map_range(devices[i], devices[i] + 1, PTE_DATA | PTE_DEVICE);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        kernel_pages[i] = page_entry(block + i * PAGE);
    }
    gib_table(block)[block % GIB / MIB2] = arch_pte_table(arch_physical(kernel_pages));
    kernel_root_value = arch_root_make(arch_physical(no_root), 0);
    register_write(ttbr1_el1, arch_physical(kernel_root).raw);
    arch_root_load(kernel_root_value);
    __asm__ volatile("isb\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
}

/* Programs have tables of their own: those of the kernel are TTBR1's. */
void arch_root_init(word *table)
{
    (void)table;
}

word arch_asid_count(void)
{
    return asid_count;
}

/* ---- What the processor has ---- */

#define SCTLR_SPAN (1ul << 23) /* 0: a trap forbids the kernel to touch programs' memory */
#define SCTLR_WXN  (1ul << 19) /* nothing that can be written can be executed */

static bool has_pan(void)
{
    return (register_read(id_aa64mmfr1_el1) >> 20 & 15) != 0;
}

static void protect(void)
{
    word sctlr = register_read(sctlr_el1);
    sctlr |= SCTLR_WXN;
    register_write(sctlr_el1, has_pan() ? sctlr & ~SCTLR_SPAN : sctlr);
    if (has_pan()) {
        __asm__ volatile(".arch_extension pan\n\tmsr pan, #1");
    }
    __asm__ volatile("isb");
}

void arch_check(void)
{
    word sctlr = register_read(sctlr_el1);
    if ((sctlr & SCTLR_WXN) == 0) {
        panic("a protection is off: the kernel can execute what it can write (SCTLR_EL1.WXN)");
    }
    /* The number is that of PAN, which the assembler knows by name only where every processor has it. */
    if (has_pan() && ((sctlr & SCTLR_SPAN) != 0 || register_read(s3_0_c4_c2_3) == 0)) {
        panic("a protection is off: the kernel can touch programs' pages (PAN)");
    }
    word const *window = arch_window((paddr_t){ register_read(ttbr1_el1) }); /* as it is used */
    boot_check_tables(window, 0, ENTRIES / 2);
}

#define ID_ASID_16_BITS       2
#define PMUSERENR_CYCLES      4ul /* programs may read the cycle counter */
#define CNTKCTL_VIRTUAL_COUNT 2ul /* and the virtual counter, but touch no timer */
#define CNTV_CTL_ENABLE       1ul

static void set_up_processor(void)
{
    asid_count =
        (register_read(id_aa64mmfr0_el1) >> 4 & 15) == ID_ASID_16_BITS ? 1ul << 16 : 1ul << 8;
    register_write(cpacr_el1, 0); /* no floating point and vectors */
    register_write(pmuserenr_el0, PMUSERENR_CYCLES);
    register_write(cntkctl_el1, CNTKCTL_VIRTUAL_COUNT);
    register_write(mdscr_el1, 0);
    register_write(tpidr_el1, kernel_stack_top); /* for trap.S */
    arch_timer_set(~0ul);
    register_write(cntv_ctl_el0, CNTV_CTL_ENABLE);
    protect();
}

/* ---- The device tree ---- */

struct found {
    struct boot *boot;
    word distributor;
    word redistributors;
    word uart;
    unsigned timer_line;
};

/* An interrupt in the tree is three cells: kind, number within the kind, trigger. */
#define INTERRUPT_CELLS     12
#define INTERRUPT_IS_SHARED 0
#define FIRST_PRIVATE       16 /* the interrupt controller's number of the first private one */
#define VIRTUAL_TIMER       2  /* its place among those of the timer's node */

/* Lines are the shared interrupts, counted from 1 (dev/gicv3.c). */
static uint32_t line_of(struct fdt_node const *node)
{
    bool shared = node->interrupts_length >= INTERRUPT_CELLS &&
                  fdt_cell(node->interrupts) == INTERRUPT_IS_SHARED;
    return shared ? fdt_cell(node->interrupts + 4) + 1 : 0;
}

static unsigned timer_line(struct fdt_node const *node)
{
    unsigned at = VIRTUAL_TIMER * INTERRUPT_CELLS;
    if (node->interrupts_length < at + INTERRUPT_CELLS) {
        panic("the device tree does not say which interrupt the timer has");
    }
    return FIRST_PRIVATE + fdt_cell(node->interrupts + at + 4);
}

static bool in_window(word address, word size)
{
    return address < -ARCH_WINDOW && size <= -ARCH_WINDOW - address;
}

static void visit(struct fdt_node const *node, void *context)
{
    struct found *found = context;
    struct boot *boot = found->boot;
    if (text_equal(node->name, "chosen")) {
        semihosting = text_equal(node->bootargs, "semihosting");
    }
    if (fdt_is_compatible(node, "arm,pl011") && found->uart == 0) {
        found->uart = node->address;
    }
    if (text_equal(node->device_type, "memory")) {
        if (node->has_reg && in_window(node->address, node->size) &&
            boot->memory_count < BOOT_MOST_REGIONS) {
            boot->memory[boot->memory_count++] =
                (struct boot_region){ node->address, node->address + node->size, node->numa_node, false };
        }
    } else if (fdt_is_compatible(node, "arm,psci-0.2")) {
        psci_method = text_equal(node->method, "smc") ? PSCI_SMC : PSCI_HVC;
    } else if (fdt_is_compatible(node, "arm,armv8-timer")) {
        found->timer_line = timer_line(node);
    } else if (fdt_is_compatible(node, "arm,gic-v3")) {
        found->distributor = node->address;
        found->redistributors = node->second_address;
    } else if (node->has_reg && node->size != 0 && node->compatible[0] != '\0' &&
               !fdt_is_compatible(node, "arm,gic-v3-its") && in_window(node->address, node->size)) {
        boot_add_device(boot, node->compatible, node->address, node->size, line_of(node));
    }
}

void aarch64_boot(word device_tree)
{
    static struct boot boot;
    struct found found = { .boot = &boot };
    /* The first table of boot.S maps 4 GiB; the blob is in there, or this traps. */
    void const *blob = arch_window((paddr_t){ device_tree });
    if (!fdt_walk(blob, MIB2, visit, &found)) {
        panic("the firmware's device tree cannot be read");
    }
    if (found.uart != 0) {
        pl011_init(arch_window((paddr_t){ found.uart }));
    }
    if (boot.memory_count == 0 || found.redistributors == 0 || found.timer_line == 0) {
        panic("the device tree lacks memory, a GICv3 or the timer");
    }
    boot.cores = 1; /* of those there are, the one that boots takes part */
    boot.clock_hz = register_read(cntfrq_el0);
    boot.entry_count = 0; /* boot.S starts it */

    word const devices[] = { found.distributor, found.redistributors, found.uart };
    map_window(&boot, devices, array_length(devices));
    set_up_processor();
    gicv3_init(arch_window((paddr_t){ found.distributor }),
               arch_window((paddr_t){ found.redistributors }), found.timer_line);

    boot.image = (struct boot_image const *)boot_image_start;
    word kernel = arch_physical(text_start).raw;
    word image_end =
        arch_physical(boot_image_start).raw + boot.image->archive_offset + boot.image->archive_size;
    boot_reserve(&boot, kernel, image_end);
    arch_run(kernel_boot(&boot, (word)kernel_stack_top));
}

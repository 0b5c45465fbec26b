/* SPDX-License-Identifier: BSD-2-Clause */
/* From the device tree to the first program: what only this processor knows of that. */
#include "boot.h"

#include "arch/arch.h"
#include "arch/riscv64/riscv.h"
#include "base/panic.h"
#include "base/print.h"
#include "base/string.h"
#include "dev/fdt.h"
#include "dev/plic.h"

#define PAGE    4096ul
#define GIB     (1ul << 30)
#define MIB2    (1ul << 21)
#define ENTRIES 512u

/* ---- The kernel's own page tables ---- */

static word kernel_root[ENTRIES] ALIGNED(4096);
static word kernel_gib[ENTRIES] ALIGNED(4096);   /* the GiB that the kernel lies in */
static word kernel_pages[ENTRIES] ALIGNED(4096); /* the 2 MiB that the kernel lies in */
word kernel_root_value;
static word asid_count;

static word kernel_leaf(word physical, word rights)
{
    return physical >> 2 | rights | PTE_VALID | PTE_GLOBAL | PTE_USED;
}

static word page_rights(word address)
{
    if (address >= (word)text_start && address < (word)text_end) {
        return PTE_READ | PTE_EXECUTE;
    }
    if (address >= (word)text_end && address < (word)rodata_end) {
        return PTE_READ;
    }
    return PTE_READ | PTE_WRITE;
}

/* The window: memory and devices to read and write, the kernel's pages as they deserve, nothing
 * where the firmware is, and nothing under the stack. */
static void map_window(word memory_end)
{
    word base = arch_physical(text_start).raw;
    word gib = base & ~(GIB - 1);
    word block = base & ~(MIB2 - 1);
    if (arch_physical(kernel_end).raw > block + MIB2) {
        panic("the kernel is larger than 2 MiB");
    }
    for (word at = 0; at < memory_end; at += GIB) {
        kernel_root[ENTRIES / 2 + at / GIB] = kernel_leaf(at, PTE_READ | PTE_WRITE);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        word at = gib + i * MIB2;
        kernel_gib[i] = at < block ? 0 : kernel_leaf(at, PTE_READ | PTE_WRITE);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        word at = block + i * PAGE;
        word address = at + ARCH_WINDOW;
        bool guard = address == (word)kernel_stack_guard;
        kernel_pages[i] = guard ? 0 : kernel_leaf(at, page_rights(address));
    }
    kernel_gib[(block - gib) / MIB2] = arch_pte_table(arch_physical(kernel_pages));
    kernel_root[ENTRIES / 2 + gib / GIB] = arch_pte_table(arch_physical(kernel_gib));
    kernel_root_value = arch_root_make(arch_physical(kernel_root), 0);
    arch_root_load(kernel_root_value);
    __asm__ volatile("sfence.vma" : : : "memory");
}

void arch_root_init(word *table)
{
    for (unsigned i = ENTRIES / 2; i < ENTRIES; i++) {
        table[i] = kernel_root[i];
    }
}

#define SSTATUS_SUM (1ul << 18) /* the kernel can touch programs' pages */
#define SSTATUS_MXR (1ul << 19) /* what can be executed can be read */

void arch_check(void)
{
    word status, root;
    __asm__ volatile("csrr %0, sstatus\n\tcsrr %1, satp" : "=r"(status), "=r"(root));
    if (status & (SSTATUS_SUM | SSTATUS_MXR)) {
        panic("a protection is off: the kernel can touch programs' pages, or read what is only to be "
              "executed (sstatus %lx)", status);
    }
    word const *table = arch_window((paddr_t){ (root & ((1ul << 44) - 1)) << PAGE_BITS });
    boot_check_tables(table, ENTRIES / 2, ENTRIES);
}

/* Section 4.1.11: the bits that the processor has are those that can be set. */
static void count_asids(void)
{
    word all = kernel_root_value | 0xfffful << 44;
    arch_root_load(all);
    word got;
    __asm__ volatile("csrr %0, satp" : "=r"(got));
    arch_root_load(kernel_root_value);
    asid_count = (got >> 44 & 0xffff) + 1;
    if (asid_count < 3) {
        panic("this processor has no address space identifiers (ASIDs), which Tessera needs");
    }
}

word arch_asid_count(void)
{
    return asid_count;
}

/* ---- The device tree ---- */

struct found {
    struct boot *boot;
    word plic;
    word plic_size;
    unsigned lines;
    unsigned context;
    bool sstc;
};

#define SUPERVISOR_EXTERNAL 9 /* the interrupt's number at the processor */

static unsigned plic_context(struct fdt_node const *node)
{
    for (unsigned i = 0; i + 8 <= node->context_length; i += 8) {
        if (fdt_cell(node->contexts + i + 4) == SUPERVISOR_EXTERNAL) {
            return i / 8;
        }
    }
    panic("the interrupt controller has no context for supervisor mode");
}

static bool has_extension(char const *isa, char const *name)
{
    for (; *isa != '\0'; isa++) {
        if (*isa != '_') {
            continue;
        }
        unsigned n = 0;
        while (name[n] != '\0' && isa[1 + n] == name[n]) {
            n++;
        }
        if (name[n] == '\0' && (isa[1 + n] == '_' || isa[1 + n] == '\0')) {
            return true;
        }
    }
    return false;
}

static void visit(struct fdt_node const *node, void *context)
{
    struct found *found = context;
    struct boot *boot = found->boot;
    if (node->timebase != 0) {
        boot->clock_hz = node->timebase;
    }
    if (text_equal(node->device_type, "cpu")) {
        boot->cores++;
        found->sstc = has_extension(node->isa, "sstc");
    } else if (text_equal(node->device_type, "memory")) {
        if (node->has_reg && boot->memory_count < BOOT_MOST_REGIONS) {
            boot->memory[boot->memory_count++] =
                (struct boot_region){ node->address, node->address + node->size, node->numa_node, false };
        }
    } else if (fdt_is_compatible(node, "riscv,plic0") && found->plic != 0) {
        /* Of a further node's processors, which do not take part. */
    } else if (fdt_is_compatible(node, "riscv,plic0")) {
        found->plic = node->address;
        found->plic_size = node->size;
        found->lines = node->lines;
        found->context = plic_context(node);
    } else if (fdt_is_compatible(node, "sifive,test1")) {
        riscv_finisher = (uint32_t volatile DEVICE FORCE *)arch_window((paddr_t){ node->address });
    } else if (node->has_reg && node->size != 0 && node->compatible[0] != '\0' &&
               !fdt_is_compatible(node, "riscv,clint0")) {
        boot_add_device(boot, node->compatible, node->address, node->size, node->irq);
    }
}

void riscv_boot(word hart, word device_tree, word entry_count)
{
    (void)hart;
    static struct boot boot;
    struct found found = { .boot = &boot };
    boot.entry_count = entry_count;
    /* The first table of boot.S maps 4 GiB; the blob is in there, or this traps. */
    void const *blob = arch_window((paddr_t){ device_tree });
    if (!fdt_walk(blob, MIB2, visit, &found)) {
        panic("the firmware's device tree cannot be read");
    }
    if (boot.memory_count == 0 || boot.clock_hz == 0 || found.plic == 0) {
        panic("the device tree lacks memory, a clock frequency or an interrupt controller");
    }
    boot.cores = 1; /* of those there are, the one that boots takes part */

    word end = 0;
    for (unsigned i = 0; i < boot.memory_count; i++) {
        end = boot.memory[i].end > end ? boot.memory[i].end : end;
    }
    map_window(end);
    count_asids();
    plic_init(arch_window((paddr_t){ found.plic }), found.context, found.lines);
    riscv_has_sstc = found.sstc;
    arch_timer_set(~0ul);
    __asm__ volatile("csrw sie, %0\n\t" /* timer and external */
                     "csrw scounteren, %1\n\t"
                     "csrw sstatus, %2"
                     :
                     : "r"(1ul << 5 | 1ul << 9), "r"(7ul), "r"(1ul << 5));

    boot.image = (struct boot_image const *)boot_image_start;
    word kernel = arch_physical(text_start).raw;
    word image_end = arch_physical(boot_image_start).raw + boot.image->archive_offset +
                     boot.image->archive_size;
    /* Below the kernel is the firmware. */
    boot_reserve(&boot, kernel & ~(MIB2 - 1), kernel);
    boot_reserve(&boot, (kernel & ~(MIB2 - 1)) - MIB2, kernel);
    boot_reserve(&boot, kernel, image_end);
    arch_run(kernel_boot(&boot, (word)kernel_stack_top));
}

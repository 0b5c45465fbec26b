/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: makes the first program, gives it everything there is, and leaves. The few globals of the
 * kernel are here and beside what they belong to: families[], irqs[], the ASIDs.
 */
#include "api/syscall.h"
#include "base/clock.h"
#include "base/panic.h"
#include "base/print.h"
#include "base/string.h"
#include "boot.h"
#include "object/cnode.h"
#include "object/irq.h"
#include "object/object.h"
#include "object/ports.h"
#include "object/untyped.h"
#include "sched/trace.h"

#include <tessera/names.h>

static struct cpu cpu0 ALIGNED(64);
struct irq irqs[ARCH_IRQS];
word clock_hz;

#define PAGE    4096ul
#define ENTRIES 512u /* of a page table */

/* ---- The memory map ---- */

void boot_reserve(struct boot *boot, word start, word end)
{
    for (unsigned i = 0; i < boot->memory_count; i++) {
        struct boot_region *region = &boot->memory[i];
        if (end <= region->start || start >= region->end) {
            continue;
        }
        if (start > region->start && end < region->end) {
            if (boot->memory_count == BOOT_MOST_REGIONS) {
                panic("too many pieces of memory");
            }
            boot->memory[boot->memory_count] = *region;
            boot->memory[boot->memory_count++].start = end;
            region->end = start;
        } else if (start <= region->start) {
            region->start = end < region->end ? end : region->end;
        } else {
            region->end = start;
        }
    }
}

void boot_add_device(struct boot *boot, char const *name, word address, word size, uint32_t irq)
{
    if (boot->device_count == BOOT_MOST_DEVICES) {
        kprint("no room for device %s\n", name);
        return;
    }
    struct boot_device *device = &boot->device[boot->device_count++];
    for (unsigned i = 0; i < sizeof device->name - 1 && name[i] != '\0'; i++) {
        device->name[i] = name[i];
    }
    device->address = address;
    device->size = size;
    device->irq = irq;
}

void boot_add_ports(struct boot *boot, char const *name, uint16_t first, unsigned count, uint32_t irq)
{
    unsigned before = boot->device_count;
    boot_add_device(boot, name, first, count, irq);
    if (boot->device_count > before) {
        boot->device[before].ports = true;
    }
}

void boot_check_tables(word const *root, unsigned first, unsigned end)
{
    /* The tables on the way to where it is, from the root down. */
    unsigned level = ARCH_LEVELS - 1;
    struct {
        word const *at, *end;
    } way[ARCH_LEVELS] = { [ARCH_LEVELS - 1] = { root + first, root + end } };
    while (level < ARCH_LEVELS) {
        if (way[level].at == way[level].end) {
            level++;
            continue;
        }
        word pte = *way[level].at++;
        if (!arch_pte_valid(pte)) {
            continue;
        }
        word const *to = arch_window(arch_pte_address(pte));
        if (!arch_pte_is_leaf(pte, level)) {
            level--;
            way[level].at = to;
            way[level].end = to + ENTRIES;
        } else if (!arch_pte_is_kernels(pte)) {
            panic("the kernel's page of %p is open to programs, or can be written and executed", (void const *)to);
        }
    }
}

/* ---- What the first program gets ---- */

#define INIT_CNODE_RADIX 12
#define INIT_TABLES_BITS 18
#define INIT_PRIORITY    255
#define INIT_SLICE_NS    10000000ul
/* Where init finds things; nothing else depends on it. */
#define INIT_INFO_ADDRESS    0x10000000ul
#define INIT_BUFFER_ADDRESS  0x10001000ul
#define INIT_ARCHIVE_ADDRESS 0x20000000ul

struct maker {
    struct boot *boot;
    struct boot_info *info;
    struct cap cnode;
    struct vspace *vspace;
    uint32_t next_slot;
};

/* Zeroed memory off the start of the largest region. */
static void *take_memory(struct boot *boot, word size)
{
    struct boot_region *best = &boot->memory[0];
    for (unsigned i = 1; i < boot->memory_count; i++) {
        struct boot_region *region = &boot->memory[i];
        if (!region->device && region->end - region->start > best->end - best->start) {
            best = region;
        }
    }
    word start = (best->start + size - 1) & ~(size - 1);
    if (start > best->end || size > best->end - start) {
        panic("not enough memory to boot");
    }
    best->start = start + size;
    return memset(arch_window((paddr_t){ start }), 0, size);
}

static struct slot *slot_for(struct maker *maker, uint32_t at)
{
    struct slot *slot;
    if (cnode_slot_at(maker->cnode, at, &slot) != OK) {
        panic("init's capability space is too small");
    }
    return slot;
}

/* An object of boot memory: nobody's child. */
static struct cap make(struct maker *maker, enum object_type type, unsigned bits, uint32_t at)
{
    void *memory = take_memory(maker->boot, object_bytes(type, bits));
    struct cap cap = object_make(type, bits, memory, &cpu0);
    struct slot *slot = slot_for(maker, at);
    cap_insert(&families[0].root, slot, cap);
    return slot_read(slot);
}

static void give(struct maker *maker, enum object_type type, uint32_t at)
{
    struct cap cap = { .head = head_make(type, NULL, 0) };
    cap_insert(&families[0].root, slot_for(maker, at), cap);
}

static void map_page(struct maker *maker, struct cap frame, word address, word rights)
{
    enum err err = frame_map(frame, maker->vspace, address, rights);
    if (err != OK) {
        panic("init cannot be mapped at %lx: error %u", address, err);
    }
}

/* Memory that is there already, as a frame in the next free slot, mapped. */
static void map_memory(struct maker *maker, char const *memory, unsigned bits, word address,
                       word rights)
{
    struct cap frame = { .head = head_make(OBJECT_FRAME, memory, rights), .arg = bits };
    struct slot *slot = slot_for(maker, maker->next_slot++);
    cap_insert(&families[0].root, slot, frame);
    map_page(maker, slot_read(slot), address, rights);
}

static void map_segment(struct maker *maker, struct init_segment const *segment)
{
    char const *file = (char const *)maker->boot->image + segment->offset;
    for (word at = 0; at < segment->memory_size; at += PAGE) {
        char const *memory = file + at;
        if (segment->rights & FRAME_WRITE || at >= segment->file_size) {
            /* A page of its own: the image's are never written. */
            char *page = take_memory(maker->boot, PAGE);
            word left = at < segment->file_size ? segment->file_size - at : 0;
            memcpy(page, memory, left < PAGE ? left : PAGE);
            memory = page;
        }
        map_memory(maker, memory, PAGE_BITS, segment->address + at, segment->rights);
    }
}

/* The largest aligned power of two that starts at `at` and ends by `end`. */
static unsigned piece_bits(word at, word end)
{
    unsigned bits = PAGE_BITS;
    while (bits < MAX_UNTYPED_BITS && (at & ((2ul << bits) - 1)) == 0 && (2ul << bits) <= end - at) {
        bits++;
    }
    return bits;
}

/* In as few frames as its alignment allows. */
static void map_archive(struct maker *maker)
{
    struct boot_image const *image = maker->boot->image;
    word start = (word)image + image->archive_offset;
    word size = (image->archive_size + PAGE - 1) & ~(PAGE - 1);
    maker->info->archive = INIT_ARCHIVE_ADDRESS;
    maker->info->archive_size = image->archive_size;
    maker->info->archive_slot = maker->next_slot;
    for (word at = 0; at < size;) {
        unsigned bits = piece_bits(start + at, start + size);
        bits = bits < 21 ? bits : 21;
        map_memory(maker, (char const *)start + at, bits, INIT_ARCHIVE_ADDRESS + at, FRAME_READ);
        at += 1ul << bits;
    }
    maker->info->archive_frames = maker->next_slot - maker->info->archive_slot;
}

/* A capability to a piece of memory or of device space: a power of two, aligned. */
static void give_piece(struct maker *maker, word start, unsigned bits, bool device, uint32_t node)
{
    struct boot_info *info = maker->info;
    if (info->memory_count == array_length(info->memory)) {
        return; /* what is left is small: pieces come in order of size */
    }
    struct cap cap = { .head = head_make(OBJECT_UNTYPED, arch_window((paddr_t){ start }), 0),
                       .arg = bits | (device ? UNTYPED_DEVICE : 0) };
    info->memory[info->memory_count++] = (struct memory_info){
        .address = start, .slot = maker->next_slot, .bits = (uint8_t)bits, .device = device,
        .node = (uint16_t)node
    };
    cap_insert(&families[0].root, slot_for(maker, maker->next_slot++), cap);
}

/* All memory that is left, large pieces first. */
static void give_memory(struct maker *maker)
{
    for (unsigned bits = MAX_UNTYPED_BITS; bits >= PAGE_BITS; bits--) {
        for (unsigned i = 0; i < maker->boot->memory_count; i++) {
            struct boot_region const *region = &maker->boot->memory[i];
            word at = (region->start + PAGE - 1) & ~(PAGE - 1);
            while (at + PAGE <= region->end) {
                unsigned size = piece_bits(at, region->end);
                if (size == bits) {
                    give_piece(maker, at, bits, region->device, region->node);
                }
                at += 1ul << size;
            }
        }
    }
}

static uint32_t give_ports(struct maker *maker, struct boot_device const *device)
{
    struct cap cap = { .head = head_make(OBJECT_IO_PORTS, NULL, 0),
                       .arg = ports_arg((uint16_t)device->address, (unsigned)device->size) };
    cap_insert(&families[0].root, slot_for(maker, maker->next_slot), cap);
    return maker->next_slot++;
}

/* The slot of a piece of device space; devices that share a page share the piece. */
static uint32_t give_device_piece(struct maker *maker, word start, unsigned bits)
{
    struct boot_info *info = maker->info;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        struct memory_info const *piece = &info->memory[i];
        if (piece->device && piece->address == start && piece->bits == bits) {
            return piece->slot;
        }
    }
    give_piece(maker, start, bits, true, 0);
    return maker->next_slot - 1;
}

static void give_devices(struct maker *maker)
{
    for (unsigned i = 0; i < maker->boot->device_count; i++) {
        struct boot_device const *from = &maker->boot->device[i];
        struct device_info *to = &maker->info->device[maker->info->device_count];
        word start = from->address & ~(PAGE - 1);
        word end = from->address + from->size;
        unsigned bits = PAGE_BITS;
        while (bits < MAX_UNTYPED_BITS && (start & ~((1ul << bits) - 1)) + (1ul << bits) < end) {
            bits++;
        }
        start &= ~((1ul << bits) - 1);
        if (maker->info->memory_count == array_length(maker->info->memory)) {
            return;
        }
        memcpy(to->name, from->name, sizeof to->name);
        to->address = from->address;
        to->size = from->size;
        to->irq = from->irq;
        to->slot = from->ports ? give_ports(maker, from) : give_device_piece(maker, start, bits);
        maker->info->device_count++;
    }
}

_Static_assert(sizeof(struct boot_info) <= PAGE, "init finds it in one page");

static struct tcb *make_init(struct boot *boot)
{
    struct maker maker = { .boot = boot, .next_slot = BOOT_SLOT_MEMORY };
    struct boot_image const *image = boot->image;
    if (image->magic != BOOT_MAGIC || image->segment_count > array_length(image->segment)) {
        panic("there is no boot image behind the kernel");
    }

    void *slots = take_memory(boot, object_bytes(OBJECT_CNODE, INIT_CNODE_RADIX));
    maker.cnode = object_make(OBJECT_CNODE, INIT_CNODE_RADIX, slots, &cpu0);
    cap_insert(&families[0].root, slot_for(&maker, BOOT_SLOT_CNODE), maker.cnode);
    maker.cnode = slot_read(slot_for(&maker, BOOT_SLOT_CNODE));
    struct cap vspace = make(&maker, OBJECT_VSPACE, 0, BOOT_SLOT_VSPACE);
    struct cap thread = make(&maker, OBJECT_THREAD, 0, BOOT_SLOT_THREAD);
    struct cap buffer = make(&maker, OBJECT_FRAME, PAGE_BITS, BOOT_SLOT_BUFFER);
    struct cap time = make(&maker, OBJECT_SCHED_CONTEXT, 0, BOOT_SLOT_SCHED_CONTEXT);
    give(&maker, OBJECT_IRQ_CONTROL, BOOT_SLOT_IRQ_CONTROL);
    give(&maker, OBJECT_SCHED_CONTROL, BOOT_SLOT_SCHED_CONTROL);
    give(&maker, OBJECT_KERNEL, BOOT_SLOT_KERNEL);
    give(&maker, OBJECT_TRACE, BOOT_SLOT_TRACE);
    give(&maker, OBJECT_PMU_CONTROL, BOOT_SLOT_PMU_CONTROL);
    struct cap tables = make(&maker, OBJECT_TABLES, INIT_TABLES_BITS, maker.next_slot++);
    maker.vspace = cap_vspace(vspace);
    if (vspace_feed(maker.vspace, tables.slot) != OK) {
        panic("init gets no page tables");
    }

    struct cap page = make(&maker, OBJECT_FRAME, PAGE_BITS, maker.next_slot++);
    maker.info = cap_object(page.head);
    map_page(&maker, page, INIT_INFO_ADDRESS, FRAME_READ);
    map_page(&maker, buffer, INIT_BUFFER_ADDRESS, FRAME_READ | FRAME_WRITE);
    buffer = slot_read(buffer.slot);
    for (unsigned i = 0; i < image->segment_count; i++) {
        map_segment(&maker, &image->segment[i]);
    }
    map_archive(&maker);

    struct boot_info *info = maker.info;
    info->magic = BOOT_MAGIC;
    info->cores = boot->cores;
    info->clock_hz = boot->clock_hz;
    info->entry_count = boot->entry_count;
    give_devices(&maker);
    give_memory(&maker);
    info->first_free_slot = maker.next_slot;

    struct tcb *init = cap_thread(thread);
    struct cap const own[] = { maker.cnode, vspace, buffer };
    for (unsigned i = 0; i < array_length(own); i++) {
        cap_copy(own[i], &init->slots[i], RIGHTS_ALL, cap_copied_arg(own[i]));
        thread_slot_changed(init, (enum thread_slot)i);
    }
    memcpy(init->name, "init", 5);
    init->priority = init->base = INIT_PRIORITY;
    word slice = clock_to_ticks(INIT_SLICE_NS);
    time_configure(&cpu0, cap_sched_context(time), slice, 0);
    time_bind(&cpu0, cap_sched_context(time), init);
    arch_thread_start(init, image->entry, 0, 0, INIT_INFO_ADDRESS, INIT_BUFFER_ADDRESS);
    thread_unattend(init, ATTENTION_STOPPED);
    sched_ready(&cpu0, init);
    return init;
}

/* What an interrupt that another thread is woken for takes from the one that runs: until time is counted
 * for the other, and from when it no longer is. In instructions, measured by the boot test `throttle`. */
#define INTERRUPTION_NS 400ul

struct tcb *kernel_boot(struct boot *boot, word stack_top)
{
    clock_hz = boot->clock_hz;
    cpu_init(&cpu0);
    cpu0.stack = stack_top;
    cpu0.interruption = clock_to_ticks(INTERRUPTION_NS);
    family_init(&families[0], 0);
    cpu0.ring.frame.place = PLACE_TRACE;
    for (unsigned i = 0; i < ARCH_IRQS; i++) {
        irqs[i].notification.place = PLACE_IRQ;
    }
    (void)make_init(boot);
    return kernel_start(&cpu0);
}

/* ---- The end ---- */

static void print_events(void)
{
    if (!CONFIG_DEBUG) {
        return;
    }
    kprint("The last events:\n");
    word first = trace_count > 16 ? trace_count - 16 : 0;
    for (word i = first; i < trace_count; i++) {
        struct trace_entry const *e = &trace_last[i % TRACE_LAST];
        kprint("  %10s %lx %lx %lx\n", trace_event_name(e->event),
               e->thread == 0 ? 0 : (word)link_target(e->thread), e->words[0], e->words[1]);
    }
}

void panic(char const *format, ...)
{
    static bool again;
    if (again) {
        arch_stop(1); /* the panic itself went wrong */
    }
    again = true;
    kprint("\nPANIC: ");
    va_list args;
    va_start(args, format);
    kvprint(format, args);
    va_end(args);
    kprint("\n");
    struct tcb const *thread = cpu0.current;
    if (thread != NULL) {
        char name[sizeof thread->name + 1] = "";
        memcpy(name, thread->name, sizeof thread->name);
        kprint("Thread \"%s\" (%p), priority %u, last system call %s(%lx), tag %lx (%s)\n", name,
               (void const *)thread, thread->priority, syscall_name(cpu0.last_call & 31),
               cpu0.last_call & ~31ul, cpu0.last_tag, method_name(tag_label(cpu0.last_tag)));
    }
    arch_print_state(thread);
    print_events();
    arch_stop(1);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <idl/memory_client.h>
#include <tessera/string.h>

/* Where every program has its first thread's stack and message buffer, and where init looks at
 * the pages that it fills. */
#define STACK_TOP      0x3000000000ul
#define BUFFER_ADDRESS 0x3000001000ul
#define WORK_ADDRESS   0x40000000ul

#define PAGE        (1ul << PAGE_BITS)
#define TABLES_BITS 16

static void check(enum err err, char const *what, char const *name)
{
    if (err != OK) {
        init_fail(what, name, err);
    }
}

/* ---- The plan ---- */

static bool is_range(uint32_t first, uint32_t count, uint32_t all)
{
    return first <= all && count <= all - first;
}

/* Whether an array of texts or objects has what a capability takes. */
static bool is_known(struct plan const *plan, struct plan_capability const *c)
{
    switch ((enum plan_source)c->source) {
    case PLAN_SOURCE_OBJECT:
        return c->index < plan->object_count;
    case PLAN_SOURCE_INTERRUPT:
    case PLAN_SOURCE_PORTS:
        return c->index < plan->device_count;
    default:
        return c->source <= PLAN_SOURCE_PMU_CONTROL;
    }
}

/* Whether every index of the plan points into it, and every text in it ends. */
static bool plan_is_sound(struct system const *s)
{
    struct plan const *plan = s->plan;
    bool sound = plan->stop_with == PLAN_NONE || plan->stop_with < plan->program_count;
    for (uint32_t i = 0; i < plan->device_count; i++) {
        sound = sound && s->devices[i].compatible[sizeof s->devices[i].compatible - 1] == 0;
    }
    for (uint32_t i = 0; i < plan->program_count; i++) {
        struct plan_program const *p = &s->programs[i];
        sound = sound && p->name[sizeof p->name - 1] == 0 && p->stack_bits < 64 &&
                is_range(p->first_capability, p->capability_count, plan->capability_count) &&
                is_range(p->first_mapping, p->mapping_count, plan->mapping_count) &&
                (p->pager == PLAN_NONE || p->pager < plan->object_count);
    }
    for (uint32_t i = 0; i < plan->capability_count; i++) {
        sound = sound && is_known(plan, &s->capabilities[i]);
    }
    for (uint32_t i = 0; i < plan->mapping_count; i++) {
        uint32_t device = s->mappings[i].device;
        sound = sound && (device == PLAN_NONE || device < plan->device_count);
    }
    return sound;
}

void build_read_plan(struct builder *b)
{
    char const *data;
    size_t size;
    if (!archive_find(&b->archive, "plan", 4, &data, &size)) {
        init_fail("the boot archive has no plan", "", OK);
    }
    struct plan const *plan = (struct plan const *)data;
    if (size < sizeof *plan || plan->magic != PLAN_MAGIC ||
        plan->program_count > PLAN_MOST_PROGRAMS || plan->object_count > PLAN_MOST_OBJECTS) {
        init_fail("the plan is not one, or too large", "", OK);
    }
    struct system *s = &b->system;
    s->plan = plan;
    s->devices = (struct plan_device const *)(plan + 1);
    s->objects = (struct plan_object const *)(s->devices + plan->device_count);
    s->programs = (struct plan_program const *)(s->objects + plan->object_count);
    s->capabilities = (struct plan_capability const *)(s->programs + plan->program_count);
    s->mappings = (struct plan_mapping const *)(s->capabilities + plan->capability_count);
    if ((char const *)(s->mappings + plan->mapping_count) != data + size) {
        init_fail("the plan has the wrong size", "", OK);
    }
    if (!plan_is_sound(s)) {
        init_fail("the plan points beyond itself", "", OK);
    }
}

/* ---- Devices ---- */

static struct device_info const *find_device(struct builder const *b, uint32_t index)
{
    struct plan_device const *wanted = &b->system.devices[index];
    uint64_t after = 0;
    struct device_info const *found = NULL;
    /* The one with the next higher address, as often as its number says. */
    for (uint32_t n = 0; n <= wanted->number; n++) {
        found = NULL;
        for (uint32_t i = 0; i < b->info->device_count; i++) {
            struct device_info const *d = &b->info->device[i];
            bool same = memcmp(d->name, wanted->compatible, sizeof d->name) == 0;
            if (same && (n == 0 || d->address > after) &&
                (found == NULL || d->address < found->address)) {
                found = d;
            }
        }
        if (found == NULL) {
            init_fail("this machine lacks the device", (char const *)wanted->compatible, OK);
        }
        after = found->address;
    }
    return found;
}

static cptr_t device_frame(struct builder *b, struct device_info const *device, uint8_t bits)
{
    for (uint32_t i = 0; i < b->info->memory_count; i++) {
        struct memory_info const *memory = &b->info->memory[i];
        if (memory->slot == device->slot) {
            uint32_t slot = sys_slot_take(&b->resources.slots);
            check(sys_untyped_carve(CPTR(memory->slot), device->address - memory->address, bits,
                                    b->resources.cnode, slot),
                  "no memory of device", (char const *)device->name);
            return CPTR(slot);
        }
    }
    init_fail("no memory of device", (char const *)device->name, OK);
}

/* ---- Memory of a program ---- */

static cptr_t make(struct builder *b, enum object_type type, uint8_t size, char const *name)
{
    cptr_t cap;
    check(sys_make(&b->resources, type, size, &cap), "no memory for program", name);
    return cap;
}

static void map(struct builder *b, struct running *running, cptr_t frame, uint64_t address,
                uint64_t rights, char const *name)
{
    enum err err = sys_frame_map(frame, running->vspace, address, rights);
    if (err == ERR_NEED_TABLES) {
        cptr_t tables = make(b, OBJECT_TABLES, TABLES_BITS, name);
        check(sys_vspace_feed(running->vspace, tables), "no page tables for program", name);
        err = sys_frame_map(frame, running->vspace, address, rights);
    }
    check(err, "cannot map memory of program", name);
}

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, segment_count, section_size, section_count, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

#define ELF_LOAD  1
#define ELF_EXEC  1
#define ELF_WRITE 2

/* One page of a program's file, or of zeroes behind it. */
static void load_page(struct builder *b, struct running *running, char const *data, size_t size,
                      uint64_t address, uint64_t rights, char const *name)
{
    cptr_t frame = make(b, OBJECT_FRAME, PAGE_BITS, name);
    if (size != 0) {
        struct running const self = { .vspace = b->resources.vspace };
        map(b, (struct running *)&self, frame, WORK_ADDRESS, FRAME_READ | FRAME_WRITE, name);
        memcpy((void *)WORK_ADDRESS, data, size);
        check(sys_frame_unmap(frame), "cannot unmap memory of program", name);
    }
    map(b, running, frame, address, rights, name);
}

static void load_segment(struct builder *b, struct running *running, char const *file,
                         struct elf_segment const *segment, char const *name)
{
    uint64_t rights = FRAME_READ;
    rights |= segment->flags & ELF_WRITE ? FRAME_WRITE : 0;
    rights |= segment->flags & ELF_EXEC ? FRAME_EXECUTE : 0;
    for (uint64_t at = 0; at < segment->memory_size; at += PAGE) {
        uint64_t left = at < segment->file_size ? segment->file_size - at : 0;
        load_page(b, running, file + segment->offset + at, left < PAGE ? left : PAGE,
                  segment->address + at, rights, name);
    }
}

static void load(struct builder *b, struct running *running, struct plan_program const *program)
{
    char const *name = (char const *)program->name;
    char const *file;
    size_t size;
    if (!archive_find(&b->archive, (char const *)program->file, sizeof program->file, &file,
                      &size)) {
        init_fail("the boot archive lacks the file of program", name, OK);
    }
    struct elf_header const *elf = (struct elf_header const *)file;
    if (size < sizeof *elf || memcmp(elf->ident, "\177ELF\2\1", 6) != 0 ||
        elf->segment_size != sizeof(struct elf_segment) || elf->segments > size ||
        elf->segments % ARCHIVE_ALIGN != 0 ||
        elf->segment_count * sizeof(struct elf_segment) > size - elf->segments) {
        init_fail("not an executable: the file of program", name, OK);
    }
    struct elf_segment const *segments = (struct elf_segment const *)(file + elf->segments);
    for (unsigned i = 0; i < elf->segment_count; i++) {
        struct elf_segment const *s = &segments[i];
        if (s->type == ELF_LOAD && s->memory_size != 0) {
            if (s->offset > size || s->file_size > size - s->offset || s->address % PAGE != 0) {
                init_fail("a bad segment in the file of program", name, OK);
            }
            load_segment(b, running, file, s, name);
        }
    }
    running->entry = elf->entry;
}

/* ---- Capabilities of a program ---- */

static void give_capability(struct builder *b, struct running *running,
                            struct plan_capability const *c, char const *name)
{
    cptr_t source = CPTR_NONE;
    enum err err;
    switch ((enum plan_source)c->source) {
    case PLAN_SOURCE_OBJECT:
        source = b->objects[c->index];
        break;
    case PLAN_SOURCE_OWN_CNODE:
        source = running->cnode;
        break;
    case PLAN_SOURCE_OWN_VSPACE:
        source = running->vspace;
        break;
    case PLAN_SOURCE_OWN_THREAD:
        source = running->thread;
        break;
    case PLAN_SOURCE_UNTYPED: {
        cptr_t memory = make(b, OBJECT_UNTYPED, c->bits, name);
        err = sys_cnode_move(running->cnode, c->slot, b->resources.cnode,
                             (uint32_t)(memory.raw >> SLOT_BITS));
        check(err, "cannot give memory to program", name);
        sys_slot_give(&b->resources.slots, (uint32_t)(memory.raw >> SLOT_BITS));
        return;
    }
    case PLAN_SOURCE_INTERRUPT:
        err = sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), find_device(b, c->index)->irq,
                                    running->cnode, c->slot);
        check(err, "cannot give an interrupt to program", name);
        return;
    case PLAN_SOURCE_PORTS:
        source = CPTR(find_device(b, c->index)->slot);
        break;
    case PLAN_SOURCE_IRQ_CONTROL:
        source = CPTR(BOOT_SLOT_IRQ_CONTROL);
        break;
    case PLAN_SOURCE_SCHED_CONTROL:
        source = CPTR(BOOT_SLOT_SCHED_CONTROL);
        break;
    case PLAN_SOURCE_REPORT:
        err = sys_cnode_copy(running->cnode, c->slot, b->reports, NOTIFICATION_SIGNAL);
        check(err, "cannot give a notification to program", name);
        return;
    case PLAN_SOURCE_KERNEL:
        source = CPTR(BOOT_SLOT_KERNEL);
        break;
    case PLAN_SOURCE_TRACE:
        source = CPTR(BOOT_SLOT_TRACE);
        break;
    case PLAN_SOURCE_PMU_CONTROL:
        source = CPTR(BOOT_SLOT_PMU_CONTROL);
        break;
    }
    err = c->badge != 0 ? sys_cnode_mint(running->cnode, c->slot, source, c->rights, c->badge)
                        : sys_cnode_copy(running->cnode, c->slot, source, c->rights);
    check(err, "cannot give a capability to program", name);
}

/* The boot archive, one frame behind the other. */
static void map_archive(struct builder *b, struct running *running, struct plan_mapping const *m,
                        char const *name)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < b->info->archive_frames; i++) {
        uint8_t type;
        uint64_t rights, bits;
        uint32_t slot = sys_slot_take(&b->resources.slots);
        check(sys_cnode_inspect(b->resources.cnode, b->info->archive_slot + i, &type, &rights, &bits),
              "no boot archive for program", name);
        if ((1ul << bits) > (1ul << m->bits) - at) {
            init_fail("the boot archive is larger than its place in program", name, OK);
        }
        check(sys_cnode_copy(b->resources.cnode, slot, CPTR(b->info->archive_slot + i), FRAME_READ),
              "no boot archive for program", name);
        map(b, running, CPTR(slot), m->address + at, FRAME_READ, name);
        at += 1ul << bits;
    }
}

/* ---- Programs ---- */

/* Where the faults of a program go that has a pager: the badge says which program it is. */
static cptr_t pager_endpoint(struct builder *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    uint32_t slot = sys_slot_take(&b->resources.slots);
    check(sys_cnode_mint(b->resources.cnode, slot, b->objects[program->pager], ENDPOINT_SEND, index + 1),
          "no pager for program", (char const *)program->name);
    return CPTR(slot);
}

static void build_program(struct builder *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    struct running *running = &b->running[index];
    char const *name = (char const *)program->name;
    running->cnode = make(b, OBJECT_CNODE, program->cnode_radix, name);
    running->vspace = make(b, OBJECT_VSPACE, 0, name);
    running->thread = make(b, OBJECT_THREAD, 0, name);
    load(b, running, program);

    cptr_t stack = make(b, OBJECT_FRAME, program->stack_bits, name);
    uint64_t bottom = STACK_TOP - (1ul << program->stack_bits);
    map(b, running, stack, bottom, FRAME_READ | FRAME_WRITE, name);
    cptr_t buffer = make(b, OBJECT_FRAME, PAGE_BITS, name);
    map(b, running, buffer, BUFFER_ADDRESS, FRAME_READ | FRAME_WRITE, name);

    uint32_t slot = sys_slot_take(&b->resources.slots);
    check(sys_cnode_mint(b->resources.cnode, slot, b->endpoint, ENDPOINT_SEND, index + 1),
          "no endpoint for program", name);
    check(sys_cnode_copy(running->cnode, 1, CPTR(slot), ENDPOINT_SEND), "no endpoint for program",
          name);
    cptr_t faults = program->pager == PLAN_NONE ? CPTR(slot) : pager_endpoint(b, index);
    check(sys_thread_configure(running->thread, running->cnode, running->vspace, buffer, faults),
          "cannot configure program", name);

    uint64_t words[2];
    memcpy(words, program->name, sizeof words);
    check(sys_thread_name(running->thread, words[0], words[1]), "cannot name program", name);
    cptr_t control = CPTR(BOOT_SLOT_SCHED_CONTROL);
    cptr_t time = make(b, OBJECT_SCHED_CONTEXT, 0, name);
    enum err err = sys_sched_control_configure(control, time, program->slice, 0);
    if (err == OK) {
        err = sys_sched_context_bind(time, running->thread);
    }
    if (err == OK) {
        err = sys_sched_control_set_priority(control, running->thread, program->priority);
    }
    check(err, "cannot give time to program", name);

    for (uint32_t i = 0; i < program->capability_count; i++) {
        give_capability(b, running, &b->system.capabilities[program->first_capability + i], name);
    }
    for (uint32_t i = 0; i < program->mapping_count; i++) {
        struct plan_mapping const *m = &b->system.mappings[program->first_mapping + i];
        if (m->device == PLAN_NONE) {
            map_archive(b, running, m, name);
            continue;
        }
        cptr_t frame = device_frame(b, find_device(b, m->device), (uint8_t)m->bits);
        map(b, running, frame, m->address, m->rights, name);
    }
}

void build_all(struct builder *b)
{
    for (uint32_t i = 0; i < b->system.plan->object_count; i++) {
        struct plan_object const *object = &b->system.objects[i];
        b->objects[i] = make(b, (enum object_type)object->type, object->size, "(shared object)");
    }
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        build_program(b, i);
    }
}

void build_start(struct builder *b, uint32_t index)
{
    struct running const *running = &b->running[index];
    struct plan_program const *program = &b->system.programs[index];
    if (program->pager != PLAN_NONE) {
        struct memory_supervisor pager = { b->objects[program->pager] };
        check(memory_supervisor_adopt(pager, index + 1, program->limit, running->vspace),
              "the memory server refuses program", (char const *)program->name);
    }
    check(sys_thread_start(running->thread, running->entry, STACK_TOP, 0,
                           b->info->clock_hz, BUFFER_ADDRESS),
          "cannot start program", (char const *)b->system.programs[index].name);
}

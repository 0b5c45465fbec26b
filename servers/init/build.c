/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include "elf.h"

#include <idl/memory_client.h>
#include <tessera/admission.h>
#include <tessera/string.h>

/* Where every program has its first thread's stack and message buffer. */
#define STACK_TOP      0x3000000000ul
#define BUFFER_ADDRESS 0x3000001000ul

#define PAGE (1ul << PAGE_BITS)
/* For a program's page tables, thread, time and message buffer, and what alignment takes. */
#define SMALL_PARTS 0x60000ul

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
        return c->source <= PLAN_SOURCE_INIT_CONTROL;
    }
}

/* Whether every index of the plan points into it, and every text in it ends. */
static bool plan_is_sound(struct system const *s)
{
    struct plan const *plan = s->plan;
    bool sound = (plan->stop_with == PLAN_NONE || plan->stop_with < plan->program_count) &&
                 (plan->cores == PLAN_NONE || plan->cores < plan->object_count);
    for (uint32_t i = 0; i < plan->device_count; i++) {
        sound = sound && s->devices[i].compatible[sizeof s->devices[i].compatible - 1] == 0;
    }
    for (uint32_t i = 0; i < plan->program_count; i++) {
        struct plan_program const *p = &s->programs[i];
        sound = sound && p->name[sizeof p->name - 1] == 0 && p->stack_bits < 32 &&
                p->cnode_radix <= MAX_CNODE_RADIX &&
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
        plan->program_count > PLAN_MOST_PROGRAMS || plan->object_count > PLAN_MOST_OBJECTS ||
        plan->capability_count > PLAN_MOST_CAPABILITIES) {
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

static cptr_t device_frame(struct builder *b, struct sys_resources *means,
                           struct device_info const *device, uint8_t bits)
{
    for (uint32_t i = 0; i < b->info->memory_count; i++) {
        struct memory_info const *memory = &b->info->memory[i];
        if (memory->slot == device->slot) {
            uint32_t slot = sys_slot_take(&means->slots);
            check(sys_untyped_carve(CPTR(memory->slot), device->address - memory->address, bits,
                                    means->cnode, slot),
                  "no memory of device", (char const *)device->name);
            return CPTR(slot);
        }
    }
    init_fail("no memory of device", (char const *)device->name, OK);
}

/* ---- Memory of a program ---- */

static cptr_t make(struct sys_resources *means, enum object_type type, uint8_t size,
                   char const *name)
{
    cptr_t cap;
    check(sys_make(means, type, size, &cap), "no memory for program", name);
    return cap;
}

static void map(struct running *running, cptr_t frame, uint64_t address, uint64_t rights,
                char const *name)
{
    check(sys_map_at(&running->means, running->vspace, frame, address, rights),
          "cannot map memory of program", name);
}

#define ELF_EXEC  1
#define ELF_WRITE 2

/* A program's file; what is to be loaded lies in it. */
struct image {
    char const *file;
    struct elf_segment const *segments;
    unsigned count;
    uint64_t entry;
};

static bool is_loaded(struct elf_segment const *segment)
{
    return segment->type == ELF_LOAD && segment->memory_size != 0;
}

static struct image find_image(struct builder const *b, struct plan_program const *program)
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
        if (is_loaded(s) &&
            (s->offset > size || s->file_size > size - s->offset || s->address % PAGE != 0)) {
            init_fail("a bad segment in the file of program", name, OK);
        }
    }
    return (struct image){ file, segments, elf->segment_count, elf->entry };
}

/* One page of a program's file, or of zeroes behind it. */
static void load_page(struct builder *b, struct running *running, char const *data, size_t size,
                      uint64_t address, uint64_t rights, char const *name)
{
    cptr_t frame = make(&running->means, OBJECT_FRAME, PAGE_BITS, name);
    if (size != 0) {
        check(sys_map_at(&b->resources, b->resources.vspace, frame, BUILD_WORK_ADDRESS,
                         FRAME_READ | FRAME_WRITE),
              "cannot fill memory of program", name);
        memcpy((void *)BUILD_WORK_ADDRESS, data, size);
        check(sys_frame_unmap(frame), "cannot unmap memory of program", name);
    }
    map(running, frame, address, rights, name);
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
    struct image image = find_image(b, program);
    for (unsigned i = 0; i < image.count; i++) {
        if (is_loaded(&image.segments[i])) {
            load_segment(b, running, image.file, &image.segments[i], (char const *)program->name);
        }
    }
    running->entry = image.entry;
}

/* ---- Memory for all programs ---- */

/* What a program is made of fits into memory of 2^this bytes. */
static uint8_t home_bits(struct builder const *b, struct plan_program const *program)
{
    struct image image = find_image(b, program);
    uint64_t bytes =
        SMALL_PARTS + (2ul << program->stack_bits) + (1ul << (program->cnode_radix + SLOT_BITS));
    for (unsigned i = 0; i < image.count; i++) {
        bytes += is_loaded(&image.segments[i]) ? image.segments[i].memory_size + PAGE : 0;
    }
    uint8_t bits = PAGE_BITS;
    while ((1ul << bits) < bytes) {
        bits++;
    }
    return bits;
}

bool build_wants_nodes(struct builder const *b)
{
    bool wants = false;
    for (uint32_t i = 0; i < b->system.plan->capability_count; i++) {
        struct plan_capability const *c = &b->system.capabilities[i];
        wants = wants || (c->source == PLAN_SOURCE_UNTYPED && c->node != PLAN_NONE);
    }
    return wants;
}

cptr_t build_memory(struct builder const *b, uint32_t node)
{
    struct memory_info const *best = NULL;
    for (uint32_t i = 0; i < b->info->memory_count; i++) {
        struct memory_info const *m = &b->info->memory[i];
        bool suits = !m->device && (node == PLAN_NONE || node == b->nodes[i]);
        if (suits && (best == NULL || m->bits > best->bits)) {
            best = m;
        }
    }
    if (best == NULL) {
        init_fail("this machine lacks memory, or a node of memory that the plan wants", "", OK);
    }
    return CPTR(best->slot);
}

/* Untyped memory for a program, on a node or anywhere. */
static cptr_t reserve(struct builder *b, struct plan_capability const *c, char const *name)
{
    struct sys_resources from = b->resources;
    if (c->node != PLAN_NONE) {
        from.memory = build_memory(b, c->node);
    }
    cptr_t cap = make(&from, OBJECT_UNTYPED, c->bits, name);
    b->resources.slots = from.slots;
    return cap;
}

static void reserve_bits(struct builder *b, uint32_t index, uint8_t bits)
{
    struct plan_program const *program = &b->system.programs[index];
    struct running *running = &b->running[index];
    char const *name = (char const *)program->name;
    if (running->home_bits == bits) {
        running->means.memory = make(&b->resources, OBJECT_UNTYPED, bits, name);
    }
    for (uint32_t i = 0; i < program->capability_count; i++) {
        uint32_t c = program->first_capability + i;
        if (b->system.capabilities[c].source == PLAN_SOURCE_UNTYPED &&
            b->system.capabilities[c].bits == bits) {
            b->sources[c] = reserve(b, &b->system.capabilities[c], name);
        }
    }
}

/* The largest first: so little is lost between them. */
void build_reserve(struct builder *b)
{
    uint32_t count = b->system.plan->program_count;
    for (uint32_t i = 0; i < count; i++) {
        b->running[i].home_bits = home_bits(b, &b->system.programs[i]);
    }
    for (uint8_t bits = MAX_UNTYPED_BITS; bits >= PAGE_BITS; bits--) {
        for (uint32_t i = 0; i < count; i++) {
            reserve_bits(b, i, bits);
        }
    }
}

/* ---- Capabilities of a program ---- */

/* The objects that a program has in common with others, or with init. */
static cptr_t source_of(struct builder const *b, struct running const *running,
                        struct plan_capability const *c)
{
    switch ((enum plan_source)c->source) {
    case PLAN_SOURCE_OBJECT:
        return b->objects[c->index];
    case PLAN_SOURCE_OWN_CNODE:
        return running->cnode;
    case PLAN_SOURCE_OWN_VSPACE:
        return running->vspace;
    case PLAN_SOURCE_OWN_THREAD:
        return running->thread;
    case PLAN_SOURCE_PORTS:
        return CPTR(find_device(b, c->index)->slot);
    case PLAN_SOURCE_IRQ_CONTROL:
        return CPTR(BOOT_SLOT_IRQ_CONTROL);
    case PLAN_SOURCE_SCHED_CONTROL:
        return CPTR(BOOT_SLOT_SCHED_CONTROL);
    case PLAN_SOURCE_REPORT:
        return b->reports;
    case PLAN_SOURCE_KERNEL:
        return CPTR(BOOT_SLOT_KERNEL);
    case PLAN_SOURCE_TRACE:
        return CPTR(BOOT_SLOT_TRACE);
    case PLAN_SOURCE_PMU_CONTROL:
        return CPTR(BOOT_SLOT_PMU_CONTROL);
    case PLAN_SOURCE_INIT_CONTROL:
        return b->endpoint;
    case PLAN_SOURCE_UNTYPED:
    case PLAN_SOURCE_INTERRUPT:
        break;
    }
    return CPTR_NONE;
}

/* A capability for a program, in a slot of init's: what the program derives from its copy goes with
 * this one. CPTR_NONE if the object is gone, with the program that served it. */
static cptr_t own_copy(struct builder *b, struct running *running, struct plan_capability const *c,
                       char const *name)
{
    struct sys_resources *means = &running->means;
    uint32_t slot = sys_slot_take(&means->slots);
    uint64_t badge = c->badge, rights = c->rights;
    enum err err;
    if (c->source == PLAN_SOURCE_INTERRUPT) {
        err = sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), find_device(b, c->index)->irq,
                                    means->cnode, slot);
        check(err, "cannot give an interrupt to program", name);
        return CPTR(slot);
    }
    cptr_t source = source_of(b, running, c);
    if (source.raw == 0) {
        return CPTR_NONE;
    }
    if (c->source == PLAN_SOURCE_INIT_CONTROL) {
        badge = INIT_CONTROL_BADGE;
        rights = ENDPOINT_SEND;
    } else if (c->source == PLAN_SOURCE_REPORT) {
        rights = NOTIFICATION_SIGNAL;
    }
    err = badge != 0 ? sys_cnode_mint(means->cnode, slot, source, rights, badge)
                     : sys_cnode_copy(means->cnode, slot, source, rights);
    check(err, "cannot give a capability to program", name);
    return CPTR(slot);
}

static void give_capability(struct builder *b, struct running *running, uint32_t index,
                            char const *name)
{
    struct plan_capability const *c = &b->system.capabilities[index];
    if (c->source == PLAN_SOURCE_UNTYPED) { /* all of what is set aside for it */
        check(sys_untyped_retype(b->sources[index], OBJECT_UNTYPED, c->bits, 1, running->cnode,
                                 c->slot),
              "cannot give memory to program", name);
        return;
    }
    b->sources[index] = own_copy(b, running, c, name);
    if (b->sources[index].raw != 0) {
        check(sys_cnode_copy(running->cnode, c->slot, b->sources[index], ~0ul),
              "cannot give a capability to program", name);
    }
}

/* The boot archive, one frame behind the other. */
static void map_archive(struct builder *b, struct running *running, struct plan_mapping const *m,
                        char const *name)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < b->info->archive_frames; i++) {
        uint8_t type;
        uint64_t rights, bits;
        uint32_t slot = sys_slot_take(&running->means.slots);
        check(sys_cnode_inspect(b->resources.cnode, b->info->archive_slot + i, &type, &rights, &bits),
              "no boot archive for program", name);
        if ((1ul << bits) > (1ul << m->bits) - at) {
            init_fail("the boot archive is larger than its place in program", name, OK);
        }
        check(sys_cnode_copy(b->resources.cnode, slot, CPTR(b->info->archive_slot + i), FRAME_READ),
              "no boot archive for program", name);
        map(running, CPTR(slot), m->address + at, FRAME_READ, name);
        at += 1ul << bits;
    }
}

/* ---- Programs ---- */

/* Where the faults of a program go that has a pager: the badge says which program it is. */
static cptr_t pager_endpoint(struct builder *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    uint32_t slot = sys_slot_take(&b->running[index].means.slots);
    check(sys_cnode_mint(b->resources.cnode, slot, b->objects[program->pager], ENDPOINT_SEND, index + 1),
          "no pager for program", (char const *)program->name);
    return CPTR(slot);
}

/* Whether there is time for a program beside those that have theirs. */
static bool is_admitted(struct builder const *b, uint32_t index)
{
    struct sys_demand demands[PLAN_MOST_PROGRAMS];
    unsigned count = 0;
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        struct plan_program const *p = &b->system.programs[i];
        bool has_time = b->running[i].time.raw != 0 && !b->running[i].is_down;
        if (p->period != 0 && (has_time || i == index)) {
            demands[count++] = (struct sys_demand){ p->budget, p->period };
        }
    }
    return sys_admits(demands, count);
}

/* Its time bears its number, so that init knows whose was used up; init is told of that if the plan
 * says so. */
static enum err give_time(struct builder *b, uint32_t index, cptr_t endpoint)
{
    cptr_t control = CPTR(BOOT_SLOT_SCHED_CONTROL);
    struct plan_program const *program = &b->system.programs[index];
    struct running *running = &b->running[index];
    running->time = make(&running->means, OBJECT_SCHED_CONTEXT, 0, (char const *)program->name);
    running->overruns = 0;
    enum err err = sys_sched_control_configure(control, running->time, program->budget, program->period);
    if (err == OK && program->tells_overruns) {
        err = sys_sched_control_mark(control, running->time, index + 1);
    }
    if (err == OK && program->tells_overruns) {
        err = sys_thread_set_time_out(running->thread, endpoint);
    }
    if (err == OK) {
        err = sys_sched_context_bind(running->time, running->thread);
    }
    if (err == OK) {
        err = sys_sched_control_set_priority(control, running->thread, program->priority);
    }
    return err;
}

void build_program(struct builder *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    struct running *running = &b->running[index];
    struct sys_resources *means = &running->means;
    char const *name = (char const *)program->name;
    running->cnode = make(means, OBJECT_CNODE, program->cnode_radix, name);
    running->vspace = make(means, OBJECT_VSPACE, 0, name);
    running->thread = make(means, OBJECT_THREAD, 0, name);
    load(b, running, program);

    cptr_t stack = make(means, OBJECT_FRAME, program->stack_bits, name);
    uint64_t bottom = STACK_TOP - (1ul << program->stack_bits);
    map(running, stack, bottom, FRAME_READ | FRAME_WRITE, name);
    cptr_t buffer = make(means, OBJECT_FRAME, PAGE_BITS, name);
    map(running, buffer, BUFFER_ADDRESS, FRAME_READ | FRAME_WRITE, name);

    uint32_t slot = sys_slot_take(&means->slots);
    check(sys_cnode_mint(means->cnode, slot, b->endpoint, ENDPOINT_SEND, index + 1),
          "no endpoint for program", name);
    check(sys_cnode_copy(running->cnode, 1, CPTR(slot), ENDPOINT_SEND), "no endpoint for program",
          name);
    cptr_t faults = program->pager == PLAN_NONE ? CPTR(slot) : pager_endpoint(b, index);
    check(sys_thread_configure(running->thread, running->cnode, running->vspace, buffer, faults),
          "cannot configure program", name);

    uint64_t words[2];
    memcpy(words, program->name, sizeof words);
    check(sys_thread_name(running->thread, words[0], words[1]), "cannot name program", name);
    if (!is_admitted(b, index)) {
        init_fail("the processor has not the time that is promised to program", name, OK);
    }
    check(give_time(b, index, CPTR(slot)), "cannot give time to program", name);

    for (uint32_t i = 0; i < program->capability_count; i++) {
        give_capability(b, running, program->first_capability + i, name);
    }
    for (uint32_t i = 0; i < program->mapping_count; i++) {
        struct plan_mapping const *m = &b->system.mappings[program->first_mapping + i];
        if (m->device == PLAN_NONE) {
            map_archive(b, running, m, name);
            continue;
        }
        cptr_t frame =
            device_frame(b, means, find_device(b, m->device), (uint8_t)m->bits);
        map(running, frame, m->address, m->rights, name);
    }
}

void build_all(struct builder *b)
{
    for (uint32_t i = 0; i < b->system.plan->object_count; i++) {
        struct plan_object const *object = &b->system.objects[i];
        b->objects[i] =
            make(&b->resources, (enum object_type)object->type, object->size, "(shared object)");
    }
    /* Now, so that these slots are not among a program's. */
    check(sys_vspace_feed(b->resources.vspace, make(&b->resources, OBJECT_TABLES, 16, "init")),
          "cannot map memory of program", "init");
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        struct running *running = &b->running[i];
        cptr_t home = running->means.memory;
        running->means = b->resources;
        running->means.memory = home;
        running->first_slot = b->resources.slots.next;
        build_program(b, i);
        b->resources.slots.next = running->means.slots.next;
    }
}

void build_start(struct builder *b, uint32_t index)
{
    struct running const *running = &b->running[index];
    struct plan_program const *program = &b->system.programs[index];
    if (program->pager != PLAN_NONE) {
        struct memory_supervisor pager = { b->objects[program->pager] };
        check(memory_supervisor_adopt(pager, index + 1, program->limit, program->node, program->colours,
                                      b->system.plan->page_colours, running->vspace),
              "the memory server refuses program", (char const *)program->name);
    }
    check(sys_thread_start(running->thread, running->entry, STACK_TOP, 0,
                           b->info->clock_hz, BUFFER_ADDRESS),
          "cannot start program", (char const *)b->system.programs[index].name);
}

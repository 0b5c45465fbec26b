/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread of its own writes a core file, as a client of the file server; init waits for it, but not for
 * ever: the file server may be at fault itself.
 *
 *      | ELF header | program headers: notes, regions | notes: program, threads | regions, page by page |
 */
#include "core.h"

#include "elf.h"
#include "restart.h"

#include <idl/vfs_client.h>
#include <tessera/core.h>
#include <tessera/print.h>
#include <tessera/start.h>
#include <tessera/string.h>
#include <tessera/thread.h>

#define PATIENCE_NS 5000000000ul
#define PRIORITY    254
#define SLICE_NS    10000000ul
#define SLOTS       16u
/* Among the sessions of the file server: the highest of user 0. */
#define BADGE 0xffffu

/* Where it looks at memory; all is in reach of the tables that map BUILD_WORK_ADDRESS. */
#define BUFFER_ADDRESS (BUILD_WORK_ADDRESS + 0x10000ul)
#define STACK_ADDRESS  (BUILD_WORK_ADDRESS + 0x80000ul)
#define VIEW_ADDRESS   (BUILD_WORK_ADDRESS + 0x100000ul)
#define VIEW_BITS      20u /* of larger frames the content is left out */

#define MOST_REGIONS 512u
#define MOST_THREADS 32u
#define PAGE         (1ul << PAGE_BITS)
#define REGISTERS    (sizeof core_registers / sizeof core_registers[0])

struct region {
    uint64_t address;
    cptr_t frame;
    uint64_t bits;
};

struct thread {
    uint64_t registers[REGISTER_WORDS];
    uint64_t floats[CORE_FLOAT_WORDS];
};

static struct {
    struct builder *b;
    struct sys_resources means;
    struct sys_thread writer;
    cptr_t server, session, view; /* slots for these */
    struct vfs_data data;         /* and for this */
    uint32_t index;               /* the program */
    uint64_t const *words;        /* its fault */
    char const *failure;          /* why there is no file; NULL: there is one */
    struct region region[MOST_REGIONS];
    uint32_t regions;
    struct thread thread[MOST_THREADS];
    uint32_t threads;
    uint32_t file;
    uint64_t at; /* in it */
} core;

/* ---- What there is to write ---- */

/* Devices and the boot archive are not the program's memory. */
static bool is_mapping(struct builder const *b, struct plan_program const *program, uint64_t address)
{
    bool found = false;
    for (uint32_t i = 0; i < program->mapping_count; i++) {
        struct plan_mapping const *m = &b->system.mappings[program->first_mapping + i];
        found = found || (address >= m->address && address - m->address < 1ul << m->bits);
    }
    return found;
}

/* The frames in these slots of a table that the program has mapped. */
static void find_regions(cptr_t table, uint32_t from, uint32_t end)
{
    struct plan_program const *program = &core.b->system.programs[core.index];
    uint64_t rights;
    uint8_t type;
    for (uint32_t slot = from; slot < end && core.regions < MOST_REGIONS; slot++) {
        struct region *r = &core.region[core.regions];
        r->frame = build_in_table(table, slot);
        if (sys_cnode_inspect(table, slot, &type, &rights, &r->bits) == OK && type == OBJECT_FRAME &&
            sys_frame_find(r->frame, core.b->running[core.index].vspace, &r->address) == OK &&
            !is_mapping(core.b, program, r->address)) {
            core.regions++;
        }
    }
}

static void add_thread(cptr_t thread)
{
    struct thread *t = &core.thread[core.threads];
    if (core.threads < MOST_THREADS && sys_thread_suspend(thread) == OK &&
        sys_thread_read_registers(thread) == OK) {
        memcpy(t->registers, sys_buffer()->words, sizeof t->registers);
        sys_ignore(sys_thread_read_floats(thread)); /* as the other one */
        memcpy(t->floats, sys_buffer()->words, sizeof t->floats);
        core_floats(t->floats);
        core.threads++;
    }
}

/* The one at fault comes first. Its registers begin with the program counter and the stack pointer. */
static void find_threads(void)
{
    struct running const *running = &core.b->running[core.index];
    add_thread(running->thread);
    for (uint32_t slot = 1; slot < 1u << core.b->system.programs[core.index].cnode_radix; slot++) {
        uint64_t rights, value;
        uint8_t type, is_first = 1;
        if (sys_cnode_inspect(running->cnode, slot, &type, &rights, &value) == OK &&
            type == OBJECT_THREAD &&
            sys_cnode_compare(running->cnode, slot, running->thread, &is_first) == OK && !is_first) {
            add_thread(build_in_table(running->cnode, slot));
        }
    }
    for (uint32_t i = 1; i < core.threads; i++) {
        uint64_t const *registers = core.thread[i].registers;
        if (registers[0] == core.words[2] && registers[1] == core.words[3]) {
            struct thread first = core.thread[0];
            core.thread[0] = core.thread[i];
            core.thread[i] = first;
        }
    }
}

/* What init has mapped into the program, and what programs have: itself, its pager. */
static void find_all(void)
{
    struct builder *b = core.b;
    struct running const *running = &b->running[core.index];
    core.regions = core.threads = 0;
    find_regions(b->resources.cnode, running->first_slot, running->means.slots.next);
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        if (!b->running[i].is_down) {
            find_regions(b->running[i].cnode, 1, 1u << b->system.programs[i].cnode_radix);
        }
    }
    find_threads();
}

/* ---- Writing ---- */

static bool put(void const *data, uint64_t length)
{
    char const *from = data;
    while (length > 0) {
        uint32_t done = 0, now = length < VFS_DATA_SIZE ? (uint32_t)length : VFS_DATA_SIZE;
        memcpy((void *)BUFFER_ADDRESS, from, now);
        struct sys_range range = { .length = now };
        if (vfs_session_write((struct vfs_session){ core.session }, core.file, core.at, range, &done) != OK ||
            done == 0) {
            core.failure = "there is no room for it";
            return false;
        }
        core.at += done;
        from += done;
        length -= done;
    }
    return true;
}

#define ELF_CORE 4
#define ELF_NOTE 4
#define ELF_ALL  7 /* to be read, written and executed */

/* Behind it its name and its data, each up to a multiple of four bytes. */
struct note {
    uint32_t name_size, size, type;
};

/* As the System V supplements and Linux have them for all three processors, where words have 8 bytes. */
struct status {
    uint32_t signal_info[3];
    uint16_t signal;
    uint16_t reserved;
    uint64_t pending, held;
    uint32_t thread, parent, group, session;
    uint64_t times[8];
    uint64_t registers[REGISTERS];
    uint64_t has_floats;
};

struct program_info {
    uint8_t state[8];
    uint64_t flags;
    uint32_t user, group, thread, parent, process_group, session;
    char name[16];
    char arguments[80];
};
_Static_assert(sizeof(struct program_info) == 136, "as debuggers want it");

#define NOTE_STATUS  1
#define NOTE_FLOATS  2
#define NOTE_PROGRAM 3
#define NOTE_GDB     0xff000000 /* a description of the registers */

#define CORE "CORE" /* names of notes */
#define GDB  "GDB"

#define IS_DESCRIBED          (sizeof core_description > 1)
#define FOURS(size)           (((size) + 3) & ~3ul)
#define NOTE_SIZE(name, data) (sizeof(struct note) + FOURS(sizeof(name)) + FOURS(sizeof(data)))

static uint64_t notes_size(uint32_t threads)
{
    return NOTE_SIZE(CORE, struct program_info) +
           (IS_DESCRIBED ? NOTE_SIZE(GDB, core_description) : 0) +
           threads * (NOTE_SIZE(CORE, struct status) + NOTE_SIZE(CORE, core.thread[0].floats));
}

/* The signal that other systems send for such a fault. */
static uint16_t signal_of(uint64_t fault)
{
    switch (fault) {
    case FAULT_KIND_INSTRUCTION:
        return 4;
    case FAULT_KIND_BREAKPOINT:
        return 5;
    case FAULT_KIND_ALIGNMENT:
        return 7;
    default:
        return 11;
    }
}

static uint64_t file_size(struct region const *r)
{
    return r->bits <= VIEW_BITS ? 1ul << r->bits : 0;
}

static bool put_headers(void)
{
    uint64_t notes = sizeof(struct elf_header) + (1 + core.regions) * sizeof(struct elf_segment);
    uint64_t size = notes_size(core.threads);
    struct elf_header header = {
        .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .type = ELF_CORE, .machine = CORE_MACHINE,
        .version = 1, .segments = sizeof header, .size = sizeof header,
        .segment_size = sizeof(struct elf_segment), .segment_count = (uint16_t)(1 + core.regions),
    };
    struct elf_segment segment = { .type = ELF_NOTE, .offset = notes, .file_size = size, .align = 4 };
    bool good = put(&header, sizeof header) && put(&segment, sizeof segment);
    uint64_t offset = (notes + size + PAGE - 1) & ~(PAGE - 1);
    for (uint32_t i = 0; i < core.regions && good; i++) {
        struct region const *r = &core.region[i];
        segment = (struct elf_segment){
            .type = ELF_LOAD, .flags = ELF_ALL, .offset = offset, .address = r->address,
            .file_size = file_size(r), .memory_size = 1ul << r->bits, .align = PAGE,
        };
        offset += segment.file_size;
        good = put(&segment, sizeof segment);
    }
    return good;
}

static bool put_fours(void const *data, size_t size)
{
    return put(data, size) && put("\0\0", FOURS(size) - size);
}

static bool put_note(char const *name, uint32_t type, void const *data, uint32_t size)
{
    struct note note = { .name_size = (uint32_t)strlen(name) + 1, .size = size, .type = type };
    return put(&note, sizeof note) && put_fours(name, note.name_size) && put_fours(data, size);
}

static bool put_notes(void)
{
    struct program_info info = { .thread = 1 };
    memcpy(info.name, core.b->system.programs[core.index].name, sizeof info.name);
    memcpy(info.arguments, info.name, sizeof info.name);
    bool good = put_note(CORE, NOTE_PROGRAM, &info, sizeof info) &&
                (!IS_DESCRIBED || put_note(GDB, NOTE_GDB, core_description, sizeof core_description));
    for (uint32_t i = 0; i < core.threads && good; i++) {
        struct thread const *t = &core.thread[i];
        struct status status = { .signal = i == 0 ? signal_of(core.words[0]) : 0, .thread = i + 1, .has_floats = 1 };
        for (unsigned n = 0; n < REGISTERS; n++) {
            uint8_t place = core_registers[n];
            status.registers[n] = place == CORE_NO_REGISTER ? 0 : t->registers[place];
        }
        good = put_note(CORE, NOTE_STATUS, &status, sizeof status) &&
               put_note(CORE, NOTE_FLOATS, t->floats, sizeof t->floats);
    }
    return good;
}

static void drop(cptr_t cap)
{
    sys_ignore(sys_cnode_delete(core.means.cnode, (uint32_t)(cap.raw >> SLOT_BITS)));
}

static bool put_region(struct region const *r)
{
    if (file_size(r) == 0) {
        return true;
    }
    enum err err = sys_cnode_copy(core.means.cnode, (uint32_t)(core.view.raw >> SLOT_BITS), r->frame,
                                  FRAME_READ);
    if (err == OK) {
        err = sys_frame_map(core.view, core.means.vspace, VIEW_ADDRESS, FRAME_READ);
    }
    bool good = err == OK && put((void const *)VIEW_ADDRESS, file_size(r));
    core.failure = err == OK ? core.failure : "its memory cannot be seen";
    drop(core.view);
    return good;
}

static bool put_all(void)
{
    static char const zeros[PAGE];
    bool good = put_headers() && put_notes() && put(zeros, -core.at % PAGE);
    for (uint32_t i = 0; i < core.regions && good; i++) {
        good = put_region(&core.region[i]);
    }
    return good;
}

/* ---- The file ---- */

static enum err connect(void)
{
    struct vfs_session session;
    sys_buffer()->receive_slot = core.session.raw;
    enum err err = vfs_connect((struct vfs){ core.server }, &session);
    if (err == OK) {
        sys_buffer()->receive_slot = core.data.cap.raw;
        err = vfs_session_buffer(session, &core.data);
    }
    sys_buffer()->receive_slot = 0;
    return err != OK ? err
                     : sys_frame_map(core.data.cap, core.means.vspace, BUFFER_ADDRESS,
                                     FRAME_READ | FRAME_WRITE);
}

static char const directory[] = "/core";

static enum err open_file(void)
{
    struct vfs_session session = { core.session };
    char path[sizeof directory + 17];
    int length = sys_format(path, sizeof path, "%s/%s", directory,
                            (char const *)core.b->system.programs[core.index].name);
    enum err err = vfs_session_make_directory(session, directory, sizeof directory - 1, 0755);
    if (err != OK && err != (enum err)VFS_ERR_EXISTS) {
        return err;
    }
    core.at = 0;
    return vfs_session_open(session, path, (size_t)length,
                            VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE | VFS_OPEN_MODE_TRUNCATE, 0644,
                            &core.file);
}

static void write_core(void *argument)
{
    (void)argument;
    find_all();
    if (connect() != OK || open_file() != OK) {
        core.failure = "the file server does not take it";
    } else if (put_all()) {
        core.failure = NULL;
    }
    sys_ignore(vfs_session_disconnect((struct vfs_session){ core.session }));
}

/* ---- init's own thread ---- */

static cptr_t slot(void)
{
    return CPTR(sys_slot_take(&core.means.slots));
}

void core_begin(struct builder *b)
{
    uint32_t object = b->system.plan->cores;
    if (object == PLAN_NONE) {
        return;
    }
    core.b = b;
    core.means = b->resources;
    core.means.next_address = STACK_ADDRESS;
    core.server = slot();
    core.session = slot();
    core.data.cap = slot();
    core.view = slot();
    enum err err = sys_cnode_mint(core.means.cnode, (uint32_t)(core.server.raw >> SLOT_BITS),
                                  b->objects[object], ENDPOINT_SEND, BADGE);
    if (err != OK) {
        init_fail("cannot set up core files", "", err);
    }
    b->resources.slots.next += SLOTS;
    core.means.slots.end = b->resources.slots.next;
}

static enum err start_writer(void)
{
    static struct sys_thread_options const options = {
        .name = "init.core", .priority = PRIORITY, .slice_ns = SLICE_NS
    };
    return core.writer.thread.raw == 0
               ? sys_thread_create(&core.means, &core.writer, &options, write_core, NULL)
               : sys_thread_again(&core.writer);
}

static void write_now(uint32_t index, uint64_t const words[4])
{
    uint64_t result;
    core.index = index;
    core.words = words;
    core.failure = "the file server does not answer";
    enum err err = start_writer();
    if (err == OK) {
        sys_ignore(sys_thread_join(&core.means, &core.writer, sys_clock_ns() + PATIENCE_NS, &result));
        sys_ignore(sys_thread_suspend(core.writer.thread)); /* it may have taken too long */
    }
    drop(core.view);
    drop(core.data.cap);
    drop(core.session);
}

void core_leave(struct builder *b, uint32_t index, uint64_t const words[4])
{
    uint32_t object = b->system.plan->cores;
    char const *name = (char const *)b->system.programs[index].name;
    char const *failure = NULL;
    if (object == PLAN_NONE || b->objects[object].raw == 0) {
        failure = "there is no file server for it";
    } else if (system_serves(&b->system, index, object)) {
        failure = "it is the file server";
    } else {
        write_now(index, words);
        failure = core.failure;
    }
    sys_print(failure == NULL ? "init: %s left a core file: %s/%s\n" : "init: %s leaves no core file: %s\n", name,
              failure == NULL ? directory : failure, name);
}

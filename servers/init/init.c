/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program. It has everything; it builds the system that the plan in the boot archive
 * describes, and nothing more, and then waits for programs to end or to fail.
 */
#include "control.h"
#include "core.h"
#include "nodes.h"
#include "restart.h"

#include <idl/init_server.h>
#include <idl/memory_client.h>
#include <tessera/names.h>
#include <tessera/print.h>
#include <tessera/start.h>
#include <tessera/string.h>

/* The kernel starts init without a stack (libsys/arch). */
char sys_first_stack[16384] __attribute__((aligned(16)));
__asm__(".globl sys_first_stack_top\n.set sys_first_stack_top, sys_first_stack + 16384");

#define KERNEL CPTR(BOOT_SLOT_KERNEL)

static void put(char const *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sys_ignore(sys_kernel_put(KERNEL, (uint8_t)text[i]));
    }
}

NORETURN static void stop(uint8_t code)
{
    sys_ignore(sys_kernel_stop(KERNEL, code));
    __builtin_unreachable();
}

void init_fail(char const *what, char const *name, enum err err)
{
    sys_print("init: %s %s", what, name);
    if (err != OK) {
        uint64_t detail = sys_error_detail;
        sys_print(": %s (argument %lu: wanted %s, got %s)", error_text(err),
                  error_detail_argument(detail), object_type_name(error_detail_expected(detail)),
                  object_type_name(error_detail_found(detail)));
    }
    sys_print("\n");
    stop(1);
}

struct init_server {
    struct builder builder;
    uint64_t first_count; /* the instruction counter when init began */
};

static char const *name_of(struct builder const *b, uint32_t index)
{
    return (char const *)b->system.programs[index].name;
}

/* A program is done. When the plan says so, that is the end. */
void stop_if_meant(struct builder const *b, uint32_t index, uint32_t code)
{
    if (b->system.plan->stop_with == index) {
        stop((uint8_t)(code > 255 ? 255 : code));
    }
}

static enum err init_on_exit(struct init_server *server, uint64_t badge, uint32_t code)
{
    struct builder *b = &server->builder;
    uint32_t index = (uint32_t)badge - 1;
    stop_if_meant(b, index, code);
    if (code != 0 || b->system.programs[index].restarts != 0) {
        sys_print("init: %s ended with %u\n", name_of(b, index), code);
    }
    restart_or_end(b, index);
    return OK;
}

static enum err init_on_boot_instructions(struct init_server *server, uint64_t badge,
                                          uint64_t *count)
{
    (void)badge;
    *count = server->first_count - server->builder.info->entry_count;
    return OK;
}

/* The capability of a device that the plan gives a program in a slot, or NULL. */
static struct plan_capability const *device_capability(struct system const *system,
                                                       struct plan_program const *program,
                                                       uint32_t slot)
{
    for (uint32_t i = 0; i < program->capability_count; i++) {
        struct plan_capability const *c = &system->capabilities[program->first_capability + i];
        bool of_device = c->source == PLAN_SOURCE_INTERRUPT || c->source == PLAN_SOURCE_PORTS;
        if (of_device && c->slot == slot) {
            return c;
        }
    }
    return NULL;
}

static enum err init_on_device(struct init_server *server, uint64_t badge, uint32_t slot,
                               char *name, size_t *name_length)
{
    struct system const *system = &server->builder.system;
    struct plan_capability const *c =
        device_capability(system, &system->programs[badge - 1], slot);
    if (c == NULL) {
        return ERR_BAD_ARGUMENT;
    }
    char const *compatible = (char const *)system->devices[c->index].compatible;
    *name_length = strlen(compatible);
    memcpy(name, compatible, *name_length);
    return OK;
}

static enum err init_on_recover(struct init_server *server, uint64_t badge, uint64_t first,
                                uint64_t end, uint64_t target)
{
    struct builder *b = &server->builder;
    struct running *running = &b->running[badge - 1];
    running->recover_first = first;
    running->recover_end = end;
    running->recover_target = target;
    /* The faults of one that has a pager go there; those of its further threads may come here. */
    uint32_t pager = b->system.programs[badge - 1].pager;
    return pager == PLAN_NONE
               ? OK
               : memory_supervisor_recover((struct memory_supervisor){ b->objects[pager] },
                                           (uint32_t)badge, first, end, target);
}

static void report_fault(struct builder *b, uint64_t badge, uint64_t const words[4])
{
    uint32_t index = (uint32_t)badge - 1;
    sys_print("init: %s stopped: %s fault at address 0x%lx, pc 0x%lx, sp 0x%lx\n",
              name_of(b, index), fault_kind_name(words[0]), words[1], words[2], words[3]);
    core_leave(b, index, words);
    stop_if_meant(b, index, 1);
    restart_or_end(b, index);
}

/* A budget is used up, and the program whose it is goes on with its next. */
static void on_overrun(struct builder *b, struct sys_message *m)
{
    uint64_t index = m->w[1] - 1;
    if (index < b->system.plan->program_count && b->running[index].overruns++ == 0) {
        struct plan_program const *program = &b->system.programs[index];
        sys_print("init: %s has used up its budget of %lu us in %lu us; ps counts how often\n",
                  name_of(b, (uint32_t)index), program->budget / 1000, program->period / 1000);
    }
    *m = (struct sys_message){ .tag = sys_tag(0, 0, 0) };
}

/* The program goes on where it said, or has ended. */
static void on_fault(struct builder *b, uint64_t badge, struct sys_message *m)
{
    struct running const *running = &b->running[badge - 1];
    uint64_t pc = m->w[2];
    if (m->w[0] <= FAULT_KIND_WRITE && pc >= running->recover_first && pc < running->recover_end) {
        *m = (struct sys_message){ .tag = sys_tag(0, 0, 0), .w = { running->recover_target } };
        return;
    }
    report_fault(b, badge, m->w);
    *m = (struct sys_message){ .tag = sys_tag(1, 0, 0) };
}

/* Asks the pagers for the faults that they could not mend. */
static void ask_pagers(struct builder *b)
{
    struct memory_fault fault;
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        uint32_t pager = b->system.programs[i].pager;
        while (pager != PLAN_NONE &&
               memory_supervisor_fault((struct memory_supervisor){ b->objects[pager] }, &fault) == OK) {
            uint64_t words[4] = { fault.kind, fault.address, fault.pc, fault.sp };
            report_fault(b, fault.program, words);
        }
    }
}

NORETURN static void serve(struct init_server *server)
{
    struct builder *b = &server->builder;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = init_reply_recv(b->endpoint, &m);
        if (sys_event_error(event) != OK) {
            init_fail("cannot receive", "", sys_event_error(event));
        }
        if (sys_event_kind(event) & EVENT_KIND_SIGNAL) {
            ask_pagers(b);
            m = (struct sys_message){ 0 };
        } else if (sys_event_kind(event) & EVENT_KIND_FAULT && m.w[0] == FAULT_KIND_TIME_OUT) {
            on_overrun(b, &m);
        } else if (sys_event_kind(event) & EVENT_KIND_FAULT) {
            on_fault(b, sys_event_badge(event), &m);
        } else if (sys_event_badge(event) & INIT_CONTROL_BADGE) {
            control_answer(b, event, &m);
        } else {
            init_serve(server, event, &m);
        }
    }
}

int main(uint64_t argument)
{
    static struct init_server server;
    server.first_count = sys_counter();
    struct builder *b = &server.builder;
    struct boot_info const *info = (struct boot_info const *)argument;
    sys_print_to(put);
    sys_clock_hz = info->clock_hz;
    b->info = info;
    b->archive = (struct archive){ (char const *)info->archive, info->archive_size };
    b->resources = (struct sys_resources){
        .cnode = CPTR(BOOT_SLOT_CNODE),
        .vspace = CPTR(BOOT_SLOT_VSPACE),
        .sched = CPTR(BOOT_SLOT_SCHED_CONTROL),
        .memory = build_memory(b, PLAN_NONE),
        .slots = { .next = info->first_free_slot, .end = INIT_SLOTS },
    };
    build_read_plan(b);
    if (build_wants_nodes(b)) {
        nodes_find(b);
    }
    build_reserve(b);
    enum err err = sys_make(&b->resources, OBJECT_ENDPOINT, 0, &b->endpoint);
    if (err != OK) {
        init_fail("no endpoint", "", err);
    }
    err = sys_make(&b->resources, OBJECT_NOTIFICATION, 0, &b->reports);
    if (err == OK) {
        err = sys_make(&b->resources, OBJECT_NOTIFICATION, 0, &b->pause);
    }
    if (err == OK) {
        err = sys_notification_bind(b->reports, CPTR(BOOT_SLOT_THREAD));
    }
    if (err != OK) {
        init_fail("no notification", "", err);
    }
    build_all(b);
    core_begin(b);
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        build_start(b, i);
    }

    serve(&server);
}

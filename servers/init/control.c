/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include "probe.h"
#include "restart.h"

#include <idl/control_server.h>
#include <tessera/string.h>

struct control_server {
    struct builder *builder;
};

static enum err control_on_program(struct control_server *server, uint64_t badge,
                                        uint32_t number, struct control_program *program)
{
    (void)badge;
    struct builder *b = server->builder;
    if (number >= b->system.plan->program_count) {
        return ERR_BAD_ARGUMENT;
    }
    struct plan_program const *p = &b->system.programs[number];
    struct running const *running = &b->running[number];
    *program = (struct control_program){
        .restarts = running->restarts,
        .priority = p->priority,
        .tells_overruns = p->tells_overruns,
        .slots = 1u << p->cnode_radix,
        .overruns = running->overruns,
        .budget = p->period == 0 ? 0 : p->budget,
        .period = p->period,
        .state = running->is_down ? CONTROL_STATE_ENDED : CONTROL_STATE_RUNNING,
    };
    memcpy(program->name, p->name, sizeof program->name);
    if (running->is_down) {
        return OK;
    }
    enum err err = sys_sched_context_consumed(running->time, &program->time);
    return err != OK ? err : sys_sched_context_missed(running->time, &program->missed);
}

/* A program's table, or init's own; CPTR_NONE: there is no such program, or it has ended. */
static cptr_t table_of(struct builder const *b, uint32_t number)
{
    if (number == CONTROL_INIT) {
        return b->resources.cnode;
    }
    bool is_there = number < b->system.plan->program_count && !b->running[number].is_down;
    return is_there ? b->running[number].cnode : CPTR_NONE;
}

static enum err control_on_capability(struct control_server *server, uint64_t badge,
                                      uint32_t number, uint32_t from, uint32_t *slot,
                                      uint8_t *type, uint64_t *rights, uint64_t *value)
{
    (void)badge;
    struct builder *b = server->builder;
    cptr_t table = table_of(b, number);
    if (table.raw == 0) {
        return ERR_BAD_ARGUMENT;
    }
    uint32_t end = number == CONTROL_INIT ? b->resources.slots.end
                                          : 1u << b->system.programs[number].cnode_radix;
    for (*slot = from; *slot < end; ++*slot) {
        enum err err = sys_cnode_inspect(table, *slot, type, rights, value);
        if (err != OK || *type != 0) {
            return err;
        }
    }
    *slot = 0;
    return OK;
}

static enum err control_on_time(struct control_server *server, uint64_t badge, uint32_t number,
                                uint32_t from, uint32_t *slot, uint64_t *time, uint64_t *first,
                                uint64_t *second)
{
    uint64_t rights, value;
    uint8_t type = 0;
    enum err err = OK;
    for (*slot = from; err == OK && type != OBJECT_SCHED_CONTEXT; from = *slot + 1) {
        err = control_on_capability(server, badge, number, from, slot, &type, &rights, &value);
        if (err != OK || *slot == 0) {
            return err;
        }
    }
    cptr_t context = build_in_table(table_of(server->builder, number), *slot);
    err = sys_sched_context_consumed(context, time);
    return err != OK ? err : sys_sched_context_user(context, first, second);
}

/* ---- What the plan gives ---- */

static uint8_t given_type(struct system const *s, struct plan_capability const *c)
{
    static uint8_t const types[] = {
        [PLAN_SOURCE_OWN_CNODE] = OBJECT_CNODE,
        [PLAN_SOURCE_OWN_VSPACE] = OBJECT_VSPACE,
        [PLAN_SOURCE_OWN_THREAD] = OBJECT_THREAD,
        [PLAN_SOURCE_UNTYPED] = OBJECT_UNTYPED,
        [PLAN_SOURCE_INTERRUPT] = OBJECT_IRQ_HANDLER,
        [PLAN_SOURCE_IRQ_CONTROL] = OBJECT_IRQ_CONTROL,
        [PLAN_SOURCE_SCHED_CONTROL] = OBJECT_SCHED_CONTROL,
        [PLAN_SOURCE_KERNEL] = OBJECT_KERNEL,
        [PLAN_SOURCE_PORTS] = OBJECT_IO_PORTS,
        [PLAN_SOURCE_REPORT] = OBJECT_NOTIFICATION,
        [PLAN_SOURCE_TRACE] = OBJECT_TRACE,
        [PLAN_SOURCE_PMU_CONTROL] = OBJECT_PMU_CONTROL,
        [PLAN_SOURCE_INIT_CONTROL] = OBJECT_ENDPOINT,
    };
    return c->source == PLAN_SOURCE_OBJECT ? s->objects[c->index].type : types[c->source];
}

/* A capability that a program is given, and one of init's to the same object; CPTR_NONE: there is none
 * such, as of new memory. */
struct given {
    uint32_t slot;
    uint8_t type;
    uint64_t rights, value;
    cptr_t source;
};

/* The rights of what is not shared are all that there are: whatever is found. */
static struct given of_plan(struct builder const *b, uint32_t number, uint32_t index)
{
    struct plan_capability const *c = &b->system.capabilities[index];
    struct given given = { c->slot, given_type(&b->system, c), c->rights, c->badge, b->sources[index] };
    switch ((enum plan_source)c->source) {
    case PLAN_SOURCE_UNTYPED:
        given.value = c->bits;
        given.source = CPTR_NONE;
        break;
    case PLAN_SOURCE_OWN_CNODE:
        given.value = b->system.programs[number].cnode_radix;
        break;
    case PLAN_SOURCE_INIT_CONTROL:
        given.value = INIT_CONTROL_BADGE;
        given.rights = ENDPOINT_SEND;
        break;
    case PLAN_SOURCE_REPORT:
        given.rights = NOTIFICATION_SIGNAL;
        break;
    default:
        break;
    }
    return given;
}

/* The first slot from `from` on that the plan fills, or 0. The first of all is that of the supervisor. */
static struct given first_given(struct builder const *b, uint32_t number, uint32_t from)
{
    struct plan_program const *program = &b->system.programs[number];
    struct given best = { 0 };
    if (from <= 1) {
        return (struct given){ 1, OBJECT_ENDPOINT, ENDPOINT_SEND, number + 1, b->endpoint };
    }
    for (uint32_t i = 0; i < program->capability_count; i++) {
        struct given given = of_plan(b, number, program->first_capability + i);
        if (given.slot >= from && (best.slot == 0 || given.slot < best.slot)) {
            best = given;
        }
    }
    return best;
}

static enum control_kept compare(struct builder const *b, uint32_t number, struct given *given)
{
    cptr_t table = table_of(b, number);
    uint64_t rights, value;
    uint8_t type, same = 1;
    if (sys_cnode_inspect(table, given->slot, &type, &rights, &value) != OK || type == 0) {
        return CONTROL_KEPT_GONE;
    }
    given->rights = given->rights == ~0ul ? rights : given->rights;
    if (given->source.raw != 0 && sys_cnode_compare(table, given->slot, given->source, &same) != OK) {
        same = 0;
    }
    bool equal = type == given->type && rights == given->rights && value == given->value && same;
    return equal ? CONTROL_KEPT_SAME : CONTROL_KEPT_CHANGED;
}

static enum err control_on_given(struct control_server *server, uint64_t badge, uint32_t number,
                                 uint32_t from, uint32_t *slot, uint8_t *type, uint64_t *rights,
                                 uint64_t *value, enum control_kept *kept)
{
    (void)badge;
    struct builder *b = server->builder;
    if (number == CONTROL_INIT || table_of(b, number).raw == 0) {
        return ERR_BAD_ARGUMENT;
    }
    struct given given = first_given(b, number, from);
    *kept = given.slot == 0 ? CONTROL_KEPT_SAME : compare(b, number, &given);
    *slot = given.slot;
    *type = given.type;
    *rights = given.rights;
    *value = given.value;
    return OK;
}

static enum err control_on_same(struct control_server *server, uint64_t badge, uint32_t number,
                                uint32_t slot, uint32_t other, uint32_t other_slot, bool *same)
{
    (void)badge;
    cptr_t table = table_of(server->builder, number), others = table_of(server->builder, other);
    uint8_t is_same = 0;
    enum err err = table.raw == 0 || others.raw == 0
                       ? ERR_BAD_ARGUMENT
                       : sys_cnode_compare(table, slot, build_in_table(others, other_slot), &is_same);
    *same = is_same != 0;
    return err;
}

static enum err control_on_reboot(struct control_server *server, uint64_t badge)
{
    (void)server, (void)badge;
    return sys_kernel_restart(CPTR(BOOT_SLOT_KERNEL));
}

/* Others live on what a pager has given them. */
static bool is_pager(struct system const *s, uint32_t index)
{
    bool found = false;
    for (uint32_t i = 0; i < s->plan->program_count; i++) {
        found = found || (s->programs[i].pager != PLAN_NONE &&
                          system_serves(s, index, s->programs[i].pager));
    }
    return found;
}

static char const *name_of(struct builder const *b, uint32_t index)
{
    return (char const *)b->system.programs[index].name;
}

/* A program that runs, by its name. */
static enum err find_program(struct builder const *b, char const *name, size_t length, uint32_t *index)
{
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        if (text_is(name_of(b, i), name, length)) {
            *index = i;
            return b->running[i].is_down ? (enum err)CONTROL_ERR_ENDED : OK;
        }
    }
    return (enum err)CONTROL_ERR_UNKNOWN;
}

static enum err control_on_kill(struct control_server *server, uint64_t badge,
                                     char const *name, size_t name_length)
{
    (void)badge;
    struct builder *b = server->builder;
    uint32_t index;
    enum err err = find_program(b, name, name_length, &index);
    if (err == (enum err)CONTROL_ERR_UNKNOWN) {
        return err;
    }
    if (is_pager(&b->system, index)) {
        return CONTROL_ERR_NEEDED;
    }
    if (err == OK) {
        stop_if_meant(b, index, 1);
        kill_program(b, index);
    }
    return err;
}

static enum err control_on_probe(struct control_server *server, uint64_t badge, char const *name,
                                 size_t name_length, char const *function, size_t function_length, bool on,
                                 uint32_t *functions)
{
    (void)badge;
    uint32_t index;
    enum err err = find_program(server->builder, name, name_length, &index);
    return err != OK ? err : probe_put(server->builder, index, function, function_length, on, functions);
}

static enum err control_on_function(struct control_server *server, uint64_t badge, char const *name,
                                    size_t name_length, uint64_t address, char *function,
                                    size_t *function_length)
{
    (void)badge;
    uint32_t index;
    enum err err = find_program(server->builder, name, name_length, &index);
    return err != OK ? err : probe_name(server->builder, index, address, function, function_length);
}

void control_answer(struct builder *builder, sys_event_t event, struct sys_message *m)
{
    struct control_server server = { builder };
    control_serve(&server, event, m);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "restart.h"

#include <idl/memory_client.h>
#include <tessera/print.h>
#include <tessera/start.h>

#define MINUTE_NS 60000000000ul
/* For how long init waits for a server to forget a dead client, in all. */
#define FORGET_NS      100000000ul
#define FORGET_STEP_NS 1000000ul

static char const *name_of(struct builder const *b, uint32_t index)
{
    return (char const *)b->system.programs[index].name;
}

bool system_serves(struct system const *s, uint32_t index, uint32_t object)
{
    struct plan_program const *program = &s->programs[index];
    for (uint32_t i = 0; i < program->capability_count; i++) {
        struct plan_capability const *c = &s->capabilities[program->first_capability + i];
        if (c->source == PLAN_SOURCE_OBJECT && c->index == object &&
            s->objects[object].type == OBJECT_ENDPOINT && (c->rights & ENDPOINT_RECV) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- Taking back ---- */

static void empty(struct builder const *b, uint32_t slot)
{
    enum err err = sys_cnode_revoke(b->resources.cnode, slot);
    if (err == OK) {
        err = sys_cnode_delete(b->resources.cnode, slot);
    }
    if (err != OK) {
        init_fail("cannot take back what it had:", "a program", err);
    }
}

static void revoke(struct builder const *b, cptr_t cap)
{
    enum err err = sys_cnode_revoke(b->resources.cnode, (uint32_t)(cap.raw >> SLOT_BITS));
    if (err != OK) {
        init_fail("cannot take back what it had:", "a program", err);
    }
}

/* Asks a server to forget the program. It may be at work for it still, and then asks for patience; one
 * that does not answer has to do without. */
static void ask_to_forget(struct builder const *b, cptr_t server, uint16_t label)
{
    uint64_t end = sys_clock_ns() + FORGET_NS, bits;
    while (sys_clock_ns() < end) {
        struct sys_message m = { .tag = sys_tag(label, 0, 0) };
        if (sys_call_until(server, &m, end) != OK || tag_label(m.tag) == OK) {
            return;
        }
        sys_ignore(sys_wait(b->pause, sys_clock_ns() + FORGET_STEP_NS, &bits, NULL));
    }
}

/* First its threads go, with all that was made of its memory; then others are told; then what init
 * holds for it. */
static void take_back(struct builder *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    struct running *running = &b->running[index];
    revoke(b, running->means.memory);
    for (uint32_t i = 0; i < program->capability_count; i++) {
        uint32_t c = program->first_capability + i;
        if (b->system.capabilities[c].source == PLAN_SOURCE_UNTYPED) {
            revoke(b, b->sources[c]);
        }
    }
    for (uint32_t i = 0; i < program->capability_count; i++) {
        uint32_t c = program->first_capability + i;
        uint16_t label = b->system.capabilities[c].forget;
        if (label != 0 && b->sources[c].raw != 0) {
            ask_to_forget(b, b->sources[c], label);
        }
    }
    if (program->pager != PLAN_NONE) {
        struct memory_supervisor pager = { b->objects[program->pager] };
        sys_ignore(memory_supervisor_release(pager, index + 1)); /* it may be gone itself */
    }
    for (uint32_t slot = running->first_slot; slot < running->means.slots.next; slot++) {
        empty(b, slot);
    }
    running->means.slots.next = running->first_slot;
    running->recover_end = 0;
}

/* ---- Ending for good ---- */

/* Somebody who runs receives there. */
static bool is_served(struct builder const *b, uint32_t object)
{
    bool found = false;
    for (uint32_t i = 0; i < b->system.plan->program_count; i++) {
        found = found || (!b->running[i].is_down && system_serves(&b->system, i, object));
    }
    return found;
}

static void end(struct builder *b, uint32_t index)
{
    b->running[index].is_down = true;
    for (uint32_t i = 0; i < b->system.plan->object_count; i++) {
        if (b->objects[i].raw != 0 && system_serves(&b->system, index, i) && !is_served(b, i)) {
            empty(b, (uint32_t)(b->objects[i].raw >> SLOT_BITS));
            b->objects[i] = CPTR_NONE;
        }
    }
}

/* ---- Starting again ---- */

static bool may_restart(struct running *running, struct plan_program const *program)
{
    uint64_t now = sys_clock_ns();
    if (running->recent == 0 || now - running->since > MINUTE_NS) {
        running->since = now;
        running->recent = 0;
    }
    if (running->recent >= program->restarts) {
        return false;
    }
    running->recent++;
    return true;
}

static void start_again(struct builder *b, uint32_t index)
{
    b->running[index].restarts++;
    build_program(b, index);
    build_start(b, index);
}

void restart_or_end(struct builder *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    struct running *running = &b->running[index];
    take_back(b, index);
    if (may_restart(running, program)) {
        start_again(b, index);
        sys_print("init: %s starts again, for the %u. of %u times in a minute\n", name_of(b, index),
                  running->recent, program->restarts);
        return;
    }
    end(b, index);
    if (program->restarts != 0) {
        sys_print("init: %s has ended too often, and stays so\n", name_of(b, index));
    }
}

void kill_program(struct builder *b, uint32_t index)
{
    take_back(b, index);
    if (b->system.programs[index].restarts != 0) {
        start_again(b, index);
    } else {
        end(b, index);
    }
    sys_print("init: %s was killed\n", name_of(b, index));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds programs as the plan says. */
#pragma once

#include "archive.h"

#include <idl/plan.h>
#include <tessera/resources.h>

/* Of init's own table; those that the kernel does not fill are init's. */
#define INIT_RADIX 12
#define INIT_SLOTS (1u << INIT_RADIX)

/* Where init looks at pages that it fills. */
#define BUILD_WORK_ADDRESS 0x40000000ul

/* The plan, and where its arrays are. */
struct system {
    struct plan const *plan;
    struct plan_device const *devices;
    struct plan_object const *objects;
    struct plan_program const *programs;
    struct plan_capability const *capabilities;
    struct plan_mapping const *mappings;
};

/* In the badge of who may ask for what idl/control.idl has. */
#define INIT_CONTROL_BADGE (1ul << 42)

/* What init has made of a program, and of what: memory that nothing else is made of, and slots of its
 * own table from `first_slot` up to the next free one. */
struct running {
    struct sys_resources means;
    uint32_t first_slot;
    uint8_t home_bits;
    bool is_down; /* it has ended for good */
    cptr_t cnode;
    cptr_t vspace;
    cptr_t thread;
    cptr_t time;
    uint64_t entry;
    uint64_t recover_first, recover_end, recover_target; /* as Init.recover said */
    uint32_t restarts; /* so far */
    uint32_t recent;   /* of these, within the minute that began at `since` */
    uint64_t since;
    uint32_t overruns; /* since it was started last; told of the first */
};

struct builder {
    struct sys_resources resources;
    struct boot_info const *info;
    uint32_t nodes[sizeof(struct boot_info){ 0 }.memory / sizeof(struct memory_info)]; /* of its pieces of memory */
    struct archive archive;
    struct system system;
    cptr_t endpoint; /* programs' faults and calls come here, badged with their number + 1 */
    cptr_t reports;  /* a notification: a pager has something to tell */
    cptr_t pause;    /* a notification that nobody signals, to wait for some time */
    cptr_t objects[PLAN_MOST_OBJECTS]; /* CPTR_NONE: gone with the program that served it */
    /* What programs' capabilities are made of: untyped memory set aside for one, or a copy of init's. */
    cptr_t sources[PLAN_MOST_CAPABILITIES];
    struct running running[PLAN_MOST_PROGRAMS];
};

/* The capability in a slot of a program's table, or of init's own. */
static inline cptr_t build_in_table(cptr_t table, uint32_t slot)
{
    return (cptr_t){ table.raw | (uint64_t)slot << (SLOT_BITS + INIT_RADIX) };
}

/* Says what could not be done, and stops the machine. */
NORETURN void init_fail(char const *what, char const *name, enum err err);

/* Finds the plan in the archive; stops the machine if it is not one. */
void build_read_plan(struct builder *builder);
/* Whether it asks for memory of some node. */
bool build_wants_nodes(struct builder const *builder);
/* The largest piece of memory on a node, or of all if that is PLAN_NONE: what others are cut from. */
cptr_t build_memory(struct builder const *builder, uint32_t node);
/* Sets memory aside for every program. */
void build_reserve(struct builder *builder);
/* Makes the plan's objects and programs; none runs yet. */
void build_all(struct builder *builder);
/* Makes program `index`, of its own memory and slots. */
void build_program(struct builder *builder, uint32_t index);
/* Lets program `index` run. */
void build_start(struct builder *builder, uint32_t index);

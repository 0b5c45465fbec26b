/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds programs as the plan says. */
#pragma once

#include "archive.h"

#include <idl/plan.h>
#include <tessera/resources.h>

/* The plan, and where its arrays are. */
struct system {
    struct plan const *plan;
    struct plan_device const *devices;
    struct plan_object const *objects;
    struct plan_program const *programs;
    struct plan_capability const *capabilities;
    struct plan_mapping const *mappings;
};

/* What init has made of a program. */
struct running {
    cptr_t cnode;
    cptr_t vspace;
    cptr_t thread;
    uint64_t entry;
};

struct builder {
    struct sys_resources resources;
    struct boot_info const *info;
    struct archive archive;
    struct system system;
    cptr_t endpoint; /* programs' faults and calls come here, badged with their number + 1 */
    cptr_t reports;  /* a notification: a pager has something to tell */
    cptr_t objects[PLAN_MOST_OBJECTS];
    struct running running[PLAN_MOST_PROGRAMS];
};

/* Says what could not be done, and stops the machine. */
NORETURN void init_fail(char const *what, char const *name, enum err err);

/* Finds the plan in the archive; stops the machine if it is not one. */
void build_read_plan(struct builder *builder);
/* Makes the plan's objects and programs; none runs yet. */
void build_all(struct builder *builder);
/* Lets program `index` run. */
void build_start(struct builder *builder, uint32_t index);

/* SPDX-License-Identifier: BSD-2-Clause */
/* init: it builds three programs, which ask it for things, exit and fault, and starts them again; somebody
 * who has `Control` looks after them. */
#include "core.h"
#include "driver.h"

#include "kernel.h"

#include <idl/plan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_BADGE (1ul << 42)
#define MEMORY_SLOT   BOOT_SLOT_MEMORY
#define MEMORY_BITS   24
#define LABEL_FORGET  0x701

static struct boot_info info;
static char archive[16384] __attribute__((aligned(8)));

/* The first serves an endpoint, is started again, and has memory; the others call there, and one of
 * them wants to be forgotten there when it ends. */
static struct {
    struct plan head;
    struct plan_object object[1];
    struct plan_program program[3];
    struct plan_capability capability[6];
} const plan = {
    .head = { PLAN_MAGIC, .object_count = 1, .program_count = 3, .capability_count = 6, .stop_with = PLAN_NONE,
              .page_colours = 1, .cores = PLAN_NONE },
    .object = { { .type = OBJECT_ENDPOINT } },
    .program = {
        { "one", "program", 1000000, 0, 150, 5, 12, 3, 0, 2, 0, 0, PLAN_NONE, 0, 0, 1 },
        { "two", "program", 1000000, 0, 50, 5, 12, 0, 2, 2, 0, 0, PLAN_NONE, 0, 0, 1 },
        { "three", "program", 1000000, 0, 151, 5, 12, 2, 4, 2, 0, 0, PLAN_NONE, 0, 0, 1 },
    },
    .capability = {
        { .rights = ENDPOINT_RECV, .slot = 2, .source = PLAN_SOURCE_OBJECT },
        { .slot = 3, .source = PLAN_SOURCE_UNTYPED, .bits = 13 },
        { .rights = ENDPOINT_SEND, .badge = 2, .slot = 2, .source = PLAN_SOURCE_OBJECT },
        { .slot = 3, .source = PLAN_SOURCE_OWN_CNODE },
        { .rights = ENDPOINT_SEND, .badge = 3, .slot = 2, .source = PLAN_SOURCE_OBJECT, .forget = LABEL_FORGET },
        { .slot = 3, .source = PLAN_SOURCE_INIT_CONTROL },
    },
};

/* An ELF file with one segment: its head, the segment's, and what is in it. */
static uint64_t const program[16] = {
    0x00010102464c457f, 0, 0x00000001003e0002, 0x200000, 64, 0, 0x0038004000000000, 1,
    0x0000000500000001, 120, 0x200000, 0x200000, 8, 5000, 4096, 0x1234567812345678,
};

/* In place of core.c: there is no file server that core files could go to. */
void core_begin(struct builder *builder)
{
    (void)builder;
}

void core_leave(struct builder *builder, uint32_t index, uint64_t const words[4])
{
    (void)builder, (void)index, (void)words;
}

static void equip(void)
{
    char *at = fuzz_put_file(archive, "plan", 0100644, &plan, sizeof plan);
    at = fuzz_put_file(at, "program", 0100755, program, sizeof program);
    at = fuzz_put_file(at, "TRAILER!!!", 0, "", 0);
    info = (struct boot_info){
        .memory_count = 1, .cores = 1, .clock_hz = 10000000, .first_free_slot = 32,
        .archive = (uint64_t)archive, .archive_size = (uint64_t)(at - archive),
        .memory = { { .slot = MEMORY_SLOT, .bits = MEMORY_BITS } },
    };
    fuzz_give(CPTR(BOOT_SLOT_THREAD), fuzz_thread(), RIGHTS_ALL);
    static unsigned const shared[] = { BOOT_SLOT_IRQ_CONTROL, BOOT_SLOT_SCHED_CONTROL, BOOT_SLOT_KERNEL, BOOT_SLOT_TRACE,
                                       BOOT_SLOT_PMU_CONTROL };
    for (unsigned i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        fuzz_give(CPTR(shared[i]), CPTR(shared[i]), RIGHTS_ALL);
    }
    fuzz_give_object(CPTR(MEMORY_SLOT), OBJECT_UNTYPED, MEMORY_BITS);
}

/* What init prints goes nowhere; it stops the machine only if it cannot go on. */
static bool answer(cptr_t to, struct sys_message *m)
{
    if (to.raw != CPTR(BOOT_SLOT_KERNEL).raw) {
        return false;
    }
    if (tag_label(m->tag) == METHOD_KERNEL_STOP) {
        fprintf(stderr, "init has stopped the machine\n");
        abort();
    }
    if (getenv("FUZZ_VERBOSE") != NULL && tag_label(m->tag) == METHOD_KERNEL_PUT) {
        fputc((int)m->w[0], stderr);
    }
    return true;
}

static void happen(uint8_t what)
{
    world_pass(what * 1000000ul);
}

static char const *const words[] = { "one", "two", "three", "four", "init", "", NULL };

static uint64_t const badges[] = { CONTROL_BADGE, 1, 2, 3, 0 };

struct fuzz_server const fuzz_server = {
    .library = { &fuzz_control, &fuzz_init },
    .words = words, .slots = 4096, .cnode = { BOOT_SLOT_CNODE << SLOT_BITS }, .vspace = { BOOT_SLOT_VSPACE << SLOT_BITS },
    .badges = badges, .argument = (uint64_t)&info, .equip = equip, .answer = answer, .happen = happen,
};

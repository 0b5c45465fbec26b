/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)

static char *object_of(cptr_t slot)
{
    return cap_object(cspace_slot(world_init().tcb, (kernel_cptr_t){ slot.raw })->head &
                      ~ENDPOINT_SEND);
}

static enum err retype(cptr_t memory, enum object_type type, unsigned size, unsigned count,
                       cptr_t *first)
{
    *first = world_slot();
    for (unsigned i = 1; i < count; i++) {
        (void)world_slot();
    }
    return sys_untyped_retype(memory, type, (uint8_t)size, count, INIT_TABLE, INDEX(*first));
}

static struct kind {
    enum object_type type;
    unsigned smallest, largest; /* sizes that are allowed */
    unsigned bits;              /* of the object, beyond its size */
} const kinds[] = {
    { OBJECT_UNTYPED, 6, MAX_UNTYPED_BITS, 0 },
    { OBJECT_FRAME, PAGE_BITS, MAX_UNTYPED_BITS, 0 },
    { OBJECT_TABLES, TABLE_BITS, MAX_TABLES_BITS, 0 },
    { OBJECT_CNODE, 1, MAX_CNODE_RADIX, SLOT_BITS },
    { OBJECT_THREAD, 0, 0, 11 },
    { OBJECT_ENDPOINT, 0, 0, 6 },
    { OBJECT_NOTIFICATION, 0, 0, 6 },
    { OBJECT_REPLY, 0, 0, 6 },
    { OBJECT_SCHED_CONTEXT, 0, 0, 10 },
    { OBJECT_VSPACE, 0, 0, 7 },
    { OBJECT_WAIT_SET, WAIT_SET_MEMBER_BITS + 1, MAX_WAIT_SET_BITS, 0 },
    { OBJECT_PMU, 0, 0, 9 },
};

START_TEST(sizes_are_those_of_the_interface)
{
    world_make();
    cptr_t all = world_object(OBJECT_UNTYPED, 17), memory = world_slot(), made = world_slot();
    for (unsigned type = 0; type < 20; type++) {
        struct kind const *kind = NULL;
        for (unsigned k = 0; k < array_length(kinds); k++) {
            kind = kinds[k].type == type ? &kinds[k] : kind;
        }
        for (unsigned size = 0; size < 256; size += size < 36 ? 1 : 73) {
            bool good = kind != NULL && size >= kind->smallest && size <= kind->largest;
            if (good && kind->bits + size > 16) {
                continue; /* it would not fit */
            }
            ck_ok(sys_untyped_retype(all, OBJECT_UNTYPED, 17, 1, INIT_TABLE, INDEX(memory)));
            ck_err(sys_untyped_retype(memory, (enum object_type)type, (uint8_t)size, 1, INIT_TABLE,
                                      INDEX(made)),
                   good ? OK : ERR_BAD_ARGUMENT);
            ck_assert_uint_eq(world_type(made), good ? type : OBJECT_NONE);
            ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(made)));
            ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(memory)));
        }
    }
}
END_TEST

/* escape: VCPU-RETYPE */
START_TEST(objects_are_aligned_apart_and_zero)
{
    world_make();
    srand((unsigned)_i + 1);
    cptr_t memory = world_object(OBJECT_UNTYPED, 17);
    char *start = object_of(memory);
    char *end = start;
    for (;;) {
        struct kind const *kind = &kinds[(unsigned)rand() % array_length(kinds)];
        unsigned size =
            kind->smallest + (kind->smallest == kind->largest ? 0 : (unsigned)rand() % 4);
        unsigned count = 1 + (unsigned)rand() % 3;
        word bytes = 1ul << (size + kind->bits);
        word expected = ((word)(end - start) + bytes - 1) & ~(bytes - 1);
        cptr_t made;
        enum err err = retype(memory, kind->type, size, count, &made);
        if (expected + count * bytes > 1ul << 17) {
            ck_err(err, ERR_NO_MEMORY);
            break;
        }
        ck_ok(err);
        for (unsigned i = 0; i < count; i++) {
            cptr_t slot = { made.raw + ((uint64_t)i << SLOT_BITS) };
            char *object = object_of(slot);
            ck_assert_ptr_eq(object, start + expected + i * bytes);
            ck_assert_uint_eq((word)object % bytes, 0);
            bool plain = kind->type == OBJECT_FRAME || kind->type == OBJECT_TABLES;
            for (word at = 0; plain && at < bytes; at++) {
                ck_assert_int_eq(object[at], 0);
            }
        }
        end = start + expected + count * bytes;
    }
}
END_TEST

START_TEST(the_largest_of_a_kind_can_be_made)
{
    world_make();
    cptr_t tables = world_object(OBJECT_TABLES, MAX_TABLES_BITS);
    cptr_t set = world_object(OBJECT_WAIT_SET, MAX_WAIT_SET_BITS);
    cptr_t cnode = world_object(OBJECT_CNODE, MAX_CNODE_RADIX);
    ck_assert_uint_eq(world_type(tables), OBJECT_TABLES);
    ck_assert_uint_eq(world_type(set), OBJECT_WAIT_SET);
    ck_assert_uint_eq(world_type(cnode), OBJECT_CNODE);
}
END_TEST

/* seL4: RETYPE0000, RETYPE0001 */
START_TEST(what_does_not_fit_changes_nothing)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, 12);
    cptr_t made;
    static struct {
        enum object_type type;
        unsigned size, count;
        enum err expected;
    } const cases[] = {
        { OBJECT_FRAME, 13, 1, ERR_NO_MEMORY },
        { OBJECT_FRAME, 12, 2, ERR_NO_MEMORY },
        { OBJECT_FRAME, MAX_UNTYPED_BITS, 32, ERR_NO_MEMORY },
        { OBJECT_UNTYPED, MAX_UNTYPED_BITS, 1, ERR_NO_MEMORY },
        { OBJECT_THREAD, 0, 3, ERR_NO_MEMORY },
        { OBJECT_ENDPOINT, 0, 0, ERR_BAD_ARGUMENT },
        { OBJECT_ENDPOINT, 0, 33, ERR_BAD_ARGUMENT },
        { OBJECT_ENDPOINT, 0, 32, OK },
        { OBJECT_THREAD, 0, 2, ERR_NO_MEMORY },
        { OBJECT_THREAD, 0, 1, OK },
        { OBJECT_ENDPOINT, 0, 1, ERR_NO_MEMORY },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        ck_err(retype(memory, cases[i].type, cases[i].size, cases[i].count, &made),
               cases[i].expected);
    }
}
END_TEST

START_TEST(memory_is_free_again_when_nothing_is_left_of_it)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, 14);
    cptr_t frame, other;
    for (unsigned i = 0; i < 4; i++) {
        ck_ok(retype(memory, OBJECT_FRAME, 14, 1, &frame));
        char *bytes = world_frame(frame);
        for (unsigned at = 0; at < 1 << 14; at++) {
            ck_assert_int_eq(bytes[at], 0);
        }
        memset(bytes, 0x77, 1 << 14);
        ck_err(retype(memory, OBJECT_ENDPOINT, 0, 1, &other), ERR_NO_MEMORY);
        if (i % 2 == 0) {
            ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(frame)));
        } else {
            ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(memory)));
        }
    }
    /* A grandchild keeps it. */
    ck_ok(retype(memory, OBJECT_UNTYPED, 14, 1, &other));
    ck_ok(retype(other, OBJECT_ENDPOINT, 0, 1, &frame));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(other)));
    ck_err(retype(memory, OBJECT_ENDPOINT, 0, 1, &other), ERR_NO_MEMORY);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(frame)));
    ck_ok(retype(memory, OBJECT_ENDPOINT, 0, 1, &other));
}
END_TEST

START_TEST(device_memory_makes_frames_only_and_is_never_touched)
{
    world_make();
    struct boot_info const *info = world_frame(CPTR(17));
    ck_assert_uint_eq(info->device_count, 2);
    ck_assert_str_eq((char const *)info->device[0].name, "test,device");
    cptr_t device = CPTR(info->device[0].slot);
    cptr_t made;
    ck_err(retype(device, OBJECT_FRAME, 12, 1, &made), ERR_WRONG_TYPE);
    ck_err(sys_untyped_carve(world_memory, 0, 12, INIT_TABLE, INDEX(made)), ERR_WRONG_TYPE);
    static struct {
        uint64_t offset;
        uint8_t size;
        enum err expected;
    } const cases[] = {
        { 0, 11, ERR_BAD_ARGUMENT },    { 0, 13, ERR_BAD_ARGUMENT },
        { 4096, 12, ERR_BAD_ARGUMENT }, { ~0ul, 12, ERR_BAD_ARGUMENT },
        { 64, 12, ERR_BAD_ARGUMENT },   { 0, 12, OK },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        made = world_slot();
        ck_err(sys_untyped_carve(device, cases[i].offset, cases[i].size, INIT_TABLE, INDEX(made)),
               cases[i].expected);
    }
    ck_assert_ptr_eq(world_frame(made), (void *)0x8000);
    cptr_t large = CPTR(info->device[1].slot), part = world_slot();
    ck_err(sys_untyped_carve(large, 4096, 13, INIT_TABLE, INDEX(part)), ERR_MISALIGNED);
    ck_err(sys_untyped_carve(large, 8193, 13, INIT_TABLE, INDEX(part)), ERR_MISALIGNED);
    ck_err(sys_untyped_carve(large, 8192, 13, INIT_TABLE, INDEX(made)), ERR_OCCUPIED);
    ck_ok(sys_untyped_carve(large, 8192, 13, INIT_TABLE, INDEX(part)));
    ck_assert_ptr_eq(world_frame(part), (void *)0x40002000);
    /* It was not zeroed: there is nothing at that address. And it can be mapped, but hold nothing.
     */
    ck_ok(sys_frame_map(made, CPTR(BOOT_SLOT_VSPACE), 0x50000000, FRAME_READ | FRAME_WRITE));
    struct world_thread t = world_thread_unstarted(1);
    ck_err(sys_thread_configure(t.cap, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), made, CPTR_NONE),
           ERR_BAD_ARGUMENT);
}
END_TEST

static void retype_large(unsigned at)
{
    cptr_t memory = world_object(OBJECT_UNTYPED, 15);
    cptr_t made;
    world_interrupt_at(at);
    ck_ok(retype(memory, OBJECT_FRAME, 14, 2, &made));
    world_interrupt_at(0);
    char const *bytes = world_frame(made);
    for (unsigned i = 0; i < 1 << 15; i++) {
        ck_assert_int_eq(bytes[i], 0);
    }
}

/* A request that zeroes much makes way for one that needs little of the same memory; and goes on. */
START_TEST(what_is_clean_already_is_not_cleaned_again)
{
    world_make();
    enum { LINE = 9 };
    cptr_t memory = world_object(OBJECT_UNTYPED, 15), bell = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t handler = world_slot(), small = world_slot(), large = world_slot(), other = world_slot();
    ck_ok(sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), LINE, INIT_TABLE, INDEX(handler)));
    ck_ok(sys_irq_handler_bind(handler, bell));
    struct world_thread low = world_thread(100);
    uint64_t bits;
    sys_ignore(sys_wait(bell, 0, &bits, NULL));
    ck_runs(low);
    host.lines[0] |= 1ul << LINE; /* seen at the first look */
    sys_ignore(sys_untyped_retype(memory, OBJECT_FRAME, 14, 1, INIT_TABLE, INDEX(large)));
    ck_runs(world_init());
    uint64_t clean = untyped_clean(cspace_slot(low.tcb, (kernel_cptr_t){ memory.raw })->arg);
    ck_assert_uint_ge(clean, 4096);
    ck_assert_uint_lt(clean, 1 << 14);
    ck_ok(sys_untyped_retype(memory, OBJECT_ENDPOINT, 0, 1, INIT_TABLE, INDEX(small)));
    ck_assert_uint_eq(untyped_clean(cspace_slot(low.tcb, (kernel_cptr_t){ memory.raw })->arg), clean);
    ck_ok(sys_untyped_retype(memory, OBJECT_FRAME, 12, 1, INIT_TABLE, INDEX(other)));
    for (unsigned i = 0; i < 4096; i++) {
        ck_assert_int_eq(((char const *)world_frame(other))[i], 0);
    }
    host.lines[0] = 0;
    world_sleep();
    ck_runs(low);
    ck_result(OK);
    for (unsigned i = 0; i < 1 << 14; i++) {
        ck_assert_int_eq(((char const *)world_frame(large))[i], 0);
    }
}
END_TEST

START_TEST(zeroing_may_be_interrupted_anywhere)
{
    ck_assert_uint_gt(world_preempt_everywhere(retype_large), 6);
}
END_TEST

static void reuse_after_delete(unsigned at)
{
    cptr_t memory = world_object(OBJECT_UNTYPED, 15);
    cptr_t table, thread, made;
    ck_ok(retype(memory, OBJECT_CNODE, 8, 1, &table));
    ck_ok(retype(memory, OBJECT_THREAD, 0, 1, &thread));
    for (uint32_t i = 1; i < 256; i++) {
        ck_ok(sys_cnode_copy(table, i, CPTR(BOOT_SLOT_KERNEL), RIGHTS_ALL));
    }
    ck_ok(sys_thread_configure(thread, table, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(thread)));
    world_interrupt_at(at);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(table)));
    ck_ok(retype(memory, OBJECT_FRAME, 15, 1, &made));
}

START_TEST(reuse_waits_for_the_remains)
{
    ck_assert_uint_gt(world_preempt_everywhere(reuse_after_delete), 8);
}
END_TEST

/* Somebody who died in the middle of deleting leaves remains: no memory is reused before. */
START_TEST(remains_of_others_are_cleared_before_memory_is_reused)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, 15);
    cptr_t endpoint, made;
    struct world_thread waiter = world_thread(255), deleter = world_thread(255);
    ck_ok(retype(memory, OBJECT_ENDPOINT, 0, 1, &endpoint));
    struct tcb *init = world_current();
    sys_yield();
    ck_assert_ptr_eq(world_current(), waiter.tcb);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_assert_ptr_eq(world_current(), deleter.tcb);
    /* It is suspended between two steps: its time ends just then, and init is next. */
    uint64_t registers[8] = { INIT_TABLE.raw | SYS_CALL, INDEX(endpoint) };
    registers[7] = (uint64_t)METHOD_CNODE_DELETE << TAG_LABEL_SHIFT;
    host.now = host.timer;
    struct tcb *current = world_current();
    memcpy(current->args, registers, sizeof registers);
    current->frame[ARCH_FRAME_PC] = 0x1000;
    world_resume(kernel_syscall(current));
    ck_assert_ptr_nonnull(families[0].dying);
    world_pass(0);
    ck_assert_ptr_eq(world_current(), init);
    ck_ok(sys_thread_suspend(deleter.cap));
    ck_assert_ptr_nonnull(families[0].dying);
    ck_ok(retype(memory, OBJECT_FRAME, 15, 1, &made));
    ck_assert_ptr_null(families[0].dying);
    ck_assert_uint_eq(waiter.tcb->wait, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("untyped");
    WORLD_TEST(suite, sizes_are_those_of_the_interface);
    WORLD_LOOP_TEST(suite, objects_are_aligned_apart_and_zero, 10);
    WORLD_TEST(suite, the_largest_of_a_kind_can_be_made);
    WORLD_TEST(suite, what_does_not_fit_changes_nothing);
    WORLD_TEST(suite, memory_is_free_again_when_nothing_is_left_of_it);
    WORLD_TEST(suite, device_memory_makes_frames_only_and_is_never_touched);
    WORLD_TEST(suite, what_is_clean_already_is_not_cleaned_again);
    WORLD_TEST(suite, zeroing_may_be_interrupted_anywhere);
    WORLD_TEST(suite, reuse_waits_for_the_remains);
    WORLD_TEST(suite, remains_of_others_are_cleared_before_memory_is_reused);
    return world_run(suite);
}

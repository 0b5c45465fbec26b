/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define READ       FRAME_READ
#define WRITE      (FRAME_READ | FRAME_WRITE)
#define EXECUTE    (FRAME_READ | FRAME_EXECUTE)

static cptr_t space;

/* An address space with so many tables. */
static void make_space(unsigned table_bits)
{
    world_make();
    space = world_object(OBJECT_VSPACE, 0);
    if (table_bits != 0) {
        ck_ok(sys_vspace_feed(space, world_object(OBJECT_TABLES, (uint8_t)table_bits)));
    }
}

/* Device memory of 1 GiB, which nobody ever touches, gives frames of any size. */
static cptr_t large_frame(uint8_t bits)
{
    struct boot_info const *info = world_frame(CPTR(17));
    cptr_t frame = world_slot();
    ck_ok(sys_untyped_carve(CPTR(info->device[1].slot), 0, bits, INIT_TABLE, INDEX(frame)));
    return frame;
}

/* All pages from `address` on are those of the frame, with these rights; or none is there. */
static void ck_mapped(uint64_t address, uint64_t size, uint64_t memory, uint64_t rights)
{
    uint64_t step = size > 1ul << 24 ? 1ul << 21 : 4096;
    for (uint64_t at = 0; at < size; at += step) {
        uint64_t entry = world_entry(space, address + at);
        if (rights == 0) {
            ck_assert_uint_eq(entry, 0);
            continue;
        }
        ck_assert(arch_pte_valid(entry));
        ck_assert_uint_eq(entry & 14, rights >> 2);
        uint64_t page = arch_pte_address(entry).raw;
        uint64_t expected = memory + at;
        /* A large page's entry has the address of its start. */
        ck_assert(page == expected || page == (expected & ~((1ul << 21) - 1)) ||
                  page == (expected & ~((1ul << 30) - 1)));
    }
}

/* seL4: PT0001 */
/* escape: REGION-END */
START_TEST(frames_of_all_sizes_are_mapped_whole)
{
    static struct {
        uint8_t bits;
        uint64_t address;
        enum err expected;
        unsigned level; /* of the pages that map it */
    } const cases[] = {
        { 12, 0, OK, 0 },
        { 12, 0x1000, OK, 0 },
        { 12, 0x1234, ERR_MISALIGNED, 0 },
        { 12, ARCH_USER_TOP - 4096, OK, 0 },
        { 12, ARCH_USER_TOP, ERR_BAD_ARGUMENT, 0 },
        { 12, ~0xffful, ERR_BAD_ARGUMENT, 0 },
        { 13, 0x1000, OK, 0 },
        { 13, ARCH_USER_TOP - 4096, ERR_BAD_ARGUMENT, 0 },
        { 14, 0x40000000 - 0x2000, OK, 0 }, /* in two tables, whose tables are two */
        { 16, 0x1ff000, OK, 0 },            /* in two tables */
        { 20, 0x10000000, OK, 0 },
        { 21, 0x10001000, OK, 0 },
        { 21, 0x10200000, OK, 1 },
        { 22, 0x10200000, OK, 1 },
        { 22, 0x10001000, ERR_MISALIGNED, 0 },
        { 29, 0x3fe00000, OK, 1 },
        { 30, 0x40000000, OK, 2 },
        { 30, 0x40200000, OK, 1 }, /* in two tables of large pages */
        { 30, 0x40001000, ERR_MISALIGNED, 0 },
        { 30, ARCH_USER_TOP - (1ul << 30), OK, 2 },
    };
    make_space(17);
    for (unsigned i = 0; i < array_length(cases); i++) {
        cptr_t frame = large_frame(cases[i].bits);
        uint64_t found = 0;
        uint64_t size = 1ul << cases[i].bits;
        ck_err(sys_frame_map(frame, space, cases[i].address, WRITE), cases[i].expected);
        if (cases[i].expected != OK) {
            ck_err(sys_frame_unmap(frame), ERR_NOT_MAPPED);
            ck_err(sys_frame_find(frame, space, &found), ERR_NOT_MAPPED);
            continue;
        }
        ck_mapped(cases[i].address, size, 0x40000000, WRITE);
        uint64_t last = arch_pte_address(world_entry(space, cases[i].address + size - 4096)).raw;
        uint64_t within = (1ul << (12 + 9 * cases[i].level)) - 1;
        ck_assert_uint_eq(last, 0x40000000 + ((size - 4096) & ~within));
        ck_ok(sys_frame_find(frame, space, &found));
        ck_assert_uint_eq(found, cases[i].address);
        ck_err(sys_frame_find(frame, world_object(OBJECT_VSPACE, 0), &found), ERR_NOT_MAPPED);
        if (cases[i].address >= 4096) {
            ck_assert(!arch_pte_valid(world_entry(space, cases[i].address - 4096)));
        }
        if (cases[i].address + size < ARCH_USER_TOP) {
            ck_assert(!arch_pte_valid(world_entry(space, cases[i].address + size)));
        }
        ck_ok(sys_frame_protect(frame, READ));
        ck_mapped(cases[i].address, size, 0x40000000, READ);
        ck_ok(sys_frame_unmap(frame));
        ck_mapped(cases[i].address, size, 0, 0);
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(frame)));
        /* Tables that are empty now are not in the way of large pages, for a new space. */
        if (i % 2 == 1) {
            ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(space)));
            space = world_object(OBJECT_VSPACE, 0);
            ck_ok(sys_vspace_feed(space, world_object(OBJECT_TABLES, 16)));
        }
    }
}
END_TEST

/* escape: PAGE-ATTRIBUTES */
START_TEST(rights_only_shrink_and_writable_is_not_executable)
{
    make_space(16);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    for (unsigned cap = 0; cap < 8; cap++) {
        cptr_t copy = world_slot();
        ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(copy), page, (uint64_t)cap << 3));
        for (unsigned asked = 0; asked < 16; asked++) {
            uint64_t rights = (uint64_t)asked << 3; /* the last eight have a bit too many */
            enum err expected = OK;
            if (asked >= 8 || (asked & 1) == 0) {
                expected = ERR_BAD_ARGUMENT;
            } else if ((asked & ~cap) != 0) {
                expected = ERR_NO_RIGHT;
            } else if (asked == 7) {
                expected = ERR_WRITE_EXECUTE;
            }
            for (unsigned near = 0; near < 2; near++) { /* the straight line, and the other */
                ck_err(sys_frame_map(copy, space, near != 0 ? 0x7000 : 0x900000, rights), expected);
                ck_mapped(near != 0 ? 0x7000 : 0x900000, 4096, (uint64_t)world_frame(page),
                          expected == OK ? rights : 0);
                if (expected == OK) {
                    ck_ok(sys_frame_unmap(copy));
                }
            }
            if ((cap & 1) != 0) {
                ck_ok(sys_frame_map(copy, space, 0x7000, READ));
                ck_err(sys_frame_protect(copy, rights), expected);
                ck_mapped(0x7000, 4096, (uint64_t)world_frame(page),
                          expected == OK ? rights : READ);
                ck_ok(sys_frame_unmap(copy));
            }
        }
    }
}
END_TEST

/* escape: STALE-FRAME */
START_TEST(a_capability_is_one_mapping)
{
    make_space(16);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS), copy = world_slot(), to = world_slot();
    uint64_t memory = (uint64_t)world_frame(page);
    ck_err(sys_frame_unmap(page), ERR_NOT_MAPPED);
    ck_err(sys_frame_protect(page, READ), ERR_NOT_MAPPED);
    ck_ok(sys_frame_map(page, space, 0x5000, READ));
    ck_err(sys_frame_map(page, space, 0x6000, READ), ERR_MAPPED);
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(copy), page, RIGHTS_ALL));
    ck_err(sys_frame_map(copy, space, 0x5000, READ), ERR_OCCUPIED);
    ck_ok(sys_frame_map(copy, space, 0x6000, EXECUTE));
    ck_ok(sys_cnode_move(INIT_TABLE, INDEX(to), INIT_TABLE, INDEX(page)));
    ck_mapped(0x5000, 4096, memory, READ);
    ck_ok(sys_frame_protect(to, WRITE));
    ck_mapped(0x5000, 4096, memory, WRITE);
    ck_mapped(0x6000, 4096, memory, EXECUTE);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(to)));
    ck_mapped(0x5000, 4096, 0, 0);
    ck_mapped(0x6000, 4096, memory, EXECUTE);
}
END_TEST

/* seL4: PT0001 */
START_TEST(a_place_that_is_partly_taken_is_left_alone)
{
    make_space(16);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS), large = large_frame(21);
    uint64_t memory = (uint64_t)world_frame(page);
    static uint64_t const at[] = { 0x400000, 0x400000 + 0x1ff000, 0x3ff000 + 0x1ff000 };
    for (unsigned i = 0; i < array_length(at); i++) {
        ck_ok(sys_frame_map(page, space, at[i], READ));
        uint64_t where = i == 2 ? 0x3ff000 : 0x400000;
        ck_err(sys_frame_map(large, space, where, READ), ERR_OCCUPIED);
        ck_mapped(at[i], 4096, memory, READ);
        ck_ok(sys_frame_unmap(page));
        ck_mapped(where, 1 << 21, 0, 0);
    }
    ck_ok(sys_frame_map(large, space, 0x40600000, READ));
    ck_err(sys_frame_map(page, space, 0x40612000, READ), ERR_OCCUPIED);
}
END_TEST

/* seL4: PT0001 */
START_TEST(a_map_that_lacks_tables_says_so_and_changes_nothing)
{
    make_space(0);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS), large = large_frame(14);
    for (unsigned fed = 0; fed < 3; fed++) {
        ck_err(sys_frame_map(page, space, 0x7000, READ), ERR_NEED_TABLES);
        ck_mapped(0x7000, 4096, 0, 0);
        ck_ok(sys_vspace_feed(space, world_object(OBJECT_TABLES, TABLE_BITS)));
    }
    ck_ok(sys_frame_map(page, space, 0x7000, READ));
    ck_err(sys_frame_map(large, space, 0x1ff000, READ), ERR_NEED_TABLES);
    ck_mapped(0x1ff000, 1 << 14, 0, 0);
    cptr_t tables = world_object(OBJECT_TABLES, TABLE_BITS);
    ck_ok(sys_vspace_feed(space, tables));
    ck_err(sys_vspace_feed(space, tables), ERR_ALREADY);
    ck_ok(sys_frame_map(large, space, 0x1ff000, READ));
}
END_TEST

/* seL4: VSPACE0001 */
START_TEST(mappings_go_with_the_space_or_its_tables)
{
    for (unsigned way = 0; way < 3; way++) {
        if (way == 0) {
            make_space(0);
        } else {
            space = world_object(OBJECT_VSPACE, 0);
        }
        cptr_t first = world_object(OBJECT_TABLES, 14), second = world_object(OBJECT_TABLES, 14);
        ck_ok(sys_vspace_feed(space, first));
        ck_ok(sys_vspace_feed(space, second));
        cptr_t page[20];
        for (unsigned i = 0; i < 20; i++) {
            page[i] = world_object(OBJECT_FRAME, PAGE_BITS);
            ck_ok(sys_frame_map(page[i], space, (uint64_t)i * 0x13000, READ));
        }
        cptr_t gone = way == 0 ? first : way == 1 ? second : space;
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(gone)));
        for (unsigned i = 0; i < 20; i++) {
            ck_err(sys_frame_unmap(page[i]), ERR_NOT_MAPPED);
        }
        /* Tables that are left can be fed again. */
        if (way == 2) {
            space = world_object(OBJECT_VSPACE, 0);
            ck_ok(sys_vspace_feed(space, first));
        } else {
            ck_err(sys_frame_map(page[0], space, 0, READ), ERR_NEED_TABLES);
        }
        ck_ok(sys_vspace_feed(space, way == 0 ? second : way == 1 ? first : second));
        ck_err(sys_frame_map(page[0], space, 0, READ), way == 2 ? OK : ERR_NEED_TABLES);
        cptr_t more = world_object(OBJECT_TABLES, 14);
        ck_ok(sys_vspace_feed(space, more));
        ck_err(sys_frame_map(page[1], space, 0x1000, READ), OK);
        ck_mapped(0x1000, 4096, (uint64_t)world_frame(page[1]), READ);
    }
}
END_TEST

/* seL4: PT0002 */
START_TEST(what_changes_is_flushed_from_the_tlb)
{
    make_space(16);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS), large = large_frame(20);
    /* Init's own space has an ASID, this one has none yet. */
    struct {
        cptr_t space;
        bool flushes;
    } const cases[] = { { space, false }, { CPTR(BOOT_SLOT_VSPACE), true } };
    for (unsigned i = 0; i < array_length(cases); i++) {
        cptr_t const frames[] = { page, large };
        for (unsigned f = 0; f < 2; f++) {
            ck_ok(sys_frame_map(frames[f], cases[i].space, 0x50000000, READ));
            unsigned before = host.flushes;
            ck_ok(sys_frame_protect(frames[f], WRITE));
            ck_assert_int_eq(host.flushes > before, cases[i].flushes);
            before = host.flushes;
            ck_ok(sys_frame_unmap(frames[f]));
            ck_assert_int_eq(host.flushes > before, cases[i].flushes);
        }
    }
}
END_TEST

/* Each of its pages, whether one by one or all at once. */
START_TEST(all_pages_of_a_frame_are_flushed)
{
    make_space(0);
    static struct {
        uint8_t bits;
        word pages;
    } const cases[] = { { 12, 1 }, { 13, 3 }, { 16, 0xffff }, { 17, ~0ul } };
    for (unsigned i = 0; i < array_length(cases); i++) {
        cptr_t frame = large_frame(cases[i].bits);
        ck_ok(sys_frame_map(frame, CPTR(BOOT_SLOT_VSPACE), 0x50000000, READ));
        host.flushed = 0;
        ck_ok(sys_frame_protect(frame, WRITE));
        ck_assert_uint_eq(host.flushed, cases[i].pages);
        host.flushed = 0;
        ck_ok(sys_frame_unmap(frame));
        ck_assert_uint_eq(host.flushed, cases[i].pages);
    }
}
END_TEST

/* A thread that is ready in `space`, which gets these tables and a page. */
static struct world_thread thread_in_space(cptr_t tables)
{
    struct world_thread t = world_thread_unstarted(255);
    ck_ok(sys_vspace_feed(space, tables));
    ck_ok(sys_frame_map(world_object(OBJECT_FRAME, PAGE_BITS), space, 0x1000, READ));
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, space, CPTR_NONE, CPTR_NONE));
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, 0, 0, 0, 0, 0));
    return t;
}

/* The host has seven for programs. */
/* seL4: VSPACE0002, VSPACE0004, VSPACE0005 */
START_TEST(asids_are_taken_in_turn_and_flushed_when_reused)
{
    world_make();
    enum { SPACES = 12 };
    struct world_thread t[SPACES];
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    for (unsigned i = 0; i < SPACES; i++) {
        space = world_object(OBJECT_VSPACE, 0);
        t[i] = thread_in_space(world_object(OBJECT_TABLES, 15));
    }
    bool seen[8] = { false, true }; /* init's */
    uint64_t given, given_before, flushed, flushed_before;
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_ASIDS, &given_before));
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_TLB_FLUSHES, &flushed_before));
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < SPACES; i++) {
            unsigned before = host.flushes;
            bool had_one = world_current()->vspace->root != 0 && t[i].tcb->vspace->root != 0;
            sys_yield();
            ck_runs(t[i]);
            struct vspace const *runs = t[i].tcb->vspace;
            ck_assert(!had_one || round == 0);
            ck_assert_uint_ge(runs->asid, 1);
            ck_assert_uint_lt(runs->asid, 8);
            ck_assert_uint_eq(host.root, arch_root_make(arch_physical(runs->top), runs->asid));
            ck_assert_int_eq(host.flushes > before, seen[runs->asid]);
            seen[runs->asid] = true;
            for (unsigned other = 0; other < SPACES; other++) {
                ck_assert(other == i || t[other].tcb->vspace->asid == 0 ||
                          t[other].tcb->vspace->asid != runs->asid);
            }
        }
        sys_yield();
        ck_runs(world_init());
    }
    /* Nobody kept one for a whole round, init neither; only the first time of each is free. */
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_ASIDS, &given));
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_TLB_FLUSHES, &flushed));
    ck_assert_uint_eq(given - given_before, 3 * (SPACES + 1));
    ck_assert_uint_eq(flushed - flushed_before, 3 * (SPACES + 1) - 6);
    /* One that lost its ASID can still be called. */
    struct sys_message m = { .tag = 0 };
    sys_yield();
    ck_runs(t[0]);
    (void)sys_recv(endpoint, &m, 0);
    for (unsigned i = 1; i < SPACES; i++) {
        ck_runs(t[i]);
        world_sleep();
    }
    ck_runs(world_init());
    ck_assert_uint_eq(t[0].tcb->vspace->root, 0);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(t[0]);
    ck_assert_uint_ne(t[0].tcb->vspace->root, 0);
}
END_TEST

static void clear(unsigned at, bool tables)
{
    space = world_object(OBJECT_VSPACE, 0);
    cptr_t block = world_object(OBJECT_TABLES, 16);
    ck_ok(sys_vspace_feed(space, block));
    ck_ok(sys_vspace_feed(space, world_object(OBJECT_TABLES, 15)));
    for (unsigned i = 0; i < 5; i++) {
        cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
        ck_ok(sys_frame_map(page, space, (uint64_t)i * 0x40201000, READ));
    }
    world_interrupt_at(at);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(tables ? block : space)));
    world_interrupt_at(0);
}

static void clear_tables(unsigned at)
{
    clear(at, true);
}

static void clear_space(unsigned at)
{
    clear(at, false);
}

START_TEST(clearing_may_be_interrupted_anywhere)
{
    ck_assert_uint_gt(world_preempt_everywhere(clear_tables), 5);
    ck_assert_uint_gt(world_preempt_everywhere(clear_space), 5);
}
END_TEST

/* A table without entries gives way to a large page and serves again later. */
START_TEST(a_large_page_takes_the_place_of_an_empty_table)
{
    make_space(15); /* four tables: three lead to a page, one is left */
    cptr_t page = world_object(OBJECT_FRAME, 12), large = large_frame(21);
    ck_ok(sys_frame_map(page, space, 0x10201000, WRITE));
    ck_err(sys_frame_map(large, space, 0x10200000, READ), ERR_OCCUPIED);
    ck_ok(sys_frame_unmap(page));
    ck_ok(sys_frame_map(large, space, 0x10200000, READ));
    ck_assert(world_entry(space, 0x103ff000) != 0);
    ck_err(sys_frame_map(page, space, 0x10201000, WRITE), ERR_OCCUPIED);
    ck_ok(sys_frame_unmap(large));
    /* The last table and the one that came back. */
    ck_ok(sys_frame_map(page, space, 0x10201000, WRITE));
    ck_ok(sys_frame_map(world_object(OBJECT_FRAME, 12), space, 0x10401000, WRITE));
    ck_err(sys_frame_map(world_object(OBJECT_FRAME, 12), space, 0x10601000, WRITE), ERR_NEED_TABLES);
}
END_TEST

/* The processor may remember the table that was there, under the space's ASID. */
START_TEST(a_table_that_gave_way_is_flushed)
{
    make_space(0);
    space = CPTR(BOOT_SLOT_VSPACE);
    cptr_t page = world_object(OBJECT_FRAME, 12), large = large_frame(21);
    ck_ok(sys_vspace_feed(space, world_object(OBJECT_TABLES, 15)));
    ck_ok(sys_frame_map(page, space, 0x50001000, READ));
    ck_ok(sys_frame_unmap(page));
    host.flushed = 0;
    ck_ok(sys_frame_map(large, space, 0x50000000, READ));
    ck_assert_uint_eq(host.flushed, ~0ul);
}
END_TEST

/* A space without tables has no ASID: the one that it had is another's soon. */
START_TEST(an_asid_goes_with_the_tables)
{
    make_space(0);
    cptr_t tables = world_object(OBJECT_TABLES, 15);
    struct world_thread t = thread_in_space(tables);
    sys_yield();
    ck_runs(t);
    ck_assert_uint_ne(t.tcb->vspace->asid, 0);
    sys_yield();
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(tables)));
    ck_assert_uint_eq(t.tcb->vspace->asid, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vspace");
    WORLD_TEST(suite, frames_of_all_sizes_are_mapped_whole);
    WORLD_TEST(suite, rights_only_shrink_and_writable_is_not_executable);
    WORLD_TEST(suite, a_capability_is_one_mapping);
    WORLD_TEST(suite, a_place_that_is_partly_taken_is_left_alone);
    WORLD_TEST(suite, a_map_that_lacks_tables_says_so_and_changes_nothing);
    WORLD_TEST(suite, mappings_go_with_the_space_or_its_tables);
    WORLD_TEST(suite, what_changes_is_flushed_from_the_tlb);
    WORLD_TEST(suite, all_pages_of_a_frame_are_flushed);
    WORLD_TEST(suite, asids_are_taken_in_turn_and_flushed_when_reused);
    WORLD_TEST(suite, a_large_page_takes_the_place_of_an_empty_table);
    WORLD_TEST(suite, a_table_that_gave_way_is_flushed);
    WORLD_TEST(suite, an_asid_goes_with_the_tables);
    WORLD_TEST(suite, clearing_may_be_interrupted_anywhere);
    return world_run(suite);
}

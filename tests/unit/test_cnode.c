/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)

static uint64_t rights_of(cptr_t slot)
{
    uint8_t type;
    uint64_t rights, value;
    ck_ok(sys_cnode_inspect(INIT_TABLE, INDEX(slot), &type, &rights, &value));
    return rights;
}

static uint64_t value_of(cptr_t slot)
{
    uint8_t type;
    uint64_t rights, value;
    ck_ok(sys_cnode_inspect(INIT_TABLE, INDEX(slot), &type, &rights, &value));
    return value;
}

START_TEST(a_copy_never_has_more_rights)
{
    world_make();
    static struct {
        enum object_type type;
        uint8_t size;
        uint64_t all;
    } const kinds[] = { { OBJECT_ENDPOINT, 0, ENDPOINT_RIGHTS },
                        { OBJECT_NOTIFICATION, 0, NOTIFICATION_RIGHTS },
                        { OBJECT_FRAME, PAGE_BITS, FRAME_RIGHTS } };
    for (unsigned k = 0; k < array_length(kinds); k++) {
        cptr_t original = world_object(kinds[k].type, kinds[k].size);
        ck_assert_uint_eq(rights_of(original), kinds[k].all);
        cptr_t some = world_slot(), fewer = world_slot();
        for (unsigned first = 0; first < 128; first++) {
            uint64_t mask = (first & 63) | (uint64_t)(first >> 6) << 63;
            ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(some), original, mask));
            ck_assert_uint_eq(rights_of(some), kinds[k].all & mask);
            for (unsigned i = 0; i < 64; i++) {
                ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(fewer), some, ~(1ul << i)));
                ck_assert_uint_eq(rights_of(fewer), kinds[k].all & mask & ~(1ul << i));
                ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(fewer)));
            }
            ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(some)));
        }
    }
}
END_TEST

START_TEST(every_table_can_be_descended_whatever_the_rights)
{
    world_make();
    cptr_t table = world_object(OBJECT_CNODE, 4);
    cptr_t copy = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(copy), table, 0));
    ck_ok(sys_cnode_copy(copy, 3, CPTR(BOOT_SLOT_KERNEL), RIGHTS_ALL));
    uint64_t value;
    ck_ok(sys_kernel_counter(world_inside(copy, 3), COUNTER_FAULTS, &value));
}
END_TEST

/* seL4: CNODEOP0003 */
START_TEST(a_badge_is_given_once_and_fits)
{
    world_make();
    static struct {
        enum object_type type;
        uint8_t size;
        uint64_t badge;
        enum err expected;
    } const cases[] = {
        { OBJECT_ENDPOINT, 0, 1, OK },
        { OBJECT_ENDPOINT, 0, (1ul << 43) - 1, OK },
        { OBJECT_ENDPOINT, 0, 1ul << 43, ERR_BAD_ARGUMENT },
        { OBJECT_ENDPOINT, 0, ~0ul, ERR_BAD_ARGUMENT },
        { OBJECT_NOTIFICATION, 0, ~0ul, OK },
        { OBJECT_FRAME, PAGE_BITS, 1, ERR_WRONG_TYPE },
        { OBJECT_THREAD, 0, 1, ERR_WRONG_TYPE },
        { OBJECT_CNODE, 4, 1, ERR_WRONG_TYPE },
        { OBJECT_UNTYPED, 12, 1, ERR_WRONG_TYPE },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        cptr_t original = world_object(cases[i].type, cases[i].size);
        cptr_t badged = world_slot(), again = world_slot();
        ck_err(sys_cnode_mint(INIT_TABLE, INDEX(badged), original, RIGHTS_ALL, cases[i].badge),
               cases[i].expected);
        if (cases[i].expected != OK) {
            ck_assert_uint_eq(world_type(badged), OBJECT_NONE);
            continue;
        }
        ck_assert_uint_eq(value_of(badged), cases[i].badge);
        ck_err(sys_cnode_mint(INIT_TABLE, INDEX(again), badged, RIGHTS_ALL, 7), ERR_ALREADY);
        ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(again), badged, RIGHTS_ALL));
        ck_assert_uint_eq(value_of(again), cases[i].badge);
    }
}
END_TEST

START_TEST(memory_and_tables_exist_once)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, 14);
    cptr_t tables = world_object(OBJECT_TABLES, 14);
    cptr_t to = world_slot();
    ck_err(sys_cnode_copy(INIT_TABLE, INDEX(to), memory, RIGHTS_ALL), ERR_NOT_COPYABLE);
    ck_err(sys_cnode_copy(INIT_TABLE, INDEX(to), tables, RIGHTS_ALL), ERR_NOT_COPYABLE);
    ck_err(sys_cnode_copy(INIT_TABLE, INDEX(to), to, RIGHTS_ALL), ERR_BAD_CAPABILITY);
    ck_ok(sys_cnode_move(INIT_TABLE, INDEX(to), INIT_TABLE, INDEX(memory)));
    ck_assert_uint_eq(world_type(to), OBJECT_UNTYPED);
    ck_assert_uint_eq(world_type(memory), OBJECT_NONE);
}
END_TEST

/* seL4: CNODEOP0001, CNODEOP0002, CNODEOP0003, CNODEOP0004, RETYPE0000 */
START_TEST(a_slot_is_in_the_table_and_empty_or_full_as_it_must_be)
{
    world_make();
    cptr_t table = world_object(OBJECT_CNODE, 4);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    static uint32_t const outside[] = { 0, 16, 17, 4096, 0x7fffffff, 0xffffffff };
    for (unsigned i = 0; i < array_length(outside); i++) {
        uint32_t at = outside[i];
        uint8_t type;
        uint64_t rights, value;
        ck_err(sys_cnode_copy(table, at, endpoint, RIGHTS_ALL), ERR_BAD_ARGUMENT);
        ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, 1);
        ck_err(sys_cnode_mint(table, at, endpoint, RIGHTS_ALL, 1), ERR_BAD_ARGUMENT);
        ck_err(sys_cnode_move(table, at, INIT_TABLE, INDEX(endpoint)), ERR_BAD_ARGUMENT);
        ck_err(sys_cnode_move(table, 1, table, at), ERR_BAD_ARGUMENT);
        ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, 3);
        ck_err(sys_cnode_delete(table, at), ERR_BAD_ARGUMENT);
        ck_err(sys_cnode_revoke(table, at), ERR_BAD_ARGUMENT);
        ck_err(sys_cnode_inspect(table, at, &type, &rights, &value), ERR_BAD_ARGUMENT);
        ck_err(sys_untyped_retype(world_memory, OBJECT_ENDPOINT, 0, 1, table, at),
               ERR_BAD_ARGUMENT);
    }
    /* The last that there are, and one more. */
    ck_err(sys_untyped_retype(world_memory, OBJECT_ENDPOINT, 0, 3, table, 14), ERR_BAD_ARGUMENT);
    ck_assert_uint_eq(world_type(world_inside(table, 14)), OBJECT_NONE);
    ck_ok(sys_untyped_retype(world_memory, OBJECT_ENDPOINT, 0, 2, table, 14));
    /* A full table. */
    for (uint32_t at = 1; at < 14; at++) {
        ck_ok(sys_cnode_copy(table, at, endpoint, RIGHTS_ALL));
    }
    for (uint32_t at = 1; at < 16; at++) {
        ck_err(sys_cnode_copy(table, at, endpoint, RIGHTS_ALL), ERR_OCCUPIED);
        ck_err(sys_cnode_mint(table, at, endpoint, RIGHTS_ALL, 1), ERR_OCCUPIED);
        ck_err(sys_cnode_move(table, at, INIT_TABLE, INDEX(endpoint)), ERR_OCCUPIED);
        ck_err(sys_untyped_retype(world_memory, OBJECT_ENDPOINT, 0, 1, table, at), ERR_OCCUPIED);
    }
    ck_ok(sys_cnode_delete(table, 9));
    ck_ok(sys_cnode_delete(table, 9)); /* of nothing is nothing */
    ck_err(sys_cnode_move(INIT_TABLE, INDEX(world_slot()), table, 9), ERR_BAD_CAPABILITY);
    ck_err(sys_untyped_retype(world_memory, OBJECT_ENDPOINT, 0, 2, table, 9), ERR_OCCUPIED);
    ck_assert_uint_eq(world_type(world_inside(table, 9)), OBJECT_NONE);
}
END_TEST

/* seL4: CSPACE0001 */
START_TEST(an_address_goes_two_levels_deep)
{
    world_make();
    cptr_t outer = world_object(OBJECT_CNODE, 4);
    cptr_t inner = world_inside(outer, 5);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    ck_ok(sys_untyped_retype(world_memory, OBJECT_CNODE, 3, 1, outer, 5));
    ck_ok(sys_cnode_copy(inner, 2, endpoint, RIGHTS_ALL));
    ck_assert_uint_eq(world_type(inner), OBJECT_CNODE);
    ck_assert_uint_eq(world_type(world_inside(outer, 0)), OBJECT_CNODE);
    /* Higher bits mean nothing: they name no third level. */
    cptr_t deeper = { inner.raw | 2ul << (SLOT_BITS + 12 + 4) };
    ck_assert_uint_eq(world_type(deeper), OBJECT_CNODE);
    /* A thread whose first table that is sees what is in there. */
    cptr_t in_outer = { (5ul | 2ul << 4) << SLOT_BITS };
    struct world_thread t = world_thread_unstarted(255);
    ck_ok(sys_thread_configure(t.cap, outer, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    struct slot *slot = cspace_slot(t.tcb, (kernel_cptr_t){ in_outer.raw });
    ck_assert_uint_eq(cap_type(slot->head), OBJECT_ENDPOINT);
    slot = cspace_slot(t.tcb, (kernel_cptr_t){ 5ul << SLOT_BITS });
    ck_assert_uint_eq(cap_type(slot->head), OBJECT_CNODE);
}
END_TEST

/* Whatever the address, the slot lies in one of the two tables. */
/* seL4: CSPACE0001 */
START_TEST(no_address_leads_out_of_the_tables)
{
    world_make();
    cptr_t table = world_object(OBJECT_CNODE, 3);
    struct tcb *init = world_current();
    char *outer = init->cs_base;
    char *inner = (char *)cap_object(cspace_slot(init, (kernel_cptr_t){ table.raw })->head);
    srand(1);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t raw = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
        if (i % 2 == 0) {
            raw = (raw & ~0x1fffful) | table.raw;
        }
        char *slot = (char *)cspace_slot(init, (kernel_cptr_t){ raw });
        ck_assert((word)slot % sizeof(struct slot) == 0);
        bool in_outer = slot >= outer && slot < outer + (1 << (12 + SLOT_BITS));
        bool in_inner = slot >= inner && slot < inner + (1 << (3 + SLOT_BITS));
        ck_assert(in_outer || in_inner);
        ck_assert(slot != inner);
    }
    /* Slot 0, and without a table every slot, is empty for ever. */
    uint64_t value;
    ck_err(sys_kernel_counter(CPTR_NONE, COUNTER_FAULTS, &value), ERR_BAD_CAPABILITY);
    struct world_thread t = world_thread(255);
    ck_ok(sys_thread_suspend(t.cap));
    cptr_t of_its_own = world_object(OBJECT_CNODE, 4);
    ck_ok(sys_thread_configure(t.cap, of_its_own, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(of_its_own)));
    for (unsigned i = 0; i < 1000; i++) {
        struct slot *slot =
            cspace_slot(t.tcb, (kernel_cptr_t){ (word)rand() << 16 ^ (word)rand() });
        ck_assert(slot_is_empty(slot));
        ck_assert_ptr_eq((char *)slot, t.tcb->cs_base);
    }
}
END_TEST

/* seL4: CNODEOP0004, CNODEOP0005 */
START_TEST(what_moves_keeps_its_descent)
{
    world_make();
    cptr_t original = world_object(OBJECT_ENDPOINT, 0);
    cptr_t parent = world_slot(), child = world_slot(), to = world_slot(), other = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(parent), original, RIGHTS_ALL));
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(child), parent, RIGHTS_ALL));
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(other), original, RIGHTS_ALL));
    ck_ok(sys_cnode_move(INIT_TABLE, INDEX(to), INIT_TABLE, INDEX(parent)));
    ck_assert_uint_eq(world_descendants(to), 1);
    ck_assert_uint_eq(world_descendants(original), 3);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(to)));
    ck_assert_uint_eq(world_type(child), OBJECT_NONE);
    ck_assert_uint_eq(world_type(to), OBJECT_ENDPOINT);
    ck_assert_uint_eq(world_type(other), OBJECT_ENDPOINT);
}
END_TEST

static enum err move(cptr_t to, cptr_t from)
{
    return sys_cnode_move(INIT_TABLE, INDEX(to), INIT_TABLE, INDEX(from));
}

/* What another kernel has a request for takes three moves here; nothing is lost when one is refused. */
/* seL4: CNODEOP0008 */
START_TEST(capabilities_change_places)
{
    world_make();
    cptr_t a = world_object(OBJECT_ENDPOINT, 0), b = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t c = world_object(OBJECT_REPLY, 0), spare = world_slot(), child = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(child), a, ENDPOINT_SEND));
    /* In a ring of three: a to b, b to c, c to a. */
    ck_ok(move(spare, c));
    ck_ok(move(c, b));
    ck_ok(move(b, a));
    ck_ok(move(a, spare));
    ck_assert_uint_eq(world_type(a), OBJECT_REPLY);
    ck_assert_uint_eq(world_type(b), OBJECT_ENDPOINT);
    ck_assert_uint_eq(world_type(c), OBJECT_NOTIFICATION);
    ck_assert_uint_eq(world_type(spare), OBJECT_NONE);
    ck_assert_uint_eq(world_descendants(b), 1);
    /* Two, and back. */
    for (unsigned i = 0; i < 2; i++) {
        ck_ok(move(spare, a));
        ck_ok(move(a, b));
        ck_ok(move(b, spare));
        ck_assert_uint_eq(world_type(a), i == 0 ? OBJECT_ENDPOINT : OBJECT_REPLY);
        ck_assert_uint_eq(world_type(b), i == 0 ? OBJECT_REPLY : OBJECT_ENDPOINT);
    }
    /* To a slot that is taken, its own among them, and from one with nothing in it. */
    ck_err(move(a, b), ERR_OCCUPIED);
    ck_err(move(a, a), ERR_OCCUPIED);
    ck_err(move(spare, world_slot()), ERR_BAD_CAPABILITY);
    ck_err(move(spare, spare), ERR_BAD_CAPABILITY);
    ck_assert_uint_eq(world_type(a), OBJECT_REPLY);
    ck_assert_uint_eq(world_type(b), OBJECT_ENDPOINT);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(b)));
    ck_assert_uint_eq(world_type(child), OBJECT_NONE);
}
END_TEST

/* seL4: CNODEOP0007 */
START_TEST(a_revoke_leaves_no_descendant_and_nobody_else)
{
    world_make();
    srand((unsigned)_i + 1);
    enum { SLOTS = 40 };
    cptr_t slot[SLOTS];
    int parent[SLOTS];
    slot[0] = world_object(OBJECT_ENDPOINT, 0);
    parent[0] = -1;
    for (int i = 1; i < SLOTS; i++) {
        slot[i] = world_slot();
        parent[i] = rand() % i;
        ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(slot[i]), slot[parent[i]], RIGHTS_ALL));
    }
    /* Some are deleted first: their children are then their parent's. */
    for (int n = 0; n < SLOTS / 4; n++) {
        int gone = 1 + rand() % (SLOTS - 1);
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(slot[gone])));
        for (int i = 0; i < SLOTS; i++) {
            parent[i] = parent[gone] != -2 && parent[i] == gone ? parent[gone] : parent[i];
        }
        parent[gone] = -2;
    }
    int top = rand() % SLOTS;
    while (parent[top] == -2) {
        top = rand() % SLOTS;
    }
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(slot[top])));
    ck_assert_uint_eq(world_descendants(slot[top]), 0);
    for (int i = 0; i < SLOTS; i++) {
        int at = i;
        while (at >= 0 && at != top) {
            at = parent[at];
        }
        bool stays = parent[i] != -2 && (i == top || at != top);
        ck_assert_uint_eq(world_type(slot[i]), stays ? OBJECT_ENDPOINT : OBJECT_NONE);
    }
}
END_TEST

START_TEST(an_object_lives_as_long_as_a_capability_to_it)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t copy = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(copy), endpoint, ENDPOINT_RECV));
    struct world_thread t = world_thread(255);
    sys_yield();
    ck_assert_ptr_eq(world_current(), t.tcb);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_assert_ptr_eq(world_current(), world_init().tcb);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(endpoint)));
    ck_assert_uint_ne(t.tcb->wait, 0);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(copy)));
    ck_assert_uint_eq(t.tcb->wait, 0);
    sys_yield();
    ck_assert_ptr_eq(world_current(), t.tcb);
    ck_assert_int_eq((int64_t)world_registers()[0], -ERR_GONE);
}
END_TEST

/* A table whose only capability is in itself, with an object in it. */
static cptr_t make_knot(cptr_t memory)
{
    cptr_t table = world_slot();
    ck_ok(sys_untyped_retype(memory, OBJECT_CNODE, 4, 1, INIT_TABLE, INDEX(table)));
    ck_ok(sys_untyped_retype(memory, OBJECT_ENDPOINT, 0, 2, table, 7));
    ck_ok(sys_cnode_move(table, 3, INIT_TABLE, INDEX(table)));
    return table;
}

START_TEST(a_table_that_holds_itself_is_no_leak)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, 12);
    for (unsigned i = 0; i < 3; i++) { /* it would not fit three times */
        cptr_t table = make_knot(memory);
        ck_assert_uint_eq(world_type(table), OBJECT_NONE);
        ck_assert_uint_eq(world_descendants(memory), 3);
        ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(memory)));
        ck_assert_uint_eq(world_descendants(memory), 0);
        ck_assert_ptr_null(families[0].dying);
        cptr_t all = world_slot();
        ck_ok(sys_untyped_retype(memory, OBJECT_FRAME, 12, 1, INIT_TABLE, INDEX(all)));
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(all)));
    }
}
END_TEST

START_TEST(a_table_deletes_its_own_last_capability)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, 12);
    cptr_t table = world_slot();
    ck_ok(sys_untyped_retype(memory, OBJECT_CNODE, 4, 1, INIT_TABLE, INDEX(table)));
    ck_ok(sys_untyped_retype(memory, OBJECT_ENDPOINT, 0, 2, table, 7));
    ck_ok(sys_cnode_copy(table, 2, INIT_TABLE, RIGHTS_ALL));
    ck_ok(sys_cnode_delete(world_inside(table, 2), INDEX(table)));
    ck_assert_uint_eq(world_descendants(memory), 0);
    ck_assert_ptr_null(families[0].dying);
}
END_TEST

/* Two levels of tables with something of everything in them, in use. */
static cptr_t furnish(cptr_t memory)
{
    cptr_t table = world_slot();
    ck_ok(sys_untyped_retype(memory, OBJECT_CNODE, 5, 1, INIT_TABLE, INDEX(table)));
    static struct {
        enum object_type type;
        uint8_t size;
    } const kinds[] = { { OBJECT_UNTYPED, 12 },      { OBJECT_CNODE, 7 },
                        { OBJECT_THREAD, 0 },        { OBJECT_ENDPOINT, 0 },
                        { OBJECT_NOTIFICATION, 0 },  { OBJECT_REPLY, 0 },
                        { OBJECT_SCHED_CONTEXT, 0 }, { OBJECT_VSPACE, 0 },
                        { OBJECT_TABLES, 15 },       { OBJECT_FRAME, 14 },
                        { OBJECT_FRAME, 12 } };
    for (uint32_t i = 0; i < array_length(kinds); i++) {
        ck_ok(sys_untyped_retype(memory, kinds[i].type, kinds[i].size, 1, table, 1 + i));
    }
    cptr_t inner = world_inside(table, 2), thread = world_inside(table, 3);
    cptr_t time = world_inside(table, 7), space = world_inside(table, 8);
    ck_ok(sys_cnode_copy(inner, 100, table, RIGHTS_ALL));
    ck_ok(sys_cnode_mint(inner, 101, world_inside(table, 4), RIGHTS_ALL, 5));
    ck_ok(sys_cnode_copy(inner, 102, thread, RIGHTS_ALL));
    ck_ok(sys_vspace_feed(space, world_inside(table, 9)));
    ck_ok(sys_frame_map(world_inside(table, 10), space, 0x400000, FRAME_READ));
    ck_ok(sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), 3, table, 20));
    ck_ok(sys_irq_handler_bind(world_inside(table, 20), world_inside(table, 5)));
    ck_ok(sys_thread_configure(thread, inner, space, world_inside(table, 11),
                               world_inside(table, 4)));
    ck_ok(sys_notification_bind(world_inside(table, 5), thread));
    ck_ok(sys_sched_control_configure(CPTR(BOOT_SLOT_SCHED_CONTROL), time, 1000000, 0));
    ck_ok(sys_sched_context_bind(time, thread));
    ck_ok(sys_thread_start(thread, 0, 0, 0, 0, 0));
    return table;
}

static void revoke_everything(unsigned at)
{
    cptr_t memory = world_object(OBJECT_UNTYPED, 18);
    (void)furnish(memory);
    world_interrupt_at(at);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(memory)));
    world_interrupt_at(0);
    ck_assert_uint_eq(world_descendants(memory), 0);
    ck_assert_ptr_null(families[0].dying);
    ck_ok(sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), 3, INIT_TABLE, INDEX(world_slot())));
}

/* seL4: PREEMPT_REVOKE */
/* escape: RESTART-PC */
START_TEST(a_revoke_may_be_interrupted_anywhere)
{
    ck_assert_uint_gt(world_preempt_everywhere(revoke_everything), 20);
}
END_TEST

static void delete_table(unsigned at)
{
    cptr_t memory = world_object(OBJECT_UNTYPED, 18);
    cptr_t table = furnish(memory);
    ck_ok(sys_cnode_delete(world_inside(table, 2), 100)); /* no knots */
    ck_ok(sys_cnode_delete(world_inside(table, 2), 102));
    world_interrupt_at(at);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(table)));
    world_interrupt_at(0);
    ck_assert_uint_eq(world_descendants(memory), 0);
    ck_assert_ptr_null(families[0].dying);
}

/* Page tables, with much mapped, go with the table of capabilities that they are in. */
static void delete_tables_inside(unsigned at)
{
    cptr_t table = world_object(OBJECT_CNODE, 3), space = world_object(OBJECT_VSPACE, 0);
    ck_ok(sys_untyped_retype(world_memory, OBJECT_TABLES, 17, 1, table, 2));
    ck_ok(sys_vspace_feed(space, world_inside(table, 2)));
    cptr_t page[4];
    for (unsigned i = 0; i < 4; i++) {
        page[i] = world_object(OBJECT_FRAME, PAGE_BITS);
        ck_ok(sys_frame_map(page[i], space, (uint64_t)i * 0x40201000, FRAME_READ));
    }
    world_interrupt_at(at);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(table)));
    world_interrupt_at(0);
    ck_assert_ptr_null(families[0].dying);
    for (unsigned i = 0; i < 4; i++) {
        ck_err(sys_frame_unmap(page[i]), ERR_NOT_MAPPED);
    }
}

/* escape: RESTART-PC */
START_TEST(what_is_inside_may_be_interrupted_too)
{
    ck_assert_uint_gt(world_preempt_everywhere(delete_tables_inside), 3);
}
END_TEST

/* escape: RESTART-PC */
START_TEST(a_delete_may_be_interrupted_anywhere)
{
    ck_assert_uint_gt(world_preempt_everywhere(delete_table), 15);
}
END_TEST

/* A thread that takes everything away from itself, its own capabilities last. */
static void end_oneself(unsigned at)
{
    cptr_t memory = world_object(OBJECT_UNTYPED, 18);
    cptr_t table = world_slot();
    ck_ok(sys_untyped_retype(memory, OBJECT_CNODE, 5, 1, INIT_TABLE, INDEX(table)));
    ck_ok(sys_untyped_retype(memory, OBJECT_THREAD, 0, 1, table, 1));
    ck_ok(sys_untyped_retype(memory, OBJECT_SCHED_CONTEXT, 0, 1, table, 2));
    cptr_t thread = world_inside(table, 1), time = world_inside(table, 2);
    ck_ok(sys_thread_configure(thread, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), thread, 255));
    ck_ok(sys_sched_control_configure(CPTR(BOOT_SLOT_SCHED_CONTROL), time, 1000000, 0));
    ck_ok(sys_sched_context_bind(time, thread));
    ck_ok(sys_thread_start(thread, 0, 0, 0, 0, 0));
    struct tcb *dying = world_tcb(thread);
    sys_yield();
    ck_assert_ptr_eq(world_current(), dying);
    world_interrupt_at(at);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(memory)));
    world_interrupt_at(0);
    ck_assert_ptr_eq(world_current(), world_init().tcb);
    ck_ok(sys_cnode_finish(INIT_TABLE)); /* what it could not see to itself */
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(memory)));
    ck_assert_ptr_null(families[0].dying);
    ck_assert_uint_eq(world_descendants(memory), 0);
}

START_TEST(a_thread_may_end_itself)
{
    ck_assert_uint_gt(world_preempt_everywhere(end_oneself), 3);
}
END_TEST

START_TEST(capabilities_to_one_object_are_the_same)
{
    world_make();
    uint8_t same = 0;
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), other = world_object(OBJECT_ENDPOINT, 0);
    cptr_t badged = world_slot(), empty = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(badged), endpoint, ENDPOINT_SEND, 7));
    ck_ok(sys_cnode_compare(INIT_TABLE, INDEX(badged), endpoint, &same));
    ck_assert_uint_eq(same, 1);
    ck_ok(sys_cnode_compare(INIT_TABLE, INDEX(badged), other, &same));
    ck_assert_uint_eq(same, 0);
    ck_ok(sys_cnode_compare(INIT_TABLE, INDEX(badged), world_object(OBJECT_NOTIFICATION, 0), &same));
    ck_assert_uint_eq(same, 0);
    ck_ok(sys_cnode_compare(INIT_TABLE, INDEX(empty), endpoint, &same));
    ck_assert_uint_eq(same, 0);
    ck_err(sys_cnode_compare(INIT_TABLE, 1u << 30, endpoint, &same), ERR_BAD_ARGUMENT);
    ck_err(sys_cnode_compare(INIT_TABLE, INDEX(badged), empty, &same), ERR_BAD_CAPABILITY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cnode");
    WORLD_TEST(suite, a_copy_never_has_more_rights);
    WORLD_TEST(suite, every_table_can_be_descended_whatever_the_rights);
    WORLD_TEST(suite, a_badge_is_given_once_and_fits);
    WORLD_TEST(suite, memory_and_tables_exist_once);
    WORLD_TEST(suite, a_slot_is_in_the_table_and_empty_or_full_as_it_must_be);
    WORLD_TEST(suite, an_address_goes_two_levels_deep);
    WORLD_TEST(suite, no_address_leads_out_of_the_tables);
    WORLD_TEST(suite, what_moves_keeps_its_descent);
    WORLD_TEST(suite, capabilities_change_places);
    WORLD_LOOP_TEST(suite, a_revoke_leaves_no_descendant_and_nobody_else, 20);
    WORLD_TEST(suite, an_object_lives_as_long_as_a_capability_to_it);
    WORLD_TEST(suite, a_table_that_holds_itself_is_no_leak);
    WORLD_TEST(suite, a_table_deletes_its_own_last_capability);
    WORLD_TEST(suite, a_revoke_may_be_interrupted_anywhere);
    WORLD_TEST(suite, a_delete_may_be_interrupted_anywhere);
    WORLD_TEST(suite, what_is_inside_may_be_interrupted_too);
    WORLD_TEST(suite, a_thread_may_end_itself);
    WORLD_TEST(suite, capabilities_to_one_object_are_the_same);
    return world_run(suite);
}

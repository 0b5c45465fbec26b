/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <string.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define INIT_SPACE CPTR(BOOT_SLOT_VSPACE)

static void entry(unsigned at, cptr_t target, enum method method, uint64_t a, uint64_t b,
                  uint64_t c)
{
    world_init().buffer->batch[at] = (struct batch_entry){ .target = target.raw,
                                                           .tag = sys_tag(method, 0, 0),
                                                           .arguments = { a, b, c } };
}

START_TEST(a_batch_does_all_its_requests)
{
    world_make();
    cptr_t slot[BATCH_ENTRIES];
    for (unsigned i = 0; i < BATCH_ENTRIES; i++) {
        slot[i] = world_slot();
        entry(i, INIT_TABLE, METHOD_CNODE_COPY, INDEX(slot[i]), CPTR(BOOT_SLOT_KERNEL).raw,
              RIGHTS_ALL);
    }
    unsigned done;
    ck_ok(sys_batch(40, &done));
    ck_assert_uint_eq(done, 40);
    for (unsigned i = 0; i < BATCH_ENTRIES; i++) {
        ck_assert_uint_eq(world_type(slot[i]), i < 40 ? OBJECT_KERNEL : OBJECT_NONE);
    }
    ck_ok(sys_batch(0, &done));
    ck_assert_uint_eq(done, 0);
    ck_err(sys_batch(BATCH_ENTRIES, &done), ERR_OCCUPIED);
    ck_assert_uint_eq(done, 0);
}
END_TEST

START_TEST(it_stops_at_the_first_error_and_says_where_and_why)
{
    world_make();
    cptr_t a = world_slot(), b = world_slot();
    for (unsigned bad = 0; bad < 5; bad++) {
        for (unsigned i = 0; i < 5; i++) {
            entry(i, INIT_TABLE, METHOD_CNODE_COPY, INDEX(i % 2 ? a : b),
                  CPTR(BOOT_SLOT_KERNEL).raw, RIGHTS_ALL);
            if (i == bad) {
                entry(i, INIT_TABLE, METHOD_CNODE_COPY, INDEX(a), INIT_SPACE.raw + 0x7000,
                      RIGHTS_ALL);
            } else if (i > 1) {
                entry(i, INIT_TABLE, METHOD_CNODE_INSPECT, 1, 0, 0);
            }
        }
        unsigned done;
        ck_err(sys_batch(5, &done), ERR_BAD_CAPABILITY);
        ck_assert_uint_eq(done, bad);
        ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, 2);
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(a)));
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(b)));
    }
}
END_TEST

START_TEST(an_empty_slot_is_no_capability_whatever_is_asked)
{
    world_make();
    for (unsigned label = 0; label < 2 * OBJECT_TYPES * 16; label++) {
        entry(0, world_slot(), (enum method)label, 0, 0, 0);
        unsigned done;
        ck_err(sys_batch(1, &done), ERR_BAD_CAPABILITY);
    }
}
END_TEST

START_TEST(results_are_in_the_entry)
{
    world_make();
    entry(0, INIT_TABLE, METHOD_CNODE_INSPECT, BOOT_SLOT_CNODE, 0, 0);
    entry(1, CPTR(BOOT_SLOT_KERNEL), METHOD_KERNEL_COUNTER, COUNTER_SYSCALLS, 0, 0);
    unsigned done;
    ck_ok(sys_batch(2, &done));
    struct batch_entry const *e = world_init().buffer->batch;
    ck_assert_uint_eq(e[0].arguments[0], OBJECT_CNODE);
    ck_assert_uint_eq(e[0].arguments[2], 12);
    ck_assert_uint_gt(e[1].arguments[0], 0);
}
END_TEST

START_TEST(a_batch_that_is_none_is_refused)
{
    world_make();
    static struct {
        uint64_t count, at;
        enum err expected;
    } const cases[] = { { BATCH_ENTRIES + 1, 0, ERR_BAD_ARGUMENT },
                        { ~0ul, 0, ERR_BAD_ARGUMENT },
                        { 3, 4, ERR_BAD_ARGUMENT },
                        { 3, ~0ul, ERR_BAD_ARGUMENT },
                        { 3, 3, OK } };
    for (unsigned i = 0; i < array_length(cases); i++) {
        struct sys_message m = { .w = { cases[i].count, cases[i].at } };
        ck_assert_int_eq(sys_trap(SYS_BATCH, &m, 2), -(int64_t)cases[i].expected);
    }
    struct world_thread t = world_thread_unstarted(255);
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, CPTR_NONE));
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, 0, 0, 0, 0, 0));
    sys_yield();
    ck_runs(t);
    unsigned done;
    ck_err(sys_batch(1, &done), ERR_NO_BUFFER);
}
END_TEST

/* An entry has four arguments: the fifth would be the next entry's, or nobody's. */
START_TEST(requests_of_five_arguments_are_refused)
{
    world_make();
    struct world_thread t = world_thread_unstarted(1);
    cptr_t to = world_slot();
    unsigned done;
    static unsigned const places[] = { 0, BATCH_ENTRIES - 1 };
    for (unsigned i = 0; i < array_length(places); i++) {
        struct batch_entry *e = &world_init().buffer->batch[places[i]];
        for (unsigned n = 0; n < BATCH_ENTRIES; n++) {
            entry(n, INIT_TABLE, METHOD_CNODE_INSPECT, 1, 0, 0);
        }
        world_init().buffer->batch[1].target = INDEX(to);
        *e = (struct batch_entry){ world_memory.raw,
                                   sys_tag(METHOD_UNTYPED_RETYPE, 0, 0),
                                   { OBJECT_ENDPOINT, 0, 1, INIT_TABLE.raw } };
        ck_err(sys_batch(places[i] + 1, &done), ERR_BAD_REQUEST);
        ck_assert_uint_eq(done, places[i]);
        *e = (struct batch_entry){ t.cap.raw, sys_tag(METHOD_THREAD_START, 0, 0), { 0 } };
        ck_err(sys_batch(places[i] + 1, &done), ERR_BAD_REQUEST);
        ck_assert(thread_is_stopped(t.tcb));
        ck_assert_uint_eq(world_type(to), OBJECT_NONE);
    }
}
END_TEST

START_TEST(a_batch_does_not_wait)
{
    world_make();
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    entry(0, reply, METHOD_REPLY_AWAIT, world_thread(1).cap.raw, 0, 0);
    unsigned done;
    ck_err(sys_batch(1, &done), ERR_BAD_REQUEST);
    ck_runs(world_init());
}
END_TEST

START_TEST(a_batch_whose_ground_is_taken_away_ends)
{
    world_make();
    cptr_t frame = world_object(OBJECT_FRAME, PAGE_BITS), to = world_slot();
    struct world_thread t = world_thread_unstarted(255);
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, frame, CPTR_NONE));
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, 0, 0, 0, 0, 0));
    sys_yield();
    ck_runs(t);
    struct batch_entry *e = t.tcb->buffer->batch;
    e[0] = (struct batch_entry){ INIT_TABLE.raw,
                                 sys_tag(METHOD_CNODE_REVOKE, 0, 0),
                                 { INDEX(frame) } };
    e[1] = (struct batch_entry){ INIT_TABLE.raw,
                                 sys_tag(METHOD_CNODE_COPY, 0, 0),
                                 { INDEX(to), INIT_TABLE.raw, RIGHTS_ALL } };
    unsigned done;
    ck_err(sys_batch(2, &done), ERR_CANCELLED);
    ck_assert_uint_eq(done, 1);
    ck_assert_uint_eq(world_type(to), OBJECT_NONE);
}
END_TEST

START_TEST(a_batch_may_end_the_thread_that_it_gave_time_to)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), reply = world_object(OBJECT_REPLY, 0);
    cptr_t frame = world_object(OBJECT_FRAME, PAGE_BITS);
    struct world_thread server = world_thread_unstarted(100), client = world_thread(50);
    ck_ok(sys_thread_configure(server.cap, INIT_TABLE, INIT_SPACE, frame, CPTR_NONE));
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    ck_ok(sys_thread_start(server.cap, 0, 0, 0, 0, 0));
    struct sys_message m = { .tag = 0 };
    world_sleep();
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(client);
    struct sched_context const *time = client.tcb->sc;
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    struct batch_entry *e = server.tcb->buffer->batch;
    e[0] = (struct batch_entry){ reply.raw, sys_tag(METHOD_REPLY_SAVE, 0, 0), { 0 } };
    e[1] = (struct batch_entry){ INIT_TABLE.raw,
                                 sys_tag(METHOD_CNODE_DELETE, 0, 0),
                                 { INDEX(client.cap) } };
    unsigned done;
    ck_ok(sys_batch(2, &done));
    ck_runs(server);
    ck_assert_ptr_null(time->borrowers);
    ck_err(sys_reply(reply, &m), ERR_NO_CALLER);
}
END_TEST

/* Runs of maps, other requests among them, a delete that takes long. */
static void mixed(unsigned at)
{
    cptr_t frame[8], table = world_object(OBJECT_CNODE, 7), to = world_slot();
    for (unsigned i = 1; i < 128; i++) {
        ck_ok(sys_cnode_copy(table, i, CPTR(BOOT_SLOT_KERNEL), RIGHTS_ALL));
    }
    for (unsigned i = 0; i < 8; i++) {
        frame[i] = world_object(OBJECT_FRAME, PAGE_BITS);
        entry(i, frame[i], METHOD_FRAME_MAP, INIT_SPACE.raw, 0x50000000 + i * 4096ul, FRAME_READ);
    }
    entry(3, INIT_TABLE, METHOD_CNODE_COPY, INDEX(to), INIT_TABLE.raw, RIGHTS_ALL);
    entry(8, INIT_TABLE, METHOD_CNODE_DELETE, INDEX(table), 0, 0);
    entry(9, INIT_TABLE, METHOD_CNODE_DELETE, INDEX(to), 0, 0);
    unsigned done;
    world_interrupt_at(at);
    ck_ok(sys_batch(10, &done));
    world_interrupt_at(0);
    ck_assert_uint_eq(done, 10);
    /* The delete was written over if it was interrupted: that is no difference. */
    world_init().buffer->batch[8].tag = 0;
}

START_TEST(a_batch_may_be_interrupted_anywhere)
{
    ck_assert_uint_gt(world_preempt_everywhere(mixed), 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    WORLD_TEST(suite, a_batch_does_all_its_requests);
    WORLD_TEST(suite, it_stops_at_the_first_error_and_says_where_and_why);
    WORLD_TEST(suite, an_empty_slot_is_no_capability_whatever_is_asked);
    WORLD_TEST(suite, results_are_in_the_entry);
    WORLD_TEST(suite, a_batch_that_is_none_is_refused);
    WORLD_TEST(suite, requests_of_five_arguments_are_refused);
    WORLD_TEST(suite, a_batch_does_not_wait);
    WORLD_TEST(suite, a_batch_whose_ground_is_taken_away_ends);
    WORLD_TEST(suite, a_batch_may_end_the_thread_that_it_gave_time_to);
    WORLD_TEST(suite, a_batch_may_be_interrupted_anywhere);
    return world_run(suite);
}

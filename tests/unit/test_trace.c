/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: what is recorded, what is not, and that nothing goes missing without being counted. */
#include "kernel.h"
#include "world.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define TRACE CPTR(BOOT_SLOT_TRACE)
#define BIT(event) (1ul << (event))
#define ALL   (BIT(TRACE_EVENTS) - 1)

static cptr_t frame;
static struct trace_ring *ring;

static void attach(void)
{
    frame = world_object(OBJECT_FRAME, PAGE_BITS);
    ring = world_frame(frame);
    ck_ok(sys_trace_attach(TRACE, frame));
}

static void begin(uint64_t events)
{
    world_make();
    attach();
    ck_ok(sys_trace_select(TRACE, events));
}

static struct trace_entry const *entry_at(uint64_t index)
{
    return (struct trace_entry const *)(ring + 1) + index % ring->capacity;
}

/* The next event that is none of `name`, `space` and `result`. */
static struct trace_entry const *next(void)
{
    while (ring->read < ring->written) {
        struct trace_entry const *entry = entry_at(ring->read++);
        if (entry->event != TRACE_NAME && entry->event != TRACE_SPACE &&
            entry->event != TRACE_RESULT) {
            return entry;
        }
    }
    ck_abort_msg("no more events");
    return NULL;
}

static struct trace_entry const *next_is(enum trace_event event)
{
    struct trace_entry const *entry = next();
    ck_assert_uint_eq(entry->event, event);
    return entry;
}

static struct trace_entry const *find(enum trace_event event)
{
    for (;;) {
        struct trace_entry const *entry = next();
        if (entry->event == event) {
            return entry;
        }
    }
}

static uint32_t id(struct tcb const *thread)
{
    return (uint32_t)((uintptr_t)thread >> SLOT_BITS);
}

/* ---- What is recorded ---- */

START_TEST(calls_come_with_their_thread_and_result)
{
    begin(BIT(TRACE_SYSCALL) | BIT(TRACE_RESULT));
    ring->read = ring->written;
    sys_null();
    world_pass(1000000);
    ck_err(sys_frame_unmap(frame), ERR_NOT_MAPPED);
    ck_assert_uint_eq(ring->written - ring->read, 4);
    struct trace_entry const *e = entry_at(ring->read);
    ck_assert_uint_eq(e[0].event, TRACE_SYSCALL);
    ck_assert_uint_eq(e[0].words[0], SYS_NULL);
    ck_assert_uint_eq(e[0].thread, id(world_init().tcb));
    ck_assert_uint_eq(e[1].event, TRACE_RESULT);
    ck_assert_uint_eq(e[1].words[0], OK);
    ck_assert_uint_eq(e[2].words[0], frame.raw | SYS_CALL);
    ck_assert_uint_eq(tag_label(e[2].words[1]), METHOD_FRAME_UNMAP);
    ck_assert_int_eq((int64_t)e[3].words[0], -ERR_NOT_MAPPED);
    ck_assert_uint_ge(e[2].time, e[1].time + clock_to_ticks(1000000));
}
END_TEST

START_TEST(a_thread_is_introduced_once)
{
    begin(ALL);
    sys_null();
    sys_null();
    unsigned names = 0;
    for (uint64_t i = 0; i < ring->written; i++) {
        struct trace_entry const *e = entry_at(i);
        if (e->event == TRACE_NAME) {
            names++;
            ck_assert_uint_eq(e->thread, id(world_init().tcb));
            ck_assert_int_eq(memcmp(e->words, "init\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
            ck_assert_uint_eq(e[1].event, TRACE_SPACE);
            ck_assert_uint_eq((uint32_t)e[1].words[0], id((void *)world_init().tcb->vspace));
        }
    }
    ck_assert_uint_eq(names, 1);
    ck_ok(sys_thread_name(CPTR(BOOT_SLOT_THREAD), 0x6f727468, 0)); /* "htro" */
    sys_null();
    uint64_t last = ring->written - 5; /* name, space, result of that, syscall, result */
    ck_assert_uint_eq(entry_at(last)->event, TRACE_NAME);
    ck_assert_uint_eq(entry_at(last)->words[0], 0x6f727468);
}
END_TEST

/* The ring had room for nothing, or for half of it. */
START_TEST(who_found_no_room_is_introduced_again)
{
    begin(BIT(TRACE_SYSCALL));
    ck_ok(sys_thread_name(CPTR(BOOT_SLOT_THREAD), 0x6f727468, 0)); /* "htro" */
    ring->read = ring->written + 1 + (uint64_t)_i - ring->capacity;
    sys_null();
    ck_assert_uint_eq(ring->lost, 2);
    ring->read = ring->written;
    sys_null();
    static enum trace_event const events[] = { TRACE_LOST, TRACE_NAME, TRACE_SPACE, TRACE_SYSCALL };
    ck_assert_uint_eq(ring->written - ring->read, 4);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(entry_at(ring->read + i)->event, events[i]);
    }
    ck_assert_uint_eq(entry_at(ring->read + 1)->words[0], 0x6f727468);
}
END_TEST

START_TEST(requests_say_what_they_are_about)
{
    begin(ALL & ~BIT(TRACE_SYSCALL) & ~BIT(TRACE_RESULT));
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    struct trace_entry const *e = next_is(TRACE_RETYPE);
    ck_assert_uint_eq((uint8_t)e->words[0], OBJECT_FRAME);
    ck_assert_uint_eq(e->words[0] >> 32, 1);
    ck_assert_uint_eq(e->words[1], (uintptr_t)world_frame(page));

    ck_ok(sys_frame_map(page, CPTR(BOOT_SLOT_VSPACE), 0x7000000, FRAME_READ));
    e = next_is(TRACE_MAP);
    ck_assert_uint_eq((uint32_t)e->words[0], id((void *)world_init().tcb->vspace));
    ck_assert_uint_eq((uint8_t)(e->words[0] >> 32), PAGE_BITS);
    ck_assert_uint_eq((uint8_t)(e->words[0] >> 40), FRAME_READ);
    ck_assert_uint_eq(e->words[1], 0x7000000);
    ck_ok(sys_frame_unmap(page));
    ck_assert_uint_eq(next_is(TRACE_UNMAP)->words[0], 0x7000000);

    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    e = next_is(TRACE_RETYPE);
    uint64_t address = e->words[1];
    ck_ok(sys_cnode_revoke(CPTR(BOOT_SLOT_CNODE), INDEX(endpoint)));
    ck_assert_uint_eq((uint8_t)next_is(TRACE_REVOKE)->words[0], OBJECT_ENDPOINT);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), INDEX(endpoint)));
    ck_assert_uint_eq((uint8_t)next_is(TRACE_DELETE)->words[0], OBJECT_ENDPOINT);
    e = next_is(TRACE_DESTROY);
    ck_assert_uint_eq((uint8_t)e->words[0], OBJECT_ENDPOINT);
    ck_assert_uint_eq(e->words[1], address);

    /* With its capability a mapping goes. */
    ck_ok(sys_frame_map(page, CPTR(BOOT_SLOT_VSPACE), 0x7001000, FRAME_READ));
    next_is(TRACE_MAP);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), INDEX(page)));
    next_is(TRACE_DELETE);
    ck_assert_uint_eq(next_is(TRACE_UNMAP)->words[0], 0x7001000);
}
END_TEST

START_TEST(a_batch_tells_of_each_request)
{
    begin(BIT(TRACE_MAP));
    struct message_buffer *buffer = world_init().buffer;
    for (unsigned i = 0; i < 3; i++) {
        buffer->batch[i] = (struct batch_entry){
            .target = world_object(OBJECT_FRAME, PAGE_BITS).raw,
            .tag = sys_tag(METHOD_FRAME_MAP, 0, 0),
            .arguments = { CPTR(BOOT_SLOT_VSPACE).raw, 0x7000000 + i * 0x1000, FRAME_READ },
        };
    }
    unsigned done;
    ck_ok(sys_batch(3, &done));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(next_is(TRACE_MAP)->words[1], 0x7000000 + i * 0x1000);
    }
}
END_TEST

/* A server waits at the endpoint, and init runs. */
static struct world_thread make_server(cptr_t endpoint)
{
    struct world_thread server = world_thread(255);
    struct sys_message m;
    sys_yield();
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    return server;
}

START_TEST(a_call_can_be_followed)
{
    begin(BIT(TRACE_MESSAGE) | BIT(TRACE_REPLY) | BIT(TRACE_SWITCH));
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint);
    uint32_t client = id(world_init().tcb);
    ring->read = ring->written;
    struct sys_message m = { .tag = sys_tag(7, 0, 0) | 99ul << TAG_REQUEST_SHIFT };
    sys_ignore(sys_call(endpoint, &m, 0 | SYS_TAG));
    ck_runs(server);
    struct trace_entry const *e = next_is(TRACE_MESSAGE);
    ck_assert_uint_eq((uint32_t)e->words[0], client);
    ck_assert_uint_eq(e->words[0] >> 32, id(server.tcb));
    ck_assert_uint_eq(tag_request(e->words[1]), 99);
    e = next_is(TRACE_SWITCH);
    ck_assert_uint_eq((uint32_t)e->words[0], client);
    ck_assert_uint_eq(e->words[0] >> 32, id(server.tcb));
    m.tag = sys_tag(0, 0, 0) | 99ul << TAG_REQUEST_SHIFT;
    (void)sys_reply_recv(endpoint, &m, 0 | SYS_TAG);
    ck_runs(world_init());
    e = next_is(TRACE_REPLY);
    ck_assert_uint_eq((uint32_t)e->words[0], id(server.tcb));
    ck_assert_uint_eq(e->words[0] >> 32, client);
    ck_assert_uint_eq(tag_request(e->words[1]), 99);
    ck_assert_uint_eq(next_is(TRACE_SWITCH)->words[0] >> 32, client);

    /* And so can one that finds its receiver busy. */
    struct world_thread other = world_thread(255);
    sys_yield();
    ck_runs(other);
    sys_ignore(sys_call(endpoint, &m, 0 | SYS_TAG));
    sys_ignore(sys_call(endpoint, &m, 0 | SYS_TAG));
    ck_assert_uint_eq((uint32_t)find(TRACE_MESSAGE)->words[0], id(other.tcb));
    find(TRACE_SWITCH);
}
END_TEST

START_TEST(interrupts_timeouts_and_faults_are_told)
{
    begin(ALL & ~BIT(TRACE_SYSCALL));
    cptr_t line = world_slot(), bell = world_object(OBJECT_NOTIFICATION, 0);
    ck_ok(sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), 9, CPTR(BOOT_SLOT_CNODE), INDEX(line)));
    ck_ok(sys_irq_handler_bind(line, bell));
    ring->read = ring->written;
    world_line(9, true);
    ck_assert_uint_eq(next_is(TRACE_INTERRUPT)->words[0], 9);
    world_line(9, false);
    uint64_t bits;
    ck_ok(sys_wait(bell, 0, &bits, NULL));

    /* Nobody can run until the deadline has passed. */
    uint64_t registers[8] = { bell.raw | SYS_WAIT, 1000000 };
    ck_assert_int_eq(world_trap(registers), -ERR_TIMED_OUT);
    ck_assert_uint_eq(next_is(TRACE_IDLE)->thread, 0);
    ck_assert_uint_eq(next_is(TRACE_TIMER)->words[0], 1000000 / 100);
    ck_assert_uint_eq((uint32_t)next_is(TRACE_TIMEOUT)->words[0], id(world_init().tcb));

    struct world_thread other = world_thread(255);
    sys_yield();
    ck_runs(other);
    world_fault(FAULT_KIND_WRITE, 0x1234);
    struct trace_entry const *e = find(TRACE_FAULT);
    ck_assert_uint_eq(e->thread, id(other.tcb));
    ck_assert_uint_eq((uint8_t)e->words[0], FAULT_KIND_WRITE);
    ck_assert_uint_eq(e->words[1], 0x1234);
    ck_assert_uint_eq(next_is(TRACE_SWITCH)->words[0] >> 32, id(world_init().tcb));
}
END_TEST

START_TEST(boosts_and_used_up_time_are_told)
{
    begin(ALL);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint);
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server.cap, 40));
    struct sys_message m;
    ring->read = ring->written;
    sys_ignore(sys_call(endpoint, &m, 0));
    struct trace_entry const *e = find(TRACE_PRIORITY);
    ck_assert_uint_eq((uint32_t)e->words[0], id(server.tcb));
    ck_assert_uint_eq((uint8_t)(e->words[0] >> 32), 40);
    ck_assert_uint_eq((uint8_t)(e->words[0] >> 40), 255);
    (void)sys_reply_recv(endpoint, &m, 0);
    e = find(TRACE_PRIORITY);
    ck_assert_uint_eq((uint8_t)(e->words[0] >> 40), 40);

    (void)world_thread(255);
    sys_yield();
    world_pass(20000000);
    find(TRACE_TIMER);
    find(TRACE_BUDGET);
}
END_TEST

START_TEST(a_preempted_operation_is_told)
{
    begin(BIT(TRACE_PREEMPT));
    cptr_t top = world_object(OBJECT_ENDPOINT, 0);
    for (unsigned i = 0; i < 4; i++) {
        ck_ok(sys_cnode_copy(CPTR(BOOT_SLOT_CNODE), INDEX(world_slot()), top, ~0ul));
    }
    world_interrupt_at(2);
    ck_ok(sys_cnode_revoke(CPTR(BOOT_SLOT_CNODE), INDEX(top)));
    next_is(TRACE_PREEMPT);
}
END_TEST

/* ---- Off and on ---- */

START_TEST(only_what_is_selected_is_recorded)
{
    world_make();
    ck_err(sys_trace_select(TRACE, ALL), ERR_NOT_READY);
    attach();
    ck_err(sys_trace_attach(TRACE, frame), ERR_ALREADY);
    ck_err(sys_trace_select(TRACE, BIT(TRACE_EVENTS)), ERR_BAD_ARGUMENT);
    sys_null();
    ck_assert_uint_eq(ring->written, 0);
    ck_ok(sys_trace_select(TRACE, BIT(TRACE_RETYPE)));
    ck_assert_uint_eq(ring->written, 0);
    (void)world_object(OBJECT_ENDPOINT, 0);
    ck_assert_uint_eq(ring->written, 3);
    ck_assert_uint_eq(entry_at(2)->event, TRACE_RETYPE);
    ck_ok(sys_trace_select(TRACE, 0));
    (void)world_object(OBJECT_ENDPOINT, 0);
    ck_assert_uint_eq(ring->written, 3);
}
END_TEST

START_TEST(the_fast_path_is_off_while_it_would_hide_something)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    (void)make_server(endpoint);
    static uint64_t const selections[] = { 0, BIT(TRACE_SAMPLE), ALL, BIT(TRACE_SWITCH), 0 };
    attach();
    for (unsigned i = 0; i < sizeof selections / sizeof *selections; i++) {
        ck_ok(sys_trace_select(TRACE, selections[i]));
        bool expected = (selections[i] & ~BIT(TRACE_SAMPLE)) == 0;
        struct sys_message m;
        sys_ignore(sys_call(endpoint, &m, 0));
        ck_assert_int_eq(world_was_fast(), expected);
        (void)sys_reply_recv(endpoint, &m, 0);
        ck_assert_int_eq(world_was_fast(), expected);
        ck_runs(world_init());
    }
    ck_ok(sys_trace_select(TRACE, ALL));
    ck_ok(sys_trace_detach(TRACE));
    sys_yield();
    ck_assert(world_was_fast());
    ck_err(sys_trace_detach(TRACE), ERR_NOT_READY);
}
END_TEST

START_TEST(the_ring_goes_with_its_memory)
{
    world_make();
    cptr_t memory = world_object(OBJECT_UNTYPED, PAGE_BITS);
    cptr_t slot = world_slot();
    ck_ok(sys_untyped_retype(memory, OBJECT_FRAME, PAGE_BITS, 1, CPTR(BOOT_SLOT_CNODE), INDEX(slot)));
    ck_ok(sys_trace_attach(TRACE, slot));
    ck_ok(sys_trace_select(TRACE, ALL));
    char *bytes = world_frame(slot);
    for (unsigned i = 0; i < 100; i++) {
        sys_null(); /* more than there is room for */
    }
    ck_ok(sys_cnode_revoke(CPTR(BOOT_SLOT_CNODE), INDEX(memory)));
    memset(bytes, 0xa5, 4096);
    sys_null();
    (void)world_object(OBJECT_ENDPOINT, 0);
    for (unsigned i = 0; i < 4096; i++) {
        ck_assert_int_eq((uint8_t)bytes[i], 0xa5);
    }
    ck_err(sys_trace_select(TRACE, ALL), ERR_NOT_READY);
    attach(); /* another one can come; it begins at nothing */
    ck_ok(sys_trace_select(TRACE, BIT(TRACE_SYSCALL)));
    sys_null();
    ck_assert_uint_eq(ring->written, 3);
    ck_assert_uint_eq(entry_at(0)->event, TRACE_NAME);
    ck_assert_uint_eq(entry_at(1)->event, TRACE_SPACE);
    ck_assert_uint_eq(entry_at(2)->event, TRACE_SYSCALL);
    for (unsigned i = 0; i < ring->capacity; i++) {
        sys_null();
    }
    ck_assert_uint_eq(ring->lost, ring->capacity + 3 - ring->written);
}
END_TEST

START_TEST(only_memory_that_can_be_written_will_do)
{
    world_make();
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS), reader = world_slot();
    ck_ok(sys_cnode_copy(CPTR(BOOT_SLOT_CNODE), INDEX(reader), page, FRAME_READ));
    ck_err(sys_trace_attach(TRACE, reader), ERR_NO_RIGHT);
    ck_err(sys_trace_attach(TRACE, world_memory), ERR_WRONG_TYPE);
    struct boot_info const *info = (struct boot_info const *)world_frame(CPTR(17));
    cptr_t device = world_slot();
    ck_ok(sys_untyped_carve(CPTR(info->device[0].slot), 0, PAGE_BITS, CPTR(BOOT_SLOT_CNODE),
                            INDEX(device)));
    ck_err(sys_trace_attach(TRACE, device), ERR_WRONG_TYPE);
}
END_TEST

/* ---- The ring ---- */

START_TEST(what_finds_no_room_is_counted)
{
    begin(BIT(TRACE_SYSCALL));
    unsigned const calls = 1000;
    for (unsigned i = 0; i < calls; i++) {
        sys_null();
    }
    ck_assert_uint_eq(ring->capacity, (4096 - sizeof *ring) / sizeof(struct trace_entry));
    ck_assert_uint_eq(ring->written + ring->lost, calls + 2); /* and who made them */
    ck_assert_uint_gt(ring->lost, 0);
    uint64_t lost = ring->lost;
    ring->read = ring->written;
    sys_null();
    struct trace_entry const *e = next_is(TRACE_LOST);
    ck_assert_uint_eq(e->words[0], lost);
    next_is(TRACE_SYSCALL);
    sys_null();
    next_is(TRACE_SYSCALL);
}
END_TEST

START_TEST(entries_come_in_order_round_and_round)
{
    begin(BIT(TRACE_SYSCALL));
    sys_null();
    ring->read = ring->written;
    for (uint64_t i = 0; i < 1000; i++) {
        ck_ok(sys_frame_unmap(frame) == ERR_NOT_MAPPED ? OK : ERR_BAD_REQUEST);
        struct sys_message m = { .tag = i };
        (void)sys_trap(SYS_NULL, &m, 0 | SYS_TAG);
        next_is(TRACE_SYSCALL);
        ck_assert_uint_eq(next_is(TRACE_SYSCALL)->words[1], i);
    }
    ck_assert_uint_eq(ring->lost, 0);
    ck_assert_uint_eq(ring->written, 2003);
}
END_TEST

START_TEST(nonsense_in_the_head_costs_its_writer_only)
{
    begin(BIT(TRACE_SYSCALL));
    char *after = world_frame(world_object(OBJECT_FRAME, PAGE_BITS));
    char copy[4096];
    memcpy(copy, after, sizeof copy);
    static uint64_t const nonsense[] = { 1ul << 63, ~0ul, 1000, 5 };
    for (unsigned i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        ring->read = ring->written + nonsense[i];
        ring->written = nonsense[i] * 3;
        ring->capacity = ~0ul;
        ring->lost = 0;
        for (unsigned n = 0; n < 300; n++) {
            sys_null();
        }
        ck_assert_uint_gt(ring->lost, 0);
    }
    ck_assert_int_eq(memcmp(copy, after, sizeof copy), 0);
}
END_TEST

/* ---- Samples ---- */

#define STACK 0x7000000ul /* where a page of 2 MiB can be */

/* A stack of three frames, and init sampled with a frame pointer into it. Returns the depth. */
static uint64_t sample_with(uint64_t frame_pointer)
{
    world_init().tcb->frame[ARCH_FRAME_FP] = frame_pointer;
    ring->read = ring->written;
    uint64_t now = host.now * 100;
    cptr_t bell = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread sleeper = world_thread(255);
    sys_yield();
    ck_runs(sleeper);
    uint64_t registers[8] = { bell.raw | SYS_WAIT, now + 1000000 };
    world_trap(registers);
    ck_runs(world_init());
    world_pass(1000000);
    ck_ok(sys_thread_suspend(sleeper.cap));
    return next_is(TRACE_SAMPLE)->words[1] & 0xffffffff;
}

START_TEST(a_sample_follows_the_frames)
{
    begin(BIT(TRACE_SAMPLE));
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_frame_map(page, CPTR(BOOT_SLOT_VSPACE), STACK, FRAME_READ | FRAME_WRITE));
    uint64_t *words = world_frame(page);
    static uint64_t const frames[] = { 8, 16, 40, 0 };
    for (unsigned i = 0; i < 3; i++) {
        words[frames[i]] = i < 2 ? STACK + frames[i + 1] * 8 : 0;
        words[frames[i] + 1] = 0x1000 + i;
    }
    ck_assert_uint_eq(sample_with(STACK + 8 * 8), 3);
    struct trace_entry const *e = next_is(TRACE_STACK);
    ck_assert_uint_eq(e->words[0], 0x1000);
    ck_assert_uint_eq(e->words[1], 0x1001);
    e = next_is(TRACE_STACK);
    ck_assert_uint_eq(e->words[0], 0x1002);
    ck_assert_uint_eq(e->words[1], 0);
}
END_TEST

/* Of a deeper stack than that, the innermost. */
START_TEST(a_sample_has_16_frames)
{
    begin(BIT(TRACE_SAMPLE));
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_frame_map(page, CPTR(BOOT_SLOT_VSPACE), STACK, FRAME_READ | FRAME_WRITE));
    uint64_t *words = world_frame(page);
    for (unsigned i = 0; i < 40; i++) {
        words[2 * i] = STACK + 16 * (i + 1);
        words[2 * i + 1] = 0x1000 + i;
    }
    ck_assert_uint_eq(sample_with(STACK), 16);
    for (unsigned i = 0; i < 16; i += 2) {
        struct trace_entry const *e = next_is(TRACE_STACK);
        ck_assert_uint_eq(e->words[0], 0x1000 + i);
        ck_assert_uint_eq(e->words[1], 0x1001 + i);
    }
    ck_assert_uint_eq(ring->read, ring->written);
}
END_TEST

/* From page to page, of frames of each size; as far as the search for a page's frame goes. */
START_TEST(a_stack_may_be_in_any_frame)
{
    static struct {
        uint8_t bits;
        uint64_t first, second, depth; /* numbers of pages in it */
    } const cases[] = { { 13, 0, 1, 2 }, { 16, 3, 10, 2 }, { 19, 1, 63, 2 }, { 19, 1, 64, 1 }, { 21, 1, 511, 2 } };
    begin(BIT(TRACE_SAMPLE));
    cptr_t frame_of = world_object(OBJECT_FRAME, cases[_i].bits);
    ck_ok(sys_frame_map(frame_of, CPTR(BOOT_SLOT_VSPACE), STACK, FRAME_READ | FRAME_WRITE));
    uint64_t *words = world_frame(frame_of);
    uint64_t first = cases[_i].first << PAGE_BITS, second = cases[_i].second << PAGE_BITS;
    words[first / 8] = STACK + second;
    words[first / 8 + 1] = 0x1000;
    words[second / 8] = 0;
    words[second / 8 + 1] = 0x1001;
    ck_assert_uint_eq(sample_with(STACK + first), cases[_i].depth);
    ck_assert_uint_eq(next_is(TRACE_STACK)->words[0], 0x1000);
}
END_TEST

START_TEST(a_sample_looks_into_three_pages)
{
    begin(BIT(TRACE_SAMPLE));
    cptr_t frame_of = world_object(OBJECT_FRAME, PAGE_BITS + 3);
    ck_ok(sys_frame_map(frame_of, CPTR(BOOT_SLOT_VSPACE), STACK, FRAME_READ | FRAME_WRITE));
    uint64_t *words = world_frame(frame_of);
    for (unsigned i = 0; i < 7; i++) {
        words[i << (PAGE_BITS - 3)] = STACK + ((i + 1ul) << PAGE_BITS);
        words[(i << (PAGE_BITS - 3)) + 1] = 0x1000 + i;
    }
    ck_assert_uint_eq(sample_with(STACK), 3);
}
END_TEST

START_TEST(a_wrong_frame_pointer_ends_the_way)
{
    begin(BIT(TRACE_SAMPLE));
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_frame_map(page, CPTR(BOOT_SLOT_VSPACE), STACK, FRAME_READ | FRAME_WRITE));
    uint64_t *words = world_frame(page);
    struct boot_info const *info = (struct boot_info const *)world_frame(CPTR(17));
    cptr_t device = world_slot();
    ck_ok(sys_untyped_carve(CPTR(info->device[0].slot), 0, PAGE_BITS, CPTR(BOOT_SLOT_CNODE),
                            INDEX(device)));
    ck_ok(sys_frame_map(device, CPTR(BOOT_SLOT_VSPACE), STACK + 0x1000, FRAME_READ | FRAME_WRITE));
    words[0] = STACK;          /* leads to itself */
    words[1] = 0x1000;
    words[2] = STACK + 0x2000; /* to nothing */
    words[3] = 0x1001;
    words[4] = STACK + 8 * 8;  /* upwards, but nobody called */
    words[5] = 0;
    words[511] = 0;            /* not aligned, and the other word is a device's */
    static struct {
        uint64_t frame, depth;
    } const cases[] = { { 0, 0 },         { STACK, 1 },         { STACK + 16, 1 }, { STACK + 32, 0 },
                        { STACK + 1, 0 }, { STACK + 8, 0 }, { STACK + 511 * 8, 0 }, { STACK + 0x1000, 0 },
                        { ~0ul, 0 },      { ~7ul, 0 },          { ARCH_USER_TOP, 0 } };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(sample_with(cases[i].frame) == cases[i].depth, "case %u", i);
    }
}
END_TEST

/* ---- Probes ---- */

#define CODE 0x1000ul /* where world_fault() has a thread's program counter */

static cptr_t code_page(void)
{
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_frame_map(page, CPTR(BOOT_SLOT_VSPACE), CODE, FRAME_READ | FRAME_EXECUTE));
    return page;
}

START_TEST(a_probe_is_recorded_and_passed)
{
    begin(BIT(TRACE_PROBE));
    struct tcb const *init = world_init().tcb;
    cptr_t page = code_page();
    uint16_t *code = world_frame(page);
    code[0] = NOTHING_RISCV64;
    code[1] = 0x4242;
    ck_ok(sys_trace_probe(TRACE, page, 0, 1));
    ck_assert_uint_eq(code[0], PROBE_RISCV64);
    ck_assert(!host.traced); /* nothing else is any slower */
    host.registers[0] = 77;
    world_fault(FAULT_KIND_INSTRUCTION, CODE);
    ck_runs(world_init());
    ck_assert_uint_eq(init->frame[ARCH_FRAME_PC], CODE + sizeof *code);
    struct trace_entry const *e = next_is(TRACE_PROBE);
    ck_assert_uint_eq(e->words[0], CODE);
    ck_assert_uint_eq(e->words[1], 77);
    ck_assert_uint_eq(e->thread, id(init));

    ck_ok(sys_trace_select(TRACE, 0));
    world_fault(FAULT_KIND_INSTRUCTION, CODE);
    ck_assert_uint_eq(init->frame[ARCH_FRAME_PC], CODE + sizeof *code);
    ck_assert_uint_eq(ring->read, ring->written);

    ck_ok(sys_trace_probe(TRACE, page, 0, 0));
    ck_assert_uint_eq(code[0], NOTHING_RISCV64);
    ck_assert_uint_eq(code[1], 0x4242);
}
END_TEST

/* A place for one is needed, in memory that the caller may write. */
START_TEST(a_probe_takes_the_place_of_nothing_only)
{
    begin(BIT(TRACE_PROBE));
    cptr_t page = code_page(), read_only = world_slot(), device = world_slot();
    uint16_t *code = world_frame(page);
    code[1] = 0x4242;
    code[2] = NOTHING_RISCV64;
    struct boot_info const *info = (struct boot_info const *)world_frame(CPTR(17));
    ck_ok(sys_untyped_carve(CPTR(info->device[0].slot), 0, PAGE_BITS, CPTR(BOOT_SLOT_CNODE),
                            INDEX(device)));
    ck_ok(sys_cnode_copy(CPTR(BOOT_SLOT_CNODE), INDEX(read_only), page, FRAME_READ | FRAME_EXECUTE));
    for (uint8_t on = 0; on < 2; on++) {
        ck_err(sys_trace_probe(TRACE, page, 2, on), ERR_BAD_ARGUMENT);
        ck_err(sys_trace_probe(TRACE, page, 3, on), ERR_BAD_ARGUMENT);
        ck_err(sys_trace_probe(TRACE, page, 4096, on), ERR_BAD_ARGUMENT);
        ck_err(sys_trace_probe(TRACE, page, ~1ul, on), ERR_BAD_ARGUMENT);
        ck_err(sys_trace_probe(TRACE, read_only, 4, on), ERR_NO_RIGHT);
        ck_err(sys_trace_probe(TRACE, device, 4, on), ERR_WRONG_TYPE);
    }
    ck_assert_uint_eq(code[1], 0x4242);
    ck_assert_uint_eq(code[2], NOTHING_RISCV64);
}
END_TEST

/* Another instruction there, or a probe where the thread is not, or no memory at all. */
START_TEST(other_instructions_are_faults_as_ever)
{
    begin(BIT(TRACE_FAULT) | BIT(TRACE_PROBE));
    if (_i != 0) {
        uint16_t *code = world_frame(code_page());
        code[0] = _i == 1 ? 0 : PROBE_RISCV64;
        code[1] = PROBE_RISCV64;
    }
    struct world_thread other = world_thread(255);
    sys_yield();
    ck_runs(other);
    if (_i != 2) {
        world_fault(FAULT_KIND_INSTRUCTION, CODE); /* it may want floating point */
    }
    ck_runs(other);
    world_fault(_i == 2 ? FAULT_KIND_BREAKPOINT : FAULT_KIND_INSTRUCTION, CODE);
    (void)next_is(TRACE_FAULT);
    ck_runs(world_init());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    WORLD_TEST(suite, a_probe_is_recorded_and_passed);
    WORLD_TEST(suite, a_probe_takes_the_place_of_nothing_only);
    WORLD_LOOP_TEST(suite, other_instructions_are_faults_as_ever, 3);
    WORLD_TEST(suite, calls_come_with_their_thread_and_result);
    WORLD_TEST(suite, a_thread_is_introduced_once);
    WORLD_LOOP_TEST(suite, who_found_no_room_is_introduced_again, 2);
    WORLD_TEST(suite, requests_say_what_they_are_about);
    WORLD_TEST(suite, a_batch_tells_of_each_request);
    WORLD_TEST(suite, a_call_can_be_followed);
    WORLD_TEST(suite, interrupts_timeouts_and_faults_are_told);
    WORLD_TEST(suite, boosts_and_used_up_time_are_told);
    WORLD_TEST(suite, a_preempted_operation_is_told);
    WORLD_TEST(suite, only_what_is_selected_is_recorded);
    WORLD_TEST(suite, the_fast_path_is_off_while_it_would_hide_something);
    WORLD_TEST(suite, the_ring_goes_with_its_memory);
    WORLD_TEST(suite, only_memory_that_can_be_written_will_do);
    WORLD_TEST(suite, what_finds_no_room_is_counted);
    WORLD_TEST(suite, entries_come_in_order_round_and_round);
    WORLD_TEST(suite, nonsense_in_the_head_costs_its_writer_only);
    WORLD_TEST(suite, a_sample_follows_the_frames);
    WORLD_TEST(suite, a_sample_has_16_frames);
    WORLD_LOOP_TEST(suite, a_stack_may_be_in_any_frame, 5);
    WORLD_TEST(suite, a_sample_looks_into_three_pages);
    WORLD_TEST(suite, a_wrong_frame_pointer_ends_the_way);
    return world_run(suite);
}

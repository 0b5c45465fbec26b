/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with capabilities, memory and threads: requests to kernel objects. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>

static struct samples samples;

static void capabilities(void)
{
    static struct samples mints, deletes;
    cptr_t source = new_object(OBJECT_ENDPOINT);
    uint32_t slot = sys_slot_take(&resources.slots);
    measure_begin(&samples, "cap.copy");
    measure_begin(&mints, "cap.mint");
    measure_begin(&deletes, "cap.delete");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        enum err err = sys_cnode_copy(BENCH_CAP_CNODE, slot, source, RIGHTS_ALL);
        uint64_t b = sys_counter();
        must(err, "cap.copy");
        uint64_t c = sys_counter();
        err = sys_cnode_delete(BENCH_CAP_CNODE, slot);
        uint64_t d = sys_counter();
        must(err, "cap.delete");
        uint64_t e = sys_counter();
        err = sys_cnode_mint(BENCH_CAP_CNODE, slot, source, ENDPOINT_SEND, 7);
        uint64_t f = sys_counter();
        must(err, "cap.mint");
        must(sys_cnode_delete(BENCH_CAP_CNODE, slot), "cap.mint");
        MEASURE_KEEP(i, &samples, b - a);
        MEASURE_KEEP(i, &deletes, d - c);
        MEASURE_KEEP(i, &mints, f - e);
    }
    measure_report(&samples, 1);
    measure_report(&mints, 1);
    measure_report(&deletes, 1);
}

#define MANY 64

static void revoke(void)
{
    cptr_t source = new_object(OBJECT_ENDPOINT);
    uint32_t first = sys_slots_take(&resources.slots, MANY);
    measure_begin(&samples, "cap.revoke.64");
    MEASURE_ROUNDS(i)
    {
        for (uint32_t n = 0; n < MANY; n++) {
            must(sys_cnode_copy(BENCH_CAP_CNODE, first + n, source, RIGHTS_ALL), "cap.revoke");
        }
        uint64_t a = sys_counter();
        enum err err = sys_cnode_revoke(BENCH_CAP_CNODE, (uint32_t)(source.raw >> SLOT_BITS));
        uint64_t b = sys_counter();
        must(err, "cap.revoke");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

/* An address with page tables, and nothing mapped. */
#define PLACE 0x200000000ul

static void frames(void)
{
    static struct samples unmaps, protects;
    cptr_t frame, vspace = BENCH_CAP_VSPACE;
    must(sys_make(&resources, OBJECT_FRAME, PAGE_BITS, &frame), "frame.map");
    measure_begin(&samples, "frame.map");
    measure_begin(&protects, "frame.protect");
    measure_begin(&unmaps, "frame.unmap");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        enum err err = sys_frame_map(frame, vspace, PLACE, FRAME_READ | FRAME_WRITE);
        uint64_t b = sys_counter();
        if (err == ERR_NEED_TABLES) {
            cptr_t tables;
            must(sys_make(&resources, OBJECT_TABLES, 16, &tables), "frame.map");
            must(sys_vspace_feed(vspace, tables), "frame.map");
            err = sys_frame_map(frame, vspace, PLACE, FRAME_READ | FRAME_WRITE);
        }
        must(err, "frame.map");
        uint64_t c = sys_counter();
        err = sys_frame_protect(frame, FRAME_READ);
        uint64_t d = sys_counter();
        must(err, "frame.protect");
        uint64_t e = sys_counter();
        err = sys_frame_unmap(frame);
        uint64_t f = sys_counter();
        must(err, "frame.unmap");
        MEASURE_KEEP(i, &samples, b - a);
        MEASURE_KEEP(i, &protects, d - c);
        MEASURE_KEEP(i, &unmaps, f - e);
    }
    measure_report(&samples, 1);
    measure_report(&unmaps, 1);
    measure_report(&protects, 1);
}

/* One entry of the batch: map frame n at its place, or unmap it. */
static void batch_entry(struct batch_entry *entry, cptr_t frame, enum method method, unsigned n)
{
    *entry = (struct batch_entry){
        .target = frame.raw,
        .tag = sys_tag(method, 0, 0),
        .arguments = { BENCH_CAP_VSPACE.raw, PLACE + ((uint64_t)n << PAGE_BITS),
                       FRAME_READ | FRAME_WRITE },
    };
}

static void map_batch(void)
{
    static cptr_t frame[MANY];
    struct batch_entry *batch = sys_buffer()->batch;
    unsigned finished;
    for (unsigned n = 0; n < MANY; n++) {
        must(sys_make(&resources, OBJECT_FRAME, PAGE_BITS, &frame[n]), "frame.map.batch64");
    }
    measure_begin(&samples, "frame.map.batch64");
    MEASURE_ROUNDS(i)
    {
        for (unsigned n = 0; n < MANY; n++) {
            batch_entry(&batch[n], frame[n], METHOD_FRAME_MAP, n);
        }
        uint64_t a = sys_counter();
        enum err err = sys_batch(MANY, &finished);
        uint64_t b = sys_counter();
        must(err, "frame.map.batch64");
        MEASURE_KEEP(i, &samples, b - a);
        for (unsigned n = 0; n < MANY; n++) {
            batch_entry(&batch[n], frame[n], METHOD_FRAME_UNMAP, n);
        }
        must(sys_batch(MANY, &finished), "frame.map.batch64");
    }
    measure_report(&samples, MANY);
}

#define JOIN_SLOTS 16

static void nothing(void)
{
}

/* The kernel's part of making a thread: two objects, seven requests. Memory for stack and message
 * buffer is there already. */
static void threads(void)
{
    cptr_t buffer, thread, time;
    must(sys_make(&resources, OBJECT_FRAME, PAGE_BITS, &buffer), "thread.create");
    thread = CPTR(sys_slot_take(&resources.slots));
    time = CPTR(sys_slot_take(&resources.slots));
    uint32_t thread_slot = (uint32_t)(thread.raw >> SLOT_BITS);
    uint32_t time_slot = (uint32_t)(time.raw >> SLOT_BITS);
    cptr_t memory;
    must(sys_make(&resources, OBJECT_UNTYPED, 16, &memory), "thread.create");
    measure_begin(&samples, "thread.create");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        enum err err = sys_untyped_retype(memory, OBJECT_THREAD, 0, 1, BENCH_CAP_CNODE, thread_slot);
        must(err, "thread.create");
        err = sys_untyped_retype(memory, OBJECT_SCHED_CONTEXT, 0, 1, BENCH_CAP_CNODE, time_slot);
        must(err, "thread.create");
        err = sys_thread_configure(thread, BENCH_CAP_CNODE, BENCH_CAP_VSPACE, buffer, CPTR_NONE);
        must(err, "thread.create");
        must(sys_sched_control_configure(BENCH_CAP_SCHED, time, SLICE_NS, 0), "thread.create");
        must(sys_sched_control_set_priority(BENCH_CAP_SCHED, thread, PRIORITY - 1), "thread.create");
        must(sys_sched_context_bind(time, thread), "thread.create");
        must(sys_thread_start(thread, (uint64_t)nothing, 0, 0, 0, 0), "thread.create");
        uint64_t b = sys_counter();
        must(sys_cnode_delete(BENCH_CAP_CNODE, thread_slot), "thread.create");
        must(sys_cnode_delete(BENCH_CAP_CNODE, time_slot), "thread.create");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void end_at_once(void *argument)
{
    (void)argument;
}

/* A thread of libsys, from nothing until it has ended and been waited for; then the same of one whose
 * stack, buffer and objects are there. */
static void joins(void)
{
    static struct sys_thread thread;
    static struct samples again;
    uint64_t result;
    struct sys_resources means = resources; /* so that memory and addresses come back each time */
    must(sys_make(&resources, OBJECT_UNTYPED, 17, &means.memory), "thread.create_join");
    means.slots.next = sys_slots_take(&resources.slots, JOIN_SLOTS);
    means.slots.end = means.slots.next + JOIN_SLOTS;
    means.slots.free_count = 0;
    uint64_t address = means.next_address;
    struct sys_thread_options options = { .name = "ends", .priority = PRIORITY - 1, .slice_ns = SLICE_NS };
    measure_begin(&samples, "thread.create_join");
    measure_begin(&again, "thread.again_join");
    MEASURE_ROUNDS(i)
    {
        means.next_address = address;
        uint64_t a = sys_counter();
        must(sys_thread_create(&means, &thread, &options, end_at_once, NULL), "thread.create_join");
        must(sys_thread_join(&means, &thread, 0, &result), "thread.create_join");
        uint64_t b = sys_counter();
        must(sys_thread_again(&thread), "thread.again_join");
        must(sys_thread_join(&means, &thread, 0, &result), "thread.again_join");
        uint64_t c = sys_counter();
        must(sys_thread_destroy(&means, &thread), "thread.create_join");
        MEASURE_KEEP(i, &samples, b - a);
        MEASURE_KEEP(i, &again, c - b);
    }
    measure_report(&samples, 1);
    measure_report(&again, 1);
}

static void retype(void)
{
    uint32_t slot = sys_slot_take(&resources.slots);
    cptr_t memory;
    must(sys_make(&resources, OBJECT_UNTYPED, 14, &memory), "object.retype");
    measure_begin(&samples, "object.retype");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        enum err err = sys_untyped_retype(memory, OBJECT_ENDPOINT, 0, 1, BENCH_CAP_CNODE, slot);
        uint64_t b = sys_counter();
        must(err, "object.retype");
        must(sys_cnode_delete(BENCH_CAP_CNODE, slot), "object.retype");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

void bench_objects(void)
{
    capabilities();
    revoke();
    frames();
    map_batch();
    threads();
    joins();
    retype();
}

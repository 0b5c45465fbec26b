/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: new objects are zero; what is mapped how, and what is not. */
#include "registers.h"
#include "test.h"
#include "world.h"

static bool all_are(uint64_t const *words, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes / sizeof *words; i++) {
        if (words[i] != value) {
            return false;
        }
    }
    return true;
}

static void fill(uint64_t *words, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes / sizeof *words; i++) {
        words[i] = value;
    }
}

#define DIRT 0xd127d127d127d127ul

/* Untyped memory, all of which held something else, and is free again. */
static cptr_t dirty_memory(uint8_t bits)
{
    struct sys_resources of = world;
    cptr_t frame;
    void *memory;
    of.memory = make_sized(OBJECT_UNTYPED, bits);
    of.slots = (struct sys_slots){ .next = slot_of(empty_slot()), .end = world.slots.next };
    EXPECT_OK(sys_memory(&of, bits, &frame, &memory));
    fill(memory, 1ul << bits, DIRT);
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(of.memory)));
    EXPECT_EQ(type_in(frame), OBJECT_NONE);
    return of.memory;
}

static cptr_t make_of(cptr_t memory, enum object_type type, uint8_t size)
{
    cptr_t into = empty_slot();
    EXPECT_OK(sys_untyped_retype(memory, type, size, 1, CNODE, slot_of(into)));
    return into;
}

/* seL4: FRAMEEXPORTS0001, CACHEFLUSH0004 */
static void retyped_frames_are_zero(void)
{
    static uint8_t const sizes[] = { 12, 13, 16, 21, 22 };
    for (unsigned i = 0; i < array_length(sizes); i++) {
        uint8_t bits = sizes[i];
        test_at(bits, 0);
        cptr_t memory = dirty_memory(bits);
        cptr_t frame = make_of(memory, OBJECT_FRAME, bits);
        void *address;
        ASSERT_OK(sys_map(&world, frame, bits, FRAME_READ, &address));
        EXPECT(all_are(address, 1ul << bits, 0));
    }
}

/* Page by page out of dirt, with others in between. */
/* seL4: CACHEFLUSH0004 */
static void retyped_pieces_are_zero(void)
{
    cptr_t memory = dirty_memory(16);
    for (unsigned i = 0; i < 5; i++) {
        void *address;
        cptr_t frame = make_of(memory, OBJECT_FRAME, PAGE_BITS);
        (void)make_of(memory, OBJECT_ENDPOINT, 0);
        ASSERT_OK(sys_map(&world, frame, PAGE_BITS, FRAME_READ | FRAME_WRITE, &address));
        EXPECT(all_are(address, PAGE, 0));
        fill(address, PAGE, ~DIRT);
    }
}

/* Memory that went to smaller untyped memory and came back. */
static void retyped_untyped_is_zero(void)
{
    cptr_t memory = dirty_memory(16);
    cptr_t part = make_of(memory, OBJECT_UNTYPED, 14);
    cptr_t frame = make_of(part, OBJECT_FRAME, 14);
    void *address;
    ASSERT_OK(sys_map(&world, frame, 14, FRAME_READ, &address));
    EXPECT(all_are(address, 1ul << 14, 0));
}

static void retyped_tables_are_empty(void)
{
    cptr_t memory = dirty_memory(17);
    cptr_t table = make_of(memory, OBJECT_CNODE, 8);
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    for (uint32_t at = 1; at < 256; at++) {
        test_at(at, 0);
        ASSERT_OK(sys_cnode_inspect(table, at, &type, &rights, &value));
        EXPECT_EQ(type, OBJECT_NONE);
    }
    /* An address space out of dirt maps nothing: a table entry would be found occupied. */
    cptr_t space = make_of(memory, OBJECT_VSPACE, 0);
    cptr_t tables = make_of(memory, OBJECT_TABLES, 15);
    cptr_t frame = make_of(memory, OBJECT_FRAME, PAGE_BITS);
    EXPECT_OK(sys_vspace_feed(space, tables));
    for (uint64_t i = 0; i < 512; i++) {
        test_at(i, 1);
        ASSERT_OK(sys_frame_map(frame, space, i * PAGE, FRAME_READ));
        ASSERT_OK(sys_frame_unmap(frame));
    }
}

static void retyped_thread_is_zero(void)
{
    cptr_t memory = dirty_memory(14);
    cptr_t thread = make_of(memory, OBJECT_THREAD, 0);
    fill(sys_buffer()->words, TEST_REGISTERS * sizeof(uint64_t), DIRT);
    ASSERT_OK(sys_thread_read_registers(thread));
    EXPECT(all_are(sys_buffer()->words, TEST_REGISTERS * sizeof(uint64_t), 0));
    EXPECT_ERR(sys_sched_context_bind(make_of(memory, OBJECT_SCHED_CONTEXT, 0), thread),
               ERR_NOT_READY);
}

/* Memory has an end, and what is made does not overlap. */
/* seL4: RETYPE0002 */
static void memory_is_used_once(void)
{
    cptr_t memory = make_sized(OBJECT_UNTYPED, 16);
    uint64_t *pages[16];
    for (unsigned i = 0; i < 16; i++) {
        cptr_t frame = make_of(memory, OBJECT_FRAME, PAGE_BITS);
        ASSERT_OK(sys_map(&world, frame, PAGE_BITS, FRAME_READ | FRAME_WRITE, (void **)&pages[i]));
        fill(pages[i], PAGE, i);
    }
    EXPECT_ERR(sys_untyped_retype(memory, OBJECT_ENDPOINT, 0, 1, CNODE, slot_of(empty_slot())),
               ERR_NO_MEMORY);
    for (unsigned i = 0; i < 16; i++) {
        EXPECT(all_are(pages[i], PAGE, i));
    }
}

/* ---- Mapping: who may do what. A thread tries, its fault tells. ---- */

enum attempt { READ, WRITE, RUN };

struct trial {
    enum attempt attempt;
    uint64_t address;
    bool survived;
};

static void attempt(void *argument)
{
    struct trial *trial = argument;
    switch (trial->attempt) {
    case READ:
        (void)*(uint8_t volatile *)trial->address;
        break;
    case WRITE:
        *(uint8_t volatile *)trial->address = 0;
        break;
    case RUN:
        ((void (*)(void))trial->address)();
        break;
    }
    trial->survived = true;
}

/* The kind of fault that this meets; 0 if none. */
static enum fault_kind fault_of(enum attempt what, uint64_t address)
{
    static struct trial trial;
    struct sys_message m = { 0 };
    cptr_t faults = make(OBJECT_ENDPOINT);
    trial = (struct trial){ what, address, false };
    struct sys_thread *thread = start("trial", PRIORITY + 1, faults, attempt, &trial);
    sys_event_t event = sys_nb_recv(faults, &m);
    EXPECT_EQ(trial.survived, event.word < 0);
    if (event.word >= 0) {
        EXPECT_EQ(event.word, EVENT_KIND_FAULT);
        EXPECT_EQ(m.w[1], address);
    }
    EXPECT_OK(sys_thread_destroy(&world, thread));
    return event.word < 0 ? 0 : (enum fault_kind)m.w[0];
}

/* seL4: FRAMEXN0001 */
/* escape: STALE-FRAME, PAGE-ATTRIBUTES */
static void write_or_execute(void)
{
    cptr_t frame;
    uint64_t page = (uint64_t)memory_of(PAGE_BITS, &frame);
    memcpy((void *)page, (void const *)attempt, 64);
    EXPECT_EQ(fault_of(READ, page), 0);
    EXPECT_EQ(fault_of(WRITE, page), 0);
    EXPECT_EQ(fault_of(RUN, page), FAULT_KIND_EXECUTE);
    EXPECT_ERR(sys_frame_protect(frame, FRAME_RIGHTS), ERR_WRITE_EXECUTE);
    EXPECT_OK(sys_frame_protect(frame, FRAME_READ));
    EXPECT_EQ(fault_of(READ, page), 0);
    EXPECT_EQ(fault_of(WRITE, page), FAULT_KIND_WRITE);
    EXPECT_EQ(fault_of(RUN, page), FAULT_KIND_EXECUTE);
    EXPECT_OK(sys_frame_protect(frame, FRAME_READ | FRAME_EXECUTE));
    EXPECT_EQ(fault_of(READ, page), 0);
    EXPECT_EQ(fault_of(WRITE, page), FAULT_KIND_WRITE);
    EXPECT_OK(sys_frame_unmap(frame));
    EXPECT_EQ(fault_of(READ, page), FAULT_KIND_READ);
    EXPECT_EQ(fault_of(WRITE, page), FAULT_KIND_WRITE);
    EXPECT_EQ(fault_of(RUN, page), FAULT_KIND_EXECUTE);
    EXPECT_ERR(sys_frame_map(frame, VSPACE, page, FRAME_RIGHTS), ERR_WRITE_EXECUTE);
}

/* This program's own parts are as its file says. */
static void program_is_protected(void)
{
    static uint64_t data;
    static uint64_t const constant = 5;
    EXPECT_EQ(fault_of(WRITE, (uint64_t)&write_or_execute), FAULT_KIND_WRITE);
    EXPECT_EQ(fault_of(WRITE, (uint64_t)&constant), FAULT_KIND_WRITE);
    EXPECT_EQ(fault_of(RUN, (uint64_t)&constant), FAULT_KIND_EXECUTE);
    EXPECT_EQ(fault_of(RUN, (uint64_t)&data), FAULT_KIND_EXECUTE);
    EXPECT_EQ(fault_of(WRITE, (uint64_t)&data), 0);
}

static void kernel_is_out_of_reach(void)
{
    uint64_t const addresses[] = { TEST_KERNEL_ADDRESS, -TEST_USER_TOP, -PAGE, -1ul << 30 };
    for (unsigned i = 0; i < array_length(addresses); i++) {
        test_at(i, addresses[i]);
        EXPECT_EQ(fault_of(READ, addresses[i]), FAULT_KIND_READ);
        EXPECT_EQ(fault_of(WRITE, addresses[i]), FAULT_KIND_WRITE);
        EXPECT_EQ(fault_of(RUN, addresses[i]), FAULT_KIND_EXECUTE);
    }
}

/* Large frames: all of them is there, and goes, whatever pages the kernel chose. */
/* seL4: FRAMEEXPORTS0001 */
static void large_frames(void)
{
    static uint8_t const sizes[] = { 13, 16, 20, 21, 22 };
    for (unsigned i = 0; i < array_length(sizes); i++) {
        uint64_t size = 1ul << sizes[i];
        cptr_t frame;
        uint64_t *first = memory_of(sizes[i], &frame);
        uint64_t start_address = (uint64_t)first;
        for (uint64_t at = 0; at < size; at += PAGE) {
            first[at / 8] = at ^ DIRT;
        }
        /* Elsewhere, where it can only be mapped in pages. */
        cptr_t again = copy_of(frame, RIGHTS_ALL, 0);
        uint64_t elsewhere = 0x150000000ul + PAGE;
        enum err err = sys_frame_map(again, VSPACE, elsewhere, FRAME_READ);
        EXPECT_EQ(err, sizes[i] > 21 ? ERR_MISALIGNED : OK);
        for (uint64_t at = 0; err == OK && at < size; at += PAGE) {
            test_at(sizes[i], at);
            EXPECT_EQ(*(uint64_t *)(elsewhere + at), at ^ DIRT);
        }
        EXPECT_OK(sys_frame_unmap(frame));
        EXPECT_EQ(fault_of(READ, start_address), FAULT_KIND_READ);
        EXPECT_EQ(fault_of(READ, start_address + size - 1), FAULT_KIND_READ);
        if (err == OK) {
            EXPECT_EQ(fault_of(READ, elsewhere + size - 1), 0);
            EXPECT_OK(sys_cnode_delete(CNODE, slot_of(again)));
            EXPECT_EQ(fault_of(READ, elsewhere), FAULT_KIND_READ);
            EXPECT_EQ(fault_of(READ, elsewhere + size - 1), FAULT_KIND_READ);
        }
    }
}

static void do_nothing(void)
{
}

/* At its first byte, and wherever else it has code. */
/* seL4: FRAMEXN0002 */
static void large_frame_is_not_executable(void)
{
    static uint8_t const sizes[] = { 16, 21, 22 };
    for (unsigned i = 0; i < array_length(sizes); i++) {
        cptr_t frame;
        uint64_t start_address = (uint64_t)memory_of(sizes[i], &frame);
        uint64_t const places[] = { 0, PAGE, (1ul << sizes[i]) - PAGE };
        for (unsigned p = 0; p < array_length(places); p++) {
            test_at(sizes[i], places[p]);
            memcpy((void *)(start_address + places[p]), (void const *)attempt, 64);
            EXPECT_EQ(fault_of(RUN, start_address + places[p]), FAULT_KIND_EXECUTE);
        }
        memcpy((void *)start_address, (void const *)do_nothing, 64);
        EXPECT_OK(sys_frame_protect(frame, FRAME_READ | FRAME_EXECUTE));
        EXPECT_EQ(fault_of(RUN, start_address), 0);
    }
}

static struct test const tests[] = {
    TEST(retyped_frames_are_zero), TEST(retyped_pieces_are_zero),
    TEST(retyped_untyped_is_zero), TEST(retyped_tables_are_empty),
    TEST(retyped_thread_is_zero),  TEST(memory_is_used_once),
    TEST(write_or_execute),        TEST(program_is_protected),
    TEST(kernel_is_out_of_reach),  TEST(large_frames),
    TEST(large_frame_is_not_executable),
};
TEST_GROUP(memory);

/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "test.h"

#include <tessera/receive.h>

/* Addresses that tests map at, and room for page tables for as much. */
#define FIRST_ADDRESS 0x100000000ul
#define TABLES_BITS   20

#define STACK_BITS 14
#define THREADS 64

struct sys_resources world = {
    .cnode = CNODE,
    .memory = BOOT_TESTS_CAP_MEMORY,
    .vspace = VSPACE,
    .sched = SCHED,
    .slots = { .next = BOOT_TESTS_FIRST_FREE_SLOT + 1, .end = BOOT_TESTS_SLOTS },
};

static struct sys_thread threads[THREADS];
static unsigned threads_used;

/* The page that all address spaces of a test have. */
static cptr_t shared_frame;
static char *shared_page;

/* The tables must not be the test's: with them all mappings of this program would go. */
void world_init(void)
{
    struct sys_resources own = { .cnode = CNODE, .memory = BOOT_TESTS_CAP_TABLES };
    own.slots = (struct sys_slots){ .next = BOOT_TESTS_FIRST_FREE_SLOT,
                                    .end = BOOT_TESTS_FIRST_FREE_SLOT + 1 };
    cptr_t tables;
    if (sys_make(&own, OBJECT_TABLES, TABLES_BITS, &tables) != OK ||
        sys_vspace_feed(VSPACE, tables) != OK) {
        __builtin_trap();
    }
}

void world_begin(void)
{
    world.slots.next = BOOT_TESTS_FIRST_FREE_SLOT + 1;
    world.slots.free_count = 0;
    world.next_address = FIRST_ADDRESS;
    threads_used = 0;
    shared_page = NULL;
    sys_buffer()->receive_slot = 0;
    sys_thread_receiver = NULL;
}

void world_end(void)
{
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(BOOT_TESTS_CAP_MEMORY)));
    for (uint32_t slot = BOOT_TESTS_FIRST_FREE_SLOT + 1; slot < world.slots.next; slot++) {
        EXPECT_OK(sys_cnode_delete(CNODE, slot));
    }
    if (world_is_debug()) {
        uint64_t objects;
        EXPECT_OK(sys_kernel_check(KERNEL, &objects));
    }
}

bool world_is_debug(void)
{
    uint64_t objects;
    static enum err answer = ERR_NOT_READY;
    if (answer == ERR_NOT_READY) {
        answer = sys_kernel_check(KERNEL, &objects);
    }
    return answer == OK;
}

cptr_t make_sized(enum object_type type, uint8_t size)
{
    cptr_t cap = CPTR_NONE;
    EXPECT_OK(sys_make(&world, type, size, &cap));
    return cap;
}

cptr_t make(enum object_type type)
{
    return make_sized(type, 0);
}

cptr_t empty_slot(void)
{
    uint32_t slot = sys_slot_take(&world.slots);
    EXPECT(slot != 0);
    return CPTR(slot);
}

cptr_t copy_of(cptr_t source, uint64_t rights, uint64_t badge)
{
    cptr_t cap = empty_slot();
    if (badge == 0) {
        EXPECT_OK(sys_cnode_copy(CNODE, slot_of(cap), source, rights));
    } else {
        EXPECT_OK(sys_cnode_mint(CNODE, slot_of(cap), source, rights, badge));
    }
    return cap;
}

void *memory_of(uint8_t bits, cptr_t *frame)
{
    static char nothing[PAGE];
    void *memory = nothing;
    EXPECT_OK(sys_memory(&world, bits, frame, &memory));
    return memory;
}

struct sys_thread *start_sliced(char const *name, uint8_t priority, uint64_t slice_ns, cptr_t fault,
                                void (*function)(void *), void *argument)
{
    struct sys_thread_options options = {
        .name = name, .priority = priority, .slice_ns = slice_ns, .fault = fault
    };
    struct sys_thread *thread = &threads[threads_used % THREADS];
    threads_used++;
    EXPECT_OK(sys_thread_create(&world, thread, &options, function, argument));
    return thread;
}

struct sys_thread *start(char const *name, uint8_t priority, cptr_t fault, void (*function)(void *),
                         void *argument)
{
    return start_sliced(name, priority, SLICE_NS, fault, function, argument);
}

void *shared(void)
{
    if (shared_page == NULL) {
        shared_page = memory_of(PAGE_BITS, &shared_frame);
        test_share(shared_page);
    }
    return shared_page + TEST_OUTCOME_BYTES;
}

/* From the linker script. The text is at the lowest address of programs. */
extern char program_rodata[], program_end[];
#define PROGRAM_START 0x200000ul
#define SPACE_TABLES  17 /* bits: room for page tables */

/* New memory in `space` with what is in ours, a piece after the other. */
static void copy_to(cptr_t space, uint64_t from, uint64_t to, uint64_t rights)
{
    while (from < to) {
        uint8_t bits = PAGE_BITS;
        while (from + (2ul << bits) <= to) {
            bits++;
        }
        cptr_t frame;
        char *piece = memory_of(bits, &frame);
        uint64_t bytes = 1ul << bits < to - from ? 1ul << bits : to - from;
        memcpy(piece, (char const *)from, bytes);
        EXPECT_OK(sys_frame_unmap(frame));
        EXPECT_OK(sys_frame_map(frame, space, from, rights));
        from += 1ul << bits;
    }
}

static void copy_program(cptr_t space)
{
    uint64_t rodata = (uint64_t)program_rodata, end = (uint64_t)program_end;
    copy_to(space, PROGRAM_START, rodata, FRAME_READ | FRAME_EXECUTE);
    copy_to(space, rodata, end, FRAME_READ | FRAME_WRITE);
}

/* The same memory at the same address. */
static void show(cptr_t space, cptr_t frame, void const *address)
{
    EXPECT_OK(sys_frame_map(copy_of(frame, RIGHTS_ALL, 0), space, (uint64_t)address,
                            FRAME_READ | FRAME_WRITE));
}

struct sys_thread *start_apart(char const *name, uint8_t priority, cptr_t cnode, cptr_t fault,
                               void (*function)(void *), void *argument, cptr_t *space)
{
    cptr_t stack, place = make(OBJECT_VSPACE), time = make(OBJECT_SCHED_CONTEXT);
    (void)shared();
    /* Without time it does not run yet. */
    struct sys_thread *thread = start_sliced(name, priority, 0, fault, function, argument);
    EXPECT_OK(sys_thread_suspend(thread->thread));
    thread->stack = memory_of(STACK_BITS, &stack);
    EXPECT_OK(sys_vspace_feed(place, make_sized(OBJECT_TABLES, SPACE_TABLES)));
    show(place, stack, thread->stack);
    show(place, thread->buffer_frame, thread->buffer);
    show(place, shared_frame, shared_page);
    EXPECT_OK(sys_thread_configure(thread->thread, cnode, place, thread->buffer_frame, fault));
    EXPECT_OK(sys_thread_again(thread));
    copy_program(place);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread->thread));
    thread->sched_context = time;
    if (space != NULL) {
        *space = place;
    }
    return thread;
}

void pause_ns(uint64_t ns)
{
    uint64_t bits;
    cptr_t nobody = make(OBJECT_NOTIFICATION);
    EXPECT_ERR(sys_wait(nobody, sys_clock_ns() + ns, &bits, NULL), ERR_TIMED_OUT);
    EXPECT_OK(sys_drop(&world, nobody));
}

uint64_t counter(enum counter which)
{
    uint64_t value = 0;
    EXPECT_OK(sys_kernel_counter(KERNEL, which, &value));
    return value;
}

enum err request(cptr_t object, uint64_t label, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                 uint64_t e)
{
    struct sys_message m = { .w = { a, b, c, d, e } };
    return sys_invoke(object, (enum method)label, &m, 5);
}

enum object_type type_in(cptr_t cap)
{
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    EXPECT_OK(sys_cnode_inspect(CNODE, slot_of(cap), &type, &rights, &value));
    return (enum object_type)type;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dul;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that do anything at all. A few threads share a table of capabilities and make random
 * system calls, not entirely foolish ones: addresses near valid ones, arguments of the kind that
 * the request wants, most of the time. Whatever they do, the invariants hold, the kernel survives,
 * and no kernel address comes out.
 *
 * `test_random SEED` runs one seed and prints each step.
 */
#include "kernel.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Where there are sanitizers. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

#define SECONDS_EACH  15
#define SEEDS         4
#define STEPS_A_ROUND 3000

/* ---- Chance ---- */

static uint64_t seed, state;
static unsigned long step;
static bool verbose;

static uint64_t chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dul;
}

static unsigned below(unsigned limit)
{
    return (unsigned)((chance() >> 32) % limit);
}

static bool one_in(unsigned n)
{
    return below(n) == 0;
}

static uint64_t any_number(void)
{
    static uint64_t const edges[] = {
        0, 1, 2, 31, 32, 63, 64, 4095, 4096, 1ul << 21, 1ul << 30, 1ul << 32, (1ul << 32) - 1,
        1ul << 38, (1ul << 38) - 4096, 1ul << 43, (1ul << 43) - 1, 1ul << 62, 1ul << 63, ~0ul
    };
    switch (below(4)) {
    case 0:
        return edges[below(array_length(edges))];
    case 1:
        return chance() >> below(64);
    default:
        return below(70);
    }
}

/* ---- The programs' world: all of it is made of one untyped memory ---- */

#define RADIX        6 /* of the programs' table */
#define SMALL_RADIX  4 /* of a table in it */
#define THREADS      6
#define LINE         5
#define LINE_OF_INIT 9

static cptr_t memory; /* what the programs' world is made of */
static cptr_t table;  /* init's capability to their table */
static cptr_t wake;   /* what init waits for */
static cptr_t handler;
static struct tcb *init;

/* The slot `index` of the programs' table, as init says it. */
static cptr_t there(unsigned index)
{
    return (cptr_t){ table.raw | (uint64_t)index << (SLOT_BITS + 12) };
}

enum place_in_table {
    SELF = 1,
    SMALL,
    SPACE,
    TABLES,
    MORE_TABLES,
    SCHED,
    IRQ,
    KERNEL,
    MEMORY_1,
    MEMORY_2,
    MEMORY_3,
    THREAD,
    TIME = THREAD + THREADS,
    BUFFER = TIME + THREADS,
    ENDPOINTS = BUFFER + THREADS,
    BADGED = ENDPOINTS + 3,
    NOTIFICATIONS = BADGED + 3,
    REPLIES = NOTIFICATIONS + 3,
    SETS = REPLIES + 2,
    FREE = SETS + 2,
};
_Static_assert(FREE < (1 << RADIX) - 6, "some slots are free");

static void make(unsigned type, unsigned size, unsigned count, unsigned at)
{
    ck_ok(sys_untyped_retype(memory, (enum object_type)type, (uint8_t)size, count, table, at));
}

static void build(void)
{
    ck_ok(sys_cnode_revoke(CPTR(BOOT_SLOT_CNODE), (uint32_t)(memory.raw >> SLOT_BITS)));
    ck_ok(sys_untyped_retype(memory, OBJECT_CNODE, RADIX, 1, CPTR(BOOT_SLOT_CNODE),
                             (uint32_t)(table.raw >> SLOT_BITS)));
    ck_ok(sys_cnode_copy(table, SELF, table, RIGHTS_ALL));
    make(OBJECT_CNODE, SMALL_RADIX, 1, SMALL);
    make(OBJECT_VSPACE, 0, 1, SPACE);
    make(OBJECT_TABLES, 16, 1, TABLES);
    make(OBJECT_TABLES, 14, 1, MORE_TABLES);
    ck_ok(sys_cnode_copy(table, SCHED, CPTR(BOOT_SLOT_SCHED_CONTROL), RIGHTS_ALL));
    ck_ok(sys_cnode_copy(table, IRQ, CPTR(BOOT_SLOT_IRQ_CONTROL), RIGHTS_ALL));
    ck_ok(sys_cnode_copy(table, KERNEL, CPTR(BOOT_SLOT_KERNEL), RIGHTS_ALL));
    make(OBJECT_UNTYPED, 16, 3, MEMORY_1);
    make(OBJECT_THREAD, 0, THREADS, THREAD);
    make(OBJECT_SCHED_CONTEXT, 0, THREADS, TIME);
    make(OBJECT_FRAME, PAGE_BITS, THREADS, BUFFER);
    make(OBJECT_ENDPOINT, 0, 3, ENDPOINTS);
    make(OBJECT_NOTIFICATION, 0, 3, NOTIFICATIONS);
    make(OBJECT_WAIT_SET, 8, 2, SETS);
    make(OBJECT_REPLY, 0, 2, REPLIES);
    for (unsigned i = 0; i < 3; i++) {
        ck_ok(sys_cnode_mint(table, BADGED + i, there(ENDPOINTS + i), RIGHTS_ALL, 100 + i));
    }
    ck_ok(sys_vspace_feed(there(SPACE), there(TABLES)));
    ck_ok(sys_frame_map(there(BUFFER), there(SPACE), 0x40000000, FRAME_READ));
    for (unsigned i = 0; i < THREADS; i++) {
        cptr_t thread = there(THREAD + i);
        ck_ok(sys_thread_configure(thread, table, there(SPACE), there(BUFFER + i),
                                   one_in(2) ? there(BADGED) : CPTR_NONE));
        ck_ok(sys_sched_control_set_priority(there(SCHED), thread, (uint8_t)(100 + below(4) * 20)));
        if (i < 4) { /* the others can be called */
            uint64_t period = one_in(3) ? 5000000 : 0;
            ck_ok(sys_sched_control_configure(there(SCHED), there(TIME + i), 1000000, period));
            ck_ok(sys_sched_context_bind(there(TIME + i), thread));
        }
        if (one_in(3)) {
            ck_ok(sys_thread_set_time_out(thread, there(ENDPOINTS + 2)));
        }
        ck_ok(sys_thread_start(thread, 0x1000, 0, 0, 0, 0));
    }
}

/* ---- Arguments ---- */

static struct slot *slot_of(struct tcb const *thread, uint64_t address)
{
    return cspace_slot(thread, (kernel_cptr_t){ address });
}

/* The address of some slot; of one that holds this type, where one is met soon. */
static uint64_t some_slot(unsigned type)
{
    struct tcb const *current = world_current();
    if (one_in(40)) {
        return any_number() << SLOT_BITS;
    }
    uint64_t address = 0;
    for (unsigned i = 0; i < 60; i++) {
        address = (uint64_t)below(1 << RADIX) << SLOT_BITS;
        if (one_in(6)) {
            address = (uint64_t)SMALL << SLOT_BITS |
                      (uint64_t)below(1 << SMALL_RADIX) << (SLOT_BITS + RADIX);
        }
        enum object_type found = cap_type(slot_of(current, address)->head);
        if (type == OBJECT_NONE ? found != OBJECT_NONE : found == type) {
            break;
        }
    }
    return address;
}

static uint64_t some_rights(void)
{
    return one_in(2) ? RIGHTS_ALL : chance() & (63 | ENDPOINT_SEND);
}

/* Arguments by kind: capital letters are capabilities. */
static uint64_t argument(char kind)
{
    if (one_in(25)) {
        return any_number();
    }
    switch (kind) {
    case 'C':
        return some_slot(OBJECT_CNODE);
    case 'A':
        return some_slot(OBJECT_NONE);
    case 'T':
        return some_slot(OBJECT_THREAD);
    case 'N':
        return some_slot(OBJECT_NOTIFICATION);
    case 'S':
        return some_slot(OBJECT_SCHED_CONTEXT);
    case 'V':
        return some_slot(OBJECT_VSPACE);
    case 'B':
        return some_slot(OBJECT_TABLES);
    case 'F':
        return one_in(4) ? 0 : some_slot(OBJECT_FRAME);
    case 'E':
        return one_in(4) ? 0 : some_slot(OBJECT_ENDPOINT);
    case 'i': /* of a slot */
        return below(1 << RADIX);
    case 't':
        return 1 + below(OBJECT_TYPES - 1);
    case 'z':
        return one_in(2) ? 0 : below(4) == 0 ? below(9) : PAGE_BITS + below(3);
    case 'n':
        return 1 + below(3);
    case 'r':
        return some_rights();
    case 'b':
        return any_number();
    case 'a':
        return 0x40000000 + ((uint64_t)below(1024) << PAGE_BITS) + ((uint64_t)below(2) << 30);
    case 'm': { /* rights of a mapping */
        static uint64_t const rights[] = { FRAME_READ, FRAME_READ | FRAME_WRITE,
                                           FRAME_READ | FRAME_EXECUTE, FRAME_RIGHTS, FRAME_WRITE };
        return rights[below(array_length(rights))];
    }
    case 'p':
        return one_in(4) ? below(256) : 100 + below(4) * 20;
    case 'l':
        return below(10);
    case 'h': /* off, or on: half of the time */
        return below(2);
    case 'd': /* duration */
        return one_in(3) ? 0 : 10000 * (1 + below(200));
    default:
        return any_number();
    }
}

static struct request {
    enum method method;
    unsigned weight;
    char const *arguments;
} const requests[] = {
    { METHOD_UNTYPED_RETYPE, 12, "tznCi" },
    { METHOD_UNTYPED_CARVE, 1, "azCi" },
    { METHOD_CNODE_COPY, 8, "iAr" },
    { METHOD_CNODE_MINT, 6, "iArb" },
    { METHOD_CNODE_MOVE, 4, "iCi" },
    { METHOD_CNODE_DELETE, 4, "i" },
    { METHOD_CNODE_REVOKE, 1, "i" },
    { METHOD_CNODE_INSPECT, 1, "i" },
    { METHOD_CNODE_FINISH, 1, "" },
    { METHOD_THREAD_CONFIGURE, 4, "CVFE" },
    { METHOD_THREAD_START, 8, "xxxxx" },
    { METHOD_THREAD_SUSPEND, 2, "" },
    { METHOD_THREAD_RESUME, 8, "" },
    { METHOD_THREAD_SET_PRIORITY, 2, "p" },
    { METHOD_THREAD_READ_REGISTERS, 1, "" },
    { METHOD_THREAD_WRITE_REGISTERS, 1, "" },
    { METHOD_THREAD_NAME, 1, "xx" },
    { METHOD_THREAD_READ_FLOATS, 1, "" },
    { METHOD_THREAD_SET_TIME_OUT, 4, "E" },
    { METHOD_NOTIFICATION_BIND, 4, "T" },
    { METHOD_NOTIFICATION_UNBIND, 2, "" },
    { METHOD_REPLY_SAVE, 8, "" },
    { METHOD_SCHED_CONTEXT_BIND, 8, "T" },
    { METHOD_SCHED_CONTEXT_UNBIND, 3, "" },
    { METHOD_SCHED_CONTEXT_CONSUMED, 1, "" },
    { METHOD_SCHED_CONTEXT_MISSED, 1, "" },
    { METHOD_SCHED_CONTEXT_USER, 1, "" },
    { METHOD_VSPACE_FEED, 3, "B" },
    { METHOD_FRAME_MAP, 8, "Vam" },
    { METHOD_FRAME_UNMAP, 3, "" },
    { METHOD_FRAME_PROTECT, 3, "m" },
    { METHOD_FRAME_FIND, 1, "V" },
    { METHOD_IRQ_CONTROL_CLAIM, 2, "lCi" },
    { METHOD_IRQ_HANDLER_BIND, 3, "N" },
    { METHOD_IRQ_HANDLER_ACKNOWLEDGE, 3, "" },
    { METHOD_SCHED_CONTROL_CONFIGURE, 4, "Sdd" },
    { METHOD_SCHED_CONTROL_SET_PRIORITY, 2, "Tp" },
    { METHOD_SCHED_CONTROL_MARK, 1, "Sx" },
    { METHOD_WAIT_SET_ATTACH, 4, "E" },
    { METHOD_WAIT_SET_ADD, 4, "nE" },
    { METHOD_WAIT_SET_ADD, 4, "nN" },
    { METHOD_WAIT_SET_REMOVE, 3, "n" },
    { METHOD_KERNEL_COUNTER, 1, "x" },
    { METHOD_KERNEL_CHECK, 1, "" },
    { METHOD_KERNEL_INHERIT, 1, "h" },
};

/* Some request: label, address of a capability that it is for, and arguments. */
static uint64_t some_request(uint64_t *target, uint64_t arguments[5])
{
    unsigned total = 0;
    for (unsigned i = 0; i < array_length(requests); i++) {
        total += requests[i].weight;
    }
    unsigned chosen = below(total);
    struct request const *request = requests;
    while (chosen >= request->weight) {
        chosen -= request->weight;
        request++;
    }
    uint64_t label = request->method;
    *target = some_slot((unsigned)(label / 16)) & ~31ul;
    for (unsigned i = 0; i < 5; i++) {
        bool given = i < strlen(request->arguments);
        arguments[i] = given ? argument(request->arguments[i]) : any_number();
    }
    if (one_in(50)) {
        label = below(1 << 16);
    }
    bool ends = label == METHOD_KERNEL_STOP || label == METHOD_KERNEL_RESTART;
    return ends || label == METHOD_KERNEL_PUT ? 0 : label;
}

static uint64_t some_tag(void)
{
    uint64_t words = one_in(20) ? below(256) : below(10);
    uint64_t caps = one_in(3) ? one_in(10) ? below(4) : 1 : 0;
    return any_number() << TAG_REQUEST_SHIFT | (one_in(4) ? any_number() & 0xffff : 0) << TAG_LABEL_SHIFT |
           caps << TAG_CAPS_SHIFT | words;
}

static void fill_batch(struct message_buffer *buffer, unsigned count)
{
    for (unsigned i = 0; i < count && i < BATCH_ENTRIES; i++) {
        uint64_t arguments[5];
        struct batch_entry *entry = &buffer->batch[i];
        uint64_t label = some_request(&entry->target, arguments);
        entry->tag = label << TAG_LABEL_SHIFT;
        memcpy(entry->arguments, arguments, sizeof entry->arguments);
    }
}

/* ---- Steps ---- */

static bool is_kernels(uint64_t value)
{
    return value - 0x10000000 < 16ul << 20;
}

static void check_registers(void)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t value = world_registers()[i];
        ck_assert_msg(!is_kernels(value), "seed %lu, step %lu: register %u is %lx",
                      seed, step, i, value);
    }
}

static void random_call(void)
{
    struct tcb *current = world_current();
    uint64_t r[8];
    for (unsigned i = 0; i < 8; i++) {
        r[i] = any_number();
    }
    r[7] = some_tag();
    if (current->buffer != NULL) {
        current->buffer->receive_slot = one_in(3) ? some_slot(OBJECT_NONE)
                                                  : (uint64_t)below(1 << RADIX) << SLOT_BITS;
        current->buffer->deadline = one_in(4) ? any_number() : host.now * 100 + below(100000);
    }
    unsigned type = OBJECT_ENDPOINT;
    unsigned operation = below(34);
    switch (operation) {
    case SYS_CALL:
    case SYS_REPLY_RECV:
    case SYS_CALL_LONG:
    case SYS_REPLY_RECV_LONG:
    case SYS_SEND:
    case SYS_NB_SEND:
    case SYS_CALL_UNTIL:
    case SYS_SEND_UNTIL:
        r[6] = some_slot(OBJECT_NONE);
        break;
    case SYS_RECV:
        r[1] = one_in(2) ? 0 : host.now * 100 + below(100000);
        break;
    case SYS_SIGNAL:
    case SYS_POLL:
    case SYS_WAIT:
        type = OBJECT_NOTIFICATION;
        r[1] = one_in(2) ? 0 : host.now * 100 + below(100000);
        break;
    case SYS_REPLY:
        type = one_in(2) ? OBJECT_REPLY : OBJECT_NONE;
        break;
    case SYS_BATCH:
        r[1] = one_in(20) ? any_number() : 1 + below(4);
        r[2] = one_in(20) ? any_number() : 0;
        if (current->buffer != NULL) {
            fill_batch(current->buffer, 8);
        }
        break;
    default:
        break;
    }
    uint64_t target = some_slot(type) & ~31ul;
    if (operation > SYS_SEND_UNTIL) { /* a request */
        operation = SYS_CALL;
        r[7] = some_request(&target, &r[1]) << TAG_LABEL_SHIFT;
    } else if (operation == SYS_REPLY && one_in(2)) {
        target = 0;
    } else if (operation == SYS_CALL && one_in(2)) {
        operation = SYS_REPLY_RECV; /* or there would be nobody to call */
    }
    if (one_in(200)) {
        operation = below(32);
    }
    r[0] = target | operation;
    for (unsigned i = 0; i < 8; i++) {
        r[i] = is_kernels(r[i]) ? 0 : r[i]; /* so that none comes back but the kernel's own */
    }
    if (verbose) {
        printf("%lu: thread %p: call %u of %lx, type %u, tag %lx: %lx %lx %lx %lx %lx %lx\n", step,
               (void *)current, operation, target, (unsigned)cap_type(slot_of(current, target)->head), r[7],
               r[1], r[2], r[3], r[4], r[5], r[6]);
        fflush(stdout);
    }
    (void)world_trap(r);
    check_registers();
}

/* Whoever waits, and whatever else there is: init is woken by its interrupt. */
static void wake_init(void)
{
    host.lines[0] |= 1ul << LINE_OF_INIT;
}

static void init_step(void)
{
    world_line(LINE_OF_INIT, false);
    uint64_t bits;
    sys_ignore(sys_irq_handler_acknowledge(handler));
    ck_ok(sys_cnode_finish(CPTR(BOOT_SLOT_CNODE)));
    build();
    world_line(LINE_OF_INIT, false);
    sys_ignore(sys_wait(wake, 0, &bits, NULL));
}

static void random_step(void)
{
    if (world_current() == init) {
        init_step();
        return;
    }
    if (step % STEPS_A_ROUND == 0) {
        world_line(LINE_OF_INIT, true);
        return;
    }
    world_interrupt_at(one_in(4) ? 1 + below(6) : 0);
    switch (below(20)) {
    case 0:
        world_pass(below(1000000));
        break;
    case 1:
        world_fault((enum fault_kind)(1 + below(6)), any_number() >> 36);
        check_registers();
        break;
    case 2:
        world_line(1 + below(8), one_in(2));
        break;
    default:
        random_call();
        break;
    }
}

static void say_where(void)
{
    dprintf(STDERR_FILENO, "test_random: seed %lu, step %lu\n", seed, step);
}

static void on_abort(int number)
{
    say_where();
    signal(number, SIG_DFL);
    raise(number);
}

static void run_seed(uint64_t number, unsigned seconds)
{
    seed = number;
    state = number * 0x9e3779b97f4a7c15ul | 1;
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(say_where);
    }
    host_asleep = wake_init;
    world_make();
    world_pass(1000000000000); /* no time looks like an address */
    init = world_current();
    memory = world_object(OBJECT_UNTYPED, 20);
    table = world_slot();
    wake = world_object(OBJECT_NOTIFICATION, 0);
    handler = world_slot();
    ck_ok(sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), LINE_OF_INIT, CPTR(BOOT_SLOT_CNODE),
                                (uint32_t)(handler.raw >> SLOT_BITS)));
    ck_ok(sys_irq_handler_bind(handler, wake));
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (unsigned i = 0; i < 256; i++) {
            step++;
            random_step();
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < seconds);
    if (verbose) {
        printf("%lu steps\n", step);
    }
}

/* escape: QUEUE-CHECK */
START_TEST(survives_programs_that_do_anything)
{
    run_seed((uint64_t)_i, SECONDS_EACH);
}
END_TEST

int main(int argc, char **argv)
{
    int first = 1;
    int last = SEEDS;
    if (argc > 1) {
        first = last = atoi(argv[1]);
        verbose = true;
        setenv("CK_FORK", "no", 1);
    }
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random");
    tcase_set_timeout(tcase, 20 * SECONDS_EACH);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, survives_programs_that_do_anything, first, last + 1);
    return world_run(suite);
}

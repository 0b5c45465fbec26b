/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/names.h>

#include "compare.h"
#include "world.h"

struct spec play_spec;
static struct spec before;
static char said[400];
static bool budgets; /* time runs out */
static bool hurried; /* nothing is compared for the moment */

char const *play_difference(void)
{
    return said;
}

/* ---- Doing a step ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
    x = (x ^ x >> 27) * 0x94d049bb133111ebul;
    return x ^ x >> 31;
}

/* The running program fills its message buffer. */
static void fill_buffer(struct step const *step)
{
    struct spec *s = &play_spec;
    int page = spec_buffer(s, s->current);
    model_write_fpu(s, step->fpu);
    if (page == SPEC_NONE || step->kind != STEP_CALL) {
        return;
    }
    model_write(s, page, SLOT_WORD, step->receive_slot);
    model_write(s, page, SLOT_WORD + 1, step->deadline);
    for (unsigned i = 0; i < step->words; i++) {
        model_write(s, page, i, mix(step->word_seed + i));
    }
    for (unsigned i = 0; i < step->entries; i++) {
        for (unsigned j = 0; j < 6; j++) {
            model_write(s, page, BATCH_WORD + 6 * i + j, step->entry[i][j]);
        }
    }
}

static void do_in_kernel(struct step const *step)
{
    uint64_t reg[8];
    memcpy(reg, step->reg, sizeof reg);
    world_slow_only = step->slow;
    model_step_begins(&play_spec);
    world_interrupt_at(step->preempt);
    switch (step->kind) {
    case STEP_CALL:
        (void)world_trap(reg);
        break;
    case STEP_FAULT:
        world_fault((enum fault_kind)step->number, step->reg[1]);
        break;
    case STEP_TIME:
        world_pass(step->number * NS_PER_TICK);
        break;
    case STEP_LINE:
    default:
        world_line(step->number, step->raised);
        break;
    }
    world_interrupt_at(0);
}

static void do_in_spec(struct step const *step)
{
    struct spec *s = &play_spec;
    switch (step->kind) {
    case STEP_CALL:
        memcpy(s->thread[s->current].reg, step->reg, sizeof step->reg);
        spec_syscall(s);
        break;
    case STEP_FAULT:
        spec_fault(s, (enum fault_kind)step->number, step->reg[1]);
        break;
    case STEP_TIME:
        spec_pass(s, step->number);
        break;
    case STEP_LINE:
    default:
        spec_set_line(s, step->number, step->raised);
        break;
    }
}

/* Page tables are looked into after what may change them, and now and then. */
static bool is_deep(struct step const *step)
{
    static unsigned count;
    unsigned label = step->reg[7] >> TAG_LABEL_SHIFT & 0xffff;
    unsigned type = label / 16;
    return ++count % 16 == 0 ||
           (step->kind == STEP_CALL &&
            (type == OBJECT_FRAME || type == OBJECT_VSPACE || label == METHOD_CNODE_DELETE ||
             label == METHOD_CNODE_REVOKE || label == METHOD_CNODE_MOVE));
}

/* An interrupt in the middle of the call may let others run before the rest of it, unless the
 * caller is the most urgent of all. It must also be there still to go on. */
static bool may_be_preempted(struct step const *step)
{
    struct spec *s = &play_spec;
    int self = s->current;
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && i != self && s->thread[i].priority > s->thread[self].priority) {
            return false;
        }
    }
    int slot = spec_lookup(s, self, step->reg[0]);
    spec_restore(&before, s);
    struct spec_content content = { 0 };
    int page = spec_buffer(s, self);
    if (page != SPEC_NONE) {
        content = s->content[page];
    }
    do_in_spec(step);
    bool remains = s->current == self && s->thread[self].state == SPEC_READY && slot != SPEC_NONE &&
                   s->slot[slot].type == before.slot[slot].type &&
                   spec_lookup(s, self, step->reg[0]) == slot;
    spec_restore(s, &before);
    if (page != SPEC_NONE) {
        s->content[page] = content;
    }
    return remains;
}

/* So many choices of the kernel in one call are tried. */
#define MOST_CHOICES 4

bool play_step(struct step const *given)
{
    struct spec *s = &play_spec;
    struct step step = *given;
    fill_buffer(&step);
    if (step.preempt != 0 && !may_be_preempted(&step)) {
        step.preempt = 0;
    }
    do_in_kernel(&step);

    bool deep = is_deep(&step);
    spec_restore(&before, s);
    s->declines = 0;
    do_in_spec(&step);
    if (hurried || s->exceeded) {
        return true;
    }
    bool same = model_equal(s, deep);
    for (unsigned declines = 1; !same && s->choices != 0 && declines < 1u << MOST_CHOICES; declines++) {
        spec_restore(s, &before);
        s->declines = (uint8_t)declines;
        do_in_spec(&step);
        same = model_equal(s, deep);
    }
    if (!same) {
        snprintf(said, sizeof said, "%s", model_difference());
    }
    return same;
}

/* ---- The world ---- */

#define RADIX       6 /* of the programs' table */
#define SMALL_RADIX 4 /* of a table in it */
#define THREADS     5

/* init's slots, from the first that boot leaves free. */
enum { FREE_SLOT = 64, MEMORY = FREE_SLOT, TABLE, WAKE, HANDLER, OTHER_MEMORY, OTHER_TABLE, SHARED, TIMES = SHARED + 2 };

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
    OTHER_SPACE,
    LARGE_1,
    LARGE_2,
    THREAD,
    BUFFER = THREAD + THREADS,
    ENDPOINTS = BUFFER + THREADS,
    BADGED = ENDPOINTS + 2,
    NOTIFICATIONS = BADGED + 2,
    REPLIES = NOTIFICATIONS + 2,
    SETS = REPLIES + 2,
    SET_ENDPOINT = SETS + 2,
    MEMBERS,
    TIME_OF = MEMBERS + 2,
    MORE_TIME = TIME_OF + THREADS,
    FREE = MORE_TIME + 2,
};

static uint64_t slot_address(unsigned index)
{
    return (uint64_t)index << SLOT_BITS;
}

/* The slots of init that are worked with: of the programs, or of others beside them. */
static unsigned memory = MEMORY, table = TABLE;

/* The slot `index` of the programs' table, as init says it. */
static uint64_t there(unsigned index)
{
    return slot_address(table) | (uint64_t)index << (SLOT_BITS + 12);
}

void play_ask(uint64_t target, enum method method, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
              uint64_t e)
{
    struct step step = { .kind = STEP_CALL,
                         .reg = { target | SYS_CALL, a, b, c, d, e, 0,
                                  (uint64_t)method << TAG_LABEL_SHIFT } };
    bool same = play_step(&step);
    if (!same || (play_spec.thread[play_spec.current].reg[0] != OK)) {
        fprintf(stderr, "building the world: %s came back with %ld: %s\n",
                method_name((unsigned)method), (long)world_registers()[0], same ? "" : said);
        abort();
    }
}

static void make(unsigned type, unsigned size, unsigned count, unsigned at)
{
    play_ask(slot_address(memory), METHOD_UNTYPED_RETYPE, type, size, count, slot_address(table), at);
}

static void copy(unsigned at, uint64_t source)
{
    play_ask(slot_address(table), METHOD_CNODE_COPY, at, source, RIGHTS_ALL, 0, 0);
}

/* As much time as no thread uses in a sequence; less than SPEC_LONG_SLEEP. */
#define WITHOUT_END (1ul << 33)

void play_give_time(uint64_t time, uint64_t thread)
{
    play_ask(slot_address(BOOT_SLOT_SCHED_CONTROL), METHOD_SCHED_CONTROL_CONFIGURE, time, WITHOUT_END, 0, 0, 0);
    play_ask(slot_address(BOOT_SLOT_SCHED_CONTROL), METHOD_SCHED_CONTROL_MARK, time, time, 0, 0, 0);
    play_ask(time, METHOD_SCHED_CONTEXT_BIND, thread, 0, 0, 0, 0);
}

static void make_thread(unsigned i)
{
    uint64_t thread = there(THREAD + i);
    uint64_t fault = i % 2 == 0 ? there(BADGED) : 0;
    play_ask(thread, METHOD_THREAD_CONFIGURE, slot_address(table), there(SPACE), there(BUFFER + i), fault, 0);
    play_ask(slot_address(BOOT_SLOT_SCHED_CONTROL), METHOD_SCHED_CONTROL_SET_PRIORITY, thread,
        100 + i / 2 * 20, 0, 0, 0);
    if (i % 2 != 0) {
        play_ask(thread, METHOD_THREAD_SET_TIME_OUT, there(BADGED), 0, 0, 0, 0);
    }
    play_ask(thread, METHOD_THREAD_START, 0x1000, 0, 0, 0, 0);
}

/* init's slot of the memory of a large device. */
static uint64_t large_device(void)
{
    for (unsigned i = BOOT_SLOT_MEMORY; i < FREE_SLOT; i++) {
        struct spec_slot const *slot = &play_spec.slot[play_spec.cnode[0].first + (int)i];
        if (slot->type == OBJECT_UNTYPED && slot->device && slot->bits > 21) {
            return slot_address(i);
        }
    }
    return 0;
}

static void make_objects(void)
{
    play_ask(large_device(), METHOD_UNTYPED_CARVE, 0, 21, slot_address(table), LARGE_1, 0);
    play_ask(large_device(), METHOD_UNTYPED_CARVE, 1ul << 21, 21, slot_address(table), LARGE_2, 0);
    make(OBJECT_CNODE, SMALL_RADIX, 1, SMALL);
    make(OBJECT_VSPACE, 0, 1, SPACE);
    make(OBJECT_VSPACE, 0, 1, OTHER_SPACE);
    make(OBJECT_TABLES, 15, 1, TABLES);
    make(OBJECT_TABLES, 15, 1, MORE_TABLES);
    make(OBJECT_UNTYPED, 14, 2, MEMORY_1);
    make(OBJECT_THREAD, 0, THREADS, THREAD);
    make(OBJECT_FRAME, PAGE_BITS, THREADS, BUFFER);
    make(OBJECT_ENDPOINT, 0, 2, ENDPOINTS);
    make(OBJECT_NOTIFICATION, 0, 2, NOTIFICATIONS);
    make(OBJECT_REPLY, 0, 2, REPLIES);
    make(OBJECT_WAIT_SET, 8, 2, SETS);
    make(OBJECT_ENDPOINT, 0, 1, SET_ENDPOINT);
    make(OBJECT_NOTIFICATION, 0, 2, MEMBERS);
    make(OBJECT_SCHED_CONTEXT, 0, 2, MORE_TIME);
    play_ask(there(SETS), METHOD_WAIT_SET_ATTACH, there(SET_ENDPOINT), 0, 0, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        play_ask(there(SETS), METHOD_WAIT_SET_ADD, 1 + i, there(MEMBERS + i), 0, 0, 0);
    }
    copy(SELF, slot_address(table));
    copy(SCHED, slot_address(BOOT_SLOT_SCHED_CONTROL));
    copy(IRQ, slot_address(BOOT_SLOT_IRQ_CONTROL));
    copy(KERNEL, slot_address(BOOT_SLOT_KERNEL));
    for (unsigned i = 0; i < 2; i++) {
        play_ask(slot_address(table), METHOD_CNODE_MINT, BADGED + i, there(ENDPOINTS + i),
            i == 0 ? RIGHTS_ALL : ENDPOINT_SEND | ENDPOINT_RECV, 100 + i, 0);
    }
    play_ask(there(SPACE), METHOD_VSPACE_FEED, there(TABLES), 0, 0, 0, 0);
    play_ask(there(BUFFER), METHOD_FRAME_MAP, there(SPACE), 0x40000000, FRAME_READ, 0, 0);
}

void play_sleep(uint64_t notification)
{
    struct step step = { .kind = STEP_CALL, .reg = { notification | SYS_WAIT } };
    if (!play_step(&step)) {
        fprintf(stderr, "init waits: %s\n", said);
        abort();
    }
}

/* A table, and of the threads those from `first` to before `end`. */
static void make_group(unsigned first, unsigned end)
{
    play_ask(slot_address(memory), METHOD_UNTYPED_RETYPE, OBJECT_CNODE, RADIX, 1,
             slot_address(BOOT_SLOT_CNODE), table);
    make_objects();
    for (unsigned i = first; i < end; i++) {
        copy(TIME_OF + i, slot_address(TIMES + i));
        play_give_time(i < 2 ? there(MORE_TIME + i) : slot_address(TIMES + i), there(THREAD + i));
        make_thread(i);
    }
}

static void make_programs(void)
{
    make_group(0, THREADS);
    play_sleep(slot_address(WAKE));
}

void play_begin(void)
{
    world_make();
    world_check_every = 4;
    model_adopt(&play_spec);
}

static void make_parts(void)
{
    uint64_t init = slot_address(BOOT_SLOT_CNODE);
    play_begin();
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_UNTYPED, MODEL_WORLD_BITS, 1, init,
        MEMORY);
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_NOTIFICATION, 0, 1, init, WAKE);
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_SCHED_CONTEXT, 0, THREADS, init, TIMES);
    play_ask(slot_address(BOOT_SLOT_IRQ_CONTROL), METHOD_IRQ_CONTROL_CLAIM, SPEC_WAKING_LINE, init, HANDLER,
        0, 0);
    play_ask(slot_address(HANDLER), METHOD_IRQ_HANDLER_BIND, slot_address(WAKE), 0, 0, 0, 0);
}

void play_make(void)
{
    make_parts();
    make_programs();
}

/* What two groups share: an endpoint and a notification of init's, without the right to pass anything
 * on. */
static void share(void)
{
    uint64_t into = slot_address(table);
    play_ask(into, METHOD_CNODE_MINT, FREE, slot_address(SHARED), ENDPOINT_SEND | ENDPOINT_RECV, table, 0);
    play_ask(into, METHOD_CNODE_MINT, FREE + 1, slot_address(SHARED + 1),
             NOTIFICATION_SIGNAL | NOTIFICATION_WAIT, table, 0);
}

void play_make_divided(void)
{
    uint64_t init = slot_address(BOOT_SLOT_CNODE);
    make_parts();
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_UNTYPED, MODEL_WORLD_BITS, 1, init,
             OTHER_MEMORY);
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_ENDPOINT, 0, 1, init, SHARED);
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_NOTIFICATION, 0, 1, init, SHARED + 1);
    make_group(0, 3);
    share();
    memory = OTHER_MEMORY;
    table = OTHER_TABLE;
    make_group(3, THREADS);
    share();
    memory = MEMORY;
    table = TABLE;
    play_sleep(slot_address(WAKE));
}

uint64_t play_memory(unsigned group)
{
    unsigned slot = group == 0 ? MEMORY : OTHER_MEMORY;
    return play_spec.slot[play_spec.cnode[0].first + (int)slot].address;
}

static void do_line(unsigned line, bool raised)
{
    struct step step = { .kind = STEP_LINE, .number = (uint16_t)line, .raised = raised };
    if (!play_step(&step)) {
        fprintf(stderr, "line %u: %s\n", line, said);
        abort();
    }
}

void play_make_again(void)
{
    uint64_t init = slot_address(BOOT_SLOT_CNODE);
    for (unsigned line = 1; line < SPEC_WAKING_LINE; line++) {
        do_line(line, false);
    }
    if (play_spec.current != 0) {
        do_line(SPEC_WAKING_LINE, true);
    }
    do_line(SPEC_WAKING_LINE, false);
    if (play_spec.line[SPEC_WAKING_LINE].waiting) {
        play_ask(slot_address(HANDLER), METHOD_IRQ_HANDLER_ACKNOWLEDGE, 0, 0, 0, 0, 0);
    }
    play_ask(init, METHOD_CNODE_REVOKE, MEMORY, 0, 0, 0, 0);
    hurried = true;
    world_check_every = 256;
    make_programs();
    hurried = false;
    world_check_every = 4;
    if (!model_equal(&play_spec, true)) {
        fprintf(stderr, "made again: %s\n", model_difference());
        abort();
    }
}

/* What init is about to do. */
static struct step script[4 + 7 * THREADS];
static unsigned script_at, script_end;

/* ---- Chance ---- */

static uint64_t state;
/* Chance may be somebody's choice: bytes, as long as there are any. */
static uint8_t const *choice;
static size_t choices;

void play_seed(uint64_t seed)
{
    state = mix(seed + 1) | 1;
    script_at = script_end = 0;
}

void play_from(uint8_t const *data, size_t size)
{
    play_seed(0);
    choice = data;
    choices = size;
}

void play_with_budgets(void)
{
    budgets = true;
}

bool play_has_choices(void)
{
    return choices != 0;
}

/* The next bytes of the choice as a number; zeros behind the end. */
static uint64_t chosen(unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && choices > 0; i++, choices--) {
        value = value << 8 | *choice++;
    }
    return value;
}

static uint64_t chance(void)
{
    if (choice != NULL) {
        return chosen(sizeof(uint64_t));
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dul;
}

static unsigned below(unsigned limit)
{
    return (unsigned)((choice != NULL ? chosen(limit > 256 ? 2 : 1) : chance() >> 32) % limit);
}

static bool one_in(unsigned n)
{
    return below(n) == 0;
}

static uint64_t any_number(void)
{
    static uint64_t const edges[] = {
        0, 1, 2, 31, 32, 63, 64, 4095, 4096, 1ul << 21, 1ul << 30, 1ul << 32, (1ul << 32) - 1,
        1ul << 38, (1ul << 38) - 4096, 1ul << 59, (1ul << 59) - 1, 1ul << 62, 1ul << 63, ~0ul
    };
    switch (below(4)) {
    case 0:
        return edges[below(sizeof edges / sizeof *edges)];
    case 1:
        return chance() >> below(64);
    default:
        return below(70);
    }
}

/* The `number`-th slot that a program can name: of its own table, or of the small one in it. */
#define SLOTS ((1u << RADIX) + (1u << SMALL_RADIX))
static uint64_t slot_number(unsigned number)
{
    return number < 1u << RADIX
               ? slot_address(number)
               : slot_address(SMALL) | (uint64_t)(number - (1u << RADIX)) << (SLOT_BITS + RADIX);
}

/* The address of some slot: of one that holds this type, if there is any. */
static uint64_t some_slot(unsigned type)
{
    struct spec const *s = &play_spec;
    uint64_t found[SLOTS];
    unsigned count = 0;
    if (one_in(40)) {
        return any_number() << SLOT_BITS;
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        int slot = spec_lookup(s, s->current, slot_number(i));
        unsigned holds = spec_is_empty(s, slot) ? OBJECT_NONE : s->slot[slot].type;
        if (type == OBJECT_NONE ? holds != OBJECT_NONE : holds == type) {
            found[count++] = slot_number(i);
        }
    }
    return count != 0 && !one_in(20) ? found[below(count)] : slot_number(below(SLOTS));
}

/* A deadline that is over, or soon will be. No two threads begin with the same: what comes first then is
 * anybody's guess. */
static uint64_t deadline(void)
{
    struct spec const *s = &play_spec;
    if (one_in(2)) {
        return 0;
    }
    uint64_t when = s->now + below(1 << 12) - 64;
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].deadline == when) {
            return 0;
        }
    }
    return when * NS_PER_TICK - below(NS_PER_TICK);
}

/* Arguments by kind: capital letters are capabilities. */
static uint64_t argument(char kind)
{
    static uint64_t const mapping[] = { FRAME_READ, FRAME_READ | FRAME_WRITE,
                                        FRAME_READ | FRAME_EXECUTE, FRAME_RIGHTS, FRAME_WRITE };
    if (kind == 'd') {
        return deadline();
    }
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
    case 'w': /* budget */
        return budgets ? 9000 + below(200000) : one_in(4) ? below(20000) : WITHOUT_END + below(1 << 16);
    case 'o': /* period */
        return budgets && !one_in(3) ? 50000 + below(1000000) : one_in(4) ? 1 + below(20000) : 0;
    case 'V':
        return some_slot(OBJECT_VSPACE);
    case 'B':
        return some_slot(OBJECT_TABLES);
    case 'F':
        return one_in(4) ? 0 : some_slot(OBJECT_FRAME);
    case 'M': /* what can be a member of a wait set */
        return some_slot(one_in(3) ? OBJECT_NOTIFICATION : OBJECT_ENDPOINT);
    case 'E':
        return one_in(4) ? 0 : some_slot(OBJECT_ENDPOINT);
    case 'i': /* of a slot */
        return one_in(10) ? TIME_OF + below(THREADS + 2) : below(1 << RADIX);
    case 't':
        return 1 + below(OBJECT_TYPES - 1);
    case 'z': /* of an object */
        return one_in(2) ? 0 : one_in(6) ? 7 + below(2) : one_in(4) ? below(5) : PAGE_BITS + below(3);
    case 'n':
        return 1 + below(3);
    case 'r': /* rights */
        return one_in(2) ? RIGHTS_ALL : chance() & (63 | ENDPOINT_SEND);
    case 'b': /* badge */
        return any_number();
    case 'a': {
        uint64_t page = one_in(4) ? below(2) * 512 : below(1024);
        return 0x40000000 + (page << PAGE_BITS) + ((uint64_t)below(2) << 30);
    }
    case 'm':
        return mapping[below(sizeof mapping / sizeof *mapping)];
    case 'p':
        return budgets && one_in(2) ? DEADLINE_PRIORITY : one_in(4) ? below(256) : 100 + below(3) * 20; /* see is_left_out() */
    case 'l':
        return below(9);
    default:
        return any_number();
    }
}

static struct request {
    enum method method;
    unsigned weight;
    char const *arguments;
} const requests[] = {
    { METHOD_UNTYPED_RETYPE, 14, "tznCi" },
    { METHOD_UNTYPED_CARVE, 1, "azCi" },
    { METHOD_CNODE_COPY, 8, "iAr" },
    { METHOD_CNODE_MINT, 6, "iArb" },
    { METHOD_CNODE_MOVE, 5, "iCi" },
    { METHOD_CNODE_DELETE, 5, "i" },
    { METHOD_CNODE_REVOKE, 2, "i" },
    { METHOD_CNODE_INSPECT, 2, "i" },
    { METHOD_CNODE_FINISH, 1, "" },
    { METHOD_CNODE_COMPARE, 1, "iA" },
    { METHOD_THREAD_CONFIGURE, 5, "CVFE" },
    { METHOD_THREAD_START, 8, "xxxxx" },
    { METHOD_THREAD_SUSPEND, 3, "" },
    { METHOD_THREAD_RESUME, 8, "" },
    { METHOD_THREAD_SET_PRIORITY, 3, "p" },
    { METHOD_THREAD_READ_REGISTERS, 2, "" },
    { METHOD_THREAD_WRITE_REGISTERS, 2, "" },
    { METHOD_THREAD_NAME, 1, "xx" },
    { METHOD_THREAD_READ_FLOATS, 2, "" },
    { METHOD_THREAD_SET_TIME_OUT, 3, "E" },
    { METHOD_NOTIFICATION_BIND, 4, "T" },
    { METHOD_NOTIFICATION_UNBIND, 2, "" },
    { METHOD_REPLY_SAVE, 8, "" },
    { METHOD_REPLY_AWAIT, 4, "Td" },
    { METHOD_REPLY_ANSWER, 6, "" },
    { METHOD_WAIT_SET_ATTACH, 3, "E" },
    { METHOD_WAIT_SET_ADD, 9, "nM" },
    { METHOD_WAIT_SET_REMOVE, 4, "n" },
    { METHOD_SCHED_CONTEXT_BIND, 9, "T" },
    { METHOD_SCHED_CONTEXT_UNBIND, 4, "" },
    { METHOD_SCHED_CONTEXT_MISSED, 1, "" },
    { METHOD_SCHED_CONTEXT_CONSUMED, 1, "" },
    { METHOD_SCHED_CONTEXT_USER, 1, "" },
    { METHOD_SCHED_CONTROL_CONFIGURE, 3, "Swo" },
    { METHOD_SCHED_CONTROL_MARK, 1, "Sx" },
    { METHOD_VSPACE_FEED, 3, "B" },
    { METHOD_FRAME_MAP, 8, "Vam" },
    { METHOD_FRAME_UNMAP, 3, "" },
    { METHOD_FRAME_PROTECT, 3, "m" },
    { METHOD_FRAME_FIND, 1, "V" },
    { METHOD_IRQ_CONTROL_CLAIM, 3, "lCi" },
    { METHOD_IRQ_HANDLER_BIND, 3, "N" },
    { METHOD_IRQ_HANDLER_ACKNOWLEDGE, 3, "" },
    { METHOD_SCHED_CONTROL_SET_PRIORITY, 3, "Tp" },
    { METHOD_KERNEL_CHECK, 1, "" },
};

/* By deadlines; and init's alone, whom nobody else may keep from running. */
static bool is_special_priority(uint64_t priority)
{
    return (priority == DEADLINE_PRIORITY && !budgets) || priority == PRIORITIES - 1;
}

static bool is_soon(uint64_t ns)
{
    return ns == 0 || ns / NS_PER_TICK - play_spec.now + 64 < 1 << 12;
}

/* Time that does not run out in a sequence, or none at all: the request is refused. */
static bool is_without_end(uint64_t budget, uint64_t period)
{
    return period == 0 ? budget < 10000 || budget - WITHOUT_END < 1 << 16 : period < budget;
}

/* What the specification does not speak of yet, what stops the machine, and what its arrays have
 * no room for: retypes of the largest tables. */
static bool is_left_out(uint64_t label, uint64_t const *argument)
{
    return label == METHOD_KERNEL_STOP || label == METHOD_KERNEL_RESTART || label == METHOD_KERNEL_PUT ||
           label == METHOD_KERNEL_COUNTER || label == METHOD_KERNEL_INHERIT ||
           label / 16 > OBJECT_WAIT_SET ||
           (label == METHOD_SCHED_CONTROL_CONFIGURE && !budgets && !is_without_end(argument[1], argument[2])) ||
           (label == METHOD_REPLY_AWAIT && !is_soon(argument[1])) ||
           (label == METHOD_THREAD_SET_PRIORITY && is_special_priority(argument[0])) ||
           (label == METHOD_SCHED_CONTROL_SET_PRIORITY && is_special_priority(argument[1])) ||
           (label == METHOD_UNTYPED_RETYPE && argument[0] > OBJECT_WAIT_SET && argument[0] <= OBJECT_PMU) ||
           ((label == METHOD_UNTYPED_RETYPE || label == METHOD_THREAD_CONFIGURE ||
             label == METHOD_FRAME_MAP) &&
            spec_is_nearly_full(&play_spec)) ||
           (label == METHOD_UNTYPED_RETYPE &&
            ((argument[0] == OBJECT_CNODE && argument[1] > 4) ||
             (argument[0] == OBJECT_WAIT_SET && argument[1] > 8) || (argument[2] > 4 && argument[2] < 33)));
}

/* Some request: label, address of a capability that it is for, and arguments. */
static uint64_t some_request(uint64_t *target, uint64_t arguments[5])
{
    unsigned total = 0;
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        total += requests[i].weight;
    }
    unsigned chosen = below(total);
    struct request const *request = requests;
    bool configures = budgets && one_in(8);
    while (configures ? request->method != METHOD_SCHED_CONTROL_CONFIGURE : chosen >= request->weight) {
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
    } else if (one_in(50)) {
        label = below(OBJECT_TYPES * 16);
    }
    return is_left_out(label, arguments) ? METHOD_CNODE_FINISH : label;
}

static uint64_t some_tag(void)
{
    uint64_t words = one_in(20) ? below(256) : below(10);
    uint64_t caps = one_in(3) ? one_in(10) ? below(4) : 1 : 0;
    return any_number() << TAG_REQUEST_SHIFT |
           (one_in(4) ? any_number() & 0xffff : 0) << TAG_LABEL_SHIFT | caps << TAG_CAPS_SHIFT | words;
}

static void choose_batch(struct step *step)
{
    step->entries = (uint8_t)below(5);
    for (unsigned i = 0; i < step->entries; i++) {
        uint64_t arguments[5];
        step->entry[i][1] = some_request(&step->entry[i][0], arguments) << TAG_LABEL_SHIFT;
        memcpy(&step->entry[i][2], arguments, 4 * sizeof *arguments);
    }
    step->reg[1] = one_in(20) ? any_number() % 4 : step->entries;
    step->reg[2] = one_in(20) ? any_number() : 0;
}

static void choose_call(struct step *step)
{
    uint64_t *r = step->reg;
    for (unsigned i = 0; i < 8; i++) {
        r[i] = any_number();
    }
    r[7] = some_tag();
    step->words = (uint8_t)below(14);
    step->word_seed = chance();
    step->fpu = chance();
    step->deadline = deadline();
    step->receive_slot = one_in(3) ? some_slot(OBJECT_NONE) : slot_address(below(1 << RADIX));
    unsigned type = OBJECT_ENDPOINT;
    unsigned operation = below(34);
    switch (operation) {
    case SYS_SIGNAL:
    case SYS_POLL:
    case SYS_WAIT:
        type = OBJECT_NOTIFICATION;
        break;
    case SYS_REPLY:
        type = one_in(2) ? OBJECT_REPLY : OBJECT_NONE;
        break;
    case SYS_BATCH:
        choose_batch(step);
        break;
    case SYS_NULL:
        operation = SYS_YIELD;
        break;
    default:
        r[6] = some_slot(OBJECT_NONE);
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
    if (one_in(300)) {
        operation = SYS_SEND_UNTIL + 1 + below(31 - SYS_SEND_UNTIL);
    }
    if (operation == SYS_RECV || operation == SYS_WAIT) {
        r[1] = deadline();
    }
    r[0] = target | operation;
}

/* ---- init, when it is woken: the line falls silent, threads that are stuck go on ---- */

static void add(uint64_t target, enum syscall operation, enum method method, uint64_t a, uint64_t b,
                uint64_t c, uint64_t d)
{
    script[script_end++] = (struct step){ .kind = STEP_CALL,
                                          .reg = { target | operation, a, b, c, d, 0, 0,
                                                   (uint64_t)method << TAG_LABEL_SHIFT } };
}

static void write_script(void)
{
    script_at = script_end = 0;
    script[script_end++] = (struct step){ .kind = STEP_LINE, .number = SPEC_WAKING_LINE };
    add(slot_address(HANDLER), SYS_CALL, METHOD_IRQ_HANDLER_ACKNOWLEDGE, 0, 0, 0, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        uint64_t thread = there(THREAD + i);
        add(thread, SYS_CALL, METHOD_THREAD_SUSPEND, 0, 0, 0, 0);
        if (one_in(3)) {
            uint64_t fault = one_in(2) ? there(BADGED) : 0;
            add(thread, SYS_CALL, METHOD_THREAD_CONFIGURE, slot_address(TABLE), there(SPACE),
                there(BUFFER + i), fault);
        }
        add(slot_address(TIMES + i), SYS_CALL, METHOD_SCHED_CONTEXT_UNBIND, 0, 0, 0, 0);
        add(slot_address(TIMES + i), SYS_CALL, METHOD_SCHED_CONTEXT_BIND, thread, 0, 0, 0);
        if (budgets && one_in(2)) {
            add(slot_address(BOOT_SLOT_SCHED_CONTROL), SYS_CALL, METHOD_SCHED_CONTROL_CONFIGURE,
                slot_address(TIMES + i), argument('w'), argument('o'), 0);
        }
        if (budgets && one_in(3)) {
            add(slot_address(BOOT_SLOT_SCHED_CONTROL), SYS_CALL, METHOD_SCHED_CONTROL_SET_PRIORITY, thread,
                one_in(4) ? 100 + below(3) * 20 : DEADLINE_PRIORITY, 0, 0);
        }
        add(thread, SYS_CALL, METHOD_THREAD_RESUME, 0, 0, 0, 0);
    }
    add(slot_address(WAKE), SYS_WAIT, (enum method)0, 0, 0, 0, 0);
}

/* init calls nothing but threads: the programs may have put an endpoint there meanwhile. */
static bool is_safe(struct step const *step)
{
    int slot = spec_lookup(&play_spec, play_spec.current, step->reg[0]);
    return step->kind != STEP_CALL || (step->reg[0] & 31) != SYS_CALL || spec_is_empty(&play_spec, slot) ||
           play_spec.slot[slot].type != OBJECT_ENDPOINT;
}

static void next_of_script(struct step *step)
{
    do {
        if (script_at == script_end) {
            write_script();
        }
        *step = script[script_at++];
    } while (!is_safe(step));
}

void play_choose(struct step *step)
{
    memset(step, 0, sizeof *step);
    if (play_spec.current == 0) { /* init is the first thread */
        next_of_script(step);
        return;
    }
    step->slow = one_in(3);
    step->preempt = (uint8_t)(one_in(4) ? 1 + below(6) : 0);
    switch (budgets && one_in(6) ? 2 : below(24)) {
    case 0:
        step->kind = STEP_FAULT;
        step->number = (uint16_t)(1 + below(6));
        step->reg[1] = any_number() >> 36;
        break;
    case 1:
        step->kind = STEP_LINE;
        step->number = (uint16_t)(1 + below(8));
        step->raised = one_in(2);
        break;
    case 2:
        step->kind = STEP_TIME;
        step->number = (uint16_t)below(budgets ? 1 << 9 : 1 << 11);
        break;
    default:
        step->kind = STEP_CALL;
        choose_call(step);
        break;
    }
}

/* ---- For people ---- */

void play_print(unsigned number, struct step const *step)
{
    struct spec const *s = &play_spec;
    printf("%4u: at %lu thread %d ", number, s->now, s->current);
    if (budgets) {
        printf("(on time %d, %ld left) ", s->running, spec_left(s, s->running));
    }
    if (s->ready.count != 0) {
        printf("(ready:");
        for (int i = 0; i < s->ready.count; i++) {
            int thread = s->ready.thread[i];
            printf(" %d", thread);
            if (s->thread[thread].priority == DEADLINE_PRIORITY) {
                printf(" by %lu", s->thread[thread].due);
            }
        }
        printf(") ");
    }
    if (step->kind == STEP_LINE) {
        printf("... line %u is %s\n", step->number, step->raised ? "raised" : "lowered");
        return;
    }
    if (step->kind == STEP_TIME) {
        printf("... %u ticks pass\n", step->number);
        return;
    }
    if (step->kind == STEP_FAULT) {
        printf("has fault %u at %#lx\n", step->number, step->reg[1]);
        return;
    }
    int slot = spec_lookup(s, s->current, step->reg[0]);
    unsigned type = slot == SPEC_NONE ? OBJECT_NONE : s->slot[slot].type;
    unsigned label = (unsigned)(step->reg[7] >> TAG_LABEL_SHIFT & 0xffff);
    bool asks = (step->reg[0] & 31) <= SYS_CALL_LONG && type != OBJECT_ENDPOINT;
    printf("%s%s%s%s on %s in slot %d (address %#lx):", syscall_name((unsigned)step->reg[0] & 31),
           step->slow ? ", slowly," : "", asks ? " " : "", asks ? method_name(label) : "",
           object_type_name(type), slot, step->reg[0] & ~31ul);
    for (unsigned i = 1; i < 8; i++) {
        printf(" %#lx", step->reg[i]);
    }
    if (step->preempt != 0) {
        printf(", interrupted at look %u", step->preempt);
    }
    printf("\n");
    for (unsigned i = 0; i < step->entries; i++) {
        printf("      entry %u: %s of address %#lx: %#lx %#lx %#lx %#lx\n", i,
               method_name((unsigned)(step->entry[i][1] >> TAG_LABEL_SHIFT & 0xffff)), step->entry[i][0],
               step->entry[i][2], step->entry[i][3], step->entry[i][4], step->entry[i][5]);
    }
}

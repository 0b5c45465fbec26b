/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that one program can do with four slots and two objects: every request in every state,
 * until no new state comes. After each the kernel is compared with the specification, and after
 * those that an interrupt can break, once for each place where it can.
 *
 *   test_closure [STATES]       stops after so many states
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "world.h"

#define SLOTS    4
#define SELF     1 /* the slot of the table's own capability, which stays */
#define FIRST    2 /* of the four */
#define MOST     2000000u
#define BUCKETS  (1u << 22)

/* init's slots */
enum { MEMORY = 64, TABLE, THREAD, TIME, BELL };

/* ---- The requests ---- */

static struct step call[512];
static unsigned calls;

static void add(unsigned target, enum method method, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                uint64_t e)
{
    call[calls++] = (struct step){ .kind = STEP_CALL,
                                   .reg = { target << SLOT_BITS | SYS_CALL, a, b, c, d, e, 0,
                                            (uint64_t)method << TAG_LABEL_SHIFT } };
}

static void add_operation(unsigned target, enum syscall operation)
{
    call[calls++] = (struct step){ .kind = STEP_CALL, .reg = { target << SLOT_BITS | operation } };
}

static void make_calls(void)
{
    static uint8_t const type[] = { OBJECT_ENDPOINT, OBJECT_NOTIFICATION };
    for (unsigned at = FIRST; at < FIRST + SLOTS; at++) {
        for (unsigned from = FIRST; from < FIRST + SLOTS; from++) {
            uint64_t source = from << SLOT_BITS;
            for (unsigned i = 0; i < sizeof type; i++) {
                add(from, METHOD_UNTYPED_RETYPE, type[i], 0, 1, SELF << SLOT_BITS, at);
            }
            add(SELF, METHOD_CNODE_COPY, at, source, RIGHTS_ALL, 0, 0);
            add(SELF, METHOD_CNODE_MINT, at, source, ENDPOINT_SEND | NOTIFICATION_SIGNAL, 1, 0);
            add(SELF, METHOD_CNODE_MOVE, at, SELF << SLOT_BITS, from, 0, 0);
        }
        add(SELF, METHOD_CNODE_COPY, at, SELF << SLOT_BITS, RIGHTS_ALL, 0, 0);
        add(SELF, METHOD_CNODE_DELETE, at, 0, 0, 0, 0);
        add(SELF, METHOD_CNODE_REVOKE, at, 0, 0, 0, 0);
        add(SELF, METHOD_CNODE_INSPECT, at, 0, 0, 0, 0);
        add_operation(at, SYS_NB_SEND);
        add_operation(at, SYS_POLL);
    }
    add(SELF, METHOD_CNODE_REVOKE, SELF, 0, 0, 0, 0);
}

/* ---- The world: an untyped memory with room for two objects, in the first slot ---- */

static uint64_t of_init(unsigned slot)
{
    return (uint64_t)slot << SLOT_BITS;
}

static void make_world(void)
{
    uint64_t init = of_init(BOOT_SLOT_CNODE);
    uint64_t inside = of_init(TABLE);
    play_begin();
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_NOTIFICATION, 0, 1, init, BELL);
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_SCHED_CONTEXT, 0, 1, init, TIME);
    play_ask(world_memory.raw, METHOD_UNTYPED_RETYPE, OBJECT_UNTYPED, 13, 1, init, MEMORY);
    play_ask(of_init(MEMORY), METHOD_UNTYPED_RETYPE, OBJECT_CNODE, 3, 1, init, TABLE);
    play_ask(of_init(MEMORY), METHOD_UNTYPED_RETYPE, OBJECT_THREAD, 0, 1, init, THREAD);
    play_ask(of_init(MEMORY), METHOD_UNTYPED_RETYPE, OBJECT_UNTYPED, 7, 1, inside, FIRST);
    play_ask(inside, METHOD_CNODE_COPY, SELF, inside, RIGHTS_ALL, 0, 0);
    play_ask(of_init(THREAD), METHOD_THREAD_CONFIGURE, inside, of_init(BOOT_SLOT_VSPACE), 0, 0, 0);
    play_give_time(of_init(TIME), of_init(THREAD));
    play_ask(of_init(BOOT_SLOT_SCHED_CONTROL), METHOD_SCHED_CONTROL_SET_PRIORITY, of_init(THREAD), 255, 0, 0,
             0);
    play_ask(of_init(THREAD), METHOD_THREAD_START, 0x1000, 0, 0, 0, 0);
    play_sleep(of_init(BELL));
}

/* ---- States, by what they are and by the way to them ---- */

struct state {
    uint32_t from; /* another state ... */
    uint16_t by;   /* ... and the call that led here */
};
static struct state *state;
static uint64_t *bucket; /* hashes of the states that are known */
static unsigned states;

static bool is_new(uint64_t hash)
{
    unsigned at = (unsigned)(hash % BUCKETS);
    while (bucket[at] != 0 && bucket[at] != hash) {
        at = (at + 1) % BUCKETS;
    }
    bool found = bucket[at] == hash;
    bucket[at] = hash;
    return !found;
}

/* What the state is, whatever the numbers that the specification gives: but for the result of the
 * last call. */
static uint64_t describe(void)
{
    struct spec const *s = &play_spec;
    uint64_t hash = 1;
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        uint64_t const word[] = { (uint64_t)s->order[i], (uint64_t)slot->parent, slot->type, slot->rights,
                                  slot->badge, slot->address + slot->used,
                                  spec_object_address(s, slot->type, slot->object) };
        for (unsigned j = 0; j < sizeof word / sizeof *word; j++) {
            hash = (hash ^ word[j]) * 0x9e3779b97f4a7c15ul;
            hash ^= hash >> 32;
        }
    }
    int serves = s->thread[s->current].serving;
    uint64_t served = serves == SPEC_NONE ? 0 : s->endpoint[serves].address;
    return (hash ^ served) * 0x9e3779b97f4a7c15ul | 1;
}

static struct spec start, here;

/* Brings kernel and specification to a state, from the first one. */
static void go_to(unsigned number)
{
    static uint16_t way[256];
    unsigned length = 0;
    for (; number != 0; number = state[number].from) {
        way[length++] = state[number].by;
    }
    model_bring_back(0);
    spec_restore(&play_spec, &start);
    while (length > 0) {
        if (!play_step(&call[way[--length]])) {
            abort();
        }
    }
}

static void fail(unsigned number, unsigned by, unsigned preempt)
{
    printf("not ok 1 - %s\n", play_difference());
    go_to(number);
    struct step last = call[by];
    last.preempt = (uint8_t)preempt;
    play_print(number, &last);
    exit(EXIT_FAILURE);
}

/* A request to an endpoint is a message, and nobody would ever answer. */
static bool would_wait(struct step const *step)
{
    struct spec const *s = &here;
    int slot = spec_lookup(s, s->current, step->reg[0]);
    return (step->reg[0] & 31) == SYS_CALL && !spec_is_empty(s, slot) &&
           s->slot[slot].type == OBJECT_ENDPOINT;
}

/* Where an interrupt could break a call, at most. */
static unsigned places_of(struct step const *step)
{
    switch (step->reg[7] >> TAG_LABEL_SHIFT) {
    case METHOD_UNTYPED_RETYPE:
    case METHOD_CNODE_DELETE:
    case METHOD_CNODE_REVOKE:
        return 64;
    default:
        return 0;
    }
}

int main(int argc, char **argv)
{
    unsigned limit = argc > 1 ? (unsigned)atoi(argv[1]) : MOST;
    unsigned long transitions = 0, preemptions = 0;
    state = calloc(MOST, sizeof *state);
    bucket = calloc(BUCKETS, sizeof *bucket);
    make_calls();
    make_world();
    model_save(&play_spec, 0);
    start = play_spec;
    states = 1;
    (void)is_new(describe());
    unsigned number = 0;
    for (; number < states && number < limit; number++) {
        go_to(number);
        model_save(&play_spec, 1);
        here = play_spec;
        for (unsigned by = 0; by < calls; by++) {
            if (would_wait(&call[by])) {
                continue;
            }
            for (unsigned preempt = 0; preempt <= places_of(&call[by]); preempt++) {
                struct step step = call[by];
                step.preempt = (uint8_t)preempt;
                model_bring_back(1);
                spec_restore(&play_spec, &here);
                uint64_t before = world_preemptions();
                if (!play_step(&step)) {
                    fail(number, by, preempt);
                }
                if (preempt == 0) {
                    transitions++;
                    if (states < MOST && is_new(describe())) {
                        state[states++] = (struct state){ number, (uint16_t)by };
                    }
                } else if (world_preemptions() == before) {
                    break;
                } else {
                    preemptions++;
                }
            }
        }
    }
    printf("# %u states, %lu transitions, %lu of them interrupted once more at some place\n", states,
           transitions, preemptions);
    if (states == MOST) {
        printf("not ok 1 - there are more states than there is room for\n1..1\n");
        return EXIT_FAILURE;
    }
    printf("ok 1 - four slots, two objects, one thread: %s %u states were left in every way\n1..1\n",
           number == states ? "all" : "the first", number);
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small world of programs, in the kernel of this process and in the specification at once. A step
 * is what one program does, or the outside world; after it the two are compared.
 */
#pragma once

#include "spec.h"

#include <stddef.h>

enum step_kind { STEP_CALL, STEP_FAULT, STEP_LINE, STEP_TIME };

/* All that a step needs, so that it can be done again. */
struct step {
    uint8_t kind;
    bool slow;       /* not on the fast path */
    bool raised;     /* of a line */
    uint8_t preempt; /* this look for an interrupt sees one; 0: none does */
    uint8_t words;   /* so many of its buffer's words the program writes first ... */
    uint8_t entries; /* ... and so many entries of its batch */
    uint16_t number; /* of a fault, of a line, of ticks */
    uint64_t reg[8];
    uint64_t word_seed, fpu;
    uint64_t receive_slot, deadline; /* in its buffer */
    uint64_t entry[4][6];
};

/* Boots; then a request of the program that runs, which must succeed. */
void play_begin(void);
void play_ask(uint64_t target, enum method method, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
              uint64_t e);
/* Time without end for a thread; init has both. */
void play_give_time(uint64_t time, uint64_t thread);
/* The running program waits for a signal that does not come. */
void play_sleep(uint64_t notification);
/* The world that the programs start in; the specification has come along. */
void play_make(void);
extern struct spec play_spec;
/* A world of two groups of programs: each has its own table and memory, and all that they share is
 * one endpoint and one notification, through which nothing can be passed on. */
void play_make_divided(void);
/* Where the memory of a group is, 0 or 1: 2^MODEL_WORLD_BITS bytes. */
uint64_t play_memory(unsigned group);
/* init takes everything back and makes the same world once more. */
void play_make_again(void);

/* Does a step. When the specification's arrays are full (`exceeded`), nothing can be compared any more.
 * False: the kernel and the specification have come apart, play_difference() says
 * where. */
bool play_step(struct step const *step);
char const *play_difference(void);
/* Prints a step before it is done. */
void play_print(unsigned number, struct step const *step);

/* A step that the running program may well do next, by chance. */
void play_seed(uint64_t seed);
void play_choose(struct step *step);
/* Instead of chance these bytes choose, and when they are used up, zeros. */
void play_from(uint8_t const *data, size_t size);
bool play_has_choices(void);
/* From now on programs set budgets and periods that run out, and the clock goes on more often. */
void play_with_budgets(void);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of this process (tests/unit/world.h) beside the specification. */
#pragma once

#include "spec.h"

/* How the process ends where all sleep and nobody can wake them. */
#define MODEL_ASLEEP 3

/* Starts the specification with what boot has made. The first of init's slots only: as many as
 * this. */
#define MODEL_INIT_SLOTS 96
/* All that the programs have is made of memory of this size. */
#define MODEL_WORLD_BITS 18
void model_adopt(struct spec *s);

/* Whether the kernel is in the state that the specification says; if not, model_difference() says
 * where. Words that the specification does not know it learns. `deep` looks into the page tables
 * too. */
bool model_equal(struct spec *s, bool deep);
char const *model_difference(void);

/* A step begins in the kernel. */
void model_step_begins(struct spec const *s);
/* The kernel's slot of this number. */
struct slot *model_slot_at(struct spec const *s, int number);
/* The thread that runs. */
int model_current(struct spec const *s);
/* The running program writes to its floating-point registers, if they are switched on. */
void model_write_fpu(struct spec *s, uint64_t value);
/* A number for the whole state, equal for equal states; or for that part which can be seen without
 * the registers and buffers of the threads that are `hidden`. */
uint64_t model_hash(struct spec const *s, bool (*hidden)(int thread));
/* Fills the memory that the programs could still make objects of. */
void model_litter(struct spec const *s, uint64_t value);
/* Writes a word of a page that the specification knows, as a program does. */
void model_write(struct spec *s, int page, unsigned at, uint64_t value);

/* The kernel's state, kept and brought back: its data, init, and what was made of world_memory. */
#define MODEL_KEPT 2 /* so many states at once */
void model_save(struct spec const *s, unsigned which);
void model_bring_back(unsigned which);

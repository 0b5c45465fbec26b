/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of this process (tests/unit/world.h) beside the specification. */
#pragma once

#include "spec.h"

/* How the process ends where all sleep and nobody can wake them. */
#define MODEL_ASLEEP 3

/* Starts the specification with what boot has made. The first of init's slots only: as many as
 * this. */
#define MODEL_INIT_SLOTS 96
void model_adopt(struct spec *s);

/* Whether the kernel is in the state that the specification says; if not, model_difference() says
 * where. Words that the specification does not know it learns. `deep` looks into the page tables
 * too. */
bool model_equal(struct spec *s, bool deep);
char const *model_difference(void);

/* The thread that runs. */
int model_current(struct spec const *s);
/* The running program writes to its floating-point registers, if they are switched on. */
void model_write_fpu(struct spec *s, uint64_t value);
/* Writes a word of a page that the specification knows, as a program does. */
void model_write(struct spec *s, int page, unsigned at, uint64_t value);

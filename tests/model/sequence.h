/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequences of steps, each played in a process of its own that starts in the same world. */
#pragma once

#include "play.h"

#define STEPS 2000 /* in a sequence */

/* What a sequence leaves for the process that started it. */
struct sequence {
    unsigned count; /* steps done, or about to be */
    unsigned cut_short; /* sequences that ended when the specification was full */
    char difference[400];
    struct step step[STEPS];
    uint64_t mark[STEPS]; /* what `mark` said after each */
};

/* What is done to the world before a sequence, how its steps are changed before they are done, and
 * what is noted after each. */
struct manner {
    void (*begin)(void);
    void (*change)(struct step *step);
    uint64_t (*mark)(void);
    /* What must hold after a step, beside the specification; "" or what does not. */
    char const *(*judge)(struct step const *step);
};

/* Memory that processes share. */
struct sequence *sequence_make(void);
/* Plays one by chance. False: it went wrong, `difference` may say where. */
bool sequence_play(struct sequence *shared, uint64_t seed, struct manner manner, bool verbose);
/* Makes a sequence that went wrong as short as can be, and prints it. */
void sequence_report(struct sequence *sequence, uint64_t seed, struct manner how);

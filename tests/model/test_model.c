/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls, in the kernel and in its specification (spec.h). After every call the whole
 * abstract state of both is compared, and the kernel's invariants are checked; each entry into the kernel is
 * judged by the rules of integrity.h.
 *
 *   test_model CALLS [SEED]         so many calls, in sequences that start in the same small world;
 *                                   the first has this number, or one that the clock says
 *   test_model --sequence SEED      one sequence, printed call by call
 *
 * A sequence that fails is made as short as can be, and printed.
 */
#include "sequence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "integrity.h"
#include "world.h"

static struct integrity *integrity;

static void begin(void)
{
    world_check_every = 1;
    integrity_begin();
}

static char const *judge(struct step const *step)
{
    (void)step;
    return integrity->broken;
}

int main(int argc, char **argv)
{
    struct sequence *shared = sequence_make();
    struct manner const plain = { .begin = begin, .judge = judge };
    bool one = argc > 2 && strcmp(argv[1], "--sequence") == 0;
    unsigned long calls = one || argc < 2 ? STEPS : strtoul(argv[1], NULL, 10);
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : (uint64_t)time(NULL) * 1000;
    integrity = integrity_make();
    play_make();
    printf("# %lu calls, in sequences of %d from number %lu on\n", calls, STEPS, seed);
    for (unsigned long done = 0; done < calls; done += STEPS, seed++) {
        if (!sequence_play(shared, seed, plain, one)) {
            sequence_report(shared, seed, plain);
            return EXIT_FAILURE;
        }
    }
    printf("# %lu entries into the kernel judged; %lu batches could not be, whose requests had to do with one another\n",
           integrity->judged, integrity->unclear);
    if (shared->cut_short != 0) {
        printf("# %u sequences were cut short\n", shared->cut_short);
    }
    printf("ok 1 - kernel and specification agree\n1..1\n");
    return EXIT_SUCCESS;
}

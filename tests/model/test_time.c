/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls as in test_model.c, in a world where time runs out: programs and init set budgets and
 * periods, the clock goes on more often. After every call the two are compared: what each time has left, has used,
 * and when what was used comes back; who waits for that, whose handler is told, and what the timer is set to.
 *
 *   test_time CALLS [SEED]
 *   test_time --sequence SEED
 */
#include "sequence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

static void begin(void)
{
    world_check_every = 1;
    play_with_budgets();
}

int main(int argc, char **argv)
{
    struct sequence *shared = sequence_make();
    struct manner const manner = { .begin = begin };
    bool one = argc > 2 && strcmp(argv[1], "--sequence") == 0;
    unsigned long calls = one || argc < 2 ? STEPS : strtoul(argv[1], NULL, 10);
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : (uint64_t)time(NULL) * 1000;
    play_make();
    printf("# %lu calls on budgets, in sequences of %d from number %lu on\n", calls, STEPS, seed);
    for (unsigned long done = 0; done < calls; done += STEPS, seed++) {
        if (!sequence_play(shared, seed, manner, one)) {
            sequence_report(shared, seed, manner);
            return EXIT_FAILURE;
        }
    }
    if (shared->cut_short != 0) {
        printf("# %u sequences were cut short\n", shared->cut_short);
    }
    printf("ok 1 - kernel and specification agree about time\n1..1\n");
    return EXIT_SUCCESS;
}

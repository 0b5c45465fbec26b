/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls, in the kernel and in its specification (spec.h). After every call the whole
 * abstract state of both is compared, and the kernel's invariants are checked.
 *
 *   test_model CALLS [SEED]         so many calls, in sequences that start in the same small world
 *   test_model --sequence SEED      one sequence, printed call by call
 *
 * A sequence runs in a process of its own. One that fails is made as short as can be, and printed.
 */
#include "play.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"

#define STEPS 2000 /* in a sequence */

/* What a sequence leaves for the process that started it. */
static struct shared {
    unsigned count; /* steps done, or about to be */
    char difference[400];
    struct step step[STEPS];
} *shared;

static bool verbose;

static void run(unsigned number, struct step const *step)
{
    if (verbose) {
        play_print(number, step);
        fflush(stdout);
    }
    if (!play_step(step)) {
        snprintf(shared->difference, sizeof shared->difference, "%s", play_difference());
        _exit(EXIT_FAILURE);
    }
}

/* A new sequence, or the steps in `shared` that `wanted` says. */
static void play_new(uint64_t seed)
{
    play_seed(seed);
    for (unsigned i = 0; i < STEPS; i++) {
        play_choose(&shared->step[i]);
        shared->count = i + 1;
        run(i, &shared->step[i]);
    }
}

static void play_again(unsigned count, bool const *wanted)
{
    for (unsigned i = 0; i < count; i++) {
        if (wanted[i]) {
            run(i, &shared->step[i]);
        }
    }
}

#define SECONDS 60

static void sleeps(int number)
{
    (void)number;
    _exit(MODEL_ASLEEP);
}

static pid_t start(unsigned seconds)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, sleeps);
        alarm(seconds);
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static bool fails_still(unsigned count, bool const *wanted, bool quiet)
{
    pid_t child = start(quiet ? 2 : SECONDS);
    if (child == 0) {
        if (quiet) {
            (void)!freopen("/dev/null", "w", stderr);
        } else {
            verbose = true;
        }
        play_again(count, wanted);
        _exit(EXIT_SUCCESS);
    }
    return end_of(child) == EXIT_FAILURE;
}

/* Leaves out as many steps as can be left out: first half of them at once, in the end one. */
static void shrink(unsigned count, bool *wanted)
{
    for (unsigned piece = count; piece > 0; piece /= 2) {
        for (unsigned start = 0; start < count; start += piece) {
            bool kept[STEPS];
            unsigned end = start + piece < count ? start + piece : count;
            memcpy(kept, wanted, sizeof kept);
            memset(&wanted[start], false, end - start);
            if (memcmp(kept, wanted, sizeof kept) != 0 && !fails_still(count, wanted, true)) {
                memcpy(wanted, kept, sizeof kept);
            }
        }
    }
}

static void report(uint64_t seed)
{
    static bool wanted[STEPS];
    unsigned count = shared->count;
    memset(wanted, true, sizeof wanted);
    printf("not ok 1 - sequence %lu, call %u: %s\n", seed, count - 1, shared->difference);
    if (!fails_still(count, wanted, true)) {
        printf("# it does not fail again\n");
        return;
    }
    shrink(count, wanted);
    printf("# the shortest sequence that fails:\n");
    shared->difference[0] = '\0';
    (void)fails_still(count, wanted, false);
    printf("# %s\n", shared->difference[0] != '\0' ? shared->difference : "it ends badly");
}

static bool run_sequence(uint64_t seed)
{
    shared->count = 0;
    shared->difference[0] = '\0';
    pid_t child = start(SECONDS);
    if (child == 0) {
        play_new(seed);
        _exit(EXIT_SUCCESS);
    }
    return end_of(child) == EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool one = argc > 2 && strcmp(argv[1], "--sequence") == 0;
    unsigned long calls = one || argc < 2 ? STEPS : strtoul(argv[1], NULL, 10);
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    verbose = one;
    play_make();
    printf("# %lu calls, in sequences of %d from number %lu on\n", calls, STEPS, seed);
    for (unsigned long done = 0; done < calls; done += STEPS, seed++) {
        if (!run_sequence(seed)) {
            report(seed);
            return EXIT_FAILURE;
        }
    }
    printf("ok 1 - kernel and specification agree\n1..1\n");
    return EXIT_SUCCESS;
}

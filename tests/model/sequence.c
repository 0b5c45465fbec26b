/* SPDX-License-Identifier: BSD-2-Clause */
#include "sequence.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"

static struct sequence *shared;
static struct manner manner;
static bool verbose;

static void run(unsigned number, struct step const *step)
{
    struct step changed = *step;
    if (manner.change != NULL) {
        manner.change(&changed);
    }
    if (verbose) {
        play_print(number, &changed);
        fflush(stdout);
    }
    bool same = play_step(&changed);
    if (play_spec.exceeded) {
        shared->cut_short++;
        _exit(EXIT_SUCCESS);
    }
    if (!same) {
        snprintf(shared->difference, sizeof shared->difference, "%s", play_difference());
        _exit(EXIT_FAILURE);
    }
    char const *judged = manner.judge != NULL ? manner.judge(&changed) : "";
    if (judged[0] != '\0') {
        snprintf(shared->difference, sizeof shared->difference, "%s", judged);
        _exit(EXIT_FAILURE);
    }
    if (manner.mark != NULL) {
        shared->mark[number] = manner.mark();
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
        if (manner.begin != NULL) {
            manner.begin();
        }
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* What differs, but for the numbers in it. */
static bool is_same_kind(char const *a, char const *b)
{
    static char const numbers[] = "0123456789abcdefx";
    while (*a != '\0' && *a == *b) {
        a += 1 + strspn(a + 1, numbers);
        b += 1 + strspn(b + 1, numbers);
    }
    return *a == *b;
}

static char looked_for[sizeof shared->difference];

static bool fails_still(unsigned count, bool const *wanted, bool quiet)
{
    shared->difference[0] = '\0';
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
    return end_of(child) == EXIT_FAILURE && is_same_kind(shared->difference, looked_for);
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

void sequence_report(struct sequence *sequence, uint64_t seed, struct manner how)
{
    shared = sequence;
    manner = how;
    verbose = false;
    static bool wanted[STEPS];
    unsigned count = shared->count;
    memset(wanted, true, sizeof wanted);
    printf("not ok 1 - sequence %lu, call %u: %s\n", seed, count - 1, shared->difference);
    memcpy(looked_for, shared->difference, sizeof looked_for);
    if (!fails_still(count, wanted, true)) {
        printf("# it does not fail again\n");
        return;
    }
    shrink(count, wanted);
    printf("# the shortest sequence that fails:\n");
    (void)fails_still(count, wanted, false);
    printf("# %s\n", shared->difference[0] != '\0' ? shared->difference : "it ends badly");
}

bool sequence_play(struct sequence *sequence, uint64_t seed, struct manner how, bool talk)
{
    shared = sequence;
    manner = how;
    verbose = talk;
    shared->count = 0;
    shared->difference[0] = '\0';
    pid_t child = start(SECONDS);
    if (child == 0) {
        play_new(seed);
        _exit(EXIT_SUCCESS);
    }
    return end_of(child) == EXIT_SUCCESS;
}

struct sequence *sequence_make(void)
{
    return mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two kernels that do the same calls side by side, and must come to the same end. Of the one every
 * call takes the slow path, of the other as many as can the fast one: after each call the two are in
 * the same state. And: in the one some programs hold other secrets than in the other, in registers
 * and memory that no call of theirs sends anywhere, and memory was filled with other rubbish before
 * boot; what the other programs see is the same.
 *
 *   test_twins CALLS [SEED]
 */
#include "sequence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "world.h"

/* Nobody looks into another thread's registers, and writes none: those that a call leaves as they were are kept
 * by the slow path only, and they may hold secrets. */
static bool looks_or_writes(unsigned label)
{
    return label == METHOD_THREAD_READ_REGISTERS || label == METHOD_THREAD_WRITE_REGISTERS ||
           label == METHOD_THREAD_READ_FLOATS;
}

static void leave_registers(struct step *step)
{
    for (unsigned i = 0; i < step->entries; i++) {
        if (looks_or_writes(step->entry[i][1] >> TAG_LABEL_SHIFT & 0xffff)) {
            step->entry[i][1] = 0;
        }
    }
    if (looks_or_writes(step->reg[7] >> TAG_LABEL_SHIFT & 0xffff)) {
        step->reg[7] = 0;
    }
}

/* ---- The fast path and the slow one ---- */

static void make_slow(struct step *step)
{
    step->slow = true;
    leave_registers(step);
}

static void make_fast(struct step *step)
{
    step->slow = false;
    leave_registers(step);
}

/* ---- Secrets: those of the programs with an odd number ---- */

static uint64_t secret;

static bool is_high(int thread)
{
    return thread > 0 && thread % 2 != 0;
}

/* The message words of these calls go nowhere. */
static bool sends_nothing(struct step const *step)
{
    switch (step->reg[0] & 31) {
    case SYS_SIGNAL:
    case SYS_POLL:
    case SYS_YIELD:
    case SYS_WAIT:
    case SYS_RECV:
    case SYS_NB_RECV:
        return true;
    default:
        return false;
    }
}

static void leave_rubbish(void)
{
    model_litter(&play_spec, 0xa5a5a5a5a5a5a5a5 ^ secret);
}

static void hide_secrets(struct step *step)
{
    step->preempt = 0;
    leave_registers(step);
    if (!is_high(play_spec.current) || step->kind != STEP_CALL) {
        return;
    }
    step->fpu = secret;
    if (sends_nothing(step)) {
        for (unsigned i = 2; i < 7; i++) {
            step->reg[i] ^= secret;
        }
    }
}

/* All that the other programs could see by now: their registers, their buffers, what any slot
 * holds. */
static uint64_t seen_by_low(void)
{
    return model_hash(&play_spec, is_high) << 1;
}

/* ---- Both ---- */

static uint64_t everything(void)
{
    return model_hash(&play_spec, NULL) << 1 | (play_spec.choices != 0);
}

/* So often the twins went different ways where both are right: a reply may go straight to the
 * caller or put it behind its equals, and which depends on whose time runs. */
static unsigned parted;

static struct sequence *one, *other;

static bool play_twice(uint64_t seed, struct manner manner, struct manner other_manner)
{
    secret = 0;
    if (!sequence_play(one, seed, manner, false)) {
        sequence_report(one, seed, manner);
        return false;
    }
    secret = 0x5ec5e75ec5e75ec5;
    if (!sequence_play(other, seed, other_manner, false)) {
        sequence_report(other, seed, other_manner);
        return false;
    }
    for (unsigned i = 0; i < STEPS; i++) {
        if (one->mark[i] != other->mark[i] && one->mark[i] & other->mark[i] & 1) {
            parted++;
            return true;
        }
        if (one->mark[i] != other->mark[i]) {
            printf("not ok - sequence %lu: the twins differ after call %u\n", seed, i);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 10 * STEPS;
    uint64_t first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    one = sequence_make();
    other = sequence_make();
    play_make();
    printf("# twice two times %lu calls, in sequences of %d from number %lu on\n", calls, STEPS, first);
    for (uint64_t seed = first; seed < first + calls / STEPS; seed++) {
        struct manner slow = { .change = make_slow, .mark = everything };
        struct manner fast = { .change = make_fast, .mark = everything };
        if (!play_twice(seed, slow, fast)) {
            return EXIT_FAILURE;
        }
    }
    printf("ok 1 - the fast path and the slow one come to the same\n# they parted %u times\n", parted);
    for (uint64_t seed = first; seed < first + calls / STEPS; seed++) {
        struct manner hidden = { leave_rubbish, hide_secrets, seen_by_low, NULL };
        if (!play_twice(seed, hidden, hidden)) {
            return EXIT_FAILURE;
        }
    }
    printf("ok 2 - nobody learns what nobody tells\n1..2\n");
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's entries under libFuzzer: the input chooses what five programs do, as chance does in
 * tests/model. After every call kernel and specification are compared and, every fourth, all
 * invariants checked; at the end everything is revoked.
 *
 * Under AFL++ the same file does: afl-clang-fast -fsanitize=fuzzer in place of clang.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_STEPS 300

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    static bool made;
    if (!made) {
        play_make();
        made = true;
    }
    play_from(data, size);
    for (unsigned i = 0; i < MOST_STEPS && play_has_choices() && !play_spec.exceeded; i++) {
        struct step step;
        play_choose(&step);
        if (getenv("FUZZ_VERBOSE") != NULL) {
            play_print(i, &step);
        }
        if (!play_step(&step)) {
            fprintf(stderr, "call %u: %s\n", i, play_difference());
            abort();
        }
    }
    play_make_again();
    return 0;
}

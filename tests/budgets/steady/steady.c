/* SPDX-License-Identifier: BSD-2-Clause */
/* A program with as much work in every period, for some time from when it is told to begin. */
#include "work.h"

#include <steady_caps.h>
#include <tessera/start.h>

#define TRIES 20
#define TURNS 10000ul

static __attribute__((noinline)) void turn(uint64_t turns)
{
    for (uint64_t i = 0; i < turns; i++) {
        __asm__ volatile("");
    }
}

/* What TURNS take if nobody interrupts. */
static uint64_t time_of_turns(void)
{
    uint64_t least = ~0ul;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t start = sys_clock_ns();
        turn(TURNS);
        uint64_t took = sys_clock_ns() - start;
        least = took < least ? took : least;
    }
    return least;
}

int main(uint64_t argument)
{
    (void)argument;
    uint64_t which = 0, bits, ns = time_of_turns();
    for (;;) {
        sys_ignore(sys_wait(STEADY_CAP_BEGIN, 0, &which, NULL));
        uint64_t work = which == SHORT ? SHORT_WORK : LONG_WORK;
        uint64_t period = which == SHORT ? SHORT_PERIOD : LONG_PERIOD;
        uint64_t release = sys_clock_ns(), end = release + PLAYS_NS;
        while (release < end) {
            turn(work * TURNS / ns);
            release += period;
            sys_ignore(sys_wait(STEADY_CAP_BEGIN, release, &bits, NULL));
        }
    }
}

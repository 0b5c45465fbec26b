/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nanoseconds and clock ticks: neither overflows, and a time never comes early.
 *
 * Prove: clock_to_ticks clock_to_ns
 * Plant: base/clock.h: (ns % NS_PER_SECOND * clock_hz + NS_PER_SECOND - 1) / -> ns % NS_PER_SECOND * clock_hz /
 * Plant: base/clock.h: ticks % clock_hz * NS_PER_SECOND / clock_hz -> ticks % clock_hz * NS_PER_SECOND
 */
#include "wp.h"

extern word clock_hz;

/* For 584 years of nanoseconds, and as many ticks as fit into a word. */
/*@ requires 1 <= clock_hz <= 0x400000000;
    requires ns / 1000000000 * clock_hz <= 0x7fffffffffffffff;
    assigns \result \from ns, clock_hz;
    ensures not_before: \result * 1000000000 >= ns * clock_hz;
    ensures at_once: \result * 1000000000 < ns * clock_hz + 1000000000;
*/
static inline word clock_to_ticks(word ns);

/*@ requires 1 <= clock_hz <= 0x400000000;
    requires ticks / clock_hz <= 9000000000;
    assigns \result \from ticks, clock_hz;
    ensures \result * clock_hz <= ticks * 1000000000 < (\result + 1) * clock_hz;
*/
static inline word clock_to_ns(word ticks);

#include "base/clock.h"

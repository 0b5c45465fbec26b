/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs count time in nanoseconds, the clock register in ticks. */
#pragma once

#include "base/types.h"

#define NS_PER_SECOND 1000000000ul

/* Ticks in a second, 1 to 2^34; set once at boot. */
extern word clock_hz;

/* Rounded up: nothing happens before its time. */
ALWAYS_INLINE word clock_to_ticks(word ns)
{
    return ns / NS_PER_SECOND * clock_hz +
           (ns % NS_PER_SECOND * clock_hz + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

ALWAYS_INLINE word clock_to_ns(word ticks)
{
    return ticks / clock_hz * NS_PER_SECOND + ticks % clock_hz * NS_PER_SECOND / clock_hz;
}

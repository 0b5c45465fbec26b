/* SPDX-License-Identifier: BSD-2-Clause */
/* The last things that the kernel did, in debug builds: a panic and the debugger show them. */
#pragma once

#include "base/types.h"

struct trace_entry {
    word event; /* enum trace_event, 0: none yet */
    word value[3];
};

#define TRACE_ENTRIES 64
extern struct trace_entry trace_ring[TRACE_ENTRIES];
extern word trace_next;

ALWAYS_INLINE void trace(enum trace_event event, word a, word b, word c)
{
    if (CONFIG_DEBUG) {
        trace_ring[trace_next++ % TRACE_ENTRIES] = (struct trace_entry){ event, { a, b, c } };
    }
}

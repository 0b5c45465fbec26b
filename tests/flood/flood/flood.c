/* SPDX-License-Identifier: BSD-2-Clause */
/* Once it is told to begin it writes to the console whenever it can, for some time, and never waits for the end. */
#include "flood.h"

#include <flood_caps.h>
#include <idl/console_client.h>
#include <tessera/start.h>

#define PATIENCE_NS 2000ul

static struct console const console = { FLOOD_CAP_CONSOLE };

int main(uint64_t argument)
{
    (void)argument;
    static char const text[FLOOD_TEXT] = { [0 ... FLOOD_TEXT - 1] = FLOOD_MARK };
    for (;;) {
        uint64_t bits;
        sys_ignore(sys_wait(FLOOD_CAP_BEGIN, 0, &bits, NULL));
        for (uint64_t end = sys_clock_ns() + FLOOD_NS; sys_clock_ns() < end;) {
            sys_ignore(console_write_until(console, sys_clock_ns() + PATIENCE_NS, text, sizeof text));
        }
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm PL011, DDI 0183G, section 3.3. */
#include "dev/pl011.h"

#include "base/types.h"

#define DATA      (0x000 / 4)
#define FLAGS     (0x018 / 4)
#define CONTROL   (0x030 / 4)
#define FLAG_FULL 0x20u
#define ON        0x101u /* the port, and sending */

static uint32_t volatile DEVICE *port;

void pl011_init(char *base)
{
    port = (uint32_t volatile DEVICE *)(void *)base;
    port[CONTROL] |= ON;
}

void pl011_put(char c)
{
    if (port == NULL) {
        return;
    }
    while (port[FLAGS] & FLAG_FULL) {
    }
    port[DATA] = (unsigned char)c;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are devices. */
#pragma once

#include <stdint.h>
#include <tessera/sys.h>

struct device {
    char const *name;
    uint16_t permissions;
    enum err (*read)(char *to, uint32_t length, uint32_t *done);
    enum err (*write)(char const *from, uint32_t length, uint32_t *done);
};

/* The platform's part: what is written to the console. */
void console_put(char const *text, uint32_t length);

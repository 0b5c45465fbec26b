/* SPDX-License-Identifier: BSD-2-Clause */
/* The little of <string.h> that the kernel and the compiler ask for. */
#pragma once

#include "base/types.h"

void *memset(void *to, int value, size_t count);
void *memcpy(void *restrict to, void const *restrict from, size_t count);

ALWAYS_INLINE bool text_equal(char const *a, char const *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and texts, as <string.h> has them; and text_is(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void *memset(void *to, int value, size_t count);
void *memcpy(void *restrict to, void const *restrict from, size_t count);
void *memmove(void *to, void const *from, size_t count);
int memcmp(void const *a, void const *b, size_t count);
size_t strlen(char const *text);
int strcmp(char const *a, char const *b);

/* Whether a text has just these characters, as a message brings them: with no end to them. */
static inline bool text_is(char const *text, char const *these, size_t length)
{
    return strlen(text) == length && memcmp(text, these, length) == 0;
}

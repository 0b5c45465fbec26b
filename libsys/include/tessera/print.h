/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted text, without a C library. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Understands %s %c %d %u %x %ld %lu %lx %p %%, a width, '-' for left-aligned and '0' for leading
 * zeros. Writes at most `size` bytes, the final zero included; returns the length that the whole
 * text has. */
int sys_vformat(char *to, size_t size, char const *format, va_list args);
int sys_format(char *to, size_t size, char const *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Where sys_print() writes: one call for each text, of at most 512 bytes. */
typedef void sys_output(char const *text, size_t length);
void sys_print_to(sys_output *to);
void sys_print(char const *format, ...) __attribute__((format(printf, 1, 2)));

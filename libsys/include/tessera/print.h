/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted text, without a C library. */
#pragma once

#include <stddef.h>

/* Where sys_print() writes: one call for each text, of at most 512 bytes. */
typedef void sys_output(char const *text, size_t length);
void sys_print_to(sys_output *output);
/* Understands %s %c %d %u %x %ld %lu %lx %p %%, a width, '-' for left-aligned and '0' for leading
 * zeros. */
void sys_print(char const *format, ...) __attribute__((format(printf, 1, 2)));

/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted output on the firmware's console, for boot messages and panics. */
#pragma once

#include <stdarg.h>

/* Understands %s %c %d %u %x %lu %ld %lx %p and a width with or without leading zeros. */
void kprint(char const *format, ...) __attribute__((format(printf, 1, 2)));
void kvprint(char const *format, va_list args);

/* SPDX-License-Identifier: BSD-2-Clause */
/* What cannot happen, and what is said when it does. */
#pragma once

#include "base/types.h"

/* Prints what is known and stops the machine. Never returns; on the host it ends the test. */
NORETURN void panic(char const *format, ...) __attribute__((format(printf, 1, 2)));

/* A statement about the kernel itself, never about what a program asked for. Costs nothing in a
 * release build. */
#ifdef __clang_analyzer__ /* takes our word for it */
#define kassert(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define kassert(condition)                                                                         \
    do {                                                                                           \
        if (CONFIG_DEBUG && unlikely(!(condition))) {                                              \
            panic("%s:%d: not true: %s", __FILE__, __LINE__, #condition);                          \
        }                                                                                          \
    } while (0)
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of libcheck, which notes every assertion in a file: here the world is played millions of
 * times, and an assertion that fails ends the process. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

typedef struct Suite Suite;
enum fork_status { CK_FORK, CK_NOFORK };

#define ck_assert(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define ck_assert_msg(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define ck_assert_ptr_eq(a, b)        ck_assert((a) == (b))
#define ck_assert_ptr_ne(a, b)        ck_assert((a) != (b))
#define ck_assert_int_eq(a, b)        ck_assert((a) == (b))
#define ck_assert_uint_ne(a, b)       ck_assert((a) != (b))
#define ck_assert_uint_lt(a, b)       ck_assert((a) < (b))

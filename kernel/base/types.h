/* SPDX-License-Identifier: BSD-2-Clause */
/* The vocabulary of the kernel: words, addresses, and marks for the compiler. */
#pragma once

#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tessera/abi.h>

typedef unsigned long word; /* what a register holds: 64 bits on every processor here */
_Static_assert(sizeof(word) == 8, "Tessera runs on 64-bit processors");

/* An address in physical memory: not a pointer until arch_window() makes it one. */
typedef struct {
    word raw;
} paddr_t;

/* The address of a capability, as a program writes it: slot index << 5, low bits ignored. An
 * allegation until cspace_lookup() has resolved it. */
typedef struct {
    word raw;
} cptr_t;

#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NODISCARD     __attribute__((warn_unused_result))
#define NORETURN      __attribute__((noreturn))
#define ALIGNED(n)    __attribute__((aligned(n)))
#define UNUSED        __attribute__((unused))

/* Pointers that are not to the kernel's own memory; sparse takes them for different types. What is
 * behind USER, programs may change at any time: it is read and written by these functions only. */
#ifdef __CHECKER__
#define USER   __attribute__((noderef, address_space(1)))
#define DEVICE __attribute__((address_space(2)))
#define FORCE  __attribute__((force))
#else
#define USER
#define DEVICE
#define FORCE
#endif

ALWAYS_INLINE word user_read(word const USER *from)
{
    return *(word const volatile FORCE *)from;
}

ALWAYS_INLINE void user_write(word USER *to, word value)
{
    *(word volatile FORCE *)to = value;
}

/* The structure that `field` is part of. */
#define container_of(pointer, type, field)                                                         \
    ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

#define array_length(a) (sizeof(a) / sizeof((a)[0]))

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where objects are born, and how their capabilities are counted. */
#pragma once

#include "object/cap.h"
#include "object/vspace.h"

struct cpu;

/* The bytes that an object takes, always a power of two and its alignment; 0 if there is no such
 * object, or `bits` (size or radix, where the type has one) is out of range. */
word object_bytes(enum object_type type, unsigned bits);

/* Makes an object of zeroed memory and writes the capability to it: all rights. */
struct cap object_make(enum object_type type, unsigned bits, void *memory, struct cpu *home);

/* The argument that a copy gets: a mapping belongs to one capability, not to its copies. */
ALWAYS_INLINE word cap_copied_arg(struct cap cap)
{
    return cap_type(cap.head) == OBJECT_FRAME ? frame_unmapped_arg(cap.arg) : cap.arg;
}

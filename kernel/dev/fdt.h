/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a flattened device tree (Devicetree Specification 0.4, chapter 5) once, from front to
 * back. Nothing in it is believed: every length is checked against the blob's. */
#pragma once

#include "base/types.h"

struct fdt_node {
    char const *name;       /* with its unit address */
    char const *compatible; /* the first of the list; "" if it has none */
    unsigned compatible_length; /* of the whole list, its zero bytes included */
    char const *device_type;
    char const *isa;        /* riscv,isa */
    char const *method;     /* of arm,psci: how to call it */
    char const *bootargs;   /* of /chosen: the command line */
    uint64_t address;       /* first entry of `reg`; valid if has_reg */
    uint64_t size;
    bool has_reg;
    uint64_t second_address; /* second entry of `reg`, 0 if there is none */
    uint32_t irq;           /* first cell of `interrupts`, 0 if none */
    uint8_t const *interrupts; /* all of its cells, and their length in bytes */
    unsigned interrupts_length;
    uint32_t lines;         /* riscv,ndev */
    uint32_t timebase;      /* timebase-frequency */
    uint32_t numa_node;     /* numa-node-id, 0 if there is none */
    uint8_t const *contexts; /* interrupts-extended: pairs of cells */
    unsigned context_length; /* in bytes */
};

typedef void fdt_visit(struct fdt_node const *node, void *context);

/* Calls `visit` for each node, parents before children. False if the blob is malformed; `visit`
 * may have been called then. `size` is how much memory may be read at `blob`. */
NODISCARD bool fdt_walk(void const *blob, word size, fdt_visit *visit, void *context);

/* Whether `what` is one of the node's compatible names. */
bool fdt_is_compatible(struct fdt_node const *node, char const *what);

/* A cell, as it stands in the blob: big-endian. */
ALWAYS_INLINE uint32_t fdt_cell(uint8_t const *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

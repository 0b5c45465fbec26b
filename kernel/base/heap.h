/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leftist heap of nodes that are part of something else: the earliest of many times. Adding,
 * and removing any node, take a logarithmic number of steps; no memory is needed.
 * (C. A. Crane, Linear lists and priority queues as balanced binary trees, 1972.)
 */
#pragma once

#include "base/types.h"

struct heap_node {
    word key;
    struct heap_node *left; /* has the greater rank of the two */
    struct heap_node *right;
    struct heap_node *up;
    uint32_t rank; /* steps down the right side until there is no node, counting this one */
};

struct heap {
    struct heap_node *first; /* has the smallest key */
};

void heap_insert(struct heap *heap, struct heap_node *node, word key);
void heap_remove(struct heap *heap, struct heap_node *node);
/* Panics where the order, the ranks or the links are wrong; returns the number of nodes. */
unsigned heap_check(struct heap const *heap);

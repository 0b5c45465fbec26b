/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heap.h"

#include "base/panic.h"

ALWAYS_INLINE uint32_t rank_of(struct heap_node const *node)
{
    return node == NULL ? 0 : node->rank;
}

/* Puts ranks and sides in order from `node` upwards, as far as they change. */
static void fix_upwards(struct heap_node *node)
{
    for (; node != NULL; node = node->up) {
        if (rank_of(node->left) < rank_of(node->right)) {
            struct heap_node *side = node->left;
            node->left = node->right;
            node->right = side;
        }
        uint32_t rank = rank_of(node->right) + 1;
        if (rank == node->rank) {
            break;
        }
        node->rank = rank;
    }
}

/* One heap of two, which hangs below `up`. Both right sides are walked down together. */
static struct heap_node *merge(struct heap_node *a, struct heap_node *b, struct heap_node *up)
{
    struct heap_node *top = NULL;
    struct heap_node **place = &top;
    struct heap_node *last = up;
    while (a != NULL && b != NULL) {
        if (b->key < a->key) {
            struct heap_node *swap = a;
            a = b;
            b = swap;
        }
        *place = a;
        a->up = last;
        last = a;
        place = &a->right;
        a = a->right;
    }
    struct heap_node *rest = a != NULL ? a : b;
    *place = rest;
    if (rest != NULL) {
        rest->up = last;
    }
    /* The ranks on the merged right side, from the bottom. */
    for (struct heap_node *node = last; node != up;) {
        struct heap_node *above = node->up;
        if (rank_of(node->left) < rank_of(node->right)) {
            struct heap_node *side = node->left;
            node->left = node->right;
            node->right = side;
        }
        node->rank = rank_of(node->right) + 1;
        node = above;
    }
    return top;
}

void heap_insert(struct heap *heap, struct heap_node *node, word key)
{
    *node = (struct heap_node){ .key = key, .rank = 1 };
    heap->first = merge(heap->first, node, NULL);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *up = node->up;
    struct heap_node *rest = merge(node->left, node->right, up);
    if (up == NULL) {
        heap->first = rest;
    } else {
        if (up->left == node) {
            up->left = rest;
        } else {
            up->right = rest;
        }
        fix_upwards(up);
    }
    node->left = node->right = node->up = NULL;
}

unsigned heap_check(struct heap const *heap)
{
    unsigned count = 0;
    struct heap_node const *node = heap->first;
    struct heap_node const *from = NULL; /* where the walk came from */
    while (node != NULL) {
        struct heap_node const *next;
        if (from == node->up) { /* from above: the first visit */
            count++;
            bool sound = rank_of(node->left) >= rank_of(node->right) &&
                         node->rank == rank_of(node->right) + 1 &&
                         (node->up == NULL || node->up->key <= node->key);
            if (!sound) {
                panic("heap node %p is out of order", (void const *)node);
            }
            next = node->left != NULL ? node->left : node->right != NULL ? node->right : node->up;
        } else if (from == node->left && node->right != NULL) {
            next = node->right;
        } else {
            next = node->up;
        }
        from = node;
        node = next;
    }
    return count;
}

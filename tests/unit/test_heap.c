/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>

#define NODES 500

/* Random insertions and removals: the first is always one of the smallest, and the order holds. */
START_TEST(keeps_the_smallest_first)
{
    static struct heap_node node[NODES];
    bool inside[NODES] = { false };
    struct heap heap = { NULL };
    unsigned count = 0;
    srand(_i + 1);
    for (unsigned step = 0; step < 5000; step++) {
        unsigned n = (unsigned)rand() % NODES;
        if (inside[n]) {
            heap_remove(&heap, &node[n]);
            count--;
        } else {
            heap_insert(&heap, &node[n], (word)rand() % 64);
            count++;
        }
        inside[n] = !inside[n];
        if (step % 16 == 0) {
            ck_assert_uint_eq(heap_check(&heap), count);
        }
        for (unsigned i = 0; i < NODES; i += 37) {
            ck_assert(!inside[i] || heap.first->key <= node[i].key);
        }
    }
}
END_TEST

START_TEST(gives_back_in_order)
{
    static struct heap_node node[NODES];
    struct heap heap = { NULL };
    for (unsigned i = 0; i < NODES; i++) {
        heap_insert(&heap, &node[i], i * 7919 % 1000);
    }
    word last = 0;
    for (unsigned i = 0; i < NODES; i++) {
        struct heap_node *first = heap.first;
        ck_assert_uint_ge(first->key, last);
        last = first->key;
        heap_remove(&heap, first);
    }
    ck_assert_ptr_null(heap.first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap");
    TCase *tcase = tcase_create("heap");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, keeps_the_smallest_first, 0, 4);
    tcase_add_test(tcase, gives_back_in_order);
    return world_run(suite);
}

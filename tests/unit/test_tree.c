/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 40

static struct slot slot[SLOTS];
/* The model: whose child each slot is, the root's being -1; and the order in which they came. */
static int parent[SLOTS];
static bool inside[SLOTS];

static bool is_below(int node, int top)
{
    for (; node != -1; node = parent[node]) {
        if (node == top) {
            return true;
        }
    }
    return false;
}

/* The set of slots that a walk below `top` meets is just that of the model. */
static void same_below(int top)
{
    bool met[SLOTS] = { false };
    struct slot *root = top == -1 ? &families[0].root : &slot[top];
    for (struct slot *s = root; (s = tree_next(root, s)) != NULL;) {
        ck_assert(!met[s - slot]);
        met[s - slot] = true;
    }
    for (int i = 0; i < SLOTS; i++) {
        bool expected = inside[i] && i != top && (top == -1 || is_below(i, top));
        ck_assert_int_eq(met[i], expected);
    }
}

START_TEST(descendants_are_the_models)
{
    memset(slot, 0, sizeof slot);
    memset(inside, 0, sizeof inside);
    family_init(&families[0], 0);
    lock_acquire(&families[0].lock);
    srand(_i + 1);
    for (unsigned step = 0; step < 2000; step++) {
        int n = rand() % SLOTS;
        int other = rand() % SLOTS;
        if (!inside[n]) {
            int p = inside[other] && rand() % 4 != 0 ? other : -1;
            tree_insert(p == -1 ? &families[0].root : &slot[p], &slot[n]);
            parent[n] = p;
            inside[n] = true;
        } else if (rand() % 3 == 0 && !inside[other]) {
            tree_replace(&slot[n], &slot[other]);
            inside[other] = true;
            inside[n] = false;
            parent[other] = parent[n];
            for (int i = 0; i < SLOTS; i++) {
                parent[i] = inside[i] && parent[i] == n ? other : parent[i];
            }
        } else {
            tree_remove(&slot[n]);
            inside[n] = false;
            for (int i = 0; i < SLOTS; i++) {
                parent[i] = inside[i] && parent[i] == n ? parent[n] : parent[i];
            }
        }
        same_below(-1);
        int top = rand() % SLOTS;
        if (inside[top]) {
            same_below(top);
        }
    }
}
END_TEST

/* The history that a list with depths gets wrong: a stranger below the neighbour. */
START_TEST(a_removal_makes_nobody_a_strangers_child)
{
    memset(slot, 0, sizeof slot);
    memset(inside, 0, sizeof inside);
    family_init(&families[0], 0);
    lock_acquire(&families[0].lock);
    tree_insert(&families[0].root, &slot[0]);
    tree_insert(&slot[0], &slot[1]);
    tree_insert(&slot[0], &slot[2]);
    tree_insert(&slot[1], &slot[5]);
    tree_remove(&slot[1]);
    ck_assert_ptr_null(tree_next(&slot[2], &slot[2]));
    ck_assert_uint_eq(slot[5].child, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *tcase = tcase_create("tree");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, descendants_are_the_models, 0, 4);
    tcase_add_test(tcase, a_removal_makes_nobody_a_strangers_child);
    return world_run(suite);
}

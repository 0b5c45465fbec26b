/* SPDX-License-Identifier: BSD-2-Clause */
#include "pages.h"

#include "account.h"
#include "memory.h"

#define CHILDREN    (1u << NODE_BITS)
#define MOST_HEIGHT 6u

extern struct pool node_pool;

/* Pages that a tree of this height can have. */
static uint64_t room(unsigned height)
{
    return 1ul << (NODE_BITS * height);
}

static unsigned child_number(uint64_t index, unsigned height)
{
    return (unsigned)(index >> (NODE_BITS * (height - 1))) % CHILDREN;
}

char *pages_find(struct inode const *file, uint64_t index)
{
    unsigned height = file->pages.height;
    if (index >= room(height)) {
        return NULL;
    }
    void *at = file->pages.root;
    for (; height > 0 && at != NULL; height--) {
        at = ((struct node *)at)->child[child_number(index, height)];
    }
    return at;
}

/* Makes the tree high enough. */
static bool grow(struct inode *file, uint64_t index)
{
    while (index >= room(file->pages.height)) {
        if (file->pages.root != NULL) {
            struct node *node = pool_take(&node_pool);
            if (node == NULL) {
                return false;
            }
            node->child[0] = file->pages.root;
            file->pages.root = node;
        }
        file->pages.height++;
    }
    return true;
}

static char *new_page(struct inode *file, bool whole)
{
    if (!account_add(file->user, ACCOUNT_OF_PAGES)) {
        return NULL;
    }
    char *page = page_take(!whole);
    if (page == NULL) {
        account_take(file->user, ACCOUNT_OF_PAGES);
        return NULL;
    }
    file->pages.count++;
    atomic_fetch_add_explicit(&file->mount->pages, 1, memory_order_relaxed);
    return page;
}

char *pages_make(struct inode *file, uint64_t index, bool whole)
{
    if (!grow(file, index)) {
        return NULL;
    }
    void **place = &file->pages.root;
    for (unsigned height = file->pages.height; height > 0; height--) {
        if (*place == NULL && (*place = pool_take(&node_pool)) == NULL) {
            return NULL;
        }
        place = &((struct node *)*place)->child[child_number(index, height)];
    }
    return *place != NULL ? *place : (*place = new_page(file, whole));
}

static void free_page(struct inode *file, void **place)
{
    if (*place != NULL) {
        page_give(*place);
        *place = NULL;
        file->pages.count--;
        account_take(file->user, ACCOUNT_OF_PAGES);
        atomic_fetch_sub_explicit(&file->mount->pages, 1, memory_order_relaxed);
    }
}

void pages_cut(struct inode *file, uint64_t first)
{
    struct {
        void **place; /* of the node */
        unsigned next;
        uint64_t start; /* its first page */
    } way[MOST_HEIGHT + 1];
    unsigned height = file->pages.height, depth = 0;
    if (height == 0) {
        if (first == 0) {
            free_page(file, &file->pages.root);
        }
        return;
    }
    way[0].place = &file->pages.root;
    way[0].next = 0;
    way[0].start = 0;
    if (file->pages.root == NULL) {
        file->pages.height = 0;
        return;
    }
    /* Depth first; a node goes once its children have, if its first page does. */
    for (;;) {
        unsigned h = height - depth;
        struct node *node = *way[depth].place;
        if (way[depth].next == CHILDREN) {
            if (way[depth].start >= first) {
                pool_give(&node_pool, node);
                *way[depth].place = NULL;
            }
            if (depth == 0) {
                break;
            }
            depth--;
            continue;
        }
        unsigned n = way[depth].next++;
        uint64_t start = way[depth].start + n * room(h - 1);
        if (node->child[n] == NULL || start + room(h - 1) <= first) {
            continue;
        }
        if (h == 1) {
            free_page(file, &node->child[n]);
        } else {
            depth++;
            way[depth].place = &node->child[n];
            way[depth].next = 0;
            way[depth].start = start;
        }
    }
    if (file->pages.root == NULL) {
        file->pages.height = 0;
    }
}

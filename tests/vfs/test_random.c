/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on the tree, against a model of it: a list of names, each in a directory. Every
 * answer is compared, errors too, and now and then all that there is.
 */
#include "host.h"

#include <stdio.h>

#define NODES 400
#define STEPS 40000

struct thing {
    enum vfs_kind kind; /* VFS_KIND_NONE: free */
    unsigned names;
    unsigned content;
};
struct entry_of_model {
    int dir, node; /* dir -1: free */
    char name;
};

static struct thing nodes[NODES];
static struct entry_of_model entries[NODES];
static struct view view;

static struct entry_of_model *entry_in(int dir, char name)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (entries[i].dir == dir && entries[i].name == name) {
            return &entries[i];
        }
    }
    return NULL;
}

static int parent_of(int dir)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (entries[i].dir >= 0 && entries[i].node == dir) {
            return entries[i].dir;
        }
    }
    return 0; /* the root */
}

static bool is_empty(int dir)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (entries[i].dir == dir) {
            return false;
        }
    }
    return true;
}

static void add(int dir, char name, int node)
{
    struct entry_of_model *e = entry_in(-1, '\0');
    *e = (struct entry_of_model){ dir, node, name };
    nodes[node].names++;
}

static void forget(struct entry_of_model *e)
{
    if (--nodes[e->node].names == 0) {
        nodes[e->node].kind = VFS_KIND_NONE;
    }
    *e = (struct entry_of_model){ -1, 0, '\0' };
}

static int new_node(enum vfs_kind kind)
{
    int i = 1;
    while (nodes[i].kind != VFS_KIND_NONE) {
        i++;
    }
    nodes[i] = (struct thing){ .kind = kind };
    return i;
}

/* A path's directory and last name: an error, or OK. Every path here ends with a name. */
static enum err resolve(char const *path, int *dir, char *name)
{
    *dir = 0;
    for (;;) {
        if (nodes[*dir].kind != VFS_KIND_DIRECTORY) {
            return VFS_ERR_NOT_DIRECTORY;
        }
        path++; /* the slash */
        if (path[0] == '.') {
            *dir = parent_of(*dir);
            path += 2;
            continue;
        }
        *name = path[0];
        if (path[1] == '\0') {
            return OK;
        }
        struct entry_of_model *e = entry_in(*dir, *name);
        if (e == NULL) {
            return VFS_ERR_NOT_FOUND;
        }
        *dir = e->node;
        path++;
    }
}

static enum err model_make(char const *path, enum vfs_kind kind, unsigned content)
{
    int dir;
    char name;
    enum err err = resolve(path, &dir, &name);
    if (err != OK) {
        return err;
    }
    if (entry_in(dir, name) != NULL) {
        return VFS_ERR_EXISTS;
    }
    int node = new_node(kind);
    nodes[node].content = content;
    add(dir, name, node);
    return OK;
}

static enum err model_remove(char const *path, bool directory)
{
    int dir;
    char name;
    enum err err = resolve(path, &dir, &name);
    if (err != OK) {
        return err;
    }
    struct entry_of_model *e = entry_in(dir, name);
    if (e == NULL) {
        return VFS_ERR_NOT_FOUND;
    }
    bool is_directory = nodes[e->node].kind == VFS_KIND_DIRECTORY;
    if (is_directory != directory) {
        return directory ? VFS_ERR_NOT_DIRECTORY : VFS_ERR_IS_DIRECTORY;
    }
    if (directory && !is_empty(e->node)) {
        return VFS_ERR_NOT_EMPTY;
    }
    forget(e);
    return OK;
}

static enum err model_link(char const *path, char const *new_path)
{
    int dir, new_dir;
    char name, new_name;
    enum err err = resolve(path, &dir, &name);
    if (err != OK) {
        return err;
    }
    struct entry_of_model *e = entry_in(dir, name);
    if (e == NULL) {
        return VFS_ERR_NOT_FOUND;
    }
    err = resolve(new_path, &new_dir, &new_name);
    if (err != OK) {
        return err;
    }
    if (nodes[e->node].kind == VFS_KIND_DIRECTORY) {
        return VFS_ERR_IS_DIRECTORY;
    }
    if (entry_in(new_dir, new_name) != NULL) {
        return VFS_ERR_EXISTS;
    }
    add(new_dir, new_name, e->node);
    return OK;
}

static bool below(int dir, int other)
{
    while (dir != other && dir != 0) {
        dir = parent_of(dir);
    }
    return dir == other;
}

static enum err model_rename(char const *path, char const *new_path)
{
    int dir, new_dir;
    char name, new_name;
    enum err err = resolve(path, &dir, &name);
    if (err == OK) {
        err = resolve(new_path, &new_dir, &new_name);
    }
    if (err != OK) {
        return err;
    }
    struct entry_of_model *e = entry_in(dir, name), *r = entry_in(new_dir, new_name);
    if (e == NULL) {
        return VFS_ERR_NOT_FOUND;
    }
    bool directory = nodes[e->node].kind == VFS_KIND_DIRECTORY;
    if (directory && below(new_dir, e->node)) {
        return ERR_BAD_ARGUMENT;
    }
    if (r != NULL && r->node == e->node) {
        return OK;
    }
    if (r != NULL) {
        bool other_directory = nodes[r->node].kind == VFS_KIND_DIRECTORY;
        if (directory != other_directory) {
            return directory ? VFS_ERR_NOT_DIRECTORY : VFS_ERR_IS_DIRECTORY;
        }
        if (directory && !is_empty(r->node)) {
            return VFS_ERR_NOT_EMPTY;
        }
        forget(r);
    }
    int node = e->node;
    add(new_dir, new_name, node);
    forget(e);
    return OK;
}

/* ---- The same with the server ---- */

static enum err make(char const *path, enum vfs_kind kind, unsigned content)
{
    struct making making = { .kind = kind, .permissions = 0755 };
    if (kind == VFS_KIND_DIRECTORY) {
        return tree_make(&view, P(path), &making);
    }
    struct inode *inode;
    uint32_t done;
    enum err err = tree_open(&view, P(path),
                             VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE | VFS_OPEN_MODE_EXCLUSIVE,
                             0644, &inode);
    if (err == OK) {
        struct open_file file = { inode, VFS_OPEN_MODE_WRITE };
        ck_assert_int_eq(file_write(&file, 0, (char *)&content, 4, 0, &done), OK);
        inode_put(inode);
    }
    return err;
}

static void check_file(struct inode *inode, struct thing const *node)
{
    struct open_file file = { inode, VFS_OPEN_MODE_READ };
    unsigned content = 0;
    uint32_t done;
    ck_assert_uint_eq(inode->kind, node->kind);
    if (node->kind == VFS_KIND_FILE) {
        ck_assert_uint_eq(inode->links, node->names);
        ck_assert_int_eq(file_read(&file, 0, (char *)&content, 4, 0, &done), OK);
        ck_assert_uint_eq(content, node->content);
    }
}

static unsigned check_list(struct inode *inode, int dir, char const *path)
{
    static char buffer[8192];
    struct open_file file = { inode, VFS_OPEN_MODE_READ };
    struct listing listing = { .to = buffer, .room = sizeof buffer };
    unsigned found = 0;
    ck_assert_int_eq(file_list(&file, 0, &listing), OK);
    for (uint32_t at = 0; at < listing.used; found++) {
        struct vfs_entry *entry = (void *)(buffer + at);
        ck_assert_uint_eq(entry->length, 1);
        struct entry_of_model *e = entry_in(dir, buffer[at + sizeof *entry]);
        ck_assert_msg(e != NULL, "%s has a %c too many", path, buffer[at + sizeof *entry]);
        at += (uint32_t)sizeof *entry + 8;
    }
    return found;
}

/* Everything below a directory, by its path: `depth` so deep. */
static void check_all(void)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (entries[i].dir < 0) {
            continue;
        }
        char path[200];
        size_t at = sizeof path - 1;
        path[at] = '\0';
        path[--at] = entries[i].name;
        path[--at] = '/';
        for (int dir = entries[i].dir; dir != 0; dir = parent_of(dir)) {
            for (unsigned n = 0; n < NODES; n++) {
                if (entries[n].dir >= 0 && entries[n].node == dir) {
                    path[--at] = entries[n].name;
                    path[--at] = '/';
                }
            }
        }
        struct inode *inode;
        ck_assert_int_eq(tree_find(&view, P(path + at), false, &inode), OK);
        check_file(inode, &nodes[entries[i].node]);
        if (inode->kind == VFS_KIND_DIRECTORY) {
            unsigned expected = 0;
            for (unsigned n = 0; n < NODES; n++) {
                expected += entries[n].dir == entries[i].node;
            }
            ck_assert_uint_eq(check_list(inode, entries[i].node, path + at), expected);
        }
        inode_put(inode);
    }
}

static void random_path(char *path)
{
    unsigned depth = (unsigned)rand() % 4;
    for (unsigned i = 0; i < depth; i++) {
        *path++ = '/';
        if (rand() % 8 == 0) {
            *path++ = '.';
            *path++ = '.';
        } else {
            *path++ = "abc"[rand() % 3];
        }
    }
    *path++ = '/';
    *path++ = "abcd"[rand() % 4];
    *path = '\0';
}

static void start_over(void)
{
    memset(nodes, 0, sizeof nodes);
    for (unsigned i = 0; i < NODES; i++) {
        entries[i] = (struct entry_of_model){ -1, 0, '\0' };
    }
    nodes[0] = (struct thing){ .kind = VFS_KIND_DIRECTORY, .names = 1 };
    host_begin(&view);
}

/* Directories get so deep that the paths here do not reach them. */
static bool is_full(void)
{
    unsigned used = 0;
    for (unsigned i = 0; i < NODES; i++) {
        used += entries[i].dir >= 0;
    }
    return used > NODES - 10;
}

START_TEST(does_as_the_model)
{
    unsigned succeeded[6] = { 0 };
    start_over();
    srand((unsigned)_i + 1);
    for (unsigned step = 0; step < STEPS; step++) {
        char path[32] = "", new_path[32] = "";
        random_path(path);
        random_path(new_path);
        enum err expected, found;
        unsigned what = (unsigned)rand() % 6;
        switch (what) {
        case 0:
            expected = model_make(path, VFS_KIND_DIRECTORY, 0);
            found = make(path, VFS_KIND_DIRECTORY, 0);
            break;
        case 1:
            expected = model_make(path, VFS_KIND_FILE, step);
            found = make(path, VFS_KIND_FILE, step);
            break;
        case 2:
            expected = model_remove(path, false);
            found = tree_remove(&view, P(path), false);
            break;
        case 3:
            expected = model_remove(path, true);
            found = tree_remove(&view, P(path), true);
            break;
        case 4:
            expected = model_link(path, new_path);
            found = tree_link(&view, P(path), P(new_path));
            break;
        default:
            expected = model_rename(path, new_path);
            found = tree_rename(&view, P(path), P(new_path));
            break;
        }
        ck_assert_msg(expected == found, "step %u: %u %s %s: %d, not %d", step, what, path,
                      new_path, found, expected);
        succeeded[what] += found == OK;
        if (step % 500 == 0) {
            check_all();
        }
        if (is_full()) {
            host_end(&view);
            start_over();
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_gt(succeeded[i], 50); /* the test does something */
    }
    host_end(&view);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs.random");
    TCase *tests = tcase_create("random");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, does_as_the_model, 0, 5);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_NOFORK);
}

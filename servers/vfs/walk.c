/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk.h"

#include "mount.h"
#include "paths.h"

#include <tessera/string.h>

static void skip_slashes(struct walk *w)
{
    while (w->at < w->end && *w->at == '/') {
        w->at++;
    }
}

static void go_to(struct walk *w, struct inode *dir)
{
    inode_put(w->dir);
    w->dir = dir;
}

void walk_begin(struct walk *w, struct view *view, char const *path, size_t length)
{
    w->view = view;
    w->at = w->path = path;
    w->end = path + length;
    w->depth = w->links = 0;
    w->link = NULL;
    w->to_directory = w->slash_behind = false;
    view->failed_at = view->failed_length = 0;
    w->dir = inode_ref(length > 0 && *path == '/' ? view->root : view->current);
    skip_slashes(w);
}

void walk_end(struct walk *w)
{
    inode_put(w->dir);
    if (w->link != NULL) {
        inode_put(w->link);
    }
    while (w->depth > 0) {
        struct inode *link = w->outer[--w->depth].link;
        if (link != NULL) {
            inode_put(link);
        }
    }
}

enum err walk_fail(struct walk *w, enum err err)
{
    if (w->link == NULL) { /* otherwise it is in no path that the client knows */
        w->view->failed_at = (uint32_t)(w->name.text - w->path);
        w->view->failed_length = w->name.length;
    }
    return err;
}

/* Takes the next component off; what is left begins with one, or is empty. */
static enum err next_name(struct walk *w)
{
    char const *start = w->at, *at = start, *end = w->end;
    uint32_t hash = NAME_HASH;
    for (; at < end && *at != '/'; at++) {
        if (*at == '\0') {
            break;
        }
        hash = name_hash_more(hash, *at);
    }
    w->name = (struct name){ start, (uint32_t)(at - start), name_hash_end(hash) };
    if (w->name.length > NAME_MOST || (at < end && *at == '\0')) {
        return walk_fail(w, VFS_ERR_BAD_NAME);
    }
    w->to_directory = w->slash_behind || at < end;
    w->at = at;
    skip_slashes(w);
    return OK;
}

/* Back into the path that led to a link, when that one's target is at its end. */
static void come_back(struct walk *w)
{
    while (w->at == w->end && w->depth > 0) {
        w->depth--;
        inode_put(w->link);
        w->at = w->outer[w->depth].at;
        w->end = w->outer[w->depth].end;
        w->link = w->outer[w->depth].link;
    }
}

static enum err check_directory(struct walk *w)
{
    if (w->dir->kind != VFS_KIND_DIRECTORY) {
        return walk_fail(w, VFS_ERR_NOT_DIRECTORY);
    }
    return inode_may(w->dir, &w->view->user, MAY_EXECUTE) ? OK : walk_fail(w, VFS_ERR_DENIED);
}

static enum err go_up(struct walk *w)
{
    if (w->dir == w->view->root) {
        return OK;
    }
    struct inode *dir = w->dir = mount_bottom(w->dir);
    lock_take(&dir->lock);
    struct inode *parent = inode_type(dir)->parent(dir);
    lock_give(&dir->lock);
    if (parent == NULL) {
        return walk_fail(w, VFS_ERR_NOT_FOUND);
    }
    go_to(w, mount_top(parent));
    return OK;
}

enum err walk_look(struct walk *w, struct inode **out)
{
    struct inode *dir = w->dir;
    *out = NULL;
    enum paths_answer answer = paths_find(dir, &w->name, out);
    if (answer == PATHS_UNKNOWN) {
        lock_take(&dir->lock);
        enum err err = inode_type(dir)->lookup(dir, &w->name, out);
        if (err == OK) {
            paths_set(dir, &w->name, *out);
        }
        lock_give(&dir->lock);
        if (err != OK) {
            return walk_fail(w, err);
        }
    }
    if (*out != NULL) {
        *out = mount_top(*out);
    }
    return OK;
}

enum err walk_follow(struct walk *w, struct inode *link)
{
    if (++w->links > MOST_LINKS) {
        inode_put(link);
        return walk_fail(w, VFS_ERR_TOO_MANY_LINKS);
    }
    if (w->at != w->end) { /* otherwise nobody has to come back */
        w->outer[w->depth].at = w->at;
        w->outer[w->depth].end = w->end;
        w->outer[w->depth].link = w->link;
        w->depth++;
    } else {
        w->slash_behind = w->to_directory;
        if (w->link != NULL) {
            inode_put(w->link);
        }
    }
    w->link = link;
    w->at = link->target;
    w->end = link->target + link->size;
    if (*w->at == '/') {
        go_to(w, inode_ref(w->view->root));
    }
    skip_slashes(w);
    return OK;
}

static bool is_dots(struct name const *name)
{
    return name->text[0] == '.' && (name->length == 1 || (name->length == 2 && name->text[1] == '.'));
}

enum err walk_to_last(struct walk *w)
{
    w->name = (struct name){ .text = w->at };
    for (;;) {
        come_back(w);
        if (w->at == w->end) {
            w->name.length = 0;
            return OK;
        }
        enum err err = next_name(w);
        if (err == OK) {
            err = check_directory(w);
        }
        if (err == OK && is_dots(&w->name)) {
            err = w->name.length == 2 ? go_up(w) : OK;
            if (err == OK) {
                continue;
            }
        }
        if (err != OK || (w->at == w->end && w->depth == 0)) {
            return err;
        }
        struct inode *child;
        err = walk_look(w, &child);
        if (err != OK) {
            return err;
        }
        if (child == NULL) {
            return walk_fail(w, VFS_ERR_NOT_FOUND);
        }
        if (child->kind == VFS_KIND_LINK) {
            err = walk_follow(w, child);
            if (err != OK) {
                return err;
            }
        } else {
            go_to(w, child);
        }
    }
}

enum err walk_all(struct walk *w, bool follow, struct inode **out)
{
    for (;;) {
        enum err err = walk_to_last(w);
        if (err != OK) {
            return err;
        }
        if (w->name.length == 0) {
            *out = inode_ref(w->dir);
            return OK;
        }
        struct inode *child;
        err = walk_look(w, &child);
        if (err != OK) {
            return err;
        }
        if (child == NULL) {
            return walk_fail(w, VFS_ERR_NOT_FOUND);
        }
        if (child->kind == VFS_KIND_LINK && (follow || w->to_directory)) {
            err = walk_follow(w, child);
            if (err != OK) {
                return err;
            }
            continue;
        }
        if (w->to_directory && child->kind != VFS_KIND_DIRECTORY) {
            inode_put(child);
            return walk_fail(w, VFS_ERR_NOT_DIRECTORY);
        }
        *out = child;
        return OK;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "tree.h"

#include "account.h"
#include "memory.h"
#include "mount.h"
#include "paths.h"

static bool is_read_only(struct view const *view, struct inode const *inode)
{
    return view->for_reading || inode->mount->read_only;
}

/* Whether entries of the directory that the walk stands in may come and go. */
static enum err may_change(struct walk *w)
{
    if (is_read_only(w->view, w->dir)) {
        return walk_fail(w, VFS_ERR_READ_ONLY);
    }
    bool may = inode_may(w->dir, &w->view->user, MAY_WRITE | MAY_EXECUTE);
    return may ? OK : walk_fail(w, VFS_ERR_DENIED);
}

/* What the name is in the directory itself, which is locked: with a reference, NULL if nothing. The
 * path cache is exact then. */
static enum err look_locked(struct walk const *w, struct inode **out)
{
    *out = NULL;
    return paths_find(w->dir, &w->name, out) == PATHS_UNKNOWN
               ? inode_type(w->dir)->lookup(w->dir, &w->name, out)
               : OK;
}

/* ---- Making ---- */

/* Makes an inode by the name that the walk has come to. */
static enum err make_here(struct walk *w, struct making const *making, struct inode **out)
{
    struct inode *dir = w->dir, *there;
    enum err err = may_change(w);
    if (err != OK) {
        return err;
    }
    lock_take(&dir->lock);
    err = look_locked(w, &there);
    if (err == OK && there != NULL) {
        inode_put(there);
        err = VFS_ERR_EXISTS;
    }
    if (err == OK) {
        err = inode_type(dir)->make(dir, &w->name, making, out);
    }
    if (err == OK) {
        paths_set(dir, &w->name, *out);
    }
    lock_give(&dir->lock);
    return err == OK ? OK : walk_fail(w, err);
}

enum err tree_make(struct view *view, struct path path, struct making const *making)
{
    struct walk w;
    walk_begin(&w, view, path.text, path.length);
    enum err err = walk_to_last(&w);
    if (err == OK && w.name.length == 0) {
        err = walk_fail(&w, VFS_ERR_EXISTS);
    } else if (err == OK && w.to_directory && making->kind != VFS_KIND_DIRECTORY) {
        err = walk_fail(&w, VFS_ERR_NOT_FOUND);
    } else if (err == OK) {
        struct inode *inode;
        err = make_here(&w, making, &inode);
        if (err == OK) {
            inode_put(inode);
        }
    }
    walk_end(&w);
    return err;
}

/* ---- Finding and opening ---- */

enum err tree_find(struct view *view, struct path path, bool follow, struct inode **out)
{
    struct walk w;
    walk_begin(&w, view, path.text, path.length);
    enum err err = walk_all(&w, follow, out);
    walk_end(&w);
    return err;
}

/* Whether what was found can be opened so. */
static enum err check_open(struct walk *w, struct inode const *inode, unsigned mode)
{
    bool is_directory = inode->kind == VFS_KIND_DIRECTORY;
    unsigned changes = mode & (VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_TRUNCATE);
    unsigned wanted = (mode & VFS_OPEN_MODE_READ ? MAY_READ : 0) | (changes ? MAY_WRITE : 0);
    enum err err =
        mode & VFS_OPEN_MODE_EXCLUSIVE                 ? VFS_ERR_EXISTS
        : inode->kind == VFS_KIND_LINK                 ? VFS_ERR_TOO_MANY_LINKS
        : is_directory && changes                      ? VFS_ERR_IS_DIRECTORY
        : !is_directory &&
                (w->to_directory || mode & VFS_OPEN_MODE_DIRECTORY) ? VFS_ERR_NOT_DIRECTORY
        : !inode_may(inode, &w->view->user, wanted)    ? VFS_ERR_DENIED
        : changes && (inode->kind == VFS_KIND_FILE ? is_read_only(w->view, inode)
                                                   : w->view->for_reading) ? VFS_ERR_READ_ONLY
                                                       : OK;
    return err == OK ? OK : walk_fail(w, err);
}

/* To what the path names; NULL if that is to be made. */
static enum err find_or_not(struct walk *w, unsigned mode, struct inode **out)
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
        err = walk_look(w, out);
        if (err != OK) {
            return err;
        }
        if (*out == NULL) {
            return mode & VFS_OPEN_MODE_CREATE ? OK : walk_fail(w, VFS_ERR_NOT_FOUND);
        }
        if ((*out)->kind != VFS_KIND_LINK ||
            mode & (VFS_OPEN_MODE_NO_FOLLOW | VFS_OPEN_MODE_EXCLUSIVE)) {
            return OK;
        }
        err = walk_follow(w, *out);
        if (err != OK) {
            return err;
        }
    }
}

static enum err open_here(struct walk *w, unsigned mode, uint16_t permissions, struct inode **out)
{
    enum err err = find_or_not(w, mode, out);
    if (err != OK) {
        return err;
    }
    if (*out == NULL) {
        struct making making = { .kind = VFS_KIND_FILE, .permissions = permissions,
                                 .user = w->view->user };
        return w->to_directory || mode & VFS_OPEN_MODE_DIRECTORY
                   ? walk_fail(w, VFS_ERR_IS_DIRECTORY)
                   : make_here(w, &making, out);
    }
    err = check_open(w, *out, mode);
    if (err == OK && mode & VFS_OPEN_MODE_TRUNCATE && (*out)->kind == VFS_KIND_FILE) {
        lock_take(&(*out)->lock);
        err = (*out)->size == 0 ? OK : inode_type(*out)->resize(*out, 0);
        lock_give(&(*out)->lock);
    }
    if (err != OK) {
        inode_put(*out);
    }
    return err;
}

enum err tree_open(struct view *view, struct path path, unsigned mode, uint16_t permissions,
                   struct inode **out)
{
    enum err err;
    do { /* again if somebody makes the file between looking and making */
        struct walk w;
        walk_begin(&w, view, path.text, path.length);
        err = open_here(&w, mode, permissions, out);
        walk_end(&w);
    } while (err == VFS_ERR_EXISTS && !(mode & VFS_OPEN_MODE_EXCLUSIVE));
    return err;
}

/* ---- Removing ---- */

static enum err check_remove(struct inode const *inode, bool directory, bool slash)
{
    if (inode->covered != NULL) {
        return VFS_ERR_BUSY;
    }
    if (inode->kind != VFS_KIND_DIRECTORY) {
        return directory || slash ? VFS_ERR_NOT_DIRECTORY : OK;
    }
    return !directory                      ? VFS_ERR_IS_DIRECTORY
           : inode->directory.count != 0 ? VFS_ERR_NOT_EMPTY
                                           : OK;
}

static enum err remove_here(struct walk *w, bool directory)
{
    struct inode *dir = w->dir, *inode;
    if (w->name.length == 0) {
        return walk_fail(w, directory ? VFS_ERR_BUSY : VFS_ERR_IS_DIRECTORY);
    }
    enum err err = may_change(w);
    if (err != OK) {
        return err;
    }
    lock_take(&dir->lock);
    err = look_locked(w, &inode);
    if (err == OK && inode == NULL) {
        err = VFS_ERR_NOT_FOUND;
    } else if (err == OK) {
        lock_take(&inode->lock);
        err = check_remove(inode, directory, w->to_directory);
        if (err == OK) {
            inode_type(dir)->unlink(dir, &w->name, inode);
        }
        lock_give(&inode->lock);
        if (err == OK) {
            paths_set(dir, &w->name, NULL);
        }
    }
    lock_give(&dir->lock);
    if (inode != NULL) {
        inode_put(inode);
    }
    return err == OK ? OK : walk_fail(w, err);
}

enum err tree_remove(struct view *view, struct path path, bool directory)
{
    struct walk w;
    walk_begin(&w, view, path.text, path.length);
    enum err err = walk_to_last(&w);
    if (err == OK) {
        err = remove_here(&w, directory);
    }
    walk_end(&w);
    return err;
}

/* ---- Links and renaming ---- */

static enum err link_here(struct walk *w, struct inode *inode)
{
    struct inode *dir = w->dir, *there;
    enum err err = w->name.length == 0             ? VFS_ERR_EXISTS
                   : w->to_directory               ? VFS_ERR_NOT_FOUND
                   : inode->kind == VFS_KIND_DIRECTORY ? VFS_ERR_IS_DIRECTORY
                   : inode->mount != dir->mount    ? VFS_ERR_OTHER_FILE_SYSTEM
                                                   : OK;
    if (err != OK) {
        return walk_fail(w, err);
    }
    err = may_change(w);
    if (err != OK) {
        return err;
    }
    lock_take(&dir->lock);
    err = look_locked(w, &there);
    if (err == OK && there != NULL) {
        inode_put(there);
        err = VFS_ERR_EXISTS;
    }
    if (err == OK) {
        err = inode_type(dir)->link(dir, &w->name, inode);
    }
    if (err == OK) {
        paths_set(dir, &w->name, inode);
    }
    lock_give(&dir->lock);
    return err == OK ? OK : walk_fail(w, err);
}

enum err tree_link(struct view *view, struct path path, struct path new_path)
{
    struct inode *inode;
    enum err err = tree_find(view, path, false, &inode);
    if (err != OK) {
        return err;
    }
    struct walk w;
    walk_begin(&w, view, new_path.text, new_path.length);
    err = walk_to_last(&w);
    if (err == OK) {
        err = link_here(&w, inode);
    }
    walk_end(&w);
    inode_put(inode);
    return err;
}

/* Held by whoever moves a directory to another one, so that who is above whom stays as it is. */
static struct sys_mutex rename_lock;

/* Whether `dir` is `other`, or below it, in the same file system. */
static bool is_below(struct inode *dir, struct inode const *other)
{
    (void)inode_ref(dir);
    bool found;
    for (;;) {
        found = dir == other;
        lock_take(&dir->lock);
        struct inode *parent = found ? NULL : inode_type(dir)->parent(dir);
        lock_give(&dir->lock);
        bool top = parent == NULL || parent == dir;
        if (parent != NULL) {
            inode_put(dir);
            dir = parent;
        }
        if (top) {
            break;
        }
    }
    inode_put(dir);
    return found;
}

static void lock_both(struct inode *a, struct inode *b)
{
    if (a == b) {
        lock_take(&a->lock);
        return;
    }
    bool b_first = is_below(a, b) || (!is_below(b, a) && b < a);
    lock_take(b_first ? &b->lock : &a->lock);
    lock_take(b_first ? &a->lock : &b->lock);
}

static void unlock_both(struct inode *a, struct inode *b)
{
    lock_give(&a->lock);
    if (a != b) {
        lock_give(&b->lock);
    }
}

static enum err check_rename(struct walk const *from, struct inode const *inode,
                             struct walk const *to, struct inode const *replaced)
{
    bool directory = inode->kind == VFS_KIND_DIRECTORY;
    if (!directory && (from->to_directory || to->to_directory)) {
        return VFS_ERR_NOT_DIRECTORY;
    }
    if (inode->covered != NULL || (replaced != NULL && replaced->covered != NULL)) {
        return VFS_ERR_BUSY;
    }
    if (replaced == NULL) {
        return OK;
    }
    if (replaced->kind != VFS_KIND_DIRECTORY) {
        return directory ? VFS_ERR_NOT_DIRECTORY : OK;
    }
    return !directory                       ? VFS_ERR_IS_DIRECTORY
           : replaced->directory.count != 0 ? VFS_ERR_NOT_EMPTY
                                            : OK;
}

/* Both are there, and the directories are locked. */
static enum err move_entry(struct walk *from, struct inode *inode, struct walk *to,
                           struct inode *replaced)
{
    if (replaced == from->dir) { /* locked, and not empty */
        return inode->kind == VFS_KIND_DIRECTORY ? VFS_ERR_NOT_EMPTY : VFS_ERR_IS_DIRECTORY;
    }
    lock_take(&inode->lock);
    if (replaced != NULL) {
        lock_take(&replaced->lock);
    }
    enum err err = check_rename(from, inode, to, replaced);
    if (err == OK) {
        err = inode_type(from->dir)->rename(from->dir, &from->name, inode, to->dir, &to->name,
                                            replaced);
    }
    if (replaced != NULL) {
        lock_give(&replaced->lock);
    }
    lock_give(&inode->lock);
    if (err == OK) {
        paths_set(from->dir, &from->name, NULL);
        paths_set(to->dir, &to->name, inode);
    }
    return err;
}

static enum err rename_locked(struct walk *from, struct walk *to)
{
    struct inode *inode = NULL, *replaced = NULL;
    enum err err = look_locked(from, &inode);
    if (err == OK && inode == NULL) {
        return walk_fail(from, VFS_ERR_NOT_FOUND);
    }
    if (err == OK) {
        err = look_locked(to, &replaced);
    }
    if (err == OK && inode != replaced) {
        err = move_entry(from, inode, to, replaced);
    }
    if (replaced != NULL) {
        inode_put(replaced);
    }
    if (inode != NULL) {
        inode_put(inode);
    }
    return err;
}

/* A directory may not move into itself: its own path would not lead to it any more. */
static enum err check_loop(struct walk *from, struct walk *to)
{
    struct inode *inode;
    enum err err = walk_look(from, &inode);
    if (err == OK && inode != NULL) {
        err = inode->kind == VFS_KIND_DIRECTORY && is_below(to->dir, inode) ? ERR_BAD_ARGUMENT
                                                                            : OK;
        inode_put(inode);
    }
    return err;
}

static enum err rename_here(struct walk *from, struct walk *to)
{
    if (from->name.length == 0 || to->name.length == 0) {
        return VFS_ERR_BUSY;
    }
    if (from->dir->mount != to->dir->mount) {
        return VFS_ERR_OTHER_FILE_SYSTEM;
    }
    enum err err = may_change(from);
    if (err == OK) {
        err = may_change(to);
    }
    if (err == OK) {
        err = check_loop(from, to);
    }
    if (err == OK) {
        lock_both(from->dir, to->dir);
        err = rename_locked(from, to);
        unlock_both(from->dir, to->dir);
    }
    return err;
}

enum err tree_rename(struct view *view, struct path path, struct path new_path)
{
    struct walk from, to;
    lock_take(&rename_lock);
    walk_begin(&from, view, path.text, path.length);
    enum err err = walk_to_last(&from);
    if (err == OK) {
        walk_begin(&to, view, new_path.text, new_path.length);
        err = walk_to_last(&to);
        if (err == OK) {
            err = rename_here(&from, &to);
        }
        walk_end(&to);
    }
    walk_end(&from);
    lock_give(&rename_lock);
    return err;
}

/* ---- Properties ---- */

/* What a path names, if its owner asks. */
static enum err find_own(struct view *view, struct path path, struct inode **out)
{
    enum err err = tree_find(view, path, true, out);
    if (err != OK) {
        return err;
    }
    err = is_read_only(view, *out)                                       ? VFS_ERR_READ_ONLY
          : view->user.user != 0 && view->user.user != (*out)->user ? VFS_ERR_DENIED
                                                                         : OK;
    if (err != OK) {
        inode_put(*out);
    }
    return err;
}

enum err tree_set_permissions(struct view *view, struct path path, uint16_t permissions)
{
    struct inode *inode;
    enum err err = find_own(view, path, &inode);
    if (err == OK) {
        lock_take(&inode->lock);
        inode->permissions = permissions & 0777;
        inode->changed = memory_now();
        lock_give(&inode->lock);
        inode_put(inode);
    }
    return err;
}

enum err tree_set_owner(struct view *view, struct path path, struct user owner)
{
    struct inode *inode;
    enum err err = view->user.user != 0 ? VFS_ERR_DENIED : find_own(view, path, &inode);
    if (err == OK) {
        lock_take(&inode->lock);
        account_move(inode->user, owner.user,
                     inode->kind == VFS_KIND_FILE ? inode->pages.count : 0);
        inode->user = owner.user;
        inode->group = owner.group;
        inode->changed = memory_now();
        lock_give(&inode->lock);
        inode_put(inode);
    }
    return err;
}

/* ---- Mounts ---- */

static enum err mount_at(struct inode *point, struct path path, enum vfs_file_system kind)
{
    struct mount *mount;
    struct inode *root;
    enum err err = point->kind != VFS_KIND_DIRECTORY ? VFS_ERR_NOT_DIRECTORY
                                                     : mount_make(kind, &mount, &root);
    if (err != OK) {
        return err;
    }
    lock_take(&point->lock); /* it keeps its name meanwhile */
    err = mount_cover(mount, root, point, path.text, (uint32_t)path.length);
    lock_give(&point->lock);
    if (err != OK) {
        mount_abandon(mount);
        inode_put(root);
    }
    return err;
}

enum err tree_mount(struct view *view, struct path path, enum vfs_file_system kind)
{
    struct inode *point;
    if (view->user.user != 0 || view->for_reading) {
        return VFS_ERR_DENIED;
    }
    enum err err = tree_find(view, path, true, &point);
    if (err == OK) {
        err = mount_at(point, path, kind);
        inode_put(point);
    }
    return err;
}

enum err tree_unmount(struct view *view, struct path path)
{
    struct inode *root;
    if (view->user.user != 0 || view->for_reading) {
        return VFS_ERR_DENIED;
    }
    enum err err = tree_find(view, path, true, &root);
    if (err == OK) {
        err = mount_remove(root);
        inode_put(root);
    }
    return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Many workers on the same few names at once, under ThreadSanitizer. */
#include "host.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define THREADS 4
#define STEPS   6000

static struct view base;

static void random_path(char *path, unsigned *seed)
{
    unsigned r = (unsigned)rand_r(seed);
    char const *folders[] = { "", "/a", "/a/b", "/c" };
    sprintf(path, "%s/%c", folders[r % 4], "abcxyz"[r / 4 % 6]);
}

static void use(struct view *view, char const *path, unsigned worker)
{
    struct inode *inode;
    char content[64] = "content", back[64];
    uint32_t done;
    unsigned mode = VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE;
    if (tree_open(view, P(path), mode, 0644, &inode) == OK) {
        struct open_file file;
        file_begin(&file, inode, mode);
        if (inode->kind == VFS_KIND_FILE) {
            ck_assert_int_eq(file_write(&file, 0, content, 64, worker, &done), OK);
            ck_assert_int_eq(file_read(&file, 0, back, 64, worker, &done), OK);
            ck_assert(done == 64 || done == 0); /* another may have cut it */
            ck_assert_mem_eq(content, back, done);
            ck_assert_int_eq(file_resize(&file, 0), OK);
        }
        file_end(&file);
    }
}

static void *work(void *argument)
{
    unsigned worker = (unsigned)(uintptr_t)argument, seed = worker + 1;
    struct view view = base;
    view.user.user = worker % 2;
    host_is_worker(worker);
    for (unsigned step = 0; step < STEPS; step++) {
        char path[32], new_path[32];
        struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0777 };
        struct inode *inode;
        random_path(path, &seed);
        random_path(new_path, &seed);
        switch (rand_r(&seed) % 9) {
        case 8:
            sys_ignore(tree_set_permissions(&view, P(path), 0700));
            break;
        case 0:
            sys_ignore(tree_make(&view, P(path), &making));
            break;
        case 1:
            sys_ignore(tree_remove(&view, P(path), true));
            break;
        case 2:
            sys_ignore(tree_remove(&view, P(path), false));
            break;
        case 3:
            sys_ignore(tree_link(&view, P(path), P(new_path)));
            break;
        case 4:
            sys_ignore(tree_rename(&view, P(path), P(new_path)));
            break;
        case 5:
            if (tree_find(&view, P(path), true, &inode) == OK) {
                struct vfs_stat stat;
                inode_stat(inode, &stat);
                inode_put(inode);
            }
            break;
        case 6:
            if (tree_mount(&view, P(path), VFS_FILE_SYSTEM_DEVICES) == OK) {
                sys_ignore(tree_unmount(&view, P(path)));
            }
            break;
        default:
            use(&view, path, worker);
            break;
        }
    }
    return NULL;
}

static pthread_t thread[THREADS];

static void start(void *(*function)(void *number))
{
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, function, (void *)i), 0);
    }
}

static void join(void)
{
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
}

/* Up from what it covers, by the names that there are, to the first of all. */
static bool can_be_reached(struct mount const *mount)
{
    struct inode const *dir = mount->point;
    while (dir != NULL && dir != base.root && dir->mount->root != NULL) {
        bool is_root = dir == dir->mount->root;
        dir = is_root ? dir->mount->point : dir->directory.parent;
    }
    return dir == base.root;
}

/* What another one's unmount was too early for is still there. */
static void unmount_all(void)
{
    for (unsigned i = 1; i < MOUNTS; i++) {
        ck_assert(mounts[i].root == NULL || can_be_reached(&mounts[i]));
    }
    for (unsigned round = 1; round < MOUNTS; round++) { /* each after what is mounted in it */
        for (unsigned i = 1; i < MOUNTS; i++) {
            if (mounts[i].root != NULL) {
                sys_ignore(mount_remove(mounts[i].root));
            }
        }
    }
    for (unsigned i = 1; i < MOUNTS; i++) {
        ck_assert_ptr_null(mounts[i].root);
    }
}

START_TEST(workers_go_side_by_side)
{
    host_begin(&base);
    ck_assert_int_eq(tree_set_permissions(&base, P("/"), 0777), OK);
    uint64_t waits = counters[VFS_COUNTER_LOCK_WAITS];
    host_is_worker(THREADS);
    lock_take(&base.root->lock);
    start(work);
    while (counters[VFS_COUNTER_LOCK_WAITS] < waits + THREADS) { /* soon each of them waits */
        sched_yield();
    }
    lock_give(&base.root->lock);
    join();
    unmount_all();
    host_end(&base);
}
END_TEST

#define MOUNTED 5000

/* Some cover the directory, and what covers it, and uncover it; the others remove it. */
static void *mount_or_remove(void *argument)
{
    unsigned worker = (unsigned)(uintptr_t)argument;
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0777 };
    struct view view = base;
    host_is_worker(worker);
    for (unsigned i = 0; i < MOUNTED; i++) {
        if (worker % 2 == 0) {
            sys_ignore(tree_mount(&view, P("/point"), VFS_FILE_SYSTEM_DEVICES));
            sys_ignore(tree_unmount(&view, P("/point")));
        } else {
            sys_ignore(tree_make(&view, P("/point"), &making));
            sys_ignore(tree_remove(&view, P("/point"), true));
        }
    }
    return NULL;
}

START_TEST(what_is_mounted_can_be_unmounted)
{
    host_begin(&base);
    start(mount_or_remove);
    join();
    unmount_all();
    host_end(&base);
}
END_TEST

#define LOOKS 50000

/* One of them makes and removes a name, and a mount; the others look for what is there. */
static void *come_and_go_or_look(void *argument)
{
    unsigned worker = (unsigned)(uintptr_t)argument;
    unsigned mode = VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE;
    struct view view = base;
    host_is_worker(worker);
    for (unsigned i = 0; i < LOOKS; i++) {
        struct inode *inode;
        struct path path = i % 2 == 0 ? P("/name") : P("/point/../point/null");
        if (worker != 0) {
            if (tree_find(&view, path, true, &inode) == OK) {
                inode_put(inode);
            }
        } else if (i % 2 == 0) {
            ck_assert_int_eq(tree_open(&view, path, mode, 0644, &inode), OK);
            inode_put(inode);
            ck_assert_int_eq(tree_remove(&view, path, false), OK);
        } else {
            ck_assert_int_eq(tree_mount(&view, P("/point"), VFS_FILE_SYSTEM_DEVICES), OK);
            ck_assert_int_eq(tree_unmount(&view, P("/point")), OK);
        }
    }
    return NULL;
}

START_TEST(what_goes_stays_for_who_looks_at_it)
{
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0777 };
    host_begin(&base);
    ck_assert_int_eq(tree_make(&base, P("/point"), &making), OK);
    start(come_and_go_or_look);
    join();
    ck_assert_int_eq(tree_remove(&base, P("/point"), true), OK);
    host_end(&base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs.threads");
    TCase *tests = tcase_create("threads");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, workers_go_side_by_side);
    tcase_add_test(tests, what_is_mounted_can_be_unmounted);
    tcase_add_test(tests, what_goes_stays_for_who_looks_at_it);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_NOFORK);
}

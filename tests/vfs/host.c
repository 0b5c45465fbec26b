/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include "archive.h"
#include "device.h"
#include "memory.h"
#include "paths.h"

#include <pthread.h>
#include <tessera/receive.h>
#include <semaphore.h>

_Atomic size_t host_memory = SIZE_MAX;
_Atomic size_t host_in_use;
_Atomic uint64_t host_woken;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;

static sem_t sleeping[SYS_PARKS + 1];
_Thread_local unsigned sys_park_own = 1;
unsigned sys_park_most = SYS_PARKS;

__attribute__((constructor)) static void make_semaphores(void)
{
    for (unsigned i = 0; i <= SYS_PARKS; i++) {
        sem_init(&sleeping[i], 0, 0);
    }
}

void host_is_worker(unsigned number)
{
    sys_park_own = number + 1;
}

void sys_park(unsigned holder)
{
    (void)holder;
    sem_wait(&sleeping[sys_park_own]);
}

void sys_unpark(unsigned number)
{
    sem_post(&sleeping[number]);
}

static void *take(size_t size, bool zeroed)
{
    if (host_memory == 0) {
        return NULL;
    }
    host_memory -= host_memory != SIZE_MAX;
    host_in_use++;
    void *thing = malloc(size);
    return memset(thing, zeroed ? 0 : 0xaa, size);
}

static void give(void *thing)
{
    host_in_use--;
    free(thing);
}

void *pool_take(struct pool *pool)
{
    return take(pool->size, true);
}

void pool_give(struct pool *pool, void *thing)
{
    (void)pool;
    give(thing);
}

char *page_take(bool zeroed)
{
    return take(FILE_PAGE, zeroed);
}

void page_give(char *page)
{
    give(page);
}

enum err page_show(char *page, cptr_t *out)
{
    *out = (cptr_t){ (uintptr_t)page };
    return OK;
}

uint64_t memory_now(void)
{
    static _Atomic uint64_t now;
    return ++now;
}

int64_t sys_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    (void)first, (void)m, (void)given;
    abort();
}

/* Nobody sends capabilities here. */
void sys_received_refuse(sys_event_t event)
{
    (void)event;
    abort();
}

enum err sys_reply_error(sys_event_t event)
{
    (void)event;
    abort();
}

void console_put(char const *text, uint32_t length)
{
    (void)text, (void)length;
}

enum err session_equip(struct session *session)
{
    session->shared = (struct sys_shared){ take(VFS_DATA_SIZE, true), VFS_DATA_SIZE, true };
    return session->shared.memory == NULL ? VFS_ERR_NO_SPACE : OK;
}

void session_strip(struct session *session)
{
    give(session->shared.memory);
}

void sessions_wake(uint64_t sessions)
{
    host_woken |= sessions;
}

void host_begin(struct view *view)
{
    struct mount *mount;
    struct inode *root;
    ck_assert_int_eq(mount_make(VFS_FILE_SYSTEM_MEMORY, &mount, &root), OK);
    ck_assert_int_eq(mount_cover(mount, root, NULL, "/", 1), OK);
    *view = (struct view){ .root = root, .current = root };
}

void host_end(struct view *view)
{
    struct mount *mount = view->root->mount;
    ck_assert_uint_eq(mount->users, 0);
    paths_forget_mount(mount);
    mount->root = NULL;
    mount->kind = 0;
    inode_put(view->root);
    ck_assert_uint_eq(mount->inodes, 0);
    ck_assert_uint_eq(mount->pages, 0);
    archive_use(NULL, 0); /* what it has read of one */
    ck_assert_uint_eq(host_in_use, 0);
}

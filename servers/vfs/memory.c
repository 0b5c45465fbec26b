/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's memory: all comes from its Untyped. */
#include "memory.h"

#include "board.h"
#include "counters.h"

#include <tessera/queue.h>
#include <tessera/string.h>
#include <vfs_caps.h>

/* Blocks that things are cut from; a page of page tables is fed with each 2^16 bytes. */
#define BLOCK_BITS 16

struct sys_mutex board_lock;
struct sys_resources board = {
    .cnode = VFS_CAP_CNODE,
    .memory = VFS_CAP_MEMORY,
    .vspace = VFS_CAP_VSPACE,
    .sched = VFS_CAP_SCHED,
    .slots = { .next = VFS_FIRST_FREE_SLOT + PAGES_MOST, .end = VFS_SLOTS },
    .next_address = 0x20000000,
};

/* ---- Things of one size ---- */

static bool new_block(struct pool *pool)
{
    void *block;
    lock_take(&board_lock);
    enum err err = sys_memory(&board, BLOCK_BITS, NULL, &block);
    lock_give(&board_lock);
    if (err != OK) {
        return false;
    }
    pool->next = block;
    pool->end = pool->next + (1ul << BLOCK_BITS);
    return true;
}

void *pool_take(struct pool *pool)
{
    lock_take(&pool->lock);
    void *thing = pool->free;
    bool used = thing != NULL;
    if (used) {
        pool->free = *(void **)thing;
    } else if ((size_t)(pool->end - pool->next) >= pool->size || new_block(pool)) {
        thing = pool->next;
        pool->next += pool->size;
    }
    lock_give(&pool->lock);
    if (used) {
        memset(thing, 0, pool->size);
    }
    return thing;
}

void pool_give(struct pool *pool, void *thing)
{
    lock_take(&pool->lock);
    *(void **)thing = pool->free;
    pool->free = thing;
    lock_give(&pool->lock);
}

/* ---- Pages ---- */

/* Page number n of the server is at PAGES_ADDRESS + n * FILE_PAGE, and its frame's capability in slot
 * VFS_FIRST_FREE_SLOT + n. A page that was made stays. */
#define PAGES_ADDRESS 0x70000000ul
#define PAGES_AT_ONCE 32u

static struct {
    struct sys_queue free; /* their numbers */
    struct sys_queue_cell cell[PAGES_MOST];
    struct sys_mutex lock; /* to make more */
    uint32_t made;
    _Atomic bool shown[PAGES_MOST]; /* a client has it */
} pages;

void memory_begin(void)
{
    sys_queue_init(&pages.free, pages.cell, PAGES_MOST);
}

static uint32_t number_of(char const *page)
{
    return (uint32_t)(((uintptr_t)page - PAGES_ADDRESS) / FILE_PAGE);
}

static cptr_t frame_of(uint32_t number)
{
    return CPTR(VFS_FIRST_FREE_SLOT + number);
}

static enum err feed(void)
{
    cptr_t tables;
    enum err err = sys_make(&board, OBJECT_TABLES, BLOCK_BITS, &tables);
    return err != OK ? err : sys_vspace_feed(board.vspace, tables);
}

static enum err map_page(uint32_t number)
{
    uint64_t address = PAGES_ADDRESS + number * FILE_PAGE;
    enum err err = sys_frame_map(frame_of(number), board.vspace, address, FRAME_READ | FRAME_WRITE);
    if (err == ERR_NEED_TABLES && (err = feed()) == OK) {
        err = sys_frame_map(frame_of(number), board.vspace, address, FRAME_READ | FRAME_WRITE);
    }
    return err;
}

/* There is room for all pages. */
static void put_free(uint32_t number)
{
    (void)sys_queue_put(&pages.free, number);
    count(VFS_COUNTER_PAGES_FREE);
}

/* Makes more; with both locks held. Slots of frames that could not be mapped stay lost. */
static void make_pages(void)
{
    if (pages.made + PAGES_AT_ONCE > PAGES_MOST) {
        return;
    }
    uint32_t first = pages.made;
    enum err err = sys_untyped_retype(board.memory, OBJECT_FRAME, PAGE_BITS_OF_FILES,
                                      PAGES_AT_ONCE, board.cnode, VFS_FIRST_FREE_SLOT + first);
    if (err != OK) {
        return;
    }
    pages.made += PAGES_AT_ONCE;
    for (uint32_t n = first; n < first + PAGES_AT_ONCE && map_page(n) == OK; n++) {
        put_free(n);
    }
}

/* Makes some if there are none: perhaps somebody else just has. */
static bool take_number(uint32_t *number)
{
    if (likely(sys_queue_take(&pages.free, number))) {
        return true;
    }
    lock_take(&pages.lock);
    bool found = sys_queue_take(&pages.free, number);
    if (!found) {
        lock_take(&board_lock);
        make_pages();
        lock_give(&board_lock);
        found = sys_queue_take(&pages.free, number);
    }
    lock_give(&pages.lock);
    return found;
}

char *page_take(bool zeroed)
{
    uint32_t number;
    if (!take_number(&number)) {
        return NULL;
    }
    char *page = (char *)(PAGES_ADDRESS + number * FILE_PAGE);
    count_down(VFS_COUNTER_PAGES_FREE);
    count(VFS_COUNTER_PAGES_USED);
    if (zeroed) {
        memset(page, 0, FILE_PAGE);
    }
    return page;
}

void page_give(char *page)
{
    uint32_t number = number_of(page);
    if (atomic_load_explicit(&pages.shown[number], memory_order_relaxed)) {
        sys_ignore(sys_cnode_revoke(board.cnode, VFS_FIRST_FREE_SLOT + number));
        atomic_store_explicit(&pages.shown[number], false, memory_order_relaxed);
        count(VFS_COUNTER_PAGES_REVOKED);
    }
    count_down(VFS_COUNTER_PAGES_USED);
    put_free(number);
}

/* The capability goes out with the reply; the next one, or the page's end, deletes ours. */
enum err page_show(char *page, cptr_t *out)
{
    uint32_t number = number_of(page), slot = board_gift_slot();
    enum err err = sys_cnode_delete(board.cnode, slot);
    if (err == OK) {
        err = sys_cnode_copy(board.cnode, slot, frame_of(number), FRAME_READ);
    }
    if (err == OK) {
        atomic_store_explicit(&pages.shown[number], true, memory_order_relaxed);
        count(VFS_COUNTER_PAGES_MAPPED);
        *out = CPTR(slot);
    }
    return err;
}

uint64_t memory_now(void)
{
    return sys_clock_ns();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's memory: all comes from its Untyped. */
#include "memory.h"

#include "board.h"
#include "counters.h"

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
    .next_address = 0x100000000,
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
 * VFS_FIRST_FREE_SLOT + n. A page that was made stays; free ones are linked by their first word. */
#define PAGES_ADDRESS 0x1000000000ul
#define PAGES_AT_ONCE 32u

static struct {
    struct sys_mutex lock;
    char *free;
    uint32_t made;
    uint8_t shown[PAGES_MOST / 8]; /* bits of pages that a client has */
} pages;

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

static void link_free(char *page)
{
    *(char **)(void *)page = pages.free;
    pages.free = page;
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
        link_free((char *)(PAGES_ADDRESS + n * FILE_PAGE));
        count(VFS_COUNTER_PAGES_FREE);
    }
}

char *page_take(bool zeroed)
{
    lock_take(&pages.lock);
    if (pages.free == NULL) {
        lock_take(&board_lock);
        make_pages();
        lock_give(&board_lock);
    }
    char *page = pages.free;
    if (page != NULL) {
        pages.free = *(char **)(void *)page;
    }
    lock_give(&pages.lock);
    if (page != NULL) {
        count_down(VFS_COUNTER_PAGES_FREE);
        count(VFS_COUNTER_PAGES_USED);
        if (zeroed) {
            memset(page, 0, FILE_PAGE);
        }
    }
    return page;
}

void page_give(char *page)
{
    uint32_t number = number_of(page);
    uint8_t bit = (uint8_t)(1u << number % 8);
    lock_take(&pages.lock);
    if (pages.shown[number / 8] & bit) {
        sys_ignore(sys_cnode_revoke(board.cnode, VFS_FIRST_FREE_SLOT + number));
        pages.shown[number / 8] &= (uint8_t)~bit;
        count(VFS_COUNTER_PAGES_REVOKED);
    }
    link_free(page);
    lock_give(&pages.lock);
    count_down(VFS_COUNTER_PAGES_USED);
    count(VFS_COUNTER_PAGES_FREE);
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
        lock_take(&pages.lock);
        pages.shown[number / 8] |= (uint8_t)(1u << number % 8);
        lock_give(&pages.lock);
        count(VFS_COUNTER_PAGES_MAPPED);
        *out = CPTR(slot);
    }
    return err;
}

uint64_t memory_now(void)
{
    return sys_clock_ns();
}

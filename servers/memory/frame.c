/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <memory_caps.h>
#include <tessera/string.h>

#define PAGE          (1ul << PAGE_BITS)
#define WINDOW        0x50000000ul
#define ROOT_RADIX    12
#define MOST_CHUNKS   128u
#define COPIES_RADIX  14
#define HANDLE_NONE   0u
#define HANDLE_MASTER (1u << COPIES_RADIX) /* other handles are slots of the table of copies */

_Static_assert(MEMORY_SLOTS == 1u << ROOT_RADIX, "the capability table has 2^12 slots");

struct frame {
    uint32_t next; /* in its chunk's list of frames that were handed back */
    uint16_t users;
    bool master_taken;
    bool in_window;
};

enum chunk_state { CHUNK_FREE, CHUNK_CUT, CHUNK_HUGE };

struct chunk {
    enum chunk_state state;
    bool has_records;  /* of the server itself: these stay where they are */
    uint16_t made;     /* frames, from the chunk's first on */
    uint16_t touched;  /* of these, handed out at least once: the others are full of zeroes */
    uint16_t used;     /* of these, handed out now */
    uint32_t returned; /* a list of those handed back; they have old contents */
};

static struct {
    struct sys_resources *r;
    cptr_t masters; /* tables of 2^radix slots, with a frame's capability at its number */
    cptr_t window;
    cptr_t copies;
    struct frame *frame;
    struct frame_counts counts;
    uint32_t open[2]; /* the chunk that programs' pages are taken from, and that for records */
    uint32_t leaving; /* the chunk that is being emptied, 0 if there is none */
    uint32_t chunk_count;
    struct chunk chunk[MOST_CHUNKS];
    uint32_t first_chunk; /* the slot of its untyped memory; the others follow */
    uint32_t next_copy;
    uint32_t free_copies; /* a list through copy_next */
    uint16_t copy_next[1u << COPIES_RADIX];
} pool;

/* Slot `index` of a table that is in a slot of the server's own. */
static cptr_t within(cptr_t table, uint32_t index)
{
    return (cptr_t){ table.raw | (uint64_t)index << (SLOT_BITS + ROOT_RADIX) };
}

static enum err make_table(uint8_t radix, cptr_t *table)
{
    return sys_make(pool.r, OBJECT_CNODE, radix, table);
}

static enum err cut_pool(cptr_t memory)
{
    pool.first_chunk = sys_slots_take(&pool.r->slots, pool.chunk_count);
    if (pool.first_chunk == 0) {
        return ERR_NO_MEMORY;
    }
    return sys_untyped_retype(memory, OBJECT_UNTYPED, CHUNK_BITS, pool.chunk_count, pool.r->cnode,
                              pool.first_chunk);
}

enum err frame_init(struct sys_resources *r, cptr_t memory)
{
    uint8_t type;
    uint64_t rights, bits;
    enum err err = sys_cnode_inspect(r->cnode, (uint32_t)(memory.raw >> SLOT_BITS), &type, &rights, &bits);
    if (err != OK || bits < CHUNK_BITS || bits - CHUNK_BITS > 7) {
        return err != OK ? err : ERR_BAD_ARGUMENT;
    }
    uint8_t radix = (uint8_t)(bits - PAGE_BITS);
    pool.r = r;
    pool.chunk_count = 1u << (bits - CHUNK_BITS);
    pool.next_copy = 1;
    pool.counts.total = pool.counts.free = (1u << radix) - 1;
    err = cut_pool(memory);
    if (err == OK) {
        err = make_table(radix, &pool.masters);
    }
    if (err == OK) {
        err = make_table(radix, &pool.window);
    }
    if (err == OK) {
        err = make_table(COPIES_RADIX, &pool.copies);
    }
    if (err == OK) {
        void *records;
        err = sys_memory(r, (uint8_t)(radix + 3), NULL, &records);
        pool.frame = records;
    }
    return err;
}
_Static_assert(sizeof(struct frame) == 8, "2^(radix + 3) bytes of records");

/* ---- Chunks ---- */

static uint32_t chunk_of(uint32_t frame)
{
    return frame / CHUNK_FRAMES;
}

/* Frame 0 is none: the first chunk has one less. */
static uint32_t first_of(uint32_t chunk)
{
    return chunk == 0 ? 1 : chunk * CHUNK_FRAMES;
}

static uint32_t room_of(uint32_t chunk)
{
    return CHUNK_FRAMES - first_of(chunk) % CHUNK_FRAMES;
}

static void open_chunk(uint32_t index)
{
    pool.chunk[index] = (struct chunk){ .state = CHUNK_CUT };
    uint32_t first = first_of(index);
    memset(&pool.frame[first], 0, room_of(index) * sizeof pool.frame[first]);
}

/* Nobody has a frame of the chunk: it becomes free memory again. */
static void close_chunk(uint32_t index)
{
    if (sys_cnode_revoke(pool.r->cnode, pool.first_chunk + index) == OK) {
        pool.chunk[index].state = CHUNK_FREE;
    }
}

static uint32_t room_in(uint32_t index)
{
    struct chunk const *chunk = &pool.chunk[index];
    return chunk->state == CHUNK_CUT ? room_of(index) - chunk->used : 0;
}

static bool suits(uint32_t index, bool record)
{
    return pool.chunk[index].has_records == record && room_in(index) > 0;
}

/* Chooses the chunk to take frames from: one that has others of the kind, else a free one, else any; and
 * the first one for pages only if there is no other, for it can never be one piece. False: all is used. */
static bool choose_chunk(bool record)
{
    uint32_t unused = pool.chunk_count, any = pool.chunk_count;
    for (uint32_t i = pool.chunk_count; i-- > 0;) {
        uint32_t index = (i + !record) % pool.chunk_count;
        if (index == pool.leaving && index != 0) {
            continue;
        }
        if (suits(index, record)) {
            pool.open[record] = index;
            return true;
        }
        unused = pool.chunk[index].state == CHUNK_FREE ? index : unused;
        any = room_in(index) > 0 ? index : any;
    }
    if (unused != pool.chunk_count) {
        open_chunk(unused);
        any = unused;
    }
    if (any == pool.chunk_count) {
        return false;
    }
    pool.open[record] = any;
    pool.chunk[any].has_records |= record;
    return true;
}

/* The next frames of a chunk. */
static bool make_batch(uint32_t index)
{
    struct chunk *chunk = &pool.chunk[index];
    uint32_t left = room_of(index) - chunk->made;
    uint32_t count = left < FRAME_BATCH ? left : FRAME_BATCH;
    enum err err = sys_untyped_retype(CPTR(pool.first_chunk + index), OBJECT_FRAME, PAGE_BITS, count,
                                      pool.masters, first_of(index) + chunk->made);
    if (err == OK) {
        chunk->made += (uint16_t)count;
    }
    return err == OK;
}

/* ---- Handing out ---- */

static uint32_t take_returned(struct chunk *chunk, bool clear)
{
    uint32_t frame = chunk->returned;
    if (clear) {
        char *data = frame_look(frame);
        if (data == NULL) {
            return FRAME_NONE;
        }
        memset(data, 0, PAGE);
    }
    chunk->returned = pool.frame[frame].next;
    return frame;
}

static uint32_t take_fresh(uint32_t index)
{
    struct chunk *chunk = &pool.chunk[index];
    if (chunk->touched == chunk->made && !make_batch(index)) {
        return FRAME_NONE;
    }
    return first_of(index) + chunk->touched++;
}

static uint32_t take(bool clear, bool record)
{
    if (unlikely(!suits(pool.open[record], record)) && !choose_chunk(record)) {
        return FRAME_NONE;
    }
    struct chunk *chunk = &pool.chunk[pool.open[record]];
    uint32_t frame = chunk->returned != FRAME_NONE ? take_returned(chunk, clear)
                                                   : take_fresh(pool.open[record]);
    if (frame != FRAME_NONE) {
        chunk->used++;
        pool.counts.free--;
        pool.frame[frame].users = 1;
    }
    return frame;
}

uint32_t frame_new(bool clear)
{
    return take(clear, false);
}

uint32_t frame_new_record(void)
{
    return take(true, true);
}

uint32_t frame_new_huge(void)
{
    for (uint32_t i = pool.chunk_count - 1; i > 0; i--) {
        if (pool.chunk[i].state == CHUNK_FREE) {
            uint32_t frame = first_of(i);
            open_chunk(i);
            if (sys_untyped_retype(CPTR(pool.first_chunk + i), OBJECT_FRAME, CHUNK_BITS, 1, pool.masters,
                                   frame) != OK) {
                return FRAME_NONE;
            }
            pool.chunk[i].state = CHUNK_HUGE;
            pool.chunk[i].used = 1;
            pool.frame[frame].users = 1;
            pool.counts.free -= CHUNK_FRAMES;
            return frame;
        }
    }
    return FRAME_NONE;
}

void frame_share(uint32_t frame)
{
    pool.frame[frame].users++;
}

bool frame_is_shared(uint32_t frame)
{
    return pool.frame[frame].users > 1;
}

void frame_drop(uint32_t frame)
{
    struct chunk *chunk = &pool.chunk[chunk_of(frame)];
    if (--pool.frame[frame].users > 0) {
        return;
    }
    pool.counts.free += chunk->state == CHUNK_HUGE ? CHUNK_FRAMES : 1;
    pool.frame[frame].next = chunk->returned;
    chunk->returned = frame;
    if (--chunk->used == 0) {
        close_chunk(chunk_of(frame));
    }
}

struct frame_counts frame_counts(void)
{
    return pool.counts;
}

/* ---- Emptying a chunk ---- */

uint32_t frame_leave_begin(void)
{
    uint32_t best = 0, room = 0;
    for (uint32_t i = 1; i < pool.chunk_count; i++) {
        struct chunk const *chunk = &pool.chunk[i];
        if (chunk->state != CHUNK_CUT || chunk->has_records) {
            continue;
        }
        room += room_in(i);
        if (best == 0 || chunk->used < pool.chunk[best].used) {
            best = i;
        }
    }
    bool fits = best != 0 && pool.chunk[best].used <= room - room_in(best);
    pool.leaving = fits ? best : 0;
    if (pool.open[false] == pool.leaving) {
        pool.open[false] = 0;
    }
    return pool.leaving;
}

bool frame_is_in(uint32_t frame, uint32_t chunk)
{
    return chunk_of(frame) == chunk;
}

bool frame_leave_end(uint32_t chunk)
{
    pool.leaving = 0;
    return pool.chunk[chunk].state == CHUNK_FREE;
}

/* ---- Capabilities of a frame ---- */

cptr_t frame_cap(uint32_t frame, uint32_t handle)
{
    return handle == HANDLE_MASTER ? within(pool.masters, frame) : within(pool.copies, handle);
}

static uint32_t take_copy_slot(void)
{
    uint32_t slot = pool.free_copies;
    if (slot != 0) {
        pool.free_copies = pool.copy_next[slot];
    } else if (pool.next_copy < 1u << COPIES_RADIX) {
        slot = pool.next_copy++;
    }
    return slot;
}

static void give_copy_slot(uint32_t slot)
{
    pool.copy_next[slot] = (uint16_t)pool.free_copies;
    pool.free_copies = slot;
}

enum err frame_take(uint32_t frame, uint32_t *handle)
{
    struct frame *f = &pool.frame[frame];
    if (!f->master_taken) {
        f->master_taken = true;
        *handle = HANDLE_MASTER;
        return OK;
    }
    uint32_t slot = take_copy_slot();
    if (slot == 0) {
        return ERR_NO_MEMORY;
    }
    enum err err = sys_cnode_copy(pool.copies, slot, within(pool.masters, frame), RIGHTS_ALL);
    if (err != OK) {
        give_copy_slot(slot);
        return err;
    }
    *handle = slot;
    return OK;
}

void frame_give(uint32_t frame, uint32_t handle)
{
    if (handle == HANDLE_MASTER) {
        sys_ignore(sys_frame_unmap(within(pool.masters, frame))); /* it need not be mapped */
        pool.frame[frame].master_taken = false;
    } else {
        sys_ignore(sys_cnode_delete(pool.copies, handle));
        give_copy_slot(handle);
    }
}

char *frame_look(uint32_t frame)
{
    struct frame *f = &pool.frame[frame];
    uint64_t address = WINDOW + frame * PAGE;
    if (f->in_window) {
        return (char *)address;
    }
    if (sys_cnode_copy(pool.window, frame, within(pool.masters, frame), RIGHTS_ALL) != OK) {
        return NULL;
    }
    if (sys_map_at(pool.r, pool.r->vspace, within(pool.window, frame), address, FRAME_READ | FRAME_WRITE) != OK) {
        sys_ignore(sys_cnode_delete(pool.window, frame));
        return NULL;
    }
    f->in_window = true;
    return (char *)address;
}

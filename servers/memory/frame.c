/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <memory_caps.h>
#include <tessera/string.h>

#define PAGE          (1ul << PAGE_BITS)
#define WINDOW        0x50000000ul
#define ROOT_RADIX    12
#define MOST_CHUNKS   128u
#define CACHE_FRAMES  (2 * FRAME_BATCH)
#define COPIES_RADIX  14
#define HANDLE_NONE   0u
#define HANDLE_MASTER (1u << COPIES_RADIX) /* other handles are slots of the table of copies */

_Static_assert(MEMORY_SLOTS == 1u << ROOT_RADIX, "the capability table has 2^12 slots");

struct frame {
    uint32_t next; /* in its chunk's list of frames that came back */
    uint16_t users;
    bool master_taken : 1;
    bool in_window : 1;
    bool is_clean : 1; /* full of zeroes: nobody has had it */
};

/* What a chunk's frames are for, unless there are no others: programs' pages of a node, or records. */
#define GROUP_RECORDS MEMORY_MOST_NODES
#define GROUPS        (MEMORY_MOST_NODES + 1)

enum chunk_state { CHUNK_FREE, CHUNK_CUT, CHUNK_HUGE };

struct chunk {
    enum chunk_state state;
    uint32_t slot; /* of its untyped memory */
    uint8_t node;
    uint8_t group;
    bool has_records; /* of the server itself: these stay where they are */
    uint16_t made;    /* frames, from the chunk's first on */
    uint16_t used;    /* of these, handed out or in a cache */
    uint32_t returned[MEMORY_MOST_COLOURS]; /* lists of the others, by colour */
};

/* A bin: the frames of one group and colour. Those in its cache are at hand; it is filled from the chunks
 * and drained to them, a batch at a time, and what came last is taken first. The server has one worker,
 * and so one set of these. */
struct bin {
    uint32_t count;
    uint32_t cache[CACHE_FRAMES];
    uint32_t chunk; /* the one it was filled from last */
    struct bin_counts counts;
};

static struct {
    struct sys_resources *r;
    cptr_t masters; /* tables of 2^radix slots, with a frame's capability at its number */
    cptr_t window;
    cptr_t copies;
    struct frame *frame;
    struct frame_counts counts;
    uint32_t node_count;
    uint32_t colour_mask; /* the colours are 0 to this */
    uint32_t colour;      /* that was handed out last */
    struct bin bin[GROUPS][MEMORY_MOST_COLOURS];
    uint32_t leaving; /* the chunk that is being emptied, 0 if there is none */
    uint32_t chunk_end;
    struct chunk chunk[MOST_CHUNKS + 1]; /* 0 is none */
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

/* Cuts the memory of a node; none, if its slot is empty. */
static enum err cut_pool(uint32_t node, cptr_t memory)
{
    uint8_t type;
    uint64_t rights, bits;
    enum err err = sys_cnode_inspect(pool.r->cnode, (uint32_t)(memory.raw >> SLOT_BITS), &type, &rights, &bits);
    if (err != OK || type == OBJECT_NONE) {
        return err;
    }
    if (bits < CHUNK_BITS || 1ul << (bits - CHUNK_BITS) > MOST_CHUNKS + 1 - pool.chunk_end) {
        return ERR_BAD_ARGUMENT;
    }
    uint32_t count = 1u << (bits - CHUNK_BITS);
    uint32_t slot = sys_slots_take(&pool.r->slots, count);
    if (slot == 0) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        pool.chunk[pool.chunk_end++] = (struct chunk){ .slot = slot + i, .node = (uint8_t)node };
    }
    pool.node_count = node + 1;
    pool.counts.total += count * CHUNK_FRAMES;
    for (uint32_t colour = 0; colour < MEMORY_MOST_COLOURS; colour++) {
        pool.bin[node][colour].counts.total = count * CHUNK_FRAMES;
    }
    return sys_untyped_retype(memory, OBJECT_UNTYPED, CHUNK_BITS, count, pool.r->cnode, slot);
}

static uint8_t radix_for(uint32_t frames)
{
    uint8_t radix = 1;
    while (1u << radix < frames) {
        radix++;
    }
    return radix;
}

enum err frame_init(struct sys_resources *r, cptr_t const memory[MEMORY_MOST_NODES])
{
    pool.r = r;
    pool.chunk_end = 1;
    pool.next_copy = 1;
    enum err err = OK;
    for (uint32_t node = 0; node < MEMORY_MOST_NODES && err == OK; node++) {
        err = cut_pool(node, memory[node]);
    }
    pool.counts.free = pool.counts.total;
    uint8_t radix = radix_for(pool.chunk_end * CHUNK_FRAMES);
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

static uint32_t first_of(uint32_t chunk)
{
    return chunk * CHUNK_FRAMES;
}

static void open_chunk(uint32_t index, uint32_t group)
{
    struct chunk *chunk = &pool.chunk[index];
    *chunk = (struct chunk){
        .state = CHUNK_CUT, .slot = chunk->slot, .node = chunk->node, .group = (uint8_t)group
    };
    memset(&pool.frame[first_of(index)], 0, CHUNK_FRAMES * sizeof pool.frame[0]);
}

/* Nobody has a frame of the chunk: it becomes free memory again. */
static void close_chunk(uint32_t index)
{
    if (sys_cnode_revoke(pool.r->cnode, pool.chunk[index].slot) == OK) {
        pool.chunk[index].state = CHUNK_FREE;
    }
}

/* ---- Between chunks and caches ---- */

/* Frames are numbered as they lie in memory, from a multiple of any number of colours on. */
static uint32_t colour_of(uint32_t frame)
{
    return frame & pool.colour_mask;
}

static struct bin *bin_of(uint32_t frame)
{
    return &pool.bin[pool.chunk[chunk_of(frame)].group][colour_of(frame)];
}

static void give_to_chunk(uint32_t frame)
{
    struct chunk *chunk = &pool.chunk[chunk_of(frame)];
    uint32_t *list = &chunk->returned[colour_of(frame)];
    pool.frame[frame].next = *list;
    *list = frame;
    if (--chunk->used == 0) {
        close_chunk(chunk_of(frame));
    }
}

/* The frames that are longest in a cache go. */
static void drain(struct bin *bin)
{
    uint32_t count = bin->count < FRAME_BATCH ? bin->count : FRAME_BATCH;
    for (uint32_t i = 0; i < count; i++) {
        give_to_chunk(bin->cache[i]);
    }
    bin->count -= count;
    memmove(bin->cache, bin->cache + count, bin->count * sizeof bin->cache[0]);
    bin->counts.drains++;
}

static void drain_all(void)
{
    for (uint32_t group = 0; group < GROUPS; group++) {
        for (uint32_t colour = 0; colour <= pool.colour_mask; colour++) {
            while (pool.bin[group][colour].count > 0) {
                drain(&pool.bin[group][colour]);
            }
        }
    }
}

static void put(struct bin *bin, uint32_t frame)
{
    if (bin->count == CACHE_FRAMES) {
        drain(bin);
    }
    bin->cache[bin->count++] = frame;
}

/* The next frames of a chunk, of all colours, the first one to be taken first. */
static bool make_batch(uint32_t index)
{
    struct chunk *chunk = &pool.chunk[index];
    uint32_t first = first_of(index) + chunk->made;
    if (sys_untyped_retype(CPTR(chunk->slot), OBJECT_FRAME, PAGE_BITS, FRAME_BATCH, pool.masters, first) != OK) {
        return false;
    }
    chunk->made += FRAME_BATCH;
    chunk->used += FRAME_BATCH;
    for (uint32_t i = FRAME_BATCH; i-- > 0;) {
        pool.frame[first + i].is_clean = true;
        put(bin_of(first + i), first + i);
    }
    return true;
}
_Static_assert(CHUNK_FRAMES % FRAME_BATCH == 0 && FRAME_BATCH % MEMORY_MOST_COLOURS == 0, "");

static bool has_room(uint32_t index, uint32_t group, uint32_t colour)
{
    struct chunk const *chunk = &pool.chunk[index];
    return chunk->state == CHUNK_CUT && chunk->group == group && index != pool.leaving &&
           (chunk->returned[colour] != FRAME_NONE || chunk->made < CHUNK_FRAMES);
}

/* The chunk to fill a bin's cache from: one of the group that has room, else a free one. 0 if there is
 * none. */
static uint32_t choose_chunk(uint32_t group, uint32_t colour)
{
    uint32_t unused = 0;
    for (uint32_t i = 1; i < pool.chunk_end; i++) {
        if (has_room(i, group, colour)) {
            return i;
        }
        if (unused == 0 && pool.chunk[i].state == CHUNK_FREE &&
            (group == GROUP_RECORDS || group == pool.chunk[i].node)) {
            unused = i;
        }
    }
    if (unused != 0) {
        open_chunk(unused, group);
    }
    return unused;
}

/* Fills an empty cache, with frames that came back or else with new ones. */
static bool fill(uint32_t group, uint32_t colour)
{
    struct bin *bin = &pool.bin[group][colour];
    uint32_t index = has_room(bin->chunk, group, colour) ? bin->chunk : choose_chunk(group, colour);
    if (index == 0) {
        return false;
    }
    bin->chunk = index;
    bin->counts.fills++;
    struct chunk *chunk = &pool.chunk[index];
    uint32_t *list = &chunk->returned[colour];
    if (*list == FRAME_NONE) {
        return make_batch(index);
    }
    while (*list != FRAME_NONE && bin->count < FRAME_BATCH) {
        bin->cache[bin->count++] = *list;
        *list = pool.frame[*list].next;
        chunk->used++;
    }
    return true;
}

/* ---- Handing out ---- */

static uint32_t take(struct bin *bin, bool clear)
{
    uint32_t frame = bin->cache[bin->count - 1];
    struct frame *f = &pool.frame[frame];
    if (clear && !f->is_clean) {
        char *data = frame_look(frame);
        if (data == NULL) {
            return FRAME_NONE;
        }
        memset(data, 0, PAGE);
    }
    f->is_clean = false;
    f->users = 1;
    bin->count--;
    bin->counts.taken++;
    pool.counts.free--;
    return frame;
}

/* The next of these colours. */
static uint32_t next_colour(uint32_t colours)
{
    uint32_t colour = pool.colour;
    do {
        colour = (colour + 1) & pool.colour_mask;
    } while ((colours >> colour & 1) == 0);
    return pool.colour = colour;
}

/* A bin of the group and of one of the colours that has frames in its cache, NULL if there is none. */
static struct bin *find_bin(uint32_t group, uint32_t colours)
{
    for (uint32_t i = 0; i <= pool.colour_mask; i++) {
        uint32_t colour = (pool.colour + i) & pool.colour_mask;
        struct bin *bin = &pool.bin[group][colour];
        if ((colours >> colour & 1) != 0 && (bin->count > 0 || fill(group, colour))) {
            return bin;
        }
    }
    return NULL;
}

/* The node itself has none at hand: more of these, else of another node, else what records keep free. */
static struct bin *find_elsewhere(struct place place)
{
    struct bin *bin = find_bin(place.node, place.colours);
    for (uint32_t i = 1; bin == NULL && i <= pool.node_count; i++) {
        uint32_t group = i < pool.node_count ? (place.node + i) % pool.node_count : GROUP_RECORDS;
        bin = find_bin(group, place.colours);
        if (bin != NULL) {
            bin->counts.strayed++;
        }
    }
    return bin;
}

uint32_t frame_new(struct place place, bool clear)
{
    struct bin *bin = &pool.bin[place.node][next_colour(place.colours)];
    if (unlikely(bin->count == 0)) {
        bin = find_elsewhere(place);
    }
    return bin != NULL ? take(bin, clear) : FRAME_NONE;
}

uint32_t frame_new_record(void)
{
    struct place any = { 0, FRAME_ALL_COLOURS };
    struct bin *bin = find_bin(GROUP_RECORDS, any.colours);
    uint32_t frame = bin != NULL ? take(bin, true) : frame_new(any, true);
    pool.chunk[chunk_of(frame)].has_records |= frame != FRAME_NONE;
    return frame;
}

static uint32_t take_huge(uint32_t node)
{
    uint32_t best = 0;
    for (uint32_t i = pool.chunk_end - 1; i > 0; i--) {
        if (pool.chunk[i].state == CHUNK_FREE && (best == 0 || pool.chunk[i].node == node)) {
            best = i;
            if (pool.chunk[i].node == node) {
                break;
            }
        }
    }
    if (best == 0) {
        return FRAME_NONE;
    }
    uint32_t frame = first_of(best);
    struct chunk *chunk = &pool.chunk[best];
    open_chunk(best, chunk->node);
    if (sys_untyped_retype(CPTR(chunk->slot), OBJECT_FRAME, CHUNK_BITS, 1, pool.masters, frame) != OK) {
        return FRAME_NONE;
    }
    chunk->state = CHUNK_HUGE;
    chunk->used = 1;
    pool.frame[frame].users = 1;
    pool.counts.free -= CHUNK_FRAMES;
    return frame;
}

uint32_t frame_new_huge(struct place place)
{
    if (!frame_suits_huge(place)) {
        return FRAME_NONE;
    }
    uint32_t frame = take_huge(place.node);
    if (frame == FRAME_NONE) {
        drain_all(); /* a chunk may have had its last frames in a cache */
        frame = take_huge(place.node);
    }
    return frame;
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
    uint32_t index = chunk_of(frame);
    if (--pool.frame[frame].users > 0) {
        return;
    }
    if (pool.chunk[index].state == CHUNK_HUGE) {
        pool.counts.free += CHUNK_FRAMES;
        close_chunk(index);
        return;
    }
    pool.counts.free++;
    struct bin *bin = bin_of(frame);
    bin->counts.given++;
    if (index == pool.leaving) {
        give_to_chunk(frame);
    } else {
        put(bin, frame);
    }
}

struct frame_counts frame_counts(void)
{
    return pool.counts;
}

bool frame_bin_counts(uint32_t node, uint32_t colour, struct bin_counts *counts)
{
    if (node >= pool.node_count || colour > pool.colour_mask) {
        return false;
    }
    *counts = pool.bin[node][colour].counts;
    counts->total /= pool.colour_mask + 1;
    return true;
}

/* ---- Places ---- */

bool frame_colour(uint32_t colours)
{
    if (colours == pool.colour_mask + 1) {
        return true;
    }
    bool possible = colours > 0 && colours <= MEMORY_MOST_COLOURS && (colours & (colours - 1)) == 0;
    if (!possible || pool.counts.free != pool.counts.total) {
        return false;
    }
    drain_all();
    pool.colour_mask = colours - 1;
    return true;
}

static uint32_t all_colours(void)
{
    return (2u << pool.colour_mask) - 1;
}

bool frame_place(struct place *place)
{
    place->node = place->node < pool.node_count ? place->node : 0;
    place->colours &= all_colours();
    return place->colours != 0;
}

bool frame_suits_huge(struct place place)
{
    return place.colours == all_colours();
}

/* ---- Emptying a chunk ---- */

uint32_t frame_leave_begin(void)
{
    drain_all();
    uint32_t best = 0, room = 0;
    for (uint32_t i = 1; i < pool.chunk_end; i++) {
        struct chunk const *chunk = &pool.chunk[i];
        if (chunk->state != CHUNK_CUT || chunk->has_records) {
            continue;
        }
        room += CHUNK_FRAMES - chunk->used;
        if (best == 0 || chunk->used < pool.chunk[best].used) {
            best = i;
        }
    }
    bool fits = best != 0 && pool.chunk[best].used <= room - (CHUNK_FRAMES - pool.chunk[best].used);
    pool.leaving = fits ? best : 0;
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

/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/vspace.h"

struct vspace null_vspace = { .near_number = ~0ul };

void vspace_init(struct vspace *vspace)
{
    vspace->near_number = ~0ul;
}

/* ---- ASIDs: given out when a space is first loaded, taken away in turn ---- */

#define ASIDS 1024
static struct vspace *asid_owner[ASIDS];
static uint32_t asid_last; /* given out last; 0 is the kernel's and never given out */
static uint32_t asid_seen; /* the highest ever given out: the TLB knows nothing beyond it */
word asid_given, asid_flushes;

static void asid_drop(struct vspace *vspace)
{
    if (vspace->asid != 0) {
        arch_flush_asid(vspace->asid);
        asid_flushes++;
        asid_owner[vspace->asid] = NULL;
        vspace->asid = 0;
    }
    vspace->root = 0;
}

bool vspace_activate(struct vspace *vspace)
{
    if (vspace->root != 0) {
        return true;
    }
    if (vspace->top == NULL) {
        return false;
    }
    word count = arch_asid_count();
    uint32_t asid = asid_last + 1 < (count < ASIDS ? count : ASIDS) ? asid_last + 1 : 1;
    asid_last = asid;
    asid_given++;
    struct vspace *victim = asid_owner[asid];
    if (victim != NULL) {
        victim->root = 0;
        victim->asid = 0;
    }
    if (asid <= asid_seen) {
        arch_flush_asid(asid);
        asid_flushes++;
    } else {
        asid_seen = asid;
    }
    asid_owner[asid] = vspace;
    vspace->asid = asid;
    vspace->root = arch_root_make(arch_physical(vspace->top), asid);
    return true;
}

/* ---- Tables ---- */

ALWAYS_INLINE struct table *table_below(word pte)
{
    return arch_window(arch_pte_address(pte));
}

ALWAYS_INLINE struct table *table_of_entry(word const *entry)
{
    return (struct table *)((word)entry & ~((1ul << TABLE_BITS) - 1));
}

/* The table of `wanted` level that maps `address`. Where the way ends before, the last table on
 * it; *level is then above `wanted`. */
ALWAYS_INLINE struct table *walk(struct table *top, word address, unsigned wanted, unsigned *level)
{
    struct table *table = top;
    unsigned at = ARCH_LEVELS - 1;
    for (; at > wanted; at--) {
        word pte = table->entry[table_index(address, at)];
        if (unlikely(!arch_pte_valid(pte) || arch_pte_is_leaf(pte, at))) {
            break;
        }
        table = table_below(pte);
    }
    *level = at;
    return table;
}

static bool pool_has(struct vspace const *vspace, unsigned count)
{
    struct table *table = vspace->pool;
    for (; count > 0 && table != NULL; count--) {
        table = table->next;
    }
    return count == 0;
}

static struct table *table_take(struct vspace *vspace, word address, unsigned level)
{
    struct table *table = vspace->pool;
    vspace->pool = table->next;
    table->next = vspace->used;
    table->prev = NULL;
    if (table->next != NULL) {
        table->next->prev = table;
    }
    vspace->used = table;
    table->cleared = 0;
    table->vspace = vspace;
    table->level = level;
    table->base = address & ~((1ul << (table_level_bits(level) + 9)) - 1);
    return table;
}

/* Makes the tables that lack on the way to `address`; the pool has enough. */
static struct table *make_way(struct vspace *vspace, word address, unsigned wanted)
{
    if (vspace->top == NULL) {
        struct table *top = table_take(vspace, 0, ARCH_LEVELS - 1);
        arch_root_init(top->entry);
        vspace->top = top;
    }
    unsigned level;
    struct table *table = walk(vspace->top, address, wanted, &level);
    for (; level > wanted; level--) {
        struct table *below = table_take(vspace, address, level - 1);
        table->entry[table_index(address, level)] = arch_pte_table(arch_physical(below));
        table = below;
    }
    return table;
}

/* ---- Mapping ---- */

/* How a frame's pages lie: all of one level, in at most two tables. */
struct spread {
    unsigned level;
    unsigned count; /* of pages */
    unsigned first; /* those in the first table */
};

ALWAYS_INLINE struct spread spread_over(unsigned bits, word address, unsigned level)
{
    unsigned count = 1u << (bits - table_level_bits(level));
    unsigned room = 512 - table_index(address, level);
    return (struct spread){ level, count, count < room ? count : room };
}

/* The part of a frame that the second table maps. */
ALWAYS_INLINE word second_address(struct spread spread, word address)
{
    return address + ((word)spread.first << table_level_bits(spread.level));
}

ALWAYS_INLINE bool level_fits(unsigned bits, word address, unsigned level)
{
    return bits >= table_level_bits(level) && (address & ((1ul << table_level_bits(level)) - 1)) == 0;
}

static void fill(word *entry, unsigned count, word page, word step)
{
    for (unsigned i = 0; i < count; i++) {
        entry[i] = page;
        page += step;
    }
}

/* Writes the entries of a frame whose tables are there; 0 unmaps. The first entry is `entry`. */
static void write_entries(struct vspace *vspace, word *entry, struct spread spread, word address,
                          word page)
{
    word step = page == 0 ? 0 : arch_pte_step(spread.level);
    fill(entry, spread.first, page, step);
    if (unlikely(spread.first < spread.count)) {
        unsigned level;
        struct table *table =
            walk(vspace->top, second_address(spread, address), spread.level, &level);
        kassert(level == spread.level);
        fill(&table->entry[0], spread.count - spread.first, page + spread.first * step, step);
    }
}

/* More pages than this are forgotten by forgetting the whole space. */
#define FLUSH_PAGES 16

static void flush(struct vspace *vspace, struct spread spread, word address)
{
    if (vspace->asid == 0) {
        return;
    }
    if (likely(spread.count <= FLUSH_PAGES)) {
        for (unsigned i = 0; i < spread.count; i++) {
            arch_flush_page(address + ((word)i << table_level_bits(spread.level)), vspace->asid);
        }
    } else {
        arch_flush_asid(vspace->asid);
        asid_flushes++;
    }
}

/* What is wrong with the rights, if frame_rights_good() says no. */
static enum err rights_error(word head, word rights)
{
    if ((rights & ~FRAME_RIGHTS) != 0 || (rights & FRAME_READ) == 0) {
        return ERR_BAD_ARGUMENT;
    }
    return (rights & ~head) != 0 ? ERR_NO_RIGHT : ERR_WRITE_EXECUTE;
}

static bool any_valid(word const *entry, unsigned count)
{
    word any = 0;
    for (; count >= 8; count -= 8, entry += 8) {
        any |= entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7];
    }
    for (; count > 0; count--) {
        any |= *entry++;
    }
    return arch_pte_valid(any); /* which looks at one bit */
}

/* Asks whether `count` entries from `address` on, all in one table, are free; adds to *lacking
 * the tables that are not there. */
static enum err ask_for_place(struct vspace *vspace, word address, unsigned wanted, unsigned count,
                              unsigned *lacking)
{
    if (vspace->top == NULL) {
        *lacking += ARCH_LEVELS - wanted;
        return OK;
    }
    unsigned level;
    struct table *table = walk(vspace->top, address, wanted, &level);
    *lacking += level - wanted;
    return any_valid(&table->entry[table_index(address, level)], level == wanted ? count : 1)
               ? ERR_OCCUPIED
               : OK;
}

static void table_give(struct vspace *vspace, struct table *table)
{
    *(table->prev != NULL ? &table->prev->next : &vspace->used) = table->next;
    if (table->next != NULL) {
        table->next->prev = table->prev;
    }
    table->next = vspace->pool;
    vspace->pool = table;
}

/* A table without entries gives way to the one large page that is to be where it is: it goes back
 * to the pool. */
static void clear_place(struct vspace *vspace, word address, unsigned wanted)
{
    unsigned level;
    struct table *table = walk(vspace->top, address, wanted, &level);
    word *entry = &table->entry[table_index(address, level)];
    if (level != wanted || !arch_pte_valid(*entry) || arch_pte_is_leaf(*entry, level)) {
        return;
    }
    struct table *below = table_below(*entry);
    if (any_valid(below->entry, 512)) {
        return;
    }
    *entry = 0;
    vspace->near_number = ~0ul;
    if (vspace->asid != 0) {
        arch_flush_asid(vspace->asid); /* the processor may remember the table */
        asid_flushes++;
    }
    table_give(vspace, below);
}

/* As find_place(), when there is more to it. Where both tables lack, one that they share above
 * them is asked for twice: at worst the holder is told to feed two tables more than it takes. */
static __attribute__((noinline)) enum err make_place(struct vspace *vspace, word address,
                                                     struct spread spread, struct table **out)
{
    unsigned lacking = 0;
    unsigned rest = spread.count - spread.first;
    word second = second_address(spread, address);
    enum err err = ask_for_place(vspace, address, spread.level, spread.first, &lacking);
    if (err == OK && rest != 0) {
        err = ask_for_place(vspace, second, spread.level, rest, &lacking);
    }
    if (err != OK) {
        return err;
    }
    if (!pool_has(vspace, lacking)) {
        return ERR_NEED_TABLES;
    }
    *out = make_way(vspace, address, spread.level);
    if (rest != 0) {
        (void)make_way(vspace, second, spread.level);
    }
    return OK;
}

/* The table that will map a frame's first page; makes what tables lack. */
ALWAYS_INLINE enum err find_place(struct vspace *vspace, word address, struct spread spread,
                                  struct table **out)
{
    if (likely(vspace->top != NULL && spread.first == spread.count)) {
        unsigned level;
        struct table *table = walk(vspace->top, address, spread.level, &level);
        if (likely(level == spread.level)) {
            *out = table;
            word *entry = &table->entry[table_index(address, level)];
            if (unlikely(level > 0 && spread.count == 1 && arch_pte_valid(*entry))) {
                clear_place(vspace, address, level);
            }
            return any_valid(entry, spread.count) ? ERR_OCCUPIED : OK;
        }
    }
    return make_place(vspace, address, spread, out);
}

enum err frame_map_any(struct cap frame, struct vspace *vspace, word address, word rights)
{
    unsigned bits = frame_bits(frame.arg);
    word size = 1ul << bits;
    if (frame_entry(frame.arg) != NULL) {
        return ERR_MAPPED;
    }
    if (!frame_rights_good(frame.head, rights)) {
        return rights_error(frame.head, rights);
    }
    if (address >= ARCH_USER_TOP || size > ARCH_USER_TOP - address) {
        return ERR_BAD_ARGUMENT;
    }
    unsigned level = 0;
    while (level < ARCH_LEAF_LEVELS - 1 && level_fits(bits, address, level + 1)) {
        level++;
    }
    if (!level_fits(bits, address, level) || bits - table_level_bits(level) > 9) {
        return ERR_MISALIGNED;
    }
    struct spread spread = spread_over(bits, address, level);
    struct table *table;
    enum err err = find_place(vspace, address, spread, &table);
    if (err != OK) {
        return err;
    }

    unsigned index = table_index(address, level);
    word page = arch_pte_leaf(frame_memory(frame.head), rights, frame.arg & FRAME_DEVICE, level);
    write_entries(vspace, &table->entry[index], spread, address, page);
    frame_note_mapping(frame, table, index);
    flush(vspace, spread, address);
    if (level == 0) {
        vspace->near = table;
        vspace->near_number = address >> table_level_bits(1);
    }
    return OK;
}

/* Where a frame is mapped, worked out from its first entry. */
struct mapping {
    struct table *table;
    unsigned index;
    word address;
    struct spread spread;
};

ALWAYS_INLINE struct mapping mapping_of(word arg)
{
    word *entry = frame_entry(arg);
    struct table *table = table_of_entry(entry);
    unsigned index = (unsigned)(entry - table->entry);
    word address = table->base + ((word)index << table_level_bits(table->level));
    return (struct mapping){ table, index, address,
                             spread_over(frame_bits(arg), address, table->level) };
}

static void forget_mapping(struct slot *frame)
{
    slot_lock(frame);
    slot_write_arg(frame, frame_unmapped_arg(frame->arg));
    slot_unlock(frame);
}

/* Writes the entries of a mapped frame anew, for 0 or the page entry of its start. */
static __attribute__((noinline)) void rewrite(word arg, word page)
{
    struct mapping m = mapping_of(arg);
    struct vspace *vspace = m.table->vspace;
    write_entries(vspace, &m.table->entry[m.index], m.spread, m.address, page);
    flush(vspace, m.spread, m.address);
}

/* The same for a frame of one page. */
ALWAYS_INLINE void rewrite_page(struct table *table, unsigned index, word page)
{
    struct vspace *vspace = table->vspace;
    table->entry[index] = page;
    if (likely(vspace->asid != 0)) {
        arch_flush_page(table->base + ((word)index << PAGE_BITS), vspace->asid);
    }
}

void frame_unmap(struct slot *frame)
{
    word arg = frame->arg;
    word *entry = frame_entry(arg);
    struct table *table = table_of_entry(entry);
    unsigned index = (unsigned)(entry - table->entry);
    table->owner[index] = 0;
    if (likely(frame_bits(arg) == PAGE_BITS)) {
        rewrite_page(table, index, 0);
    } else {
        rewrite(arg, 0);
    }
    forget_mapping(frame);
}

enum err frame_protect(struct cap frame, word rights)
{
    word *entry = frame_entry(frame.arg);
    if (unlikely(entry == NULL)) {
        return ERR_NOT_MAPPED;
    }
    if (unlikely(!frame_rights_good(frame.head, rights))) {
        return rights_error(frame.head, rights);
    }
    struct table *table = table_of_entry(entry);
    word page =
        arch_pte_leaf(frame_memory(frame.head), rights, frame.arg & FRAME_DEVICE, table->level);
    if (likely(frame_bits(frame.arg) == PAGE_BITS)) {
        rewrite_page(table, (unsigned)(entry - table->entry), page);
    } else {
        rewrite(frame.arg, page);
    }
    return OK;
}

void frame_moved(struct slot *frame)
{
    word *entry = frame_entry(frame->arg);
    if (entry != NULL) {
        struct table *table = table_of_entry(entry);
        table->owner[entry - table->entry] = link_to(frame);
    }
}

/* ---- Feeding and clearing ---- */

ALWAYS_INLINE struct table *tables_first(word head)
{
    return cap_object_of(head, OBJECT_TABLES);
}

enum err vspace_feed(struct vspace *vspace, struct slot *tables)
{
    if (vspace->used != NULL && vspace->top == NULL) {
        return ERR_NOT_READY;
    }
    struct table *first = tables_first(tables->head);
    word count = 1ul << ((tables->arg & FRAME_BITS_MASK) - TABLE_BITS);
    for (word i = count; i-- > 0;) {
        first[i].next = vspace->pool;
        vspace->pool = &first[i];
    }
    first->block = link_to(tables);
    first->block_next = vspace->blocks;
    vspace->blocks = first;
    word offset = (word)vspace - ARCH_WINDOW;
    slot_lock(tables);
    slot_write_arg(tables, tables->arg | offset << TABLES_VSPACE_SHIFT);
    slot_unlock(tables);
    return OK;
}

void tables_moved(struct slot *tables)
{
    if (tables_vspace(tables->arg) != NULL) {
        tables_first(tables->head)->block = link_to(tables);
    }
}

/* Entries at once. */
#define CLEAR_STEP 128

static void clear_part(struct vspace *vspace, struct table *table)
{
    unsigned end = table->cleared + CLEAR_STEP;
    for (unsigned i = table->cleared; i < end; i++) {
        table->entry[i] = 0;
        if (table->owner[i] != 0) {
            forget_mapping(link_target(table->owner[i]));
            table->owner[i] = 0;
        }
    }
    table->cleared = end;
    if (end == 512) {
        vspace->used = table->next;
    }
}

bool vspace_clear_step(struct vspace *vspace, struct slot const *last)
{
    vspace->pool = NULL;
    if (vspace->top != NULL) {
        arch_root_load(arch_kernel_root());
        asid_drop(vspace);
        vspace->top = NULL;
        vspace->near_number = ~0ul;
    }
    struct table *table = vspace->used;
    if (table != NULL) {
        clear_part(vspace, table);
        return false;
    }
    struct table **place = &vspace->blocks;
    if (*place != NULL && link_target((*place)->block) == last && (*place)->block_next != NULL) {
        place = &(*place)->block_next;
    }
    struct table *first = *place;
    if (first != NULL) {
        struct slot *tables = link_target(first->block);
        *place = first->block_next;
        slot_lock(tables);
        slot_write_arg(tables, tables->arg & FRAME_BITS_MASK);
        slot_unlock(tables);
        return false;
    }
    return true;
}

/* ---- Looking ---- */

/* The notes are searched so far for who mapped an entry. */
#define OWNER_WITHIN 64u

static bool is_memory(struct table const *table, unsigned index)
{
    for (unsigned i = 0; i < OWNER_WITHIN && i <= index; i++) {
        uint32_t owner = table->owner[index - i];
        if (owner != 0) {
            return !(((struct slot *)link_target(owner))->arg & FRAME_DEVICE);
        }
    }
    return false;
}

/* Where the kernel sees a page of memory that is mapped; NULL: nowhere, or it is no memory. */
static char const *find_page(struct vspace const *vspace, word address)
{
    if (vspace->top == NULL || address >= ARCH_USER_TOP) {
        return NULL;
    }
    unsigned level;
    struct table const *table = walk(vspace->top, address, 0, &level);
    unsigned index = table_index(address, level);
    word pte = table->entry[index];
    if (!arch_pte_valid(pte) || !arch_pte_is_leaf(pte, level) || !is_memory(table, index)) {
        return NULL;
    }
    word inside = address & ((1ul << table_level_bits(level)) - 1);
    return (char const *)arch_window(arch_pte_address(pte)) + inside;
}

bool vspace_look(struct vspace_view *view, word address, word out[2])
{
    word page = address & ~((1ul << PAGE_BITS) - 1);
    if (address % (2 * sizeof(word)) != 0) {
        return false;
    }
    if (view->bytes == NULL || view->page != page) {
        if (view->pages == 0) {
            return false;
        }
        view->pages--;
        view->page = page;
        view->bytes = find_page(view->vspace, page);
    }
    if (view->bytes == NULL) {
        return false;
    }
    word const *pair = (word const *)(void const *)(view->bytes + (address - page));
    out[0] = pair[0];
    out[1] = pair[1];
    return true;
}

static void entry_check(struct table const *table, unsigned i)
{
    if (table->owner[i] == 0) {
        return;
    }
    struct slot const *frame = link_target(table->owner[i]);
    word *entry = frame_entry(frame->arg);
    bool sound = cap_type(frame->head) == OBJECT_FRAME && entry == &table->entry[i] && arch_pte_valid(*entry) &&
                 arch_pte_address(*entry).raw == arch_physical(cap_object_of(frame->head, OBJECT_FRAME)).raw;
    if (!sound) {
        panic("entry %u of table %p and its frame disagree", i, (void const *)table);
    }
}

void vspace_check(struct vspace const *vspace)
{
    for (struct table const *table = vspace->used; table != NULL; table = table->next) {
        if (table->vspace != vspace) {
            panic("table %p is in the wrong list", (void const *)table);
        }
        for (unsigned i = 0; i < 512; i += 8) { /* most are empty: eight are looked at in one */
            word const *owners = (word const *)&table->owner[i];
            if ((owners[0] | owners[1] | owners[2] | owners[3]) == 0) {
                continue;
            }
            for (unsigned j = i; j < i + 8; j++) {
                entry_check(table, j);
            }
        }
    }
    if (vspace->asid != 0 ? asid_owner[vspace->asid] != vspace : vspace->root != 0) {
        panic("ASID %lu is not its owner's", vspace->asid);
    }
}

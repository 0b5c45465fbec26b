/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces: which frames are mapped where, and the tables that this takes. */
#include "spec.h"

#define LEVELS   3
#define USER_TOP (1ul << 38)

static unsigned level_bits(int level)
{
    return (unsigned)(PAGE_BITS + 9 * (unsigned)level);
}

static uint64_t table_base(uint64_t address, int level)
{
    return address & ~((1ul << (level_bits(level) + 9)) - 1);
}

static bool has_table(struct spec const *s, int vspace, int level, uint64_t base)
{
    for (int i = 0; i < SPEC_TABLES; i++) {
        struct spec_table const *table = &s->table[i];
        if (table->vspace == vspace && table->level == level && table->base == base) {
            return true;
        }
    }
    return false;
}

bool spec_maps_anything(struct spec const *s, int vspace)
{
    return has_table(s, vspace, LEVELS - 1, 0);
}

/* Something is mapped in [from, to). */
static bool is_mapped(struct spec const *s, int vspace, uint64_t from, uint64_t to)
{
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *frame = &s->slot[s->order[i]];
        if (frame->type == OBJECT_FRAME && frame->vspace == vspace && frame->mapped_at < to &&
            from < frame->mapped_at + (1ul << frame->bits)) {
            return true;
        }
    }
    return false;
}

/* A table of that level, or of a lower one, stands in [from, to). */
static bool is_divided(struct spec const *s, int vspace, int level, uint64_t from, uint64_t to)
{
    for (int i = 0; i < SPEC_TABLES; i++) {
        struct spec_table const *table = &s->table[i];
        if (table->vspace == vspace && table->level < level && table->base >= from &&
            table->base < to) {
            return true;
        }
    }
    return false;
}

/* How far down the tables for `address` go: the level of the last, LEVELS if there is none. */
static int reached(struct spec const *s, int vspace, uint64_t address, int wanted)
{
    int level = LEVELS;
    while (level > wanted &&
           has_table(s, vspace, level - 1, level == LEVELS ? 0 : table_base(address, level - 1))) {
        level--;
    }
    return level;
}

static void take_table(struct spec *s, int vspace, int level, uint64_t base)
{
    for (int i = 0; i < SPEC_TABLES; i++) {
        if (s->table[i].vspace == SPEC_NONE) {
            s->table[i] = (struct spec_table){ (int16_t)vspace, (int16_t)level, base };
            s->vspace[vspace].pool--;
            return;
        }
    }
    s->exceeded = true;
}

static void make_way(struct spec *s, int vspace, uint64_t address, int wanted)
{
    for (int level = LEVELS - 1; level >= wanted; level--) {
        uint64_t base = level == LEVELS - 1 ? 0 : table_base(address, level);
        if (!has_table(s, vspace, level, base)) {
            take_table(s, vspace, level, base);
        }
    }
}

/* Whether [from, to), all of one table, is free; adds the tables that lack. */
static enum err ask(struct spec const *s, int vspace, int wanted, uint64_t from, uint64_t to,
                    int *lacking)
{
    int level = reached(s, vspace, from, wanted);
    *lacking += level - wanted;
    bool taken = is_mapped(s, vspace, from, to) ||
                 (level == wanted && is_divided(s, vspace, level, from, to));
    return taken ? ERR_OCCUPIED : OK;
}

/* A table without entries gives way to the one large page that is to be where it is. */
static void give_way(struct spec *s, int vspace, int level, uint64_t address)
{
    uint64_t end = address + (1ul << level_bits(level));
    if (reached(s, vspace, address, level) != level || is_mapped(s, vspace, address, end) ||
        is_divided(s, vspace, level - 1, address, end)) {
        return;
    }
    for (int i = 0; i < SPEC_TABLES; i++) {
        struct spec_table *table = &s->table[i];
        if (table->vspace == vspace && table->level == level - 1 && table->base == address) {
            table->vspace = SPEC_NONE;
            s->vspace[vspace].pool++;
        }
    }
}

static bool rights_good(struct spec_slot const *frame, uint64_t rights, enum err *err)
{
    if ((rights & ~(uint64_t)FRAME_RIGHTS) != 0 || !(rights & FRAME_READ)) {
        *err = ERR_BAD_ARGUMENT;
    } else if ((rights & ~frame->rights) != 0) {
        *err = ERR_NO_RIGHT;
    } else if ((rights & FRAME_WRITE) && (rights & FRAME_EXECUTE)) {
        *err = ERR_WRITE_EXECUTE;
    } else {
        return true;
    }
    return false;
}

enum err spec_map(struct spec *s, int slot, int vspace, uint64_t address, uint64_t rights)
{
    struct spec_slot *frame = &s->slot[slot];
    uint64_t size = 1ul << frame->bits;
    enum err err;
    if (frame->vspace != SPEC_NONE) {
        return ERR_MAPPED;
    }
    if (!rights_good(frame, rights, &err)) {
        return err;
    }
    if (address >= USER_TOP || size > USER_TOP - address) {
        return ERR_BAD_ARGUMENT;
    }
    int level = 0; /* the largest pages that size and address allow */
    while (level < LEVELS - 1 && frame->bits >= level_bits(level + 1) &&
           address % (1ul << level_bits(level + 1)) == 0) {
        level++;
    }
    if (address % (1ul << level_bits(level)) != 0 || frame->bits - level_bits(level) > 9) {
        return ERR_MISALIGNED;
    }

    /* A frame lies in one table, or in two. Where both lack what they share, it counts twice. */
    uint64_t table_end = table_base(address, level) + (1ul << (level_bits(level) + 9));
    uint64_t end = address + size < table_end ? address + size : table_end;
    bool in_two = end < address + size;
    int lacking = 0;
    if (level > 0 && size == 1ul << level_bits(level)) {
        give_way(s, vspace, level, address);
    }
    err = ask(s, vspace, level, address, end, &lacking);
    if (err == OK && in_two) {
        err = ask(s, vspace, level, end, address + size, &lacking);
    }
    if (err != OK) {
        return err;
    }
    if (lacking > s->vspace[vspace].pool) {
        return ERR_NEED_TABLES;
    }
    make_way(s, vspace, address, level);
    if (in_two) {
        make_way(s, vspace, end, level);
    }
    frame->vspace = (int16_t)vspace;
    frame->mapped_at = address;
    frame->mapped_rights = rights;
    frame->level = (int16_t)level;
    return OK;
}

enum err spec_protect(struct spec *s, int slot, uint64_t rights)
{
    struct spec_slot *frame = &s->slot[slot];
    enum err err;
    if (frame->vspace == SPEC_NONE) {
        return ERR_NOT_MAPPED;
    }
    if (!rights_good(frame, rights, &err)) {
        return err;
    }
    frame->mapped_rights = rights;
    return OK;
}

void spec_unmap(struct spec *s, int slot)
{
    struct spec_slot *frame = &s->slot[slot];
    frame->vspace = SPEC_NONE;
    frame->mapped_at = frame->mapped_rights = 0;
    frame->level = 0;
}

void spec_feed(struct spec *s, int vspace, int tables)
{
    s->slot[tables].vspace = (int16_t)vspace;
    s->vspace[vspace].pool = (int16_t)(s->vspace[vspace].pool + (1 << (s->slot[tables].bits - TABLE_BITS)));
}

/* Mappings and tables go, and every block of tables is free to feed another. */
void spec_clear_vspace(struct spec *s, int vspace)
{
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot *slot = &s->slot[s->order[i]];
        if (slot->vspace == vspace && (slot->type == OBJECT_FRAME || slot->type == OBJECT_TABLES)) {
            spec_unmap(s, s->order[i]);
        }
    }
    for (int i = 0; i < SPEC_TABLES; i++) {
        if (s->table[i].vspace == vspace) {
            s->table[i].vspace = SPEC_NONE;
        }
    }
    s->vspace[vspace].pool = 0;
}

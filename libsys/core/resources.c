/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/resources.h>

uint32_t sys_slot_take(struct sys_slots *slots)
{
    if (slots->free_count > 0) {
        return slots->free[--slots->free_count];
    }
    return sys_slots_take(slots, 1);
}

uint32_t sys_slots_take(struct sys_slots *slots, uint32_t count)
{
    if (slots->end - slots->next < count) {
        return 0;
    }
    uint32_t first = slots->next;
    slots->next += count;
    return first;
}

void sys_slot_give(struct sys_slots *slots, uint32_t slot)
{
    if (slots->free_count < sizeof slots->free / sizeof slots->free[0]) {
        slots->free[slots->free_count++] = slot;
    }
}

enum err sys_make(struct sys_resources *r, enum object_type type, uint8_t size, cptr_t *out)
{
    uint32_t slot = sys_slot_take(&r->slots);
    if (slot == 0) {
        return ERR_NO_MEMORY;
    }
    enum err err = sys_untyped_retype(r->memory, type, size, 1, r->cnode, slot);
    if (err != OK) {
        sys_slot_give(&r->slots, slot);
        return err;
    }
    *out = CPTR(slot);
    return OK;
}

enum err sys_drop(struct sys_resources *r, cptr_t cap)
{
    uint32_t slot = (uint32_t)(cap.raw >> SLOT_BITS);
    enum err err = sys_cnode_delete(r->cnode, slot);
    if (err == OK) {
        sys_slot_give(&r->slots, slot);
    }
    return err;
}

/* Tables come in blocks of so many bytes. */
#define FEED_BITS 16

enum err sys_map_at(struct sys_resources *r, cptr_t vspace, cptr_t frame, uint64_t address,
                    uint64_t rights)
{
    enum err err = sys_frame_map(frame, vspace, address, rights);
    if (err == ERR_NEED_TABLES) {
        cptr_t tables;
        err = sys_make(r, OBJECT_TABLES, FEED_BITS, &tables);
        if (err == OK) {
            err = sys_vspace_feed(vspace, tables);
        }
        if (err == OK) {
            err = sys_frame_map(frame, vspace, address, rights);
        }
    }
    return err;
}

enum err sys_map(struct sys_resources *r, cptr_t frame, uint8_t bits, uint64_t rights, void **out)
{
    uint64_t size = 1ul << bits;
    uint64_t align = bits >= 30 ? 1ul << 30 : bits >= 21 ? 1ul << 21 : 1ul << PAGE_BITS;
    uint64_t address = (r->next_address + align - 1) & ~(align - 1);
    enum err err = sys_map_at(r, r->vspace, frame, address, rights);
    if (err == OK) {
        /* A page stays free behind it: running over the end is noticed. */
        r->next_address = address + size + (1ul << PAGE_BITS);
        *out = (void *)address;
    }
    return err;
}

enum err sys_map_shared(struct sys_resources *r, cptr_t frame, uint8_t bits, void **out)
{
    uint8_t type;
    uint64_t rights, size;
    enum err err = sys_cnode_inspect(r->cnode, (uint32_t)(frame.raw >> SLOT_BITS), &type, &rights, &size);
    if (err != OK || type != OBJECT_FRAME || size != bits) {
        return err != OK ? err : ERR_WRONG_TYPE;
    }
    return sys_map(r, frame, bits, FRAME_READ | FRAME_WRITE, out);
}

enum err sys_memory(struct sys_resources *r, uint8_t bits, cptr_t *frame, void **out)
{
    cptr_t cap;
    enum err err = sys_make(r, OBJECT_FRAME, bits, &cap);
    if (err != OK) {
        return err;
    }
    err = sys_map(r, cap, bits, FRAME_READ | FRAME_WRITE, out);
    if (err == OK && frame != NULL) {
        *frame = cap;
    }
    return err;
}

enum err sys_memory_to_share(struct sys_resources *r, uint8_t bits, cptr_t *share, void **out)
{
    cptr_t whole;
    uint32_t slot = sys_slot_take(&r->slots);
    enum err err = slot == 0 ? ERR_NO_MEMORY : sys_memory(r, bits, &whole, out);
    if (err != OK) {
        return err;
    }
    *share = CPTR(slot);
    return sys_cnode_copy(r->cnode, slot, whole, FRAME_READ | FRAME_WRITE);
}

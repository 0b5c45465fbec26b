/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to untyped memory: the one place where objects are born. */
#include "object/untyped.h"

#include "api/delete.h"
#include "invocations.h"
#include "object/cnode.h"
#include "object/object.h"
#include "trace_events.h"

/* More at once would keep interrupts waiting. */
#define RETYPE_MOST 32

/* `count` empty slots from `at` on. */
NODISCARD static enum err empty_slots(struct cpu *cpu, struct cap cnode, uint32_t at,
                                      uint32_t count, unsigned argument, struct slot **first)
{
    struct slot *last;
    if (cnode_slot_at(cnode, at, first) != OK ||
        cnode_slot_at(cnode, (word)at + count - 1, &last) != OK) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, argument, OBJECT_NONE, OBJECT_NONE);
    }
    for (struct slot *slot = *first; slot <= last; slot++) {
        if (!slot_is_empty(slot)) {
            return invocation_refuse(cpu, ERR_OCCUPIED, argument, OBJECT_NONE,
                                     cap_type(slot->head));
        }
    }
    return OK;
}

/* Memory of which nothing was derived any more is all free again. */
NODISCARD static enum err take_back(struct cpu *cpu, struct slot *untyped)
{
    if (untyped->child != 0 || untyped_used(untyped->arg) == 0) {
        return OK;
    }
    if (delete_has_remains()) {
        /* This may take away what was looked up, even the caller: the request starts over. */
        enum err err = delete_remains(cpu);
        return err != OK ? err : ERR_PREEMPTED;
    }
    slot_lock(untyped);
    slot_write_arg(untyped, untyped_arg(untyped->arg, 0, 0));
    slot_unlock(untyped);
    return OK;
}

/* Zeroes the memory up to `end`, as far as no interrupt waits. */
NODISCARD static enum err clean(struct cpu *cpu, struct slot *untyped, word end)
{
    while (!untyped_clean_step(untyped, end)) {
        if (invocation_must_yield(cpu)) {
            return ERR_PREEMPTED;
        }
    }
    return OK;
}

enum err invoke_untyped_retype(struct cpu *cpu, struct cap self, enum object_type type,
                               uint8_t size, uint32_t count, struct cap into, uint32_t at)
{
    struct slot *untyped = self.slot;
    word bytes = object_bytes(type, size);
    if (bytes == 0) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, type, OBJECT_NONE);
    }
    if (count == 0 || count > RETYPE_MOST) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 3, OBJECT_NONE, OBJECT_NONE);
    }
    if (untyped->arg & UNTYPED_DEVICE) {
        return invocation_refuse(cpu, ERR_WRONG_TYPE, 0, OBJECT_UNTYPED, OBJECT_UNTYPED);
    }
    struct slot *slots;
    enum err err = empty_slots(cpu, into, at, count, 5, &slots);
    if (err != OK) {
        return err;
    }
    err = take_back(cpu, untyped);
    if (err != OK) {
        return err;
    }
    word start;
    err = untyped_fit(untyped->arg, bytes, count, &start);
    if (err != OK) {
        return err;
    }
    word end = start + count * bytes;
    if (type != OBJECT_UNTYPED) {
        err = clean(cpu, untyped, end);
        if (err != OK) {
            return err;
        }
    }

    char *memory = (char *)cap_object_of(untyped->head, OBJECT_UNTYPED) + start;
    trace_retype(cpu, type, count, (word)memory);
    word was_clean = untyped_clean(untyped->arg);
    slot_lock(untyped);
    slot_write_arg(untyped, untyped_arg(untyped->arg, end, was_clean > end ? was_clean : end));
    slot_unlock(untyped);
    for (uint32_t i = 0; i < count; i++) {
        cap_insert(untyped, &slots[i], object_make(type, size, memory + i * bytes, cpu));
    }
    return OK;
}

enum err invoke_untyped_carve(struct cpu *cpu, struct cap self, uint64_t offset, uint8_t size,
                              struct cap into, uint32_t at)
{
    if (!(self.arg & UNTYPED_DEVICE)) {
        return invocation_refuse(cpu, ERR_WRONG_TYPE, 0, OBJECT_UNTYPED, OBJECT_UNTYPED);
    }
    word bytes = object_bytes(OBJECT_FRAME, size);
    word limit = untyped_size(self.arg);
    if (bytes == 0) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, OBJECT_FRAME, OBJECT_NONE);
    }
    if (offset >= limit || bytes > limit - offset) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    if (offset & (bytes - 1)) {
        return invocation_refuse(cpu, ERR_MISALIGNED, 1, OBJECT_NONE, OBJECT_NONE);
    }
    struct slot *slot;
    enum err err = empty_slots(cpu, into, at, 1, 4, &slot);
    if (err != OK) {
        return err;
    }
    char *memory = (char *)cap_object_of(self.head, OBJECT_UNTYPED) + offset;
    struct cap frame = object_make(OBJECT_FRAME, size, memory, cpu);
    frame.arg |= FRAME_DEVICE;
    cap_insert(self.slot, slot, frame);
    return OK;
}

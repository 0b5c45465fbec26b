/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/batch.h"

/* Mapping is what batches are for, mostly: entries one after the other that map pages into the same
 * address space are done without looking it up each time. Returns the first entry that is not done:
 * it is not of that kind, or cannot be done, or an interrupt waits. */
static word map_run(struct cpu *cpu, struct batch_entry const USER *entry, word at, word count)
{
    struct tcb *current = cpu->current;
    word where = user_read(&entry->arguments[0]);
    struct cap space = slot_read(cspace_slot(current, (cptr_t){ where }));
    if (cap_type(space.head) != OBJECT_VSPACE) {
        return at;
    }
    struct vspace *vspace = cap_vspace(space);
    for (; at < count; at++, entry++) {
        if (tag_label(user_read(&entry->tag)) != METHOD_FRAME_MAP ||
            user_read(&entry->arguments[0]) != where) {
            break;
        }
        struct cap frame = slot_read(cspace_slot(current, (cptr_t){ user_read(&entry->target) }));
        if (unlikely(cap_type(frame.head) != OBJECT_FRAME) ||
            unlikely(frame_map(frame, vspace, user_read(&entry->arguments[1]),
                               user_read(&entry->arguments[2])) != OK)) {
            break;
        }
        if (unlikely(arch_interrupt_pending())) {
            return at + 1;
        }
    }
    return at;
}

/* Performs entries from *at on; *at is left at the one that failed or has to wait. */
static enum err perform(struct cpu *cpu, word *at, word count)
{
    struct tcb *current = cpu->current;
    struct batch_entry USER *entries = current->buffer->batch;
    while (*at < count) {
        if (unlikely(cpu->resched != 0) && (current->buffer == NULL || current->wait != 0)) {
            return ERR_CANCELLED; /* an entry took away what the batch stands on */
        }
        struct batch_entry USER *entry = &entries[*at];
        word label = tag_label(user_read(&entry->tag));
        word next = label == METHOD_FRAME_MAP ? map_run(cpu, entry, *at, count) : *at;
        if (next == *at) {
            struct cap cap = slot_read(cspace_slot(current, (cptr_t){ user_read(&entry->target) }));
            cpu->args = (word volatile FORCE *)entry + 1; /* arguments follow the tag, and count from 1 */
            enum err err = invocation_perform(cpu, cap, label);
            if (unlikely(err != OK)) {
                return err;
            }
            next++;
        }
        *at = next;
        if (unlikely(invocation_must_yield(cpu)) && *at < count) {
            return ERR_PREEMPTED;
        }
    }
    return OK;
}

enum err batch_perform(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    word count = current->args[1];
    word at = current->args[2];
    if (current->buffer == NULL) {
        return ERR_NO_BUFFER;
    }
    if (count > BATCH_ENTRIES || at > count) {
        unsigned argument = count > BATCH_ENTRIES ? 1 : 2;
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, argument, OBJECT_NONE, OBJECT_NONE);
    }
    enum err err = perform(cpu, &at, count);
    if (err == ERR_PREEMPTED) {
        current->args[2] = at;
        return err;
    }
    current->args[0] = -(word)err;
    current->args[1] = at;
    current->args[2] = err == OK ? 0 : cpu->detail;
    return OK;
}

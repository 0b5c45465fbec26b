/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/told.h"

#include "object/cnode.h"
#include "trace_events.h"

static struct cap named(struct cpu const *cpu, word address)
{
    return slot_read(cspace_slot(cpu->current, (cptr_t){ address }));
}

/* `args` are the request's arguments, counted from 1. */
static void tell(struct cpu *cpu, struct cap self, word label, word volatile const *args)
{
    if (label / 16 != cap_type(self.head)) {
        return;
    }
    struct slot *slot;
    switch (label) {
    case METHOD_FRAME_MAP:
        trace_map(cpu, link_to(cap_object(named(cpu, args[1]).head)), (uint8_t)frame_bits(self.arg),
                  (uint8_t)args[3], args[2]);
        break;
    case METHOD_FRAME_UNMAP:
        if (frame_entry(self.arg) != NULL) {
            trace_unmap(cpu, frame_address(self.arg));
        }
        break;
    case METHOD_CNODE_DELETE:
        if (cnode_slot_at(self, (uint32_t)args[1], &slot) == OK) {
            trace_delete(cpu, cap_type(slot->head), link_to(slot));
        }
        break;
    case METHOD_CNODE_REVOKE:
        if (cnode_slot_at(self, (uint32_t)args[1], &slot) == OK) {
            trace_revoke(cpu, cap_type(slot->head), link_to(slot));
        }
        break;
    default:
        break;
    }
}

static void tell_batch(struct cpu *cpu, word count, word at)
{
    struct message_buffer *buffer = cpu->current->buffer;
    for (; buffer != NULL && at < count && at < BATCH_ENTRIES; at++) {
        struct batch_entry volatile const *entry = &buffer->batch[at];
        tell(cpu, named(cpu, entry->target), tag_label(entry->tag), entry->arguments - 1);
    }
}

void tell_requests(struct cpu *cpu)
{
    word const *args = cpu->current->args;
    switch (args[0] & 31) {
    case SYS_CALL:
    case SYS_CALL_LONG:
    case SYS_CALL_UNTIL:
        tell(cpu, named(cpu, args[0]), tag_label(args[7]), args);
        break;
    case SYS_BATCH:
        tell_batch(cpu, args[1], args[2]);
        break;
    default:
        break;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/told.h"

#include "ipc/wait_set.h"
#include "object/cnode.h"
#include "object/endpoint.h"
#include "object/reply.h"
#include "trace_events.h"

static struct cap named(struct cpu const *cpu, word address)
{
    return slot_read(cspace_slot(cpu->current, (cptr_t){ address }));
}

/* `args` are the request's arguments, counted from 1. */
static void tell(struct cpu *cpu, struct cap self, word label, word const *args)
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
    struct message_buffer const USER *buffer = cpu->current->buffer;
    for (; buffer != NULL && at < count && at < BATCH_ENTRIES; at++) {
        struct batch_entry const USER *entry = &buffer->batch[at];
        word args[1 + array_length(entry->arguments)];
        for (unsigned i = 1; i < array_length(args); i++) {
            args[i] = user_read(&entry->arguments[i - 1]);
        }
        tell(cpu, named(cpu, user_read(&entry->target)), tag_label(user_read(&entry->tag)), args);
    }
}

/* The endpoint that the call names, or the one of the wait set that it is a member of; NULL: none. */
static struct endpoint *named_endpoint(struct cpu const *cpu, word address)
{
    struct cap cap = named(cpu, address);
    if (cap_type(cap.head) != OBJECT_ENDPOINT) {
        return NULL;
    }
    struct member const *via = wait_set_member(cap_endpoint(cap));
    return via != NULL ? via->set->endpoint : cap_endpoint(cap);
}

static void note_sending(struct cpu *cpu, struct told *told, word const *args)
{
    struct endpoint const *endpoint = named_endpoint(cpu, args[0]);
    if (endpoint != NULL) {
        told->receiver = endpoint->recv.head;
        told->receiver_wait = (word)endpoint | WAIT_RECV;
    } else {
        tell(cpu, named(cpu, args[0]), tag_label(args[7]), args);
    }
}

static void note_receiving(struct cpu *cpu, struct told *told, word const *args)
{
    struct endpoint const *endpoint = named_endpoint(cpu, args[0]);
    told->sender = endpoint != NULL ? endpoint->send.head : NULL;
}

static void note_reply(struct told *told, struct tcb *caller)
{
    told->caller = caller;
    told->caller_wait = caller != NULL ? caller->wait : 0;
}

void tell_before(struct cpu *cpu, struct told *told)
{
    struct tcb *current = cpu->current;
    word const *args = current->args;
    *told = (struct told){ .tag = args[7] };
    trace_syscall(cpu, args[0], args[7]);
    switch (args[0] & 31) {
    case SYS_CALL:
    case SYS_CALL_LONG:
    case SYS_CALL_UNTIL:
    case SYS_SEND:
    case SYS_NB_SEND:
    case SYS_SEND_UNTIL:
        note_sending(cpu, told, args);
        break;
    case SYS_REPLY_RECV:
    case SYS_REPLY_RECV_LONG:
        note_reply(told, current->caller);
        note_receiving(cpu, told, args);
        break;
    case SYS_RECV:
    case SYS_NB_RECV:
        note_receiving(cpu, told, args);
        break;
    case SYS_REPLY: {
        struct cap cap = named(cpu, args[0]);
        bool kept = cap_type(cap.head) == OBJECT_REPLY;
        note_reply(told, kept ? cap_reply(cap)->caller : current->caller);
        break;
    }
    case SYS_BATCH:
        tell_batch(cpu, args[1], args[2]);
        break;
    default:
        break;
    }
}

void tell_after(struct cpu *cpu, struct tcb *came, struct told const *told)
{
    struct tcb *caller = told->caller;
    if (caller != NULL && caller->wait != told->caller_wait) {
        trace_reply(cpu, came, caller, told->tag);
    }
    struct tcb const *receiver = told->receiver;
    if (receiver != NULL && receiver->wait != told->receiver_wait) {
        trace_message(cpu, came, receiver, told->tag);
    }
    bool back = cpu->current == came && came->wait == 0;
    word first = came->args[0];
    if (back && told->sender != NULL && (long)first >= 0) {
        trace_message(cpu, came->caller != NULL ? came->caller : told->sender, came, came->args[7]);
    }
    if (back) {
        trace_result(cpu, first);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/message.h"

#include "base/clock.h"
#include "object/cnode.h"
#include "object/object.h"

#define ARG_CAP ARCH_MESSAGE_REGISTERS /* the last message word names the capability to send */

enum err message_check_sender(struct tcb const *from, bool grant, struct load *load)
{
    word tag = from->args[ARG_TAG];
    load->words = (unsigned)tag_words(tag);
    if (load->words > MESSAGE_WORDS || tag_caps(tag) > 1) {
        return ERR_BAD_ARGUMENT;
    }
    if (load->words > ARCH_MESSAGE_REGISTERS) {
        if (from->buffer == NULL) {
            return ERR_NO_BUFFER;
        }
        load->kind |= EVENT_KIND_LONG;
    }
    if (tag_caps(tag) == 1) {
        if (!grant) {
            return ERR_NO_RIGHT;
        }
        load->cap = slot_read(cspace_slot(from, (cptr_t){ from->args[ARG_CAP] }));
        enum object_type type = cap_type(load->cap.head);
        if (type == OBJECT_NONE) {
            return ERR_BAD_CAPABILITY;
        }
        if (!type_is_copyable(type)) {
            return ERR_NOT_COPYABLE;
        }
        load->kind |= EVENT_KIND_CAP;
    }
    return OK;
}

enum err message_check_receiver(struct tcb const *to, struct load *load)
{
    if (load->kind != 0 && to->buffer == NULL) {
        return ERR_NO_BUFFER;
    }
    if (load->cap.slot != NULL) {
        /* Read once: the receiver's other threads may write it at any time. */
        cptr_t address = { user_read(&to->buffer->receive_slot) };
        load->into = cspace_slot(to, address);
        if ((char *)load->into == to->cs_base || !slot_is_empty(load->into)) {
            return ERR_NO_RECEIVE_SLOT;
        }
    }
    return OK;
}

void message_carry(struct tcb const *from, struct tcb *to, word event, struct load const *load)
{
    for (unsigned i = ARCH_MESSAGE_REGISTERS; i < load->words; i++) {
        user_write(&to->buffer->words[i], user_read(&from->buffer->words[i]));
    }
    if (load->cap.slot != NULL) {
        cap_copy(load->cap, load->into, RIGHTS_ALL, cap_copied_arg(load->cap));
    }
    to->args[0] = event | load->kind;
#pragma GCC unroll 7 /* in pairs of loads and stores, not a loop of five instructions a word */
    for (unsigned i = 1; i < 8; i++) {
        to->args[i] = from->args[i];
    }
}

void message_carry_fault(struct tcb const *from, struct tcb *to, word event)
{
    to->args[0] = event | EVENT_KIND_FAULT;
    to->args[1] = from->fault_kind;
    to->args[2] = from->fault_address;
    to->args[3] = from->frame[ARCH_FRAME_PC];
    to->args[4] = from->frame[ARCH_FRAME_SP];
    to->args[5] = to->args[6] = 0;
    to->args[ARG_TAG] = 4ul << TAG_WORDS_SHIFT;
}

void message_carry_time_out(struct tcb const *from, struct tcb *to, word event)
{
    message_carry_fault(from, to, event);
    to->args[5] = clock_to_ns(from->fault_time);
    to->args[ARG_TAG] = 5ul << TAG_WORDS_SHIFT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/receive.h>

_Thread_local struct sys_resources *sys_thread_receiver;

static void next_slot(void)
{
    sys_buffer()->receive_slot = CPTR(sys_slot_take(&sys_thread_receiver->slots)).raw;
}

enum err sys_receive_into(struct sys_resources *r)
{
    if (sys_buffer() == NULL) {
        return ERR_NO_BUFFER;
    }
    sys_thread_receiver = r;
    next_slot();
    return sys_buffer()->receive_slot != 0 ? OK : ERR_NO_MEMORY;
}

cptr_t sys_received(void)
{
    cptr_t cap = { sys_buffer()->receive_slot };
    if (sys_thread_receiver != NULL) {
        next_slot();
    } else {
        sys_buffer()->receive_slot = 0;
    }
    return cap;
}

static uint32_t slot_of(cptr_t cap)
{
    return (uint32_t)(cap.raw >> SLOT_BITS);
}

bool sys_received_is(enum object_type type)
{
    uint8_t found;
    uint64_t rights, value;
    cptr_t cap = { sys_buffer()->receive_slot };
    struct sys_resources *r = sys_thread_receiver;
    return r != NULL && sys_cnode_inspect(r->cnode, slot_of(cap), &found, &rights, &value) == OK &&
           found == type;
}

bool sys_received_own(cptr_t endpoint, uint64_t *badge)
{
    uint8_t type, same;
    uint64_t rights;
    cptr_t cap = sys_received();
    struct sys_resources *r = sys_thread_receiver;
    if (r == NULL) {
        return false;
    }
    bool own = sys_cnode_compare(r->cnode, slot_of(cap), endpoint, &same) == OK && same &&
               sys_cnode_inspect(r->cnode, slot_of(cap), &type, &rights, badge) == OK;
    sys_received_drop(cap);
    return own;
}

void sys_received_drop(cptr_t cap)
{
    if (sys_thread_receiver != NULL && cap.raw != 0) {
        sys_ignore(sys_drop(sys_thread_receiver, cap)); /* it may be gone already, with what it came from */
        if (sys_buffer()->receive_slot == 0) {
            next_slot(); /* there was none left */
        }
    }
}

void sys_received_refuse(sys_event_t event)
{
    if (sys_event_error(event) == OK && (sys_event_kind(event) & EVENT_KIND_CAP) != 0) {
        sys_received_drop(sys_received());
    }
}

enum err sys_reply_error(sys_event_t event)
{
    enum err err = sys_event_error(event);
    sys_received_refuse(event);
    return err != OK ? err : ERR_BAD_ARGUMENT;
}

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

bool sys_received_is(enum object_type type)
{
    uint8_t found;
    uint64_t rights, value;
    uint32_t slot = (uint32_t)(sys_buffer()->receive_slot >> SLOT_BITS);
    return sys_thread_receiver != NULL &&
           sys_cnode_inspect(sys_thread_receiver->cnode, slot, &found, &rights, &value) == OK && found == type;
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

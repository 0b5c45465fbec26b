/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities that come with messages: into which slots of the program's table they go. */
#pragma once

#include <tessera/resources.h>

/* Whose slots this thread receives into. */
extern _Thread_local struct sys_resources *sys_thread_receiver;

/* From now on capabilities that this thread receives go into slots of *r, which no other thread
 * uses meanwhile. Without this none are received: the sender gets ERR_NO_RECEIVE_SLOT. */
NODISCARD enum err sys_receive_into(struct sys_resources *r);
/* The capability that just came, which is now the caller's; the next goes into another slot. Give
 * it up with sys_received_drop(). */
cptr_t sys_received(void);
/* Whether what just came is a capability to an object of this type. */
bool sys_received_is(enum object_type type);
/* Whether what just came is a capability to this endpoint, and with what badge. It is deleted. */
bool sys_received_own(cptr_t endpoint, uint64_t *badge);
/* Deletes a capability that sys_received() returned, if it is not CPTR_NONE. */
void sys_received_drop(cptr_t cap);
/* Deletes the capability that came with this event, if one did and nobody has taken it. */
void sys_received_refuse(sys_event_t event);
/* The error of a call that came back with anything but numbers in registers: a capability is
 * deleted. */
NODISCARD enum err sys_reply_error(sys_event_t event);

ALWAYS_INLINE NODISCARD enum err sys_reply_refuse(sys_event_t event)
{
    enum err err = sys_reply_error(event);
    if (err == OK) {
        __builtin_unreachable();
    }
    return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/park.h>

static struct {
    cptr_t reply;
    cptr_t thread;
} parks[SYS_PARKS + 1];

_Thread_local unsigned sys_park_own;
unsigned sys_park_most;

enum err sys_park_make(struct sys_resources *r, unsigned number, cptr_t thread)
{
    parks[number].thread = thread;
    sys_park_most = number > sys_park_most ? number : sys_park_most;
    return sys_make(r, OBJECT_REPLY, 0, &parks[number].reply);
}

enum err sys_park_drop(struct sys_resources *r, unsigned number)
{
    return sys_drop(r, parks[number].reply);
}

enum err sys_park_until(unsigned holder, uint64_t deadline)
{
    return sys_reply_await(parks[sys_park_own].reply, parks[holder].thread, deadline);
}

void sys_park(unsigned holder)
{
    sys_ignore(sys_park_until(holder, 0));
}

void sys_unpark(unsigned number)
{
    sys_ignore(sys_reply_answer(parks[number].reply));
}

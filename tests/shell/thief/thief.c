/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes servers hang: it takes requests from their endpoints before they do, being of higher priority, and
 * keeps the callers for ever. Once it was killed, and until it is killed again.
 */
#include <idl/control_client.h>
#include <tessera/start.h>
#include <tessera/string.h>
#include <tessera/thread.h>
#include <thief_caps.h>

#define CONTROL  ((struct control){ THIEF_CAP_CONTROL })
#define PRIORITY 253
#define SLICE_NS 10000000ul
#define MOST     100u /* callers of each server */

static struct sys_resources means = {
    .cnode = THIEF_CAP_CNODE,
    .memory = THIEF_CAP_MEMORY,
    .vspace = THIEF_CAP_VSPACE,
    .sched = THIEF_CAP_SCHED,
    .slots = { .next = THIEF_FIRST_FREE_SLOT, .end = THIEF_SLOTS },
    .next_address = 0x100000000,
};

static cptr_t replies[2][MOST];

static void steal(cptr_t endpoint, cptr_t const *reply)
{
    for (unsigned i = 0; i < MOST; i++) {
        struct sys_message m;
        sys_ignore(sys_event_error(sys_recv(endpoint, &m, 0)));
        sys_ignore(sys_reply_save(reply[i]));
    }
}

static void steal_from_trace(void *argument)
{
    (void)argument;
    steal(THIEF_CAP_TRACE, replies[1]);
}

/* An odd number of times. */
static bool is_up_to_it(void)
{
    struct control_program program = { 0 };
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        if (strcmp((char const *)program.name, "thief") == 0) {
            return program.restarts % 2 != 0;
        }
    }
    return false;
}

int main(uint64_t argument)
{
    (void)argument;
    static struct sys_thread thread;
    struct sys_thread_options options = { .name = "thief", .priority = PRIORITY, .slice_ns = SLICE_NS };
    cptr_t never = CPTR_NONE;
    uint64_t bits;
    enum err err = sys_make(&means, OBJECT_NOTIFICATION, 0, &never);
    if (err == OK && is_up_to_it()) {
        for (unsigned i = 0; i < 2 * MOST && err == OK; i++) {
            err = sys_make(&means, OBJECT_REPLY, 0, &replies[i / MOST][i % MOST]);
        }
        if (err == OK) {
            err = sys_thread_create(&means, &thread, &options, steal_from_trace, NULL);
        }
        if (err == OK) {
            steal(THIEF_CAP_VFS, replies[0]);
        }
    }
    return err == OK ? (int)sys_wait(never, 0, &bits, NULL) : 1;
}

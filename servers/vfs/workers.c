/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that serve, and what sessions have of kernel objects. */
#include "board.h"
#include "pipe.h"
#include "requests.h"
#include "session.h"

#include <idl/trace_client.h>
#include <idl/vfs_events.h>
#include <tessera/start.h>
#include <tessera/string.h>
#include <tessera/thread.h>
#include <vfs_caps.h>

/* More than one, so that a call that is in the middle of something when its time is up does not keep
 * others waiting. Above every client: a client's other threads do not keep it from its answer. */
#define WORKERS  4u
#define PRIORITY 150
#define SLICE_NS 10000000ul

static struct worker {
    uint32_t gift;
    struct sys_thread thread;
    struct sys_trace trace;
} workers[WORKERS];

/* Worker i has number i + 1 among those who wait for locks. */
uint32_t board_gift_slot(void)
{
    return workers[sys_park_own - 1].gift;
}

/* ---- What the trace server gets to know, where there is one ---- */

#define TRACE         ((struct trace){ VFS_CAP_TRACE })
#define MOST_TO_JOIN  1000000000ul /* ns: it may be just being started */

static struct trace_ring const nobody_asks;
static struct trace_ring const *asked = &nobody_asks; /* one worker's ring stands for all */

/* Without a trace server the workers work as well. */
static void join(struct worker *worker, char name[static sizeof "vfs 1"])
{
    cptr_t frame;
    enum err err = sys_trace_make(&board, &worker->trace, TRACE_RING_BITS, &frame);
    if (err == OK) {
        err = trace_join_until(TRACE, sys_clock_ns() + MOST_TO_JOIN, name, strlen(name), frame);
    }
    if (err == OK) {
        asked = worker->trace.ring;
    }
}

static bool has_trace(void)
{
    uint8_t type;
    uint64_t rights, badge;
    return sys_cnode_inspect(board.cnode, (uint32_t)(VFS_CAP_TRACE.raw >> SLOT_BITS), &type, &rights, &badge) == OK &&
           type != OBJECT_NONE;
}

static void join_all(void)
{
    char name[] = "vfs 1";
    for (unsigned i = 0; i < WORKERS; i++) {
        join(&workers[i], name);
        name[sizeof name - 2]++;
    }
}

/* ---- Work ---- */

static void serve_traced(sys_event_t event, struct sys_message *m)
{
    struct sys_trace *trace = &workers[sys_park_own - 1].trace;
    uint32_t request = (uint32_t)tag_request(m->tag);
    vfs_event_begin(trace, (uint32_t)tag_label(m->tag), request);
    requests_serve(event, m);
    vfs_event_end(trace, (uint32_t)tag_label(m->tag), request);
}

/* A short answer takes the shorter way out. */
static sys_event_t reply_recv(struct sys_message *m)
{
    bool is_short = tag_words(m->tag) <= SYS_MESSAGE_REGISTERS && tag_caps(m->tag) == 0;
    return likely(is_short) ? sys_reply_recv(VFS_CAP_ENDPOINT, m, SYS_MESSAGE_REGISTERS)
                            : sys_reply_recv_long(VFS_CAP_ENDPOINT, m);
}

static void work(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = reply_recv(&m);
        enum err err = sys_event_error(event);
        if (likely(err == OK && !sys_trace_is_wanted(asked))) {
            requests_serve(event, &m);
        } else if (err == OK) {
            serve_traced(event, &m);
        } else { /* the client cannot take what it asked for */
            m = (struct sys_message){ .tag = sys_tag(err, 0, 0) };
        }
    }
}

enum err workers_begin(void)
{
    enum err err = sys_park_make(&board, sys_park_own, VFS_CAP_THREAD);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].gift = sys_slot_take(&board.slots);
    }
    struct sys_thread_options options = { .name = "vfs worker", .priority = PRIORITY,
                                          .slice_ns = SLICE_NS, .fault = SYS_SUPERVISOR };
    if (err == OK) {
        err = console_begin(&options);
    }
    if (has_trace()) {
        join_all();
    }
    for (unsigned i = 1; i < WORKERS && err == OK; i++) {
        options.number = i + 1;
        err = sys_thread_create(&board, &workers[i].thread, &options, work, NULL);
    }
    if (err == OK) {
        work(NULL);
    }
    return err;
}

/* ---- Sessions ---- */

/* What a session number has once and for all. The client gets a copy of `notification`. */
static struct equipment {
    bool made;
    cptr_t notification, signal;
    uint32_t endpoint; /* slot of the badged capability */
} equipment[SESSIONS];

static enum err copy(cptr_t source, uint64_t rights, cptr_t *out)
{
    uint32_t slot = sys_slot_take(&board.slots);
    *out = CPTR(slot);
    return slot == 0 ? ERR_NO_MEMORY : sys_cnode_copy(board.cnode, slot, source, rights);
}

static enum err make_equipment(struct session *session, struct equipment *e)
{
    enum err err = vfs_data_make(&board, &session->data, &session->shared);
    if (err == OK) {
        err = sys_make(&board, OBJECT_NOTIFICATION, 0, &e->notification);
    }
    if (err == OK) {
        uint32_t slot = sys_slot_take(&board.slots);
        e->signal = CPTR(slot);
        err = sys_cnode_mint(board.cnode, slot, e->notification, NOTIFICATION_SIGNAL, 1);
    }
    e->endpoint = sys_slot_take(&board.slots);
    return err == OK && e->endpoint == 0 ? ERR_NO_MEMORY : err;
}

enum err session_equip(struct session *session)
{
    struct equipment *e = &equipment[session_number(session)];
    lock_take(&board_lock);
    enum err err = e->made ? OK : make_equipment(session, e);
    e->made = err == OK;
    if (err == OK) {
        err = copy(e->notification, NOTIFICATION_WAIT, &session->notification);
    }
    if (err == OK) {
        session->endpoint = CPTR(e->endpoint);
        err = sys_cnode_mint(board.cnode, e->endpoint, VFS_CAP_ENDPOINT, ENDPOINT_SEND,
                             session_badge(session));
    }
    lock_give(&board_lock);
    return err;
}

static void take_back(cptr_t cap)
{
    sys_ignore(sys_cnode_revoke(board.cnode, (uint32_t)(cap.raw >> SLOT_BITS)));
}

void session_strip(struct session *session)
{
    struct equipment *e = &equipment[session_number(session)];
    uint64_t bits;
    lock_take(&board_lock);
    take_back(session->data.cap);
    take_back(session->notification);
    sys_ignore(sys_drop(&board, session->notification));
    sys_ignore(sys_cnode_revoke(board.cnode, e->endpoint));
    sys_ignore(sys_cnode_delete(board.cnode, e->endpoint));
    lock_give(&board_lock);
    sys_ignore(sys_poll(e->notification, &bits, NULL)); /* nothing is left for the next */
    memset(session->shared.memory, 0, session->shared.size);
}

void sessions_wake(uint64_t sessions)
{
    for (unsigned number = 0; sessions != 0; number++, sessions >>= 1) {
        if (sessions & 1) {
            sys_ignore(sys_signal(equipment[number].signal));
        }
    }
}

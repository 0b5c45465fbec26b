/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something to trace: a client, a front and a back, each a thread. A request goes from one to the
 * other with its number in the tag, and each says in its own ring what it does for it. Then the client
 * writes to the console through the file server, which know of no number, and puts probes into that.
 */
#include <idl/control_client.h>
#include <idl/trace_client.h>
#include <idl/trace_events.h>
#include <tessera/files.h>
#include <tessera/receive.h>
#include <tessera/start.h>
#include <tessera/string.h>
#include <tessera/thread.h>
#include <traced_caps.h>

#define TRACE    ((struct trace){ TRACED_CAP_TRACE })
#define CONTROL  ((struct control){ TRACED_CAP_CONTROL })
#define PRIORITY 100
#define SLICE_NS 1000000ul
#define REQUESTS 100
#define SAMPLED_NS 100000000ul

static struct sys_resources resources = {
    .cnode = TRACED_CAP_CNODE,
    .memory = TRACED_CAP_MEMORY,
    .vspace = TRACED_CAP_VSPACE,
    .sched = TRACED_CAP_SCHED,
    .slots = { .next = TRACED_FIRST_FREE_SLOT, .end = TRACED_SLOTS },
    .next_address = 0x100000000ul,
};

enum part { CLIENT, FRONT, BACK, PARTS };
static char const *const names[PARTS] = { "client", "front", "back" };
static struct sys_trace traces[PARTS];
static cptr_t endpoints[PARTS];

static enum err join(enum part part)
{
    cptr_t frame;
    enum err err = sys_trace_make(&resources, &traces[part], TRACE_RING_BITS, &frame);
    return err != OK ? err : trace_join(TRACE, names[part], strlen(names[part]), frame);
}

static uint64_t volatile sum;

/* Work that a profile can tell apart: three quarters here, one quarter there. */
__attribute__((noinline)) static void work(uint64_t rounds)
{
    uint64_t volatile local = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        local = local + i;
    }
    sum = local;
}

__attribute__((noinline)) static void heavy(void)
{
    work(3000);
    sum = sum + 1;
}

__attribute__((noinline)) static void light(void)
{
    work(1000);
    sum = sum + 2;
}

static void serve(enum part part)
{
    struct sys_message m = { 0 };
    sys_event_t event = sys_recv(endpoints[part], &m, 0);
    while (sys_event_error(event) == OK) {
        uint32_t request = (uint32_t)tag_request(m.tag);
        trace_event_begin(&traces[part], part, request);
        if (part == FRONT) {
            struct sys_message on = { .tag = sys_tag(2, 0, 0) | (uint64_t)request << TAG_REQUEST_SHIFT };
            sys_ignore(sys_call(endpoints[BACK], &on, 0));
        } else {
            light();
        }
        trace_event_end(&traces[part], part, request);
        event = sys_reply_recv(endpoints[part], &m, 0);
    }
}

static void front(void *argument)
{
    (void)argument;
    serve(FRONT);
}

static void back(void *argument)
{
    (void)argument;
    serve(BACK);
}

static enum err start(enum part part, void (*function)(void *))
{
    static struct sys_thread threads[PARTS];
    struct sys_thread_options options = {
        .name = names[part], .priority = PRIORITY + 1, .slice_ns = SLICE_NS
    };
    enum err err = sys_make(&resources, OBJECT_ENDPOINT, 0, &endpoints[part]);
    return err != OK ? err : sys_thread_create(&resources, &threads[part], &options, function, NULL);
}

/* One request, of three calls. */
static enum err write_to_console(struct files *files)
{
    static char const text[] = "one request through three programs\n", path[] = "/dev/console";
    uint32_t file, done;
    uint32_t request = sys_request_begin();
    trace_event_begin(&traces[CLIENT], CLIENT, request);
    enum err err = vfs_session_open(files->session, path, strlen(path), VFS_OPEN_MODE_WRITE, 0, &file);
    if (err == OK) {
        err = files_write(files, file, 0, text, strlen(text), &done);
    }
    if (err == OK) {
        err = vfs_session_close(files->session, file);
    }
    trace_event_end(&traces[CLIENT], CLIENT, request);
    return err;
}

/* ---- Probes ---- */

#define OPENS 5

static enum err open_often(struct files *files)
{
    static char const path[] = "/dev/console";
    enum err err = OK;
    for (unsigned i = 0; i < OPENS && err == OK; i++) {
        uint32_t file;
        err = vfs_session_open(files->session, path, strlen(path), VFS_OPEN_MODE_WRITE, 0, &file);
        err = err == OK ? vfs_session_close(files->session, file) : err;
    }
    return err;
}

static enum err probe(char const *program, char const *function, bool on, uint32_t *functions)
{
    return control_probe(CONTROL, program, strlen(program), function, strlen(function), on, functions);
}

/* On one function, on none, on all of them, on none again: check.py counts what was recorded. */
static bool probe_file_server(struct files *files)
{
    uint32_t one, all, same;
    bool good = probe("vfs", "tree_open", true, &one) == OK && one == 1 && open_often(files) == OK &&
                probe("vfs", "tree_open", false, &one) == OK && open_often(files) == OK;
    good = good && probe("vfs", "", true, &all) == OK && all > 100 && open_often(files) == OK &&
           probe("vfs", "", false, &same) == OK && same == all && open_often(files) == OK;
    return good && probe("vfs", "tree_fell", true, &one) == (enum err)CONTROL_ERR_NO_FUNCTION &&
           probe("trace", "main", true, &one) == (enum err)CONTROL_ERR_NO_FUNCTION && /* not built for it */
           probe("nobody", "main", true, &one) == (enum err)CONTROL_ERR_UNKNOWN;
}

int main(uint64_t argument)
{
    (void)argument;
    struct files files;
    if (sys_receive_into(&resources) != OK || files_connect(&resources, TRACED_CAP_VFS, &files) != OK) {
        return 1;
    }
    for (enum part part = CLIENT; part < PARTS; part++) {
        if (join(part) != OK) {
            return 1;
        }
    }
    if (start(FRONT, front) != OK || start(BACK, back) != OK) {
        return 2;
    }
    for (uint64_t end = sys_clock_ns() + SAMPLED_NS; sys_clock_ns() < end;) {
        heavy();
        light();
    }
    if (trace_select(TRACE, (1ul << TRACE_EVENTS) - 1) != OK) {
        return 3;
    }
    for (uint32_t request = 1; request <= REQUESTS; request++) {
        struct sys_message m = { .tag = sys_tag(1, 0, 0) | (uint64_t)request << TAG_REQUEST_SHIFT };
        trace_event_begin(&traces[CLIENT], CLIENT, request);
        if (sys_call(endpoints[FRONT], &m, 0) != OK) {
            return 4;
        }
        trace_event_end(&traces[CLIENT], CLIENT, request);
    }
    if (write_to_console(&files) != OK) {
        return 6;
    }
    if (!probe_file_server(&files)) {
        return 7;
    }
    uint64_t stored, lost;
    sys_ignore(trace_select(TRACE, 0));
    return trace_status(TRACE, &stored, &lost) == OK && stored > 0 ? 0 : 5;
}

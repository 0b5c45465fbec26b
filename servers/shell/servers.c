/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks all servers at once what they count. One that hangs costs a line that says so. */
#include "shell.h"

#include <idl/control_async.h>
#include <idl/trace_async.h>
#include <idl/vfs_async.h>
#include <shell_caps.h>

#define CONTROL  ((struct control){ SHELL_CAP_CONTROL })
#define TRACE    ((struct trace){ SHELL_CAP_TRACE })
#define PRIORITY 100

static enum err init_begin(struct sys_async *call, uint64_t deadline)
{
    return control_time_begin(call, CONTROL, deadline, CONTROL_INIT, 1);
}

static enum err init_end(struct sys_async *call, char *text, size_t size)
{
    uint32_t slot;
    uint64_t time = 0, name[2];
    enum err err = control_time_end(call, &slot, &time, &name[0], &name[1]);
    sys_format(text, size, "%lu.%02lu s of the processor", time / 1000000000, time % 1000000000 / 10000000);
    return err;
}

static enum err files_begin(struct sys_async *call, uint64_t deadline)
{
    return vfs_session_counter_begin(call, files->session, deadline, VFS_COUNTER_SESSIONS);
}

static enum err files_end(struct sys_async *call, char *text, size_t size)
{
    uint64_t sessions = 0;
    enum err err = vfs_session_counter_end(call, &sessions);
    sys_format(text, size, "%lu sessions", sessions);
    return err;
}

static enum err events_begin(struct sys_async *call, uint64_t deadline)
{
    return trace_status_begin(call, TRACE, deadline);
}

static enum err events_end(struct sys_async *call, char *text, size_t size)
{
    uint64_t stored = 0, lost = 0;
    enum err err = trace_status_end(call, &stored, &lost);
    sys_format(text, size, "%lu events kept, %lu dropped", stored, lost);
    return err;
}

static struct server {
    char const *name;
    enum err (*begin)(struct sys_async *call, uint64_t deadline);
    enum err (*end)(struct sys_async *call, char *text, size_t size);
    struct sys_async call;
    enum err err;
} servers[] = {
    { .name = "init", .begin = init_begin, .end = init_end },
    { .name = "vfs", .begin = files_begin, .end = files_end },
    { .name = "trace", .begin = events_begin, .end = events_end },
};
#define SERVERS (sizeof servers / sizeof servers[0])

enum err servers_begin(void)
{
    enum err err = OK;
    for (unsigned i = 0; i < SERVERS && err == OK; i++) {
        err = sys_async_make(&means, &servers[i].call, PRIORITY);
    }
    return err;
}

bool run_servers(struct command *command)
{
    uint64_t deadline = soon();
    bool good = true;
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i].err = servers[i].begin(&servers[i].call, deadline);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *server = &servers[i];
        char text[64];
        enum err err = server->err == OK ? server->end(&server->call, text, sizeof text) : server->err;
        say(command, "%-8s %s\n", server->name, err == OK ? text : error_name(err));
        good &= err == OK;
    }
    return good;
}

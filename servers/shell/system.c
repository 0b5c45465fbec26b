/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about the system. */
#include "shell.h"

#include <idl/control_client.h>
#include <shell_caps.h>
#include <tessera/start.h>

bool run_uptime(struct command *command)
{
    uint64_t now = sys_clock_ns();
    say(command, "%lu.%02lu s\n", now / 1000000000, now % 1000000000 / 10000000);
    return true;
}

/* Nobody signals that it is over; what is left of earlier pipes is not. */
bool run_sleep(struct command *command)
{
    uint64_t end = sys_clock_ns() + 1000000000 * number_of(command->words > 1 ? command->word[1] : "");
    uint64_t bits;
    while (sys_clock_ns() < end) {
        sys_ignore(sys_wait(files->events, end, &bits, NULL));
    }
    return true;
}

static bool show_memory(struct command *command)
{
    struct memory_stats own, all;
    enum err err = memory_space_stats((struct memory_space){ SHELL_CAP_MEMORY_SERVER }, &own, &all);
    if (err != OK) {
        return complain("free", "", err);
    }
    struct {
        uint64_t value;
        char const *name;
    } const lines[] = {
        { all.used, "pages of memory in use" },
        { all.limit - all.used, "pages of memory free" },
        { own.used, "pages of memory that the shell has" },
        { all.faults, "page faults" },
        { all.around, "pages that came along with them" },
        { all.copied, "pages copied when they were written to" },
        { all.moved, "pages moved to make room for 2 MiB" },
        { all.huge, "pieces of 2 MiB" },
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        say(command, "%8lu  %s\n", lines[i].value, lines[i].name);
    }
    if (all.limit - all.used < memory_low(&all)) {
        say(command, "          memory is short\n");
    }
    return true;
}

static bool show_file_memory(struct command *command)
{
    static struct {
        enum vfs_counter which;
        char const *name;
    } const lines[] = {
        { VFS_COUNTER_PAGES_USED, "pages of files" },
        { VFS_COUNTER_PAGES_FREE, "pages free" },
        { VFS_COUNTER_PAGES_MAPPED, "pages mapped into clients" },
        { VFS_COUNTER_PAGES_REVOKED, "pages taken back" },
        { VFS_COUNTER_INODES, "inodes in memory" },
        { VFS_COUNTER_SESSIONS, "sessions" },
        { VFS_COUNTER_PATH_HITS, "path cache: found" },
        { VFS_COUNTER_PATH_NEGATIVES, "path cache: known to be missing" },
        { VFS_COUNTER_PATH_MISSES, "path cache: looked up" },
        { VFS_COUNTER_PATH_EVICTIONS, "path cache: made room" },
        { VFS_COUNTER_INODE_HITS, "inode cache: found" },
        { VFS_COUNTER_INODE_MISSES, "inode cache: read" },
        { VFS_COUNTER_INODE_EVICTIONS, "inode cache: made room" },
        { VFS_COUNTER_LOCK_WAITS, "waits for locks" },
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        uint64_t value;
        enum err err = vfs_session_counter(files->session, lines[i].which, &value);
        if (err != OK) {
            return complain("free", "", err);
        }
        say(command, "%8lu  %s\n", value, lines[i].name);
    }
    return true;
}

bool run_free(struct command *command)
{
    return show_memory(command) && show_file_memory(command);
}

static char const *const kinds[] = { "", "memory", "archive", "devices" };

static bool list_mounts(struct command *command)
{
    struct vfs_mount mount;
    char path[VFS_PATH_MOST + 1];
    size_t length;
    for (uint32_t i = 0;; i++) {
        bool is_there = false;
        enum err err = vfs_session_mount_info(files->session, i, &is_there, &mount, path, &length);
        if (err != OK || !is_there) {
            return err == OK || complain("mount", "", err);
        }
        path[length] = '\0';
        say(command, "%-8s %-20s %6lu inodes %6lu pages%s\n", kinds[mount.kind], path, mount.inodes,
            mount.pages, mount.read_only ? ", for reading" : "");
    }
}

bool run_mount(struct command *command)
{
    if (command->words < 3) {
        return list_mounts(command);
    }
    for (unsigned kind = 1; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        if (strcmp(command->word[1], kinds[kind]) == 0) {
            enum err err = vfs_session_mount(files->session, command->word[2],
                                             strlen(command->word[2]),
                                             (enum vfs_file_system)kind);
            return err == OK || complain("mount", command->word[2], err);
        }
    }
    return complain("mount", command->word[1], ERR_BAD_ARGUMENT);
}

bool run_umount(struct command *command)
{
    char const *path = command->words > 1 ? command->word[1] : "";
    enum err err = vfs_session_unmount(files->session, path, strlen(path));
    return err == OK || complain("umount", path, err);
}

/* The system ends with the shell. */
bool run_halt(struct command *command)
{
    (void)command;
    sys_ignore(console_flush((struct console){ SHELL_CAP_CONSOLE }));
    sys_exit(0);
}

bool run_reboot(struct command *command)
{
    (void)command;
    sys_ignore(console_flush((struct console){ SHELL_CAP_CONSOLE }));
    enum err err = control_reboot((struct control){ SHELL_CAP_CONTROL });
    return complain("reboot", "", err);
}

bool run_help(struct command *command)
{
    for (unsigned i = 0; i < builtin_count; i++) {
        say(command, "%-7s %-15s %s\n", builtins[i].name, builtins[i].arguments, builtins[i].what);
    }
    say(command, "COMMAND | COMMAND, < FILE, > FILE, >> FILE and & at the end do what they\n"
                 "do elsewhere; Ctrl-C ends what runs.\n");
    return true;
}

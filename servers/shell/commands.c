/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about files. */
#include "shell.h"

#include <idl/control.h>

#define SESSION    files->session
#define PATH(text) (text), strlen(text)

char const *error_name(enum err err)
{
    switch ((unsigned)err) {
    case VFS_ERR_NOT_FOUND:
        return "no entry of that name";
    case VFS_ERR_EXISTS:
        return "it is there already";
    case VFS_ERR_NOT_DIRECTORY:
        return "not a directory";
    case VFS_ERR_IS_DIRECTORY:
        return "it is a directory";
    case VFS_ERR_NOT_EMPTY:
        return "the directory is not empty";
    case VFS_ERR_DENIED:
        return "the permissions forbid it";
    case VFS_ERR_READ_ONLY:
        return "for reading only";
    case VFS_ERR_NO_SPACE:
        return "no memory left";
    case VFS_ERR_BAD_NAME:
        return "no name that a file can have";
    case VFS_ERR_TOO_MANY_LINKS:
        return "too many links";
    case VFS_ERR_BUSY:
        return "in use";
    case VFS_ERR_OTHER_FILE_SYSTEM:
        return "in another file system";
    case VFS_ERR_UNSUPPORTED:
        return "this kind of file cannot do that";
    case CONTROL_ERR_UNKNOWN:
        return "no program of that name";
    case CONTROL_ERR_ENDED:
        return "it has ended already";
    case CONTROL_ERR_NEEDED:
        return "others have their memory from it";
    case CONTROL_ERR_NO_FUNCTION:
        return "no such function with room for a probe";
    case ERR_TIMED_OUT:
        return "no answer";
    case ERR_GONE:
    case ERR_BAD_CAPABILITY:
        return "the server has died";
    case ERR_BAD_ARGUMENT:
        return "that makes no sense";
    default:
        return "error";
    }
}

uint64_t number_of(char const *text)
{
    uint64_t number = 0;
    while (*text >= '0' && *text <= '9') {
        number = number * 10 + (uint64_t)(*text++ - '0');
    }
    return number;
}

static bool lacks(struct command *command, unsigned least)
{
    if (command->words > least) {
        return false;
    }
    char text[64];
    int length = sys_format(text, sizeof text, "%s needs %u more\n", command->word[0],
                            least + 1 - command->words);
    put_console(text, (size_t)length);
    return true;
}

/* Runs something on each argument from the first on; goes on after errors. */
static bool for_each(struct command *command, enum err (*one)(char const *path))
{
    bool good = !lacks(command, 1);
    for (unsigned i = 1; i < command->words; i++) {
        enum err err = one(command->word[i]);
        if (err != OK) {
            good = complain(command->word[0], command->word[i], err);
        }
    }
    return good;
}

/* ---- ls and stat ---- */

static void mode_text(struct vfs_stat const *stat, char *text)
{
    text[0] = "?-dlpc"[stat->kind < 6 ? stat->kind : 0];
    for (unsigned i = 0; i < 9; i++) {
        text[1 + i] = stat->permissions >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
    }
    text[10] = '\0';
}

static void show_long(struct command *command, char const *name, struct vfs_stat const *stat)
{
    char mode[12];
    mode_text(stat, mode);
    say(command, "%s %4u %6u %6u %10lu  %s%s\n", mode, stat->links, stat->user, stat->group,
        stat->size, name, stat->kind == VFS_KIND_DIRECTORY ? "/" : "");
}

static void show_entry(struct command *command, char const *dir, char const *name, uint8_t length,
                       bool is_long)
{
    char path[VFS_PATH_MOST + 1];
    struct vfs_stat stat;
    int n = sys_format(path, sizeof path, "%s/", dir);
    if ((size_t)n + length >= sizeof path) {
        return;
    }
    memcpy(path + n, name, length);
    path[n + length] = '\0';
    enum err err = vfs_session_stat(SESSION, PATH(path), false, &stat);
    if (err != OK) {
        (void)complain("ls", path, err);
    } else if (is_long) {
        show_long(command, path + n, &stat);
    } else {
        say(command, "%s%s\n", path + n, stat.kind == VFS_KIND_DIRECTORY ? "/" : "");
    }
}

static bool list_directory(struct command *command, char const *dir, bool is_long)
{
    uint32_t file, used;
    uint64_t cookie = 0;
    enum err err = vfs_session_open(SESSION, PATH(dir), VFS_OPEN_MODE_READ, 0, &file);
    if (err != OK) {
        return complain("ls", dir, err);
    }
    char entries[PIECE];
    while ((err = files_list(files, 0, file, cookie, entries, sizeof entries, &used)) == OK && used != 0) {
        struct vfs_entry entry;
        char const *name;
        for (uint32_t at = 0; (name = files_entry(entries, used, &at, &entry)) != NULL;) {
            show_entry(command, dir, name, entry.length, is_long);
            cookie = entry.cookie;
        }
    }
    sys_ignore(vfs_session_close(SESSION, file));
    return err == OK || complain("ls", dir, err);
}

static bool run_ls(struct command *command)
{
    bool is_long = command->words > 1 && strcmp(command->word[1], "-l") == 0;
    unsigned first = is_long ? 2 : 1;
    bool good = true;
    for (unsigned i = first; i < command->words || i == first; i++) {
        char const *path = i < command->words ? command->word[i] : ".";
        struct vfs_stat stat;
        enum err err = vfs_session_stat(SESSION, PATH(path), true, &stat);
        if (err != OK) {
            good = complain("ls", path, err);
        } else if (stat.kind == VFS_KIND_DIRECTORY) {
            good &= list_directory(command, path, is_long);
        } else if (is_long) {
            show_long(command, path, &stat);
        } else {
            say(command, "%s\n", path);
        }
    }
    return good;
}

static bool run_stat(struct command *command)
{
    static char const *const kinds[] = { "?", "file", "directory", "link", "pipe", "device" };
    if (lacks(command, 1)) {
        return false;
    }
    struct vfs_stat stat;
    char mode[12];
    enum err err = vfs_session_stat(SESSION, PATH(command->word[1]), false, &stat);
    if (err != OK) {
        return complain("stat", command->word[1], err);
    }
    mode_text(&stat, mode);
    say(command, "%s: %s %lu, %s, %lu bytes, %u names, user %u, group %u\n", command->word[1],
        kinds[stat.kind], stat.number, mode, stat.size, stat.links, stat.user, stat.group);
    say(command, "content of %lu.%09lu s, changed at %lu.%09lu s\n", stat.modified / 1000000000,
        stat.modified % 1000000000, stat.changed / 1000000000, stat.changed % 1000000000);
    return true;
}

/* ---- Content ---- */

/* A line as it is typed, shown meanwhile; 0: Ctrl-D at its beginning. */
static uint32_t typed_line(char *to, uint32_t room)
{
    uint32_t length = 0;
    char key = 0;
    while (length < room && key != '\n' && key_wait_until(0, &key)) {
        if (key == CONTROL_KEY('D')) {
            break;
        }
        if ((key == 127 || key == CONTROL_KEY('H')) && length > 0) {
            length--;
            put_console("\b \b", 3);
        } else if (key == '\r' || key == '\n' || key >= ' ') {
            key = key == '\r' ? '\n' : key;
            to[length++] = key;
            put_console(&key, 1);
        }
    }
    return length;
}

uint32_t next_piece(struct stream *in, char *to, uint32_t room)
{
    uint32_t done = 0;
    if (in->file == CONSOLE_STREAM) {
        return typed_line(to, room);
    }
    if (files_read(files, in->file, in->at, to, room, &done) == OK) {
        in->at += done;
    }
    return done;
}

static bool copy_all(struct command *command, struct stream *in)
{
    char piece[PIECE];
    uint32_t length;
    while ((length = next_piece(in, piece, sizeof piece)) != 0) {
        if (!put_bytes(command, piece, length)) {
            return false;
        }
    }
    return true;
}

bool with_inputs(struct command *command, unsigned first,
                 bool (*one)(struct command *, struct stream *))
{
    bool good = first < command->words || one(command, &command->in);
    for (unsigned i = first; i < command->words; i++) {
        struct stream in = { 0, 0 };
        enum err err = vfs_session_open(SESSION, PATH(command->word[i]), VFS_OPEN_MODE_READ, 0,
                                        &in.file);
        struct vfs_stat stat;
        if (err == OK && vfs_session_stat_file(SESSION, in.file, &stat) == OK &&
            stat.kind == VFS_KIND_DIRECTORY) {
            sys_ignore(vfs_session_close(SESSION, in.file));
            err = VFS_ERR_IS_DIRECTORY;
        }
        if (err != OK) {
            good = complain(command->word[0], command->word[i], err);
            continue;
        }
        good &= one(command, &in);
        sys_ignore(vfs_session_close(SESSION, in.file));
    }
    return good;
}

static bool run_cat(struct command *command)
{
    return with_inputs(command, 1, copy_all);
}

static bool count_words(struct command *command, struct stream *in)
{
    uint64_t lines = 0, words = 0, bytes = 0;
    char piece[PIECE];
    uint32_t length;
    bool inside = false;
    while ((length = next_piece(in, piece, sizeof piece)) != 0) {
        for (uint32_t i = 0; i < length; i++) {
            bool blank = piece[i] == ' ' || piece[i] == '\n' || piece[i] == '\t';
            words += !blank && !inside;
            inside = !blank;
            lines += piece[i] == '\n';
        }
        bytes += length;
    }
    say(command, "%lu %lu %lu\n", lines, words, bytes);
    return true;
}

static bool run_wc(struct command *command)
{
    return with_inputs(command, 1, count_words);
}

static bool has_text(char const *line, uint32_t length, char const *text)
{
    size_t size = strlen(text);
    for (uint32_t i = 0; i + size <= length; i++) {
        if (memcmp(line + i, text, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Lines longer than this are looked at in parts. */
static bool find_lines(struct command *command, struct stream *in)
{
    char line[1024], piece[PIECE];
    uint32_t used = 0, length;
    bool end = false;
    while (!end) {
        length = next_piece(in, piece, sizeof piece);
        end = length == 0;
        for (uint32_t i = 0; i < length || (end && used > 0); i++) {
            bool whole = end || piece[i] == '\n' || used == sizeof line;
            if (!whole) {
                line[used++] = piece[i];
                continue;
            }
            if (has_text(line, used, command->word[1]) &&
                !(put_bytes(command, line, used) && put_bytes(command, "\n", 1))) {
                return false;
            }
            used = 0;
        }
    }
    return true;
}

static bool run_grep(struct command *command)
{
    return !lacks(command, 1) && with_inputs(command, 2, find_lines);
}

/* The first lines, `-N` of them. */
static bool show_head(struct command *command, struct stream *in)
{
    bool says = command->words > 1 && command->word[1][0] == '-';
    uint64_t lines = says ? number_of(command->word[1] + 1) : 10;
    char piece[PIECE];
    uint32_t length, shown;
    while (lines > 0 && (length = next_piece(in, piece, sizeof piece)) != 0) {
        for (shown = 0; shown < length && lines > 0; shown++) {
            lines -= piece[shown] == '\n';
        }
        if (!put_bytes(command, piece, shown)) {
            return false;
        }
    }
    return true;
}

static bool run_head(struct command *command)
{
    return with_inputs(command, command->words > 1 && command->word[1][0] == '-' ? 2 : 1, show_head);
}

static bool run_seq(struct command *command)
{
    if (lacks(command, 1)) {
        return false;
    }
    uint64_t first = command->words > 2 ? number_of(command->word[1]) : 1;
    uint64_t last = number_of(command->word[command->words > 2 ? 2 : 1]);
    for (uint64_t i = first; i <= last && !command->unheard; i++) {
        say(command, "%lu\n", i);
    }
    return true;
}

static bool run_echo(struct command *command)
{
    for (unsigned i = 1; i < command->words; i++) {
        say(command, "%s%s", i > 1 ? " " : "", command->word[i]);
    }
    say(command, "\n");
    return true;
}

/* ---- Names ---- */

/* Into a directory under its own name, if the second is one. */
static char const *target_of(char const *from, char const *to, char *path, size_t size)
{
    struct vfs_stat stat;
    if (vfs_session_stat(SESSION, PATH(to), true, &stat) != OK ||
        stat.kind != VFS_KIND_DIRECTORY) {
        return to;
    }
    char const *name = from;
    for (char const *at = from; *at != '\0'; at++) {
        name = *at == '/' && at[1] != '\0' ? at + 1 : name;
    }
    sys_format(path, size, "%s/%s", to, name);
    return path;
}

static bool run_cp(struct command *command)
{
    char path[VFS_PATH_MOST + 1];
    if (lacks(command, 2)) {
        return false;
    }
    char const *to = target_of(command->word[1], command->word[2], path, sizeof path);
    struct command copy = { .word = { command->word[0], command->word[1] }, .words = 2 };
    enum err err = vfs_session_open(
        SESSION, PATH(to), VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE | VFS_OPEN_MODE_TRUNCATE,
        0644, &copy.out.file);
    if (err != OK) {
        return complain("cp", to, err);
    }
    bool good = with_inputs(&copy, 1, copy_all);
    sys_ignore(vfs_session_close(SESSION, copy.out.file));
    return good;
}

static bool run_mv(struct command *command)
{
    char path[VFS_PATH_MOST + 1];
    if (lacks(command, 2)) {
        return false;
    }
    char const *to = target_of(command->word[1], command->word[2], path, sizeof path);
    enum err err = vfs_session_rename(SESSION, PATH(command->word[1]), PATH(to));
    return err == OK || complain("mv", command->word[1], err);
}

static bool run_ln(struct command *command)
{
    char path[VFS_PATH_MOST + 1];
    bool symbolic = command->words > 1 && strcmp(command->word[1], "-s") == 0;
    unsigned first = symbolic ? 2 : 1;
    if (lacks(command, first + 1)) {
        return false;
    }
    char const *from = command->word[first];
    char const *to = target_of(from, command->word[first + 1], path, sizeof path);
    enum err err = symbolic ? vfs_session_symbolic_link(SESSION, PATH(to), PATH(from))
                            : vfs_session_link(SESSION, PATH(from), PATH(to));
    return err == OK || complain("ln", to, err);
}

static enum err remove_file(char const *path)
{
    return vfs_session_unlink(SESSION, PATH(path));
}

static enum err remove_directory(char const *path)
{
    return vfs_session_remove_directory(SESSION, PATH(path));
}

static enum err make_directory(char const *path)
{
    return vfs_session_make_directory(SESSION, PATH(path), 0755);
}

static enum err touch(char const *path)
{
    uint32_t file;
    enum err err = vfs_session_open(SESSION, PATH(path),
                                    VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE, 0644, &file);
    return err != OK ? err : vfs_session_close(SESSION, file);
}

static bool run_rm(struct command *command)
{
    return for_each(command, remove_file);
}

static bool run_rmdir(struct command *command)
{
    return for_each(command, remove_directory);
}

static bool run_mkdir(struct command *command)
{
    return for_each(command, make_directory);
}

static bool run_touch(struct command *command)
{
    return for_each(command, touch);
}

static bool run_cd(struct command *command)
{
    char const *path = command->words > 1 ? command->word[1] : "/";
    if (stages_busy()) {
        return wrong("cd: jobs are where the shell is; wait for them (fg), or end them (kill %JOB)");
    }
    enum err err = stages_enter(path);
    return err == OK || complain("cd", path, err);
}

/* Lines of 76 characters, for 57 bytes. */
static bool encode(struct command *command, struct stream *in)
{
    static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[57 + 2];
    uint32_t length;
    do {
        uint32_t now;
        length = 0;
        while (length < 57 && (now = next_piece(in, (char *)bytes + length, 57 - length)) != 0) {
            length += now;
        }
        char line[4 * 19 + 1];
        uint32_t at = 0;
        bytes[length] = bytes[length + 1] = 0;
        for (uint32_t i = 0; i < length; i += 3) {
            uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
            line[at++] = digits[three >> 18];
            line[at++] = digits[three >> 12 & 63];
            line[at++] = i + 1 < length ? digits[three >> 6 & 63] : '=';
            line[at++] = i + 2 < length ? digits[three & 63] : '=';
        }
        line[at++] = '\n';
        if (at > 1 && !put_bytes(command, line, at)) {
            return false;
        }
    } while (length == 57);
    return true;
}

static bool run_base64(struct command *command)
{
    return with_inputs(command, 1, encode);
}

struct builtin const builtins[] = {
    { "base64", "[FILE...]", "shows files that are not text", run_base64, false },
    { "caps", "[PROGRAM|-d]", "who holds what; -d: what the description does not say", run_caps, false },
    { "cat", "[FILE...]", "shows files, or its input", run_cat, false },
    { "cd", "[DIRECTORY]", "goes there", run_cd, true },
    { "cp", "FILE TO", "copies a file", run_cp, false },
    { "echo", "[WORD...]", "says it", run_echo, false },
    { "fg", "[JOB]", "waits for a job, the last if none is named; Ctrl-C ends it", run_fg, true },
    { "free", "", "memory, and the file server's caches", run_free, false },
    { "grep", "TEXT [FILE...]", "lines that have the text in them", run_grep, false },
    { "halt", "", "stops the machine", run_halt, false },
    { "head", "[-N] [FILE...]", "the first N lines, or 10", run_head, false },
    { "help", "", "this", run_help, false },
    { "jobs", "", "what runs in the background", run_jobs, true },
    { "kill", "PROGRAM|%JOB", "ends a program, some start again; or a job", run_kill, true },
    { "ln", "[-s] FILE NAME", "another name, or a symbolic link", run_ln, false },
    { "ls", "[-l] [PATH...]", "lists directories", run_ls, false },
    { "mkdir", "PATH...", "makes directories", run_mkdir, false },
    { "mount", "[KIND PATH]", "what is mounted; mounts: memory, archive or devices", run_mount, false },
    { "mv", "PATH TO", "gives it another name", run_mv, false },
    { "perf", "COMMAND...", "runs it, and shows what was counted meanwhile", run_perf, true },
    { "ps", "", "the programs, and how often they were started again", run_ps, false },
    { "reboot", "", "starts the machine over", run_reboot, false },
    { "rm", "FILE...", "removes files", run_rm, false },
    { "rmdir", "PATH...", "removes empty directories", run_rmdir, false },
    { "seq", "[FIRST] LAST", "counts", run_seq, false },
    { "servers", "", "what they count, and which of them do not answer", run_servers, true },
    { "sleep", "SECONDS", "waits", run_sleep, false },
    { "sort", "[FILE...]", "lines in order", run_sort, false },
    { "stat", "PATH", "all about a file", run_stat, false },
    { "top", "[ROUNDS]", "who uses the processor, every second until a key is pressed", run_top, false },
    { "touch", "FILE...", "makes files", run_touch, false },
    { "trace", "[on|off|dump|probe|unprobe]",
      "records what the kernel does, and shows it; on EVENT...: these only; probe PROGRAM [FUNCTION]: who enters it",
      run_trace, false },
    { "umount", "PATH", "takes a file system away", run_umount, false },
    { "uptime", "", "how long the machine runs", run_uptime, false },
    { "wc", "[FILE...]", "counts lines, words and bytes", run_wc, false },
};
unsigned const builtin_count = sizeof builtins / sizeof builtins[0];

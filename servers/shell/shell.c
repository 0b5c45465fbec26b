/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell: reads a line, takes it apart into commands, runs one after the other. What a command of
 * a pipeline writes is in a file until the next one reads it.
 */
#include "shell.h"

#include <shell_caps.h>
#include <tessera/start.h>

struct files files;

static struct sys_resources means = {
    .cnode = SHELL_CAP_CNODE,
    .memory = SHELL_CAP_MEMORY,
    .vspace = SHELL_CAP_VSPACE,
    .slots = { .next = SHELL_FIRST_FREE_SLOT, .end = SHELL_SLOTS },
    .next_address = 0x100000000,
};

/* ---- Output ---- */

bool put_bytes(struct command *command, char const *text, uint32_t length)
{
    while (length > 0) {
        uint32_t done = length < 512 ? length : 512;
        if (command->out.file == CONSOLE_STREAM) {
            put_console(text, done);
        } else {
            enum err err = files_write(&files, command->out.file, command->out.at, text, length,
                                       &done);
            if (err != OK) {
                return complain("writing", "", err);
            }
        }
        command->out.at += done;
        text += done;
        length -= done;
    }
    return true;
}

void say(struct command *command, char const *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = sys_vformat(text, sizeof text, format, args);
    va_end(args);
    (void)put_bytes(command, text, length < (int)sizeof text ? (uint32_t)length : sizeof text - 1);
}

bool complain(char const *what, char const *about, enum err err)
{
    char text[512];
    int length = sys_format(text, sizeof text, "%s %s: %s\n", what, about, error_name(err));
    put_console(text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
    return false;
}

static bool wrong(char const *what)
{
    put_console(what, strlen(what));
    put_console("\n", 1);
    return false;
}

/* ---- A line's commands ---- */

static bool ends_word(char c)
{
    return c == ' ' || c == '|' || c == '<' || c == '>';
}

/* Words lie in `text`, each ended by a zero; '|', '<', '>' and '>>' are words of their own. Quotes keep
 * what is between them together. */
static unsigned split(char const *line, char *text, char **word)
{
    unsigned count = 0;
    while (count < WORDS) {
        while (*line == ' ') {
            line++;
        }
        if (*line == '\0' || *line == '#') {
            break;
        }
        word[count++] = text;
        if (*line == '|' || *line == '<' || *line == '>') {
            char c = *line++;
            *text++ = c;
            if (c == '>' && *line == '>') {
                *text++ = *line++;
            }
        } else {
            char quote = '\0';
            for (; *line != '\0' && (quote != '\0' || !ends_word(*line)); line++) {
                if (*line == quote) {
                    quote = '\0';
                } else if (quote == '\0' && (*line == '"' || *line == '\'')) {
                    quote = *line;
                } else {
                    *text++ = *line;
                }
            }
        }
        *text++ = '\0';
    }
    return count;
}

static bool open_stream(struct stream *stream, char const *path, unsigned mode)
{
    uint32_t file;
    enum err err = vfs_session_open(files.session, path, strlen(path), (uint8_t)mode, 0644, &file);
    if (err != OK) {
        return complain("opening", path, err);
    }
    if (stream->file != CONSOLE_STREAM) {
        sys_ignore(vfs_session_close(files.session, stream->file));
    }
    *stream = (struct stream){ file, 0 };
    return true;
}

static void close_stream(struct stream *stream)
{
    if (stream->file != CONSOLE_STREAM) {
        sys_ignore(vfs_session_close(files.session, stream->file));
        stream->file = CONSOLE_STREAM;
    }
}

#define WRITE (VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE)

/* A redirection at word[0]; false: it is wrong, and has been said. */
static bool redirect(struct command *command, char **word, unsigned left)
{
    if (left < 2) {
        return wrong("a file's name is missing behind < or >");
    }
    return strcmp(word[0], "<") == 0   ? open_stream(&command->in, word[1], VFS_OPEN_MODE_READ)
           : strcmp(word[0], ">") == 0 ? open_stream(&command->out, word[1],
                                                     WRITE | VFS_OPEN_MODE_TRUNCATE)
                                       : open_stream(&command->out, word[1],
                                                     WRITE | VFS_OPEN_MODE_APPEND);
}

/* A file between two commands, which has no name already. */
static bool make_pipe(struct command *command, struct stream *next)
{
    static char const path[] = "/tmp/.pipe";
    if (!open_stream(next, path, VFS_OPEN_MODE_READ | WRITE | VFS_OPEN_MODE_TRUNCATE) ||
        !open_stream(&command->out, path, VFS_OPEN_MODE_WRITE)) {
        return false;
    }
    sys_ignore(vfs_session_unlink(files.session, path, sizeof path - 1));
    return true;
}

/* Words up to the end, or to a '|'. */
static bool gather(struct command *command, char **word, unsigned count, unsigned *used)
{
    unsigned i = 0;
    while (i < count && strcmp(word[i], "|") != 0) {
        bool special = strcmp(word[i], "<") == 0 || strcmp(word[i], ">") == 0 ||
                       strcmp(word[i], ">>") == 0;
        if (special) {
            if (!redirect(command, word + i, count - i)) {
                return false;
            }
            i += 2;
        } else {
            command->word[command->words++] = word[i++];
        }
    }
    *used = i;
    return command->words != 0 || wrong("a command is missing");
}

static bool run_command(struct command *command)
{
    for (unsigned i = 0; i < builtin_count; i++) {
        if (strcmp(builtins[i].name, command->word[0]) == 0) {
            return builtins[i].run(command);
        }
    }
    return wrong("there is no such command; help lists those that there are");
}

/* The file server may have died since the last line: then the session is gone, with what was in it. */
static bool have_session(void)
{
    uint64_t sessions;
    enum err err = vfs_session_counter(files.session, VFS_COUNTER_SESSIONS, &sessions);
    if (err == OK) {
        return true;
    }
    files_lost(&means, &files);
    err = files_connect(&means, SHELL_CAP_VFS, &files);
    if (err != OK) {
        return complain("the file server", "", err);
    }
    return !wrong("the file server was started again, without the files that were in memory");
}

static void run_line(char const *line)
{
    char text[2 * LINE_MOST];
    char *word[WORDS];
    unsigned count = split(line, text, word), at = 0;
    struct stream in = { CONSOLE_STREAM, 0 };
    bool good = have_session();
    while (at < count && good) {
        struct command command = { .in = in, .out = { CONSOLE_STREAM, 0 } };
        unsigned used = 0;
        in = (struct stream){ CONSOLE_STREAM, 0 };
        good = gather(&command, word + at, count - at, &used);
        at += used;
        if (good && at < count) { /* a pipe */
            at++;
            good = at < count ? make_pipe(&command, &in) : wrong("a command is missing behind |");
        }
        good = good && run_command(&command);
        close_stream(&command.in);
        close_stream(&command.out);
    }
    close_stream(&in);
}

int main(uint64_t argument)
{
    (void)argument;
    static char line[LINE_MOST];
    enum err err = files_connect(&means, SHELL_CAP_VFS, &files);
    if (err != OK) {
        (void)complain("the file server", "", err);
        return 1;
    }
    put_console("\nTessera. help lists the commands.\n", 35);
    while (edit_line("$ ", line)) {
        run_line(line);
    }
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell: reads a line, takes it apart into commands, and runs those of a pipeline side by side, each
 * in a thread of its own (stage.c), with pipes of the file server between them.
 */
#include "shell.h"

#include <shell_caps.h>
#include <tessera/start.h>
#include <tessera/trace.h>

struct sys_resources means = {
    .cnode = SHELL_CAP_CNODE,
    .memory = SHELL_CAP_MEMORY,
    .vspace = SHELL_CAP_VSPACE,
    .sched = SHELL_CAP_SCHED,
    .slots = { .next = SHELL_FIRST_FREE_SLOT, .end = SHELL_SLOTS },
    .next_address = 0x100000000,
};

/* ---- Output ---- */

bool put_bytes(struct command *command, char const *text, uint32_t length)
{
    while (length > 0 && !command->unheard) {
        uint32_t done = length < 512 ? length : 512;
        if (command->out.file == CONSOLE_STREAM) {
            put_console(text, done);
        } else {
            enum err err = files_write(files, command->out.file, command->out.at, text, length,
                                       &done);
            if (err != OK) {
                command->unheard = true;
                return err == (enum err)VFS_ERR_BROKEN_PIPE || complain("writing", "", err);
            }
        }
        command->out.at += done;
        text += done;
        length -= done;
    }
    return !command->unheard;
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

bool wrong(char const *what)
{
    put_console(what, strlen(what));
    put_console("\n", 1);
    return false;
}

#define PATIENCE_NS 1000000000ul

uint64_t soon(void)
{
    return sys_clock_ns() + PATIENCE_NS;
}

/* ---- A line's commands ---- */

static bool ends_word(char c)
{
    return c == ' ' || c == '|' || c == '<' || c == '>' || c == '&';
}

/* Words lie in `text`, each ended by a zero; '|', '<', '>', '>>' and '&' are words of their own. Quotes keep
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
        if (*line != ' ' && ends_word(*line)) {
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

static bool open_stream(struct files *session, struct stream *stream, char const *path, unsigned mode)
{
    uint32_t file = CONSOLE_STREAM;
    enum err err = vfs_session_open_until(session->session, soon(), path, strlen(path), (uint8_t)mode,
                                          0644, &file);
    if (err != OK) {
        return complain("opening", path, err);
    }
    if (stream->file != CONSOLE_STREAM) {
        sys_ignore(vfs_session_close_until(session->session, soon(), stream->file));
    }
    *stream = (struct stream){ file, 0 };
    return true;
}

static void close_stream(struct files *session, struct stream *stream)
{
    if (stream->file != CONSOLE_STREAM) {
        sys_ignore(vfs_session_close_until(session->session, soon(), stream->file));
        stream->file = CONSOLE_STREAM;
    }
}

#define WRITE (VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE)

/* A redirection at word[0]; false: it is wrong, and has been said. */
static bool redirect(struct files *session, struct command *command, char **word, unsigned left)
{
    if (left < 2) {
        return wrong("a file's name is missing behind < or >");
    }
    unsigned more = strcmp(word[0], ">") == 0 ? VFS_OPEN_MODE_TRUNCATE : VFS_OPEN_MODE_APPEND;
    return strcmp(word[0], "<") == 0
               ? open_stream(session, &command->in, word[1], VFS_OPEN_MODE_READ)
               : open_stream(session, &command->out, word[1], WRITE | more);
}

/* A pipe from a stage to the next. It has a name until both have it open. */
static bool make_pipe(unsigned stage)
{
    static char const path[] = "/.pipe";
    enum err err = vfs_session_make_pipe_until(files->session, soon(), path, sizeof path - 1, 0600);
    if (err != OK) {
        return complain("a pipe", "", err);
    }
    bool good = open_stream(stage_files(stage + 1), &stage_command(stage + 1)->in, path,
                            VFS_OPEN_MODE_READ) &&
                open_stream(stage_files(stage), &stage_command(stage)->out, path,
                            VFS_OPEN_MODE_WRITE);
    sys_ignore(vfs_session_unlink_until(files->session, soon(), path, sizeof path - 1));
    return good;
}

/* Words up to the end, or to a '|'. */
static bool gather(struct files *session, struct command *command, char **word, unsigned count,
                   unsigned *used)
{
    unsigned i = 0;
    while (i < count && strcmp(word[i], "|") != 0) {
        if (strcmp(word[i], "&") == 0) {
            return wrong("& goes to the end of a line");
        }
        bool special = strcmp(word[i], "<") == 0 || strcmp(word[i], ">") == 0 ||
                       strcmp(word[i], ">>") == 0;
        if (special) {
            if (!redirect(session, command, word + i, count - i)) {
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

struct builtin const *find_builtin(char const *name)
{
    for (unsigned i = 0; i < builtin_count; i++) {
        if (strcmp(builtins[i].name, name) == 0) {
            return &builtins[i];
        }
    }
    return NULL;
}

static bool is_command(char const *name)
{
    return find_builtin(name) != NULL ||
           wrong("there is no such command; help lists those that there are");
}

/* The file server may have died since the last line: then the session is gone, with what was in it. Or it
 * hangs: the command may be one that mends that. */
static bool have_session(void)
{
    uint64_t sessions;
    enum err err = vfs_session_counter_until(files->session, soon(), VFS_COUNTER_SESSIONS, &sessions);
    if (err == ERR_TIMED_OUT) {
        return !wrong("the file server does not answer");
    }
    if (err == OK) {
        return true;
    }
    err = stages_connect();
    if (err != OK) {
        return complain("the file server", "", err);
    }
    return !wrong("the file server was started again, without the files that were in memory");
}

/* The commands of a line, each with what it reads and writes. */
static bool set_up(char **word, unsigned count, unsigned available, unsigned *stages)
{
    for (unsigned at = 0; at < count; at++) {
        unsigned used = 0, stage = *stages;
        struct command *command = stage_command(stage);
        if (!gather(stage_files(stage), command, word + at, count - at, &used) ||
            !is_command(command->word[0])) {
            return false;
        }
        if (find_builtin(command->word[0])->alone && (stage != 0 || used != count)) {
            return wrong("this command does not go with others");
        }
        at += used;
        (*stages)++;
        if (at + 1 == count) {
            return wrong("a command is missing behind |");
        }
        if (at < count && *stages == available) {
            return wrong(available == STAGES ? "too many commands in one line" : "too many commands at a time");
        }
        if (at < count && !make_pipe(stage)) {
            return false;
        }
    }
    return true;
}

/* Runs those that have a thread each; `line` is what a job is known by, NULL for none. */
static void run_stages(unsigned count, char const *line)
{
    uint64_t running = stages_start(count, line != NULL);
    if (line == NULL) {
        stages_wait(running);
    } else if (running != 0) {
        job_add(running, line);
    }
}

static void run_words(char **word, unsigned count, char const *line)
{
    bool good = have_session();
    unsigned stages = 0, available = stages_clear();
    good = good && set_up(word, count, available, &stages);
    struct builtin const *first = stages == 0 ? NULL : find_builtin(stage_command(0)->word[0]);
    if (good && first != NULL && line != NULL && (first->alone || !stages_suffice(stages))) {
        good = wrong(first->alone ? "this command does not run in the background" : "too many jobs");
    }
    if (good && first != NULL && !first->alone) {
        run_stages(stages, line);
        return;
    }
    if (good && first != NULL) {
        (void)first->run(stage_command(0));
    }
    for (unsigned i = 0; i < available; i++) {
        close_stream(stage_files(i), &stage_command(i)->in);
        close_stream(stage_files(i), &stage_command(i)->out);
    }
}

static void run_line(char const *line)
{
    char text[2 * LINE_MOST];
    char *word[WORDS];
    unsigned count = split(line, text, word);
    (void)sys_request_begin(); /* what servers do for a line can be followed */
    bool counts = count > 1 && strcmp(word[0], "perf") == 0;
    bool is_job = count > 1 && strcmp(word[count - 1], "&") == 0;
    if (counts && is_job) {
        (void)wrong("perf waits for what it counts");
        return;
    }
    if (counts) {
        perf_start();
    }
    run_words(word + counts, count - counts - is_job, is_job ? line : NULL);
    if (counts) {
        perf_show();
    }
}

int main(uint64_t argument)
{
    (void)argument;
    static char line[LINE_MOST];
    enum err err = stages_begin();
    if (err == OK) {
        err = watch_begin();
    }
    if (err == OK) {
        err = servers_begin();
    }
    if (err != OK) {
        (void)complain("the shell", "", err);
        return 1;
    }
    put_console("\nTessera. help lists the commands.\n", 35);
    while (edit_line("$ ", line)) {
        run_line(line);
        stages_look();
        jobs_tell();
    }
    return 0;
}

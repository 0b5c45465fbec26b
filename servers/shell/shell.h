/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the shell share. */
#pragma once

#include <idl/console_client.h>
#include <tessera/files.h>
#include <tessera/print.h>
#include <tessera/string.h>

#define LINE_MOST 256u
#define WORDS     32u

extern struct files files; /* the shell's session; its current directory is the shell's */

/* A line with editing, history and completion: printable text, without its end. False: Ctrl-D. */
bool edit_line(char const *prompt, char *line);

/* Where a command reads and writes: an open file, or the console. */
#define CONSOLE_STREAM 0xffffffffu
struct stream {
    uint32_t file;
    uint64_t at;
};

/* One command of a line. */
struct command {
    char *word[WORDS + 1];
    unsigned words;
    struct stream in, out;
};

struct builtin {
    char const *name;
    char const *arguments;
    char const *what;
    /* False: it went wrong, and has said so. */
    bool (*run)(struct command *command);
};
extern struct builtin const builtins[];
extern unsigned const builtin_count;

/* Text to the command's output. */
void say(struct command *command, char const *format, ...) __attribute__((format(printf, 2, 3)));
bool put_bytes(struct command *command, char const *text, uint32_t length);
/* To the console, whatever the output is; returns false. */
bool complain(char const *what, char const *about, enum err err);
void put_console(char const *text, size_t length);

char const *error_name(enum err err);

/* Commands about the system (system.c). */
bool run_uptime(struct command *command);
bool run_sleep(struct command *command);
bool run_free(struct command *command);
bool run_mount(struct command *command);
bool run_umount(struct command *command);
bool run_halt(struct command *command);
/* And about programs (programs.c). */
bool run_ps(struct command *command);
bool run_kill(struct command *command);
bool run_caps(struct command *command);
bool run_help(struct command *command);

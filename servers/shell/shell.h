/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the shell share. */
#pragma once

#include <idl/console_client.h>
#include <idl/memory_client.h>
#include <tessera/files.h>
#include <tessera/print.h>
#include <tessera/string.h>

#define LINE_MOST 256u
#define PIECE     4096u /* of a file or a directory that is taken at once, on the stack */
#define WORDS     32u
#define STAGES    6u /* commands that a pipeline can have */
#define RUNNERS   10u /* commands that can run at a time */
#define MEMORY_MOST (64u << 20) /* that a command can have */

#define CONTROL_KEY(letter) ((letter) - '@')

extern struct sys_resources means; /* the first thread's alone */

/* The session of the thread that runs: each has one. They all stand in the same directory. */
extern _Thread_local struct files *files;

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
    bool unheard; /* nobody reads what it writes any more */
    /* MEMORY_MOST bytes, whose pages come as they are touched, and go with the command if it says how much
     * of it there is to go; NULL if there are none. */
    char *memory;
    uint32_t used;
};

struct builtin {
    char const *name;
    char const *arguments;
    char const *what;
    /* False: it went wrong, and has said so. */
    bool (*run)(struct command *command);
    bool alone; /* run by the shell's first thread, and not in a pipeline */
};
extern struct builtin const builtins[];
extern unsigned const builtin_count;
struct builtin const *find_builtin(char const *name);

/* Text to the command's output. */
void say(struct command *command, char const *format, ...) __attribute__((format(printf, 2, 3)));
bool put_bytes(struct command *command, char const *text, uint32_t length);
/* To the console, whatever the output is; returns false. */
bool complain(char const *what, char const *about, enum err err);
bool wrong(char const *what);
void put_console(char const *text, size_t length);

char const *error_name(enum err err);
/* Until when the first thread waits for a server: whatever hangs, a prompt comes back. */
uint64_t soon(void);
/* The number that a text begins with. */
uint64_t number_of(char const *text);
/* The next piece of a command's input. 0: the end. */
uint32_t next_piece(struct stream *in, char *to, uint32_t room);
/* Does something with each file that the command names from a word on, or with the input if it names none. */
bool with_inputs(struct command *command, unsigned first,
                 bool (*one)(struct command *, struct stream *));

/* ---- What is typed (keys.c) ---- */

/* Begins to listen, and to signal this for what is typed. */
NODISCARD enum err keys_begin(cptr_t bell);
/* Takes a key, if there is one; Ctrl-C only if that is wanted. Who may take them: the command that runs,
 * or the shell while none does. */
bool key_take(char *key, bool or_interrupt);
/* Whether there is a Ctrl-C among those that were not taken. */
bool keys_interrupt(void);

/* ---- The threads that run commands (stage.c) ---- */

NODISCARD enum err stages_begin(void);
/* Opens the sessions anew. */
NODISCARD enum err stages_connect(void);
/* Takes what is free for the next line's commands, and makes these empty: how many there are, of STAGES. */
unsigned stages_clear(void);
/* Whether one would be free for the next line if so many of this one's ran on. */
bool stages_suffice(unsigned count);
/* A pipeline's command number `index`; and the session that it will have. */
struct command *stage_command(unsigned index);
struct files *stage_files(unsigned index);
/* Lets that many commands run side by side: a bit for each; 0: one could not, which has been said. Those in
 * the background get no keys. */
uint64_t stages_start(unsigned count, bool in_background);
/* Waits until all of these are done, or Ctrl-C ends them. */
void stages_wait(uint64_t which);
void stages_stop(uint64_t which);
/* Looks for those that are done. */
void stages_look(void);
/* Whether commands run. */
bool stages_busy(void);
/* All sessions go to a directory. */
NODISCARD enum err stages_enter(char const *path);
/* Waits for a key: in the first thread, any; and in a command, until a deadline, and not for Ctrl-C. */
char key_wait(void);
bool key_wait_until(uint64_t deadline, char *key);

/* ---- Pipelines in the background (jobs.c); for the first thread alone ---- */

void job_add(uint64_t stages, char const *line);
/* These stages are done. */
void jobs_note(uint64_t done);
/* Says which jobs are done. */
void jobs_tell(void);
bool run_jobs(struct command *command);
bool run_fg(struct command *command);
bool run_kill(struct command *command);

/* When fewer of the memory server's pages than this are free, memory is short. */
static inline uint64_t memory_low(struct memory_stats const *all)
{
    return all->limit / 4;
}

/* ---- Commands ---- */

/* About the system (system.c). */
bool run_uptime(struct command *command);
bool run_sleep(struct command *command);
bool run_free(struct command *command);
bool run_mount(struct command *command);
bool run_umount(struct command *command);
bool run_halt(struct command *command);
bool run_reboot(struct command *command);
/* Lines in order (sort.c). */
bool run_sort(struct command *command);
/* About programs (programs.c). */
bool run_ps(struct command *command);
bool run_help(struct command *command);
/* About servers (servers.c). */
NODISCARD enum err servers_begin(void);
bool run_servers(struct command *command);
/* About who holds what (caps.c). */
bool run_caps(struct command *command);
/* About what the machine does (watch.c). */
NODISCARD enum err watch_begin(void);
bool run_top(struct command *command);
bool run_trace(struct command *command);
bool run_perf(struct command *command);
/* Counts from the one to the other, and shows it. */
void perf_start(void);
void perf_show(void);

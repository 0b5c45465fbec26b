/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that run commands: one for each of a pipeline, with a session each. The shell's first
 * thread sets them up, and waits for them or for Ctrl-C; or goes on, and looks later what they do.
 */
#include "shell.h"

#include <shell_caps.h>
#include <tessera/start.h>
#include <tessera/thread.h>

/* Below the first thread: that has to get at one that never waits. */
#define PRIORITY 99
#define SLICE_NS 10000000ul
/* While the file server is still at work for one that was stopped. */
#define PATIENCE_NS 1000000ul

/* Bits of `events`: stage i is done; a key was typed; memory is short. */
#define DONE(i) (1ul << (i))
#define KEY     (1ul << RUNNERS)
#define SHORT   (2ul << RUNNERS)

#define MEMORY ((struct memory_space){ SHELL_CAP_MEMORY_SERVER })

_Thread_local struct files *files;

static struct stage {
    struct sys_thread thread;
    struct files files;
    struct command command;
    char text[2 * LINE_MOST]; /* the command's words: the line that they came from may be gone */
    cptr_t done; /* signals the bit */
    uint64_t served; /* the request that its line is */
    uint64_t memory; /* for its commands; 0 if there is none */
    bool in_background; /* it takes no keys; the first thread changes that while the command runs */
} stages[RUNNERS];

static uint64_t busy; /* those of which the command runs, as far as the first thread has heard */
static struct stage *chosen[STAGES]; /* for the next line's commands */
static _Thread_local struct stage *own_stage;

static struct files own;
static cptr_t events, typed, typed_bell;
static struct memory_levels_end levels;

/* ---- Setting up ---- */

static enum err make_bell(cptr_t notification, uint64_t bits, cptr_t *out)
{
    uint32_t slot = sys_slot_take(&means.slots);
    *out = CPTR(slot);
    return slot == 0 ? ERR_NO_MEMORY
                     : sys_cnode_mint(means.cnode, slot, notification, NOTIFICATION_SIGNAL, bits);
}

enum err stages_connect(void)
{
    files = &own;
    stages_stop(busy);
    enum err err = OK;
    for (unsigned i = 0; i <= RUNNERS && err == OK; i++) {
        struct files *session = i < RUNNERS ? &stages[i].files : &own;
        if (session->session.cap.raw != 0) {
            files_lost(&means, session);
        }
        err = files_connect(&means, SHELL_CAP_VFS, session);
    }
    return err;
}

/* ---- Memory for commands ---- */

/* What the last command had goes; the next one's comes as it is touched. */
static void renew_memory(struct stage *stage)
{
    if (stage->memory != 0) {
        sys_ignore(memory_space_unmap(MEMORY, stage->memory));
    }
    if (memory_space_map(MEMORY, MEMORY_MOST, MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE, 0,
                         &stage->memory) != OK) {
        stage->memory = 0;
    }
}

/* Wants to be told when there is little left. */
static enum err watch_memory(void)
{
    struct memory_stats mine, all;
    struct memory_levels ring;
    cptr_t bell;
    enum err err = memory_space_stats(MEMORY, &mine, &all);
    if (err == OK) {
        err = make_bell(events, SHORT, &bell);
    }
    if (err == OK) {
        err = files_slot(&means, &ring.cap);
    }
    if (err == OK) {
        err = memory_space_warn(MEMORY, memory_low(&all), bell, &ring);
    }
    sys_buffer()->receive_slot = 0;
    if (err == OK) {
        err = memory_levels_attach(&means, ring, CPTR_NONE, &levels);
    }
    if (err == OK) {
        (void)sys_ring_sleep_empty(&levels.events);
    }
    return err;
}

static void tell_short(void)
{
    struct memory_level level;
    struct command console = { .out = { CONSOLE_STREAM, 0 } };
    do {
        while (memory_levels_next(&levels, &level)) {
            say(&console, "memory is short: %lu of %lu pages are free\n", level.free, level.total);
        }
    } while (!sys_ring_sleep_empty(&levels.events));
}

/* ---- The threads ---- */

enum err stages_begin(void)
{
    cptr_t key = CPTR_NONE;
    enum err err = sys_make(&means, OBJECT_NOTIFICATION, 0, &events);
    if (err == OK) {
        err = sys_make(&means, OBJECT_NOTIFICATION, 0, &typed);
    }
    if (err == OK) {
        err = make_bell(typed, 1, &typed_bell);
    }
    if (err == OK) {
        err = make_bell(events, KEY, &key);
    }
    for (unsigned i = 0; i < RUNNERS && err == OK; i++) {
        err = make_bell(events, DONE(i), &stages[i].done);
        renew_memory(&stages[i]);
    }
    if (err == OK) {
        err = watch_memory();
    }
    if (err == OK) {
        err = stages_connect();
    }
    return err != OK ? err : keys_begin(key);
}

unsigned stages_clear(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < RUNNERS && count < STAGES; i++) {
        if (!(busy & DONE(i))) {
            stages[i].command = (struct command){ .in = { CONSOLE_STREAM, 0 },
                                                  .out = { CONSOLE_STREAM, 0 },
                                                  .memory = (char *)stages[i].memory };
            chosen[count++] = &stages[i];
        }
    }
    return count;
}

bool stages_suffice(unsigned count)
{
    for (unsigned i = 0; i < RUNNERS; i++) {
        count += (busy & DONE(i)) != 0;
    }
    return count < RUNNERS;
}

struct command *stage_command(unsigned index)
{
    return &chosen[index]->command;
}

struct files *stage_files(unsigned index)
{
    return &chosen[index]->files;
}

enum err stages_enter(char const *path)
{
    enum err err = vfs_session_enter_until(own.session, soon(), path, strlen(path));
    for (unsigned i = 0; i < RUNNERS && err == OK; i++) {
        err = vfs_session_enter_until(stages[i].files.session, soon(), path, strlen(path));
    }
    return err;
}

/* ---- Running ---- */

/* What a command has open is closed with its end: who waits at the other end of a pipe notices. A
 * stopped one's session may be in use for a moment still; for longer, if the server hangs. */
static void close_all(struct files *session)
{
    uint64_t end = soon(), bits;
    for (uint32_t file = 0; file < VFS_FILES_MOST && sys_clock_ns() < end;) {
        if (vfs_session_close_until(session->session, end, file) == (enum err)VFS_ERR_BUSY) {
            sys_ignore(sys_wait(typed, sys_clock_ns() + PATIENCE_NS, &bits, NULL));
        } else {
            file++;
        }
    }
}

static void run(void *argument)
{
    struct stage *stage = argument;
    sys_served = stage->served;
    struct command *command = &stage->command;
    files = &stage->files;
    own_stage = stage;
    (void)find_builtin(command->word[0])->run(command);
    struct stream const streams[] = { command->in, command->out };
    for (unsigned i = 0; i < 2; i++) {
        if (streams[i].file != CONSOLE_STREAM) {
            sys_ignore(vfs_session_close(files->session, streams[i].file));
        }
    }
    sys_ignore(sys_signal(stage->done));
}

static void keep_words(struct stage *stage)
{
    char *at = stage->text;
    for (unsigned i = 0; i < stage->command.words; i++) {
        size_t size = strlen(stage->command.word[i]) + 1;
        memcpy(at, stage->command.word[i], size);
        stage->command.word[i] = at;
        at += size;
    }
}

/* The thread of an earlier command may be about to stop still. */
static enum err start(struct stage *stage)
{
    static struct sys_thread_options const options = {
        .name = "shell.command", .priority = PRIORITY, .slice_ns = SLICE_NS,
        .fault = SHELL_CAP_MEMORY_SERVER
    };
    if (stage->thread.thread.raw == 0) {
        return sys_thread_create(&means, &stage->thread, &options, run, stage);
    }
    enum err err = sys_thread_suspend(stage->thread.thread);
    return err != OK ? err : sys_thread_again(&stage->thread);
}

/* What has been signalled; a key is for whoever waits for one. */
static void hear(uint64_t bits)
{
    busy &= ~bits;
    jobs_note(bits);
    for (unsigned i = 0; i < RUNNERS; i++) {
        if ((bits & DONE(i)) && stages[i].command.used != 0) {
            renew_memory(&stages[i]);
            stages[i].command.used = 0;
        }
    }
    if (bits & SHORT) {
        tell_short();
    }
    if (bits & KEY) {
        sys_ignore(sys_signal(typed_bell));
    }
}

void stages_look(void)
{
    uint64_t bits;
    if (sys_poll(events, &bits, NULL) == OK) {
        hear(bits);
    }
}

bool stages_busy(void)
{
    return busy != 0;
}

/* One may have said that it is done just before it was stopped: that must not be heard of the next. */
void stages_stop(uint64_t which)
{
    for (unsigned i = 0; i < RUNNERS; i++) {
        if (which & DONE(i)) {
            sys_ignore(sys_thread_suspend(stages[i].thread.thread));
            close_all(&stages[i].files);
        }
    }
    stages_look();
    hear(which);
}

uint64_t stages_start(unsigned count, bool in_background)
{
    uint64_t all = 0, bits;
    enum err err = OK;
    sys_ignore(sys_poll(typed, &bits, NULL)); /* what is left of earlier keys */
    for (unsigned i = 0; i < count; i++) {
        all |= DONE(chosen[i] - stages);
        chosen[i]->in_background = in_background;
        chosen[i]->served = sys_served;
        keep_words(chosen[i]);
        err = err != OK ? err : start(chosen[i]);
    }
    busy |= all;
    if (err != OK) {
        (void)complain("starting", chosen[0]->command.word[0], err);
        stages_stop(all);
    }
    return err == OK ? all : 0;
}

void stages_wait(uint64_t which)
{
    uint64_t bits;
    for (unsigned i = 0; i < RUNNERS; i++) {
        if (which & DONE(i)) {
            __atomic_store_n(&stages[i].in_background, false, __ATOMIC_RELAXED);
        }
    }
    while ((busy & which) != 0 && !keys_interrupt() && sys_wait(events, 0, &bits, NULL) == OK) {
        hear(bits);
    }
    if ((busy & which) != 0) {
        char key = 0;
        stages_stop(busy & which);
        put_console("^C\n", 3);
        while (key != CONTROL_KEY('C') && key_take(&key, true)) {
        }
    }
}

/* ---- Keys ---- */

char key_wait(void)
{
    char key;
    uint64_t bits;
    while (!key_take(&key, true)) {
        if (sys_wait(events, 0, &bits, NULL) == OK) {
            hear(bits & ~KEY);
        }
    }
    return key;
}

/* In the background there is no key to wait for. */
bool key_wait_until(uint64_t deadline, char *key)
{
    uint64_t bits;
    if (__atomic_load_n(&own_stage->in_background, __ATOMIC_RELAXED)) {
        while (sys_clock_ns() < deadline) {
            sys_ignore(sys_wait(files->events, deadline, &bits, NULL));
        }
        return false;
    }
    while (!key_take(key, false)) {
        if (sys_wait(typed, deadline, &bits, NULL) != OK) {
            return false;
        }
    }
    return true;
}

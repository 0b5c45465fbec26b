/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs: pipelines that run while the shell goes on. */
#include "shell.h"

#include <idl/control_client.h>
#include <shell_caps.h>

static struct job {
    uint64_t running; /* its stages that are not done yet */
    bool is_there;    /* and the user has not been told of its end */
    char line[LINE_MOST];
} jobs[RUNNERS];

static void tell(struct command *command, unsigned number, char const *what)
{
    say(command, "[%u] %-8s %s\n", number + 1, what, jobs[number].line);
}

void job_add(uint64_t stages, char const *line)
{
    struct command console = { .out = { CONSOLE_STREAM, 0 } };
    unsigned number = 0;
    while (jobs[number].is_there) { /* each has a stage at least, and those of jobs that are done were told */
        number++;
    }
    jobs[number].running = stages;
    jobs[number].is_there = true;
    memcpy(jobs[number].line, line, strlen(line) + 1);
    tell(&console, number, "started");
}

void jobs_note(uint64_t done)
{
    for (unsigned i = 0; i < RUNNERS; i++) {
        jobs[i].running &= ~done;
    }
}

void jobs_tell(void)
{
    struct command console = { .out = { CONSOLE_STREAM, 0 } };
    for (unsigned i = 0; i < RUNNERS; i++) {
        if (jobs[i].is_there && jobs[i].running == 0) {
            tell(&console, i, "done");
            jobs[i].is_there = false;
        }
    }
}

/* The one of that number, or the last if there is no number; NULL: there is none, and that was said. */
static struct job *find(char const *number)
{
    uint64_t wanted = number_of(number);
    for (unsigned i = RUNNERS; i > 0; i--) {
        if (jobs[i - 1].is_there && (*number == '\0' || wanted == i)) {
            return &jobs[i - 1];
        }
    }
    (void)wrong("there is no such job; jobs lists those that there are");
    return NULL;
}

bool run_jobs(struct command *command)
{
    for (unsigned i = 0; i < RUNNERS; i++) {
        if (jobs[i].is_there && jobs[i].running != 0) {
            tell(command, i, "running");
        }
    }
    return true;
}

bool run_fg(struct command *command)
{
    char const *number = command->words > 1 ? command->word[1] : "";
    struct job *job = find(*number == '%' ? number + 1 : number);
    if (job == NULL) {
        return false;
    }
    say(command, "%s\n", job->line);
    job->is_there = false;
    stages_wait(job->running);
    return true;
}

/* What is on its way to the screen goes first: it may be the console that is killed. */
bool run_kill(struct command *command)
{
    char const *name = command->words > 1 ? command->word[1] : "";
    if (*name == '%') {
        struct job *job = find(name + 1);
        if (job != NULL) {
            stages_stop(job->running);
        }
        return job != NULL;
    }
    sys_ignore(console_flush_until((struct console){ SHELL_CAP_CONSOLE }, soon()));
    enum err err = control_kill_until((struct control){ SHELL_CAP_CONTROL }, soon(), name, strlen(name));
    return err == OK || complain("kill", name, err);
}

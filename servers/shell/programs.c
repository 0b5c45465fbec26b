/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about programs: init knows them. */
#include "shell.h"

#include <idl/control_client.h>
#include <shell_caps.h>

#define CONTROL ((struct control){ SHELL_CAP_CONTROL })

bool run_ps(struct command *command)
{
    struct control_program program;
    say(command, "%-15s %8s %-8s %8s %12s\n", "NAME", "PRIORITY", "STATE", "RESTARTS", "TIME");
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        say(command, "%-15s %8u %-8s %8u %9lu.%02lu s\n", (char const *)program.name,
            program.priority, program.state == CONTROL_STATE_RUNNING ? "running" : "ended",
            program.restarts, program.time / 1000000000, program.time % 1000000000 / 10000000);
    }
    return true;
}

/* What is on its way to the screen goes first: it may be the console that is killed. */
bool run_kill(struct command *command)
{
    char const *name = command->words > 1 ? command->word[1] : "";
    sys_ignore(console_flush((struct console){ SHELL_CAP_CONSOLE }));
    enum err err = control_kill(CONTROL, name, strlen(name));
    return err == OK || complain("kill", name, err);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about programs: init knows them. */
#include "shell.h"

#include <idl/control_client.h>
#include <shell_caps.h>

#define CONTROL ((struct control){ SHELL_CAP_CONTROL })

/* What of its time a program may use, how often it had more to do, and how often it was late. */
static void show_budget(struct command *command, struct control_program const *program)
{
    char overruns[16] = "-";
    if (program->period == 0) {
        return;
    }
    if (program->tells_overruns) {
        sys_format(overruns, sizeof overruns, "%u", program->overruns);
    }
    say(command, " %4lu %% %8s %6lu", program->budget * 100 / program->period, overruns, program->missed);
}

bool run_ps(struct command *command)
{
    struct control_program program;
    say(command, "%-15s %8s %-8s %8s %12s %6s %8s %6s\n", "NAME", "PRIORITY", "STATE", "RESTARTS", "TIME",
        "BUDGET", "OVERRUNS", "MISSED");
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        char priority[16] = "deadline";
        if (program.priority != DEADLINE_PRIORITY) {
            sys_format(priority, sizeof priority, "%u", program.priority);
        }
        say(command, "%-15s %8s %-8s %8u %9lu.%02lu s", (char const *)program.name, priority,
            program.state == CONTROL_STATE_RUNNING ? "running" : "ended", program.restarts,
            program.time / 1000000000, program.time % 1000000000 / 10000000);
        show_budget(command, &program);
        say(command, "\n");
    }
    return true;
}

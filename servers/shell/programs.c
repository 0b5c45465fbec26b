/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about programs: init knows them. */
#include "shell.h"

#include <idl/control_client.h>
#include <shell_caps.h>
#include <tessera/names.h>

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

/* ---- Capabilities ---- */

struct found {
    uint32_t slot;
    uint8_t type;
    uint64_t rights, value;
};

static bool next_capability(uint32_t number, uint32_t from, struct found *found)
{
    return control_capability(CONTROL, number, from, &found->slot, &found->type, &found->rights,
                              &found->value) == OK &&
           found->slot != 0;
}

/* How many a program has of each type. */
static void count_capabilities(struct command *command, uint32_t number,
                               struct control_program const *program)
{
    uint32_t count[OBJECT_TYPES] = { 0 }, all = 0;
    struct found found = { 0 };
    while (next_capability(number, found.slot + 1, &found)) {
        count[found.type]++;
        all++;
    }
    say(command, "%-15s %u of %u: ", (char const *)program->name, all, program->slots);
    char const *between = "";
    for (unsigned type = 0; type < OBJECT_TYPES; type++) {
        if (count[type] != 0) {
            say(command, "%s%u %s", between, count[type], object_type_name(type));
            between = ", ";
        }
    }
    say(command, "\n");
}

static struct {
    uint8_t type;
    uint64_t right;
    char const *name;
} const rights[] = {
    { OBJECT_ENDPOINT, ENDPOINT_SEND, "send" },
    { OBJECT_ENDPOINT, ENDPOINT_RECV, "recv" },
    { OBJECT_ENDPOINT, ENDPOINT_GRANT, "grant" },
    { OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, "signal" },
    { OBJECT_NOTIFICATION, NOTIFICATION_WAIT, "wait" },
    { OBJECT_FRAME, FRAME_READ, "read" },
    { OBJECT_FRAME, FRAME_WRITE, "write" },
    { OBJECT_FRAME, FRAME_EXECUTE, "execute" },
};

static void show_capability(struct command *command, struct found const *c, uint32_t last)
{
    char range[24];
    sys_format(range, sizeof range, last == c->slot ? "%u" : "%u-%u", c->slot, last);
    say(command, "%12s  %s", range, object_type_name(c->type));
    for (unsigned i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        if (rights[i].type == c->type && (c->rights & rights[i].right) != 0) {
            say(command, " %s", rights[i].name);
        }
    }
    bool is_sized = c->type == OBJECT_UNTYPED || c->type == OBJECT_FRAME || c->type == OBJECT_TABLES;
    bool is_badged = c->type == OBJECT_ENDPOINT || c->type == OBJECT_NOTIFICATION;
    if (is_sized) {
        say(command, ", 2^%lu bytes", c->value);
    } else if (c->type == OBJECT_CNODE) {
        say(command, ", 2^%lu slots", c->value);
    } else if (is_badged && c->value != 0) {
        say(command, ", badge %lu", c->value);
    }
    say(command, "\n");
}

/* Those that are alike in a row share a line. */
static void list_capabilities(struct command *command, uint32_t number)
{
    struct found first = { 0 }, next = { 0 };
    uint32_t last = 0;
    bool more = next_capability(number, 1, &next);
    while (more) {
        first = next;
        do {
            last = next.slot;
            more = next_capability(number, last + 1, &next);
        } while (more && next.slot == last + 1 && next.type == first.type &&
                 next.rights == first.rights && next.value == first.value);
        show_capability(command, &first, last);
    }
}

bool run_caps(struct command *command)
{
    struct control_program program;
    char const *name = command->words > 1 ? command->word[1] : NULL;
    bool found = name == NULL;
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        if (name == NULL) {
            count_capabilities(command, i, &program);
        } else if (strcmp((char const *)program.name, name) == 0) {
            list_capabilities(command, i);
            found = true;
        }
    }
    return found || complain("caps", name, CONTROL_ERR_UNKNOWN);
}

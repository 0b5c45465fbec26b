/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds which capability: init looks into the programs' tables. */
#include "shell.h"

#include <idl/control_client.h>
#include <shell_caps.h>
#include <tessera/names.h>

#define CONTROL ((struct control){ SHELL_CAP_CONTROL })

struct held {
    uint32_t program, slot;
    uint64_t rights, value;
    uint8_t type;
    bool is_given;  /* by the system description */
    uint32_t first; /* of those in the table that are to the same object */
};

/* Into `next`, of the program's table, from slot `from` on. */
static bool next_capability(uint32_t program, uint32_t from, struct held *next)
{
    *next = (struct held){ .program = program };
    return control_capability(CONTROL, program, from, &next->slot, &next->type, &next->rights,
                              &next->value) == OK &&
           next->slot != 0;
}

/* ---- In words ---- */

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

static void describe(char *text, size_t size, struct held const *c)
{
    size_t at = (size_t)sys_format(text, size, "%s", object_type_name(c->type));
    for (unsigned i = 0; i < sizeof rights / sizeof rights[0] && at < size; i++) {
        if (rights[i].type == c->type && (c->rights & rights[i].right) != 0) {
            at += (size_t)sys_format(text + at, size - at, " %s", rights[i].name);
        }
    }
    bool is_sized = c->type == OBJECT_UNTYPED || c->type == OBJECT_FRAME || c->type == OBJECT_TABLES;
    bool is_badged = c->type == OBJECT_ENDPOINT || c->type == OBJECT_NOTIFICATION;
    char const *format = is_sized                        ? ", 2^%lu bytes"
                         : c->type == OBJECT_CNODE       ? ", 2^%lu slots"
                         : is_badged && c->value != 0    ? ", badge %lu"
                                                         : NULL;
    if (format != NULL && at < size) {
        sys_format(text + at, size - at, format, c->value);
    }
}

/* ---- A program's ---- */

/* How many a program has of each type. */
static void count_capabilities(struct command *command, uint32_t number,
                               struct control_program const *program)
{
    uint32_t count[OBJECT_TYPES] = { 0 }, all = 0;
    struct held found = { 0 };
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

/* Those that are alike in a row share a line. */
static void list_capabilities(struct command *command, uint32_t number)
{
    struct held first, next;
    bool more = next_capability(number, 1, &next);
    while (more) {
        char range[24], text[96];
        first = next;
        uint32_t last;
        do {
            last = next.slot;
            more = next_capability(number, last + 1, &next);
        } while (more && next.slot == last + 1 && next.type == first.type &&
                 next.rights == first.rights && next.value == first.value);
        sys_format(range, sizeof range, last == first.slot ? "%u" : "%u-%u", first.slot, last);
        describe(text, sizeof text, &first);
        say(command, "%12s  %s\n", range, text);
    }
}

/* ---- All of them, object by object ---- */

#define MOST 1024u

static struct {
    struct held held[MOST];
    uint32_t count;
} all;

static bool is_same(struct held const *a, struct held const *b)
{
    bool same = false;
    return a->type == b->type &&
           control_same(CONTROL, a->program, a->slot, b->program, b->slot, &same) == OK && same;
}

/* The slots that the description fills are marked. */
static void mark_given(uint32_t program, uint32_t from)
{
    struct held given;
    enum control_kept kept;
    for (given.slot = 0; control_given(CONTROL, program, given.slot + 1, &given.slot, &given.type,
                                       &given.rights, &given.value, &kept) == OK &&
                         given.slot != 0;) {
        for (uint32_t i = from; i < all.count; i++) {
            all.held[i].is_given |= all.held[i].slot == given.slot && kept == CONTROL_KEPT_SAME;
        }
    }
}

/* What can be told apart by its type is not asked about. */
static void take_all(void)
{
    struct control_program program;
    all.count = 0;
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        uint32_t from = all.count;
        struct held next = { 0 };
        while (all.count < MOST && next_capability(i, next.slot + 1, &next)) {
            all.held[all.count++] = next;
        }
        mark_given(i, from);
    }
    for (uint32_t i = 0; i < all.count; i++) {
        struct held *c = &all.held[i];
        for (c->first = 0; c->first < i; c->first++) {
            bool leads = all.held[c->first].first == c->first;
            if (leads && is_same(&all.held[c->first], c)) {
                break;
            }
        }
    }
}

static char const *name_of(uint32_t number, struct control_program *program)
{
    return control_program(CONTROL, number, program) == OK ? (char const *)program->name : "?";
}

/* Somebody else who has it: of those to whom it was given, if there are such. */
static struct held const *other_holder(struct held const *c)
{
    struct held const *found = NULL;
    for (uint32_t i = 0; i < all.count; i++) {
        struct held const *other = &all.held[i];
        bool is_other = other->first == c->first && other->program != c->program;
        if (is_other && (found == NULL || (other->is_given && !found->is_given))) {
            found = other;
        }
    }
    return found;
}

/* What it has of an object by the description, it may have more than once; but not with another badge,
 * if it was given one. */
static bool has_by_description(struct held const *c)
{
    for (uint32_t i = 0; i < all.count; i++) {
        struct held const *own = &all.held[i];
        bool covers = (c->rights & ~own->rights) == 0 && (own->value == 0 || own->value == c->value);
        if (own->first == c->first && own->program == c->program && own->is_given && covers) {
            return true;
        }
    }
    return false;
}

static uint64_t rights_of(struct held const *c, bool own)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < all.count; i++) {
        bool counts = all.held[i].first == c->first && (all.held[i].program == c->program) == own;
        found |= counts ? all.held[i].rights : 0;
    }
    return found;
}

/* It has rights that nobody else has: so it made the object, and the others have theirs from it. */
static bool is_maker(struct held const *c)
{
    uint64_t own = rights_of(c, true), others = rights_of(c, false);
    return (others & ~own) == 0 && others != own;
}

static unsigned show_gone(struct command *command, uint32_t number, char const *name)
{
    struct held given = { 0 };
    enum control_kept kept;
    unsigned count = 0;
    while (control_given(CONTROL, number, given.slot + 1, &given.slot, &given.type, &given.rights,
                         &given.value, &kept) == OK &&
           given.slot != 0) {
        if (kept != CONTROL_KEPT_SAME) {
            char text[96];
            describe(text, sizeof text, &given);
            say(command, "%s %s %u: %s\n", kept == CONTROL_KEPT_GONE ? "missing" : "changed", name,
                given.slot, text);
            count++;
        }
    }
    return count;
}

/* What programs have that the description does not give, and others have too: so it has come from one to
 * the other. What they make of their own memory is their affair. */
static bool show_changes(struct command *command)
{
    struct control_program program, other_program;
    unsigned kept = 0, count = 0;
    take_all();
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK; i++) {
        count += show_gone(command, i, (char const *)program.name);
    }
    for (uint32_t i = 0; i < all.count; i++) {
        struct held const *c = &all.held[i], *other = other_holder(c);
        if (c->is_given || other == NULL || has_by_description(c) || is_maker(c)) {
            kept += !c->is_given;
            continue;
        }
        char text[96];
        describe(text, sizeof text, c);
        say(command, "extra %s %u: %s; as %s %u\n", name_of(c->program, &program), c->slot, text,
            name_of(other->program, &other_program), other->slot);
        count++;
    }
    say(command, "%u differ from the system description; %u others are of what programs made or had\n",
        count, kept);
    return true;
}

bool run_caps(struct command *command)
{
    struct control_program program;
    char const *name = command->words > 1 ? command->word[1] : NULL;
    if (name != NULL && strcmp(name, "-d") == 0) {
        return show_changes(command);
    }
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

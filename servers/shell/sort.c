/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sort: all lines of the input in order. They lie in the command's memory one behind the other, and
 * behind the room for them the places where they begin, which are put in order.
 */
#include "shell.h"

/* Each byte could be a line, with four bytes for its place. */
#define TEXT_MOST (MEMORY_MOST / 5)

static bool take(struct command *command, struct stream *in)
{
    uint32_t length;
    while (command->used < TEXT_MOST - 1 &&
           (length = next_piece(in, command->memory + command->used, TEXT_MOST - 1 - command->used)) != 0) {
        command->used += length;
    }
    if (command->used > 0 && command->memory[command->used - 1] != '\n') {
        command->memory[command->used++] = '\n';
    }
    return command->used < TEXT_MOST - 1 || wrong("that is too much to sort");
}

/* Whether a line is to come before another; it may be its beginning. */
static bool before(char const *a, char const *b)
{
    while (*a == *b && *a != '\n') {
        a++, b++;
    }
    return *b != '\n' && (*a == '\n' || (unsigned char)*a < (unsigned char)*b);
}

/* Of a heap with the last line on top: puts a line at `at`, or below where others are to be above it. */
static void sink(char const *text, uint32_t *line, uint32_t count, uint32_t at, uint32_t place)
{
    uint32_t below;
    while ((below = 2 * at + 1) < count) {
        if (below + 1 < count && before(text + line[below], text + line[below + 1])) {
            below++;
        }
        if (!before(text + place, text + line[below])) {
            break;
        }
        line[at] = line[below];
        at = below;
    }
    line[at] = place;
}

static void put_in_order(char const *text, uint32_t *line, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;) {
        sink(text, line, count, i, line[i]);
    }
    while (count > 1) {
        uint32_t place = line[--count];
        line[count] = line[0];
        sink(text, line, count, 0, place);
    }
}

bool run_sort(struct command *command)
{
    if (command->memory == NULL) {
        return wrong("sort has no memory");
    }
    if (!with_inputs(command, 1, take)) {
        return false;
    }
    char const *text = command->memory;
    uint32_t *line = (uint32_t *)(command->memory + (TEXT_MOST + 3) / 4 * 4), count = 0;
    for (uint32_t at = 0; at < command->used; at++) {
        if (at == 0 || text[at - 1] == '\n') {
            line[count++] = at;
        }
    }
    put_in_order(text, line, count);
    for (uint32_t i = 0; i < count; i++) {
        char const *end = text + line[i];
        while (*end++ != '\n') {
        }
        if (!put_bytes(command, text + line[i], (uint32_t)(end - (text + line[i])))) {
            return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* One line at the console: the keys of other shells, as terminals send them (ECMA-48). */
#include "shell.h"

#include <shell_caps.h>

#define CONSOLE ((struct console){ SHELL_CAP_CONSOLE })
#define HISTORY 32u

#define ESCAPE    27
#define BACKSPACE 127

static struct {
    char text[LINE_MOST]; /* zeros behind the text */
    unsigned length, at;
    char const *prompt;
} line;

static char history[HISTORY][LINE_MOST];
static unsigned history_count; /* all that ever were */

void put_console(char const *text, size_t length)
{
    sys_ignore(console_write(CONSOLE, text, length));
}

/* ---- Keys ---- */

/* The arrow keys and their like become the control keys that mean the same. */
static int next_key(void)
{
    static char const arrows[][2] = { { 'A', CONTROL_KEY('P') }, { 'B', CONTROL_KEY('N') },
                                      { 'C', CONTROL_KEY('F') }, { 'D', CONTROL_KEY('B') },
                                      { 'H', CONTROL_KEY('A') }, { 'F', CONTROL_KEY('E') } };
    char c = key_wait();
    if (c != ESCAPE) {
        return (unsigned char)c;
    }
    c = key_wait();
    if (c != '[' && c != 'O') {
        return 0;
    }
    c = key_wait();
    for (unsigned i = 0; i < sizeof arrows / sizeof arrows[0]; i++) {
        if (arrows[i][0] == c) {
            return arrows[i][1];
        }
    }
    if (c >= '0' && c <= '9') { /* "3~": delete */
        while (key_wait() != '~') {
        }
        return c == '3' ? CONTROL_KEY('_') : 0;
    }
    return 0;
}

/* ---- The line on the screen ---- */

/* Writes it anew, with the cursor where it is. */
static void show(void)
{
    char text[LINE_MOST + 64];
    int n = sys_format(text, sizeof text, "\r%s%s\033[K", line.prompt, line.text);
    put_console(text, (size_t)n);
    if (line.at < line.length) {
        n = sys_format(text, sizeof text, "\033[%uD", line.length - line.at);
        put_console(text, (size_t)n);
    }
}

static void insert(char c)
{
    if (line.length + 1 < LINE_MOST) {
        memmove(line.text + line.at + 1, line.text + line.at, line.length - line.at);
        line.text[line.at++] = c;
        line.length++;
    }
}

static void erase(unsigned from, unsigned to)
{
    memmove(line.text + from, line.text + to, line.length - to);
    line.length -= to - from;
    line.at = from;
    memset(line.text + line.length, 0, LINE_MOST - line.length);
}

static void set(char const *text)
{
    line.length = line.at = (unsigned)strlen(text);
    memset(line.text, 0, LINE_MOST);
    memcpy(line.text, text, line.length);
}

/* ---- History ---- */

/* Back (`by` 1) or forth (-1) from what `*shown` lines ago was. */
static void recall(unsigned *shown, int by)
{
    unsigned oldest = history_count < HISTORY ? history_count : HISTORY;
    unsigned wanted = *shown + (unsigned)by;
    if (wanted > oldest) { /* below 0, too */
        return;
    }
    *shown = wanted;
    set(wanted == 0 ? "" : history[(history_count - wanted) % HISTORY]);
}

static void remember(void)
{
    char const *last = history[(history_count - 1) % HISTORY];
    if (line.length != 0 && (history_count == 0 || strcmp(last, line.text) != 0)) {
        memcpy(history[history_count++ % HISTORY], line.text, LINE_MOST);
    }
}

/* ---- Completion ---- */

struct completion {
    char const *start; /* of what is to be completed: the last part of a path */
    unsigned length;
    unsigned found;
    char common[LINE_MOST]; /* what all have in common */
    bool directory;
    bool show;
};

static void offer(struct completion *c, char const *name, unsigned length, bool directory)
{
    if (length < c->length || length >= LINE_MOST || memcmp(name, c->start, c->length) != 0) {
        return;
    }
    if (c->show) {
        put_console(name, length);
        put_console(directory ? "/  " : "  ", directory ? 3 : 2);
    } else if (c->found++ == 0) {
        memset(c->common, 0, sizeof c->common);
        memcpy(c->common, name, length);
        c->directory = directory;
    } else {
        unsigned same = 0;
        while (same < length && c->common[same] == name[same]) {
            same++;
        }
        c->common[same] = '\0';
    }
}

static void offer_files(struct completion *c, char const *dir, unsigned dir_length)
{
    uint32_t file, used;
    uint64_t cookie = 0;
    if (vfs_session_open_until(files->session, soon(), dir_length == 0 ? "." : dir,
                               dir_length == 0 ? 1 : dir_length,
                               VFS_OPEN_MODE_READ | VFS_OPEN_MODE_DIRECTORY, 0, &file) != OK) {
        return;
    }
    char entries[PIECE];
    while (files_list(files, soon(), file, cookie, entries, sizeof entries, &used) == OK && used != 0) {
        struct vfs_entry entry;
        char const *name;
        for (uint32_t at = 0; (name = files_entry(entries, used, &at, &entry)) != NULL;) {
            offer(c, name, entry.length, entry.kind == VFS_KIND_DIRECTORY);
            cookie = entry.cookie;
        }
    }
    sys_ignore(vfs_session_close_until(files->session, soon(), file));
}

static void offer_all(struct completion *c, unsigned word, unsigned part)
{
    bool first = true;
    for (unsigned i = 0; i < word; i++) {
        first &= line.text[i] == ' ';
    }
    for (unsigned i = 0; first && part == word && i < builtin_count; i++) {
        offer(c, builtins[i].name, (unsigned)strlen(builtins[i].name), false);
    }
    if (!first || part != word) {
        offer_files(c, line.text + word, part - word);
    }
}

static void complete(void)
{
    unsigned word = line.at;
    while (word > 0 && line.text[word - 1] != ' ') {
        word--;
    }
    unsigned part = line.at;
    while (part > word && line.text[part - 1] != '/') {
        part--;
    }
    static struct completion c;
    c.start = line.text + part;
    c.length = line.at - part;
    c.found = 0;
    c.show = false;
    offer_all(&c, word, part);
    if (c.found == 0) {
        return;
    }
    if (c.found > 1 && strlen(c.common) == c.length) {
        put_console("\n", 1);
        c.show = true;
        offer_all(&c, word, part);
        put_console("\n", 1);
    }
    for (unsigned i = c.length; c.common[i] != '\0'; i++) {
        insert(c.common[i]);
    }
    if (c.found == 1) {
        insert(c.directory ? '/' : ' ');
    }
}

/* ---- A line ---- */

/* What a key does to the line. */
static void edit(int key, unsigned *shown)
{
    switch (key) {
    case CONTROL_KEY('A'):
        line.at = 0;
        break;
    case CONTROL_KEY('E'):
        line.at = line.length;
        break;
    case CONTROL_KEY('B'):
        line.at -= line.at > 0;
        break;
    case CONTROL_KEY('F'):
        line.at += line.at < line.length;
        break;
    case CONTROL_KEY('H'):
    case BACKSPACE:
        if (line.at > 0) {
            erase(line.at - 1, line.at);
        }
        break;
    case CONTROL_KEY('_'):
    case CONTROL_KEY('D'):
        if (line.at < line.length) {
            erase(line.at, line.at + 1);
        }
        break;
    case CONTROL_KEY('K'):
        erase(line.at, line.length);
        break;
    case CONTROL_KEY('U'):
        erase(0, line.at);
        break;
    case CONTROL_KEY('P'):
        recall(shown, 1);
        break;
    case CONTROL_KEY('N'):
        recall(shown, -1);
        break;
    case CONTROL_KEY('I'):
        complete();
        break;
    default:
        if (key >= ' ' && key < BACKSPACE) {
            insert((char)key);
        }
        break;
    }
}

bool edit_line(char const *prompt, char *out)
{
    unsigned shown = 0;
    line.prompt = prompt;
    set("");
    show();
    for (;;) {
        int key = next_key();
        if (key == '\r' || key == '\n') {
            break;
        }
        if (key == CONTROL_KEY('C')) {
            put_console("^C\n", 3);
            set("");
            shown = 0;
        }
        if (key == CONTROL_KEY('D') && line.length == 0) {
            return false;
        }
        edit(key, &shown);
        show();
    }
    put_console("\n", 1);
    remember();
    memcpy(out, line.text, LINE_MOST);
    return true;
}

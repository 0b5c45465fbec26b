/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls servers for the host (`./tessera call`), which knows their interfaces and writes the words of the
 * message: idl/gateway.idl. A capability that comes in an answer is given up at once, and a session with the
 * file server is kept from one host to the next, with the files that they opened.
 */
#include <gateway_caps.h>
#include <idl/console_client.h>
#include <idl/gateway.h>
#include <idl/vfs_client.h>
#include <tessera/files.h>
#include <tessera/print.h>
#include <tessera/receive.h>
#include <tessera/start.h>
#include <tessera/string.h>

#define HOST      ((struct console){ GATEWAY_CAP_HOST })
#define LINE_MOST 160u
#define SHARED    0x100000000 /* where the memory shared with the file server is */
#define WORDS_OF_A_LINE 8u

static struct sys_resources means = {
    .cnode = GATEWAY_CAP_CNODE,
    .memory = GATEWAY_CAP_TABLES,
    .vspace = GATEWAY_CAP_VSPACE,
    .slots = { .next = GATEWAY_FIRST_FREE_SLOT, .end = GATEWAY_SLOTS },
};
static cptr_t targets[] = {
    [GATEWAY_TARGET_CONSOLE] = GATEWAY_CAP_CONSOLE, [GATEWAY_TARGET_CONTROL] = GATEWAY_CAP_CONTROL,
    [GATEWAY_TARGET_INIT] = CPTR(1),                [GATEWAY_TARGET_MEMORY_SPACE] = GATEWAY_CAP_MEMORY,
    [GATEWAY_TARGET_TRACE] = GATEWAY_CAP_TRACE,     [GATEWAY_TARGET_VFS] = GATEWAY_CAP_VFS,
    [GATEWAY_TARGET_VFS_SESSION] = { 0 },
};

static struct files files;

/* The message that is being put together, and the answer: the stubs use the buffer in between. */
static uint64_t words[MESSAGE_WORDS];
static unsigned count;

/* A console that has died is started again, or there is nobody to speak with. */
static void look(enum err err)
{
    if (err == ERR_BAD_CAPABILITY) {
        sys_exit(1);
    }
}

static void say(char const *format, ...)
{
    char text[LINE_MOST];
    va_list args;
    va_start(args, format);
    int length = sys_vformat(text, sizeof text, format, args);
    va_end(args);
    enum err err;
    while ((err = console_write(HOST, text, (size_t)length)) != OK) {
        look(err);
    }
}

/* ---- Lines of the host ---- */

static char next_byte(void)
{
    static char text[64];
    static size_t at, length;
    while (at == length) {
        at = length = 0;
        enum err err = console_read(HOST, text, &length);
        if (err == OK && length == 0) {
            err = console_wait(HOST);
        }
        look(err);
    }
    return text[at++];
}

static void read_line(char line[LINE_MOST])
{
    unsigned length = 0;
    char c;
    while ((c = next_byte()) != '\n') {
        if (length < LINE_MOST - 1) {
            line[length++] = c;
        }
    }
    line[length] = '\0';
}

/* The next number of a line; false where there is none. */
static bool take_number(char const **line, uint64_t *number)
{
    while (**line == ' ') {
        (*line)++;
    }
    *number = 0;
    bool found = false;
    for (;; (*line)++, found = true) {
        char c = **line;
        if (c >= '0' && c <= '9') {
            *number = *number << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            *number = *number << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return found;
        }
    }
}

/* ---- Calls ---- */

/* Its words, several a line. */
static void show_words(unsigned all)
{
    char line[LINE_MOST];
    for (unsigned i = 0; i < all;) {
        int length = 0;
        for (unsigned n = 0; n < WORDS_OF_A_LINE && i < all; n++, i++) {
            length += sys_format(line + length, sizeof line - (size_t)length, " %lx", words[i]);
        }
        say(":%s", line);
    }
}

/* What came back. */
static void show(sys_event_t event, struct sys_message const *m)
{
    enum err err = sys_event_error(event);
    bool came = err == OK && (sys_event_kind(event) & EVENT_KIND_CAP) != 0;
    bool is_long = err == OK && (sys_event_kind(event) & EVENT_KIND_LONG) != 0;
    unsigned came_count = err != OK ? 0 : (unsigned)tag_words(m->tag);
    if (!is_long && came_count > SYS_MESSAGE_REGISTERS) {
        came_count = SYS_MESSAGE_REGISTERS;
    }
    for (unsigned i = 0; i < came_count; i++) {
        words[i] = i < SYS_MESSAGE_REGISTERS ? m->w[i] : sys_buffer()->words[i];
    }
    sys_received_refuse(event);
    say("= %x %x %x %x", err, err == OK ? (unsigned)tag_label(m->tag) : 0u, came, came_count);
    show_words(came_count);
}

static void call(uint64_t target, uint64_t label)
{
    struct sys_message m = { .tag = sys_tag(label, count, 0) };
    for (unsigned i = 0; i < count; i++) {
        sys_buffer()->words[i] = words[i];
    }
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS && i < count; i++) {
        m.w[i] = words[i];
    }
    count = 0;
    sys_buffer()->deadline = sys_clock_ns() + GATEWAY_PATIENCE_NS;
    cptr_t to = targets[target];
    sys_event_t event = { sys_trap(to.raw | SYS_CALL_UNTIL, &m, SYS_MESSAGE_REGISTERS | SYS_TAG) };
    show(event, &m);
}

/* The kernel's part of a call is missing: what is shared with the file server is read here. */
static void read_file(uint64_t file, uint64_t from)
{
    uint32_t done = 0;
    enum err err = files_read(&files, (uint32_t)file, from, words + 1, GATEWAY_READ_MOST, &done);
    words[0] = done;
    unsigned all = err == OK ? 1 + (done + 7) / 8 : 0;
    say("= %x 0 0 %x", err, all);
    show_words(all);
}

/* A new session, whose memory is where that of the one before was. What comes in answers goes where it went before. */
static void connect(void)
{
    uint64_t slot = sys_buffer()->receive_slot;
    files_lost(&means, &files);
    means.next_address = SHARED;
    sys_ignore(files_connect(&means, GATEWAY_CAP_VFS, &files)); /* without one, calls of its methods fail */
    targets[GATEWAY_TARGET_VFS_SESSION] = files.session.cap;
    sys_buffer()->receive_slot = slot;
}

/* Somebody begins anew. The file server may have died since, and the session with it. */
static void greet(uint64_t number)
{
    uint64_t sessions;
    count = 0;
    if (vfs_session_counter(files.session, VFS_COUNTER_SESSIONS, &sessions) != OK) {
        connect();
    }
    say("! %lx", number);
}

static void obey(char const *line)
{
    uint64_t number, label;
    char command = *line++;
    if (command == GATEWAY_COMMAND_HELLO && take_number(&line, &number)) {
        greet(number);
    } else if (command == GATEWAY_COMMAND_WORDS) {
        while (count < MESSAGE_WORDS && take_number(&line, &number)) {
            words[count++] = number;
        }
        say("+");
    } else if (command == GATEWAY_COMMAND_CALL && take_number(&line, &number) &&
               number < sizeof targets / sizeof targets[0] && take_number(&line, &label)) {
        call(number, label);
    } else if (command == GATEWAY_COMMAND_READ && take_number(&line, &number) && take_number(&line, &label)) {
        read_file(number, label);
    } else {
        say("?");
    }
}

int main(uint64_t argument)
{
    (void)argument;
    if (sys_receive_into(&means) != OK) {
        return 1;
    }
    greet(0);
    for (;;) {
        char line[LINE_MOST];
        read_line(line);
        obey(line);
    }
}

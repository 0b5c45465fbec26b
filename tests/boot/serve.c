/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of the console's interface, played by the test, and its clients: threads of this program, and
 * programs in address spaces and with capability tables of their own. The text that comes is kept. */
#include "test.h"
#include "world.h"

#include <idl/console_client.h>
#include <idl/console_server.h>
#include <tessera/print.h>

#define SOON (sys_clock_ns() + 100000000)
#define MOST 512 /* bytes of one write */

/* In memory that everybody sees. */
struct log {
    unsigned used;
    unsigned lines_of[8]; /* by badge */
    char text[3000];
};
static struct log *text_log;

struct console_server {
    unsigned flushes;
};

static cptr_t service;

static enum err console_on_write(struct console_server *server, uint64_t badge, char const *text,
                                 size_t length)
{
    (void)server;
    if (badge >= array_length(text_log->lines_of) ||
        text_log->used + length > sizeof text_log->text) {
        return ERR_NO_MEMORY;
    }
    text_log->lines_of[badge]++;
    memcpy(text_log->text + text_log->used, text, length);
    text_log->used += (unsigned)length;
    return OK;
}

static enum err console_on_flush(struct console_server *server, uint64_t badge)
{
    (void)badge;
    server->flushes++;
    return OK;
}

/* Nothing comes in here. */
static enum err console_on_read(struct console_server *server, uint64_t badge, char *text,
                                size_t *length)
{
    (void)server, (void)badge, (void)text;
    *length = 0;
    return OK;
}

static enum err console_on_wait(struct console_server *server, uint64_t badge)
{
    (void)server, (void)badge;
    return ERR_NOT_READY;
}

static void serve(void *argument)
{
    (void)argument;
    static struct console_server server;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = console_reply_recv(service, &m);
        if (sys_event_error(event) != OK) {
            return;
        }
        console_serve(&server, event, &m);
    }
}

static struct sys_thread *start_server(void)
{
    text_log = shared();
    *text_log = (struct log){ 0 };
    service = make(OBJECT_ENDPOINT);
    return start("service", PRIORITY + 1, CPTR_NONE, serve, NULL);
}

/* A client's capability. */
static struct console connection(uint64_t badge)
{
    return (struct console){ copy_of(service, ENDPOINT_SEND, badge) };
}

static bool printed_is(char const *expected)
{
    return text_is(expected, text_log->text, text_log->used);
}

/* ---- One client ---- */

/* The one that init started out of the system description, with what the description gives: to send,
 * and nothing else. */
/* seL4: SERSERV_PARENT_001, SERSERV_PARENT_002 */
static void started_by_init(void)
{
    struct console console = { BOOT_TESTS_CAP_CONSOLE };
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    struct sys_message m;
    EXPECT_OK(sys_cnode_inspect(CNODE, slot_of(console.cap), &type, &rights, &value));
    EXPECT_EQ(type, OBJECT_ENDPOINT);
    EXPECT_EQ(rights, ENDPOINT_SEND);
    EXPECT_OK(console_write(console, "", 0));
    EXPECT_OK(console_flush(console));
    EXPECT_ERR(sys_event_error(sys_nb_recv(console.cap, &m)), ERR_NO_RIGHT);
}

static struct console printing;

static void print_there(char const *text, size_t length)
{
    EXPECT_OK(console_write(printing, text, length));
}

static enum err print(struct console console, char const *format, uint64_t a, uint64_t b)
{
    char line[64];
    int length = sys_format(line, sizeof line, format, a, b);
    EXPECT(length > 0 && length < (int)sizeof line);
    return console_write(console, line, (size_t)length);
}

/* seL4: SERSERV_PARENT_003 */
static void formatted_text(void)
{
    char text[64];
    start_server();
    printing = connection(1);
    int length = sys_format(text, sizeof text, "%s %d %u %lx %c|%5u|%-5u|%05u", "text", -7, 8u,
                            0xabcdef0123456789ul, 'c', 42u, 42u, 42u);
    print_there(text, (size_t)length);
    EXPECT(printed_is("text -7 8 abcdef0123456789 c|   42|42   |00042"));
    EXPECT_OK(console_flush(printing));
}

/* All lengths, the longest and none at all among them. */
/* seL4: SERSERV_PARENT_004 */
static void bytes_arrive_as_they_are(void)
{
    static char bytes[MOST];
    start_server();
    struct console client = connection(1);
    for (unsigned length = 0; length <= MOST; length += length < 20 || length > 500 ? 1 : 47) {
        text_log->used = 0;
        for (unsigned i = 0; i < length; i++) {
            bytes[i] = (char)(i * 7 + length);
        }
        test_at(length, 0);
        EXPECT_OK(console_write(client, bytes, length));
        EXPECT_EQ(text_log->used, length);
        EXPECT_EQ(memcmp(text_log->text, bytes, length), 0);
    }
}

/* seL4: SERSERV_PARENT_005 */
static void connection_is_taken_and_given_again(void)
{
    start_server();
    cptr_t lender = copy_of(service, ENDPOINT_SEND, 3);
    struct console client = { copy_of(lender, RIGHTS_ALL, 0) };
    EXPECT_OK(console_write(client, "one ", 4));
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(lender)));
    EXPECT_ERR(console_write(client, "two ", 4), ERR_BAD_CAPABILITY);
    EXPECT_ERR(console_flush(client), ERR_BAD_CAPABILITY);
    EXPECT_OK(sys_cnode_copy(CNODE, slot_of(client.cap), lender, RIGHTS_ALL));
    EXPECT_OK(console_write(client, "three", 5));
    EXPECT(printed_is("one three"));
    EXPECT_EQ(text_log->lines_of[3], 2);
}

static enum err last_answer;

static void write_until_refused(void *argument)
{
    struct console client = { *(cptr_t *)argument };
    while ((last_answer = console_write(client, ".", 1)) == OK) {
        sys_yield();
    }
}

/* Its thread goes, with the endpoint: who waits, and who comes later, is told. */
/* seL4: SERSERV_PARENT_006 */
static void server_is_ended(void)
{
    static cptr_t client;
    struct sys_thread *server = start_server();
    client = connection(1).cap;
    EXPECT_OK(console_write((struct console){ client }, "a", 1));
    EXPECT_OK(sys_thread_destroy(&world, server));
    last_answer = OK;
    start("client", PRIORITY + 1, CPTR_NONE, write_until_refused, &client);
    EXPECT_OK(last_answer); /* it waits: the endpoint is still there */
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(service)));
    EXPECT_OK(sys_drop(&world, service));
    EXPECT(last_answer == ERR_GONE || last_answer == ERR_BAD_CAPABILITY);
    EXPECT_ERR(console_write((struct console){ client }, "b", 1), ERR_BAD_CAPABILITY);
    EXPECT(printed_is("a"));
}

/* seL4: SERSERV_PARENT_008 */
static void connections_that_are_none(void)
{
    start_server();
    struct console const bad[] = {
        { CPTR_NONE },
        { empty_slot() },
        { copy_of(service, ENDPOINT_RECV | ENDPOINT_GRANT, 1) },
    };
    static enum err const expected[] = { ERR_BAD_CAPABILITY, ERR_BAD_CAPABILITY, ERR_NO_RIGHT };
    for (unsigned i = 0; i < array_length(bad); i++) {
        test_at(i, 0);
        EXPECT_ERR(console_write(bad[i], "x", 1), expected[i]);
        EXPECT_ERR(console_flush(bad[i]), expected[i]);
    }
    struct console wrong = { make(OBJECT_NOTIFICATION) };
    EXPECT(console_write(wrong, "x", 1) != OK);
    EXPECT_EQ(text_log->used, 0);
}

/* seL4: SERSERV_PARENT_009 */
static void formatted_text_is_cut(void)
{
    char text[16];
    memset(text, '#', sizeof text);
    EXPECT_EQ(sys_format(text, 8, "%s", "0123456789"), 10);
    EXPECT_EQ(memcmp(text, "0123456\0########", 16), 0);
    EXPECT_EQ(sys_format(text, 0, "%u", 12345u), 5);
    EXPECT_EQ(memcmp(text, "0123456\0########", 16), 0);
    EXPECT_EQ(sys_format(text, 1, "%s", "x"), 1);
    EXPECT_EQ(text[0], '\0');
}

static enum err raw(struct console client, uint64_t label, unsigned words, uint64_t first)
{
    struct sys_message m = { .tag = sys_tag(label, words, 0), .w = { first } };
    enum err err = sys_call_long(client.cap, &m);
    return err != OK ? err : (enum err)((m.tag & TAG_LABEL_MASK) >> TAG_LABEL_SHIFT);
}

/* Lengths that the message does not have, too long ones, and requests that there are not: by messages
 * that no client's code would make. */
/* seL4: SERSERV_PARENT_010 */
static void bad_messages(void)
{
    enum { WRITE = 513, WAIT = 516 };
    start_server();
    struct console client = connection(1);
    static char long_text[MOST + 1];
    EXPECT_ERR(console_write(client, long_text, MOST + 1), ERR_BAD_ARGUMENT);
    static uint64_t const lengths[] = { 9, 17, MOST, MOST + 1, 1ul << 32, 1ul << 63, ~0ul };
    for (unsigned i = 0; i < array_length(lengths); i++) {
        test_at(i, lengths[i]);
        EXPECT_ERR(raw(client, WRITE, 2, lengths[i]), ERR_BAD_ARGUMENT);
        EXPECT_ERR(raw(client, WRITE, 1, lengths[i]), ERR_BAD_ARGUMENT);
    }
    EXPECT_ERR(raw(client, WRITE, MESSAGE_WORDS, MOST + 1), ERR_BAD_ARGUMENT);
    for (uint64_t label = 0; label < 65536; label += label < 600 ? 1 : 997) {
        if (label < WRITE || label > WAIT) { /* the others are there */
            test_at(label, 0);
            EXPECT_ERR(raw(client, label, 1, 1), ERR_BAD_REQUEST);
        }
    }
    EXPECT_EQ(text_log->used, 0);
    EXPECT_OK(console_write(client, "well", 4));
    EXPECT(printed_is("well"));
}

/* ---- Several clients ---- */

#define CLIENTS 3
#define LINES   10

/* The slots of a client's own table. */
#define OWN_CONSOLE CPTR(1)
#define OWN_DONE    CPTR(2)
#define OWN_AGAIN   CPTR(3)

static struct {
    struct console console;
    cptr_t done, again;
} of[CLIENTS];

static void next_phase(uint64_t n)
{
    uint64_t bits;
    EXPECT_OK(sys_signal(of[n].done));
    EXPECT_OK(sys_wait(of[n].again, 0, &bits, NULL));
}

/* Writes lines; loses its console and gets it again; writes more; loses it for good. */
static void client(void *argument)
{
    uint64_t n = (uint64_t)argument;
    EXPECT_OK(print(of[n].console, "client %lu begins with %lu\n", n, n * 100));
    for (uint64_t line = 0; line < LINES; line++) {
        EXPECT_OK(print(of[n].console, "client %lu line %lu\n", n, line));
        sys_yield();
    }
    next_phase(n);
    EXPECT_ERR(print(of[n].console, "client %lu lost %lu\n", n, 0), ERR_BAD_CAPABILITY);
    next_phase(n);
    EXPECT_OK(print(of[n].console, "client %lu again %lu\n", n, 1));
    next_phase(n);
    EXPECT_ERR(print(of[n].console, "client %lu gone %lu\n", n, 0), ERR_BAD_CAPABILITY);
    EXPECT_OK(sys_signal(of[n].done));
}

static void wait_for_all(cptr_t done)
{
    uint64_t bits, count = 0;
    for (uint64_t n = 0; n < CLIENTS; n += count) {
        ASSERT_OK(sys_wait(done, SOON, &bits, &count));
    }
}

static void let_all_go_on(cptr_t const again[])
{
    for (unsigned n = 0; n < CLIENTS; n++) {
        EXPECT_OK(sys_signal(again[n]));
    }
}

/* Every line is whole, and each client's are in order. */
static void check_lines(void)
{
    static unsigned next[CLIENTS];
    char line[64];
    memset(next, 0, sizeof next);
    for (unsigned at = 0; at < text_log->used;) {
        bool found = false;
        for (uint64_t n = 0; n < CLIENTS && !found; n++) {
            char const *format = next[n] == 0           ? "client %lu begins with %lu\n"
                                 : next[n] <= LINES     ? "client %lu line %lu\n"
                                                        : "client %lu again %lu\n";
            uint64_t value = next[n] == 0 ? n * 100 : next[n] <= LINES ? next[n] - 1 : 1;
            unsigned length = (unsigned)sys_format(line, sizeof line, format, n, value);
            found = memcmp(text_log->text + at, line, length) == 0;
            if (found) {
                next[n]++;
                at += length;
            }
        }
        test_at(at, text_log->used);
        ASSERT(found);
    }
    for (unsigned n = 0; n < CLIENTS; n++) {
        EXPECT_EQ(next[n], LINES + 2);
        EXPECT_EQ(text_log->lines_of[n + 1], LINES + 2);
    }
}

/* Where the test finds each client's console: its table, and the slot there. */
static cptr_t table_of[CLIENTS];
static uint32_t slot_there[CLIENTS];

static void connect(uint64_t n, cptr_t lender)
{
    EXPECT_OK(sys_cnode_copy(table_of[n], slot_there[n], lender, RIGHTS_ALL));
}

static void start_client(uint64_t n, cptr_t lender, cptr_t done, cptr_t again, bool apart)
{
    table_of[n] = apart ? make_sized(OBJECT_CNODE, 3) : CNODE;
    if (apart) {
        of[n].console.cap = OWN_CONSOLE;
        of[n].done = OWN_DONE;
        of[n].again = OWN_AGAIN;
        EXPECT_OK(sys_cnode_copy(table_of[n], slot_of(OWN_DONE), done, RIGHTS_ALL));
        EXPECT_OK(sys_cnode_copy(table_of[n], slot_of(OWN_AGAIN), again, RIGHTS_ALL));
    } else {
        of[n].console.cap = empty_slot();
        of[n].done = done;
        of[n].again = again;
    }
    slot_there[n] = slot_of(of[n].console.cap);
    connect(n, lender);
    if (apart) {
        start_apart("client", PRIORITY - 1, table_of[n], CPTR_NONE, client, (void *)n, NULL);
    } else {
        start("client", PRIORITY - 1, CPTR_NONE, client, (void *)n);
    }
}

static void several_clients(bool apart)
{
    cptr_t again[CLIENTS], lender[CLIENTS], done = make(OBJECT_NOTIFICATION);
    struct sys_thread *server = start_server();
    for (uint64_t n = 0; n < CLIENTS; n++) {
        again[n] = make(OBJECT_NOTIFICATION);
        lender[n] = copy_of(service, ENDPOINT_SEND, n + 1);
        start_client(n, lender[n], done, again[n], apart);
    }
    wait_for_all(done);
    for (unsigned n = 0; n < CLIENTS; n++) {
        EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(lender[n])));
    }
    let_all_go_on(again);
    wait_for_all(done);
    for (unsigned n = 0; n < CLIENTS; n++) {
        connect(n, lender[n]);
    }
    let_all_go_on(again);
    wait_for_all(done);
    check_lines();
    /* Now all of them lose it at once, and then the server ends. */
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(service)));
    EXPECT_OK(sys_thread_destroy(&world, server));
    let_all_go_on(again);
    wait_for_all(done);
}

/* seL4: SERSERV_CLIENT_001, SERSERV_CLIENT_002, SERSERV_CLIENT_003, SERSERV_CLIENT_004 */
/* seL4: SERSERV_CLIENT_005 */
static void threads_are_clients(void)
{
    several_clients(false);
}

/* seL4: SERSERV_CLI_PROC_001, SERSERV_CLI_PROC_002, SERSERV_CLI_PROC_003 */
/* seL4: SERSERV_CLI_PROC_004, SERSERV_CLI_PROC_005 */
static void programs_are_clients(void)
{
    several_clients(true);
}

static struct test const tests[] = {
    TEST(started_by_init),
    TEST(formatted_text),
    TEST(bytes_arrive_as_they_are),
    TEST(connection_is_taken_and_given_again),
    TEST(server_is_ended),
    TEST(connections_that_are_none),
    TEST(formatted_text_is_cut),
    TEST(bad_messages),
    TEST(threads_are_clients),
    TEST(programs_are_clients),
};
TEST_GROUP(serve);

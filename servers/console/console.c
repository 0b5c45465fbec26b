/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: texts go into a ring, and from there to the serial port as its interrupt says that
 * it takes more. A client whose text does not fit waits; so does one that wants to see it all out.
 * What comes in goes into another ring, until somebody reads it; lines that the host sends to the gateway
 * (idl/gateway.idl) into one of their own, so that nobody who types meets them.
 */
#include "uart.h"

#include <console_caps.h>
#include <idl/console_server.h>
#include <idl/init_client.h>
#include <tessera/resources.h>
#include <tessera/start.h>
#include <tessera/string.h>

#define RING  4096u
#define INPUT 1024u
#define ESCAPE '\033'
#define READ  64u /* bytes that console.read gives at once */

#define SUPERVISOR ((struct init){ CPTR(1) })

static struct uart const *const uarts[] = { &uart_16550_memory, &uart_16550_ports, &uart_pl011 };
static struct uart const *uart;

/* The driver of the port that this program was given. */
static struct uart const *find_uart(void)
{
    char name[31];
    size_t length;
    uint32_t slot = (uint32_t)(CONSOLE_CAP_IRQ.raw >> SLOT_BITS);
    if (init_device(SUPERVISOR, slot, name, &length) != OK) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof uarts / sizeof uarts[0]; i++) {
        if (text_is(uarts[i]->device, name, length)) {
            return uarts[i];
        }
    }
    return NULL;
}

/* What has come in, for one reader. */
struct input {
    char text[INPUT];
    uint32_t head, tail; /* as those of the output below */
    cptr_t reader;       /* a Reply with the client that waits for it, if any */
    bool somebody_reads;
};

struct console_server {
    struct sys_resources resources;
    char ring[RING];
    uint32_t head;  /* the next character to send; both count on for ever */
    uint32_t tail;  /* where the next one is put */
    char last;      /* that was written */
    cptr_t waiting; /* a Reply with the client that waits, if any */
    bool somebody_waits;
    bool for_empty; /* it waits for an empty ring, not only for room */
    struct input input[2]; /* what is typed; the host's lines */
    bool of_host;          /* what comes in now is one of these */
};

static uint32_t filled(struct console_server const *server)
{
    return server->tail - server->head;
}

/* Sends what the port takes. Leaves the interrupt on while there is more, or somebody waits. */
static void pump(struct console_server *server)
{
    while (filled(server) != 0) {
        uint32_t at = server->head % RING;
        uint32_t straight = RING - at < filled(server) ? RING - at : filled(server);
        size_t sent = uart->send(server->ring + at, straight);
        if (sent == 0) {
            break;
        }
        server->head += (uint32_t)sent;
    }
    uart->want_interrupt(filled(server) != 0 || server->somebody_waits);
}

/* The caller gets its answer later. One can wait; others queue on the endpoint meanwhile, because
 * the loop does not receive. */
static bool answer_later(struct console_server *server, bool for_empty)
{
    if (sys_reply_save(server->waiting) != OK) {
        return false;
    }
    server->somebody_waits = true;
    server->for_empty = for_empty;
    return true;
}

static void answer_if_possible(struct console_server *server)
{
    bool ready = server->for_empty ? filled(server) == 0 && uart->is_empty()
                                   : filled(server) <= RING / 2;
    if (server->somebody_waits && ready) {
        server->somebody_waits = false;
        struct sys_message m = { .tag = sys_tag(OK, 0, 0) };
        sys_ignore(sys_reply(server->waiting, &m)); /* it may have given up: its own affair */
    }
}

static void put(struct console_server *server, char c)
{
    server->ring[server->tail++ % RING] = c;
}

static void put_all(struct console_server *server, char const *text)
{
    while (*text != '\0') {
        put(server, *text++);
    }
}

/* Nobody else can write what begins a text for the host. */
static void put_plain(struct console_server *server, char c)
{
    put(server, server->last == ESCAPE && c == '_' ? '?' : c);
    server->last = c;
}

static enum err console_on_write(struct console_server *server, uint64_t badge, char const *text,
                                 size_t text_length)
{
    put_all(server, badge == CONSOLE_HOST ? "\033_" : "");
    for (size_t i = 0; i < text_length; i++) {
        if (text[i] == '\n') {
            put_plain(server, '\r');
        }
        put_plain(server, text[i]);
    }
    put_all(server, badge == CONSOLE_HOST ? "\033\\" : "");
    pump(server);
    if (filled(server) > RING / 2) {
        (void)answer_later(server, false);
    }
    return OK;
}

static enum err console_on_flush(struct console_server *server, uint64_t badge)
{
    (void)badge;
    pump(server);
    if (filled(server) != 0 || !uart->is_empty()) {
        (void)answer_later(server, true);
        pump(server);
    }
    return OK;
}

static enum err console_on_read(struct console_server *server, uint64_t badge, char *text,
                                size_t *text_length)
{
    struct input *input = &server->input[badge == CONSOLE_HOST];
    size_t count = 0;
    while (count < READ && input->head != input->tail) {
        text[count++] = input->text[input->head++ % INPUT];
    }
    *text_length = count;
    return OK;
}

static void answer_reader(struct input *input)
{
    if (input->somebody_reads) {
        input->somebody_reads = false;
        struct sys_message m = { .tag = sys_tag(OK, 0, 0) };
        sys_ignore(sys_reply(input->reader, &m)); /* it may have given up */
    }
}

static enum err console_on_wait(struct console_server *server, uint64_t badge)
{
    struct input *input = &server->input[badge == CONSOLE_HOST];
    answer_reader(input);
    if (input->head == input->tail) {
        input->somebody_reads = sys_reply_save(input->reader) == OK;
    }
    return OK;
}

/* What there is no room for is lost. */
static void keep(struct input *input, char c)
{
    if (input->tail - input->head < INPUT) {
        input->text[input->tail++ % INPUT] = c;
    }
    answer_reader(input);
}

/* A line of the host ends with its mark; with any control key too, should a keyboard have begun it. */
static void take(struct console_server *server, char c)
{
    if ((uint8_t)c == CONSOLE_HOST_BEGIN) {
        server->of_host = true;
    } else if (server->of_host && ((uint8_t)c == CONSOLE_HOST_END || (uint8_t)c < ' ')) {
        server->of_host = false;
        keep(&server->input[1], '\n');
    } else {
        keep(&server->input[server->of_host], c);
    }
}

static void take_input(struct console_server *server)
{
    char text[READ];
    size_t count;
    while ((count = uart->receive(text, sizeof text)) != 0) {
        for (size_t i = 0; i < count; i++) {
            take(server, text[i]);
        }
    }
}

static void on_interrupt(struct console_server *server)
{
    take_input(server);
    pump(server);
    answer_if_possible(server);
    uart->want_interrupt(filled(server) != 0 || server->somebody_waits);
    sys_ignore(sys_irq_handler_acknowledge(CONSOLE_CAP_IRQ));
}

/* Waits for interrupts alone until the client that waits has its answer. */
static enum err serve_waiting(struct console_server *server)
{
    while (server->somebody_waits) {
        uint64_t bits;
        enum err err = sys_wait(CONSOLE_CAP_SIGNAL, 0, &bits, NULL);
        if (err != OK) {
            return err;
        }
        on_interrupt(server);
    }
    return OK;
}

int main(uint64_t argument)
{
    (void)argument;
    static struct console_server server;
    server.resources = (struct sys_resources){
        .cnode = CONSOLE_CAP_CNODE,
        .memory = CONSOLE_CAP_MEMORY,
        .slots = { .next = CONSOLE_FIRST_FREE_SLOT, .end = CONSOLE_SLOTS },
    };
    uart = find_uart();
    if (uart == NULL) {
        return 1;
    }
    uart->init();
    enum err err = sys_make(&server.resources, OBJECT_REPLY, 0, &server.waiting);
    for (unsigned i = 0; i < 2 && err == OK; i++) {
        err = sys_make(&server.resources, OBJECT_REPLY, 0, &server.input[i].reader);
    }
    if (err == OK) {
        err = sys_irq_handler_bind(CONSOLE_CAP_IRQ, CONSOLE_CAP_SIGNAL);
    }
    if (err == OK) {
        err = sys_notification_bind(CONSOLE_CAP_SIGNAL, CONSOLE_CAP_THREAD);
    }
    if (err != OK) {
        return 1;
    }

    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = console_reply_recv(CONSOLE_CAP_ENDPOINT, &m);
        if (sys_event_error(event) != OK) {
            return 1;
        }
        if (sys_event_kind(event) & EVENT_KIND_SIGNAL) {
            on_interrupt(&server);
            continue;
        }
        console_serve(&server, event, &m);
        if (serve_waiting(&server) != OK) {
            return 1;
        }
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: texts go into a ring, and from there to the serial port as its interrupt says that
 * it takes more. A client whose text does not fit waits; so does one that wants to see it all out.
 * What comes in goes into another ring, until somebody reads it.
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
        char const *device = uarts[i]->device;
        if (strlen(device) == length && memcmp(device, name, length) == 0) {
            return uarts[i];
        }
    }
    return NULL;
}

struct console_server {
    struct sys_resources resources;
    char ring[RING];
    uint32_t head;  /* the next character to send; both count on for ever */
    uint32_t tail;  /* where the next one is put */
    cptr_t waiting; /* a Reply with the client that waits, if any */
    bool somebody_waits;
    bool for_empty; /* it waits for an empty ring, not only for room */
    char input[INPUT];
    uint32_t input_head, input_tail; /* as head and tail */
    cptr_t reader;                   /* a Reply with the client that waits for input, if any */
    bool somebody_reads;
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

static enum err console_on_write(struct console_server *server, uint64_t badge, char const *text,
                                 size_t text_length)
{
    (void)badge;
    for (size_t i = 0; i < text_length; i++) {
        if (text[i] == '\n') {
            server->ring[server->tail++ % RING] = '\r';
        }
        server->ring[server->tail++ % RING] = text[i];
    }
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
    (void)badge;
    size_t count = 0;
    while (count < READ && server->input_head != server->input_tail) {
        text[count++] = server->input[server->input_head++ % INPUT];
    }
    *text_length = count;
    return OK;
}

static void answer_reader(struct console_server *server)
{
    if (server->somebody_reads) {
        server->somebody_reads = false;
        struct sys_message m = { .tag = sys_tag(OK, 0, 0) };
        sys_ignore(sys_reply(server->reader, &m)); /* it may have given up */
    }
}

static enum err console_on_wait(struct console_server *server, uint64_t badge)
{
    (void)badge;
    answer_reader(server);
    if (server->input_head == server->input_tail) {
        server->somebody_reads = sys_reply_save(server->reader) == OK;
    }
    return OK;
}

/* Takes what has come in; what there is no room for is lost. */
static void take_input(struct console_server *server)
{
    char text[READ];
    size_t count;
    while ((count = uart->receive(text, sizeof text)) != 0) {
        for (size_t i = 0; i < count && server->input_tail - server->input_head < INPUT; i++) {
            server->input[server->input_tail++ % INPUT] = text[i];
        }
        answer_reader(server);
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
    if (err == OK) {
        err = sys_make(&server.resources, OBJECT_REPLY, 0, &server.reader);
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

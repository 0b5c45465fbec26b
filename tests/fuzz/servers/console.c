/* SPDX-License-Identifier: BSD-2-Clause */
/* The console, with a serial port that takes and brings what the input says. */
#include "driver.h"

#include "uart.h"
#include "world.h"

#include <console_caps.h>
#include <string.h>

#define LINE 7 /* a device of the world's */

static unsigned room;  /* characters that the port takes */
static unsigned comes; /* that have come in */

static void init(void)
{
}

static size_t send(char const *text, size_t length)
{
    (void)text;
    size_t count = length < room ? length : room;
    room -= (unsigned)count;
    return count;
}

static size_t receive(char *text, size_t most)
{
    size_t count = most < comes ? most : comes;
    for (size_t i = 0; i < count; i++) {
        text[i] = "xy\r\376x\377"[(comes - i) % 6]; /* the host's marks too */
    }
    comes -= (unsigned)count;
    return count;
}

static bool is_empty(void)
{
    return room != 0;
}

static void want_interrupt(bool wanted)
{
    (void)wanted;
}

struct uart const uart_16550_memory = { "ns16550a", init, send, receive, is_empty, want_interrupt };
struct uart const uart_16550_ports = { "ns16550", init, send, receive, is_empty, want_interrupt };
struct uart const uart_pl011 = { "arm,pl011", init, send, receive, is_empty, want_interrupt };

static void equip(void)
{
    fuzz_give_endpoint(CONSOLE_CAP_ENDPOINT);
    cptr_t irq = world_slot();
    ck_ok(sys_irq_control_claim(CPTR(BOOT_SLOT_IRQ_CONTROL), LINE, CPTR(BOOT_SLOT_CNODE), INDEX(irq)));
    fuzz_give(CONSOLE_CAP_IRQ, irq, RIGHTS_ALL);
    fuzz_give_object(CONSOLE_CAP_SIGNAL, OBJECT_NOTIFICATION, 0);
    fuzz_give(CONSOLE_CAP_THREAD, fuzz_thread(), RIGHTS_ALL);
    fuzz_give_object(CONSOLE_CAP_MEMORY, OBJECT_UNTYPED, 12);
    fuzz_client_cap(1);
    fuzz_client_cap(2);
}

/* init says which port it is. */
static bool answer(cptr_t to, struct sys_message *m)
{
    if (to.raw != CPTR(1).raw) {
        return false;
    }
    *m = (struct sys_message){ .tag = sys_tag(OK, 2, 0), .w = { 8 } };
    memcpy(&m->w[1], "ns16550a", 8);
    return true;
}

static void happen(uint8_t what)
{
    room += what % 64;
    comes += what % 64 == 0 ? what * 8 : what / 64;
    world_line(LINE, true);
    world_line(LINE, false);
}

struct fuzz_server const fuzz_server = {
    .library = { &fuzz_console },
    .slots = CONSOLE_SLOTS, .cnode = CONSOLE_CAP_CNODE, .equip = equip, .answer = answer, .happen = happen,
};

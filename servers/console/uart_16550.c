/* SPDX-License-Identifier: BSD-2-Clause */
/* A 16550: National Semiconductor PC16550D data sheet, section 8. */
#include "uart.h"

#define THR 0 /* transmit holding; reading: receive buffer */
#define IER 1 /* interrupt enable */
#define FCR 2 /* FIFO control; reading tells why it interrupts, and ends a transmit interrupt */
#define LCR 3 /* line control */
#define MCR 4 /* modem control */
#define LSR 5 /* line status */

#define IER_RECEIVE      1
#define IER_TRANSMIT     2
#define FCR_ON_AND_CLEAR 7
#define LCR_8N1          3
#define MCR_INTERRUPTS   0x0b /* OUT2, which lets interrupts out on a PC, RTS, DTR */
#define LSR_DATA         1
#define LSR_FIFO_EMPTY   0x20
#define FIFO_SIZE        16

static struct uart_registers const *registers;

static void init(void)
{
    registers->write(IER, 0);
    registers->write(LCR, LCR_8N1);
    registers->write(FCR, FCR_ON_AND_CLEAR);
    registers->write(MCR, MCR_INTERRUPTS);
    registers->write(IER, IER_RECEIVE);
}

static void init_memory(void)
{
    registers = &uart_memory;
    init();
}

static void init_ports(void)
{
    registers = &uart_ports;
    init();
}

static size_t send(char const *text, size_t length)
{
    if (!(registers->read(LSR) & LSR_FIFO_EMPTY)) {
        return 0;
    }
    size_t count = length < FIFO_SIZE ? length : FIFO_SIZE;
    for (size_t i = 0; i < count; i++) {
        registers->write(THR, (unsigned char)text[i]);
    }
    return count;
}

static size_t receive(char *text, size_t room)
{
    size_t count = 0;
    while (count < room && registers->read(LSR) & LSR_DATA) {
        text[count++] = (char)registers->read(THR);
    }
    return count;
}

static bool is_empty(void)
{
    return (registers->read(LSR) & LSR_FIFO_EMPTY) != 0;
}

static void want_interrupt(bool wanted)
{
    registers->write(IER, wanted ? IER_RECEIVE | IER_TRANSMIT : IER_RECEIVE);
}

struct uart const uart_16550_memory = {
    "ns16550a", init_memory, send, receive, is_empty, want_interrupt
};
struct uart const uart_16550_ports = {
    "ns16550", init_ports, send, receive, is_empty, want_interrupt
};

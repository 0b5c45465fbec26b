/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm PL011, DDI 0183G, section 3.3. Speed is the firmware's. */
#include "uart.h"

#include <console_caps.h>

#define DATA    (0x000 / 4)
#define FLAGS   (0x018 / 4)
#define LINE    (0x02c / 4) /* format, and whether there are FIFOs */
#define CONTROL (0x030 / 4)
#define LEVELS  (0x034 / 4) /* how full a FIFO is when it interrupts */
#define MASK    (0x038 / 4) /* which interrupts are on */
#define CLEAR   (0x044 / 4)

#define FLAG_NOTHING      0x10u
#define FLAG_FULL         0x20u
#define FLAG_EMPTY        0x80u
#define LINE_8N1_FIFO     0x70u
#define LEVEL_EIGHTH_LEFT 0u
#define CONTROL_ON        0x301u /* the port, sending and receiving */
#define RECEIVE           0x50u /* the FIFO is an eighth full; or not empty, and nothing more came */
#define TRANSMIT          0x20u
#define ALL               0x7ffu

static volatile uint32_t *const port = (volatile uint32_t *)CONSOLE_MEMORY_UART;

static void init(void)
{
    port[MASK] = 0;
    port[CLEAR] = ALL;
    port[LINE] = LINE_8N1_FIFO;
    port[LEVELS] = LEVEL_EIGHTH_LEFT;
    port[CONTROL] |= CONTROL_ON;
    port[MASK] = RECEIVE;
}

static size_t send(char const *text, size_t length)
{
    size_t count = 0;
    while (count < length && !(port[FLAGS] & FLAG_FULL)) {
        port[DATA] = (unsigned char)text[count++];
    }
    return count;
}

static size_t receive(char *text, size_t room)
{
    size_t count = 0;
    while (count < room && !(port[FLAGS] & FLAG_NOTHING)) {
        text[count++] = (char)port[DATA];
    }
    return count;
}

static bool is_empty(void)
{
    return (port[FLAGS] & FLAG_EMPTY) != 0;
}

static void want_interrupt(bool wanted)
{
    port[MASK] = wanted ? RECEIVE | TRANSMIT : RECEIVE;
}

struct uart const uart_pl011 = { "arm,pl011", init, send, receive, is_empty, want_interrupt };

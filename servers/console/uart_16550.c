/* SPDX-License-Identifier: BSD-2-Clause */
/* A 16550: National Semiconductor PC16550D data sheet, section 8. */
#include "uart.h"

#define THR 0 /* transmit holding */
#define IER 1 /* interrupt enable */
#define FCR 2 /* FIFO control; reading tells why it interrupts, and ends a transmit interrupt */
#define LCR 3 /* line control */
#define LSR 5 /* line status */

#define IER_TRANSMIT    2
#define FCR_ON_AND_CLEAR 7
#define LCR_8N1         3
#define LSR_FIFO_EMPTY  0x20
#define FIFO_SIZE       16

void uart_init(void)
{
    uart_write(IER, 0);
    uart_write(LCR, LCR_8N1);
    uart_write(FCR, FCR_ON_AND_CLEAR);
}

size_t uart_send(char const *text, size_t length)
{
    if (!(uart_read(LSR) & LSR_FIFO_EMPTY)) {
        return 0;
    }
    size_t count = length < FIFO_SIZE ? length : FIFO_SIZE;
    for (size_t i = 0; i < count; i++) {
        uart_write(THR, (unsigned char)text[i]);
    }
    return count;
}

bool uart_is_empty(void)
{
    return (uart_read(LSR) & LSR_FIFO_EMPTY) != 0;
}

void uart_want_interrupt(bool wanted)
{
    uart_write(IER, wanted ? IER_TRANSMIT : 0);
}

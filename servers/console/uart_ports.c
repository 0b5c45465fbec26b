/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial port's registers, where they are ports. */
#include "uart.h"

#include <console_caps.h>

static uint8_t read(unsigned number)
{
    uint32_t value = 0;
    sys_ignore(sys_io_ports_read(CONSOLE_PORTS_UART, (uint16_t)number, 1, &value));
    return (uint8_t)value;
}

static void write(unsigned number, uint8_t value)
{
    sys_ignore(sys_io_ports_write(CONSOLE_PORTS_UART, (uint16_t)number, 1, value));
}

struct uart_registers const uart_ports = { read, write };

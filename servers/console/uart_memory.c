/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial port's registers, where they lie in memory. */
#include "uart.h"

#include <console_caps.h>

static volatile uint8_t *const registers = (volatile uint8_t *)CONSOLE_MEMORY_UART;

static uint8_t read(unsigned number)
{
    return registers[number];
}

static void write(unsigned number, uint8_t value)
{
    registers[number] = value;
}

struct uart_registers const uart_memory = { read, write };

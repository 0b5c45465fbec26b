/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial port. A board has one; its files in this folder answer these. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets the port up; no interrupts yet. */
void uart_init(void);
/* Hands over as much of the text as the port takes at once; returns how much that was. */
size_t uart_send(char const *text, size_t length);
/* Everything handed over has left, the character on the wire aside. */
bool uart_is_empty(void);
/* Whether the port is to interrupt when it can take more. */
void uart_want_interrupt(bool wanted);

/* A register of eight bits: for the drivers of ports whose registers may be in memory or be ports. */
uint8_t uart_read(unsigned number);
void uart_write(unsigned number, uint8_t value);

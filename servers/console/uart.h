/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial port, and the kinds of it that there are drivers for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uart {
    char const *device; /* the name that the firmware gives such a port */
    /* Sets the port up; it interrupts from now on when something comes in. */
    void (*init)(void);
    /* Hands over as much of the text as the port takes at once; returns how much that was. */
    size_t (*send)(char const *text, size_t length);
    /* Takes what has come in, at most so much; returns how much that was. */
    size_t (*receive)(char *text, size_t room);
    /* Everything handed over has left, the character on the wire aside. */
    bool (*is_empty)(void);
    /* Whether the port is to interrupt also when it can take more. */
    void (*want_interrupt)(bool wanted);
};

extern struct uart const uart_16550_memory, uart_16550_ports, uart_pl011;

/* Registers of eight bits, which lie in memory or are ports. */
struct uart_registers {
    uint8_t (*read)(unsigned number);
    void (*write)(unsigned number, uint8_t value);
};

extern struct uart_registers const uart_memory, uart_ports;

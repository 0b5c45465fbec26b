/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC of a PC. */
#pragma once

#define IOAPIC_ADDRESS 0xfec00000ul

/* Closes all lines. `base`: its registers, in the kernel's window; `core`: the local APIC that
 * interrupts go to. */
void ioapic_init(char *base, unsigned core);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controller. A board has one; its file in this folder answers these. */
#pragma once

#include "base/types.h"

/* Closes all lines. `base`: its registers, in the kernel's window; `context`: this core's part. */
void irqchip_init(char *base, unsigned context, unsigned lines);
/* The pending line of the highest priority, silent from now until it is completed; 0 for none. */
unsigned irqchip_claim(void);
void irqchip_complete(unsigned line);
/* Lets a line interrupt, or not. */
void irqchip_open(unsigned line);
void irqchip_close(unsigned line);
/* How many lines there are, 0 not counted: from 1 to this. */
unsigned irqchip_lines(void);

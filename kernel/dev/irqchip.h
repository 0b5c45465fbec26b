/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controller. A board has one; its file in this folder answers these, and has a
 * header of its own for what it needs to begin. */
#pragma once

#include "base/types.h"

/* The pending line of the highest priority, silent from now until it is completed; 0 for none. */
int irqchip_claim(void);
void irqchip_complete(unsigned line);
/* Lets a line interrupt, or not. */
void irqchip_open(unsigned line);
void irqchip_close(unsigned line);
/* How many lines there are, 0 not counted: from 1 to this. */
unsigned irqchip_lines(void);

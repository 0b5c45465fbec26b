/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that interrupts when it is told to. A board has one; its file answers these. */
#pragma once

#include <stdint.h>

void trigger_init(void);
/* Interrupts at once; returns the counter right before. */
uint64_t trigger_raise(void);
/* Interrupts about a microsecond from now, or at once where the device knows no shorter time. */
void trigger_raise_soon(void);
/* Takes the interrupt back, so that it can be acknowledged. */
void trigger_clear(void);

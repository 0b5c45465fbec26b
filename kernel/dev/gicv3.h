/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm Generic Interrupt Controller, version 3. */
#pragma once

/* Closes all lines. The two kinds of registers, in the kernel's window: `redistributors` is the
 * first core's. The timer's interrupt, a private one, is let through; it is no line. */
void gicv3_init(char *distributor, char *redistributors, unsigned timer);

/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V Platform-Level Interrupt Controller. */
#pragma once

/* Closes all lines. `base`: its registers, in the kernel's window; `context`: this core's part. */
void plic_init(char *base, unsigned context, unsigned lines);

/* SPDX-License-Identifier: BSD-2-Clause */
/* An Arm PL011 serial port, for the kernel's own few words. Speed and format are the firmware's. */
#pragma once

/* Its registers, in the kernel's window. Without this nothing is printed. */
void pl011_init(char *base);
/* Waits until there is room, then sends. */
void pl011_put(char c);

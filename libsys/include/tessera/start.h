/* SPDX-License-Identifier: BSD-2-Clause */
/* How programs and threads begin. */
#pragma once

#include <tessera/sys.h>

/* The program's own. `argument` is what its starter put into the first register: the kernel gives
 * init the address of its BootInfo, init gives the others the frequency of the clock, which
 * sys_clock_hz then has. The result is reported to init as the program's exit code. */
int main(uint64_t argument);

/* Bytes that a thread's thread-local variables take, alignment included. */
size_t sys_tls_size(void);
/* Sets up a thread's thread-local variables in `memory`, which has sys_tls_size() bytes aligned to
 * 16; returns the thread pointer. */
uint64_t sys_tls_make(char *memory);

/* The processor's part: bytes that it wants behind the variables, a multiple of 16; the thread pointer
 * for a block; and setting this thread's. */
extern size_t const sys_tls_extra;
uint64_t sys_tls_place(char *block, size_t size);
void sys_tls_use(uint64_t pointer);

/* Ends the program: init is told `code`. */
NORETURN void sys_exit(int code);

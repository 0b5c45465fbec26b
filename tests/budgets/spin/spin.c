/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that never has enough time. */
#include <tessera/start.h>

int main(uint64_t argument)
{
    (void)argument;
    for (;;) {
        __asm__ volatile("");
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that faults at once. init has to report it, and the others have to go on. */
#include <tessera/start.h>

int main(uint64_t argument)
{
    (void)argument;
    *(uint32_t volatile *)0xdead000 = 1;
    return 0;
}

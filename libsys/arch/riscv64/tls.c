/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread-local storage, variant I of the ELF TLS ABI: the thread pointer is where the block is. */
#include <tessera/start.h>

size_t const sys_tls_extra = 0;

uint64_t sys_tls_place(char *block, size_t size)
{
    (void)size;
    return (uint64_t)block;
}

void sys_tls_use(uint64_t pointer)
{
    __asm__ volatile("mv tp, %0" : : "r"(pointer));
}

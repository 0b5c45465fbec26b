/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread-local storage, variant I of the ELF TLS ABI: the block begins two words behind where the
 * thread pointer points. Those two are for C libraries that load modules. */
#include <tessera/start.h>

size_t const sys_tls_extra = 0;

uint64_t sys_tls_place(char *block, size_t size)
{
    (void)size;
    return (uint64_t)block - 16;
}

void sys_tls_use(uint64_t pointer)
{
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(pointer));
}

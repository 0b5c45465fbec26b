/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread-local storage, variant II of the ELF TLS ABI: the thread pointer is where the variables end, and
 * the word there is the thread pointer itself. */
#include <tessera/start.h>

size_t const sys_tls_extra = 16;

/* The linker counts from the end, rounded to the alignment of the variables: now that of the block. */
_Thread_local char sys_tls_aligned[16] __attribute__((aligned(16)));

uint64_t sys_tls_place(char *block, size_t size)
{
    uint64_t *pointer = (uint64_t *)(void *)(block + size - sys_tls_extra);
    *pointer = (uint64_t)pointer;
    return (uint64_t)pointer;
}

void sys_tls_use(uint64_t pointer)
{
    __asm__ volatile("wrfsbase %0" : : "r"(pointer));
}

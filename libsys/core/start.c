/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/start.h>

#include <idl/init_client.h>
#include <tessera/string.h>

uint64_t sys_clock_hz;
_Thread_local uint64_t sys_error_detail;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;

/* From the linker script: the first values of thread-local variables, and room for all. */
extern char tls_image_start[], tls_image_end[], tls_end[];

#define TLS_ALIGN 16ul

size_t sys_tls_size(void)
{
    size_t variables = (size_t)(tls_end - tls_image_start);
    return ((variables + TLS_ALIGN - 1) & ~(TLS_ALIGN - 1)) + sys_tls_extra;
}

uint64_t sys_tls_make(char *memory)
{
    size_t image = (size_t)(tls_image_end - tls_image_start);
    size_t size = sys_tls_size();
    memcpy(memory, tls_image_start, image);
    memset(memory + image, 0, size - image);
    return sys_tls_place(memory, size);
}

NORETURN void sys_start(uint64_t argument, struct message_buffer *buffer);

NORETURN void sys_start(uint64_t argument, struct message_buffer *buffer)
{
    static char block[512] __attribute__((aligned(16)));
    if (sys_tls_size() > sizeof block) {
        __builtin_trap(); /* a program with more thread-local variables needs a larger block */
    }
    sys_tls_use(sys_tls_make(block));
    sys_thread_buffer = buffer;
    sys_clock_hz = argument;
    sys_exit(main(argument));
}

/* Every program's first capability is its supervisor's endpoint. */
#define SUPERVISOR ((struct init){ CPTR(1) })

NORETURN void sys_exit(int code)
{
    sys_ignore(init_exit(SUPERVISOR, (uint32_t)code));
    for (;;) {
        __builtin_trap(); /* nobody to tell: the fault says it */
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/trace.h>

enum err sys_trace_make(struct sys_resources *r, struct sys_trace *trace, uint8_t bits, cptr_t *frame)
{
    void *ring;
    enum err err = sys_memory(r, bits, frame, &ring);
    if (err == OK) {
        *trace = (struct sys_trace){ .ring = ring, .capacity = SYS_TRACE_CAPACITY(bits) };
    }
    return err;
}

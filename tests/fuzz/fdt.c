/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's reader of device trees: whatever the firmware says, nothing outside is read. */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

/* Uses everything that the reader hands out. */
static void read_all(struct fdt_node const *node, void *context)
{
    uint64_t *sum = context;
    char const *texts[] = { node->name, node->compatible,  node->device_type,
                            node->isa,  node->method,      node->bootargs };
    for (unsigned i = 0; i < array_length(texts); i++) {
        *sum += strlen(texts[i]);
    }
    *sum += fdt_is_compatible(node, "sifive,plic-1.0.0") + fdt_is_compatible(node, "");
    for (unsigned i = 0; i < node->context_length; i++) {
        *sum += node->contexts[i];
    }
    for (unsigned i = 0; i < node->interrupts_length; i++) {
        *sum += node->interrupts[i];
    }
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    void *blob = malloc(size); /* of just its size */
    uint64_t sum = 0;
    memcpy(blob, data, size);
    (void)fdt_walk(blob, size, read_all, &sum);
    *(uint64_t volatile *)&sum;
    free(blob);
    return 0;
}

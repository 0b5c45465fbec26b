/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: a supervisor, and programs that have address spaces and make page faults. */
#include "driver.h"

#include <memory_caps.h>

static void equip(void)
{
    fuzz_give_endpoint(MEMORY_CAP_ENDPOINT);
    fuzz_give_object(MEMORY_CAP_REPORT, OBJECT_NOTIFICATION, 0);
    fuzz_give_object(MEMORY_CAP_MEMORY, OBJECT_UNTYPED, 24);
    fuzz_give_object(MEMORY_CAP_POOL, OBJECT_UNTYPED, 23);
    for (uint64_t badge = 0; badge < 4; badge++) {
        fuzz_client_cap(badge);
    }
    fuzz_client_object(OBJECT_VSPACE, 0);
    fuzz_client_object(OBJECT_VSPACE, 0);
    fuzz_client_object(OBJECT_NOTIFICATION, 0);
    fuzz_client_object(OBJECT_FRAME, 12);
}

struct fuzz_server const fuzz_server = {
    .slots = MEMORY_SLOTS, .cnode = MEMORY_CAP_CNODE, .vspace = MEMORY_CAP_VSPACE, .has_faults = true, .equip = equip,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: a supervisor, and programs that have address spaces and make page faults. */
#include "driver.h"

#include <memory_caps.h>

static void equip(void)
{
    fuzz_give_endpoint(MEMORY_CAP_ENDPOINT);
    fuzz_give_object(MEMORY_CAP_REPORT, OBJECT_NOTIFICATION, 0);
    fuzz_give_object(MEMORY_CAP_MEMORY, OBJECT_UNTYPED, 24);
    fuzz_give_object(MEMORY_CAP_POOL, OBJECT_UNTYPED, 22);
    fuzz_give_object(MEMORY_CAP_POOL_1, OBJECT_UNTYPED, 22);
    for (uint64_t badge = 0; badge < 4; badge++) {
        fuzz_client_cap(badge);
    }
    fuzz_client_object(OBJECT_VSPACE, 0);
    fuzz_client_object(OBJECT_VSPACE, 0);
    fuzz_client_object(OBJECT_NOTIFICATION, 0);
    fuzz_client_object(OBJECT_FRAME, 12);
}

/* Programs 1 and 2 run, in the first two address spaces, and may have 95 and 7 pages: of both colours and
 * node 0, and of colour 1 and node 1. */
static struct fuzz_request const first[] = {
    { "Supervisor.adopt", 0, { 1, 95, 0, 3, 2, 4 } },
    { "Supervisor.adopt", 0, { 2, 7, 1, 2, 2, 5 } },
    { "Space.map", 1, { 240, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0 } },
    { NULL, 0, { 0 } },
};

struct fuzz_server const fuzz_server = {
    .library = { &fuzz_memory },
    .first = first,
    .slots = MEMORY_SLOTS, .cnode = MEMORY_CAP_CNODE, .vspace = MEMORY_CAP_VSPACE, .has_faults = true, .equip = equip,
};

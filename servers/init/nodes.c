/* SPDX-License-Identifier: BSD-2-Clause */
#include "nodes.h"

#include "acpi.h"

#include <tessera/string.h>

#define MOST_RANGES 32u
#define FIRST_VIEW  (BUILD_WORK_ADDRESS + 0x10000000ul)

static struct device_info const *device_named(struct boot_info const *info, char const *name)
{
    for (uint32_t i = 0; i < info->device_count; i++) {
        if (strcmp((char const *)info->device[i].name, name) == 0) {
            return &info->device[i];
        }
    }
    return NULL;
}

/* What no device but the firmware has: where it has left something. */
static bool is_firmware(struct boot_info const *info, struct memory_info const *piece, struct device_info const *acpi)
{
    bool found = piece->device;
    for (uint32_t i = 0; i < info->device_count; i++) {
        found = found && (info->device[i].slot != piece->slot || &info->device[i] == acpi);
    }
    return found;
}

/* Maps a piece to be looked at; what cannot be is not there. */
static cptr_t look_at(struct sys_resources *means, struct memory_info const *piece, struct acpi_views *views)
{
    void *data;
    uint32_t slot = sys_slot_take(&means->slots);
    enum err err = slot == 0 ? ERR_NO_MEMORY : sys_untyped_carve(CPTR(piece->slot), 0, piece->bits, means->cnode, slot);
    if (err == OK) {
        err = sys_map(means, CPTR(slot), piece->bits, FRAME_READ, &data);
    }
    if (err == OK) {
        views->view[views->count++] = (struct acpi_view){ piece->address, 1ul << piece->bits, data };
    }
    return CPTR(slot);
}

/* The ranges of nodes, by ACPI's tables; they are looked at in between. */
static unsigned read_tables(struct builder *b, struct device_info const *acpi, struct acpi_range *ranges)
{
    struct acpi_views views = { .count = 0 };
    cptr_t frames[sizeof views.view / sizeof views.view[0]];
    unsigned count = 0;
    b->resources.next_address = FIRST_VIEW;
    for (uint32_t i = 0; i < b->info->memory_count && count < sizeof frames / sizeof frames[0]; i++) {
        if (is_firmware(b->info, &b->info->memory[i], acpi)) {
            frames[count++] = look_at(&b->resources, &b->info->memory[i], &views);
        }
    }
    unsigned found = acpi_find_nodes(&views, acpi->address, ranges, MOST_RANGES);
    while (count > 0) {
        sys_ignore(sys_drop(&b->resources, frames[--count]));
    }
    return found;
}

void nodes_find(struct builder *b)
{
    static struct acpi_range ranges[MOST_RANGES];
    struct device_info const *acpi = device_named(b->info, "acpi");
    unsigned count = acpi == NULL ? 0 : read_tables(b, acpi, ranges);
    for (uint32_t i = 0; i < b->info->memory_count; i++) {
        struct memory_info const *m = &b->info->memory[i];
        b->nodes[i] = count == 0 ? m->node : acpi_node_of(ranges, count, m->address, m->address + (1ul << m->bits));
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's tables say of nodes of memory: the SRAT (ACPI 6.5, 5.2.16), by way of the RSDP and the XSDT or RSDT.
 * Nothing in them is believed: what is not where it can be looked at, or has a wrong sum, is not there.
 */
#pragma once

#include <tessera/sys.h>

/* A piece of physical memory, and where it can be looked at. */
struct acpi_view {
    uint64_t address;
    uint64_t size;
    uint8_t const *data;
};

struct acpi_views {
    struct acpi_view view[8];
    unsigned count;
};

/* Memory of a node. */
struct acpi_range {
    uint64_t start, end;
    uint32_t node;
};

/* At most `most` ranges; 0: the tables say nothing. */
unsigned acpi_find_nodes(struct acpi_views const *views, uint64_t rsdp, struct acpi_range *ranges, unsigned most);

#define ACPI_NO_NODE UINT32_MAX
/* The node that all of this memory is of; ACPI_NO_NODE: there is no such. */
uint32_t acpi_node_of(struct acpi_range const *ranges, unsigned count, uint64_t start, uint64_t end);

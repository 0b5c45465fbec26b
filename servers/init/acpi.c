/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi.h"

#include <tessera/string.h>

#define RSDP_SIZE   20u
#define RSDP_2_SIZE 36u
#define HEADER      36u /* of every other table: signature, length, ... */
#define SRAT_FIRST  48u /* its structures follow */
#define MEMORY      1u  /* a structure of it: memory affinity */
#define MEMORY_SIZE 40u
#define ENABLED     1u
#define MOST_TABLE  0x100000u

/* Where so much of physical memory can be looked at; NULL: it cannot. */
static uint8_t const *look(struct acpi_views const *views, uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < views->count; i++) {
        struct acpi_view const *v = &views->view[i];
        if (address >= v->address && address - v->address <= v->size && size <= v->size - (address - v->address)) {
            return v->data + (address - v->address);
        }
    }
    return NULL;
}

/* Numbers are little-endian, and may be anywhere. */
static uint64_t number(uint8_t const *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = size; i > 0; i--) {
        value = value << 8 | at[i - 1];
    }
    return value;
}

static bool sums_to_zero(uint8_t const *at, uint64_t size)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size; i++) {
        sum = (uint8_t)(sum + at[i]);
    }
    return sum == 0;
}

/* The table with this signature, if that is one; and how long it is. */
static uint8_t const *table_at(struct acpi_views const *views, uint64_t address, char const *signature, uint32_t *length)
{
    uint8_t const *table = look(views, address, HEADER);
    if (table == NULL || memcmp(table, signature, 4) != 0) {
        return NULL;
    }
    *length = (uint32_t)number(table + 4, 4);
    bool sound = *length >= HEADER && *length <= MOST_TABLE && look(views, address, *length) == table &&
                 sums_to_zero(table, *length);
    return sound ? table : NULL;
}

/* The table of tables, and how wide its entries are. */
static uint8_t const *root_table(struct acpi_views const *views, uint64_t at, uint32_t *length, unsigned *width)
{
    uint8_t const *rsdp = look(views, at, RSDP_SIZE);
    if (rsdp == NULL || memcmp(rsdp, "RSD PTR ", 8) != 0 || !sums_to_zero(rsdp, RSDP_SIZE)) {
        return NULL;
    }
    bool extended = rsdp[15] >= 2 && look(views, at, RSDP_2_SIZE) == rsdp && sums_to_zero(rsdp, RSDP_2_SIZE);
    *width = extended ? 8 : 4;
    return extended ? table_at(views, number(rsdp + 24, 8), "XSDT", length)
                    : table_at(views, number(rsdp + 16, 4), "RSDT", length);
}

static uint8_t const *find_srat(struct acpi_views const *views, uint64_t rsdp, uint32_t *length)
{
    uint32_t size;
    unsigned width;
    uint8_t const *root = root_table(views, rsdp, &size, &width), *found = NULL;
    for (uint32_t at = HEADER; root != NULL && found == NULL && size - at >= width; at += width) {
        found = table_at(views, number(root + at, width), "SRAT", length);
    }
    return found;
}

unsigned acpi_find_nodes(struct acpi_views const *views, uint64_t rsdp, struct acpi_range *ranges, unsigned most)
{
    uint32_t length = 0, size;
    uint8_t const *srat = find_srat(views, rsdp, &length);
    unsigned count = 0;
    for (uint32_t at = SRAT_FIRST; srat != NULL && at + 2 <= length && count < most; at += size) {
        uint8_t const *entry = srat + at;
        size = entry[1];
        if (size < 2 || size > length - at) {
            break;
        }
        if (entry[0] != MEMORY || size < MEMORY_SIZE || (number(entry + 28, 4) & ENABLED) == 0) {
            continue;
        }
        uint64_t start = number(entry + 8, 8), bytes = number(entry + 16, 8);
        uint32_t node = (uint32_t)number(entry + 2, 4);
        if (bytes != 0 && bytes <= UINT64_MAX - start && node != ACPI_NO_NODE) {
            ranges[count++] = (struct acpi_range){ start, start + bytes, node };
        }
    }
    return count;
}

uint32_t acpi_node_of(struct acpi_range const *ranges, unsigned count, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < count; i++) {
        if (start >= ranges[i].start && end <= ranges[i].end) {
            return ranges[i].node;
        }
    }
    return ACPI_NO_NODE;
}

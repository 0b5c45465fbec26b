/* SPDX-License-Identifier: BSD-2-Clause */
/* init's reader of ACPI's tables. An input is what is in two pieces of memory: so many bytes as its first byte says times 16 at the
 * first, where the RSDP is, the rest at the second. With an odd second byte the sums are put right, or few inputs would get far. */
#include "acpi.h"

#include <stdlib.h>
#include <string.h>

#define FIRST  0xf0000ul
#define SECOND 0x3ffdf000ul
#define MOST   4u

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void mend(uint8_t *at, size_t size, size_t sum)
{
    at[sum] = 0;
    for (size_t i = 0; i < size; i++) {
        at[sum] = (uint8_t)(at[sum] - (i != sum ? at[i] : 0));
    }
}

static void mend_root(uint8_t *at, size_t size)
{
    if (size >= 20) {
        mend(at, 20, 8);
    }
    if (size >= 36) {
        mend(at, 36, 32);
    }
}

static void mend_tables(uint8_t *at, size_t size)
{
    for (size_t i = 0; i + 36 <= size; i++) {
        uint32_t length;
        memcpy(&length, at + i + 4, sizeof length);
        bool known = memcmp(at + i, "XSDT", 4) == 0 || memcmp(at + i, "RSDT", 4) == 0 || memcmp(at + i, "SRAT", 4) == 0;
        if (known && length >= 36 && length <= size - i) {
            mend(at + i, length, 9);
        }
    }
}

static void check(struct acpi_range const *ranges, unsigned count)
{
    bool sound = count <= MOST;
    for (unsigned i = 0; i < count && sound; i++) {
        sound = ranges[i].start < ranges[i].end && ranges[i].node != ACPI_NO_NODE &&
                acpi_node_of(ranges, count, ranges[i].start, ranges[i].end) != ACPI_NO_NODE;
    }
    if (!sound) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t first = data[0] * 16ul < size - 2 ? data[0] * 16ul : size - 2, second = size - 2 - first;
    uint8_t *a = malloc(first), *b = malloc(second); /* of just their size */
    memcpy(a, data + 2, first);
    memcpy(b, data + 2 + first, second);
    if (data[1] & 1) {
        mend_root(a, first);
        mend_tables(b, second);
    }
    struct acpi_views views = { .view = { { FIRST, first, a }, { SECOND, second, b } }, .count = 2 };
    struct acpi_range ranges[MOST];
    check(ranges, acpi_find_nodes(&views, FIRST, ranges, MOST));
    free(a);
    free(b);
    return 0;
}

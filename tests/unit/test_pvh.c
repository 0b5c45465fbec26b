/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map that a PC's firmware hands over: QEMU's, and some that no firmware should. */
#include "kernel.h"

#include "dev/pvh.h"

#define MIB   (1ul << 20)
#define GIB   (1ul << 30)
#define LIMIT (256 * GIB)

static struct boot boot;

static word find(struct pvh_range const *map, uint32_t entries)
{
    boot = (struct boot){ .memory_count = 0 };
    return pvh_find_memory(&boot, map, entries, MIB, LIMIT);
}

static void ck_region(unsigned at, word start, word end)
{
    ck_assert_uint_gt(boot.memory_count, at);
    ck_assert_uint_eq(boot.memory[at].start, start);
    ck_assert_uint_eq(boot.memory[at].end, end);
}

START_TEST(a_pc_of_six_gib)
{
    static struct pvh_range const map[] = {
        { 0, 0x9fc00, PVH_RAM, 0 },          { 0x9fc00, 0x400, 2, 0 },
        { 0xf0000, 0x10000, 2, 0 },          { MIB, 2 * GIB - MIB - 0x20000, PVH_RAM, 0 },
        { 2 * GIB - 0x20000, 0x20000, 2, 0 }, { 4 * GIB, 4 * GIB, PVH_RAM, 0 },
    };
    ck_assert_uint_eq(find(map, array_length(map)), 8 * GIB);
    ck_assert_uint_eq(boot.memory_count, 2);
    ck_region(0, MIB, 2 * GIB - 0x20000);
    ck_region(1, 4 * GIB, 8 * GIB);
}
END_TEST

START_TEST(only_whole_pages_that_the_kernel_reaches)
{
    static struct pvh_range const map[] = {
        { MIB - 0x1800, 0x3801, PVH_RAM, 0 },    /* across the first MiB, into a page */
        { 4 * MIB + 1, 0x1ffe, PVH_RAM, 0 },     /* no whole page */
        { LIMIT - 0x1000, 0x9000, PVH_RAM, 0 },  /* across the end */
        { LIMIT, GIB, PVH_RAM, 0 },              /* beyond it */
        { 16 * MIB, ~0ul, PVH_RAM, 0 },          /* as long as it gets */
        { ~0ul - 0x1000, 0x4000, PVH_RAM, 0 },   /* round about */
        { 8 * MIB, 0, PVH_RAM, 0 },
    };
    ck_assert_uint_eq(find(map, array_length(map)), LIMIT);
    ck_assert_uint_eq(boot.memory_count, 3);
    ck_region(0, MIB, MIB + 0x2000);
    ck_region(1, LIMIT - 0x1000, LIMIT);
    ck_region(2, 16 * MIB, LIMIT);
}
END_TEST

START_TEST(no_more_regions_than_there_is_room_for)
{
    struct pvh_range map[BOOT_MOST_REGIONS + 3];
    for (unsigned i = 0; i < array_length(map); i++) {
        map[i] = (struct pvh_range){ (i + 1) * GIB, MIB, PVH_RAM, 0 };
    }
    ck_assert_uint_eq(find(map, array_length(map)), BOOT_MOST_REGIONS * GIB + MIB);
    ck_assert_uint_eq(boot.memory_count, BOOT_MOST_REGIONS);
    ck_assert_uint_eq(find(map, 0), 0);
}
END_TEST

START_TEST(what_the_firmware_keeps_is_to_be_looked_at)
{
    static struct pvh_range const map[] = {
        { 0xf0000, 0x10000, 2, 0 },               /* before the first MiB */
        { MIB, 2 * GIB - MIB - 0x21000, PVH_RAM, 0 },
        { 2 * GIB - 0x21000, 0x21000, 2, 0 },     /* QEMU's: tables behind the memory */
        { 2 * GIB + 0x800, 0x2000, 3, 0 },        /* one whole page */
        { 2 * GIB + MIB, 256 * MIB, 2, 0 },       /* too large to be tables */
        { 2 * GIB - 0x22000, 0x2000, 2, 0 },      /* memory, it has said */
        { 4 * GIB - 0x1000, 0x2000, 2, 0 },       /* across the end */
        { ~0ul - 0x800, 0x1000, 2, 0 },           /* round about */
    };
    find(map, array_length(map));
    pvh_find_firmware(&boot, map, array_length(map), MIB, 4 * GIB);
    ck_assert_uint_eq(boot.memory_count, 3);
    ck_region(1, 2 * GIB - 0x21000, 2 * GIB);
    ck_region(2, 2 * GIB + 0x1000, 2 * GIB + 0x2000);
    ck_assert(!boot.memory[0].device && boot.memory[1].device && boot.memory[2].device);
}
END_TEST

START_TEST(firmware_leaves_room_for_pieces_of_memory)
{
    struct pvh_range map[BOOT_MOST_REGIONS];
    for (unsigned i = 0; i < array_length(map); i++) {
        map[i] = (struct pvh_range){ (i + 1) * 2 * MIB, 0x1000, i == 0 ? PVH_RAM : 2, 0 };
    }
    find(map, array_length(map));
    pvh_find_firmware(&boot, map, array_length(map), MIB, 4 * GIB);
    ck_assert_uint_eq(boot.memory_count, BOOT_MOST_REGIONS / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pvh");
    WORLD_TEST(suite, a_pc_of_six_gib);
    WORLD_TEST(suite, only_whole_pages_that_the_kernel_reaches);
    WORLD_TEST(suite, what_the_firmware_keeps_is_to_be_looked_at);
    WORLD_TEST(suite, firmware_leaves_room_for_pieces_of_memory);
    WORLD_TEST(suite, no_more_regions_than_there_is_room_for);
    return world_run(suite);
}

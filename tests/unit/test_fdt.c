/* SPDX-License-Identifier: BSD-2-Clause */
/* Device trees as dtc makes them, and as nobody should: whatever they say, nothing outside is read.
 */
#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *board;
static size_t board_size;

/* In memory of just its size, so that AddressSanitizer sees a read beyond. */
static void load(void)
{
    FILE *file = fopen(BOARD_DTB, "rb");
    ck_assert_ptr_nonnull(file);
    static uint8_t bytes[65536];
    board_size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_gt(board_size, 200);
    ck_assert_uint_lt(board_size, sizeof bytes);
    board = malloc(board_size);
    memcpy(board, bytes, board_size);
}

/* Uses everything that the reader hands out. */
static void read_all(struct fdt_node const *node, void *context)
{
    uint64_t *sum = context;
    char const *texts[] = { node->name, node->compatible, node->device_type, node->isa };
    for (unsigned i = 0; i < array_length(texts); i++) {
        *sum += strlen(texts[i]);
    }
    *sum += fdt_is_compatible(node, "sifive,plic-1.0.0") + fdt_is_compatible(node, "");
    for (unsigned i = 0; i < node->context_length; i++) {
        *sum += node->contexts[i];
    }
    *sum += node->address + node->size + node->irq + node->lines + node->timebase;
}

struct expected {
    char const *name;
    char const *compatible;
    bool has_reg;
    uint64_t address, size;
    uint32_t irq, lines, timebase;
};

static unsigned at;
static void compare(struct fdt_node const *node, void *context)
{
    struct expected const *e = &((struct expected const *)context)[at++];
    ck_assert_str_eq(node->name, e->name);
    ck_assert_str_eq(node->compatible, e->compatible);
    ck_assert_int_eq(node->has_reg, e->has_reg);
    if (e->has_reg) {
        ck_assert_uint_eq(node->address, e->address);
        ck_assert_uint_eq(node->size, e->size);
    }
    ck_assert_uint_eq(node->irq, e->irq);
    ck_assert_uint_eq(node->lines, e->lines);
    ck_assert_uint_eq(node->timebase, e->timebase);
    ck_assert_uint_eq(node->numa_node, e->address == 0x80000000 ? 3 : 0);
    if (strcmp(e->name, "cpu@3") == 0) {
        ck_assert_str_eq(node->device_type, "cpu");
        ck_assert_str_eq(node->isa, "rv64imac");
    }
    ck_assert_str_eq(node->bootargs, strcmp(e->name, "chosen") == 0 ? "a command line" : "");
    ck_assert_str_eq(node->method, strcmp(e->name, "psci") == 0 ? "smc" : "");
    if (e->lines != 0) {
        ck_assert(fdt_is_compatible(node, "riscv,plic0"));
        ck_assert(fdt_is_compatible(node, "sifive,plic-1.0.0"));
        ck_assert(!fdt_is_compatible(node, "riscv,plic"));
        ck_assert_uint_eq(node->context_length, 16);
        ck_assert_uint_eq(fdt_cell(node->contexts + 12), 9);
    }
}

START_TEST(a_tree_is_read_as_it_was_written)
{
    load();
    static struct expected const nodes[] = {
        { "", "test,board", false, 0, 0, 0, 0, 0 },
        { "cpus", "", false, 0, 0, 0, 0, 10000000 },
        { "cpu@3", "", true, 3, 0, 0, 0, 0 },
        { "chosen", "", false, 0, 0, 0, 0, 0 },
        { "psci", "arm,psci-1.0", false, 0, 0, 0, 0, 0 },
        { "memory@80000000", "", true, 0x80000000, 0x100000000, 0, 0, 0 },
        { "soc", "", false, 0, 0, 0, 0, 0 },
        { "interrupts@c000000", "sifive,plic-1.0.0", true, 0xc000000, 0x600000, 0, 96, 0 },
        { "serial@10000000", "ns16550a", true, 0x10000000, 0x100, 10, 0, 0 },
        { "odd", "test,odd", false, 0, 0, 0, 0, 0 },
    };
    ck_assert(fdt_walk(board, board_size, compare, (void *)nodes));
    ck_assert_uint_eq(at, array_length(nodes));
}
END_TEST

START_TEST(a_tree_that_is_cut_off_is_refused)
{
    load();
    for (size_t size = 0; size < board_size; size++) {
        uint8_t *part = malloc(size + (size == 0));
        memcpy(part, board, size);
        uint64_t sum = 0;
        ck_assert(!fdt_walk(part, size, read_all, &sum));
        free(part);
    }
}
END_TEST

START_TEST(no_byte_of_a_tree_is_believed)
{
    load();
    srand(1);
    uint64_t sum = 0;
    for (size_t i = 0; i < board_size; i++) {
        uint8_t const was = board[i];
        for (unsigned value = 0; value < 256; value++) {
            board[i] = (uint8_t)value;
            (void)!fdt_walk(board, board_size, read_all, &sum);
        }
        board[i] = was;
    }
    /* Several at once, cells most of all: there are lengths and offsets in them. */
    for (unsigned n = 0; n < 50000; n++) {
        uint8_t *bad = malloc(board_size);
        memcpy(bad, board, board_size);
        for (int k = rand() % 4; k >= 0; k--) {
            static uint32_t const cells[] = {
                0, 1, 2, 3, 4, 9, 0xffffffff, 0xfffffffc, 0x80000000
            };
            uint32_t cell = cells[(unsigned)rand() % array_length(cells)];
            size_t place = (size_t)rand() % (board_size / 4) * 4;
            for (unsigned b = 0; b < 4; b++) {
                bad[place + b] = (uint8_t)(cell >> (24 - 8 * b));
            }
        }
        (void)!fdt_walk(bad, board_size, read_all, &sum);
        free(bad);
    }
    ck_assert(fdt_walk(board, board_size, read_all, &sum));
}
END_TEST

static void put(uint8_t **to, uint32_t cell)
{
    for (unsigned b = 0; b < 4; b++) {
        *(*to)++ = (uint8_t)(cell >> (24 - 8 * b));
    }
}

/* So many nodes, one in the other. */
static bool nested(unsigned depth)
{
    static uint8_t blob[4096];
    uint8_t *to = blob;
    uint32_t structure = 12 * depth + 4;
    uint32_t const head[] = { 0xd00dfeed, 40 + structure, 40, 40 + structure, 40, 17, 16, 0,
                              0,          structure };
    for (unsigned i = 0; i < array_length(head); i++) {
        put(&to, head[i]);
    }
    for (unsigned i = 0; i < depth; i++) {
        put(&to, 1);
        put(&to, 0);
    }
    for (unsigned i = 0; i < depth; i++) {
        put(&to, 2);
    }
    put(&to, 9);
    uint64_t sum = 0;
    return fdt_walk(blob, (word)(to - blob), read_all, &sum);
}

START_TEST(nodes_do_not_nest_for_ever)
{
    for (unsigned depth = 1; depth < 100; depth++) {
        ck_assert_int_eq(nested(depth), depth <= 16);
    }
}
END_TEST

START_TEST(what_is_reserved_is_not_memory)
{
    static struct {
        word start, end;
        struct boot_region left[2];
    } const cases[] = {
        { 0x2000, 0x3000, { { 0x4000, 0x8000, 0, false } } },
        { 0x8000, 0x9000, { { 0x4000, 0x8000, 0, false } } },
        { 0x2000, 0x5000, { { 0x5000, 0x8000, 0, false } } },
        { 0x4000, 0x5000, { { 0x5000, 0x8000, 0, false } } },
        { 0x7000, 0x9000, { { 0x4000, 0x7000, 0, false } } },
        { 0x7000, 0x8000, { { 0x4000, 0x7000, 0, false } } },
        { 0x5000, 0x6000, { { 0x4000, 0x5000, 0, false }, { 0x6000, 0x8000, 0, false } } },
        { 0x4000, 0x8000, { { 0x8000, 0x8000, 0, false } } },
        { 0x1000, 0x9000, { { 0x8000, 0x8000, 0, false } } },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        struct boot boot = { .memory = { { 0x4000, 0x8000, 0, false } }, .memory_count = 1 };
        boot_reserve(&boot, cases[i].start, cases[i].end);
        ck_assert_uint_eq(boot.memory_count, cases[i].left[1].end == 0 ? 1 : 2);
        for (unsigned r = 0; r < boot.memory_count; r++) {
            ck_assert_uint_eq(boot.memory[r].start, cases[i].left[r].start);
            ck_assert_uint_eq(boot.memory[r].end, cases[i].left[r].end);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdt");
    WORLD_TEST(suite, a_tree_is_read_as_it_was_written);
    WORLD_TEST(suite, a_tree_that_is_cut_off_is_refused);
    WORLD_TEST(suite, no_byte_of_a_tree_is_believed);
    WORLD_TEST(suite, nodes_do_not_nest_for_ever);
    WORLD_TEST(suite, what_is_reserved_is_not_memory);
    return world_run(suite);
}

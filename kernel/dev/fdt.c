/* SPDX-License-Identifier: BSD-2-Clause */
#include "dev/fdt.h"

#include "base/string.h"

#define FDT_MAGIC      0xd00dfeedu
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4
#define FDT_END        9

#define MOST_DEPTH 16

/* What is being read. All offsets have been checked when they are used. */
struct reader {
    uint8_t const *blob;
    word at;           /* in the structure block, absolute */
    word end;          /* of the structure block */
    word strings;      /* the strings block, absolute */
    word strings_end;
    unsigned depth;
    /* How the children of the node at each depth write addresses and sizes. */
    struct {
        uint8_t address_cells;
        uint8_t size_cells;
    } cells[MOST_DEPTH + 1];
};

static uint32_t cell_at(struct reader const *r, word offset)
{
    return fdt_cell(r->blob + offset);
}

/* The length of a text that ends before `end`, or -1. */
static long text_length(struct reader const *r, word from, word end)
{
    for (word at = from; at < end; at++) {
        if (r->blob[at] == '\0') {
            return (long)(at - from);
        }
    }
    return -1;
}

static bool read_number(uint8_t const *p, unsigned cells, unsigned length, uint64_t *out)
{
    if (cells == 0 || cells > 2 || length < 4 * cells) {
        return false;
    }
    *out = cells == 1 ? fdt_cell(p) : (uint64_t)fdt_cell(p) << 32 | fdt_cell(p + 4);
    return true;
}

static void read_property(struct reader *r, struct fdt_node *node, char const *name,
                          uint8_t const *value, unsigned length)
{
    bool is_text = length > 0 && value[length - 1] == '\0';
    if (is_text && text_equal(name, "compatible")) {
        node->compatible = (char const *)value;
        node->compatible_length = length;
    } else if (is_text && text_equal(name, "device_type")) {
        node->device_type = (char const *)value;
    } else if (is_text && text_equal(name, "riscv,isa")) {
        node->isa = (char const *)value;
    } else if (is_text && text_equal(name, "method")) {
        node->method = (char const *)value;
    } else if (is_text && text_equal(name, "bootargs")) {
        node->bootargs = (char const *)value;
    } else if (text_equal(name, "reg")) {
        unsigned address_cells = r->cells[r->depth - 1].address_cells;
        unsigned size_cells = r->cells[r->depth - 1].size_cells;
        unsigned entry = 4 * (address_cells + size_cells);
        node->size = 0;
        node->has_reg = read_number(value, address_cells, length, &node->address);
        if (node->has_reg && size_cells != 0) {
            unsigned used = 4 * address_cells;
            node->has_reg = read_number(value + used, size_cells, length - used, &node->size);
        }
        if (length <= entry ||
            !read_number(value + entry, address_cells, length - entry, &node->second_address)) {
            node->second_address = 0;
        }
    } else if (length == 4 && text_equal(name, "#address-cells")) {
        r->cells[r->depth].address_cells = (uint8_t)fdt_cell(value);
    } else if (length == 4 && text_equal(name, "#size-cells")) {
        r->cells[r->depth].size_cells = (uint8_t)fdt_cell(value);
    } else if (length >= 4 && text_equal(name, "interrupts")) {
        node->irq = fdt_cell(value);
        node->interrupts = value;
        node->interrupts_length = length;
    } else if (length == 4 && text_equal(name, "riscv,ndev")) {
        node->lines = fdt_cell(value);
    } else if (length == 4 && text_equal(name, "timebase-frequency")) {
        node->timebase = fdt_cell(value);
    } else if (length == 4 && text_equal(name, "numa-node-id")) {
        node->numa_node = fdt_cell(value);
    } else if (text_equal(name, "interrupts-extended")) {
        node->contexts = value;
        node->context_length = length;
    }
}

/* Reads the properties that follow a node's name, up to its first child or its end. */
static bool read_properties(struct reader *r, struct fdt_node *node)
{
    while (r->at + 4 <= r->end) {
        uint32_t token = cell_at(r, r->at);
        if (token == FDT_NOP) {
            r->at += 4;
            continue;
        }
        if (token != FDT_PROP) {
            return true;
        }
        if (r->end - r->at < 12) {
            return false;
        }
        uint32_t length = cell_at(r, r->at + 4);
        word name = r->strings + cell_at(r, r->at + 8);
        word value = r->at + 12;
        word padded = ((word)length + 3) & ~3ul;
        if (padded > r->end - value || name >= r->strings_end ||
            text_length(r, name, r->strings_end) < 0) {
            return false;
        }
        read_property(r, node, (char const *)r->blob + name, r->blob + value, length);
        r->at = value + padded;
    }
    return false;
}

static bool read_node(struct reader *r, struct fdt_node *node)
{
    long length = text_length(r, r->at, r->end);
    if (length < 0 || r->depth == MOST_DEPTH) {
        return false;
    }
    *node = (struct fdt_node){
        .name = (char const *)r->blob + r->at, .compatible = "", .device_type = "", .isa = "", .method = "",
        .bootargs = ""
    };
    r->at = (r->at + (word)length + 1 + 3) & ~3ul;
    r->depth++;
    r->cells[r->depth].address_cells = 2; /* section 2.3.5: the defaults */
    r->cells[r->depth].size_cells = 1;
    return read_properties(r, node);
}

bool fdt_walk(void const *blob, word size, fdt_visit *visit, void *context)
{
    struct reader r = { .blob = blob };
    if (size < 40 || cell_at(&r, 0) != FDT_MAGIC) {
        return false;
    }
    word total = cell_at(&r, 4);
    word structure = cell_at(&r, 8);
    word structure_size = cell_at(&r, 36);
    word strings_size = cell_at(&r, 32);
    r.strings = cell_at(&r, 12);
    r.at = structure;
    r.end = structure + structure_size;
    r.strings_end = r.strings + strings_size;
    if (total > size || r.end > total || r.strings_end > total || structure % 4 != 0) {
        return false;
    }
    while (r.at + 4 <= r.end) {
        uint32_t token = cell_at(&r, r.at);
        r.at += 4;
        struct fdt_node node;
        switch (token) {
        case FDT_BEGIN_NODE:
            if (!read_node(&r, &node)) {
                return false;
            }
            visit(&node, context);
            break;
        case FDT_END_NODE:
            if (r.depth == 0) {
                return false;
            }
            r.depth--;
            break;
        case FDT_NOP:
            break;
        case FDT_END:
            return r.depth == 0;
        default:
            return false;
        }
    }
    return false;
}

bool fdt_is_compatible(struct fdt_node const *node, char const *what)
{
    unsigned at = 0;
    while (at < node->compatible_length) {
        char const *text = node->compatible + at;
        if (text_equal(text, what)) {
            return true;
        }
        while (node->compatible[at] != '\0') {
            at++;
        }
        at++;
    }
    return false;
}

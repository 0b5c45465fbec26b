/* SPDX-License-Identifier: BSD-2-Clause */
/* The heads of ELF files of 64 bits, programs and core files alike: System V ABI, chapters 4 and 5. */
#pragma once

#include <stdint.h>

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, segment_count, section_size, section_count, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

#define ELF_LOAD 1

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, more;
    uint64_t align, entry_size;
};

#define ELF_SYMBOLS 2 /* its link: the number of the section of their names */

struct elf_symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

#define ELF_SYMBOL_TYPE 15
#define ELF_FUNCTION    2

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

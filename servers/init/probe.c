/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that is built for probes has its symbols in the boot archive, and a place for a probe at the beginning of
 * each function. The kernel puts it there; init's part is to know where that is.
 */
#include "probe.h"

#include "elf.h"

#include <idl/control.h>
#include <tessera/string.h>

#define PAGE ((uint64_t)1 << PAGE_BITS)

/* The symbols of a program, and their names. */
struct symbols {
    struct elf_symbol const *first, *end;
    char const *names;
    uint64_t names_size;
};

/* NULL: there is none of that number. */
static struct elf_section const *section_at(char const *file, size_t file_size, uint64_t number)
{
    struct elf_header const *elf = (struct elf_header const *)file;
    bool there = file_size >= sizeof *elf && elf->sections <= file_size && elf->sections % ARCHIVE_ALIGN == 0 &&
                 elf->section_size == sizeof(struct elf_section) && number < elf->section_count &&
                 (number + 1) * sizeof(struct elf_section) <= file_size - elf->sections;
    return there ? (struct elf_section const *)(file + elf->sections) + number : NULL;
}

static bool is_inside(size_t file_size, struct elf_section const *s)
{
    return s != NULL && s->offset <= file_size && s->size <= file_size - s->offset;
}

/* There are none if the file has none. */
static struct symbols find_symbols(struct builder const *b, uint32_t index)
{
    struct plan_program const *program = &b->system.programs[index];
    struct symbols found = { 0 };
    char const *file;
    size_t size;
    if (!archive_find(&b->archive, (char const *)program->file, sizeof program->file, &file, &size)) {
        return found;
    }
    struct elf_section const *s;
    for (uint64_t i = 1; (s = section_at(file, size, i)) != NULL; i++) {
        struct elf_section const *names = section_at(file, size, s->link);
        if (s->type == ELF_SYMBOLS && s->offset % ARCHIVE_ALIGN == 0 && is_inside(size, s) && is_inside(size, names)) {
            found.first = (struct elf_symbol const *)(file + s->offset);
            found.end = found.first + s->size / sizeof *found.first;
            found.names = file + names->offset;
            found.names_size = names->size;
        }
    }
    return found;
}

/* "" of what is no function. */
static char const *name_of(struct symbols const *symbols, struct elf_symbol const *s)
{
    bool named = (s->info & ELF_SYMBOL_TYPE) == ELF_FUNCTION && s->name < symbols->names_size &&
                 symbols->names[symbols->names_size - 1] == '\0';
    return named ? symbols->names + s->name : "";
}

/* Of the functions that begin in a page, those of that name, or all. What has no room for a probe is left out. */
static uint32_t put_in_page(struct symbols const *symbols, cptr_t frame, uint64_t page, char const *name,
                            size_t length, bool on)
{
    uint32_t count = 0;
    for (struct elf_symbol const *s = symbols->first; s < symbols->end; s++) {
        char const *found = name_of(symbols, s);
        bool wanted = length == 0 ? *found != '\0' : text_is(found, name, length);
        if (wanted && s->value >= page && s->value - page < PAGE &&
            sys_trace_probe(CPTR(BOOT_SLOT_TRACE), frame, s->value - page, on) == OK) {
            count++;
        }
    }
    return count;
}

enum err probe_put(struct builder *b, uint32_t index, char const *name, size_t length, bool on, uint32_t *functions)
{
    struct running const *running = &b->running[index];
    struct symbols symbols = find_symbols(b, index);
    *functions = 0;
    for (uint32_t slot = running->first_slot; slot < running->means.slots.next; slot++) {
        uint64_t rights, bits, page;
        uint8_t type;
        if (sys_cnode_inspect(b->resources.cnode, slot, &type, &rights, &bits) == OK && type == OBJECT_FRAME &&
            bits == PAGE_BITS && sys_frame_find(CPTR(slot), running->vspace, &page) == OK) {
            *functions += put_in_page(&symbols, CPTR(slot), page, name, length, on);
        }
    }
    return *functions != 0 ? OK : (enum err)CONTROL_ERR_NO_FUNCTION;
}

enum err probe_name(struct builder *b, uint32_t index, uint64_t address, char *name, size_t *length)
{
    struct symbols symbols = find_symbols(b, index);
    for (struct elf_symbol const *s = symbols.first; s < symbols.end; s++) {
        char const *found = name_of(&symbols, s);
        if (*found != '\0' && address - s->value < s->size) {
            size_t all = strlen(found);
            *length = all < CONTROL_FUNCTION_MOST ? all : CONTROL_FUNCTION_MOST;
            memcpy(name, found, *length);
            return OK;
        }
    }
    return (enum err)CONTROL_ERR_NO_FUNCTION;
}

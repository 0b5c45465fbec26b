#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mksymbols.py KERNEL.elf OUTPUT.c: the kernel's function names, for panics. See kernel/base/symbols.c."""

import sys

from elftools.elf.elffile import ELFFile


def functions(path):
    """(address, name) of each function, in order."""
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        start = table.get_symbol_by_name("text_start")[0]["st_value"]
        end = table.get_symbol_by_name("text_end")[0]["st_value"]
        found = {}
        for symbol in table.iter_symbols():
            address = symbol["st_value"]
            local = symbol.name.startswith((".", "$")) or not symbol.name
            if start <= address < end and not local and symbol["st_info"]["type"] in ("STT_FUNC", "STT_NOTYPE"):
                found.setdefault(address, symbol.name)
    return [(address - start, name.split(".")[0]) for address, name in sorted(found.items())]


def main(elf, output):
    table = functions(elf)
    offsets, text = [], ""
    for _, name in table:
        offsets.append(len(text))
        text += name + "\0"
    lines = [
        "#include <stdint.h>",
        "extern uint32_t const symbol_count, symbol_address[], symbol_name[];",
        "extern char const symbol_text[];",
        f"uint32_t const symbol_count = {len(table)};",
        "uint32_t const symbol_address[] = {" + ", ".join(str(a) for a, _ in table) + "};",
        "uint32_t const symbol_name[] = {" + ", ".join(map(str, offsets)) + "};",
        "char const symbol_text[] = " + " ".join(f'"{name}\\0"' for _, name in table) + ";",
    ]
    with open(output, "w") as file:
        file.write("\n".join(lines) + "\n")


main(*sys.argv[1:])

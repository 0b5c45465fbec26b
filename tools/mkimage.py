#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mkimage.py OUTPUT KERNEL.elf INIT.elf NAME=FILE ...

The boot image: the kernel as it lies in memory, then the first program (struct BootImage of
idl/kernel.idl), then an archive of the other files in the "newc" format of cpio. It is one flat
file, to be loaded where the kernel is linked. A kernel that has the entry of the PVH boot protocol
is wrapped into an ELF file, which says so.
"""

import contextlib
import struct
import sys
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "idl"))
from idlc import parse  # noqa: E402

PAGE = 4096
# At byte 56 of a kernel that U-Boot's booti can start; byte 16 then holds the image's size.
HEADER_MAGICS = (b"RSC\5", b"ARM\x64")


def pad(data, unit):
    return data + bytes(-len(data) % unit)


@contextlib.contextmanager
def elf_file(path):
    with open(path, "rb") as file:
        try:
            yield ELFFile(file)
        except ELFError as error:
            sys.exit(f"{path}: no ELF file that can be read ({error}); name an executable that the build made")


def loads(path):
    """(entry, [(address, bytes, size in memory, flags)]): the parts of an ELF file."""
    with elf_file(path) as elf:
        segments = [s for s in elf.iter_segments("PT_LOAD") if s["p_memsz"]]
        for s in segments:
            if len(s.data()) != s["p_filesz"]:
                sys.exit(f"{path}: the file is cut short; build it again")
        return elf.header.e_entry, [(s["p_vaddr"], s.data(), s["p_memsz"], s["p_flags"]) for s in segments]


def check_processors(kernel, programs):
    """All are for the processor that the kernel is for."""
    with elf_file(kernel) as elf:
        wanted = elf["e_machine"], elf.elfclass, elf.get_machine_arch()
    for path in programs:
        with elf_file(path) as elf:
            if (elf["e_machine"], elf.elfclass) != wanted[:2]:
                sys.exit(f"{path}: a {elf.elfclass}-bit program for {elf.get_machine_arch()}, but {kernel} is "
                         f"{wanted[1]}-bit for {wanted[2]}; build both with the same preset")


def symbol(path, table, name):
    found = table.get_symbol_by_name(name) if table else None
    if not found:
        sys.exit(f'{path}: no symbol "{name}"; name the kernel as it was linked, not stripped')
    return found[0]["st_value"]


def flat_kernel(path):
    """The kernel from its first byte to kernel_end, zeroes where nothing is loaded."""
    with elf_file(path) as elf:
        table = elf.get_section_by_name(".symtab")
        start, end = (symbol(path, table, name) for name in ("text_start", "kernel_end"))
    image = bytearray(end - start)
    for address, data, _, _ in loads(path)[1]:
        image[address - start:address - start + len(data)] = data
    return bytes(image)


def pvh_entry(path):
    """Where the kernel is loaded and entered by the PVH boot protocol, None if it is not."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        symbol = elf.get_section_by_name(".symtab").get_symbol_by_name("pvh_start")
        if symbol is None:
            return None
        first = next(elf.iter_segments("PT_LOAD"))
        return first["p_paddr"], symbol[0]["st_value"] - first["p_vaddr"] + first["p_paddr"]


def pvh_file(image, load, entry):
    """An ELF file with one segment, and the note that names the entry (Xen's number 18)."""
    note = struct.pack("<3I4sI", 4, 4, 18, b"Xen\0", entry)
    head = 64 + 2 * 56
    table = struct.pack("<2I6Q", 1, 7, PAGE, load, load, len(image), len(image), PAGE)
    table += struct.pack("<2I6Q", 4, 4, head, 0, 0, len(note), len(note), 4)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    elf = ident + struct.pack("<2HI3QI6H", 2, 62, 1, entry, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    return pad(elf + table + note, PAGE) + image


def cpio(files):
    """An archive that is the same every time it is made of the same files. Zeros behind their names put the files on
    boundaries of eight bytes: what they hold is read where it lies."""
    out = b""
    for number, (name, data) in enumerate([*sorted(files.items()), ("TRAILER!!!", b"")]):
        mode = 0o100444 if name != "TRAILER!!!" else 0
        header = 6 + 13 * 8
        text = name.encode() + b"\0"
        text += bytes(-(len(out) + header + len(text)) % 8)
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0]
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + text
        out += pad(data, 4)
    return out


def at_most(kernel_idl, limit, what, size):
    most = next(c.value for c in kernel_idl.consts if c.name == limit)
    if size > most:
        sys.exit(f"{what}: {size} bytes are too many; init has room for {most} ({limit} in idl/kernel.idl)")


def boot_part(kernel_idl, init, files):
    """BootImage, init's pages and the archive; offsets count from the start of this part."""
    rights = {r.name: 1 << r.value for o in kernel_idl.objects if o.name == "Frame" for r in o.rights}
    magic = next(c.value for c in kernel_idl.consts if c.name == "BOOT_MAGIC")
    entry, segments = loads(init)
    at_most(kernel_idl, "BOOT_INIT_MOST", init, sum(size for _, _, size, _ in segments))
    most = next(f for f in kernel_idl.struct("BootImage").fields if f.name == "segment").type.bound
    if len(segments) > most:
        sys.exit(f"{init}: {len(segments)} segments, at most {most} can be loaded")
    body, table = b"", b""
    for address, data, memory_size, flags in segments:
        if address % PAGE:
            sys.exit(f"{init}: a segment starts at {address:#x}, which is not the start of a page")
        wanted = sum(rights[name] for bit, name in ((4, "read"), (2, "write"), (1, "execute")) if flags & bit)
        table += struct.pack("<5Q", address, PAGE + len(body), len(data), memory_size, wanted)
        body += pad(data, PAGE)
    table += bytes((most - len(segments)) * 40)
    archive = cpio(files)
    head = struct.pack("<5Q", magic, entry, len(segments), PAGE + len(body), len(archive)) + table
    return pad(head, PAGE) + body + pad(archive, PAGE)


def main(output, kernel, init, *files):
    kernel_idl = parse.load(ROOT / "idl" / "kernel.idl")
    paths = {}
    for item in files:
        name, _, path = item.partition("=")
        if not name or not path:
            sys.exit(f"{item}: write NAME=FILE")
        if name in paths:
            sys.exit(f'{path}: there is a file "{name}" already; give it another name')
        paths[name] = Path(path)
    at_most(kernel_idl, "BOOT_FILES_MOST", "the files of the archive", sum(path.stat().st_size for path in paths.values()))
    check_processors(kernel, [init, *(path for name, path in paths.items() if name != "plan")])
    contents = {name: path.read_bytes() for name, path in paths.items()}
    image = bytearray(pad(flat_kernel(kernel), PAGE) + boot_part(kernel_idl, init, contents))
    if image[56:60] in HEADER_MAGICS:
        struct.pack_into("<Q", image, 16, len(image))
    pvh = pvh_entry(kernel)
    Path(output).write_bytes(image if pvh is None else pvh_file(image, *pvh))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")

# SPDX-License-Identifier: BSD-2-Clause
"""tools/mkimage.py: what an image holds, and what is refused with a sentence."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "mkimage.py"
sys.path.insert(0, str(ROOT / "idl"))
from idlc import parse  # noqa: E402

CONSTANTS = {c.name: c.value for c in parse.load(ROOT / "idl" / "kernel.idl").consts}
RISCV, AARCH64 = 243, 183
START = 0xFFFFFFC080200000
PAGE = 4096


def elf(machine=RISCV, segments=((0x200000, b"code", 4, 5),), symbols=(), entry=0x200004):
    """A small executable: segments are (address, bytes, size in memory, flags)."""
    at = 64 + 56 * len(segments)
    table, body = b"", b""
    for address, data, size, flags in segments:
        table += struct.pack("<2I6Q", 1, flags, at + len(body), address, address, len(data), size, PAGE)
        body += data
    sections, count = b"", 0
    if symbols:
        names = b"\0" + b"".join(name.encode() + b"\0" for name in symbols)
        entries = bytes(24)
        for name, value in symbols.items():
            entries += struct.pack("<IBBHQQ", names.index(name.encode()), 0x10, 0, 0xFFF1, value, 0)
        words = b"\0.symtab\0.strtab\0"
        parts, place = [(1, 2, entries, 2, 24), (9, 3, names, 0, 0), (9, 3, words, 0, 0)], at + len(body)
        sections = bytes(64)
        for name, kind, data, link, size in parts:
            sections += struct.pack("<2I4Q2I2Q", name, kind, 0, 0, place, len(data), link, 1, 8, size)
            body += data
            place += len(data)
        count = 4
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<2HI3QI6H", 2, machine, 1, entry, 64, at + len(body) if count else 0, 0, 64, 56, len(segments), 64, count, 3 if count else 0)
    return head + table + body + sections


KERNEL = elf(segments=((START, b"kernel", 16, 5), (START + 0x1000, b"data", 4, 6)),
             symbols={"text_start": START, "kernel_end": START + 0x1100})
SOUND = {"kernel": KERNEL, "init": elf(segments=((0x200000, b"code", 4, 5), (0x201000, b"data", 9000, 6))),
         "server": elf(), "plan": b"the plan"}


def make(folder, *arguments, **files):
    for name, data in {**SOUND, **files}.items():
        (folder / name).write_bytes(data)
    arguments = arguments or ["image", "kernel", "init", "plan=plan", "server=server"]
    return subprocess.run([sys.executable, "-B", TOOL, *arguments], cwd=folder, capture_output=True, text=True)


def archive_of(data):
    """The files of a newc archive, by GNU cpio's rules."""
    files, at = {}, 0
    while True:
        assert data[at:at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        name = data[at + 110:at + 110 + fields[11]].rstrip(b"\0").decode()
        start = at + 110 + fields[11] + 3 & ~3
        assert start % 8 == 0
        if name == "TRAILER!!!":
            return files
        files[name] = data[start:start + fields[6]]
        at = start + fields[6] + 3 & ~3


def test_image(tmp_path):
    done = make(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    image = (tmp_path / "image").read_bytes()
    assert image[:0x1100] == (b"kernel" + bytes(0xFFA) + b"data").ljust(0x1100, b"\0")
    boot = image[0x2000:]       # the next page
    magic, entry, count, archive, size = struct.unpack_from("<5Q", boot)
    assert (magic, entry, count) == (CONSTANTS["BOOT_MAGIC"], 0x200004, 2)
    segments = [struct.unpack_from("<5Q", boot, 40 + 40 * n) for n in range(2)]
    rights = {name: 1 << bit for name, bit in (("read", 3), ("write", 4), ("execute", 5))}
    assert segments == [(0x200000, PAGE, 4, 4, rights["read"] | rights["execute"]),
                        (0x201000, 2 * PAGE, 4, 9000, rights["read"] | rights["write"])]
    assert boot[PAGE:PAGE + 4] == b"code" and boot[2 * PAGE:2 * PAGE + 4] == b"data"
    assert archive % PAGE == 0 and len(boot) % PAGE == 0
    assert archive_of(boot[archive:archive + size]) == {"plan": b"the plan", "server": SOUND["server"]}


def test_the_same_files_make_the_same_image(tmp_path):
    make(tmp_path)
    first = (tmp_path / "image").read_bytes()
    os.utime(tmp_path / "server", (1, 1))
    make(tmp_path, "image", "kernel", "init", "server=server", "plan=plan")
    assert (tmp_path / "image").read_bytes() == first


WRONG = [
    ({"server": elf(AARCH64)},
     "server: a 64-bit program for AArch64, but kernel is 64-bit for RISC-V; build both with the same preset"),
    ({"init": elf(AARCH64)},
     "init: a 64-bit program for AArch64, but kernel is 64-bit for RISC-V; build both with the same preset"),
    ({"server": b"#!/bin/sh\n"},
     "server: no ELF file that can be read (Magic number does not match); name an executable that the build made"),
    ({"init": b""},
     "init: no ELF file that can be read (Magic number does not match); name an executable that the build made"),
    ({"kernel": elf()}, 'kernel: no symbol "text_start"; name the kernel as it was linked, not stripped'),
    ({"kernel": elf(symbols={"text_start": START})},
     'kernel: no symbol "kernel_end"; name the kernel as it was linked, not stripped'),
    ({"init": SOUND["init"][:-2]}, "init: the file is cut short; build it again"),
    ({"init": elf(segments=[(n << 20, b"x", 1, 4) for n in range(1, 6)])},
     "init: 5 segments, at most 4 can be loaded"),
    ({"init": elf(segments=[(0x200010, b"x", 1, 4)])},
     "init: a segment starts at 0x200010, which is not the start of a page"),
    ({"init": elf(segments=[(0x200000, b"x", 0x800001, 6)])},
     "init: 8388609 bytes are too many; init has room for 8388608 (BOOT_INIT_MOST in idl/kernel.idl)"),
]


@pytest.mark.parametrize("files, message", WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_wrong_is_refused(tmp_path, files, message):
    done = make(tmp_path, **files)
    assert done.stderr == message + "\n"
    assert done.returncode == 1 and not (tmp_path / "image").exists()


@pytest.mark.parametrize("arguments, message", [
    (["image", "kernal", "init"], "kernal: No such file or directory"),
    (["image", "kernel", "inti"], "inti: No such file or directory"),
    (["image", "kernel", "init", "server=sever"], "sever: No such file or directory"),
    (["image", "kernel", "init", "server"], "server: write NAME=FILE"),
    (["image", "kernel", "init", "server=server", "server=init"],
     'init: there is a file "server" already; give it another name'),
    (["none/image", "kernel", "init"], "none/image: No such file or directory"),
])
def test_wrong_arguments(tmp_path, arguments, message):
    done = make(tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (1, message + "\n")


def test_no_arguments(tmp_path):
    assert "mkimage.py OUTPUT KERNEL.elf INIT.elf NAME=FILE" in make(tmp_path, "image").stderr


def test_too_large(tmp_path):
    make(tmp_path)
    (tmp_path / "image").unlink()
    (tmp_path / "other").write_bytes(SOUND["server"])
    for name in ("server", "other"):
        os.truncate(tmp_path / name, 0x10000000)     # takes no space on the disk
    done = subprocess.run([sys.executable, "-B", TOOL, "image", "kernel", "init", "server=server", "other=other"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.stderr == (
        "the files of the archive: 536870912 bytes are too many; init has room for 535822336 (BOOT_FILES_MOST in idl/kernel.idl)\n")
    assert not (tmp_path / "image").exists()


def test_a_kernel_for_booti_knows_its_images_size(tmp_path):
    header = bytes(56) + b"RSC\5"
    kernel = elf(segments=((START, header, 64, 5),), symbols={"text_start": START, "kernel_end": START + 64})
    done = make(tmp_path, kernel=kernel)
    assert (done.returncode, done.stderr) == (0, "")
    image = (tmp_path / "image").read_bytes()
    assert struct.unpack_from("<Q", image, 16)[0] == len(image)

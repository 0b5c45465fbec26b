# SPDX-License-Identifier: BSD-2-Clause
"""The plugin that tools/path_length.py measures with counts to the instruction, and knows a stretch's ends."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import path_length  # noqa: E402

# A program below 0x80001000, a kernel above: it is entered at `entry` and at `other`, looks for interrupts at `look`.
# `entry` executes 5 + 2 * 100 instructions up to there, and 4 after; `other` 2 + 2 * 10.
PROGRAM = """
    .globl _start
_start:
    la a1, begin
    jalr ra, a1
    li a2, 3
1:  la a1, entry
    jalr ra, a1
    la a1, other
    jalr ra, a1
    addi a2, a2, -1
    bnez a2, 1b
    li a1, 0x100000
    li a0, 0x5555
    sw a0, 0(a1)
2:  j 2b
    .org 0x1000
begin:
    ret
entry:
    nop
    nop
    nop
    li a0, 100
1:  addi a0, a0, -1
    bnez a0, 1b
    nop
look:
    nop
    nop
    nop
    ret
other:
    li a0, 10
1:  addi a0, a0, -1
    bnez a0, 1b
    ret
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """kind -> (stretches, longest), of the program above."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "p.S").write_text(PROGRAM)
    subprocess.run(["riscv64-linux-gnu-gcc", "-march=rv64i", "-mabi=lp64", "-mno-relax", "-nostdlib", "-static",
                    "-Wl,-Ttext=0x80000000,--build-id=none", "-o", "p.elf", "p.S"], cwd=folder, check=True)
    names, _ = path_length.symbols_of(folder / "p.elf")
    out = folder / "out"
    options = ["from=80001000", "below=80001000", "begin={begin:x}", "check={look:x}", "mark={entry:x}:one",
               "mark={other:x}:two", "function={entry:x}-{other:x}", f"out={out}"]
    option = ",".join([str(path_length.qemu.plugin("path_length", folder)), *(text.format(**names) for text in options)])
    subprocess.run(["qemu-system-riscv64", "-M", "virt", "-bios", "none", "-display", "none", "-serial", "null", "-icount",
                    "shift=0,sleep=off", "-kernel", folder / "p.elf", "-plugin", option], check=True, timeout=60)
    lines = [line.split(" ") for line in out.read_text().splitlines()]
    return {kind: (int(stretches), int(longest), parts) for kind, stretches, longest, _, _, parts in lines}


def test_stretches_end_where_interrupts_are_looked_for(found):
    """Three entries that look once are six stretches; the longest is that before."""
    stretches, longest, _ = found["one"]
    assert (stretches, longest) == (6, 4 + 2 * 100 + 1)


def test_stretches_end_at_the_exit(found):
    stretches, longest, _ = found["two"]
    assert (stretches, longest) == (3, 1 + 2 * 10 + 1)


def test_functions(found):
    assert found["one"][2].split(":")[1] == "205,"


def test_an_argument_that_is_not_known(tmp_path):
    option = f"{path_length.qemu.plugin('path_length', tmp_path)},nonsense=1,out={tmp_path}/out"
    done = subprocess.run(["qemu-system-riscv64", "-M", "virt", "-bios", "none", "-display", "none", "-plugin", option],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "cannot take nonsense=1" in done.stderr

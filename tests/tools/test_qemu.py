# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU is told about the processor."""

import platform
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from cli import qemu  # noqa: E402


@pytest.mark.parametrize("architecture,board,device,imitation,expected", [
    (platform.machine(), True, True, False, "kvm"),
    (platform.machine(), True, True, True, "tcg"),
    (platform.machine(), True, False, False, "tcg"),
    (platform.machine(), False, True, False, "tcg"),
    ("vax", True, True, False, "tcg"),
])
def test_kvm_only_where_it_is_real(tmp_path, capsys, architecture, board, device, imitation, expected):
    for name, exists in ("kvm", device), ("kvm_pvm", imitation):
        if exists:
            (tmp_path / name).touch()
    description = {"architecture": architecture, "qemu": {"kvm": board}}
    assert qemu.accelerator(description, tmp_path / "kvm", tmp_path / "kvm_pvm") == expected
    output = capsys.readouterr().out
    assert output.count("\n") == imitation and ("imitation" in output) == imitation


def test_measured_runs_are_emulated():
    line = " ".join(qemu.command("x86_64-q35", "image"))
    assert "-accel tcg" in line and "-icount" in line

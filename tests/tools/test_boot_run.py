# SPDX-License-Identifier: BSD-2-Clause
"""What runs the boot tests sees each way in which they can go wrong."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("boot_run", ROOT / "tests" / "boot" / "run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

CRASH = run.CRASH["tests"]
CRASHED = CRASH + ", pc 0x1, sp 0x2"
GOOD = ["1..2", "# a.one", "ok 1 - a.one", "# a.two", "ok 2 - a.two", CRASHED]


# seL4: TRIVIAL0000
def test_all_is_well():
    assert run.judge(GOOD, 0, 0, CRASH) == []
    assert run.judge(["# a", "# b", *GOOD], 0, 0, CRASH, ["# a", "# b"]) == []
    assert run.judge(["# b", "# a", *GOOD], 0, 0, CRASH, ["# a", "# b"]) != []


# seL4: TRIVIAL0000
@pytest.mark.parametrize("lines, code, says", [
    (["1..2", "# a.one", "not ok 1 - a.one: x.c:1: no", "# a.two", "ok 2 - a.two", CRASHED], 1, "1 failed: a.one"),
    (["1..2", "# a.one", "ok 1 - a.one", "# a.two", "PANIC: trap in the kernel", CRASHED], 1,
     "the kernel panicked in a.two: PANIC: trap in the kernel"),
    (["1..2", "# a.one", "ok 1 - a.one", "# a.two", CRASHED], None, "no end after 300 s, in a.two"),
    (["1..2", "# a.one", "ok 1 - a.one", CRASHED], 0, "1 of 2 tests reported; the last that began was a.one"),
    (["1..2", "ok 2 - a.two", "ok 1 - a.one", CRASHED], 0, "test 2 came where 1 was expected"),
    ([CRASHED], 0, "there is no plan"),
    (GOOD, 3, "all passed, but QEMU ended with 3"),
    (GOOD[:-1], 0, "init did not report"),
])
def test_what_goes_wrong_is_seen(lines, code, says):
    wrong = run.judge(lines, code, 0, CRASH)
    assert any(text.startswith(says) for text in wrong), wrong

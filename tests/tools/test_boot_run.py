# SPDX-License-Identifier: BSD-2-Clause
"""What runs the boot tests sees each way in which they can go wrong."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("boot_run", ROOT / "tests" / "boot" / "run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

CRASHES = run.CRASHES["tests"]
CRASHED = CRASHES[0] + ", pc 0x1, sp 0x2"
GOOD = ["1..2", "# a.one", "ok 1 - a.one", "# a.two", "ok 2 - a.two", CRASHED]


# seL4: TRIVIAL0000
def test_all_is_well():
    assert run.judge(GOOD, 0, 0, CRASHES) == []
    assert run.judge(["# a", "# b", *GOOD], 0, 0, CRASHES, ["# a", "# b"]) == []
    assert run.judge(["# b", "# a", *GOOD], 0, 0, CRASHES, ["# a", "# b"]) != []


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
    wrong = run.judge(lines, code, 0, CRASHES)
    assert any(text.startswith(says) for text in wrong), wrong


def memory(path, pages):
    """A node's memory, with these pages in it."""
    with open(path, "wb") as file:
        file.truncate(1 << 20)
        for number, words in pages.items():
            file.seek(number * run.PAGE)
            file.write(run.PLACE.pack(*words))
    return path


def place(node=run.PLACE_ANY_NODE, colours=1, all_colours=1):
    return run.PLACE_MARK, node, colours, all_colours


def test_pages_that_are_where_they_should_be(tmp_path):
    nodes = [memory(tmp_path / "0", {n: place() for n in range(60)}), memory(tmp_path / "1", {n: place(1) for n in range(100, 160)})]
    assert run.misplaced(nodes) == []
    coloured = {n: place(colours=1 << n % 8, all_colours=8) for n in range(64)}
    assert run.misplaced([memory(tmp_path / "0", {**coloured, 70: (0, 9, 0, 0)})]) == []


def test_pages_that_are_elsewhere(tmp_path):
    right = {n: place(colours=0b10, all_colours=4) for n in range(1, 250, 4)}
    path = tmp_path / "0"
    assert run.misplaced([memory(path, {**right, 4: place(1)})]) == ["page 4 of node 0 should be of node 1"]
    assert run.misplaced([memory(path, {**right, 6: place(0, 0b1011, 4)})]) == \
        ["page 6 of node 0 has not one of the colours 0b1011 of 4"]
    assert run.misplaced([memory(path, {n: place() for n in range(49)})]) == ["node 0 has only 49 pages that say where they should be"]

# SPDX-License-Identifier: BSD-2-Clause
"""What is said of a benchmark's figures: whether one is too high, and the page of all."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bench")]
from cli import common  # noqa: E402
from host import anchors, limits, page  # noqa: E402
from host.ceilings import BOARDS, CEILINGS  # noqa: E402

X86 = "x86_64-q35"
LINUX = {"mem.fault.zeroed": 3145, "vfs.open_close": 6299, "vfs.stat.depth4": 4963, "vfs.pread.4k": 1842,
         "vfs.pwrite.4k": 2243, "vfs.create_close_unlink": 16270}


def report(board, **others):
    """All figures are as high as they may be, but for these."""
    medians = {name: limits.most(board, name, {})[0] for name in limits.limited(board) if name not in anchors.BESIDE}
    medians |= {name: medians[other] + more for name, (other, more) in anchors.BESIDE.items()}
    for name in anchors.BESIDE:
        medians[name] = limits.most(board, name, medians)[0]
    medians |= others
    results = [{"name": name, "min": 0, "median": median, "p99": median, "max": median, "samples": 1, "unit": "cycles"}
               for name, median in medians.items() if median is not None]
    return {"commit": "0123456", "platform": board, "qemu": "QEMU", "compiler": "gcc", "results": results}


def complaints(given):
    return {name: complaint for name, complaint in limits.judge(given) if complaint}


def figures(board):
    return {result["name"]: result["median"] for result in report(board)["results"]}


def test_there_are_ceilings_for_every_board():
    assert list(BOARDS) == common.platforms()
    assert all(len(boards) == len(BOARDS) for boards in CEILINGS.values())


@pytest.mark.parametrize("board", BOARDS)
def test_the_ceiling_itself_is_not_too_high(board):
    assert complaints(report(board)) == {}


@pytest.mark.parametrize("board", BOARDS)
def test_one_instruction_more_is_too_high_and_named(board):
    for name, most in figures(board).items():
        found = complaints(report(board, **{name: most + 1}))
        assert re.match(rf"{most + 1} is 1 above ", found[name]), name


@pytest.mark.parametrize("board", BOARDS)
def test_a_figure_that_is_gone_is_named(board):
    for name in figures(board):
        assert complaints(report(board, **{name: None}))[name] == "it was not measured"


@pytest.mark.parametrize("board", BOARDS)
def test_generated_stubs_are_held_against_those_written_by_hand(board):
    by_hand = 100
    given = {"ipc.round_trip.cross.w2": by_hand, "ipc.idl.round_trip.w2": by_hand + 17}
    assert complaints(report(board, **given)) == {
        "ipc.idl.round_trip.w2": f"{by_hand + 17} is 1 above ipc.round_trip.cross.w2 and 16 of {by_hand + 16}"}


def test_linux_is_a_limit_on_x86_64_whatever_the_ceilings_say(monkeypatch):
    for name, count in LINUX.items():
        monkeypatch.setitem(CEILINGS, name, {X86: 10 * count})
        assert complaints(report(X86, **{name: count})) == {}
        assert complaints(report(X86, **{name: count + 1})) == {name: f"{count + 1} is 1 above Linux's of {count}"}


def test_the_page_has_every_figure():
    reports = [report(board) for board in BOARDS]
    text = page.page(reports)
    for name in CEILINGS:
        assert f"\n| `{name}` |" in text
    assert "3145 (page fault of anonymous memory)" in text and "at commit 0123456" in text


def test_every_pair_and_excerpt_is_of_figures_that_are_held():
    assert {name for _, *pair in page.PAIRS for name in pair} | set(page.EXCERPT) <= CEILINGS.keys()


def test_the_excerpt_stands_in_the_readme():
    assert page.REGION.search(page.README.read_text())
    assert " ipc.round_trip.cross.w0 " in page.excerpt([report(board) for board in BOARDS])


def test_the_page_is_of_all_boards():
    done = subprocess.run([ROOT / "tessera", "bench", "--page"], capture_output=True, text=True)
    assert done.returncode == 1 and "./tessera bench --platform all --page" in done.stderr

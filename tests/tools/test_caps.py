# SPDX-License-Identifier: BSD-2-Clause
"""The picture of capabilities, of a table that is made up here."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from cli import call, caps  # noqa: E402

FRAME = ["read", "write", "execute"]


def table():
    """A server and its client, and what the client was given and has not any more."""
    held = [
        caps.Held("server", 2, "Endpoint", ["send", "recv", "grant"], is_given=True, object=("server", 2)),
        caps.Held("server", 3, "Untyped", [], 20, True, ("server", 3)),
        caps.Held("server", 9, "Frame", FRAME, 12, False, ("server", 9)),
        caps.Held("server", 10, "Frame", FRAME, 12, False, ("server", 10)),
        caps.Held("client", 2, "Endpoint", ["send"], 7, True, ("server", 2)),
        caps.Held("client", 8, "Frame", ["read"], 12, False, ("server", 9)),
        caps.Held("client", 9, "Frame", ["read"], 12, False, ("server", 10)),
        caps.Held("client", 10, "Endpoint", ["send"], 7, False, ("server", 2)),
        caps.Held("client", 11, "Thread", [], 0, False, ("client", 11)),
    ]
    return held, [("missing", caps.Held("client", 4, "Endpoint", ["send"]))]


NAMES = {("server", 2): "requests", ("client", 4): "console"}


@pytest.fixture
def dot():
    held, wrong = table()
    found = caps.differences(held, wrong)
    return caps.as_dot(held, found, NAMES)


def test_what_came_from_another_differs_and_a_copy_of_what_was_given_does_not():
    held, wrong = table()
    assert caps.differences(held, wrong) == [
        ("missing", "client", 4, "Endpoint send"),
        ("extra", "client", 8, "Frame read, 2^12 bytes; as server 9"),
        ("extra", "client", 9, "Frame read, 2^12 bytes; as server 10")]
    held[7].rights.append("grant")
    assert ("extra", "client", 10, "Endpoint send grant, badge 7; as server 2") in caps.differences(held, wrong)


def test_the_text_names_each_and_counts():
    held, wrong = table()
    text = caps.as_text(held, caps.differences(held, wrong))
    assert text.startswith("server:\n           2  Endpoint send recv grant\n           3  Untyped, 2^20 bytes\n"
                           "        9-10  Frame read write execute, 2^12 bytes  (made)\nclient:\n")
    assert "         8-9  Frame read, 2^12 bytes  (extra)\n" in text
    assert text.endswith("3 differ from the system description; 4 others are of what programs made or had")


class Init:
    """An init that knows of two programs with one endpoint."""
    OWN = {0: [(2, 4, 3, 0), (3, 4, 1, 0)], 1: [(2, 4, 2, 7)]}

    def __init__(self):
        self.interfaces, self.asked = call.Interfaces(), []

    def find(self, method, number, slot):
        return next(([*c] for c in self.OWN[number] if c[0] >= slot), [0, 0, 0, 0])

    def ask(self, method, *numbers):
        if method == "program":
            name = [b"server", b"client"][numbers[0]] if numbers[0] < 2 else None
            return name and [int.from_bytes(name, "little"), 0]
        if method == "same":
            self.asked.append(numbers)
            return [numbers in [(1, 2, 0, 2)]]
        return self.find(method, *numbers) + [0] * (method == "given")

    programs, slots = caps.Control.programs, caps.Control.slots


def test_objects_are_told_apart():
    init = Init()
    held, wrong = caps.take(init)
    assert [(h.program, h.slot, h.object) for h in held] == [
        ("server", 2, ("server", 2)), ("server", 3, ("server", 3)), ("client", 2, ("server", 2))]
    assert not wrong and all(h.is_given for h in held) and len(init.asked) == 2


def test_arrows_go_the_way_of_messages(dot):
    assert '"client" -> o0 [label="send"];' in dot
    assert '"server" -> o0 [label="send recv grant", dir=both];' in dot
    assert 'o0 [label="Endpoint\\nrequests"]' in dot


def test_what_came_at_run_time_is_red_and_what_was_made_grey(dot):
    assert '"client" -> o1 [label="read", color="#c02020"' in dot
    assert '"server" -> o1 [label="read write execute", color=grey' in dot
    assert "2 × Frame" in dot


def test_what_is_missing_is_dashed(dot):
    assert 'm0 [style=dashed, label="missing: Endpoint send\\nconsole"]' in dot


def test_what_one_has_alone_is_in_its_box(dot):
    assert 'label="client\\n\\n1 Thread"' in dot


def test_graphviz_takes_it(dot):
    done = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True)
    assert done.returncode == 0 and "<svg" in done.stdout and ">requests<" in done.stdout

# SPDX-License-Identifier: BSD-2-Clause
"""The picture of capabilities, of a table that is made up here."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from cli import caps  # noqa: E402
from cli.common import Stop  # noqa: E402

TABLE = """server 2 0 given Endpoint send recv grant
server 3 1 given Untyped, 2^20 bytes
server 9 2 got Frame read write execute, 2^12 bytes
server 10 3 got Frame read write execute, 2^12 bytes
client 2 0 given Endpoint send, badge 7
client 8 2 got Frame read, 2^12 bytes
client 9 3 got Frame read, 2^12 bytes
client 11 4 got Thread"""
ANSWER = """missing client 4: Endpoint send
extra client 8: Frame read, 2^12 bytes; as server 9
extra client 9: Frame read, 2^12 bytes; as server 10
3 differ from the system description; 4 others are of what programs made or had"""
NAMES = {("server", 2): "requests", ("client", 4): "console"}


@pytest.fixture
def dot():
    differences = caps.differences_in(ANSWER)
    return caps.as_dot(caps.read(TABLE, differences), differences, NAMES)


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


def test_nonsense_is_refused():
    with pytest.raises(Stop):
        caps.read("there is no such command", [])

# SPDX-License-Identifier: BSD-2-Clause
"""The trace and profile commands' reading and writing, of a machine's memory that is made up here."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "idl"))
import idlc.__main__ as idlc  # noqa: E402
from cli import tracing  # noqa: E402
from cli.common import Stop  # noqa: E402
from idlc import parse  # noqa: E402


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    build = tmp_path_factory.mktemp("build")
    (build / "generated").mkdir()
    for name in ("kernel", "trace", "console"):
        library = parse.load(ROOT / "idl" / f"{name}.idl")
        (build / "generated" / f"{name}.json").write_text(idlc.as_json(library))
    return tracing.Names(build)


def number_of(names, name):
    return next(number for number, event in names.events.items() if event.name == name)


def memory(names, entries, at=3 * 4096, dropped=0, lost=0, programs=(("client", 0),)):
    """Entries are (ticks, event's name, core, thread, words)."""
    library = names.libraries["trace"]
    head, _ = tracing.layout(library, "Store")
    source, _ = tracing.layout(library, "Source")
    store = head.pack(library["constants"]["MAGIC"], 10_000_000, 1000, len(entries), dropped, lost, len(programs), 0)
    store += b"".join(source.pack(name.encode(), count) for name, count in programs)
    body = b"".join(struct.pack("<QHHIQQ", time, number_of(names, name), core, thread, *words)
                    for time, name, core, thread, words in entries)
    decoy = struct.pack("<Q", library["constants"]["MAGIC"])      # inside a page: no store
    return b"\0" * 40 + decoy + b"\0" * (at - 48) + store.ljust(4096, b"\0") + body + b"\0" * 4096


def letters(text):
    return struct.unpack("<QQ", text.encode().ljust(16, b"\0"))


STORY = [
    (100, "name", 0, 7, letters("client")),
    (100, "name", 0, 8, letters("server")),
    (110, "syscall", 0, 7, (0x160, 5 << 32 | 1 << 16)),
    (120, "message", 0, 8, (7 | 8 << 32, 5 << 32 | 1 << 16)),
    (130, "switch", 0, 8, (7 | 8 << 32, 0)),
    (115, "trace.begin", 0x8000, 0, (3 | 5 << 32, 0)),      # another ring: not in the order of time
    (140, "fault", 0, 8, (2, 0x1234)),
    (150, "result", 0, 8, ((1 << 64) - 3, 0)),
    (160, "idle", 0, 0, (0, 0)),
    (170, "trace.end", 0x8000, 0, (3 | 5 << 32, 0)),
]


@pytest.fixture
def story(names):
    return tracing.read(memory(names, STORY, dropped=1, lost=2, programs=[("worker", 4)]), names)


def test_everything_is_read_in_the_order_of_time(story):
    assert [e.event.name for e in story.entries[:5]] == ["name", "name", "syscall", "trace.begin", "message"]
    assert story.entries[2].ns == pytest.approx(11000)
    assert story.all_lost == 7
    assert story.threads == {7: "client", 8: "server"}


def test_memory_without_a_store_is_refused(names):
    with pytest.raises(Stop, match="kept no trace"):
        tracing.read(b"\0" * 65536, names)


def test_text_names_things(story):
    text = tracing.as_text(story, story.entries)
    for part in ("from=client to=server", "request 5", "kind=write address=0x1234", "value=error 3", "worker",
                 "trace.begin  what=3 request=5"):
        assert part in text, text


def test_a_request_is_picked_out(story):
    assert [e.event.name for e in tracing.select(story, None, 5)] == ["syscall", "trace.begin", "message", "trace.end"]
    assert [e.event.name for e in tracing.select(story, "fault,idle", None)] == ["fault", "idle"]
    with pytest.raises(Stop, match='no event "faults"; there are:.* fault'):
        tracing.select(story, "faults", None)


def test_chrome_has_arrows_and_slices(story):
    events = json.loads(tracing.as_chrome(story, story.entries))["traceEvents"]
    arrow = {e["ph"]: e for e in events if e.get("cat") == "ipc"}
    assert (arrow["s"]["tid"], arrow["f"]["tid"]) == (7, 8) and arrow["s"]["id"] == arrow["f"]["id"]
    ran = [e for e in events if e["ph"] == "X"]
    assert [(e["name"], e["ts"], e["dur"]) for e in ran] == [("server", pytest.approx(13), pytest.approx(3))]
    assert [e["name"] for e in events if e["ph"] in "BE"] == ["request 5", "request 5"]


def test_babeltrace_reads_it_and_is_told_what_is_lost(story, tmp_path):
    tracing.write_ctf(story, story.entries, tmp_path / "ctf")
    done = subprocess.run(["babeltrace2", str(tmp_path / "ctf")], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == len(story.entries), done.stderr
    assert 'name = "client"' in lines[0]
    assert "from = 7, to = 8" in next(line for line in lines if "message:" in line)
    assert "discarded 3 events" in done.stderr and "discarded 4 events" in done.stderr, done.stderr


class Functions:
    def name(self, address):
        return {0x10: "main", 0x20: "inner", 0x30: "leaf"}.get(address & ~15)


def test_stacks_are_folded_outermost_first(names):
    trace = tracing.read(memory(names, [
        (1, "name", 0, 7, letters("worker")),
        (2, "sample", 0, 7, (0x34, 3)), (2, "stack", 0, 7, (0x28, 0x14)), (2, "stack", 0, 7, (0x999, 0)),
        (3, "sample", 0, 7, (0x34, 3)), (3, "stack", 0, 7, (0x28, 0x14)), (3, "stack", 0, 7, (0x999, 0)),
        (4, "sample", 0, 7, (0x12, 0)),
        (5, "sample", 0, 9, (0x55, 0)),
    ]), names)
    assert tracing.folded(trace, {7: ("prog", Functions())}) == {
        "prog;worker;main;inner;leaf": 2, "prog;worker;main": 1, "?;thread-9;0x55": 1}


def test_a_flame_graph_has_a_box_for_each_stack_and_escapes_names():
    page = tracing.as_flame_graph({"p;t;main;a<b>": 3, "p;t;main": 1}, "Title & more")
    assert page.count("<g data-x") == 5 and "a&lt;b&gt;: 3 of 4 samples, 75.0 %" in page and "Title &amp; more" in page
    assert "<script src" not in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_events_of_a_program_have_the_numbers_of_its_interface(names):
    assert number_of(names, "trace.begin") == 9 * 256 + 1
    assert number_of(names, "switch") == 8

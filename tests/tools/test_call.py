# SPDX-License-Identifier: BSD-2-Clause
"""./tessera call: what is refused before anything boots, and how answers look. tests/call boots."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from cli import call  # noqa: E402
from cli.common import Stop  # noqa: E402

INTERFACES = call.Interfaces()
EVERYTHING = call.parse.load(ROOT / "tests" / "idl" / "everything.idl")


@pytest.mark.parametrize("line, message", [
    ("nobody.open", r'there is no server "nobody" to be called; there are: console, control, init, memory, trace, vfs'),
    ("vfs", r'vfs has no method ""; it has:\n(.*\n)*  vfs.stat\(path: string\[440\], follow: bool\) .*(\n.*)*'),
    ("vfs.stats", r'vfs has no method "stats"; it has:\n[\s\S]*'),
    ("vfs.File.stat /a true", r'vfs has no method "File.stat"; it has:\n[\s\S]*'),
    ("memory.attach read 0", r'memory.attach cannot be called from here: "region" is a capability, and .*'),
    ("vfs.stat /boot", r"stat has 2 arguments, and 1 were given; it takes: path: string\[440\], follow: bool"),
    ("vfs.stat /boot yes", r'follow: "yes" is neither true nor false'),
    ("vfs.close -1", r"file: -1 is not between 0 and 4294967295"),
    ("vfs.close 0x100000000", r"file: 0x100000000 is not between 0 and 4294967295"),
    ("vfs.close first", r'file: "first" is no number; write it like 10, 0x1f or 0o644'),
    ("vfs.open /a read,run 0", r'mode: "read,run" is no OpenMode; write one of read, write, .*, several with commas .*'),
    ("vfs.mount /a floppy", r'kind: "floppy" is no FileSystem; write one of memory, archive, devices'),
    ("vfs.mount /a 7", r'kind: "7" is no FileSystem; .*'),
    ("vfs.enter " + "x" * 441, r"path: 441 bytes are too many; string\[440\] has at most 440"),
    ("console.write hex:abc", r'text: "hex:abc": behind hex: there are two digits for each byte'),
    ("vfs.poll [1", r'polls: "\[1" is no JSON, which a Poll\[\.\.16\] is written in'),
    ("vfs.poll [1]", r'polls: 1 is no Poll; write it as JSON, \{"file": ...\}'),
    ('vfs.poll {"file":1}', r'polls: \{"file": 1\} is no Poll\[\.\.16\]; write a JSON list of at most 16'),
    ('vfs.poll [{"fil":1}]', r'polls: Poll has no field "fil"; it has: file, events, reserved'),
    ("vfs.read 0 0 x", r'into: "x" is no number; .*'),
    ("vfs.read 0 0 4294967296:1", r"into: 4294967296 is not between 0 and 4294967295"),
    ("vfs.close 0 then", r'a method is missing beside "then"'),
])
def test_refused(line, message):
    with pytest.raises(Stop) as stop:
        list(call.prepare(INTERFACES, line.split(" ")))
    assert re.fullmatch(message, str(stop.value)), stop.value


def test_all_are_listed():
    listed = INTERFACES.listed()
    for server in INTERFACES.methods:
        assert f"  {server}." in listed
    assert 'memory.warn(low: u64, bell: cap kernel.Notification?) -> (levels: cap Levels) since 2  (not from here: "bell"' in listed


def test_the_gateway_reaches_what_it_says():
    """Every target of idl/gateway.idl is an interface; every interface that is none needs a capability."""
    assert sorted(INTERFACES.targets.values()) == list(range(7))


def vectors():
    for library in [EVERYTHING, *[call.parse.load(path) for path in sorted((ROOT / "idl").glob("*.idl"))]]:
        made = list(call.vectors.vectors(library))
        methods = [m for i in library.interfaces for m in i.methods]
        yield from ((m, v) for m, v in zip(methods, made) if v["reply"] is not None)


@pytest.mark.parametrize("method, vector", [pytest.param(m, v, id=f"{m.owner.prefix}.{m.name}") for m, v in vectors()])
def test_answers(method, vector):
    """What the conformance vectors have in a reply is what is shown, value by value."""
    lines = list(call.answer(method, [int(w, 16) for w in vector["reply"]], True))
    assert len(lines) == len(method.outputs)
    for line, param, value in zip(lines, method.outputs, vector["results"].values()):
        name, _, text = line.partition(": ")
        assert name == param.name
        if param.type.kind == "int" and param.type.name != "bool":
            assert text == str(value)
        elif param.type.kind == "enum":
            assert text in {m.name for m in param.type.decl.members if m.value == value}
        elif param.type.kind == "string":
            assert text == f'"{value}"'


def is_text(param):
    return param.type.scalar or param.type.kind in ("string", "bytes")


@pytest.mark.parametrize("method, vector", [
    pytest.param(m, v, id=f"{m.owner.prefix}.{m.name}") for m, v in vectors() if all(map(is_text, m.inputs))])
def test_requests(method, vector):
    """The words of a request are those of the conformance vector."""
    texts = [{"bool": {0: "false", 1: "true"}}.get(p.type.name, {}).get(v, str(v))
             for p, v in zip(method.inputs, vector["parameters"].values())]
    assert [f"0x{w:x}" for w in call.request(method, texts)] == vector["request"]


def test_what_is_not_there():
    """An optional value that is left out: a zero for each of its words."""
    method = next(m for i in EVERYTHING.interfaces for m in i.methods if any(p.type.optional and p.type.scalar for p in m.inputs))
    only = SimpleNamespace(name="only", inputs=[next(p for p in method.inputs if p.type.optional and p.type.scalar)])
    assert call.request(only, ["-"]) == [0, 0]


def test_a_server_that_does_not_answer_is_named():
    library, _, method = INTERFACES.find("console.wait")
    number = next(n for n, e in INTERFACES.common.items() if e.name == "timed_out")
    assert call.told(INTERFACES, library, method, (number, 0, False, [])) == \
        (False, "console.wait: timed_out: no answer within 5 seconds")

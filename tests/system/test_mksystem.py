# SPDX-License-Identifier: BSD-2-Clause
"""tools/mksystem.py: wrong manifests and descriptions are refused in one sentence; right ones say what they mean."""

import copy
import datetime
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "mksystem.py"
sys.path.insert(0, str(ROOT / "tools"))
import mksystem  # noqa: E402

KERNEL = mksystem.Kernel()

# A system without a mistake, in four files.
SOUND = {
    "system.toml": """\
description = "A server and a client"
stop_with = "client"
endpoint = ["door", "other"]
notification = ["bell"]

[program.server]
priority = 200
slice = "500 us"
[program.server.capability]
door = { endpoint = "door", rights = ["recv"] }
bell = { notification = "bell", rights = ["wait", "signal"], badge = 4 }
memory = { untyped = "64K" }
line = { interrupt = "uart" }
[program.server.memory]
registers = { device = "uart" }

[program.client]
priority = 0
[program.client.capability]
door = { endpoint = "door", rights = ["send", "grant"], badge = 7 }
table = { own = "cnode" }
time = { control = "sched" }
[program.other]
file = "server"
priority = 254
[program.other.capability]
door = { endpoint = "other", rights = ["recv"] }
bell = { notification = "bell", rights = ["wait", "signal"] }
memory = { untyped = 4096 }
line = { interrupt = "clock" }
[program.other.memory]
registers = { device = "clock" }
""",
    "platform.toml": """\
description = "A board"
[device]
uart = { compatible = "ns16550a", number = 1 }
clock = { compatible = "goldfish-rtc" }
""",
    "server.toml": """\
slots = 3
stack = "64K"
[capability.door]
type = "Endpoint"
rights = ["recv"]
[capability.bell]
type = "Notification"
rights = ["signal", "wait"]
[capability.memory]
type = "Untyped"
[capability.line]
type = "IrqHandler"
[memory.registers]
address = 0x50000000
size = "8K"
rights = ["read", "write"]
""",
    "client.toml": """\
[capability.door]
type = "Endpoint"
rights = ["send", "grant"]
[capability.table]
type = "CNode"
[capability.time]
type = "SchedControl"
""",
}


ARGUMENTS = ["plan", "system.toml", "platform.toml", "plan", "server=server.toml", "client=client.toml", "init=client.toml"]


def run(*arguments, cwd):
    return subprocess.run([sys.executable, "-B", TOOL, *arguments], cwd=cwd, capture_output=True, text=True)


def compile_system(folder, files):
    """Runs the tool on these files in the folder; what it wrote is in the file "plan"."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return run(*ARGUMENTS, cwd=folder)


def unpacked(data):
    """The plan in its parts: a list of (field -> value) for each array."""
    codes = {1: "B", 2: "H", 4: "I", 8: "Q"}

    def one(struct_name, at):
        out = {}
        declared = KERNEL.structs.struct(struct_name)
        for f in declared.fields:
            if f.type.kind == "array":
                out[f.name] = data[at + f.offset:at + f.offset + f.type.size].rstrip(b"\0").decode()
            else:
                out[f.name], = struct.unpack_from("<" + codes[f.type.size], data, at + f.offset)
        return out, at + declared.size

    plan, at = one("Plan", 0)
    parts = {"plan": plan}
    for name in ("Device", "Object", "Program", "Capability", "Mapping"):
        parts[name] = []
        for _ in range(plan[name.lower() + "_count"]):
            item, at = one(name, at)
            parts[name].append(item)
    assert at == len(data)
    return parts


# ---- What is right -------------------------------------------------------------------------------

def test_sound_system(tmp_path):
    done = compile_system(tmp_path, SOUND)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    parts = unpacked((tmp_path / "plan").read_bytes())
    assert parts["plan"]["stop_with"] == 1
    assert [(d["compatible"], d["number"]) for d in parts["Device"]] == [("ns16550a", 1), ("goldfish-rtc", 0)]
    assert [o["type"] for o in parts["Object"]] == [KERNEL.types[t] for t in ("Endpoint", "Endpoint", "Notification")]
    server, client, other = parts["Program"]
    assert (server["name"], server["file"], server["priority"], server["budget"]) == ("server", "server", 200, 500_000)
    assert (server["cnode_radix"], server["stack_bits"]) == (3, 16)
    assert (client["name"], client["priority"], client["cnode_radix"], client["stack_bits"]) == ("client", 0, 6, 14)
    assert (other["name"], other["file"], other["budget"]) == ("other", "server", 10_000_000)
    assert [(p["first_capability"], p["capability_count"]) for p in parts["Program"]] == [(0, 4), (4, 3), (7, 4)]
    assert [(p["first_mapping"], p["mapping_count"]) for p in parts["Program"]] == [(0, 1), (1, 0), (1, 1)]

    everything = (1 << 64) - 1
    source = {m.name: m.value for m in KERNEL.structs.enums[0].members}
    rights = KERNEL.rights
    given = [(c["slot"], c["source"], c["index"], c["bits"], c["badge"], c["rights"]) for c in parts["Capability"]]
    assert given[:7] == [
        (2, source["object"], 0, 0, 0, rights["Endpoint"]["recv"]),
        (3, source["object"], 2, 0, 4, rights["Notification"]["wait"] | rights["Notification"]["signal"]),
        (4, source["untyped"], 0, 16, 0, everything),
        (5, source["interrupt"], 0, 0, 0, everything),
        (2, source["object"], 0, 0, 7, rights["Endpoint"]["send"] | rights["Endpoint"]["grant"]),
        (3, source["own_cnode"], 0, 0, 0, everything),
        (4, source["sched_control"], 0, 0, 0, everything),
    ]
    assert [(m["address"], m["bits"], m["device"]) for m in parts["Mapping"]] == [(0x50000000, 13, 0), (0x50000000, 13, 1)]
    assert parts["Mapping"][0]["rights"] == rights["Frame"]["read"] | rights["Frame"]["write"]


def test_what_happens_after_an_end(tmp_path):
    text = SOUND["system.toml"].replace("slice =", "restart = 3\nslice =").replace(
        "badge = 7", 'badge = 7, forget = "vfs.Vfs.forget"')
    done = compile_system(tmp_path, {**SOUND, "system.toml": text})
    assert (done.returncode, done.stderr) == (0, "")
    parts = unpacked((tmp_path / "plan").read_bytes())
    assert [p["restarts"] for p in parts["Program"]] == [3, 0, 0]
    assert [c["forget"] for c in parts["Capability"]] == [0, 0, 0, 0, 7 * 256 + 2, 0, 0, 0, 0, 0, 0]
    done = compile_system(tmp_path, {**SOUND, "system.toml": text.replace("priority = 0", 'priority = 0\npager = "door"\nlimit = "1M"')})
    assert done.stderr == "system.toml:8: program.server.restart: the memory of client would be gone with it; drop one of them\n"


PAGED = 'priority = 0\npager = "door"\nlimit = "1M"\n'


TIMED = 'budget = "2 ms"\nperiod = "10 ms"'


def test_time(tmp_path):
    text = SOUND["system.toml"].replace('slice = "500 us"', TIMED + "\ntell_overruns = true").replace(
        "priority = 0\n", 'priority = "deadline"\nbudget = "0.75s"\nperiod = "1 s"\n')
    done = compile_system(tmp_path, {**SOUND, "system.toml": text})
    assert (done.returncode, done.stderr) == (0, "")
    programs = unpacked((tmp_path / "plan").read_bytes())["Program"]
    assert [(p["priority"], p["budget"], p["period"], p["tells_overruns"]) for p in programs] == [
        (200, 2_000_000, 10_000_000, 1), (160, 750_000_000, 1_000_000_000, 0), (254, 10_000_000, 0, 0)]


@pytest.mark.parametrize("budget, period, count, admitted", [
    ("1 s", "1 s", 1, True), ("1 s", "3 s", 2, True), ("1 s", "3 s", 3, False), ("333333333 ns", "1 s", 3, True),
    ("1 s", "4 s", 4, True), ("10 us", "3600 s", 5, True)])
def test_admission_as_in_init(tmp_path, budget, period, count, admitted):
    """The rule of sys_admits(), rounding included: what passes here does not stop at boot."""
    text = "".join(f'[program.p{n}]\nfile = "plain"\npriority = {n}\nbudget = "{budget}"\nperiod = "{period}"\n' for n in range(count))
    (tmp_path / "system.toml").write_text(text)
    (tmp_path / "platform.toml").write_text("")
    (tmp_path / "plain.toml").write_text("")
    done = run("plan", "system.toml", "platform.toml", "plan", "plain=plain.toml", cwd=tmp_path)
    assert (done.returncode == 0) == admitted, done.stderr


def test_where_memory_is(tmp_path):
    text = SOUND["system.toml"].replace('untyped = "64K"', 'untyped = "64K", node = 1').replace(
        "priority = 0\n", PAGED + "node = 2\ncolours = [0, 3, 3]\n")
    done = compile_system(tmp_path, {**SOUND, "system.toml": "page_colours = 4\n" + text})
    assert (done.returncode, done.stderr) == (0, "")
    parts = unpacked((tmp_path / "plan").read_bytes())
    anywhere = mksystem.NONE
    assert parts["plan"]["page_colours"] == 4
    assert [(p["node"], p["colours"]) for p in parts["Program"]] == [(0, 0b1111), (2, 0b1001), (0, 0b1111)]
    assert [c["node"] for c in parts["Capability"]][:4] == [anywhere, anywhere, 1, anywhere]
    compile_system(tmp_path, SOUND)
    parts = unpacked((tmp_path / "plan").read_bytes())
    assert (parts["plan"]["page_colours"], parts["Program"][1]["colours"]) == (1, 1)


def test_what_a_program_can_do_without(tmp_path):
    manifest = SOUND["client.toml"] + "[capability.more]\ntype = \"Untyped\"\noptional = true\n"
    done = compile_system(tmp_path, {**SOUND, "client.toml": manifest})
    assert (done.returncode, done.stderr) == (0, "")
    assert unpacked((tmp_path / "plan").read_bytes())["Program"][1]["capability_count"] == 3
    given = SOUND["system.toml"].replace('time = {', 'more = { untyped = "4K" }\ntime = {')
    compile_system(tmp_path, {**SOUND, "client.toml": manifest, "system.toml": given})
    assert unpacked((tmp_path / "plan").read_bytes())["Program"][1]["capability_count"] == 4


def test_header(tmp_path):
    (tmp_path / "server.toml").write_text(SOUND["server.toml"])
    done = run("header", "server.toml", "out/server_caps.h", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    defines = [line for line in (tmp_path / "out/server_caps.h").read_text().splitlines() if line.startswith("#define")]
    assert defines == [
        "#define SERVER_CAP_DOOR CPTR(2) /* Endpoint */",
        "#define SERVER_CAP_BELL CPTR(3) /* Notification */",
        "#define SERVER_CAP_MEMORY CPTR(4) /* Untyped */",
        "#define SERVER_CAP_LINE CPTR(5) /* IrqHandler */",
        "#define SERVER_MEMORY_REGISTERS 0x50000000ul",
        "#define SERVER_MEMORY_REGISTERS_SIZE 0x2000ul",
        "#define SERVER_PORTS_REGISTERS CPTR(6) /* IoPorts, where the device has such */",
        "#define SERVER_FIRST_FREE_SLOT 7u",
        "#define SERVER_SLOTS 8u",
    ]


@pytest.mark.parametrize("board", sorted(p.parent.name for p in (ROOT / "platforms").glob("*/platform.toml")))
@pytest.mark.parametrize("system", sorted(p.name for p in (ROOT / "platforms/systems").glob("*.toml")))
def test_the_systems_of_the_repository(tmp_path, board, system):
    manifests = [f"{program}{'_probed' if kind == 'probed' else ''}={path.with_name('program.toml')}"
                 for place in ("servers", "bench", "tests") for path in (ROOT / place).rglob("CMakeLists.txt")
                 for kind, program in re.findall(r"^add_(program|probed)\((\w+)", path.read_text(), re.M)]
    assert len(manifests) > 3
    done = run("plan", ROOT / "platforms/systems" / system, ROOT / "platforms" / board / "platform.toml", "plan", *manifests,
               cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


# ---- What is wrong: a piece of a file, what stands there instead, and the whole message ------------

WRONG = [
    # The form of a file.
    ("system.toml", "priority = 200", "priority 200",
     "system.toml:7:10: Expected '=' after a key in a key/value pair"),
    ("system.toml", 'description = "A server and a client"', 'description = "A server',
     "system.toml:1:24: Illegal character '\\n'"),
    ("system.toml", 'registers = { device = "clock" }\n', 'registers = ["clock", ',
     "system.toml:32:1: Invalid value"),
    ("system.toml", "[program.other]", "[program.client]",
     "system.toml:23:16: Cannot declare ('program', 'client') twice"),
    ("client.toml", "[capability.table]", "[capability.door]",
     "client.toml:4:17: Cannot declare ('capability', 'door') twice"),
    ("client.toml", 'type = "CNode"', 'type = "CNode"\ntype = "CNode"',
     "client.toml:6:15: Cannot overwrite a value"),

    # Keys.
    ("system.toml", 'notification = ["bell"]', 'notifications = ["bell"]',
     "system.toml:4: notifications: unknown; known here: cores, description, endpoint, notification, page_colours, program, stop_with"),
    ("system.toml", 'slice = "500 us"', "slice_us = 500",
     "system.toml:8: program.server.slice_us: unknown; known here: budget, capability, colours, file, limit, memory, node, pager, period, priority, restart, slice, tell_overruns"),
    ("system.toml", '{ untyped = "64K" }', '{ untyped = "64K", badge = 3 }',
     "system.toml:12: program.server.capability.memory.badge: unknown; known here: node, untyped"),
    ("system.toml", '{ device = "uart" }', '{ device = "uart", size = "4K" }',
     "system.toml:15: program.server.memory.registers.size: unknown; known here: archive, device"),
    ("server.toml", "slots = 3", "slot = 3",
     "server.toml:1: slot: unknown; known here: capability, memory, slots, stack"),
    ("server.toml", 'type = "Untyped"', 'type = "Untyped"\nsize = "4K"',
     "server.toml:11: capability.memory.size: unknown; known here: optional, rights, type"),
    ("server.toml", 'size = "8K"', 'bytes = "8K"',
     "server.toml:15: memory.registers.bytes: unknown; known here: address, rights, size"),
    ("platform.toml", "number = 1", "index = 1",
     "platform.toml:3: device.uart.index: unknown; known here: compatible, number, ports"),

    # The description as a whole.
    ("system.toml", '"A server and a client"', "3",
     "system.toml:1: description: this is a text; put it in quotes"),
    ("system.toml", 'stop_with = "client"', 'stop_with = "cleint"',
     'system.toml:2: stop_with: "cleint" is no program; there are: server, client, other'),
    ("system.toml", SOUND["system.toml"], 'description = "Nothing"\n',
     "system.toml:1: program: a system needs at least one: [program.NAME]"),
    ("system.toml", SOUND["system.toml"],
     "".join(f'[program.p{n}]\nfile = "server"\npriority = 1\n' for n in range(33)),
     "system.toml:1: program: 33 programs are too many; init takes 32"),
    ("system.toml", '"door", "other"', ", ".join(f'"e{n}"' for n in range(65)),
     "system.toml:3: endpoint: 65 objects are too many; init takes 64"),

    # Shared objects.
    ("system.toml", '["door", "other"]', '"door"',
     'system.toml:3: endpoint: this is a list of names; write ["one", "other"]'),
    ("system.toml", '["door", "other"]', '["door", 3]',
     'system.toml:3: endpoint: this is a list of names; write ["one", "other"]'),
    ("system.toml", '["door", "other"]', '["door", "other", "door"]',
     'system.toml:3: endpoint: "door" is here twice; write it once'),
    ("system.toml", '["door", "other"]', '["door", "other", "Two words"]',
     'system.toml:3: endpoint: "Two words": the name of an object has small letters, digits and _, at most 64 in all and a '
     "letter first"),
    ("system.toml", '["door", "other"]', '["door"]',
     'system.toml:27: program.other.capability.door.endpoint: "other" is no endpoint; there are: door'),
    ("system.toml", '["door", "other"]', '["door", "other", "spare"]',
     'system.toml:3: endpoint: no program has a capability to "spare"; delete it'),
    ("system.toml", '{ endpoint = "door", rights = ["recv"] }', '{ endpoint = "other", rights = ["recv"] }',
     'system.toml:3: endpoint: "door": client has the right to send, but no program the right to recv: it would wait forever; '
     "add a program that does"),

    # Programs.
    ("system.toml", 'file = "server"', 'file = "sever"',
     'system.toml:24: program.other.file: "sever" is no program; there are: client, server'),
    ("system.toml", 'file = "server"\n', "",
     'system.toml:23: program.other.file: "other" is no program; there are: client, server'),
    ("system.toml", 'file = "server"', 'file = "init"',
     'system.toml:24: program.other.file: "init" is no program; there are: client, server'),
    ("system.toml", "[program.client]", '[program."client 2"]',
     "system.toml:17: program.client 2: a program's name has small letters, digits and _, at most 15 in all and a letter first"),
    ("system.toml", "[program.client]", "[program.a_client_with_a_name]",
     "system.toml:17: program.a_client_with_a_name: a program's name has small letters, digits and _, at most 15 in all and "
     "a letter first"),
    ("system.toml", "priority = 200\n", "",
     "system.toml:6: program.server.priority: a priority (or \"deadline\"; init has 255) is a number from 0 to 254"),
    ("system.toml", "priority = 200", "priority = 255",
     "system.toml:7: program.server.priority: a priority (or \"deadline\"; init has 255) is a number from 0 to 254"),
    ("system.toml", "priority = 0", "priority = -1",
     "system.toml:18: program.client.priority: a priority (or \"deadline\"; init has 255) is a number from 0 to 254"),
    ("system.toml", "priority = 200", "priority = true",
     "system.toml:7: program.server.priority: a priority (or \"deadline\"; init has 255) is a number from 0 to 254"),
    ("system.toml", "priority = 200", 'priority = "200"',
     "system.toml:7: program.server.priority: a priority (or \"deadline\"; init has 255) is a number from 0 to 254"),
    ("system.toml", "priority = 0\n", "priority = 160\n",
     'system.toml:18: program.client.priority: 160 is the priority of those that run by deadline; write "deadline", or another number'),
    ("system.toml", "priority = 0\n", 'priority = "deadline"\n',
     "system.toml:18: program.client.priority: a deadline is the end of a period; say how much of which: "
     'budget = "2 ms" and period = "10 ms"'),

    # Time.
    ("system.toml", '"500 us"', "500",
     'system.toml:8: program.server.slice: the slice is a time; write for example "500 us" or "2.5 ms"'),
    ("system.toml", '"500 us"', '"500 m"',
     'system.toml:8: program.server.slice: the slice is a time; write for example "500 us" or "2.5 ms"'),
    ("system.toml", '"500 us"', '"9.999 us"', "system.toml:8: program.server.slice: the slice is from 10 us to 10 s"),
    ("system.toml", '"500 us"', '"10.1 s"', "system.toml:8: program.server.slice: the slice is from 10 us to 10 s"),
    ("system.toml", 'slice = "500 us"', 'budget = "500 us"',
     "system.toml:8: program.server.budget: the period is missing: how much time in how long a period; write both"),
    ("system.toml", 'slice = "500 us"', 'period = "500 us"',
     "system.toml:8: program.server.period: the budget is missing: how much time in how long a period; write both"),
    ("system.toml", 'slice = "500 us"', 'slice = "500 us"\n' + TIMED,
     "system.toml:8: program.server.slice: a program has a slice, or a budget in each period; drop one"),
    ("system.toml", 'slice = "500 us"', TIMED.replace("2 ms", "10.001 ms"),
     "system.toml:8: program.server.budget: more than there is in a period, 10 ms"),
    ("system.toml", 'slice = "500 us"', TIMED.replace("2 ms", "2 us"),
     "system.toml:8: program.server.budget: the budget is from 10 us to 3600 s"),
    ("system.toml", 'slice = "500 us"', TIMED.replace("10 ms", "3601 s"),
     "system.toml:9: program.server.period: the period is from 10 us to 3600 s"),
    ("system.toml", SOUND["system.toml"], SOUND["system.toml"].replace('slice = "500 us"', TIMED).replace(
        "priority = 0\n", 'priority = 0\nbudget = "801 us"\nperiod = "1 ms"\n'),
     "system.toml:20: program.client.budget: with those above, that is more than all of the processor: 100.1 %, rounded up"),
    ("system.toml", "priority = 200", "priority = 200\ntell_overruns = 1",
     "system.toml:8: program.server.tell_overruns: write true if init is to tell, and count, when the budget is used up"),
    ("system.toml", "priority = 200", "priority = 200\ntell_overruns = true",
     'system.toml:8: program.server.tell_overruns: there is no budget that could be used up; add budget = "2 ms" and period = "10 ms"'),
    ("system.toml", SOUND["system.toml"], SOUND["system.toml"].replace('slice = "500 us"', TIMED + "\ntell_overruns = true").replace(
        "badge = 7", 'badge = 7, forget = "vfs.Vfs.forget"'),
     'system.toml:10: program.server.tell_overruns: init calls this program at "door", and cannot wait while that waits for init; drop it'),
    ("system.toml", SOUND["system.toml"], SOUND["system.toml"].replace('slice = "500 us"', TIMED + "\ntell_overruns = true").replace(
        "priority = 0\n", PAGED),
     'system.toml:10: program.server.tell_overruns: init calls this program at "door", and cannot wait while that waits for init; drop it'),

    # What a program is given, against what it asks for.
    ("system.toml", 'table = { own = "cnode" }\n', "",
     'system.toml:19: program.client.capability: "table" is missing, which client.toml asks for'),
    ("system.toml", 'table = { own = "cnode" }', 'table = { own = "cnode" }\nspace = { own = "vspace" }',
     "system.toml:22: program.client.capability.space: the program does not ask for it; client.toml lists: door, table, time"),
    ("system.toml", '[program.server.memory]\nregisters = { device = "uart" }', '[program.server.memory]\nregisters = { archive = false }',
     "system.toml:15: program.server.memory.registers: say where it comes from: { device = NAME } or { archive = true }"),
    ("system.toml", '[program.server.memory]\nregisters = { device = "uart" }', '[program.server.memory]\nregisters = { archive = true }',
     "system.toml:15: program.server.memory.registers: the boot archive is for reading, and the program asks for more rights"),
    ("system.toml", '[program.server.memory]\nregisters = { device = "uart" }\n', "",
     'system.toml:6: program.server.memory: "registers" is missing, which server.toml asks for'),
    ("system.toml", "[program.other]", '[program.client.memory]\nregisters = { device = "uart" }\n[program.other]',
     "system.toml:24: program.client.memory.registers: the program does not ask for it; client.toml lists: nothing"),
    ("system.toml", '{ own = "cnode" }', '{ own = "thread" }',
     "system.toml:21: program.client.capability.table: the program needs a capability of type CNode, this is Thread"),
    ("system.toml", '{ endpoint = "door", rights = ["recv"] }', '{ notification = "bell", rights = ["wait"] }',
     "system.toml:10: program.server.capability.door: the program needs a capability of type Endpoint, this is Notification"),
    ("system.toml", '{ own = "cnode" }', '{ untyped = "4K" }',
     "system.toml:21: program.client.capability.table: the program needs a capability of type CNode, this is Untyped"),
    ("system.toml", '{ own = "cnode" }', '{ own = "node" }',
     'system.toml:21: program.client.capability.table.own: "node" is no capability of that kind; there are: cnode, vspace, '
     "thread"),
    ("system.toml", '{ control = "sched" }', '{ control = "time" }',
     'system.toml:22: program.client.capability.time.control: "time" is no capability of that kind; there are: irq, '
     "sched, kernel, report, trace, pmu, init"),
    ("system.toml", '{ endpoint = "door", rights = ["recv"] }', '{ control = "init" }',
     "system.toml:10: program.server.capability.door.control: this has the right to send only, and the program needs the right to recv"),
    ("system.toml", "priority = 200", "priority = 200\nrestart = 256",
     "system.toml:8: program.server.restart: how often it is started again, in a minute, is a number from 0 to 255"),
    ("system.toml", "priority = 0\n", 'priority = 0\nforget = "vfs.Vfs.forget"\n',
     "system.toml:19: program.client.forget: unknown; known here: budget, capability, colours, file, limit, memory, node, pager, period, priority, restart, slice, tell_overruns"),
    ("system.toml", "badge = 7", "badge = 7, forget = 1",
     'system.toml:20: program.client.capability.door.forget: this is the method by which the server forgets a client; write '
     '"library.Interface.method"'),
    ("system.toml", "badge = 7", 'badge = 7, forget = "vfs.Vfs.connect"',
     'system.toml:20: program.client.capability.door.forget: "Vfs.connect" is no method without parameters; there are: Vfs.forget, '
     "Session.disconnect"),
    ("system.toml", '{ own = "cnode" }', "{ }",
     "system.toml:21: program.client.capability.table: say where it comes from, by one of: endpoint, notification, untyped, "
     "interrupt, own, control"),
    ("system.toml", '{ own = "cnode" }', '{ own = "cnode", control = "irq" }',
     "system.toml:21: program.client.capability.table: say where it comes from, by one of: endpoint, notification, untyped, "
     "interrupt, own, control"),
    ("system.toml", '{ own = "cnode" }', '"cnode"',
     "system.toml:21: program.client.capability.table: this is a table; write [program.client.capability.table] and its keys "
     "below, or { key = value }"),
    ("system.toml", '["send", "grant"]', '["send"]',
     "system.toml:20: program.client.capability.door.rights: the program needs the right to grant too"),
    ("system.toml", '"door", rights = ["send", "grant"]', '"door"',
     "system.toml:20: program.client.capability.door.rights: the program needs the right to send, grant too"),
    ("system.toml", '["send", "grant"]', '["send", "grant", "recv"]',
     "system.toml:20: program.client.capability.door.rights: the program does not ask for the right to recv; drop it"),
    ("system.toml", '["send", "grant"]', '["send", "signal"]',
     'system.toml:20: program.client.capability.door.rights: "signal" is no right to Endpoints; there are: send, recv, '
     "grant"),
    ("system.toml", '["send", "grant"]', '"send"',
     'system.toml:20: program.client.capability.door.rights: this is a list of names; write ["one", "other"]'),
    ("system.toml", "badge = 7", "badge = -1",
     'system.toml:20: program.client.capability.door.badge: a badge (or "program", the program\'s own) is a number from 0 to '
     "8796093022207"),
    ("system.toml", "badge = 7", "badge = 0x800000000000000",
     'system.toml:20: program.client.capability.door.badge: a badge (or "program", the program\'s own) is a number from 0 to '
     "8796093022207"),
    ("system.toml", "[program.other]", '[program.third]\nfile = "client"\npriority = 1\n[program.third.capability]\n'
     'door = { endpoint = "door", rights = ["send", "grant"], badge = 7 }\ntable = { own = "cnode" }\n'
     'time = { control = "sched" }\n[program.other]',
     "system.toml:27: program.third.capability.door.badge: program.client.capability.door has this badge too: the server could "
     "not tell them apart"),

    # Sizes.
    ("system.toml", '"64K"', '"64KB"',
     'system.toml:12: program.server.capability.memory.untyped: "64KB" is no size; write for example "64K" or "16M"'),
    ("system.toml", '"64K"', '"48K"',
     'system.toml:12: program.server.capability.memory.untyped: "48K" is no size that memory has: powers of two from 4K to 8G'),
    ("system.toml", '"64K"', '"2K"',
     'system.toml:12: program.server.capability.memory.untyped: "2K" is no size that memory has: powers of two from 4K to 8G'),
    ("system.toml", '"64K"', '"16G"',
     'system.toml:12: program.server.capability.memory.untyped: "16G" is no size that memory has: powers of two from 4K to 8G'),
    ("server.toml", 'stack = "64K"', "stack = 0",
     'server.toml:2: stack: "0" is no size that memory has: powers of two from 4K to 8G'),
    ("server.toml", 'size = "8K"', 'size = "big"',
     'server.toml:15: memory.registers.size: "big" is no size; write for example "64K" or "16M"'),

    # Devices.
    ("system.toml", '{ interrupt = "uart" }', '{ interrupt = "usrt" }',
     'system.toml:13: program.server.capability.line.interrupt: "usrt" is no device of this board; there are: uart, clock'),
    ("system.toml", '{ device = "uart" }', "{ }",
     "system.toml:15: program.server.memory.registers.device: missing; write a device of this board, one of: uart, "
     "clock"),
    ("system.toml", '{ interrupt = "clock" }', '{ interrupt = "uart" }',
     "system.toml:30: program.other.capability.line: program.server.capability.line has this device's interrupt already, and "
     "only one can"),
    ("system.toml", '{ device = "clock" }', '{ device = "uart" }',
     "system.toml:32: program.other.memory.registers: program.server.memory.registers has this device's memory already, and "
     "only one can"),
    ("platform.toml", 'compatible = "ns16550a", ', "",
     "platform.toml:3: device.uart.compatible: the firmware's name for the device is needed, at most 31 characters"),
    ("platform.toml", '"ns16550a"', '"a,name,that,is,longer,than,there,is,room"',
     "platform.toml:3: device.uart.compatible: the firmware's name for the device is needed, at most 31 characters"),
    ("platform.toml", "number = 1", "number = -1",
     "platform.toml:3: device.uart.number: which one of several by that name is a number from 0 to 1000"),

    # Manifests.
    ("server.toml", "slots = 3", "slots = 2",
     "server.toml:1: slots: 2^2 slots do not hold 5 capabilities and the 2 that every program has; write more"),
    ("server.toml", "slots = 3", "slots = 17",
     "server.toml:1: slots: the size of the capability table, in bits of an index, is a number from 2 to 16"),
    ("server.toml", "slots = 3", 'slots = "many"',
     "server.toml:1: slots: the size of the capability table, in bits of an index, is a number from 2 to 16"),
    ("server.toml", 'type = "Untyped"\n', "",
     "server.toml:9: capability.memory.type: missing; write a type that a program can be given, one of: Endpoint, "
     "Notification, Untyped, IrqHandler, CNode, VSpace, Thread, IrqControl, SchedControl, Kernel, Trace, "
     "PmuControl"),
    ("server.toml", 'type = "Untyped"', 'type = "Frame"',
     'server.toml:10: capability.memory.type: "Frame" is no type that a program can be given; there are: Endpoint, '
     "Notification, Untyped, IrqHandler, CNode, VSpace, Thread, IrqControl, SchedControl, Kernel, Trace, "
     "PmuControl"),
    ("server.toml", '"Endpoint"\nrights = ["recv"]', '"Endpoint"\nrights = ["wait"]',
     'server.toml:5: capability.door.rights: "wait" is no right to Endpoints; there are: send, recv, grant'),
    ("server.toml", '"Endpoint"\nrights = ["recv"]', '"Endpoint"',
     "server.toml:3: capability.door.rights: say which the program needs, of: send, recv, grant"),
    ("server.toml", 'type = "Untyped"', 'type = "Untyped"\nrights = ["read"]',
     'server.toml:11: capability.memory.rights: "read" is no right to Untypeds; there are: nothing'),
    ("server.toml", "[capability.line]", '[capability."the-line"]',
     "server.toml:11: capability.the-line: a capability's name has small letters, digits and _, at most 64 in all and a letter "
     "first"),
    ("server.toml", "[memory.registers]", "[memory.Registers]",
     "server.toml:13: memory.Registers: a memory's name has small letters, digits and _, at most 64 in all and a letter first"),
    ("server.toml", "address = 0x50000000\n", "",
     "server.toml:13: memory.registers.address: a multiple of the size is needed, from 0x40000000 on and to end at "
     "0x2000000000"),
    ("server.toml", "0x50000000", "0x50001000",
     "server.toml:14: memory.registers.address: a multiple of the size is needed, from 0x40000000 on and to end at "
     "0x2000000000"),
    ("server.toml", "0x50000000", "0x3fffe000",
     "server.toml:14: memory.registers.address: a multiple of the size is needed, from 0x40000000 on and to end at "
     "0x2000000000"),
    ("server.toml", "0x50000000", "0x2000000000",
     "server.toml:14: memory.registers.address: a multiple of the size is needed, from 0x40000000 on and to end at "
     "0x2000000000"),

    # Pagers.
    ("system.toml", "priority = 0\n", 'priority = 0\npager = "door"\n',
     'system.toml:19: program.client.pager: say how much memory the program may have: limit = "16M"'),
    ("system.toml", "priority = 0\n", 'priority = 0\nlimit = "1M"\n',
     'system.toml:19: program.client.limit: only a program with a pager has a limit of memory; add pager = "ENDPOINT"'),
    ("system.toml", "priority = 0\n", 'priority = 0\npager = "bell"\nlimit = "1M"\n',
     'system.toml:19: program.client.pager: "bell" is no endpoint; there are: door, other'),
    ("system.toml", "priority = 0\n", 'priority = 0\npager = "other"\nlimit = "1M"\n',
     'system.toml:19: program.client.pager: no program above has the right to recv on "other"; write its server above'),
    ("system.toml", "priority = 0\n", 'priority = 0\npager = "door"\nlimit = "1000"\n',
     'system.toml:20: program.client.limit: "1000" is no size that memory has: powers of two from 4K to 8G'),
    # Where memory is.
    ("system.toml", "stop_with", "page_colours = 6\nstop_with",
     "system.toml:2: page_colours: a power of two: a way of the machine's cache, in pages"),
    ("system.toml", "stop_with", "page_colours = 64\nstop_with",
     "system.toml:2: page_colours: how many colours pages have is a number from 1 to 32"),
    ("system.toml", "priority = 0\n", "priority = 0\nnode = 1\n",
     'system.toml:19: program.client.node: only of a program with a pager; add pager = "ENDPOINT"'),
    ("system.toml", "priority = 0\n", "priority = 0\ncolours = [0]\n",
     'system.toml:19: program.client.colours: only of a program with a pager; add pager = "ENDPOINT"'),
    ("system.toml", "priority = 0\n", PAGED + "node = 4\n",
     "system.toml:21: program.client.node: a node of memory is a number from 0 to 3"),
    ("system.toml", "priority = 0\n", PAGED + "colours = [1]\n",
     "system.toml:21: program.client.colours: a colour, of those that page_colours says, is a number from 0 to 0"),
    ("system.toml", "priority = 0\n", PAGED + "colours = []\n",
     "system.toml:21: program.client.colours: this is a list of colours; write [0, 1]"),
    ("system.toml", '{ untyped = "64K" }', '{ untyped = "64K", node = -1 }',
     "system.toml:12: program.server.capability.memory.node: a node of memory is a number from 0 to 65535"),
    ("client.toml", 'type = "CNode"', 'type = "CNode"\noptional = 1',
     "client.toml:6: capability.table.optional: write true if the program can do without it"),
    ("server.toml", '["read", "write"]', '["write", "execute"]',
     "server.toml:16: memory.registers.rights: nothing is writable and executable at once; drop one"),
    ("server.toml", "[memory.registers]", "[memory.more]\naddress = 0x50001000\n[memory.registers]",
     'server.toml:16: memory.registers.address: the range overlaps with that of "more"'),
]


# seL4: SERSERV_PARENT_007
@pytest.mark.parametrize("name, old, new, message", WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_wrong_is_refused(tmp_path, monkeypatch, name, old, new, message):
    assert old in SOUND[name]
    for file, text in {**SOUND, name: SOUND[name].replace(old, new, 1)}.items():
        (tmp_path / file).write_text(text)
    monkeypatch.setattr(mksystem, "Kernel", lambda: KERNEL)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mksystem.Wrong) as wrong:
        mksystem.main(ARGUMENTS)
    assert str(wrong.value) == message
    assert not (tmp_path / "plan").exists()


def test_wrong_ends_the_tool(tmp_path):
    done = compile_system(tmp_path, {**SOUND, "client.toml": "slots = 1\n"})
    assert done.returncode == 1
    assert done.stderr.startswith("client.toml:1: slots: ") and done.stderr.count("\n") == 1


def test_missing_files(tmp_path):
    for name in SOUND:
        compile_system(tmp_path, SOUND)
        (tmp_path / name).unlink()
        done = run("plan", "system.toml", "platform.toml", "plan", "server=server.toml", "client=client.toml", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (1, f"{name}: No such file or directory\n")


def test_not_utf8(tmp_path):
    (tmp_path / "program.toml").write_bytes(b"slots = 3\n# f\xfcr\n")
    done = run("header", "program.toml", "caps.h", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "program.toml:2: this is no UTF-8; save the file as UTF-8\n")


def test_output_that_cannot_be_written(tmp_path):
    compile_system(tmp_path, SOUND)
    (tmp_path / "plan").unlink()
    (tmp_path / "plan").mkdir()
    assert compile_system(tmp_path, SOUND).stderr == "plan: Is a directory\n"


def test_command_lines(tmp_path):
    compile_system(tmp_path, SOUND)
    done = run("plan", "system.toml", "platform.toml", "plan", "server.toml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "server.toml: write PROGRAM=program.toml\n")
    for arguments in ([], ["plan", "system.toml"], ["header"], ["draw", "a", "b"]):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 1 and "mksystem.py plan system.toml" in done.stderr


# ---- Whatever stands anywhere, the answer is a sentence ---------------------------------------------

STRANGE = [3, -1, 1.5, True, "", "x", [], ["x"], [1, 2], [[]], {}, {"x": 1}, datetime.date(2000, 1, 1)]


def toml(value, top=False):
    """A value as TOML; all tables but the topmost are inline."""
    if isinstance(value, dict):
        pairs = [f'"{key}" = {toml(item)}' for key, item in value.items()]
        return "\n".join(pairs) if top else "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def places(value, path=()):
    yield path
    for key in value if isinstance(value, dict) else ():
        yield from places(value[key], (*path, key))


def changed(data, path, value):
    data = copy.deepcopy(data)
    at = data
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return data


@pytest.mark.parametrize("name", SOUND)
def test_strange_values_are_refused_or_taken(tmp_path, name):
    for other, text in SOUND.items():
        (tmp_path / other).write_text(text)
    data = mksystem.tomllib.loads(SOUND[name])
    refused = 0
    for path in list(places(data))[1:]:
        for value in STRANGE:
            (tmp_path / name).write_text(toml(changed(data, path, value), top=True))
            try:
                manifests = {n: mksystem.Manifest(KERNEL, tmp_path / f"{n}.toml") for n in ("server", "client")}
                mksystem.System(KERNEL, tmp_path / "system.toml", tmp_path / "platform.toml", manifests).plan()
            except mksystem.Wrong as wrong:
                assert str(wrong).startswith(str(tmp_path)) and "\n" not in str(wrong)
                refused += 1
    assert refused > 5 * len(list(places(data)))

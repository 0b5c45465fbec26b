#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs' manifests and system descriptions.

    mksystem.py header program.toml OUTPUT.h
        constants for the capabilities that a program needs
    mksystem.py plan system.toml platform.toml OUTPUT PROGRAM=program.toml ...
        the compiled description, for init

A manifest says what a program needs; a description says which programs run and what each gets. The
two are held against each other here, so that a wrong description never boots.
"""

import os
import re
import struct
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "idl"))
from idlc import parse  # noqa: E402

FIRST_SLOT = 2          # slot 1 is the supervisor's endpoint
LARGEST_UNTYPED = 33
NONE = 0xFFFFFFFF
SHORTEST_TIME, LONGEST_SLICE, LONGEST_PERIOD = "10 us", "10 s", "3600 s"
WHOLE = 1 << 40         # of the processor's time, as in libsys/core/admission.c
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


class Wrong(Exception):
    """A mistake in a description: what, and what to write instead."""


def listed(names):
    return ", ".join(names) or "nothing"


class File:
    """A TOML file whose values are checked as they are taken, and that can say where they are."""

    def __init__(self, path):
        self.path = path
        try:
            self.text = Path(path).read_text("utf-8")
            self.data = tomllib.loads(self.text)
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise Wrong(f"{path}:{line}: this is no UTF-8; save the file as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            what, _, place = str(error).partition(" (at ")
            found = re.match(r"line (\d+), column (\d+)", place)
            line, column = found.groups() if found else (self.text.count("\n") + 1, 1)
            raise Wrong(f"{path}:{line}:{column}: {what}") from None

    def wrong(self, keys, what):
        return Wrong(f"{self.path}:{self.line(keys)}: {'.'.join(keys)}: {what}")

    def line(self, keys):
        """The first line about these keys, or about the first of them."""
        best, deepest, table = 1, 0, []
        for number, text in enumerate(self.text.splitlines(), 1):
            found = re.match(r"\s*(?:\[\s*(?P<table>[\w.\"' -]+)\]|(?P<key>[\w.\"' -]+)=)", text)
            if found:
                path = [a or b for a, b in re.findall(r"""["']([^"']*)["']|([\w-]+)""", found["table"] or found["key"])]
                if found["table"]:
                    table = path
                else:
                    path = table + path
                depth = len(os.path.commonprefix([path, list(keys)]))
                if depth > deepest:
                    best, deepest = number, depth
        return best

    def table(self, keys, value, allowed=None):
        """A table; `allowed` are its keys, if not the writer chooses them."""
        if not isinstance(value, dict):
            raise self.wrong(keys, f"this is a table; write [{'.'.join(keys)}] and its keys below, or {{ key = value }}")
        for key in value:
            if allowed and key not in allowed:
                raise self.wrong([*keys, key], f"unknown; known here: {', '.join(sorted(allowed))}")
        return value

    def number(self, keys, value, low, high, what):
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(keys, f"{what} is a number from {low} to {high}")
        return value

    def name(self, keys, value, what, longest=64):
        if not isinstance(value, str) or not IDENTIFIER.fullmatch(value) or len(value) > longest:
            raise self.wrong(keys, f"{what} has small letters, digits and _, at most {longest} in all and a letter first")
        return value

    def names(self, keys, value):
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self.wrong(keys, 'this is a list of names; write ["one", "other"]')
        for name in value:
            if value.count(name) > 1:
                raise self.wrong(keys, f'"{name}" is here twice; write it once')
        return value

    def one_of(self, keys, value, known, what):
        """One of the names that are known."""
        if value is None:
            raise self.wrong(keys, f"missing; write a {what}, one of: {listed(known)}")
        if not isinstance(value, str) or value not in known:
            raise self.wrong(keys, f'"{value}" is no {what}; there are: {listed(known)}')
        return value


def bits_of(file, keys, text):
    """The power of two that "64K", "16M", "1G" or a number of bytes is."""
    match = re.fullmatch(r"(\d{1,15})([KMG]?)", str(text))
    if not match:
        raise file.wrong(keys, f'"{text}" is no size; write for example "64K" or "16M"')
    size = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]
    if size & (size - 1) or not 4096 <= size <= 1 << LARGEST_UNTYPED:
        raise file.wrong(keys, f'"{text}" is no size that memory has: powers of two from 4K to {1 << (LARGEST_UNTYPED - 30)}G')
    return size.bit_length() - 1


def ns_of(text):
    """The nanoseconds that "2 ms" is; None if it is no time."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?(ns|us|ms|s)", text) if isinstance(text, str) else None
    return match and int(Fraction(match[1]) * {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}[match[2]])


def time_of(file, keys, text, longest, what):
    ns = ns_of(text)
    if ns is None:
        raise file.wrong(keys, f'{what} is a time; write for example "500 us" or "2.5 ms"')
    if not ns_of(SHORTEST_TIME) <= ns <= ns_of(longest):
        raise file.wrong(keys, f"{what} is from {SHORTEST_TIME} to {longest}")
    return ns


class Kernel:
    """What the kernel's interface file says of objects and rights."""

    def __init__(self):
        library = parse.load(ROOT / "idl" / "kernel.idl")
        self.types = {o.name: o.number for o in library.objects}
        self.deadline_priority = next(c.value for c in library.consts if c.name == "DEADLINE_PRIORITY")
        self.rights = {o.name: {r.name: 1 << r.value for r in o.rights} for o in library.objects}
        self.structs = parse.load(ROOT / "idl" / "plan.idl")
        self.limits = {c.name: c.value for c in [*self.structs.consts, *parse.load(ROOT / "idl" / "memory.idl").consts]}

    def rights_of(self, file, keys, type_name, names):
        known = self.rights[type_name]
        return sum(known[file.one_of(keys, name, known, f"right to {type_name}s")] for name in file.names(keys, names))

    def pack(self, struct_name, **values):
        """The bytes of a struct of plan.idl."""
        codes = {1: "B", 2: "H", 4: "I", 8: "Q"}
        out = b""
        for field in self.structs.struct(struct_name).fields:
            value = values.pop(field.name, 0)
            if field.type.kind == "array":
                count, code = field.type.bound, codes[field.type.element.size]
                items = list(value.encode()) if isinstance(value, str) else [0] * count
                out += struct.pack(f"<{count}{code}", *(items + [0] * count)[:count])
            else:
                out += struct.pack("<" + codes[field.type.size], value)
        assert not values, values
        return out


class Manifest:
    """A program's program.toml."""

    def __init__(self, kernel, path):
        self.kernel = kernel
        self.file = file = File(path)
        data = file.table([], file.data, {"slots", "stack", "capability", "memory"})
        self.radix = file.number(["slots"], data.get("slots", 6), 2, 16, "the size of the capability table, in bits of an index,")
        self.stack_bits = bits_of(file, ["stack"], data.get("stack", "16K"))
        self.capabilities, self.optional = {}, set()
        for name, need in file.table(["capability"], data.get("capability", {})).items():
            self.add_capability(["capability", name], name, need)
        self.memory = {}
        for name, need in file.table(["memory"], data.get("memory", {})).items():
            self.add_memory(["memory", name], name, need)
        # Memory has a slot too: on some boards the device has ports instead.
        count = len(self.capabilities) + len(self.memory)
        self.first_free = FIRST_SLOT + count
        if self.first_free > 1 << self.radix:
            raise file.wrong(["slots"], f"2^{self.radix} slots do not hold {count} capabilities "
                                        f"and the {FIRST_SLOT} that every program has; write more")

    def add_capability(self, keys, name, need):
        file = self.file
        file.name(keys, name, "a capability's name")
        file.table(keys, need, {"type", "rights", "optional"})
        type_name = file.one_of([*keys, "type"], need.get("type"), System.types(), "type that a program can be given")
        rights = self.kernel.rights_of(file, [*keys, "rights"], type_name, need.get("rights", []))
        if type_name in System.SHARED.values() and not rights:
            raise file.wrong([*keys, "rights"], f"say which the program needs, of: {listed(self.kernel.rights[type_name])}")
        if not isinstance(need.get("optional", False), bool):
            raise file.wrong([*keys, "optional"], "write true if the program can do without it")
        if need.get("optional", False):
            self.optional.add(name)
        self.capabilities[name] = (FIRST_SLOT + len(self.capabilities), type_name, rights)

    def add_memory(self, keys, name, need):
        file, limits = self.file, self.kernel.limits
        file.name(keys, name, "a memory's name")
        file.table(keys, need, {"address", "size", "rights"})
        rights = self.kernel.rights_of(file, [*keys, "rights"], "Frame", need.get("rights", ["read"]))
        if {"write", "execute"} <= set(need.get("rights", [])):
            raise file.wrong([*keys, "rights"], "nothing is writable and executable at once; drop one")
        bits = bits_of(file, [*keys, "size"], need.get("size", "4K"))
        bottom, top = limits["MAPPINGS_BOTTOM"], limits["MAPPINGS_TOP"]
        address = need.get("address")
        if type(address) is not int or not bottom <= address <= top - (1 << bits) or address % (1 << bits):
            raise file.wrong([*keys, "address"], f"a multiple of the size is needed, from {bottom:#x} on and to end at {top:#x}")
        for other, (start, other_bits, _, _) in self.memory.items():
            if address < start + (1 << other_bits) and start < address + (1 << bits):
                raise file.wrong([*keys, "address"], f'the range overlaps with that of "{other}"')
        self.memory[name] = (address, bits, rights, FIRST_SLOT + len(self.capabilities) + len(self.memory))


def write_header(kernel, path, output):
    manifest = Manifest(kernel, path)
    prefix = Path(output).name.removesuffix("_caps.h").upper()
    lines = ["/* SPDX-License-Identifier: BSD-2-Clause */",
             f"/* Generated from {Path(path).name}: where this program finds what it needs. */",
             "#pragma once", "", "#include <tessera/sys.h>", ""]
    for name, (slot, type_name, _) in manifest.capabilities.items():
        lines.append(f"#define {prefix}_CAP_{name.upper()} CPTR({slot}) /* {type_name} */")
    for name, (address, bits, _, slot) in manifest.memory.items():
        lines.append(f"#define {prefix}_MEMORY_{name.upper()} {address:#x}ul")
        lines.append(f"#define {prefix}_MEMORY_{name.upper()}_SIZE {1 << bits:#x}ul")
        lines.append(f"#define {prefix}_PORTS_{name.upper()} CPTR({slot}) /* IoPorts, where the device has such */")
    lines.append(f"#define {prefix}_FIRST_FREE_SLOT {manifest.first_free}u")
    lines.append(f"#define {prefix}_SLOTS {1 << manifest.radix}u")
    text = "\n".join(lines) + "\n"
    output = Path(output)
    if not output.exists() or output.read_text() != text:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)


class System:
    """A system description, and its compilation."""

    SHARED = {"endpoint": "Endpoint", "notification": "Notification"}
    OWN = {"cnode": ("CNode", "own_cnode"), "vspace": ("VSpace", "own_vspace"), "thread": ("Thread", "own_thread")}
    CONTROL = {"irq": ("IrqControl", "irq_control"), "sched": ("SchedControl", "sched_control"),
               "kernel": ("Kernel", "kernel"), "report": ("Notification", "report"), "trace": ("Trace", "trace"),
               "pmu": ("PmuControl", "pmu_control"), "init": ("Endpoint", "init_control")}
    CONTROL_RIGHTS = {"report": "signal", "init": "send"}   # what comes of those that have rights
    KINDS = (*SHARED, "untyped", "interrupt", "own", "control")
    # Who has the one right waits for somebody with the other.
    PARTNERS = {"endpoint": ("send", "recv"), "notification": ("wait", "signal")}

    @classmethod
    def types(cls):
        given = [name for name, _ in (*cls.OWN.values(), *cls.CONTROL.values())]
        return list(dict.fromkeys([*cls.SHARED.values(), "Untyped", "IrqHandler", *given]))

    def __init__(self, kernel, path, platform, manifests):
        self.kernel = kernel
        self.file = file = File(path)
        self.platform = File(platform)
        self.manifests = manifests
        self.sources = {m.name: m.value for e in kernel.structs.enums if e.name == "Source" for m in e.members}
        data = file.table([], file.data, {"description", "stop_with", "cores", "page_colours", "program", *self.SHARED})
        if not isinstance(data.get("description", ""), str):
            raise file.wrong(["description"], "this is a text; put it in quotes")
        self.page_colours = file.number(["page_colours"], data.get("page_colours", 1), 1, kernel.limits["MOST_COLOURS"], "how many colours pages have")
        if self.page_colours & (self.page_colours - 1):
            raise file.wrong(["page_colours"], "a power of two: a way of the machine's cache, in pages")
        self.devices, self.objects, self.programs, self.capabilities, self.mappings = [], [], [], [], []
        self.shared = {}
        for kind in self.SHARED:
            self.add_objects(kind, data.get(kind, []))
        self.holders = {key: {} for key in self.shared}     # of each object: right -> a program that has it
        self.badges, self.owners = {}, {}
        self.promised = 0       # of WHOLE
        self.called = set()     # the endpoints at which init calls
        programs = file.table(["program"], data.get("program", {}))
        if not programs:
            raise file.wrong(["program"], "a system needs at least one: [program.NAME]")
        self.at_most(["program"], "PROGRAMS", len(programs))
        for name, program in programs.items():
            self.add_program(name, program)
        for name, program in programs.items():
            self.check_told(["program", name], program)
        self.at_most(["program"], "CAPABILITIES", len(self.capabilities))
        for (kind, name), holders in self.holders.items():
            self.check_partners(kind, name, holders)
        self.cores = NONE
        if "cores" in data:
            endpoints = [name for kind, name in self.shared if kind == "endpoint"]
            self.cores = self.shared["endpoint", file.one_of(["cores"], data["cores"], endpoints, "endpoint")]
        self.stop_with = NONE
        if "stop_with" in data:
            self.stop_with = list(programs).index(file.one_of(["stop_with"], data["stop_with"], programs, "program"))

    def at_most(self, keys, what, count):
        most = self.kernel.limits["MOST_" + what]
        if count > most:
            raise self.file.wrong(keys, f"{count} {what.lower()} are too many; init takes {most}")

    def add_objects(self, kind, names):
        for name in self.file.names([kind], names):
            self.file.name([kind], name, f'"{name}": the name of an object')
            self.shared[kind, name] = len(self.objects)
            self.objects.append(self.kernel.pack("Object", type=self.kernel.types[self.SHARED[kind]]))
        self.at_most([kind], "OBJECTS", len(self.objects))

    def check_partners(self, kind, name, holders):
        if not holders:
            raise self.file.wrong([kind], f'no program has a capability to "{name}"; delete it')
        waiting, missing = self.PARTNERS[kind]
        if waiting in holders and missing not in holders:
            raise self.file.wrong([kind], f'"{name}": {holders[waiting]} has the right to {waiting}, but no program the right '
                                          f"to {missing}: it would wait forever; add a program that does")

    def device(self, keys, name):
        board = self.platform
        known = board.table(["device"], board.data.get("device", {}))
        at = ["device", self.file.one_of(keys, name, known, "device of this board")]
        device = board.table(at, known[name], {"compatible", "number", "ports"})
        compatible = device.get("compatible")
        if not isinstance(compatible, str) or not 1 <= len(compatible.encode()) <= 31:
            raise board.wrong([*at, "compatible"], "the firmware's name for the device is needed, at most 31 characters")
        number = board.number([*at, "number"], device.get("number", 0), 0, 1000, "which one of several by that name")
        packed = self.kernel.pack("Device", compatible=compatible, number=number)
        if packed not in self.devices:
            self.devices.append(packed)
        return self.devices.index(packed)

    def owned(self, keys, what, device):
        """Notes that a program has this part of a device; there is one such part only."""
        owner = self.owners.setdefault((what, device), keys)
        if owner is not keys:
            raise self.file.wrong(keys, f"{'.'.join(owner)} has this device's {what} already, and only one can")

    def add_program(self, name, program):
        file, keys = self.file, ["program", name]
        file.name(keys, name, "a program's name", 15)
        file.table(keys, program, {"file", "priority", "slice", "budget", "period", "tell_overruns", "restart", "pager", "limit", "node",
                                   "colours", "capability", "memory"})
        known = sorted(set(self.manifests) - {"init"})
        kind = file.one_of([*keys, "file"], program.get("file", name), known, "program")
        manifest = self.manifests[kind]
        budget, period = self.time(keys, program)
        priority = self.priority(keys, program)
        restarts = file.number([*keys, "restart"], program.get("restart", 0), 0, 255, "how often it is started again, in a minute,")
        pager, limit = self.pager(keys, program)
        node, colours = self.place(keys, program)
        first_capability, first_mapping = len(self.capabilities), len(self.mappings)
        for cap_name, given in self.matched(keys, "capability", program, manifest.capabilities, manifest):
            self.add_capability([*keys, "capability", cap_name], given, *manifest.capabilities[cap_name])
        for memory_name, given in self.matched(keys, "memory", program, manifest.memory, manifest):
            self.add_mapping([*keys, "memory", memory_name], given, *manifest.memory[memory_name])
        self.programs.append(self.kernel.pack(
            "Program", name=name, file=kind, budget=budget, period=period, priority=priority, cnode_radix=manifest.radix,
            stack_bits=manifest.stack_bits, first_capability=first_capability,
            capability_count=len(self.capabilities) - first_capability, first_mapping=first_mapping,
            mapping_count=len(self.mappings) - first_mapping, pager=pager, limit=limit, restarts=restarts,
            node=node, colours=colours, tells_overruns=program.get("tell_overruns", False)))

    def priority(self, keys, program):
        at, value, deadline = [*keys, "priority"], program.get("priority"), self.kernel.deadline_priority
        if value == "deadline":
            if "period" not in program:
                raise self.file.wrong(at, 'a deadline is the end of a period; say how much of which: budget = "2 ms" and period = "10 ms"')
            return deadline
        if value == deadline:
            raise self.file.wrong(at, f'{deadline} is the priority of those that run by deadline; write "deadline", or another number')
        return self.file.number(at, value, 0, 254, 'a priority (or "deadline"; init has 255)')

    def time(self, keys, program):
        """(budget, period) of a program; one without a period has a slice."""
        file, at = self.file, [*keys, "budget"]
        if "budget" not in program and "period" not in program:
            return time_of(file, [*keys, "slice"], program.get("slice", "10 ms"), LONGEST_SLICE, "the slice"), 0
        for one, other in (("budget", "period"), ("period", "budget")):
            if other not in program:
                raise file.wrong([*keys, one], f"the {other} is missing: how much time in how long a period; write both")
        if "slice" in program:
            raise file.wrong([*keys, "slice"], "a program has a slice, or a budget in each period; drop one")
        period = time_of(file, [*keys, "period"], program["period"], LONGEST_PERIOD, "the period")
        budget = time_of(file, at, program["budget"], LONGEST_PERIOD, "the budget")
        if budget > period:
            raise file.wrong(at, f"more than there is in a period, {program['period']}")
        self.promised += -(-budget * WHOLE // period)    # the rule of sys_admits()
        if self.promised > WHOLE:
            raise file.wrong(at, f"with those above, that is more than all of the processor: {100 * self.promised / WHOLE:.1f} %, rounded up")
        return budget, period

    def check_told(self, keys, program):
        """Whom init calls cannot wait for init in the middle of it."""
        at = [*keys, "tell_overruns"]
        if not isinstance(program.get("tell_overruns", False), bool):
            raise self.file.wrong(at, "write true if init is to tell, and count, when the budget is used up")
        if not program.get("tell_overruns", False):
            return
        if "budget" not in program:
            raise self.file.wrong(at, 'there is no budget that could be used up; add budget = "2 ms" and period = "10 ms"')
        for endpoint in self.called:
            if self.holders["endpoint", endpoint].get("recv") == keys[1]:
                raise self.file.wrong(at, f'init calls this program at "{endpoint}", and cannot wait while that waits for init; drop it')

    def pager(self, keys, program):
        """(endpoint that the program's faults go to, pages that it may have)."""
        if "pager" not in program:
            if "limit" in program:
                raise self.file.wrong([*keys, "limit"], "only a program with a pager has a limit of memory; add pager = \"ENDPOINT\"")
            return NONE, 0
        endpoints = [name for kind, name in self.shared if kind == "endpoint"]
        name = self.file.one_of([*keys, "pager"], program["pager"], endpoints, "endpoint")
        if "recv" not in self.holders["endpoint", name]:
            raise self.file.wrong([*keys, "pager"], f'no program above has the right to recv on "{name}"; write its server above')
        self.called.add(name)
        server = self.holders["endpoint", name]["recv"]
        if self.file.data["program"][server].get("restart", 0):
            raise self.file.wrong(["program", server, "restart"], f"the memory of {keys[1]} would be gone with it; drop one of them")
        if "limit" not in program:
            raise self.file.wrong([*keys, "pager"], 'say how much memory the program may have: limit = "16M"')
        return self.shared["endpoint", name], 1 << (bits_of(self.file, [*keys, "limit"], program["limit"]) - 12)

    def place(self, keys, program):
        """(node, colours) of the pages that the program's pager gives it."""
        for what in ("node", "colours"):
            if what in program and "pager" not in program:
                raise self.file.wrong([*keys, what], 'only of a program with a pager; add pager = "ENDPOINT"')
        node = self.file.number([*keys, "node"], program.get("node", 0), 0, self.kernel.limits["MOST_NODES"] - 1, "a node of memory")
        colours = program.get("colours", list(range(self.page_colours)))
        if not isinstance(colours, list) or not colours:
            raise self.file.wrong([*keys, "colours"], "this is a list of colours; write [0, 1]")
        for colour in colours:
            self.file.number([*keys, "colours"], colour, 0, self.page_colours - 1, "a colour, of those that page_colours says,")
        return node, sum(1 << colour for colour in set(colours))

    def matched(self, keys, what, program, needed, manifest):
        """What the program is given, once that is exactly what it asks for."""
        keys = [*keys, what]
        given = self.file.table(keys, program.get(what, {}))
        for name in given:
            if name not in needed:
                raise self.file.wrong([*keys, name],
                                      f"the program does not ask for it; {manifest.file.path} lists: {listed(needed)}")
        for name in needed:
            if name not in given and name not in manifest.optional:
                raise self.file.wrong(keys, f'"{name}" is missing, which {manifest.file.path} asks for')
        return given.items()

    def add_mapping(self, keys, given, address, bits, rights, slot):
        self.file.table(keys, given, {"device", "archive"})
        if given.get("archive") is True and "device" not in given:
            if rights & ~self.kernel.rights["Frame"]["read"]:
                raise self.file.wrong(keys, "the boot archive is for reading, and the program asks for more rights")
            self.mappings.append(self.kernel.pack("Mapping", address=address, rights=rights, device=NONE, bits=bits))
            return
        if "archive" in given:
            raise self.file.wrong(keys, "say where it comes from: { device = NAME } or { archive = true }")
        device = self.device([*keys, "device"], given.get("device"))
        self.owned(keys, "memory", device)
        if self.platform.data["device"][given["device"]].get("ports"):
            self.capabilities.append(self.kernel.pack(
                "Capability", rights=(1 << 64) - 1, slot=slot, index=device, source=self.sources["ports"]))
            return
        self.mappings.append(self.kernel.pack("Mapping", address=address, rights=rights, device=device, bits=bits))

    def add_capability(self, keys, given, slot, type_name, needed):
        file = self.file
        kinds = [kind for kind in self.KINDS if kind in file.table(keys, given)]
        if len(kinds) != 1:
            raise file.wrong(keys, f"say where it comes from, by one of: {listed(self.KINDS)}")
        kind = kinds[0]
        more = {"untyped": {"node"}, "notification": {"rights", "badge"}, "endpoint": {"rights", "badge", "forget"}}
        file.table(keys, given, {kind, *more.get(kind, ())})
        what, index, bits, rights, badge, forget = given[kind], 0, 0, (1 << 64) - 1, 0, 0
        at, node = [*keys, kind], NONE
        if kind in self.SHARED:
            found, source = self.SHARED[kind], "object"
        elif kind == "untyped":
            found, source, bits = "Untyped", "untyped", bits_of(file, at, what)
            if "node" in given:
                node = file.number([*keys, "node"], given["node"], 0, 0xFFFF, "a node of memory")
        elif kind == "interrupt":
            found, source, index = "IrqHandler", "interrupt", self.device(at, what)
        else:
            table = self.OWN if kind == "own" else self.CONTROL
            found, source = table[file.one_of(at, what, table, "capability of that kind")]
        if found != type_name:
            raise file.wrong(keys, f"the program needs a capability of type {type_name}, this is {found}")
        if kind in self.SHARED:
            index, rights, badge = self.share(keys, given, kind, needed)
            if "forget" in given:
                forget = self.forget([*keys, "forget"], given["forget"])
                self.called.add(what)
        elif kind == "interrupt":
            self.owned(keys, "interrupt", index)
        elif kind == "control" and what in self.CONTROL_RIGHTS:
            known = self.kernel.rights[type_name]
            if lacking := [n for n in known if needed & known[n] and n != self.CONTROL_RIGHTS[what]]:
                raise file.wrong(at, f"this has the right to {self.CONTROL_RIGHTS[what]} only, and the program needs the right to {listed(lacking)}")
        self.capabilities.append(self.kernel.pack(
            "Capability", rights=rights, badge=badge, slot=slot, index=index, source=self.sources[source],
            bits=bits, forget=forget, node=node))

    def forget(self, keys, name):
        """The label of the method that is called for a program that has ended: one without parameters."""
        file, known = self.file, sorted(path.stem for path in (ROOT / "idl").glob("*.idl"))
        parts = name.split(".") if isinstance(name, str) else []
        if len(parts) != 3:
            raise file.wrong(keys, 'this is the method by which the server forgets a client; write "library.Interface.method"')
        library = parse.load(ROOT / "idl" / f"{file.one_of(keys, parts[0], known, 'interface file')}.idl")
        methods = {f"{i.name}.{m.name}": m.label for i in library.interfaces for m in i.methods if not m.inputs and not m.outputs}
        return methods[file.one_of(keys, ".".join(parts[1:]), methods, "method without parameters")]

    def share(self, keys, given, kind, needed):
        """(index, rights, badge) of a capability to one of the shared objects."""
        file, type_name = self.file, self.SHARED[kind]
        name = file.one_of([*keys, kind], given[kind], [n for k, n in self.shared if k == kind], kind)
        rights = self.kernel.rights_of(file, [*keys, "rights"], type_name, given.get("rights", []))
        bits = self.kernel.rights[type_name]
        for have, other, what in ((needed, rights, "the program needs the right to {} too"),
                                  (rights, needed, "the program does not ask for the right to {}; drop it")):
            if have & ~other:
                raise file.wrong([*keys, "rights"], what.format(listed(n for n in bits if have & ~other & bits[n])))
        badge = given.get("badge", 0)
        if badge == "program":      # the number by which the supervisor and pagers know it
            badge = len(self.programs) + 1
        badge = file.number([*keys, "badge"], badge, 0, (1 << (43 if kind == "endpoint" else 64)) - 1, 'a badge (or "program", the program\'s own)')
        if badge and kind == "endpoint":
            owner = self.badges.setdefault((name, badge), keys)
            if owner is not keys:
                raise file.wrong([*keys, "badge"], f"{'.'.join(owner)} has this badge too: the server could not tell them apart")
        self.holders[kind, name].update({n: keys[1] for n in bits if rights & bits[n]})
        return self.shared[kind, name], rights, badge

    def plan(self):
        head = self.kernel.pack(
            "Plan", magic=next(c.value for c in self.kernel.structs.consts if c.name == "MAGIC"),
            device_count=len(self.devices), object_count=len(self.objects), program_count=len(self.programs),
            capability_count=len(self.capabilities), mapping_count=len(self.mappings), stop_with=self.stop_with,
            page_colours=self.page_colours, cores=self.cores)
        return head + b"".join(self.devices + self.objects + self.programs + self.capabilities + self.mappings)


def main(arguments):
    kernel = Kernel()
    if arguments[:1] == ["header"] and len(arguments) == 3:
        write_header(kernel, *arguments[1:])
    elif arguments[:1] == ["plan"] and len(arguments) >= 4:
        path, platform, output = arguments[1:4]
        manifests = {}
        for argument in arguments[4:]:
            name, _, manifest = argument.partition("=")
            if not manifest:
                raise Wrong(f"{argument}: write PROGRAM=program.toml")
            manifests[name] = Manifest(kernel, manifest)
        Path(output).write_bytes(System(kernel, path, platform, manifests).plan())
    else:
        raise Wrong(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Wrong as wrong:
        sys.exit(str(wrong))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")

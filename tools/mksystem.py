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

import re
import struct
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "idl"))
from idlc import parse  # noqa: E402

FIRST_SLOT = 2          # slot 1 is the supervisor's endpoint
LARGEST_UNTYPED = 33
NONE = 0xFFFFFFFF


class Wrong(Exception):
    """A mistake in a description: what, and what to write instead."""


class File:
    """A TOML file that can say where in it something is."""

    def __init__(self, path):
        self.path = path
        try:
            self.text = Path(path).read_text()
            self.data = tomllib.loads(self.text)
        except OSError as error:
            raise Wrong(f"{path}: {error.strerror}") from None
        except tomllib.TOMLDecodeError as error:
            raise Wrong(f"{path}: {error}") from None

    def wrong(self, keys, what):
        """Wrong, at the line that seems to be meant by the last of the keys."""
        return Wrong(f"{self.path}:{self.line(keys)}: {'.'.join(keys)}: {what}")

    def line(self, keys):
        """The deepest key that can be found, below those before it."""
        lines = self.text.splitlines()
        at = 0
        for key in keys:
            word = re.compile(rf"(?<![\w-])\"?{re.escape(key)}\"?(?![\w-])")
            at = next((n for n in range(at, len(lines)) if word.search(lines[n].split("#")[0])), at)
        return at + 1

    def check_keys(self, keys, table, allowed):
        for key in table:
            if key not in allowed:
                raise self.wrong([*keys, key], f"unknown; known here: {', '.join(sorted(allowed))}")


def size_of(file, keys, text):
    """Bytes of "64K", "16M", "1G" or a number."""
    match = re.fullmatch(r"(\d+)([KMG]?)", str(text))
    if not match:
        raise file.wrong(keys, f'"{text}" is no size; write for example "64K" or "16M"')
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def bits_of(file, keys, text):
    size = size_of(file, keys, text)
    if size & (size - 1) or not 4096 <= size <= 1 << LARGEST_UNTYPED:
        raise file.wrong(keys, f'"{text}" must be a power of two from 4K to {1 << (LARGEST_UNTYPED - 30)}G')
    return size.bit_length() - 1


class Kernel:
    """What the kernel's interface file says of objects and rights."""

    def __init__(self):
        library = parse.load(ROOT / "idl" / "kernel.idl")
        self.types = {o.name: o.number for o in library.objects}
        self.rights = {o.name: {r.name: 1 << r.value for r in o.rights} for o in library.objects}
        self.structs = parse.load(ROOT / "idl" / "plan.idl")

    def rights_of(self, file, keys, type_name, names):
        known = self.rights[type_name]
        total = 0
        for name in names:
            if name not in known:
                raise file.wrong(keys, f'{type_name} has no right "{name}"; it has: {", ".join(known) or "none"}')
            total |= known[name]
        return total

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
        self.file = file = File(path)
        data = file.data
        file.check_keys([], data, {"slots", "stack", "capability", "memory"})
        self.radix = data.get("slots", 6)
        if not isinstance(self.radix, int) or not 2 <= self.radix <= 16:
            raise file.wrong(["slots"], "the number of index bits of the capability table, 2 to 16")
        self.stack_bits = bits_of(file, ["stack"], data.get("stack", "16K"))
        self.capabilities = {}
        for name, need in data.get("capability", {}).items():
            keys = ["capability", name]
            file.check_keys(keys, need, {"type", "rights"})
            type_name = need.get("type")
            if type_name not in kernel.types:
                raise file.wrong(keys, f'there is no object type "{type_name}"; there are: {", ".join(kernel.types)}')
            rights = kernel.rights_of(file, [*keys, "rights"], type_name, need.get("rights", []))
            self.capabilities[name] = (FIRST_SLOT + len(self.capabilities), type_name, rights)
        if FIRST_SLOT + len(self.capabilities) > 1 << self.radix:
            raise file.wrong(["slots"], f"2^{self.radix} slots do not hold {len(self.capabilities)} capabilities")
        self.memory = {}
        for name, need in data.get("memory", {}).items():
            keys = ["memory", name]
            file.check_keys(keys, need, {"address", "size", "rights"})
            rights = kernel.rights_of(file, [*keys, "rights"], "Frame", need.get("rights", ["read"]))
            self.memory[name] = (need["address"], bits_of(file, keys, need.get("size", "4K")), rights)


def write_header(kernel, path, output):
    manifest = Manifest(kernel, path)
    prefix = Path(output).name.removesuffix("_caps.h").upper()
    lines = ["/* SPDX-License-Identifier: BSD-2-Clause */",
             f"/* Generated from {Path(path).name}: where this program finds what it needs. */",
             "#pragma once", "", "#include <tessera/sys.h>", ""]
    for name, (slot, type_name, _) in manifest.capabilities.items():
        lines.append(f"#define {prefix}_CAP_{name.upper()} CPTR({slot}) /* {type_name} */")
    for name, (address, _, _) in manifest.memory.items():
        lines.append(f"#define {prefix}_MEMORY_{name.upper()} {address:#x}ul")
    lines.append(f"#define {prefix}_FIRST_FREE_SLOT {FIRST_SLOT + len(manifest.capabilities)}u")
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
               "kernel": ("Kernel", "kernel")}

    def __init__(self, kernel, path, platform, manifests):
        self.kernel = kernel
        self.file = file = File(path)
        self.platform = File(platform)
        self.manifests = manifests
        self.sources = {m.name: m.value for e in kernel.structs.enums if e.name == "Source" for m in e.members}
        data = file.data
        file.check_keys([], data, {"description", "stop_with", "program", *self.SHARED})
        self.devices, self.objects, self.programs, self.capabilities, self.mappings = [], [], [], [], []
        self.shared = {}
        for kind, type_name in self.SHARED.items():
            for name in data.get(kind, []):
                self.shared[kind, name] = len(self.objects)
                self.objects.append(kernel.pack("Object", type=kernel.types[type_name]))
        self.used = set()
        if not data.get("program"):
            raise file.wrong(["program"], "a system needs at least one: [program.NAME]")
        for name, program in data["program"].items():
            self.add_program(name, program)
        for (kind, name) in self.shared:
            if (kind, name) not in self.used:
                raise file.wrong([kind, name], f"no program has a capability to this {kind}; delete it")
        stop = data.get("stop_with")
        names = list(data["program"])
        if stop is not None and stop not in names:
            raise file.wrong(["stop_with"], f'there is no program "{stop}"; there are: {", ".join(names)}')
        self.stop_with = NONE if stop is None else names.index(stop)

    def device(self, keys, name):
        known = self.platform.data.get("device", {})
        if name not in known:
            raise self.file.wrong(keys, f'this board has no device "{name}"; it has: {", ".join(known)}')
        packed = self.kernel.pack("Device", compatible=known[name]["compatible"], number=known[name].get("number", 0))
        if packed not in self.devices:
            self.devices.append(packed)
        return self.devices.index(packed)

    def add_program(self, name, program):
        file, keys = self.file, ["program", name]
        file.check_keys(keys, program, {"file", "priority", "slice_us", "capability", "memory"})
        kind = program.get("file", name)
        if kind not in self.manifests:
            raise file.wrong(keys, f'there is no program "{kind}"; there are: {", ".join(sorted(self.manifests))}')
        if len(name) > 15:
            raise file.wrong(keys, "a program's name has at most 15 characters")
        manifest = self.manifests[kind]
        priority = program.get("priority")
        if not isinstance(priority, int) or not 0 <= priority <= 254:
            raise file.wrong([*keys, "priority"], "a number from 0 to 254 is needed; 255 is init's")
        slice_us = program.get("slice_us", 10000)
        if not isinstance(slice_us, int) or slice_us < 10:
            raise file.wrong([*keys, "slice_us"], "microseconds, at least 10")
        first_capability, first_mapping = len(self.capabilities), len(self.mappings)
        self.match(keys, "capability", program.get("capability", {}), manifest.capabilities, manifest)
        for cap_name, given in program.get("capability", {}).items():
            self.add_capability([*keys, "capability", cap_name], given, *manifest.capabilities[cap_name])
        self.match(keys, "memory", program.get("memory", {}), manifest.memory, manifest)
        for memory_name, given in program.get("memory", {}).items():
            address, bits, rights = manifest.memory[memory_name]
            file.check_keys([*keys, "memory", memory_name], given, {"device"})
            device = self.device([*keys, "memory", memory_name], given.get("device"))
            self.mappings.append(self.kernel.pack("Mapping", address=address, rights=rights, device=device, bits=bits))
        self.programs.append(self.kernel.pack(
            "Program", name=name, file=kind, slice=slice_us * 1000, priority=priority, cnode_radix=manifest.radix,
            stack_bits=manifest.stack_bits, first_capability=first_capability,
            capability_count=len(self.capabilities) - first_capability, first_mapping=first_mapping,
            mapping_count=len(self.mappings) - first_mapping))

    def match(self, keys, what, given, needed, manifest):
        for name in given:
            if name not in needed:
                raise self.file.wrong([*keys, what, name],
                                      f"the program does not ask for it; {manifest.file.path} lists: {', '.join(needed) or 'nothing'}")
        for name in needed:
            if name not in given:
                raise self.file.wrong([*keys, what], f'"{name}" is missing, which {manifest.file.path} asks for')

    def add_capability(self, keys, given, slot, type_name, needed):
        file = self.file
        kinds = {"endpoint", "notification", "untyped", "interrupt", "own", "control"} & set(given)
        if len(kinds) != 1:
            raise file.wrong(keys, "say where it comes from, one of: endpoint, notification, untyped, interrupt, own, control")
        kind = kinds.pop()
        allowed = {kind, "rights", "badge"} if kind in self.SHARED else {kind}
        file.check_keys(keys, given, allowed)
        what, index, bits, badge = given[kind], 0, 0, given.get("badge", 0)
        rights = (1 << 64) - 1
        if kind in self.SHARED:
            found, source = self.SHARED[kind], "object"
            if (kind, what) not in self.shared:
                raise file.wrong(keys, f'there is no {kind} "{what}"; add it: {kind} = ["{what}"]')
            self.used.add((kind, what))
            index = self.shared[kind, what]
            rights = self.kernel.rights_of(file, [*keys, "rights"], found, given.get("rights", []))
            if needed & ~rights:
                names = [n for n, bit in self.kernel.rights[found].items() if needed & ~rights & bit]
                raise file.wrong([*keys, "rights"], f"the program needs the right to {', '.join(names)} too")
            limit = (1 << 59) - 1 if kind == "endpoint" else (1 << 64) - 1
            if not isinstance(badge, int) or not 0 <= badge <= limit:
                raise file.wrong([*keys, "badge"], f"a number up to {limit:#x}")
        elif kind == "untyped":
            found, source, bits = "Untyped", "untyped", bits_of(file, keys, what)
        elif kind == "interrupt":
            found, source, index = "IrqHandler", "interrupt", self.device(keys, what)
        else:
            table = self.OWN if kind == "own" else self.CONTROL
            if what not in table:
                raise file.wrong(keys, f'"{what}" is not known; known: {", ".join(table)}')
            found, source = table[what]
        if found != type_name:
            raise file.wrong(keys, f"the program needs a capability of type {type_name}, this is {found}")
        self.capabilities.append(self.kernel.pack(
            "Capability", rights=rights, badge=badge, slot=slot, index=index, source=self.sources[source], bits=bits))

    def plan(self):
        head = self.kernel.pack(
            "Plan", magic=next(c.value for c in self.kernel.structs.consts if c.name == "MAGIC"),
            device_count=len(self.devices), object_count=len(self.objects), program_count=len(self.programs),
            capability_count=len(self.capabilities), mapping_count=len(self.mappings), stop_with=self.stop_with)
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
            manifests[name] = Manifest(kernel, manifest)
        Path(output).write_bytes(System(kernel, path, platform, manifests).plan())
    else:
        raise Wrong(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Wrong as wrong:
        sys.exit(str(wrong))

# SPDX-License-Identifier: BSD-2-Clause
"""Who holds which capabilities in a machine that runs, and what its description says of them, as text and as a picture.

`init` is asked, through the gateway (`./tessera call`). In the picture a box is a program, with what it alone has; an
ellipse is an object that several have. Arrows go the way that messages and signals go. Red: it has come to the program at
run time, and the description does not say so. Grey: of what the program made itself. Dashed: the description says so,
and it is not so."""

import collections
import contextlib
import re
import tomllib
from dataclasses import dataclass

from . import call, common, machine, shell
from .common import ROOT, Stop, build_dir

IN = {"recv", "wait"}       # rights by which something comes to the holder
RIGHTS = ["send", "recv", "grant", "signal", "wait", "read", "write", "execute"]
SIZED = {"Untyped": "bytes", "Frame": "bytes", "Tables": "bytes", "CNode": "slots"}
BADGED = {"Endpoint", "Notification"}


class Objects:
    """What the kernel's interface file says of types and rights."""

    def __init__(self):
        library = call.parse.load(ROOT / "idl" / "kernel.idl")
        self.types = {o.number: o.name for o in library.objects}
        self.rights = {o.name: {r.name: 1 << r.value for r in o.rights if r.name in RIGHTS} for o in library.objects}

    def rights_in(self, kind, bits):
        return [name for name in RIGHTS if bits & self.rights[kind].get(name, 0)]


@dataclass
class Held:
    program: str
    slot: int
    type: str
    rights: list
    value: int = 0              # size in bits, or badge
    is_given: bool = False
    object: tuple = ()          # (program, slot) of the first that has it
    is_extra: bool = False

    @property
    def text(self):
        size = f", 2^{self.value} {SIZED[self.type]}" if self.type in SIZED else ""
        badge = f", badge {self.value}" if self.type in BADGED and self.value else ""
        return " ".join([self.type, *self.rights]) + size + badge

    @property
    def style(self):
        return "" if self.is_given else ', color="#c02020", fontcolor="#c02020"' if self.is_extra else ", color=grey, fontcolor=grey"

    def may_be(self, other):
        """The same object, as far as can be seen."""
        return self.type == other.type and (self.type not in SIZED or self.value == other.value)


# ---- What init says ----

class Control:
    """The methods of idl/control.idl, in a machine."""

    def __init__(self, running):
        self.interfaces = call.Interfaces()
        self.system = call.System(running, self.interfaces.gateway)

    def ask(self, name, *numbers):
        """The words of the answer; None: there is no such thing."""
        library, interface, method = self.interfaces.find(f"control.{name}")
        error, label, _, words = self.system.call(self.interfaces.targets[interface.name], method.label, list(numbers))
        return None if error or label else words

    def programs(self):
        """Their names, in their order."""
        number = 0
        while words := self.ask("program", number):
            yield b"".join(w.to_bytes(8, "little") for w in words[:2]).rstrip(b"\0").decode(errors="replace")
            number += 1

    def slots(self, method, number):
        """The answers for one slot after the other."""
        slot = 0
        while (words := self.ask(method, number, slot + 1)) and words[0]:
            slot = words[0]
            yield words


def take(control):
    """All that programs hold; and (what is wrong, capability) of what they were given and have not any more."""
    objects, kept_as = Objects(), {m.value: m.name for m in enum_of(control, "Kept")}
    held, wrong, programs = [], [], list(control.programs())
    for number, program in enumerate(programs):
        def one(slot, kind, rights, value):
            kind = objects.types[kind]
            return Held(program, slot, kind, objects.rights_in(kind, rights), value)
        own = {words[0]: one(*words) for words in control.slots("capability", number)}
        for slot, kind, rights, value, kept in control.slots("given", number):
            if kept_as[kept] == "same" and slot in own:
                own[slot].is_given = True
            else:
                wrong.append(({"gone": "missing"}.get(kept_as[kept], "changed"), one(slot, kind, rights, value)))
        held += own.values()
    find_objects(held, {name: number for number, name in enumerate(programs)}, control)
    return held, wrong


def enum_of(control, name):
    library = control.interfaces.find("control.given")[0]
    return next(enum.members for enum in library.enums if enum.name == name)


def find_objects(held, number, control):
    """Of which object each is. Those that cannot be the same are not asked about."""
    first = {}
    for h in held:
        h.object = next((key for key, other in first.items() if h.may_be(other) and
                         control.ask("same", number[h.program], h.slot, number[other.program], other.slot) == [1]),
                        (h.program, h.slot))
        first.setdefault(h.object, h)


# ---- What the description does not say ----

def covers(own, h):
    """What it was given it may have more than once; but not with another badge, if it was given one."""
    return own.is_given and own.program == h.program and set(h.rights) <= set(own.rights) and own.value in (0, h.value)


def made_it(h, holders):
    """It has rights that nobody else has: so it made the object, and the others have theirs from it."""
    own, others = ({r for other in holders for r in other.rights if (other.program == h.program) == mine} for mine in (True, False))
    return others < own


def differences(held, wrong):
    """(what is wrong, program, slot, text). What programs have that the description does not give, and others have too, has come
    from one to the other; what they make of their own memory is their affair. Marks what is extra."""
    found = [(what, h.program, h.slot, h.text) for what, h in wrong]
    by_object = collections.defaultdict(list)
    for h in held:
        by_object[h.object].append(h)
    for h in held:
        holders = by_object[h.object]
        others = sorted((other for other in holders if other.program != h.program), key=lambda other: not other.is_given)
        h.is_extra = bool(others) and not (h.is_given or any(covers(own, h) for own in holders) or made_it(h, holders))
        if h.is_extra:
            found.append(("extra", h.program, h.slot, f"{h.text}; as {others[0].program} {others[0].slot}"))
    return found


def as_text(held, found):
    """For people: each program's in lines, those that are alike in a row together; then what differs."""
    lines = []
    for program in dict.fromkeys(h.program for h in held):
        lines.append(f"{program}:")
        run = []
        for h in [*(h for h in held if h.program == program), None]:
            if run and not (h and h.slot == run[-1].slot + 1 and (h.text, h.is_given, h.is_extra) == (run[0].text, run[0].is_given, run[0].is_extra)):
                slots = f"{run[0].slot}" if len(run) == 1 else f"{run[0].slot}-{run[-1].slot}"
                how = "" if run[0].is_given else "  (extra)" if run[0].is_extra else "  (made)"
                lines.append(f"{slots:>12}  {run[0].text}{how}")
                run = []
            run.append(h)
    lines += [f"{what} {program} {slot}: {text}" for what, program, slot, text in found]
    others = sum(not h.is_given and not h.is_extra for h in held)
    lines.append(f"{len(found)} differ from the system description; {others} others are of what programs made or had")
    return "\n".join(lines)


# ---- The picture ----

def slots_of(build, file):
    """A program's capabilities by slot, as the generated header has them."""
    header = (build / "generated" / "include" / f"{file}_caps.h").read_text()
    return {int(slot): name.lower() for name, slot in re.findall(r"_CAP_(\w+) CPTR\((\d+)\)", header)}


def names_of(build, system):
    """(program, slot) -> what the description calls the object there."""
    description = tomllib.loads((ROOT / "platforms" / "systems" / f"{system}.toml").read_text())
    names = {}
    for program, about in description["program"].items():
        for slot, name in slots_of(build, about.get("file", program)).items():
            given = about.get("capability", {}).get(name, {})
            names[program, slot] = given.get("endpoint") or given.get("notification") or name
        names[program, 1] = "init"
    return names


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


def alone(held):
    """What one program has alone, for its box: counts of types."""
    count = collections.Counter(h.type for h in held)
    return "\\n".join(f"{n} {kind}" for kind, n in sorted(count.items()))


def groups(held):
    """Objects that several have, those together that the same programs have in the same way."""
    by_object = collections.defaultdict(list)
    for h in held:
        by_object[h.object].append(h)
    alike = collections.defaultdict(list)
    for object_number, holders in by_object.items():
        if len({h.program for h in holders}) > 1:
            ways = frozenset((h.program, " ".join(h.rights), h.style) for h in holders)
            alike[ways].append(object_number)
    return alike, {number for numbers in alike.values() for number in numbers}


def arrow(program, node, rights, style):
    """From the program to the object, unless its right lets something come from there."""
    comes, goes = IN & set(rights), set(rights) - IN - {"grant"}
    ends = f"{node} -> {quoted(program)}" if comes and not goes else f"{quoted(program)} -> {node}"
    both = ", dir=both" if comes and goes else ""
    return f"    {ends} [label={quoted(' '.join(rights))}{both}{style}];"


def as_dot(held, differences, names):
    alike, shared = groups(held)
    out = ["digraph capabilities {", "    rankdir=LR; fontname=sans;", '    node [fontname=sans, fontsize=11]; edge [fontname=sans, fontsize=9];']
    for program in dict.fromkeys(h.program for h in held):
        own = alone([h for h in held if h.program == program and h.object not in shared])
        out.append(f'    {quoted(program)} [shape=box, style=filled, fillcolor="#dde8f5", label="{program}\\n\\n{own}"];')
    for number, (ways, objects) in enumerate(sorted(alike.items(), key=lambda item: item[1])):
        holders = [h for h in held if h.object in objects]
        called = next((names[h.program, h.slot] for h in holders if h.is_given and (h.program, h.slot) in names), "")
        many = f"{len(objects)} × " if len(objects) > 1 else ""
        out.append(f'    o{number} [label="{many}{holders[0].type}' + (f'\\n{called}' if called else "") + '"];')
        for program, rights, style in sorted(ways):
            out.append(arrow(program, f"o{number}", rights.split(), style))
    for number, (kind, program, slot, text) in enumerate(differences):
        if kind != "extra":
            name = names.get((program, slot), "")
            out.append(f'    m{number} [style=dashed, label="{kind}: {text.split(",")[0]}\\n{name}"];')
            out.append(f'    {quoted(program)} -> m{number} [style=dashed, color="#c02020"];')
    return "\n".join([*out, "}"]) + "\n"


def draw(held, found, build, system, svg):
    """Writes the picture, and for Graphviz what it is made of: where that is."""
    dot = svg.with_suffix(".dot")
    dot.write_text(as_dot(held, found, names_of(build, system)))
    common.run(["dot", "-Tsvg", "-o", str(svg), str(dot)])
    return dot


def caps(options):
    preset, running = machine.open_one(options.platform, options.debug, options.system or "shell", options.system)
    with contextlib.closing(running):
        running.wait_for(shell.READY)
        held, wrong = take(Control(running))
        system = running.about["system"]
    found = differences(held, wrong)
    path = build_dir(preset) / f"caps-{system}.svg"
    dot = draw(held, found, build_dir(preset), system, path)
    print(as_text(held, found))
    print(f"Written: {path.relative_to(ROOT)} (for a browser) and {dot.relative_to(ROOT)} (Graphviz)")

# SPDX-License-Identifier: BSD-2-Clause
"""A picture of who holds which capabilities in a running system, and what its description says of them.

A box is a program, with what it alone has; an ellipse is an object that several have. Arrows go the way that
messages and signals go. Red: it has come to the program at run time, and the description does not say so. Grey: of what
the program made itself. Dashed: the description says so, and it is not so."""

import collections
import re
import subprocess
import tomllib
from dataclasses import dataclass

from . import common, qemu, shell
from .common import ROOT, Stop, build_dir

ROW = re.compile(r"(\S+) (\d+) (\d+) (given|got) (.*)")
DIFFERENCE = re.compile(r"(missing|changed|extra) (\S+) (\d+): (.*)")
IN = {"recv", "wait"}       # rights by which something comes to the holder
BADGE = re.compile(r", badge \d+")


@dataclass(frozen=True)
class Held:
    program: str
    slot: int
    object: int
    is_given: bool
    text: str
    is_extra: bool = False

    @property
    def style(self):
        return "" if self.is_given else ', color="#c02020", fontcolor="#c02020"' if self.is_extra else ", color=grey, fontcolor=grey"

    @property
    def type(self):
        return re.match(r"\w+", self.text)[0]

    @property
    def rights(self):
        return BADGE.sub("", self.text).split(",")[0].split()[1:]


def read(table, differences):
    """The capabilities that `caps -t` of the shell lists."""
    extra = {(program, int(slot)) for kind, program, slot, _ in differences if kind == "extra"}
    rows = [ROW.fullmatch(line) for line in table.splitlines()]
    if not rows or None in rows:
        raise Stop(f"the shell's caps -t answered with something else: {table[:200]!r}")
    return [Held(m[1], int(m[2]), int(m[3]), m[4] == "given", m[5], (m[1], int(m[2])) in extra) for m in rows]


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
            name = names.get((program, int(slot)), "")
            out.append(f'    m{number} [style=dashed, label="{kind}: {text.split(",")[0]}\\n{name}"];')
            out.append(f'    {quoted(program)} -> m{number} [style=dashed, color="#c02020"];')
    return "\n".join([*out, "}"]) + "\n"


def differences_in(answer):
    """What `caps -d` of the shell lists: (what is wrong, program, slot, capability)."""
    return [match.groups() for match in map(DIFFERENCE.fullmatch, answer.splitlines()) if match]


def ask(platform, image):
    """What a system with a shell says of who holds what, and of what its description does not say."""
    with shell.start(platform, image) as machine:
        shell.begin(machine)
        return shell.ask(machine, "caps -t"), shell.ask(machine, "caps -d")


def draw(table, answer, build, system, svg):
    """Writes the picture, and for Graphviz what it is made of: where that is."""
    differences = differences_in(answer)
    dot = svg.with_suffix(".dot")
    dot.write_text(as_dot(read(table, differences), differences, names_of(build, system)))
    common.run(["dot", "-Tsvg", "-o", str(svg), str(dot)])
    return dot


def caps(options):
    name = common.preset(options.platform, False)
    common.build(name)
    table, answer = ask(options.platform, qemu.image(name, options.system))
    path = build_dir(name) / f"caps-{options.system}.svg"
    dot = draw(table, answer, build_dir(name), options.system, path)
    print(answer)
    print(f"Written: {path.relative_to(ROOT)} (for a browser) and {dot.relative_to(ROOT)} (Graphviz)")

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves of a program's compiled code that its stack suffices: nothing calls itself, nothing takes an amount of
stack that is not known, and no entry's deepest way down takes more than its limit.

    check_stack.py ELF --calls FOLDER_OR_FILE... --entry NAME=LIMIT... [--indirect FILE=TARGETS...]

The call graph is what gcc wrote beside its objects (-fcallgraph-info=su,da, *.ci). The targets of
calls through pointers have to be declared by source file: functions, or tables of pointers to functions, which are
read from the ELF file, with commas between. What is written in assembly is not in the graph: --assembly NAME=BYTES says what it takes.
With --complete each function has to be an entry or called: none is forgotten.
Prints the deepest way of all, or with --verbose that of each entry; ends with 1 if anything is not as it should be.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile

NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]*)")?')
USAGE = re.compile(r"(\d+) bytes \(([\w,]+)\)")
INDIRECT = "__indirect_call"
CLONE = re.compile(r"\.(isra|part|constprop|cold|lto_priv|localalias)(\.\d+)?")


def plain(title):
    """A function's name in the source: the compiler puts a file before local ones, and numbers its clones."""
    return CLONE.sub("", title.rsplit(":", 1)[-1])


@dataclass
class Graph:
    bytes: dict = field(default_factory=dict)       # title -> stack of its own
    dynamic: set = field(default_factory=set)
    calls: dict = field(default_factory=dict)       # title -> {(title, where)}
    titles: dict = field(default_factory=dict)      # plain name -> titles

    def add(self, text):
        for line in text.splitlines():
            if match := NODE.match(line):
                title, label = match.groups()
                if usage := USAGE.search(label):
                    self.bytes[title] = max(self.bytes.get(title, 0), int(usage[1]))
                    self.titles.setdefault(plain(title), set()).add(title)
                    # A bounded amount is in the number.
                    if usage[2] == "dynamic":
                        self.dynamic.add(title)
            elif match := EDGE.match(line):
                caller, callee, where = match.groups()
                self.calls.setdefault(caller, set()).add((callee, where or ""))


def functions_of(elf, names):
    """The functions that these names stand for: themselves, or the entries of a table of that name."""
    with open(elf, "rb") as file:
        elffile = ELFFile(file)
        symbols = list(elffile.get_section_by_name(".symtab").iter_symbols())
        functions = {s["st_value"]: s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
        code = [range(s["sh_addr"], s["sh_addr"] + s["sh_size"]) for s in elffile.iter_sections() if s["sh_flags"] & 4]
        found = set()
        for name in names:
            table = next((s for s in symbols if s.name == name and s["st_info"]["type"] == "STT_OBJECT"), None)
            if table is None:
                found.add(name)
                continue
            section = elffile.get_section(table["st_shndx"])
            at = table["st_value"] - section["sh_addr"]
            data = section.data()[at:at + table["st_size"]]
            for i in range(0, len(data), 8):
                address = int.from_bytes(data[i:i + 8], "little")
                if any(address in part for part in code):
                    found.add(functions.get(address, f"{name}[{i // 8}]"))
        return found


class Check:
    def __init__(self, graph, indirect, assembly):
        self.graph = graph
        self.indirect = indirect        # source file of the call -> plain names
        self.assembly = assembly
        self.depths = {}
        self.wrong = []

    def complain(self, text):
        if text not in self.wrong:
            self.wrong.append(text)

    def callees(self, title):
        for callee, where in sorted(self.graph.calls.get(title, ())):
            if callee != INDIRECT:
                yield callee
                continue
            file = where.split(":")[0].rsplit("/", 1)[-1]
            if file not in self.indirect:
                self.complain(f"{plain(title)} calls through a pointer ({where}): declare whom, with --indirect {file}=")
            for name in sorted(self.indirect.get(file, ())):
                yield from sorted(self.graph.titles.get(plain(name), {name}))

    def depth(self, title, way=()):
        """(bytes, the way) from here down."""
        if title in way:
            names = [plain(each) for each in way[way.index(title):]] + [plain(title)]
            self.complain(f"recursion: {' > '.join(names)}")
            return 0, ()
        if title in self.depths:
            return self.depths[title]
        own = self.graph.bytes.get(title)
        if own is None:
            own = self.assembly.get(plain(title))
        if own is None:
            self.complain(f"nothing is known of {plain(title)}, which {plain(way[-1]) if way else 'nobody'} calls")
            own = 0
        if title in self.graph.dynamic:
            self.complain(f"{plain(title)} takes an amount of stack that is only known when it runs")
        deepest = max((self.depth(callee, (*way, title)) for callee in self.callees(title)), default=(0, ()))
        self.depths[title] = own + deepest[0], (f"{plain(title)} {own}", *deepest[1])
        return self.depths[title]


def pairs(texts):
    return dict(text.split("=", 1) for text in texts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("elf", type=Path)
    parser.add_argument("--calls", type=Path, nargs="+", required=True)
    parser.add_argument("--entry", nargs="+", default=[], required=True)
    parser.add_argument("--indirect", nargs="+", default=[])
    parser.add_argument("--assembly", nargs="+", default=[])
    parser.add_argument("--complete", action="store_true", help="the linker has left out what is called by nothing")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()

    graph = Graph()
    files = [file for path in options.calls for file in (sorted(path.rglob("*.ci")) if path.is_dir() else [path])]
    for file in files:
        graph.add(file.read_text())
    indirect = {file: functions_of(options.elf, targets.split(",")) for file, targets in pairs(options.indirect).items()}
    check = Check(graph, indirect, {name: int(size) for name, size in pairs(options.assembly).items()})
    entries = []
    for name, size in pairs(options.entry).items():
        titles = graph.titles.get(name)
        if not titles:
            check.complain(f"there is no function {name}")
            continue
        depth, way = max(check.depth(title) for title in titles)
        entries.append((depth, f"{depth} of {size} bytes: {' > '.join(way)}"))
        if depth > int(size):
            check.complain(f"{name} may take {size} bytes of stack, and takes {depth}: {' > '.join(way)}")
    for title in graph.bytes if options.complete else ():
        if title not in check.depths:
            check.complain(f"{plain(title)} is called by nothing that is known: is it an entry?")
    if not check.wrong:
        entries.sort(reverse=True)
        print(*(f"stack: {text}" for _, text in entries[:None if options.verbose else 1]), sep="\n")
    for text in check.wrong:
        print(f"check_stack: {text}", file=sys.stderr)
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

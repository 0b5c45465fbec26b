#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves of a kernel's machine code that a tracepoint takes three instructions at most while nothing is recorded.

A tracepoint (kernel/sched/trace.h) asks a byte of its core first, trace_is_on(). The debug information says
which instructions are a tracepoint's. Of each place where that byte is looked at this counts what runs of the
tracepoint while the byte is 0: up to the branch that depends on it, and behind it on the way that is taken then.
That is all: what stands behind the branch on the other way does not run."""

import argparse
import re
import subprocess
import sys
from typing import NamedTuple

from addr2line import written_in

MOST = 3
NEAR = 12       # instructions between the look and its branch, of which most are the code around it


class Instruction(NamedTuple):
    address: int
    name: str
    operands: str
    chain: tuple    # the functions that it is in, innermost first

    @property
    def tracepoint(self):
        """Whose tracepoint it is part of: the event's name."""
        for name in self.chain:
            if name == "trace_interrupted":
                return "sample"
            if name.startswith("trace_") and name not in ("trace_is_on", "trace_wants"):
                return name.removeprefix("trace_")
        return None


class Architecture(NamedTuple):
    look: str       # name and operands of an instruction that looks at the byte; a group is the register it comes into
    branch: str     # names of conditional branches
    if_set: str     # of those, which are taken if the byte is not 0
    leave: str      # what else ends a straight line


ARCHITECTURES = {
    "riscv64": Architecture(r"lbu (\w+),.*", r"b\w+", r"bnez", r"j|jr|jal|jalr|ret|ecall|sret"),
    "aarch64": Architecture(r"ldrb (\w+), .*", r"b\.\w+|cbn?z|tbn?z", r"cbnz|tbnz|b\.ne", r"b|br|bl|blr|ret|eret"),
    "x86_64": Architecture(r"cmpb \$0x0,.*\(.*()", r"j(?!mp)\w+", r"jne", r"jmp|call|ret|sysretq|iretq"),
}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"tracepoints: {' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout.splitlines()


def read(kernel, objdump, addr2line):
    """The kernel's instructions, in order."""
    found = [re.fullmatch(r"\s*([0-9a-f]+):\t(\S+)\s*([^#<]*).*", line)
             for line in run([objdump, "-d", "--no-show-raw-insn", kernel])]
    found = [(int(f[1], 16), f[2], f[3].split("//")[0].strip()) for f in found if f]
    written = written_in(addr2line, kernel, [at for at, _, _ in found])
    return [Instruction(*each, tuple(name for name, _ in written[each[0]])) for each in found]


class Check:
    def __init__(self, arch, instructions):
        self.arch, self.all = arch, instructions
        self.at = {i.address: n for n, i in enumerate(instructions)}
        self.costs, self.errors = {}, []    # event -> [instructions]

    def ends_line(self, i):
        return re.fullmatch(f"{self.arch.branch}|{self.arch.leave}", i.name)

    def line_before(self, n):
        """The straight line to an instruction, from the last branch on."""
        begin = n
        while begin > 0 and n - begin < NEAR and not self.ends_line(self.all[begin - 1]):
            begin -= 1
        return self.all[begin:n]

    def line_from(self, n):
        """The straight line from an instruction on, with the branch that ends it."""
        end = n
        while end - n < NEAR and not self.ends_line(self.all[end]):
            end += 1
        return self.all[n:end + 1]

    def branches_on(self, n, register):
        """The branches that depend on what an instruction has looked at, whatever else is branched on before."""
        found, seen, ways = [], set(), [n + 1]
        while ways:
            at = ways.pop()
            line = [i for i in self.line_from(at) if i.address not in seen]
            seen |= {i.address for i in line}
            if not line or not re.fullmatch(self.arch.branch, line[-1].name):
                continue
            if self.depends(line, register):
                found.append(self.at[line[-1].address])
            elif len(seen) < 4 * NEAR:
                ways += [self.at[line[-1].address] + 1, self.target(line[-1])]
        return found

    def depends(self, line, register):
        """Whether the branch that ends a line does on a register; on what was compared before (None), where nothing
        compares anything in between."""
        if register is None:
            return all(re.match("mov|lea|push|pop", i.name) for i in line[:-1])
        return re.search(rf"\b{register}\b", line[-1].operands)

    def target(self, branch):
        return self.at[int(re.split(r"[ ,]", branch.operands)[-1], 16)]

    def look(self, n):
        """If this looks at the byte: what runs for the sake of it until the code goes on, for each branch on it."""
        i = self.all[n]
        match = re.fullmatch(self.arch.look, f"{i.name} {i.operands}")
        if not match or i.chain[0] != "trace_is_on" or i.tracepoint == "record":
            return
        branches = self.branches_on(n, match[1] or None)
        if not branches:
            self.errors.append(f"{i.address:#x}: {i.tracepoint}: no branch depends on what is looked at")
        for at in branches:
            branch = self.all[at]
            event = branch.tracepoint or i.tracepoint
            off = at + 1 if re.fullmatch(self.arch.if_set, branch.name) else self.target(branch)
            path = {*self.line_before(n), *self.line_from(n), *self.line_before(at), *self.line_from(off)} - {i, branch}
            cost = 2 + sum(x.tracepoint == event for x in path)
            self.costs.setdefault(event, []).append(cost)
            if cost > MOST:
                self.errors.append(f"{i.address:#x}: {event} takes {cost} instructions while nothing is recorded, not {MOST}")

    def run(self, events):
        for n in range(len(self.all)):
            self.look(n)
        for event in events:
            if event not in self.costs:
                self.errors.append(f"no tracepoint of {event} was found")


def main():
    parser = argparse.ArgumentParser(description="Proves how little tracepoints take while nothing is recorded.")
    parser.add_argument("kernel", help="the linked kernel, with debug information")
    parser.add_argument("--arch", required=True, choices=sorted(ARCHITECTURES))
    parser.add_argument("--objdump", required=True)
    parser.add_argument("--addr2line", required=True)
    parser.add_argument("--event", nargs="+", default=[], help="of these there is one at least")
    options = parser.parse_args()
    check = Check(ARCHITECTURES[options.arch], read(options.kernel, options.objdump, options.addr2line))
    check.run(options.event)
    for error in check.errors:
        print(f"tracepoints: {error}", file=sys.stderr)
    if not check.errors:
        costs = [cost for event in check.costs.values() for cost in event]
        print(f"tracepoints: ok ({len(costs)} of {len(check.costs)} events, {max(costs)} instructions at most)")
    return 1 if check.errors else 0


if __name__ == "__main__":
    sys.exit(main())

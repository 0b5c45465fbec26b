#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves of a kernel's machine code what the C of the fast path only promises.

The fast path is C that runs with a program's registers still in place. That goes well as long as
the compiler keeps off the stack, calls nothing, and leaves alone what the other side is to get. No
compiler promises that, so every build is looked at: this follows each path through each function
and knows of every register whether it still has the value it came with, is zero, or was loaded from
which word of whose frame.

Rules, as errors name them:
  flow     no calls, no jumps to addresses that are computed, no way out but those below
  stack    the stack pointer is stored into the frame and loaded from one, and nothing else
  message  message registers are not written
  kept     the registers that only the exit may write are written by loading them there
  saved    a register is written only after its program's value is in its thread's frame
  decline  the slow path gets everything as it came: registers, memory, special registers
  exit     what the next thread preserved comes from its frame, and the rest of it is in place
  scratch  nothing leaks in scratch registers: they are zero
  reach    entry and functions are within the reach of one conditional branch
  unknown  an instruction that this program has not been told about
"""

import argparse
import heapq
import re
import subprocess
import sys
from dataclasses import dataclass, field
from typing import NamedTuple

from elftools.elf.elffile import ELFFile


class Instruction(NamedTuple):
    address: int
    next: int
    name: str
    operands: list
    text: str


@dataclass
class Effect:
    """What an instruction does, in words that all architectures share.

    Values are described by tuples: ("copy", register), ("const", n), ("plus", register, n),
    ("load", base, offset) for a whole word, ("read", special register), ("other",).
    """
    sets: list = field(default_factory=list)        # (register, description)
    specials: list = field(default_factory=list)    # (special register or "memory", description)
    stores: list = field(default_factory=list)      # (base, offset, register; None: part of a word)
    uses: set = field(default_factory=set)          # every register it names
    flow: str = ""                                  # branch, jump, call, computed, return
    target: int = 0
    known: bool = True


# ---- Architectures. Another one is another class like this, and an entry in ARCHITECTURES. ----


class Riscv64:
    objdump = "riscv64-linux-gnu-objdump"
    disassemble = ["-d", "-M", "no-aliases"]
    comment = "#"
    reach = 4096                # of a conditional branch, to either side

    stack = "sp"
    thread = "t0"               # the current thread, where a function begins
    entered = "sscratch"        # the special register that has it when the kernel is entered
    root = "satp"
    resume = "sepc"
    call_size = 4               # of the instruction that enters the kernel
    result = "a0"
    message = [f"a{n}" for n in range(1, 8)]
    scratch = [f"t{n}" for n in range(7)]
    saved = [f"s{n}" for n in range(1, 12)]
    kept = ["sp", "s0", "ra", "gp", "tp"]
    kept_in_place = []          # of those, what the slow path does not load again
    specials = []               # special registers that are the program's
    cleared = []                # special registers that the exit sets to zero
    frame = {"sp": 0, "tp": 16, "gp": 24, **{f"s{n}": 32 + 8 * n for n in range(12)}}
    frame_pc = 8
    zero_words = []             # of the frame: where the exit loads zeroes from
    loaded_as_pc = ["ra"]       # doubles as the clearing of it
    entry_scratch = ["t0", "t1"]
    entry_borrows = {"t1": 8}   # the program's value is kept in this word of the frame
    leave_next = "t6"           # where leave_to expects the next thread

    registers = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 " \
                "t3 t4 t5 t6".split()
    loads = "lb lbu lh lhu lw lwu ld".split()
    stores = "sb sh sw sd".split()
    branches = {0: "beq", 1: "bne", 4: "blt", 5: "bge", 6: "bltu", 7: "bgeu"}
    arithmetic = "add addi addi16sp addi4spn addiw addw and andi auipc div divu divuw divw li lui mul mulh mulhsu mulhu " \
                 "mulw mv or ori rem remu remuw remw sll slli slliw sllw slt slti sltiu sltu sra srai sraiw sraw srl srli " \
                 "srliw srlw sub subw xor xori".split()
    harmless = "nop fence".split()

    def effect(self, i):
        if i.name == ".word":
            i = self.branch_of_word(i)
        short = i.name.startswith("c.")
        name, operands = i.name[2:] if short else i.name, i.operands
        uses = {r for o in operands for r in re.findall(r"\w+", o) if r in self.registers} - {"zero"}
        effect = Effect(uses=uses)
        if name in ("ldsp", "sdsp", "lwsp", "swsp"):
            name = name[:2]
        if name in self.loads or name in self.stores:
            offset, base = re.fullmatch(r"(-?\d+)\((\w+)\)", operands[1]).groups()
            if name in self.stores:
                effect.stores = [(base, int(offset), operands[0] if name == "sd" else None)]
            else:
                effect.sets = [(operands[0], ("load", base, int(offset)) if name == "ld" else ("other",))]
        elif name in self.branches.values() or name in ("beqz", "bnez"):
            effect.flow, effect.target = "branch", int(operands[-1].split()[0], 16)
        elif name == "j" or name == "jal" and operands[0] == "zero":
            effect.flow, effect.target = "jump", int(operands[-1].split()[0], 16)
        elif name == "jal" or name == "jalr" and (short or operands[0] != "zero"):
            effect.flow = "call"
        elif name in ("jr", "jalr"):
            effect.flow = "computed"
        elif name == "sret":
            effect.flow = "return"
        elif name == "csrrw" or name == "csrrs" and operands[2] == "zero":
            followed = operands[1] in (self.entered, self.root, self.resume)
            effect.sets = [(operands[0], ("read", operands[1]) if followed else ("other",))]
            if name == "csrrw":
                effect.specials = [(operands[1], ("copy", operands[2])) if followed else ("memory", ("other",))]
        elif name in self.arithmetic:
            effect.sets = [(operands[0], self.arithmetic_value(name, operands))]
        else:
            effect.known = name in self.harmless
        effect.sets = [s for s in effect.sets if s[0] != "zero"]
        return effect

    def arithmetic_value(self, name, operands):
        if name == "li":
            return ("const", int(operands[1], 0))
        if name == "mv":
            return ("copy", operands[1])
        if name == "addi":
            base, number = operands[-2], int(operands[-1], 0)   # the short form names its register once
            return ("const", number) if base == "zero" else ("plus", base, number)
        if name == "add" and operands[-1] == "zero":
            return ("copy", operands[-2])
        return ("other",)

    def branch_of_word(self, i):
        """trap.S writes some branches as words, to keep the assembler from making two of one."""
        w = int(i.operands[0], 16)
        if w & 0x7f != 0x63 or w >> 12 & 7 not in self.branches:
            return i
        distance = (w >> 8 & 0xf) << 1 | (w >> 25 & 0x3f) << 5 | (w >> 7 & 1) << 11 | (w >> 31) << 12
        distance -= (w >> 31) << 13
        registers = [self.registers[w >> 15 & 31], self.registers[w >> 20 & 31]]
        return i._replace(name=self.branches[w >> 12 & 7], operands=registers + [f"{i.address + distance:x}"])


    def stack_is_moved(self, function, effect, state):
        """Whether this stores the stack pointer into its place in the frame, or may be its load."""
        stack = self.stack
        stored = any(register == stack and function.frame_word(state, base, offset) == ("frame", self.frame[stack])
                     for base, offset, register in effect.stores)
        loaded = any(register == stack and what[0] == "load" and what[1] != stack for register, what in effect.sets)
        return function.kind == "switch" and (stored or loaded)


class Aarch64:
    objdump = "aarch64-linux-gnu-objdump"
    disassemble = ["-d", "-M", "no-aliases"]
    comment = "//"
    reach = 1 << 20

    stack = "sp"                # it is the thread, not the program's
    thread = "sp"
    entered = "sp"
    root = "ttbr0_el1"
    resume = "elr_el1"
    call_size = 0               # it is behind the instruction already
    result = "x0"
    message = [f"x{n}" for n in range(1, 8)]
    scratch = [*(f"x{n}" for n in range(8, 19)), "x30"]
    saved = [f"x{n}" for n in range(19, 29)]
    kept = ["x29"]
    kept_in_place = ["x29"]
    specials = ["sp_el0", "tpidr_el0", "spsr_el1"]
    cleared = ["spsr_el1"]
    frame = {"sp_el0": 0, "x29": 16, "tpidr_el0": 24, **{f"x{n}": 32 + 8 * (n - 19) for n in range(19, 29)}}
    frame_pc = 8
    zero_words = [112, 120]
    loaded_as_pc = []
    entry_scratch = ["x16", "x17"]
    entry_borrows = {"x16": 0, "x17": 8}
    leave_next = "sp"

    followed = [root, resume, *specials]
    arithmetic = "add adds adr adrp and ands asrv bfm bic bics ccmn ccmp clz csel csinc csinv csneg eon eor extr lslv " \
                 "lsrv madd movk movn movz msub orn orr rbit rev sbfm sbc sdiv smaddl smulh sub subs ubfm udiv umaddl " \
                 "umulh".split()
    compares = ["ccmn", "ccmp"]     # set flags only
    harmless = ["isb", "dsb", "dmb", "hint #0x0"]   # the last is nop

    @staticmethod
    def register(name):
        """The 64-bit register that a name means; None if it is no register or zero."""
        found = re.fullmatch(r"[wx](\d+)|w?(sp)", name)
        return found and (f"x{found[1]}" if found[1] else "sp")

    def effect(self, i):
        name, operands = i.name, i.operands
        words = [w for o in operands for w in re.findall(r"\w+", o)] if not name.startswith("b") else []
        effect = Effect(uses={self.register(w) for w in words} - {None})
        if re.fullmatch(r"(ld|st)(r|p|ur)(sb|sh|sw|b|h)?", name):
            self.memory(effect, name, operands)
        elif name in ("b", "cbz", "cbnz", "tbz", "tbnz") or name.startswith("b."):
            effect.flow = "jump" if name == "b" else "branch"
            effect.target = int(operands[-1].split()[0], 16)
        elif name in ("bl", "blr", "br", "ret", "eret"):
            effect.flow = {"bl": "call", "blr": "call", "eret": "return"}.get(name, "computed")
        elif name == "mrs":
            effect.sets = [(operands[0], ("read", operands[1]) if operands[1] in self.followed else ("other",))]
        elif name == "msr":
            value = ("copy", operands[1]) if operands[1] != "xzr" else ("const", 0)
            effect.specials = [(operands[0], value) if operands[0] in self.followed else ("memory", ("other",))]
        elif name in self.arithmetic:
            if name not in self.compares and self.register(operands[0]):
                effect.sets = [(self.register(operands[0]), self.arithmetic_value(name, operands))]
        else:
            effect.known = name in self.harmless or i.text in self.harmless
        return effect

    def memory(self, effect, name, operands):
        at = next(n for n, o in enumerate(operands) if "[" in o)
        inside = [o.strip() for o in operands[at].strip("[]!").split(",")]
        base, number = inside[0], inside[1] if len(inside) > 1 else "#0"
        offset = int(number[1:], 0) if number.startswith("#") else None
        for n, operand in enumerate(operands[:at]):
            whole = operand[0] == "x" and not re.search("s[bhw]$|b$|h$", name) and offset is not None
            register = self.register(operand)
            place = offset + 8 * n if whole else None
            if name.startswith("st"):
                value = (register or "zero") if whole else None
                effect.stores.append((base, place, value))
            elif register:
                effect.sets.append((register, ("load", base, place) if whole else ("other",)))
        if operands[at].endswith("!"):
            effect.sets.append((base, ("plus", base, offset)))
        elif at + 1 < len(operands):
            effect.sets.append((base, ("plus", base, int(operands[at + 1][1:], 0))))

    def arithmetic_value(self, name, operands):
        if name == "movz" and len(operands) == 2:
            return ("const", int(operands[1][1:], 0))
        if name == "orr" and operands[1:2] == ["xzr"] and len(operands) == 3 and self.register(operands[2]):
            return ("copy", operands[2])
        if name == "add" and operands[0][0] != "w" and len(operands) == 3 and operands[2].startswith("#"):
            return ("plus", operands[1], int(operands[2][1:], 0))
        return ("other",)

    def stack_is_moved(self, function, effect, state):
        """Whether this reads the thread, stores into its frame, loads its zeroes, or makes another
        register's value the thread. What a compiler does with a stack is none of these."""
        stores = all(base != "sp" or register != "sp" and function.frame_word(state, base, offset)
                     for base, offset, register in effect.stores)
        loads = all(what[0] != "load" or what[1] != "sp" or what[2] in self.zero_words for _, what in effect.sets)
        copies = [what for register, what in effect.sets if register == "sp" or what[:2] == ("plus", "sp")]
        return stores and loads and all(what[0] == "plus" and what[2] == 0 for what in copies) and \
            (function.kind == "switch" or all(register != "sp" for register, _ in effect.sets))


ARCHITECTURES = {"riscv64": Riscv64, "aarch64": Aarch64}

ENTRY = "trap_entry"
# What each function may do besides declining: go on as another thread, or as the same one.
FUNCTIONS = {"fast_call": "switch", "fast_reply_recv": "switch", "fast_call_long": "switch",
             "fast_reply_recv_long": "switch", "fast_signal_wake": "switch", "fast_yield_to": "switch",
             "fast_signal": "resume", "fast_poll": "resume", "fast_yield": "resume"}
# Where a path may end, and as what.
ENDS = {"switch": {"fast_declined": "untouched", "fast_declined_loading": "loading", "leave_to": "leave"},
        "resume": {"fast_declined_unsaved": "unsaved", "fast_signal_wake": "unsaved", "fast_yield_to": "unsaved",
                   "fast_resume_event": "event"},
        "entry": {"fast_call": "entered", "fast_reply_recv": "entered", "fast_call_long": "entered",
                  "fast_reply_recv_long": "entered", "fast_signal": "entered", "fast_poll": "entered",
                  "fast_yield": "entered", "fast_declined_unsaved": "entered",
                  "null_call": "entered", "not_a_syscall": "entered"}}


# ---- What is known at one place of the code ----


class State(dict):
    """Values by place: a register, a special register, ("frame", offset) of the current thread, and
    "memory", which is the rest of the world. A value has a name:
       ("entry", place)                what was there at the function's start
       ("const", n), ("plus", value, n)
       ("load", address, base, n)      what the instruction at `address` loaded from base + n
       ("new", address)                whatever the instruction at `address` made
       ("join", address, place)        one of several, which came together there
       None                            perhaps what was there at the start
    Two places with the same name that is not None have the same value. In loops too: where a value is
    made, some path arrives for the first time, so no name that all paths agree on is from an
    earlier round."""

    def __missing__(self, place):
        return ("entry", place)

    def describe(self, what, address):
        """The value that a description of Effect means here."""
        kind = what[0]
        if kind == "copy":
            return ("const", 0) if what[1] == "zero" else self[what[1]]
        if kind == "read":
            return self[what[1]]
        if kind == "plus":
            return self[what[1]] if what[2] == 0 else ("plus", self[what[1]], what[2])
        if kind == "load":
            return ("load", address, self[what[1]], what[2])
        return what if kind == "const" else ("new", address)

    def after(self, i, effect, frame_word):
        """The state behind an instruction. `frame_word` says which place a store goes to, if any."""
        sets = [(place, self.describe(what, i.address)) for place, what in effect.sets + effect.specials]
        stores = [(frame_word(self, base, offset), register) for base, offset, register in effect.stores]
        state = State(self)
        for place, register in stores:
            value = state.describe(("copy", register), 0) if register else ("new", i.address)
            state[place or "memory"] = value if place else ("new", i.address)
        state.update(sets)
        return state

    @staticmethod
    def join(states, before, address):
        """What is known at an address that several paths come to; `before`: what was known so far,
        of which this never takes anything back, so that it comes to an end."""
        if len(states) == 1:
            return states[0]
        joined = State()
        for place in set().union(*states):
            name = ("join", address, place)
            values = {state[place] for state in states}
            if None in values or len(values) > 1 and ("entry", place) in values or before[place] is None:
                joined[place] = None
            else:
                joined[place] = values.pop() if len(values) == 1 and before[place] != name else name
        return joined


# ---- The proof ----


class Error(NamedTuple):
    function: str
    instruction: Instruction
    rule: str
    text: str

    def __str__(self):
        return f'{self.function}, {self.instruction.address:x}, "{self.instruction.text}": {self.rule}: {self.text}'


class Function:
    """The proof for one function: everything known everywhere, then every rule everywhere."""

    def __init__(self, program, name, kind):
        self.program, self.arch, self.name, self.kind = program, program.arch, name, kind
        self.start, self.size = program.symbols[name]
        self.thread = ("entry", self.arch.entered if kind == "entry" else self.arch.thread)
        self.ends = {program.symbols[label][0]: (label, how) for label, how in ENDS[kind].items()
                     if label in program.symbols}
        self.frame = {offset: register for register, offset in self.arch.frame.items()}
        self.states = {}        # address -> state before the instruction
        self.reached = set()    # labels where paths end
        self.errors = []
        self.blamed = set()     # (rule, register): said once

    def frame_word(self, state, base, offset):
        if state[base] == self.thread and (offset in self.frame or offset == self.arch.frame_pc):
            return ("frame", offset)
        return None

    def prove(self):
        arriving = {self.start: {None: State()}}    # address -> the address before it -> state
        waiting = [self.start]
        while waiting:
            address = heapq.heappop(waiting)
            known = self.states.get(address)
            state = State.join(list(arriving[address].values()), known or State(), address)
            if state == known:
                continue
            self.states[address] = state
            i, effect = self.program.at(address)
            if i is None:
                continue
            after = state.after(i, effect, self.frame_word)
            for to in self.successors(i, effect):
                if self.inside(to):
                    arriving.setdefault(to, {})[address] = after
                    heapq.heappush(waiting, to)
        for address in sorted(self.states):
            i, effect = self.program.at(address)
            if i is None:
                self.errors.append(Error(self.name, Instruction(address, 0, "", [], "?"), "flow",
                                         "there is no instruction here"))
            else:
                self.check(i, effect, self.states[address])
        return self.errors

    def inside(self, address):
        return address not in self.ends and (self.kind == "entry" or
                                             self.start <= address < self.start + self.size)

    def successors(self, i, effect):
        if effect.flow in ("call", "computed", "return"):
            return []
        return {"branch": [effect.target, i.next], "jump": [effect.target]}.get(effect.flow, [i.next])

    def fail(self, i, rule, text, register=None):
        if register is not None:
            if (rule, register) in self.blamed:
                return
            self.blamed.add((rule, register))
        self.errors.append(Error(self.name, i, rule, text))

    # ---- One instruction ----

    def check(self, i, effect, state):
        arch = self.arch
        if not effect.known:
            self.fail(i, "unknown", "tools/check_fastpath.py does not know what this does")
        if effect.flow == "call":
            self.fail(i, "flow", "is a call")
        if effect.flow == "computed":
            self.fail(i, "flow", "jumps to an address that is computed")
        if arch.stack in effect.uses and not arch.stack_is_moved(self, effect, state):
            self.fail(i, "stack", "uses the stack pointer")
        else:
            for register, what in effect.sets:
                self.check_write(i, state, register, what)
        if any(state[base] == self.thread and offset in arch.zero_words for base, offset, _ in effect.stores):
            self.fail(i, "scratch", "writes a word of the frame that has to stay zero")
        after = state.after(i, effect, self.frame_word)
        for to in self.successors(i, effect):
            if to in self.ends:
                label, how = self.ends[to]
                self.reached.add(label)
                getattr(self, "end_" + how)(i, after, label)
            elif not self.inside(to):
                self.fail(i, "flow", f"leaves the function for {self.program.place(to)}")
        if effect.flow == "return":
            getattr(self, "return_" + self.kind)(i, after)

    def check_write(self, i, state, register, what):
        arch = self.arch
        if register == arch.thread and register == arch.stack:
            return  # stack_is_moved() has looked at it
        if self.kind == "entry" and register not in arch.entry_scratch:
            self.fail(i, "decline", f"the entry writes {register}, and may write only "
                      f"{' and '.join(arch.entry_scratch)}", register)
        elif register in arch.message:
            self.fail(i, "message", f"writes the message register {register}", register)
        elif self.kind == "switch":
            offset = arch.frame_pc if register in arch.loaded_as_pc else arch.frame.get(register)
            if register in arch.kept and (what[0] != "load" or what[2] != offset):
                self.fail(i, "kept", f"writes {register}, which only the exit may load from its frame", register)
            elif register in arch.saved and state[("frame", offset)] != ("entry", register):
                self.fail(i, "saved", f"writes {register} before it is saved", register)
        elif self.kind == "resume" and register == arch.result:
            following = self.program.at(i.next)[1]
            if what != ("const", 0) or following is None or following.flow != "return":
                self.fail(i, "message", f"writes {register} other than with 0 right before the return", register)
        elif self.kind == "resume" and register not in arch.scratch:
            self.fail(i, "saved", f"writes {register}, but nothing is saved here", register)

    # ---- Ends of paths ----

    def unchanged(self, i, state, registers, rule, before):
        for register in registers:
            if state[register] != ("entry", register):
                self.fail(i, rule, f"{before} with {register} changed", register)

    def behind_call(self):
        """Where the program goes on."""
        came = ("entry", self.arch.resume)
        return ("plus", came, self.arch.call_size) if self.arch.call_size else came

    def frame_complete(self, i, state, rule, before):
        places = [(register, offset, ("entry", register)) for register, offset in self.arch.frame.items()]
        for what, offset, value in [*places, ("the program counter", self.arch.frame_pc, self.behind_call())]:
            if state[("frame", offset)] != value:
                self.fail(i, rule, f"{before} without {what} in the current thread's frame", what)

    def declined(self, i, state, label):
        """What is the same for all ways to decline: the world is as it was."""
        arch, before = self.arch, f"declines to {label}"
        self.unchanged(i, state, [arch.result, *arch.message, *arch.kept_in_place], "decline", before)
        for place in ("memory", arch.root, arch.resume, *arch.specials):
            if state[place] != ("entry", place):
                what = "something in memory" if place == "memory" else place
                self.fail(i, "decline", f"{before} after it has changed {what}")
        if state[arch.thread] != self.thread:
            self.fail(i, "decline", f"{before} without the thread in {arch.thread}")

    def end_loading(self, i, state, label):
        self.declined(i, state, label)
        self.frame_complete(i, state, "decline", f"declines to {label}")

    def end_untouched(self, i, state, label):
        self.end_loading(i, state, label)
        self.unchanged(i, state, self.arch.saved + self.arch.kept, "decline", f"declines to {label}")

    def end_unsaved(self, i, state, label):
        self.declined(i, state, label)

    def end_event(self, i, state, label):
        arch = self.arch
        self.unchanged(i, state, [arch.result, *arch.message], "message", f"goes to {label}")
        for place in (arch.root, arch.resume, arch.entered):
            if state[place] != ("entry", place):
                self.fail(i, "exit", f"goes to {label} with {place} changed")
        if state[arch.thread] != self.thread:
            self.fail(i, "exit", f"goes to {label} without the thread in {arch.thread}")

    def end_entered(self, i, state, label):
        arch = self.arch
        if state[arch.thread] != self.thread:
            self.fail(i, "decline", f"goes to {label} without the thread in {arch.thread}")
        if state[arch.entered] != ("entry", arch.thread):
            self.fail(i, "decline", f"goes to {label} without the program's {arch.thread} in {arch.entered}")
        for register, offset in arch.entry_borrows.items():
            if state[("frame", offset)] != ("entry", register):
                self.fail(i, "decline", f"goes to {label} without the program's {register} in the frame")

    def root_written(self, i, state):
        if state[self.arch.root] in (None, ("entry", self.arch.root)):
            self.fail(i, "exit", f"runs a thread without writing {self.arch.root}")

    def end_leave(self, i, state, label):
        self.frame_complete(i, state, "exit", f"goes to {label}")
        self.root_written(i, state)
        if state[self.arch.leave_next] in (None, ("entry", self.arch.leave_next)):
            self.fail(i, "exit", f"goes to {label} without a thread in {self.arch.leave_next}")

    def scratch_clear(self, i, state):
        """Zero, or as the program left it; what the entry has used is the program's no more."""
        arch, following = self.arch, state[self.arch.entered]
        for register in arch.scratch:
            value = state[register]
            zero = value == ("const", 0) or value is not None and value[0] == "load" and \
                value[2] == following and value[3] in arch.zero_words
            untouched = value == ("entry", register) and self.kind == "resume" and register not in arch.entry_scratch
            if not zero and not untouched:
                self.fail(i, "scratch", f"returns with something in {register}", register)

    def return_switch(self, i, state):
        arch, following = self.arch, state[self.arch.entered]

        def from_frame(value, offset):
            return value is not None and value[0] == "load" and value[2:] == (following, offset)

        self.root_written(i, state)
        if following is None or following == ("entry", arch.entered) and following != self.thread:
            self.fail(i, "exit", f"returns without a thread in {arch.entered}")
            return
        for register, offset in [*arch.frame.items(), *((r, arch.frame_pc) for r in arch.loaded_as_pc)]:
            if not from_frame(state[register], offset):
                self.fail(i, "exit", f"returns without {register} from the frame of the thread in {arch.entered}",
                          register)
        if not from_frame(state[arch.resume], arch.frame_pc):
            self.fail(i, "exit", f"returns without {arch.resume} from the frame of the thread in {arch.entered}")
        self.frame_complete(i, state, "exit", "returns")
        if state[arch.result] in (None, ("entry", arch.result)):
            self.fail(i, "exit", f"returns without a result in {arch.result}")
        for special in arch.cleared:
            if state[special] != ("const", 0):
                self.fail(i, "exit", f"returns without clearing {special}", special)
        self.scratch_clear(i, state)

    def return_resume(self, i, state):
        arch = self.arch
        if state[arch.entered] != self.thread:
            self.fail(i, "exit", f"returns without the thread in {arch.entered}")
        if state[arch.resume] != self.behind_call():
            self.fail(i, "exit", f"returns without {arch.resume} behind the system call")
        for special in arch.specials:
            if state[special] != ("entry", special):
                self.fail(i, "exit", f"returns with {special} changed", special)
        if state[arch.result] != ("const", 0):
            self.fail(i, "exit", f"returns without a result in {arch.result}", arch.result)
        self.scratch_clear(i, state)

    def return_entry(self, i, state):
        self.fail(i, "flow", "returns before it has branched")


class Program:
    """A kernel's symbols, and its instructions from the entry to the end of the last function."""

    def __init__(self, arch, path, objdump):
        self.arch = arch
        with open(path, "rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            if table is None:
                raise SystemExit(f"fast path: {path} has no symbols")
            self.symbols = {s.name: (s["st_value"], s["st_size"]) for s in table.iter_symbols()
                            if s.name and s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["type"] != "STT_FILE"}
        missing = [name for name in (ENTRY, *FUNCTIONS) if name not in self.symbols]
        if missing:
            raise SystemExit(f"fast path: {path} lacks {', '.join(missing)}")
        starts = [self.symbols[name] for name in (ENTRY, *FUNCTIONS)]
        self.start, self.end = min(s for s, _ in starts), max(s + size for s, size in starts)
        command = [objdump or arch.objdump, *arch.disassemble, f"--start-address={self.start:#x}",
                   f"--stop-address={self.end:#x}", path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"fast path: {' '.join(command)} failed: {done.stderr.strip()}")
        self.instructions = {}
        for line in done.stdout.splitlines():
            self.add(line)

    def add(self, line):
        found = re.fullmatch(r"\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(\S+)\s*(.*)", line)
        if not found:
            return
        address, size = int(found[1], 16), len(found[2].replace(" ", "")) // 2
        text = found[4].split(self.arch.comment)[0].strip()
        operands = [o.strip() for o in re.split(r",(?![^\[]*\])", text)] if text else []
        i = Instruction(address, address + size, found[3], operands, f"{found[3]} {text}".strip())
        self.instructions[address] = (i, self.arch.effect(i))

    def at(self, address):
        return self.instructions.get(address, (None, None))

    def place(self, address):
        """An address as a person would say it."""
        name, (start, _) = max(((n, s) for n, s in self.symbols.items() if s[0] <= address and not n.startswith("$")),
                               key=lambda s: s[1][0], default=("?", (0, 0)))
        return name if start == address else f"{name}+{address - start:#x}"


def check(arch, path, objdump=None):
    """Returns the errors, and what can be said of a kernel without any."""
    program = Program(arch, path, objdump)
    functions = [Function(program, ENTRY, "entry"), *(Function(program, n, k) for n, k in FUNCTIONS.items())]
    errors = [error for function in functions for error in function.prove()]
    first = program.at(program.symbols[ENTRY][0])[0]
    for label in FUNCTIONS:
        if label in ENDS["entry"] and label not in functions[0].reached:
            errors.append(Error(ENTRY, first, "flow", f"never branches to {label}"))
    if program.end - program.start > arch.reach:
        errors.append(Error(ENTRY, first, "reach", f"the fast path is {program.end - program.start} bytes long from "
                            f"here on, a conditional branch reaches {arch.reach}"))
    count = sum(len(function.states) for function in functions)
    return errors, f"{count} instructions in {len(functions)} functions, {program.end - program.start} of " \
                   f"{arch.reach} bytes"


def main():
    parser = argparse.ArgumentParser(description="Proves that the compiled fast path keeps its promises.")
    parser.add_argument("kernel", help="the linked kernel")
    parser.add_argument("--arch", required=True, choices=sorted(ARCHITECTURES))
    parser.add_argument("--objdump", help="the disassembler")
    options = parser.parse_args()
    errors, summary = check(ARCHITECTURES[options.arch](), options.kernel, options.objdump)
    for error in errors:
        print(f"fast path: {error}", file=sys.stderr)
    if not errors:
        print(f"fast path: ok ({summary})")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

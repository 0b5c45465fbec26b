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


class Architecture:
    """What is nothing for most."""
    begins = {}                 # places that functions find with something else than they are named for
    borrowed = {}               # message registers that a function may write if it gives them back
    lost = {}                   # those of a function that has no message to hand on
    kept_in_place = []          # of those kept, what the slow path does not load again
    specials = []               # special registers that are the program's
    cleared = []                # special registers that the exit sets to zero
    swapped = []                # and those that the way in put aside, and the way out brings back
    at_exit = {}                # what else has to be where when the kernel is left
    zero_words = []             # of the frame: where the exit loads zeroes from
    saved_early = {}            # what even functions that save nothing may use, once it is in the frame
    entry_leaves = {}           # what functions find because of the entry

    @staticmethod
    def own_word(state, base, offset):
        """A place for this word of memory, if it is the kernel's and of no meaning to anyone else."""
        return None


class Riscv64(Architecture):
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
    frame = {"sp": 0, "tp": 16, "gp": 24, **{f"s{n}": 32 + 8 * n for n in range(12)}}
    frame_pc = 8
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


class Aarch64(Architecture):
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


class X86_64(Architecture):
    objdump = "x86_64-linux-gnu-objdump"
    disassemble = ["-d", "-w", "-M", "intel"]
    comment = "#"
    reach = 1 << 31

    stack = "rsp"               # the kernel's, once the entry has loaded it
    thread = "r11"
    entered = "gs:0"
    begins = {"r11": ("entry", "gs:0"), "rsp": ("stack",), ("frame", 0): ("entry", "rsp")}
    root = "cr3"
    resume = "rcx"
    call_size = 0               # it is behind the instruction already
    result = "rdi"
    message = ["rsi", "rdx", "r8", "r9", "r10", "rax"]
    borrowed = {"fast_call_long": ["rsi"], "fast_reply_recv_long": ["rsi"]}     # and given back
    lost = {"fast_signal_wake": ["rax", "rdx"], "fast_yield_to": ["rax", "rdx"]}    # there is no message
    scratch = []
    saved = ["rbx", "r12", "r13", "r14", "r15"]
    kept = ["rsp", "rbp"]
    kept_in_place = ["rbp"]
    specials = ["fsbase", "gs", "gsbase"]
    cleared = ["gsbase"]
    swapped = ["gsbase"]
    at_exit = {"r11": ("const", 0x202), "gs": ("const", "swapped")}
    frame = {"rsp": 0, "fsbase": 16, "rbx": 24, "rbp": 32, "r12": 40, "r13": 48, "r14": 56, "r15": 64}
    frame_pc = 8
    loaded_as_pc = ["rcx"]
    saved_early = {"rcx": 8, "rbx": 24}
    entry_scratch = ["r11", "rsp", "rcx"]
    entry_leaves = {"gs:0": ("entry", "gs:0"), "rsp": ("entry", "gs:32"), "gs": ("const", "swapped")}
    entry_borrows = {"rsp": 0}
    leave_next = "rax"
    stackless = ["fast_call", "fast_reply_recv"]

    loads = ["mov", "movabs"]
    arithmetic = "adc add and andn bsf bts btr dec imul inc lea neg not or rol ror sar sarx sbb shl shld shlx shr shrd shrx " \
                 "sub tzcnt xor movzx movsx movsxd".split()
    compares = ["bt", "cmp", "test"]
    harmless = ["nop", "cs", "data16"]
    parts = {part: name for name, *others in
             [(f"r{c}x", f"e{c}x", f"{c}x", f"{c}l", f"{c}h") for c in "abcd"] +
             [(f"r{n}", f"e{n}", n, f"{n}l") for n in ("si", "di", "bp", "sp")] +
             [(f"r{n}", f"r{n}d", f"r{n}w", f"r{n}b") for n in range(8, 16)] for part in (name, *others)}

    def register(self, name):
        return self.parts.get(name)

    def effect(self, i):
        name, operands = i.name, i.operands
        effect = Effect(uses={self.parts[w] for o in operands for w in re.findall(r"\w+", o) if w in self.parts})
        to = operands[0] if operands else ""
        if name == "jmp" or name.startswith("j"):
            direct = re.match(r"[0-9a-f]+( |$)", to)
            effect.flow = "computed" if not direct else "jump" if name == "jmp" else "branch"
            effect.target = int(to.split()[0], 16) if direct else 0
        elif name in ("call", "ret", "sysretq", "iretq"):
            effect.flow = {"call": "call", "sysretq": "return"}.get(name, "computed")
        elif name == "swapgs":
            effect.specials = [("gs", ("const", "swapped")), ("gsbase", ("other",))]
        elif name in ("rdfsbase", "rdgsbase"):
            effect.sets = [(to, ("read", name[2:]))]
        elif name in ("wrfsbase", "wrgsbase"):
            effect.specials = [(name[2:], ("copy", to))]
        elif name == "rdtsc":
            effect.sets = [("rax", ("other",)), ("rdx", ("other",))]
        elif i.text.startswith("rep movs"):
            effect.sets = [(r, ("other",)) for r in ("rcx", "rsi", "rdi")]
            effect.stores = [("rdi", None, None)]
        elif name == "push":
            effect.sets, effect.stores = [("rsp", ("plus", "rsp", -8))], [("rsp", -8, self.register(to))]
            effect.uses.add("rsp")
        elif name == "pop" and to in self.parts:
            effect.sets = [(to, ("load", "rsp", 0)), ("rsp", ("plus", "rsp", 8))]
            effect.uses.add("rsp")
        elif to == "cr3":
            effect.specials = [("cr3", ("copy", operands[1]))]
        elif name in self.loads or name in self.arithmetic or re.match("cmov|set", name):
            self.assign(effect, name, operands)
        else:
            effect.known = name in self.compares or name in self.harmless
        return effect

    def assign(self, effect, name, operands):
        to, source = operands[0], operands[1] if len(operands) > 1 else ""
        if to in self.parts:
            whole = to == self.parts[to] or re.fullmatch(r"e..|r\d+d", to)   # 32 bits clear the others
            effect.sets = [(self.parts[to], self.value(name, to, operands) if whole else ("other",))]
            return
        segment, base, offset = self.address(to)
        if segment == "gs" and base is None:
            effect.specials = [(f"gs:{offset}", ("copy", source)) if name == "mov" else ("memory", ("other",))]
        elif name == "mov" and to.startswith("QWORD") and self.register(source) == source:
            effect.stores = [(base, offset, source)]
        else:
            effect.stores = [(base, offset, None)]

    def value(self, name, to, operands):
        source = operands[1] if len(operands) > 1 else ""
        number = re.fullmatch(r"-?0x[0-9a-f]+", source)
        if name in self.loads and number:
            return ("const", int(source, 0))
        if name == "xor" and to == source:
            return ("const", 0)
        if to != self.parts[to]:
            return ("other",)
        if name in self.loads and source in self.parts:
            return ("copy", source)
        if name in ("add", "sub") and number:
            return ("plus", to, int(source, 0) * (1 if name == "add" else -1))
        if "[" in source or ":" in source:
            segment, base, offset = self.address(source)
            if name == "lea" and base and offset is not None:
                return ("plus", base, offset)
            if name == "mov" and segment == "gs" and base is None:
                return ("read", f"gs:{offset}")
            if name == "mov" and base and offset is not None:
                return ("load", base, offset)
        return ("other",)

    def address(self, operand):
        """(segment, base, offset) of a memory operand; offset None where an index is added."""
        found = re.search(r"(?:(\w+):)?(?:\[(.*)\]|(0x[0-9a-f]+))$", operand)
        segment, inside, absolute = found.groups()
        if absolute:
            return segment, None, int(absolute, 0)
        terms = re.findall(r"[+-]?[^+-]+", inside)
        registers = [t.lstrip("+") for t in terms if t.lstrip("+-").split("*")[0] in self.parts]
        offset = sum(int(t, 0) for t in terms if re.fullmatch(r"[+-]?0x[0-9a-f]+", t))
        plain = len(registers) == 1 and "*" not in registers[0] and len(terms) <= 2
        return segment, registers[0].split("*")[0] if registers else "rip", offset if plain else None

    @staticmethod
    def own_word(state, base, offset):
        """The word of the kernel's stack that this is, if it is one."""
        value = state[base]
        if value == ("stack",):
            value = ("plus", value, 0)
        if value is not None and value[:2] == ("plus", ("stack",)) and offset is not None:
            return ("stack", value[2] + offset)
        return None

    def stack_is_moved(self, function, effect, state):
        """Whether this saves and loads the program's, or uses the kernel's where the function may."""
        loads = [what for register, what in effect.sets if register == "rsp"]
        if function.kind == "entry":
            stored = all(function.frame_word(state, base, offset) == ("frame", 0) for base, offset, _ in effect.stores)
            return stored and all(what == ("read", "gs:32") for what in loads) and bool(loads or effect.stores)
        if any(what[0] == "load" and what[1] != "rsp" for what in loads):
            return True
        return function.name not in self.stackless and self.own_word(state, "rsp", 0) is not None


ARCHITECTURES = {"riscv64": Riscv64, "aarch64": Aarch64, "x86_64": X86_64}

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

    def describe(self, what, address, known_word):
        """The value that a description of Effect means here."""
        kind = what[0]
        if kind == "copy":
            return ("const", 0) if what[1] == "zero" else self[what[1]]
        if kind == "read":
            return self[what[1]]
        if kind == "plus":
            value, number = self[what[1]], what[2]
            if value is not None and value[0] == "plus":
                value, number = value[1], value[2] + number
            return value if number == 0 else ("plus", value, number)
        if kind == "load":
            place = known_word(self, what[1], what[2])
            return self[place] if place in self else ("load", address, self[what[1]], what[2])
        return what if kind == "const" else ("new", address)

    def after(self, i, effect, known_word):
        """The state behind an instruction. `known_word` says which place a word of memory is, if any."""
        sets = [(place, self.describe(what, i.address, known_word)) for place, what in effect.sets + effect.specials]
        stores = [(known_word(self, base, offset), register) for base, offset, register in effect.stores]
        state = State(self)
        for place, register in stores:
            value = state.describe(("copy", register), 0, known_word) if register else ("new", i.address)
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
        self.begins = State({} if kind == "entry" else self.arch.begins)
        self.thread = ("entry", self.arch.entered) if kind == "entry" else self.begins[self.arch.thread]
        self.ends = {program.symbols[label][0]: (label, how) for label, how in ENDS[kind].items()
                     if label in program.symbols}
        self.frame = {offset: register for register, offset in self.arch.frame.items()}
        self.lost = self.arch.lost.get(name, [])
        self.may_write_message = [*self.arch.borrowed.get(name, []), *self.lost]
        self.states = {}        # address -> state before the instruction
        self.reached = set()    # labels where paths end
        self.errors = []
        self.blamed = set()     # (rule, register): said once

    def frame_word(self, state, base, offset):
        if state[base] == self.thread and (offset in self.frame or offset == self.arch.frame_pc):
            return ("frame", offset)
        return None

    def known_word(self, state, base, offset):
        return self.frame_word(state, base, offset) or self.arch.own_word(state, base, offset)

    def prove(self):
        arriving = {self.start: {None: self.begins}}    # address -> the address before it -> state
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
            after = state.after(i, effect, self.known_word)
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
        after = state.after(i, effect, self.known_word)
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
        if register == arch.stack and (register == arch.thread or what[:2] == ("plus", register)):
            return  # stack_is_moved() has looked at it
        if self.kind == "entry" and register not in arch.entry_scratch:
            self.fail(i, "decline", f"the entry writes {register}, and may write only "
                      f"{' and '.join(arch.entry_scratch)}", register)
        elif register in arch.message and register not in self.may_write_message:
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
        elif self.kind == "resume" and register not in [*arch.scratch, *arch.at_exit]:
            early = register in arch.saved_early and self.is_early(state, register)
            loaded = what[0] == "load" and what[2] == arch.frame.get(register)
            if not early and not loaded:
                self.fail(i, "saved", f"writes {register}, but nothing is saved here", register)

    def is_early(self, state, register):
        return state[("frame", self.arch.saved_early[register])] == ("entry", register)

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
        for place in ("memory", arch.root, *self.still(arch.resume), *arch.specials):
            if state[place] != ("entry", place):
                what = "something in memory" if place == "memory" else place
                self.fail(i, "decline", f"{before} after it has changed {what}")
        if state[arch.thread] != self.thread:
            self.fail(i, "decline", f"{before} without the thread in {arch.thread}")

    def still(self, *places):
        """Those of these places that have to be as they came even where they are in the frame early."""
        return [place for place in places if place not in self.arch.saved_early]

    def early(self, i, state, label):
        """What may be in the frame already is there; for a function it has to be in place too."""
        for register in self.arch.saved_early:
            if label in FUNCTIONS:
                self.unchanged(i, state, [register], "decline", f"goes to {label}")
            elif not self.is_early(state, register):
                self.fail(i, "decline", f"goes to {label} without {register} in the frame", register)

    def end_loading(self, i, state, label):
        self.declined(i, state, label)
        self.frame_complete(i, state, "decline", f"declines to {label}")

    def end_untouched(self, i, state, label):
        self.end_loading(i, state, label)
        self.unchanged(i, state, self.arch.saved + self.arch.kept, "decline", f"declines to {label}")

    def end_unsaved(self, i, state, label):
        self.declined(i, state, label)
        self.unchanged(i, state, self.arch.saved, "decline", f"declines to {label}")
        self.early(i, state, label)

    def end_event(self, i, state, label):
        arch = self.arch
        self.unchanged(i, state, [arch.result, *arch.message], "message", f"goes to {label}")
        for place in (arch.root, *self.still(arch.resume), arch.entered, *arch.specials):
            if state[place] != ("entry", place):
                self.fail(i, "exit", f"goes to {label} with {place} changed")
        self.early(i, state, label)
        if state[arch.thread] != self.thread:
            self.fail(i, "exit", f"goes to {label} without the thread in {arch.thread}")

    def end_entered(self, i, state, label):
        arch = self.arch
        if state[arch.thread] != self.thread:
            self.fail(i, "decline", f"goes to {label} without the thread in {arch.thread}")
        if arch.entered not in arch.entry_leaves and state[arch.entered] != ("entry", arch.thread):
            self.fail(i, "decline", f"goes to {label} without the program's {arch.thread} in {arch.entered}")
        for place, value in arch.entry_leaves.items():
            if state[place] != value:
                self.fail(i, "decline", f"goes to {label} without what has to be in {place}", place)
        self.early(i, state, label)
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
            if following == self.thread and value == state[("frame", offset)]:
                return True
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
        self.unchanged(i, state, [r for r in arch.message if r not in self.lost], "message", "returns")
        self.left(i, state)

    def left(self, i, state):
        for place, value in self.arch.at_exit.items():
            if state[place] != value:
                self.fail(i, "exit", f"returns without what has to be in {place}", place)
        self.scratch_clear(i, state)

    def return_resume(self, i, state):
        arch = self.arch
        if state[arch.entered] != self.thread:
            self.fail(i, "exit", f"returns without the thread in {arch.entered}")
        if state[arch.resume] != self.behind_call():
            self.fail(i, "exit", f"returns without {arch.resume} behind the system call")
        self.unchanged(i, state, arch.frame, "exit", "returns")
        for special in arch.specials:
            sound = [("entry", special)] + ([("const", 0)] if special in arch.cleared else [])
            aside = special in arch.frame or special in arch.at_exit or special in arch.swapped
            if not aside and state[special] not in sound:
                self.fail(i, "exit", f"returns with {special} changed", special)
        if state[arch.result] != ("const", 0):
            self.fail(i, "exit", f"returns without a result in {arch.result}", arch.result)
        self.left(i, state)

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

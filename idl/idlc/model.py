# SPDX-License-Identifier: BSD-2-Clause
"""The checked form of an interface file: what the templates read."""

import re
from dataclasses import dataclass, field

PRIMITIVES = {
    "u8": 1, "u16": 2, "u32": 4, "u64": 8,
    "i8": 1, "i16": 2, "i32": 4, "i64": 8,
    "bool": 1,
}
C_PRIMITIVES = {
    "u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t",
    "i8": "int8_t", "i16": "int16_t", "i32": "int32_t", "i64": "int64_t",
    "bool": "bool",
}


def snake(name):
    """CNode -> cnode, VSpace -> vspace, SchedContext -> sched_context, IrqHandler -> irq_handler."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return name.lower()


@dataclass
class Type:
    """kind: int, enum, flags, struct, array, bytes, string, cap, thread (in trace events).

    size and align are bytes in memory; `bound` is the number of elements of an array, or the
    greatest length of bytes or a string.
    """

    kind: str
    name: str
    size: int = 8
    align: int = 8
    bound: int = 0
    element: "Type | None" = None
    right: str = ""
    optional: bool = False
    decl: object = None

    @property
    def c(self):
        if self.kind == "int":
            return C_PRIMITIVES[self.name]
        if self.kind == "enum":
            return f"enum {self.decl.c}"
        if self.kind == "flags":
            return C_PRIMITIVES[self.decl.base.name]
        if self.kind == "struct":
            return f"struct {self.decl.c}"
        if self.kind == "cap":
            return "cptr_t"
        raise AssertionError(self.kind)

    @property
    def c_stored(self):
        """In a struct an enum has its declared width."""
        return C_PRIMITIVES[self.decl.base.name] if self.kind == "enum" else self.c

    @property
    def scalar(self):
        return self.kind in ("int", "enum", "flags")

    @property
    def checked(self):
        """Whether memory of this type can hold a value that it does not have."""
        if self.kind == "array":
            return self.element.checked
        if self.kind == "struct":
            return any(f.type.checked for f in self.decl.fields)
        return self.kind in ("enum", "flags") or self.name == "bool"

    def refused(self, value):
        """The C condition that the number `value` is none of this type; nothing where all are."""
        if self.kind == "enum":
            numbers = sorted(m.value for m in self.decl.members)
            first, last = numbers[0], numbers[-1]
            if last - first + 1 != len(numbers):
                return " && ".join(f"{value} != {n}ul" for n in numbers)
            return f"{value} - {first}ul > {last - first}ul" if first else f"{value} > {last}ul"
        if self.kind == "flags":
            return f"({value} & ~{hex(sum(m.value for m in self.decl.members))}ul) != 0"
        if self.name == "bool":
            return f"{value} > 1ul"
        if self.size == 8:
            return ""
        if self.name.startswith("i"):
            return f"{value} != (uint64_t)({self.c}){value}"
        return f"{value} > {(1 << 8 * self.size) - 1}ul"

    @property
    def words(self):
        """Message words at most: a scalar takes one, bytes and strings a length and their data."""
        if self.scalar:
            return 1
        if self.kind in ("bytes", "string"):
            return 1 + (self.bound + 7) // 8
        if self.kind == "cap":
            return 0
        return (self.size + 7) // 8

    @property
    def text(self):
        """As it is written in the interface file."""
        if self.kind == "array":
            return f"{self.element.text}[{self.bound}]"
        if self.kind in ("bytes", "string"):
            return f"{self.kind}[{self.bound}]"
        if self.kind == "cap":
            return f"cap {self.name}{'.' + self.right if self.right else ''}{'?' if self.optional else ''}"
        return self.name


@dataclass
class Named:
    name: str
    docs: str
    place: object

    @property
    def c(self):
        return snake(self.name)

    @property
    def upper(self):
        return snake(self.name).upper()

    @property
    def summary(self):
        """The first sentence of the documentation."""
        return re.split(r"(?<=[.:])\s", self.docs, maxsplit=1)[0]


class InLibrary(Named):
    """A type: outside the kernel's library its C name begins with the library's."""

    library = "kernel"

    @property
    def c(self):
        own = snake(self.name)
        return own if self.library in ("kernel", own) else f"{self.library}_{own}"

    @property
    def upper(self):
        return self.c.upper()


@dataclass
class Const(Named):
    value: int = 0


@dataclass
class Member(Named):
    value: int = 0
    text: str = ""


@dataclass
class Enum(InLibrary):
    base: Type = None
    members: list = field(default_factory=list)
    is_flags: bool = False


@dataclass
class Field(Named):
    type: Type = None
    offset: int = 0


@dataclass
class Param(Named):
    type: Type = None
    number: int = 0     # counted from 1
    word: int = 0       # its first message word; behind a parameter of variable length: from its end
    behind: str = ""    # that parameter
    offset: int = 0     # of an event: where it is in the entry's words, in bytes


@dataclass
class Struct(InLibrary):
    fields: list = field(default_factory=list)
    size: int = 0
    align: int = 1


@dataclass
class Bits(Named):
    width: int = 0
    low: int = 0


@dataclass
class Layout(InLibrary):
    base: Type = None
    bits: list = field(default_factory=list)


@dataclass
class Syscall(Named):
    number: int = 0


@dataclass
class Method(Named):
    number: int = 0
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    requires: str = ""
    fast: bool = False
    owner: object = None

    @property
    def label(self):
        return self.owner.number * self.owner.label_unit + self.number

    @property
    def signature(self):
        """As it is written in the interface file."""
        def listed(params):
            return ", ".join(f"{p.name}: {p.type.text}" for p in params)
        attributes = (f" requires {self.requires}" if self.requires else "") + (" fast" if self.fast else "")
        return f"{self.name}({listed(self.inputs)}) -> ({listed(self.outputs)}){attributes}"

    @property
    def in_words(self):
        return sum(p.type.words for p in self.inputs)

    @property
    def out_words(self):
        return sum(p.type.words for p in self.outputs)

    @property
    def in_caps(self):
        return [p for p in self.inputs if p.type.kind == "cap"]

    @property
    def out_caps(self):
        return [p for p in self.outputs if p.type.kind == "cap"]

    @staticmethod
    def _in_registers(params):
        return all(p.type.scalar for p in params) and len(params) <= MIN_REGISTER_WORDS

    @property
    def request_in_registers(self):
        return self._in_registers(self.inputs)

    @property
    def reply_in_registers(self):
        return self._in_registers(self.outputs)

    @property
    def in_registers(self):
        """True where request and reply fit the message registers of every processor."""
        return self.request_in_registers and self.reply_in_registers


MIN_REGISTER_WORDS = 5   # x86-64 has five message registers, the others six
MESSAGE_WORDS = 120
EVENT_BYTES = 16


@dataclass
class Object(Named):
    number: int = 0
    size: int = 0
    rights: list = field(default_factory=list)
    methods: list = field(default_factory=list)
    label_unit = 16


@dataclass
class Interface(Named):
    number: int = 0
    methods: list = field(default_factory=list)
    library: str = ""
    label_unit = 256

    @property
    def prefix(self):
        """What its C functions begin with: library_interface, or one word where both are the same."""
        return self.c if self.c == self.library else f"{self.library}_{self.c}"

    @property
    def long_requests(self):
        return any(not m.request_in_registers for m in self.methods)

    @property
    def long_replies(self):
        return any(not m.reply_in_registers for m in self.methods)


@dataclass
class Event(Named):
    number: int = 0
    params: list = field(default_factory=list)

    def word(self, i):
        """The parameters in the i-th word of an entry, and how far each is shifted there."""
        return [(p, p.offset % 8 * 8) for p in self.params if p.offset // 8 == i]


@dataclass
class Library:
    path: str = ""
    name: str = ""
    docs: str = ""
    consts: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    structs: list = field(default_factory=list)
    layouts: list = field(default_factory=list)
    syscalls: list = field(default_factory=list)
    objects: list = field(default_factory=list)
    interfaces: list = field(default_factory=list)
    events: list = field(default_factory=list)

    @property
    def first_error(self):
        """What a server's error numbers are added to, to be told from the kernel's."""
        return 0 if self.name == "kernel" else 256

    @property
    def first_event(self):
        """What its event numbers are added to: those of a program begin with its first interface's."""
        return 0 if self.name == "kernel" else self.interfaces[0].number * Interface.label_unit

    def struct(self, name):
        return next(s for s in self.structs if s.name == name)

    @property
    def object_methods(self):
        return [(o, m) for o in self.objects for m in o.methods]

    @property
    def object_rights(self):
        return [(o, r) for o in self.objects for r in o.rights]

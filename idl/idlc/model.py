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
    """kind: int, enum, flags, struct, array (so many), list (up to so many), bytes, string, cap,
    buffer (a piece of shared memory), thread (in trace events).

    size and align are bytes in memory; `bound` is the number of elements of an array, or the
    greatest number of elements of a list, or of bytes. `name` is that of the element's type, of the
    object or interface, or a buffer's direction. `decl` is what stands behind the name: nothing for
    a kernel object. `right` is the one that a kernel method demands. `own`: a capability that the
    server gave out itself, and knows by its badge.
    """

    kind: str
    name: str
    size: int = 8
    align: int = 8
    bound: int = 0
    element: "Type | None" = None
    right: str = ""
    own: bool = False
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
            return f"struct {self.decl.prefix}" if self.decl else "cptr_t"
        if self.kind in ("bytes", "string"):
            return "char"
        if self.kind in ("array", "list"):
            return self.element.c_stored
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
        if self.kind in ("array", "list"):
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
    def counted(self):
        """Of variable length: a word says how many elements or bytes come behind it."""
        return self.kind in ("bytes", "string", "list")

    @property
    def plain(self):
        """Travels as one or two numbers, which can be in registers."""
        return self.scalar or self.kind == "buffer"

    @property
    def words(self):
        """Message words at most. What is optional has one more before it, which says whether it is there."""
        if self.kind == "cap":
            return 0
        if self.plain:
            words = 2 if self.kind == "buffer" else 1
        else:
            words = self.counted + (self.bytes + 7) // 8
        return words + self.optional

    @property
    def bytes(self):
        """The data of a value at most, its length aside."""
        return self.bound if self.kind in ("bytes", "string") else self.size

    @property
    def text(self):
        """As it is written in the interface file."""
        return self.text_required + ("?" if self.optional else "")

    @property
    def text_required(self):
        if self.kind == "array":
            return f"{self.element.text}[{self.bound}]"
        if self.kind == "list":
            return f"{self.element.text}[..{self.bound}]"
        if self.kind in ("bytes", "string"):
            return f"{self.kind}[{self.bound}]"
        if self.kind == "cap":
            return f"{'own' if self.own else 'cap'} {self.name}{'.' + self.right if self.right else ''}"
        if self.kind == "buffer":
            return f"buffer {self.name}"
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
class Versioned(Named):
    """What a later version of its library can have, and still be understood by others."""

    since: int = 1
    deprecated: str = ""    # what to use instead
    removed: bool = False   # its number stays taken

    @property
    def history(self):
        """As it is written in the interface file."""
        return (f" since {self.since}" if self.since > 1 else "") + (
            f' deprecated "{self.deprecated}"' if self.deprecated else "")


@dataclass
class Member(Versioned):
    value: int = 0
    text: str = ""


@dataclass
class Enum(InLibrary):
    base: Type = None
    members: list = field(default_factory=list)
    removed: list = field(default_factory=list)
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
    library: str = ""
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
class Method(Versioned):
    number: int = 0
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    requires: str = ""
    fast: bool = False
    oneway: bool = False
    owner: object = None

    @property
    def label(self):
        return self.owner.number * self.owner.label_unit + self.number

    @property
    def signature(self):
        """As it is written in the interface file."""
        def listed(params):
            return ", ".join(f"{p.name}: {p.type.text}" for p in params)
        results = "" if self.oneway else f" -> ({listed(self.outputs)})"
        words = {"oneway": self.oneway, "fast": self.fast}
        attributes = (f" requires {self.requires}" if self.requires else "") + "".join(f" {w}" for w in words if words[w])
        return f"{self.name}({listed(self.inputs)}){results}{attributes}{self.history}"

    @staticmethod
    def cap_of(params):
        """The one capability among them, or None."""
        return next((p for p in params if p.type.kind == "cap"), None)

    @property
    def in_cap(self):
        return self.cap_of(self.inputs)

    @property
    def out_cap(self):
        return self.cap_of(self.outputs)

    @classmethod
    def fit_registers(cls, params):
        """The last register is a capability's."""
        room = MIN_REGISTER_WORDS - (cls.cap_of(params) is not None)
        return all(p.type.plain or p.type.kind == "cap" for p in params) and sum(p.type.words for p in params) <= room

    @classmethod
    def first_word(cls, params):
        """Where the words of a message begin: behind the registers, if one of them is a capability's and
        the others are too few."""
        return FIRST_BUFFER_WORD if cls.cap_of(params) and not cls.fit_registers(params) else 0

    @classmethod
    def words_of(cls, params):
        return cls.first_word(params) + sum(p.type.words for p in params)

    @property
    def in_words(self):
        return self.words_of(self.inputs)

    @property
    def out_words(self):
        return self.words_of(self.outputs)

    @property
    def request_in_registers(self):
        return self.fit_registers(self.inputs)

    @property
    def reply_in_registers(self):
        return self.fit_registers(self.outputs)

    @property
    def in_registers(self):
        """True where request and reply fit the message registers of every processor."""
        return self.request_in_registers and self.reply_in_registers

    @property
    def short(self):
        """True where the kernel need not look at words or capabilities."""
        return self.in_registers and not self.in_cap and not self.out_cap


MIN_REGISTER_WORDS = 5   # x86-64 has five message registers, the others six
FIRST_BUFFER_WORD = 6    # the first one that no processor has a register for
MESSAGE_WORDS = 120
RING_HEAD = 128         # struct sys_ring_memory
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
    removed: list = field(default_factory=list)     # methods whose numbers do not come back
    errors: list = field(default_factory=list)
    library: str = ""
    label_unit = 256

    @property
    def prefix(self):
        """What its C functions begin with: library_interface, or one word where both are the same."""
        return self.c if self.c == self.library else f"{self.library}_{self.c}"

    @property
    def first_error(self):
        """What its errors' numbers are added to: no other interface has them."""
        return self.number * self.label_unit


class Memory(InLibrary):
    """What a server makes and shares: its capability is that of a frame."""

    prefix = InLibrary.c


@dataclass
class Buffer(Memory):
    """Shared memory that methods name pieces of."""

    size: int = 0

    @property
    def bits(self):
        """Of the frame."""
        return self.size.bit_length() - 1


@dataclass
class Ring(Memory):
    """Entries in shared memory: requests to a server and their completions, or events from it."""

    sent: Struct = None         # by the client; None: these are events
    answered: Struct = None     # by the server
    count: int = 0              # of entries each way

    @property
    def first(self):
        """Bytes of the ring of requests, which comes first."""
        return self.bytes(self.sent) if self.sent else 0

    def bytes(self, struct):
        return (RING_HEAD + struct.size * self.count + 63) // 64 * 64

    @property
    def bits(self):
        """Of the frame."""
        return max(12, (self.first + self.bytes(self.answered) - 1).bit_length())


@dataclass
class Server(Named):
    """Interfaces that one program serves with one endpoint and one state."""

    interfaces: list = field(default_factory=list)
    library: str = ""

    @property
    def prefix(self):
        return self.c if self.c == self.library else f"{self.library}_{self.c}"

    @property
    def methods(self):
        return [(i, m) for i in self.interfaces for m in i.methods]

    @property
    def long_replies(self):
        return any(not m.reply_in_registers or m.out_cap for _, m in self.methods)

    @property
    def takes_caps(self):
        return any(m.in_cap for _, m in self.methods)

    @property
    def takes_own_caps(self):
        return any(m.in_cap and m.in_cap.type.own for _, m in self.methods)

    @property
    def has_buffers(self):
        return any(p.type.kind == "buffer" for _, m in self.methods for p in m.inputs)


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
    version: int = 1
    docs: str = ""
    consts: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    structs: list = field(default_factory=list)
    layouts: list = field(default_factory=list)
    syscalls: list = field(default_factory=list)
    objects: list = field(default_factory=list)
    interfaces: list = field(default_factory=list)
    servers: list = field(default_factory=list)
    rings: list = field(default_factory=list)
    buffers: list = field(default_factory=list)
    events: list = field(default_factory=list)
    uses: list = field(default_factory=list)    # other libraries

    @property
    def first_error(self):
        """What the numbers of its errors are added to. The kernel's are below 256; those that all
        interfaces of a library share have the numbers of its first interface."""
        if self.name == "kernel" or not self.interfaces:
            return 0
        return min(i.first_error for i in self.interfaces)

    @property
    def all_errors(self):
        """(name in C, number, error) of the library's and of its interfaces'."""
        prefix = "ERR" if self.name == "kernel" else f"{self.name.upper()}_ERR"
        own = [(f"{prefix}_{e.upper}", self.first_error + e.value, e) for e in self.errors]
        return own + [(f"{i.prefix.upper()}_ERR_{e.upper}", i.first_error + e.value, e)
                      for i in self.interfaces for e in i.errors]

    @property
    def listed_types(self):
        """The checked types of elements of arrays and lists that are parameters."""
        types = [p.type.element for i in self.interfaces for m in i.methods for p in m.inputs + m.outputs
                 if p.type.kind in ("array", "list") and p.type.checked]
        return list({t.name: t for t in types}.values())

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

# SPDX-License-Identifier: BSD-2-Clause
"""Reads an interface file and checks it. Problems are collected, so that one run shows them all."""

import dataclasses
import difflib
import functools
from pathlib import Path

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from . import model
from .diagnostics import IdlError, Place, Problem

GRAMMAR = Path(__file__).with_name("grammar.lark")
PARSER = Lark(GRAMMAR.read_text("utf-8"), parser="lalr", propagate_positions=True, maybe_placeholders=False)

C_RESERVED = set(
    "NULL asm auto bool break case char const continue default do double else enum extern false float for "
    "goto if inline int linux long register restrict return short signed sizeof static struct switch true "
    "typedef typeof union unix unsigned void volatile while".split())
# Names that functions generated from a method give to things of their own.
GENERATED = {
    "message": set("self m err event reader writer server badge at_fault came deadline async".split()),
    "kernel": set("self m err cpu slot head arg".split()),
    "trace": set(),
}
GENERATED_METHODS = {"serve", "reply_recv"}
MESSAGE = ("in", "out")     # where a type stands: in a server's request, or in its reply
TYPE_WORDS = {*model.PRIMITIVES, "string", "bytes", "any"}
KERNEL_ONLY = {"layout": "layouts", "syscalls": "system calls", "object": "objects"}

# How the grammar's tokens are called in a message.
TOKEN_NAMES = {
    "SEMICOLON": '";"', "COLON": '":"', "LBRACE": '"{"', "RBRACE": '"}"', "LPAR": '"("', "RPAR": '")"',
    "LSQB": '"["', "RSQB": '"]"', "EQUAL": '"="', "COMMA": '","', "DOT": '"."', "AT": '"@"', "OPTIONAL": '"?"',
    "__ANON_0": '"->"', "__ANON_1": '".."', "NAME": "a name", "INT": "a number", "STRING": 'a text in quotes, like "no entry"',
    "$END": "the end of the file",
}


def place_of(token):
    return Place(token.line, token.column, len(token))


def start_of(tree):
    return Token("NAME", "", line=tree.meta.line, column=tree.meta.column)


def load(path):
    """Returns the model.Library in the file at `path`; raises IdlError, or OSError."""
    text = Path(path).read_text("utf-8")
    try:
        tree = PARSER.parse(text)
    except UnexpectedInput as error:
        raise IdlError(path, text, [syntax_problem(error, text)]) from None
    checker = Checker(str(path), text)
    library = checker.library(tree)
    if checker.problems:
        raise IdlError(path, text, checker.problems)
    return library


def syntax_problem(error, text):
    if isinstance(error, UnexpectedCharacters):
        found = text[error.pos_in_stream]
        if found == '"':
            return Problem(Place(error.line, error.column), "E001", "this text has no closing quote",
                           "close it on the same line; a text has no backslashes")
        return Problem(Place(error.line, error.column), "E001", f'"{found}" does not belong here',
                       "remove it; names have letters, digits and underscores")
    expected = sorted({TOKEN_NAMES.get(name, f'"{name.lower()}"')
                       for name in error.accepts or error.expected})
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        line = text.count("\n") + 1
        return Problem(Place(line, 1), "E001", "the file ends too early", f"expected {list_of(expected)}")
    return Problem(place_of(error.token), "E001", f'"{error.token}" does not belong here',
                   f"expected {list_of(expected)}")


@functools.cache
def kernel_objects():
    return [o.name for o in load(Path(__file__).parent.parent / "kernel.idl").objects]


def kind_of(kind):
    return {"array": "an array", "list": "a list"}[kind]


def list_of(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


class Checker:
    """Turns the syntax tree into the model."""

    def __init__(self, path, text):
        self.path = path
        self.lines = [line.strip() for line in text.splitlines()]
        self.problems = []
        self.types = {}
        self.uses = []
        self.memories = {}
        self.version = 1

    def problem(self, token, code, what, advice):
        self.problems.append(Problem(place_of(token), code, what, advice))

    # ---- small things --------------------------------------------------------------------------

    def docs(self, token):
        """The lines of /// directly above the token's line."""
        first = token.line - 1
        while first > 0 and self.lines[first - 1].startswith("///"):
            first -= 1
        return " ".join(line[3:].strip() for line in self.lines[first:token.line - 1])

    def named(self, tree, kind, name_index=0, **rest):
        token = tree.children[name_index]
        item = kind(name=str(token), docs=self.docs(token), place=token, **rest)
        if isinstance(item, model.InLibrary):
            item.library = self.library_name
        return item

    def number(self, token, low, high, what):
        digits = str(token)
        if digits.isdigit() and digits != "0" and digits.startswith("0"):
            self.problem(token, "E019", f'"{digits}" begins with 0', "write it without, or 0x and a hexadecimal number")
            return low
        value = int(digits, 0) if len(digits) < 100 else 1 << 100
        if not low <= value <= high:
            self.problem(token, "E008", f"{what} {digits} is out of range", f"use {low} to {high}")
        return value

    def unique(self, items, what):
        """Names that differ in capitals only are the same in C."""
        names = {}
        for item in items:
            other = names.setdefault(model.snake(item.name), item)
            if other is not item:
                self.problem(item.place, "E003", f'there is another {what} "{other.name}"',
                             f"rename this one; the first is in line {other.place.line}")

    def numbered(self, items, what):
        numbers = {}
        for item in items:
            number = item.number if hasattr(item, "number") else item.value
            other = numbers.setdefault(number, item)
            if other is not item:
                self.problem(item.place, "E004", f'{what} "{item.name}" has the number {number} of "{other.name}"',
                             "numbers are never used twice: take the next free one")

    def unique_and_numbered(self, items, what):
        self.unique(items, what)
        self.numbered(items, what)

    def not_reserved(self, token, generated=()):
        if str(token) in C_RESERVED:
            self.problem(token, "E013", f'"{token}" is a word of C', "choose another name")
        if str(token) in generated:
            self.problem(token, "E013", f'"{token}" is a word of the generated functions', "choose another name")

    def not_a_type(self, decl):
        if decl.name in TYPE_WORDS:
            self.problem(decl.place, "E013", f'"{decl.name}" is a type of the language', "choose another name")

    def not_empty(self, decl, items, what):
        if not items:
            self.problem(decl.place, "E020", f'"{decl.name}" has no {what}', "add one, or delete it")

    # ---- types -----------------------------------------------------------------------------------

    def base_type(self, tree):
        token = tree.children[0] if isinstance(tree.children[0], Token) else tree.children[0].children[0]
        name = str(token)
        if tree.data != "named" or name not in ("u8", "u16", "u32", "u64"):
            self.problem(token, "E016", "the values need a number without a sign",
                         "write u8, u16, u32 or u64 behind the colon")
            name = "u64"
        size = model.PRIMITIVES[name]
        return model.Type("int", name, size, size)

    def type(self, tree, where):
        """where: "struct", "in" or "out" (a server's method), "kernel" (a kernel method), "trace"."""
        base = tree.children[0]
        kinds = {"cap": self.cap_type, "array": self.array_type, "list": self.list_type, "buffer": self.buffer_type,
                 "own": self.own_type,
                 "named": self.simple_type}
        found = kinds[base.data](base, where)
        if len(tree.children) == 1:
            return found
        if where == "struct" or where == "trace" or (where == "kernel" and found.kind != "cap"):
            self.problem(tree.children[1], "E007", "an optional value cannot stand here", "use a value that means none")
        if found.kind == "buffer":
            self.problem(tree.children[1], "E007", "a buffer cannot be optional", "a length of 0 says that there is none")
        return dataclasses.replace(found, optional=True)

    def simple_type(self, tree, where):
        token = tree.children[0].children[0]
        name = str(token)
        if len(tree.children[0].children) == 1 and name in ("string", "bytes"):
            self.problem(token, "E006", f'"{name}" needs a bound', f"write the greatest length, for example {name}[255]")
            return model.Type("int", "u64")
        if where == "trace" and name == "Thread" and self.is_kernel:
            return model.Type("thread", name, 4, 4)
        return self.named_type(tree.children[0], where)

    def named_type(self, tree, where):
        """A type by its name, of this library or, as memory.Kind, of one that this one uses."""
        token = tree.children[0]
        name = str(token)
        if len(tree.children) == 2:
            return self.foreign_type(tree, where)
        if name in model.PRIMITIVES:
            if where == "kernel" and name.startswith("i"):
                self.problem(token, "E007", "the kernel takes no negative numbers", f'use "u{name[1:]}"')
            size = model.PRIMITIVES[name]
            return model.Type("int", name, size, size)
        return self.declared_type(token, name, self.types.get(name), where)

    def foreign_type(self, tree, where):
        library, token = tree.children
        types = {d.name: d for other in self.uses if other.name == str(library) for d in other.enums + other.structs}
        if str(library) not in [other.name for other in self.uses]:
            self.problem(library, "E005", f'there is no library "{library}" here', f"write above: use {library};")
            return model.Type("int", "u64")
        return self.declared_type(token, f"{library}.{token}", types.get(str(token)), where)

    def declared_type(self, token, name, decl, where):
        if decl is None:
            self.problem(token, "E005", f'there is no type "{name}"', self.nearest(name))
            return model.Type("int", "u64")
        if isinstance(decl, model.Struct):
            if where in ("kernel", "trace"):
                self.problem(token, "E007", f'the struct "{name}" cannot stand here', "pass its fields one by one")
            return model.Type("struct", name, decl.size, decl.align, decl=decl)
        return model.Type("flags" if decl.is_flags else "enum", name, decl.base.size, decl.base.align, decl=decl)

    def nearest(self, name, known=None, otherwise="declare it above this line"):
        known = known or [*model.PRIMITIVES, "string", "bytes", *self.types]
        close = difflib.get_close_matches(name, known, 1)
        return f'did you mean "{close[0]}"?' if close else otherwise

    def array_type(self, tree, where):
        token = tree.children[0].children[0]
        name = str(token)
        if len(tree.children) == 1:
            self.problem(token, "E006", f'"{name}[]" needs a bound', f"write the greatest length, for example {name}[16]")
            return model.Type("int", "u64")
        bound = self.number(tree.children[1], 1, 1 << 20, "bound")
        if name in ("string", "bytes"):
            if where not in MESSAGE:
                self.problem(token, "E007", f'"{name}" cannot stand here', "use an array, for example u8[32]")
            return model.Type(name, name, bound=bound)
        return self.elements("array", tree.children[0], bound, where)

    def list_type(self, tree, where):
        token = tree.children[0].children[0]
        bound = self.number(tree.children[1], 1, 1 << 20, "bound")
        if str(token) in ("string", "bytes"):
            self.problem(token, "E007", f'"{token}" is no element of a list', f"its bound is a greatest length: {token}[{bound}]")
            return model.Type("int", "u64")
        if where == "struct":
            self.problem(token, "E007", "a list cannot stand here", f"use an array, {token}[{bound}], and a field that counts")
        return self.elements("list", tree.children[0], bound, where)

    def elements(self, kind, tree, bound, where):
        if where in ("kernel", "trace"):
            self.problem(tree.children[0], "E007", f"{kind_of(kind)} cannot stand here", "pass the values one by one")
        element = self.named_type(tree, where)
        return model.Type(kind, element.name, element.size * bound, element.align, bound, element)

    def buffer_type(self, tree, where):
        direction = tree.children[0]
        if where != "in":
            self.problem(direction, "E007", "a buffer cannot stand here", "a request names it: pass it to a method")
        if str(direction) not in ("in", "out"):
            self.problem(direction, "E015", f'"buffer {direction}" does not exist',
                         "buffer in: the server reads there; buffer out: it writes there")
        return model.Type("buffer", str(direction))

    def own_type(self, tree, where):
        token = tree.children[0]
        if where != "in":
            self.problem(token, "E007", "a capability of one's own cannot stand here",
                         f"only a server gets them back, in a request; elsewhere write: cap {token}")
        if str(token) not in self.interfaces:
            self.problem(token, "E005", f'there is no interface "{token}" in this library',
                         self.nearest(str(token), list(self.interfaces), "a server knows its own by their badges"))
            return model.Type("int", "u64")
        return model.Type("cap", str(token), decl=self.interfaces[str(token)], own=True)

    def cap_type(self, tree, where):
        if where not in (*MESSAGE, "kernel"):
            self.problem(tree.children[0], "E007", "a capability cannot stand here", "pass it as a parameter of a method")
            return model.Type("int", "u64")
        return self.kernel_cap(tree) if where == "kernel" else self.server_cap(tree)

    def kernel_cap(self, tree):
        token = tree.children[0]
        name = str(token)
        right = str(tree.children[1]) if len(tree.children) == 2 else ""
        if name != "any" and name not in self.objects:
            self.problem(token, "E005", f'there is no object "{name}"',
                         self.nearest(name, list(self.objects), 'name one of them, or "any"'))
        elif right and right not in self.objects.get(name, ()):
            self.problem(tree.children[1], "E015", f'"{name}" has no right "{right}"',
                         f"it has: {', '.join(self.objects.get(name, ())) or 'none'}")
        return model.Type("cap", name, right=right)

    def server_cap(self, tree):
        """cap File, cap vfs.File, cap kernel.Frame, cap any."""
        token = tree.children[-1]
        name = ".".join(str(t) for t in tree.children)
        known = {**self.interfaces, **self.memories, "any": None, **{f"kernel.{o}": None for o in kernel_objects()},
                 **{f"{other.name}.{i.name}": i for other in self.uses for i in other.interfaces}}
        if name not in known:
            here = [n for n in known if n.split(".")[-1] == name]
            self.problem(token, "E005", f'there is no object or interface "{name}"',
                         f'write: cap {here[0]}' if here else self.nearest(name, list(known), 'name one of them, or "any"'))
        return model.Type("cap", name, decl=known.get(name))

    # ---- declarations ----------------------------------------------------------------------------

    def library(self, tree):
        out = model.Library(path=self.path)
        out.docs = " ".join(line[3:].strip() for line in self.lines if line.startswith("//!"))
        items = tree.children
        libraries = [t for t in items if t.data == "library"]
        if not libraries or items[0] is not libraries[0] or len(libraries) > 1:
            first = start_of(items[0]) if items else Token("NAME", "", line=1, column=1)
            self.problem(libraries[1].children[0] if len(libraries) > 1 else first, "E002",
                         "a file has one library line, before anything else", "begin with: library NAME;")
            return out
        out.name = str(libraries[0].children[0])
        for version in libraries[0].children[1:]:
            self.version = out.version = self.number(version, 1, 65535, "version")
        self.library_name = out.name
        self.is_kernel = out.name == "kernel"
        self.objects = {str(t.children[0]): [str(r.children[0]) for x in t.children[2:] if x.data == "rights"
                                             for r in x.children]
                        for t in items if t.data == "object"}
        # Methods may name interfaces that come later.
        self.interfaces = {str(t.children[0]): model.Interface(str(t.children[0]), "", t.children[0], library=out.name)
                           for t in items if t.data == "interface"}
        if self.objects:
            self.types["ObjectType"] = self.object_type_enum(items)
        for item in items:
            if item.data in KERNEL_ONLY and not self.is_kernel:
                self.problem(start_of(item), "E018", f"only the kernel's file declares {KERNEL_ONLY[item.data]}",
                             "a server has interfaces: interface NAME = NUMBER { ... }")
                continue
            getattr(self, "add_" + item.data)(item, out)
        self.add_lone_servers(out)
        declarations = out.enums + out.structs + out.layouts + out.objects + out.interfaces + out.rings + out.buffers
        for decl in declarations:
            self.not_a_type(decl)
        self.unique(declarations, "declaration")
        self.unique(out.consts + [model.Named(f"{model.snake(e.name)}_{m.c}".upper(), "", m.place)
                                  for e in out.enums for m in e.members], "constant")
        self.unique_and_numbered(out.errors, "error")
        if out.errors and not out.interfaces and not self.is_kernel:
            self.problem(out.errors[0].place, "E020", "these errors are no interface's", "delete them, or add an interface")
        self.numbered(out.objects, "object")
        self.numbered(out.interfaces, "interface")
        self.check_errors(out)
        return out

    def check_errors(self, out):
        """Names are unique in the library, numbers in what they are added to."""
        for interface in out.interfaces:
            shared = [e for e in out.errors if out.first_error == interface.first_error]
            self.numbered(shared + interface.errors, "error")
            self.unique(out.errors + interface.errors, "error")

    def object_type_enum(self, items):
        members = [model.Member(str(t.children[0]), "", t.children[0], value=self.number(t.children[1], 1, 27, "object"))
                   for t in items if t.data == "object"]
        return model.Enum("ObjectType", "The type of a kernel object.", None,
                          base=model.Type("int", "u8", 1, 1), members=members)

    def add_library(self, tree, out):
        pass

    def add_const(self, tree, out):
        out.consts.append(self.named(tree, model.Const, value=self.number(tree.children[1], 0, (1 << 64) - 1, "constant")))

    def add_use(self, tree, out):
        token = tree.children[0]
        path = Path(self.path).with_name(f"{token}.idl")
        if str(token) == out.name or not path.exists():
            self.problem(token, "E005", f'there is no other library "{token}"', f"it would be in {path.name}, beside this file")
            return
        out.uses.append(load(path))
        self.uses = out.uses

    def add_errors(self, tree, out):
        for t in tree.children:
            error = self.named(t, model.Member, value=self.number(t.children[1], 1, 255, "error"),
                               text=str(t.children[2])[1:-1])
            self.history(error, t.children[3:])
            out.errors.append(error)

    def history(self, item, attributes):
        for tree in attributes:
            self.history_of(tree, item, "history")

    def history_of(self, tree, item, known_too=""):
        """since 2, deprecated "what to use", removed; anything else is a problem."""
        name, *value = tree.children
        if name == "since" and value and value[0].type == "INT":
            item.since = self.number(value[0], 2, 65535, "version")
            if item.since > self.version:
                self.problem(value[0], "E022", f"the library is of version {self.version}",
                             f"write above: library {self.library_name} version {item.since};")
            item.docs = f"{item.docs} Since version {item.since}.".strip()
        elif name == "deprecated" and value and value[0].type == "STRING":
            item.deprecated = str(value[0])[1:-1]
            item.docs = f"{item.docs} Deprecated: {item.deprecated}.".strip()
        elif name == "removed" and not value and isinstance(item, model.Member) and known_too == "history":
            item.removed = True
        else:
            known = known_too if known_too != "history" else '"since 2", deprecated "what to use instead", "removed"'
            self.problem(name, "E015", f'"{name}" is no attribute here, or not like this', f"known here: {known}")

    def add_enum(self, tree, out, is_flags=False):
        decl = self.named(tree, model.Enum, base=self.base_type(tree.children[1]), is_flags=is_flags)
        limit = (1 << (8 * decl.base.size)) - 1
        for t in tree.children[2:]:
            member = self.named(t, model.Member, value=self.number(t.children[1], int(is_flags), limit, "value"))
            if is_flags and member.value & (member.value - 1):
                self.problem(t.children[1], "E014", f'flag "{member.name}" is more than one bit', "use 1, 2, 4, 8 ...")
            self.history(member, t.children[2:])
            decl.members.append(member)
        self.numbered(decl.members, "member")
        decl.removed = [m for m in decl.members if m.removed]
        decl.members = [m for m in decl.members if not m.removed]
        self.not_empty(decl, decl.members, "member")
        self.types[decl.name] = decl
        out.enums.append(decl)

    def add_flags(self, tree, out):
        self.add_enum(tree, out, is_flags=True)

    def add_struct(self, tree, out):
        decl = self.named(tree, model.Struct)
        for t in tree.children[1:]:
            item = self.named(t, model.Field, type=self.type(t.children[1], "struct"))
            self.not_reserved(item.place)
            item.offset = decl.size
            if decl.size % item.type.align:
                self.problem(item.place, "E017", f'"{item.name}" would leave a hole before it',
                             f"put a reserved field of {item.type.align - decl.size % item.type.align} bytes before it, or sort the fields by size")
                item.offset = -(-decl.size // item.type.align) * item.type.align
            decl.size = item.offset + item.type.size
            decl.align = max(decl.align, item.type.align)
            decl.fields.append(item)
        if decl.size % decl.align:
            self.problem(decl.place, "E017", f'"{decl.name}" would have a hole at its end',
                         f"add a reserved field of {decl.align - decl.size % decl.align} bytes")
        self.unique(decl.fields, "field")
        self.not_empty(decl, decl.fields, "field")
        self.types[decl.name] = decl
        out.structs.append(decl)

    def add_layout(self, tree, out):
        decl = self.named(tree, model.Layout, base=self.base_type(tree.children[1]))
        low = 0
        for t in tree.children[2:]:
            bits = self.named(t, model.Bits, width=self.number(t.children[1], 1, 64, "width"))
            bits.low = low
            low += bits.width
            decl.bits.append(bits)
        if low != 8 * decl.base.size:
            self.problem(decl.place, "E009", f'the parts of "{decl.name}" have {low} bits, not {8 * decl.base.size}',
                         "add a reserved part, or correct the widths")
        self.unique(decl.bits, "part")
        out.layouts.append(decl)

    def add_syscalls(self, tree, out):
        for t in tree.children:
            out.syscalls.append(self.named(t, model.Syscall, 1, number=self.number(t.children[0], 0, 31, "system call")))
        self.unique_and_numbered(out.syscalls, "system call")

    def add_object(self, tree, out):
        decl = self.named(tree, model.Object, number=self.number(tree.children[1], 1, 27, "object"))
        for t in tree.children[2:]:
            if t.data == "size":
                decl.size = self.number(t.children[0], 32, 4096, "size")
            elif t.data == "rights":
                for r in t.children:
                    decl.rights.append(self.named(r, model.Member, value=self.number(r.children[1], 0, 63, "bit")))
            else:
                decl.methods.append(self.method(t, decl, "kernel"))
        self.unique_and_numbered(decl.rights, "right")
        self.unique_and_numbered(decl.methods, "method")
        out.objects.append(decl)

    def add_interface(self, tree, out):
        decl = self.interfaces[str(tree.children[0])]
        decl.docs = self.docs(tree.children[0])
        decl.place = tree.children[0]
        decl.number = self.number(tree.children[1], 1, 127, "interface")
        for t in tree.children[2:]:
            if t.data == "errors":
                self.add_errors(t, decl)
                continue
            if t.data == "removed":
                decl.removed.append(self.named(t, model.Method, 1, number=self.number(t.children[0], 1, 255, "method"),
                                               owner=decl, removed=True))
                continue
            decl.methods.append(self.method(t, decl, "message"))
            self.not_reserved(t.children[1], GENERATED_METHODS)
        self.unique_and_numbered(decl.methods + decl.removed, "method")
        self.not_empty(decl, decl.methods, "method")
        out.interfaces.append(decl)

    def add_ring(self, tree, out):
        *structs, count = tree.children[1:]
        self.add_entries(tree, out, count, *(self.entry(token) for token in structs))

    def add_events(self, tree, out):
        self.add_entries(tree, out, tree.children[2], None, self.entry(tree.children[1]))

    def add_entries(self, tree, out, count, sent, answered):
        decl = self.named(tree, model.Ring, sent=sent, answered=answered, count=self.number(count, 2, 1 << 16, "count"))
        if decl.count & (decl.count - 1):
            self.problem(count, "E023", f"a ring of {decl.count} entries", "take a power of two: 2, 4, 8 ...")
        if answered is not None:
            self.memories[decl.name] = decl
            out.rings.append(decl)

    def add_shared(self, tree, out):
        decl = self.named(tree, model.Buffer, size=self.number(tree.children[1], 4096, 1 << 30, "size"))
        if decl.size & (decl.size - 1):
            self.problem(tree.children[1], "E023", f"a buffer of {decl.size} bytes", "take a power of two: 4096, 8192 ...")
        self.memories[decl.name] = decl
        out.buffers.append(decl)

    def entry(self, token):
        """The struct that a ring has; a struct of no entries if there is none of that name."""
        decl = self.types.get(str(token))
        if isinstance(decl, model.Struct):
            return decl
        structs = [name for name, d in self.types.items() if isinstance(d, model.Struct)]
        self.problem(token, "E005", f'there is no struct "{token}"', self.nearest(str(token), structs or ["-"], "declare it above this line"))
        return None

    def add_server(self, tree, out):
        decl = self.named(tree, model.Server, library=out.name)
        for t in tree.children[1:]:
            token = t.children[0]
            found = next((i for i in out.interfaces if i.name == str(token)), None)
            if found is None:
                self.problem(token, "E005", f'there is no interface "{token}" above this line',
                             self.nearest(str(token), [i.name for i in out.interfaces] or ["-"], "declare it first"))
            elif any(found in s.interfaces for s in [*out.servers, decl]):
                self.problem(token, "E003", f'"{token}" is in a server already', "an interface is served by one")
            else:
                decl.interfaces.append(found)
        self.not_empty(decl, tree.children[1:], "interface")
        out.servers.append(decl)

    def add_lone_servers(self, out):
        """An interface that no server names is served alone."""
        served = [i for s in out.servers for i in s.interfaces]
        for interface in out.interfaces:
            if interface not in served:
                out.servers.append(model.Server(interface.name, interface.docs, interface.place, interfaces=[interface],
                                                library=out.name))
        self.unique(out.servers, "server")

    def params(self, tree, where):
        """where: "in", "out", "kernel" or "trace"."""
        items = []
        for number, t in enumerate(tree.children, 1):
            token = t.children[0]
            self.not_reserved(token, GENERATED["message" if where in MESSAGE else where])
            items.append(model.Param(str(token), "", token, self.type(t.children[1], where), number, library=self.library_name))
        word, behind = 0 if where not in MESSAGE else model.Method.first_word(items), ""
        for item in items:
            item.word, item.behind = word, behind
            if where == "kernel":
                word = item.number
            elif item.type.counted:
                word, behind = 0, item.name
            else:
                word += item.type.words
        return items

    def method(self, tree, owner, where):
        limit = 15 if where == "kernel" else 255
        method = self.named(tree, model.Method, 1, number=self.number(tree.children[0], 1, limit, "method"), owner=owner)
        lists = [t for t in tree.children[2:] if t.data == "params"]
        method.inputs = self.params(lists[0], "kernel" if where == "kernel" else "in")
        if len(lists) == 2:
            method.outputs = self.params(lists[1], "kernel" if where == "kernel" else "out")
        for t in tree.children[2 + len(lists):]:
            self.attribute(t, method, owner, where)
        self.check_results(method, len(lists) == 2)
        params = method.inputs + method.outputs
        lengths = [model.Named(f"{p.name}_{'count' if p.type.kind == 'list' else 'length'}", "", p.place) for p in params
                   if p.type.counted or p.type.kind == "buffer"]
        has = [model.Named(f"has_{p.name}", "", p.place) for p in params if p.type.optional]
        self.unique(params + lengths + has, "parameter")
        if where == "kernel":
            self.check_kernel_method(method)
        else:
            self.check_message(method)
        return method

    def check_results(self, method, has_results):
        if method.oneway and has_results:
            self.problem(method.place, "E021", f'"{method.name}" is oneway and has results', "drop one of them")
        if not method.oneway and not has_results:
            self.problem(method.place, "E021", f'"{method.name}" does not say what comes back',
                         "write -> () where nothing but an error does, or oneway where nobody waits for an answer")

    def attribute(self, tree, method, owner, where):
        name = str(tree.children[0])
        if where == "kernel" and name == "requires" and len(tree.children) == 2:
            right = tree.children[1]
            if str(right) not in [r.name for r in owner.rights]:
                self.problem(right, "E015", f'"{owner.name}" has no right "{right}"',
                             f"it has: {', '.join(r.name for r in owner.rights) or 'none'}")
            method.requires = str(right)
        elif where == "message" and name in ("fast", "oneway") and len(tree.children) == 1:
            setattr(method, name, True)
        elif where == "kernel":
            self.problem(tree.children[0], "E015", f'"{name}" is no attribute of a method here', 'known here: "requires RIGHT"')
        else:
            self.history_of(tree, method, '"fast", "oneway", "since 2" and deprecated "what to use instead"')

    def check_kernel_method(self, method):
        if len(method.inputs) > model.MIN_REGISTER_WORDS or len(method.outputs) > model.MIN_REGISTER_WORDS:
            self.problem(method.place, "E010", f'"{method.name}" does not fit the registers',
                         f"a kernel method has at most {model.MIN_REGISTER_WORDS} arguments and as many results")
        for p in method.outputs:
            if not p.type.scalar:
                self.problem(p.place, "E007", "the kernel returns numbers only", "name the slot to be filled as an argument")

    def check_message(self, method):
        for params, words, what in ((method.inputs, method.in_words, "request"), (method.outputs, method.out_words, "reply")):
            if words > model.MESSAGE_WORDS:
                self.problem(method.place, "E010", f'the {what} of "{method.name}" can have {words} words',
                             f"a message has at most {model.MESSAGE_WORDS} words ({8 * model.MESSAGE_WORDS} bytes): lower the bounds")
            self.check_caps(method, params, what)
        if method.fast and not method.in_registers:
            self.problem(method.place, "E012", f'"{method.name}" is marked fast but does not fit the registers',
                         f"request and reply must be at most {model.MIN_REGISTER_WORDS} numbers each, a capability among them; drop \"fast\" or shorten them")

    def check_caps(self, method, params, what):
        caps = [p for p in params if p.type.kind == "cap"]
        if len(caps) > 1:
            self.problem(caps[1].place, "E011", f'the {what} of "{method.name}" carries {len(caps)} capabilities',
                         "one message carries one: use two methods")

    def add_trace(self, tree, out):
        for t in tree.children:
            event = self.named(t, model.Event, 1, number=self.number(t.children[0], 1, 255, "event"))
            event.params = self.params(t.children[2], "trace")
            at = 0
            for p in event.params:
                at = p.offset = -(-at // p.type.align) * p.type.align
                at += p.type.size
            if at > model.EVENT_BYTES:
                self.problem(event.place, "E010", f'"{event.name}" takes {at} bytes',
                             f"an event has at most {model.EVENT_BYTES}: drop a parameter, or choose narrower types")
            out.events.append(event)
        self.unique_and_numbered(out.events, "event")
        if not self.is_kernel and not self.interfaces:
            self.problem(start_of(tree), "E018", "events of a library without an interface have no numbers of their own",
                         "declare the interface whose server or clients record them: interface NAME = NUMBER { ... }")

# SPDX-License-Identifier: BSD-2-Clause
"""Reads an interface file and checks it. Problems are collected, so that one run shows them all."""

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
    "message": set("self m err event reader writer server badge at_fault".split()),
    "kernel": set("self m err cpu slot head arg".split()),
    "trace": set(),
}
GENERATED_METHODS = {"serve", "reply_recv"}
TYPE_WORDS = {*model.PRIMITIVES, "string", "bytes", "any"}
KERNEL_ONLY = {"layout": "layouts", "syscalls": "system calls", "object": "objects"}

# How the grammar's tokens are called in a message.
TOKEN_NAMES = {
    "SEMICOLON": '";"', "COLON": '":"', "LBRACE": '"{"', "RBRACE": '"}"', "LPAR": '"("', "RPAR": '")"',
    "LSQB": '"["', "RSQB": '"]"', "EQUAL": '"="', "COMMA": '","', "DOT": '"."', "AT": '"@"', "QMARK": '"?"',
    "__ANON_0": '"->"', "NAME": "a name", "INT": "a number", "STRING": 'a text in quotes, like "no entry"',
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


def list_of(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


class Checker:
    """Turns the syntax tree into the model."""

    def __init__(self, path, text):
        self.path = path
        self.lines = [line.strip() for line in text.splitlines()]
        self.problems = []
        self.types = {}

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
        name = str(tree.children[0])
        if tree.data != "named" or name not in ("u8", "u16", "u32", "u64"):
            self.problem(tree.children[0], "E016", "the values need a number without a sign",
                         "write u8, u16, u32 or u64 behind the colon")
            name = "u64"
        size = model.PRIMITIVES[name]
        return model.Type("int", name, size, size)

    def type(self, tree, where):
        """where: "struct", "message" (a server's method), "kernel" (a kernel method), "trace"."""
        token = tree.children[0]
        name = str(token)
        if tree.data in ("cap", "optional_cap", "right_cap"):
            return self.cap_type(tree, where)
        if tree.data == "array":
            return self.array_type(tree, where)
        if name in ("string", "bytes"):
            self.problem(token, "E006", f'"{name}" needs a bound', f"write the greatest length, for example {name}[255]")
            return model.Type("int", "u64")
        if where == "trace" and name == "Thread" and self.is_kernel:
            return model.Type("thread", name, 4, 4)
        return self.named_type(token, where)

    def named_type(self, token, where):
        name = str(token)
        if name in model.PRIMITIVES:
            if where == "kernel" and name.startswith("i"):
                self.problem(token, "E007", "the kernel takes no negative numbers", f'use "u{name[1:]}"')
            size = model.PRIMITIVES[name]
            return model.Type("int", name, size, size)
        decl = self.types.get(name)
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
        token = tree.children[0]
        name = str(token)
        if len(tree.children) == 1:
            self.problem(token, "E006", f'"{name}[]" needs a bound', f"write the greatest length, for example {name}[16]")
            return model.Type("int", "u64")
        bound = self.number(tree.children[1], 1, 1 << 20, "bound")
        if name in ("string", "bytes"):
            if where != "message":
                self.problem(token, "E007", f'"{name}" cannot stand here', "use an array, for example u8[32]")
            return model.Type(name, name, bound=bound)
        if where != "struct":
            self.problem(token, "E007", "an array cannot stand here", "put it into a struct, or use bytes[n]")
        element = self.named_type(token, where)
        return model.Type("array", name, element.size * bound, element.align, bound, element)

    def cap_type(self, tree, where):
        token = tree.children[0]
        name = str(token)
        right = str(tree.children[1]) if tree.data == "right_cap" else ""
        if where not in ("message", "kernel"):
            self.problem(token, "E007", "a capability cannot stand here", "pass it as a parameter of a method")
        elif name != "any" and name not in self.cap_types():
            self.problem(token, "E005", f'there is no object "{name}"' if where == "kernel" else
                         f'there is no object or interface "{name}"',
                         self.nearest(name, self.cap_types(), 'name one of them, or "any"'))
        elif where == "message" and tree.data != "cap":
            self.problem(token, "E007", "a message's capability is neither optional nor of a certain right",
                         f"write: cap {name}")
        elif right and right not in self.objects.get(name, ()):
            self.problem(tree.children[1], "E015", f'"{name}" has no right "{right}"',
                         f"it has: {', '.join(self.objects.get(name, ())) or 'none'}")
        return model.Type("cap", name, right=right, optional=tree.data == "optional_cap")

    def cap_types(self):
        return list(self.objects) if self.is_kernel else kernel_objects() + self.interfaces

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
        self.library_name = out.name
        self.is_kernel = out.name == "kernel"
        self.objects = {str(t.children[0]): [str(r.children[0]) for x in t.children[2:] if x.data == "rights"
                                             for r in x.children]
                        for t in items if t.data == "object"}
        self.interfaces = [str(t.children[0]) for t in items if t.data == "interface"]
        if self.objects:
            self.types["ObjectType"] = self.object_type_enum(items)
        for item in items:
            if item.data in KERNEL_ONLY and not self.is_kernel:
                self.problem(start_of(item), "E018", f"only the kernel's file declares {KERNEL_ONLY[item.data]}",
                             "a server has interfaces: interface NAME = NUMBER { ... }")
                continue
            getattr(self, "add_" + item.data)(item, out)
        declarations = out.enums + out.structs + out.layouts + out.objects + out.interfaces
        for decl in declarations:
            self.not_a_type(decl)
        self.unique(declarations, "declaration")
        self.unique(out.consts + [model.Named(f"{model.snake(e.name)}_{m.c}".upper(), "", m.place)
                                  for e in out.enums for m in e.members], "constant")
        self.unique_and_numbered(out.errors, "error")
        self.numbered(out.objects, "object")
        self.numbered(out.interfaces, "interface")
        return out

    def object_type_enum(self, items):
        members = [model.Member(str(t.children[0]), "", t.children[0], value=self.number(t.children[1], 1, 27, "object"))
                   for t in items if t.data == "object"]
        return model.Enum("ObjectType", "The type of a kernel object.", None,
                          base=model.Type("int", "u8", 1, 1), members=members)

    def add_library(self, tree, out):
        pass

    def add_const(self, tree, out):
        out.consts.append(self.named(tree, model.Const, value=self.number(tree.children[1], 0, (1 << 64) - 1, "constant")))

    def add_errors(self, tree, out):
        for t in tree.children:
            out.errors.append(self.named(t, model.Member, value=self.number(t.children[1], 1, 255, "error"),
                                         text=str(t.children[2])[1:-1]))

    def add_enum(self, tree, out, is_flags=False):
        decl = self.named(tree, model.Enum, base=self.base_type(tree.children[1]), is_flags=is_flags)
        limit = (1 << (8 * decl.base.size)) - 1
        for t in tree.children[2:]:
            member = self.named(t, model.Member, value=self.number(t.children[1], int(is_flags), limit, "value"))
            if is_flags and member.value & (member.value - 1):
                self.problem(t.children[1], "E014", f'flag "{member.name}" is more than one bit', "use 1, 2, 4, 8 ...")
            decl.members.append(member)
        self.numbered(decl.members, "member")
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
        decl = self.named(tree, model.Interface, number=self.number(tree.children[1], 1, 127, "interface"),
                          library=out.name)
        for t in tree.children[2:]:
            decl.methods.append(self.method(t, decl, "message"))
            self.not_reserved(t.children[1], GENERATED_METHODS)
        self.unique_and_numbered(decl.methods, "method")
        self.not_empty(decl, decl.methods, "method")
        out.interfaces.append(decl)

    def params(self, tree, where):
        items, word, behind = [], 0, ""
        for number, t in enumerate(tree.children, 1):
            token = t.children[0]
            self.not_reserved(token, GENERATED[where])
            item = model.Param(str(token), "", token, self.type(t.children[1], where), number, word, behind)
            items.append(item)
            if where == "kernel":
                word = number
            elif item.type.kind in ("bytes", "string"):
                word, behind = 0, item.name
            else:
                word += item.type.words
        return items

    def method(self, tree, owner, where):
        limit = 15 if where == "kernel" else 255
        method = self.named(tree, model.Method, 1, number=self.number(tree.children[0], 1, limit, "method"), owner=owner)
        method.inputs = self.params(tree.children[2], where)
        method.outputs = self.params(tree.children[3], where)
        for attribute in tree.children[4:]:
            self.attribute(attribute, method, owner, where)
        lengths = [model.Named(f"{p.name}_length", "", p.place) for p in method.inputs + method.outputs
                   if p.type.kind in ("bytes", "string")]
        self.unique(method.inputs + method.outputs + lengths, "parameter")
        if where == "kernel":
            self.check_kernel_method(method)
        else:
            self.check_message(method)
        return method

    def attribute(self, tree, method, owner, where):
        name = str(tree.children[0])
        if where == "kernel" and name == "requires" and len(tree.children) == 2:
            right = tree.children[1]
            if str(right) not in [r.name for r in owner.rights]:
                self.problem(right, "E015", f'"{owner.name}" has no right "{right}"',
                             f"it has: {', '.join(r.name for r in owner.rights) or 'none'}")
            method.requires = str(right)
        elif where == "message" and name == "fast" and len(tree.children) == 1:
            method.fast = True
        else:
            known = '"requires RIGHT"' if where == "kernel" else '"fast"'
            self.problem(tree.children[0], "E015", f'"{name}" is no attribute of a method here', f"known here: {known}")

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
                         f"request and reply must be at most {model.MIN_REGISTER_WORDS} numbers each; drop \"fast\" or shorten them")

    def check_caps(self, method, params, what):
        caps = [p for p in params if p.type.kind == "cap"]
        if len(caps) > 1:
            self.problem(caps[1].place, "E011", f'the {what} of "{method.name}" carries {len(caps)} capabilities',
                         "one message carries one: use two methods")
        others = [p for p in params if p.type.kind != "cap"]
        room = model.MIN_REGISTER_WORDS - 1
        if caps and (not all(p.type.scalar for p in others) or len(others) > room):
            self.problem(caps[0].place, "E011", f'the {what} of "{method.name}" leaves no register for the capability',
                         f"beside a capability there is room for {room} numbers: pass the rest in another method")

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

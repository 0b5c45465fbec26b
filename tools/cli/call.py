# SPDX-License-Identifier: BSD-2-Clause
"""`./tessera call SERVER.METHOD ARGUMENT...`: has the gateway of the machine that runs call the method, and
prints the answer by the names of the interface file.

The message is put together here, from idl/SERVER.idl; the gateway passes it on (idl/gateway.idl)."""

import contextlib
import json
import secrets
import shlex
import sys
import tomllib

from . import machine
from .common import ROOT, Stop

sys.path.insert(0, str(ROOT / "idl"))
from idlc import model, parse, vectors  # noqa: E402

WORDS_OF_A_LINE = 7
BEGUN = "! 0"       # what the gateway says first
NEXT = "then"       # between calls of one run


class Interfaces:
    """What the gateway can call, out of the interface files."""

    def __init__(self):
        libraries = [parse.load(path) for path in sorted((ROOT / "idl").glob("*.idl"))]
        by_name = {library.name: library for library in libraries}
        gateway = by_name["gateway"]
        self.gateway = {c.name: c.value for c in gateway.consts}
        for enum in gateway.enums:
            self.gateway.update({(enum.name, m.name): m.value for m in enum.members})
        self.common = {e.value: e for e in by_name["kernel"].errors}
        targets = {m.name: m.value for e in gateway.enums if e.name == "Target" for m in e.members}
        self.targets, self.methods = {}, {}
        for library in libraries:
            for interface in library.interfaces:
                if interface.prefix in targets:
                    self.targets[interface.name] = targets[interface.prefix]
                    for method in interface.methods:
                        self.methods.setdefault(library.name, {}).setdefault(method.name, []).append((library, interface, method))

    def listed(self, servers=None):
        """One line a method: what can be called, and what cannot."""
        lines = []
        for server in servers or sorted(self.methods):
            for name, found in self.methods[server].items():
                for _, interface, method in found:
                    full = f"{server}.{interface.name}.{name}" if len(found) > 1 else f"{server}.{name}"
                    why = unreachable(method)
                    lines.append(f"  {full}{method.signature.removeprefix(name)}" + (f"  (not from here: {why})" if why else ""))
        return "\n".join(lines)

    def find(self, text):
        server, _, name = text.partition(".")
        if server not in self.methods:
            raise Stop(f'there is no server "{server}" to be called; there are: {", ".join(sorted(self.methods))}')
        interface, _, name = name.rpartition(".")
        found = [f for f in self.methods[server].get(name, []) if interface in ("", f[1].name)]
        if len(found) > 1:
            raise Stop(f'"{text}" is a method of several interfaces; write one of: '
                       + ", ".join(f"{server}.{f[1].name}.{name}" for f in found))
        if not found:
            raise Stop(f'{server} has no method "{text.partition(".")[2]}"; it has:\n{self.listed([server])}')
        if why := unreachable(found[0][2]):
            raise Stop(f"{text} cannot be called from here: {why}")
        return found[0]

    def error(self, library, number):
        """An error's name and text."""
        own = {n: e for _, n, e in library.all_errors}
        error = own.get(number) or self.common.get(number)
        return (error.name, error.text or error.docs) if error else (f"error {number}", "")


def unreachable(method):
    """Why a method cannot be called from the host; nothing if it can."""
    for p in method.inputs:
        if p.type.kind == "cap":
            return f'"{p.name}" is a capability, and the host has none to give'
    return "it has no answer" if method.oneway else ""


# ---- Values, from text ----

def integer(kind, text):
    low, high = (-(1 << 8 * kind.size - 1), (1 << 8 * kind.size - 1) - 1) if kind.name[0] == "i" else (0, (1 << 8 * kind.size) - 1)
    try:
        value = int(text, 0)
    except (TypeError, ValueError):
        raise Stop(f'"{text}" is no number; write it like 10, 0x1f or 0o644') from None
    if not low <= value <= high:
        raise Stop(f"{text} is not between {low} and {high}")
    return value


def named(kind, text):
    """An enum's member, or several flags with commas between them; or their number."""
    members = {m.name: m.value for m in kind.decl.members}
    words = text.split(",") if kind.kind == "flags" else [text]
    if text == "none" and kind.kind == "flags" and "none" not in members:
        return 0
    if all(word in members for word in words):
        return sum(members[word] for word in set(words))
    number = int(text, 0) if text.lower().startswith("0x") or text.isdigit() else None
    possible = number in members.values() if kind.kind == "enum" else number is not None and number & ~sum(members.values()) == 0
    if number is not None and possible:
        return number
    several = ", several with commas between them, or none" if kind.kind == "flags" else ""
    raise Stop(f'"{text}" is no {kind.decl.name}; write one of {", ".join(members)}{several}')


def compound(kind, value):
    """A struct, an array or a list out of JSON."""
    if kind.kind == "struct":
        if not isinstance(value, dict):
            raise Stop(f'{json.dumps(value)} is no {kind.decl.name}; write it as JSON, {{"{kind.decl.fields[0].name}": ...}}')
        fields = {f.name: f.type for f in kind.decl.fields}
        for name in value:
            if name not in fields:
                raise Stop(f'{kind.decl.name} has no field "{name}"; it has: {", ".join(fields)}')
        return [compound(t, value[name]) if name in value else zero(t) for name, t in fields.items()]
    if kind.kind in ("array", "list"):
        if not isinstance(value, list) or len(value) > kind.bound:
            raise Stop(f"{json.dumps(value)} is no {kind.text_required}; write a JSON list of at most {kind.bound}")
        missing = kind.bound - len(value) if kind.kind == "array" else 0
        return [compound(kind.element, v) for v in value] + [zero(kind.element)] * missing
    return scalar(kind, str(value).lower() if isinstance(value, bool) else str(value))


def zero(kind):
    if kind.kind == "struct":
        return [zero(f.type) for f in kind.decl.fields]
    if kind.kind == "array":
        return [zero(kind.element)] * kind.bound
    return kind.decl.members[0].value if kind.kind == "enum" else 0


def scalar(kind, text):
    if kind.kind in ("enum", "flags"):
        return named(kind, text)
    if kind.name == "bool":
        if text not in ("true", "false"):
            raise Stop(f'"{text}" is neither true nor false')
        return int(text == "true")
    return integer(kind, text)


def value_of(param, text):
    kind = param.type
    if kind.kind in ("string", "bytes"):
        data = text.encode(errors="surrogateescape")
        if kind.kind == "bytes" and text.startswith("hex:"):
            try:
                data = bytes.fromhex(text[4:])
            except ValueError:
                raise Stop(f'"{text}": behind hex: there are two digits for each byte') from None
        if len(data) > kind.bound:
            raise Stop(f"{len(data)} bytes are too many; {kind.text_required} has at most {kind.bound}")
        return data
    if kind.scalar:
        return scalar(kind, text)
    if kind.kind == "buffer":   # the gateway has a session's, which the host does not see
        offset, _, length = text.rpartition(":")
        u32 = model.Type("int", "u32", 4, 4)
        return {"buffer": 0, "offset": integer(u32, offset or "0"), "length": integer(u32, length)}
    try:
        value = json.loads(text)
    except ValueError:
        raise Stop(f'"{text}" is no JSON, which a {kind.text_required} is written in') from None
    return compound(kind, value)


class Text(bytes):
    """Bytes that vectors.encode() takes for a string."""

    def encode(self):
        return bytes(self)


def request(method, texts):
    """The words of the message."""
    if len(texts) != len(method.inputs):
        wanted = ", ".join(f"{p.name}: {p.type.text}" for p in method.inputs) or "none"
        raise Stop(f"{method.name} has {len(method.inputs)} arguments, and {len(texts)} were given; it takes: {wanted}")
    words = []
    for param, text in zip(method.inputs, texts):
        if param.type.optional and text == "-":
            words += [0] * (1 + (param.type.words - 1 if not param.type.counted else 1))
            continue
        try:
            value = value_of(param, text)
        except Stop as wrong:
            raise Stop(f"{param.name}: {wrong}") from None
        words += vectors.encode([param], [Text(value) if isinstance(value, bytes) else value])
    return words


# ---- Values, to text ----

def shown(kind, data):
    """The value of a type in memory."""
    if kind.kind == "struct":
        return "{ " + ", ".join(f"{f.name}: {shown(f.type, data[f.offset:])}" for f in kind.decl.fields
                                if not f.name.startswith("reserved")) + " }"
    if kind.kind in ("array", "list"):
        size = kind.element.size
        text = bytes(data[:kind.bound]).rstrip(b"\0") if kind.element.name == "u8" else b"\n"
        if text.decode("ascii", "replace").isprintable() and text:
            return json.dumps(text.decode())
        return "[" + ", ".join(shown(kind.element, data[i * size:]) for i in range(kind.bound)) + "]"
    return shown_number(kind, int.from_bytes(data[:kind.size], "little", signed=kind.name[0] == "i"))


def shown_number(kind, number):
    if kind.kind == "enum":
        return next((m.name for m in kind.decl.members if m.value == number), str(number))
    if kind.kind == "flags":
        return ",".join(m.name for m in kind.decl.members if number & m.value) or "none"
    return ("false", "true")[number] if kind.name == "bool" and number < 2 else str(number)


def answer(method, words, has_cap):
    """Lines with the results."""
    at = 6 if method.out_cap and not method.reply_in_registers else 0
    for param in method.outputs:
        kind = param.type
        if kind.kind == "cap":
            yield f"{param.name}: " + ("a capability, which the gateway has given up" if has_cap else "none")
            continue
        there = True
        if kind.optional:
            there, at = words[at] != 0, at + 1
        if kind.scalar:
            text, at = shown_number(kind, words[at] - (1 << 64 if kind.name[0] == "i" and words[at] >> 63 else 0)), at + 1
        else:
            count = 1
            if kind.counted:
                count, at = words[at], at + 1
            size = count * (kind.element.size if kind.kind == "list" else 1) if kind.counted else kind.size
            data = b"".join(w.to_bytes(8, "little") for w in words[at:at + (size + 7) // 8])[:size]
            at += (size + 7) // 8
            if kind.kind in ("string", "bytes"):
                text = json.dumps(data.decode(errors="backslashreplace"), ensure_ascii=False)
            elif kind.kind == "list":
                text = "[" + ", ".join(shown(kind.element, data[i * kind.element.size:]) for i in range(count)) + "]"
            else:
                text = shown(kind, data)
        yield f"{param.name}: {text if there else 'none'}"


# ---- The running system ----

class System:
    """A machine's servers, by its gateway."""

    def __init__(self, machine, gateway):
        self.machine, self.gateway = machine, gateway
        if not has_gateway(machine.about["system"]):
            raise Stop(f'the machine that runs has the system "{machine.about["system"]}", which has no gateway to call through; '
                       'end it, or give its description one as in platforms/systems/shell.toml')
        number = secrets.randbits(32) | 1
        self.send("hello", number)
        while self.expect("!").strip() != f"{number:x}":
            pass

    def expect(self, begin):
        """The rest of the next line that begins so; others answer somebody who has gone."""
        while not (line := self.machine.read_line()).startswith(begin):
            if line == BEGUN:
                raise Stop("the gateway in the machine was started again in the middle of this; call once more")
        return line[len(begin):]

    def numbers(self, begin):
        text = self.expect(begin)
        try:
            return [int(number, 16) for number in text.split()]
        except ValueError:
            raise Stop(f"something else was printed in the middle of the answer, {text!r}; the method was called") from None

    def send(self, command, *numbers):
        letter = chr(self.gateway["Command", command])
        self.machine.write_line(" ".join([letter, *(f"{n:x}" for n in numbers)]))

    def call(self, target, label, words):
        """(error, label, whether a capability came, words)"""
        for i in range(0, len(words), WORDS_OF_A_LINE):
            self.send("words", *words[i:i + WORDS_OF_A_LINE])
            self.expect("+")
        self.send("call", target, label)
        return self.answer()

    def answer(self):
        error, label, cap, count = self.numbers("=")
        return error, label, cap != 0, self.words(count)

    def read(self, file, at):
        """What an open file has there: (error, bytes). None: that was the end."""
        self.send("read", file, at)
        error, _, _, words = self.answer()
        return error, b"".join(w.to_bytes(8, "little") for w in words[1:])[:words[0] if words else 0]

    def words(self, count):
        """Of an answer: several a line."""
        words = []
        while len(words) < count:
            words += self.numbers(":")
        return words


def has_gateway(system):
    """Also where its description is not here any more."""
    path = ROOT / "platforms" / "systems" / f"{system}.toml"
    return not path.exists() or "gateway" in tomllib.loads(path.read_text())["program"]


def told(interfaces, library, method, result):
    """(whether it went well, the answer as text)"""
    error, label, has_cap, words = result
    number = error or label
    if number == 0:
        return True, "\n".join(answer(method, words, has_cap)) or "ok"
    name, text = interfaces.error(library, number)
    if name == "timed_out":
        text = f"no answer within {interfaces.gateway['PATIENCE_NS'] // 10**9} seconds"
    if name == "bad_argument" and words and 0 < words[0] <= len(method.inputs):
        text = f'the server refuses "{method.inputs[words[0] - 1].name}"'
    return False, f"{library.name}.{method.name}: {name}" + (f": {text}" if text else "")


def split(arguments):
    """The calls of one command line."""
    calls = [[]]
    for argument in arguments:
        if argument == NEXT:
            calls.append([])
        else:
            calls[-1].append(argument)
    if any(not one for one in calls):
        raise Stop(f'a method is missing beside "{NEXT}"')
    return calls


def prepare(interfaces, arguments):
    """What stands on the command line: for each call the words, its library, interface and method, the message."""
    for texts in split(arguments):
        library, interface, method = interfaces.find(texts[0])
        yield texts, library, interface, method, request(method, texts[1:])


def perform(interfaces, system, calls):
    """Makes the calls; yields (what was called, whether it went well, the answer as text)."""
    for texts, library, interface, method, words in calls:
        result = system.call(interfaces.targets[interface.name], method.label, words)
        yield shlex.join(texts), *told(interfaces, library, method, result)


def call(options):
    interfaces = Interfaces()
    if not options.arguments:
        print(f'What can be called, as SERVER.METHOD with its arguments, several with "{NEXT}" between them:\n'
              + interfaces.listed())
        return 0
    calls = list(prepare(interfaces, options.arguments))
    _, running = machine.open_one(options.platform, options.debug, "shell")
    good = True
    with contextlib.closing(running):
        for called, well, text in perform(interfaces, System(running, interfaces.gateway), calls):
            print(f"{called}\n{text}" if len(calls) > 1 else text, flush=True)
            good &= well
    return 0 if good else 1

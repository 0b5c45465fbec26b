# SPDX-License-Identifier: BSD-2-Clause
"""Conformance vectors: for each method a request and a reply, as values and as the words of the message.

They are worked out here from the rules of the wire form alone (docs/decisions/0014), and not with the
code that makes the stubs; a test compares them with what the stubs send. Another language's stubs can
be held against them too. A capability is written as null: which register it is in differs.
"""

import itertools


def sample(type_, count):
    """A value of the type, and no two alike if possible."""
    if type_.kind == "flags":
        return sum(m.value for m in type_.decl.members)
    if type_.kind == "enum":
        return type_.decl.members[next(count) % len(type_.decl.members)].value
    if type_.kind == "int":
        if type_.name == "bool":
            return 1
        number = 0x1122334455667788 * (1 + next(count) % 7) % (1 << 8 * type_.size)
        return number - (1 << 8 * type_.size) if type_.name[0] == "i" and number >> (8 * type_.size - 1) else number
    if type_.kind == "struct":
        return [sample(f.type, count) for f in type_.decl.fields]
    if type_.kind in ("array", "list"):
        return [sample(type_.element, count) for _ in range(type_.bound if type_.kind == "array" else type_.bound // 2 + 1)]
    if type_.kind in ("bytes", "string"):
        return "".join(chr(97 + i % 26) for i in range(type_.bound // 2 + 1))
    if type_.kind == "buffer":
        return {"buffer": 3, "offset": 0x40 + next(count), "length": 0x100}
    return None


def stored(type_, value):
    """The bytes of a value in memory."""
    if type_.kind == "struct":
        out = b""
        for field, part in zip(type_.decl.fields, value):
            out += stored(field.type, part)
        return out
    if type_.kind in ("array", "list"):
        return b"".join(stored(type_.element, part) for part in value)
    if type_.kind in ("bytes", "string"):
        return value.encode()
    return (value % (1 << 8 * type_.size)).to_bytes(type_.size, "little")


def encode(params, values):
    """The words of a message."""
    words = []
    for param, value in zip(params, values):
        type_ = param.type
        if type_.kind == "cap":
            continue
        if type_.optional:
            words.append(1)
        if type_.kind == "buffer":
            words += [value["buffer"] << 32 | value["offset"], value["length"]]
        elif type_.scalar:
            words.append(value % (1 << 64))
        else:
            data = stored(type_, value)
            if type_.counted:
                words.append(len(value))
            data += bytes(-len(data) % 8)
            words += [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)]
    has_cap = any(p.type.kind == "cap" for p in params)
    registers = all(p.type.plain or p.type.kind == "cap" for p in params) and len(words) <= 5 - has_cap
    return words if not has_cap or registers else [0] * 6 + words


def vectors(library):
    for interface in library.interfaces:
        for method in interface.methods:
            count = itertools.count(1)
            inputs = [sample(p.type, count) for p in method.inputs]
            outputs = [sample(p.type, count) for p in method.outputs]
            yield {"interface": interface.name, "method": method.name, "label": method.label,
                   "parameters": {p.name: v for p, v in zip(method.inputs, inputs)},
                   "request": [f"0x{w:x}" for w in encode(method.inputs, inputs)],
                   "results": {p.name: v for p, v in zip(method.outputs, outputs)},
                   "reply": None if method.oneway else [f"0x{w:x}" for w in encode(method.outputs, outputs)]}


# ---- A C program that holds the stubs against them ---------------------------------------------------

def literal(type_, value):
    if type_.kind == "struct" or type_.kind in ("array", "list"):
        parts = zip((f.type for f in type_.decl.fields), value) if type_.kind == "struct" else \
            ((type_.element, part) for part in value)
        return "{ " + ", ".join(literal(t, v) for t, v in parts) + " }"
    if type_.kind in ("bytes", "string"):
        return f'"{value}"'
    if type_.kind == "buffer":
        return f"{{ {value['buffer']}, {value['offset']}, {value['length']} }}"
    return f"({type_.c}){value % (1 << 64)}ul"


def check_of(method, vector):
    """Statements that call the stub with the values, and compare what it sends and brings back."""
    prefix, lines, arguments, after = method.owner.prefix, [], [], []
    for p, value in zip(method.inputs, vector["parameters"].values()):
        t, name = p.type, f"in_{p.name}"
        if t.scalar:
            arguments += (["true"] if t.optional else []) + [literal(t, value)]
            continue
        if t.kind == "cap":
            lines.append(f"{t.c} {name} = {'{ PAGE }' if t.decl else 'PAGE'};")
        elif t.kind in ("array", "list"):
            lines.append(f"{t.c} const {name}[] = {literal(t, value)};")
        elif t.counted:
            lines.append(f"char const {name}[] = {literal(t, value)};")
        else:
            lines.append(f"{'struct sys_range' if t.kind == 'buffer' else t.c} const {name} = {literal(t, value)};")
        arguments += [f"&{name}" if t.kind == "struct" else name] + ([str(len(value))] if t.counted else [])
    for p, value in zip(method.outputs, vector["results"].values()):
        t, name = p.type, f"out_{p.name}"
        if t.optional and t.kind != "cap":
            lines.append(f"bool has_{name} = false;")
            arguments.append(f"&has_{name}")
            after.append(f"CHECK(has_{name});")
        if t.kind == "cap":
            lines.append(f"{t.c} {name};")
            arguments.append(f"&{name}")
            after.append(f"CHECK({name}{'.cap' if t.decl else ''}.raw != 0);")
        elif t.scalar:
            lines.append(f"{t.c} {name};")
            arguments.append(f"&{name}")
            after.append(f"CHECK({name} == {literal(t, value)});")
        else:
            many = t.counted or t.kind == "array"
            size = len(stored(t, value))
            lines.append(f"{t.c} {name}{f'[{t.bound}]' if many else ''};")
            lines.append(f"unsigned char const want_{p.name}[] = {{ {', '.join(map(str, stored(t, value)))} }};")
            arguments.append(name if many else f"&{name}")
            if t.counted:
                lines.append(f"size_t {name}_count;")
                arguments.append(f"&{name}_count")
                after.append(f"CHECK({name}_count == {len(value)});")
            after.append(f"CHECK(memcmp({'' if many else '&'}{name}, want_{p.name}, {size}) == 0);")
    words = vector["request"]
    lines.append(f"static uint64_t const request[] = {{ {', '.join(words + ['0'])} }};")
    reply = vector["reply"] or []
    lines.append(f"static uint64_t const reply[] = {{ {', '.join(reply + ['0'])} }};")
    for suffix, deadline in ("", []), ("_until", ["1"]):
        given = "".join(f", {a}" for a in deadline + arguments)
        lines.append(f"answer(reply, {len(reply)}, {int(method.out_cap is not None)});")
        lines.append(f"CHECK({prefix}_{method.name}{suffix}((struct {prefix}){{ CPTR(1) }}{given}) == OK);")
        lines.append(f"sent({method.label}, request, {len(words)}, {int(method.in_cap is not None)});")
        lines += after
    return lines


def as_c(library):
    methods = [m for i in library.interfaces for m in i.methods]
    checks = ["{\n        " + "\n        ".join(check_of(m, v)) + "\n    }" for m, v in zip(methods, vectors(library))]
    return ("/* SPDX-License-Identifier: BSD-2-Clause */\n/* Generated: the client's stubs against the vectors. */\n"
            f"#include \"vectors.h\"\n\n#include <idl/{library.name}_client.h>\n\nint main(void)\n{{\n    "
            + "\n    ".join(checks) + "\n    return 0;\n}\n")

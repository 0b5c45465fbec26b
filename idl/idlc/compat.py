# SPDX-License-Identifier: BSD-2-Clause
"""What a new version of an interface file does to programs that were built with the old one."""

from dataclasses import dataclass

CLIENTS, SERVERS, BOTH = "clients", "servers", "clients and servers"
EVERYBODY = "programs that are built again"


@dataclass(frozen=True)
class Change:
    """`breaks` are those of the old version that stop to work, or nothing."""

    where: str
    what: str
    breaks: str = ""
    advice: str = ""

    def __str__(self):
        effect = f"breaks {self.breaks}: " if self.breaks else "fine: "
        return f"{effect}{self.where}: {self.what}" + (f"; {self.advice}" if self.advice else "")


def wire(type_):
    """What travels of a type: two types with the same are the same to the other side."""
    if type_.kind in ("array", "list"):
        return (type_.kind, type_.bound, type_.optional, wire(type_.element))
    if type_.kind == "struct":
        fields = tuple((f.offset, wire(f.type)) for f in type_.decl.fields)
        return ("struct", type_.decl.size, type_.optional, fields)
    if type_.kind in ("enum", "flags"):
        return (type_.kind, type_.decl.base.name, type_.optional, type_.name)
    return (type_.kind, type_.name, type_.bound, type_.own, type_.optional)


def by_name(items):
    return {item.name: item for item in items}


def numbers(item):
    return item.number if hasattr(item, "number") else item.value


class Comparison:
    def __init__(self, old, new):
        self.old, self.new = old, new
        self.changes = []

    def note(self, where, what, breaks="", advice=""):
        self.changes.append(Change(where, what, breaks, advice))

    def libraries(self):
        old, new = self.old, self.new
        if old.name != new.name:
            self.note(old.name, f"is another library than {new.name}", BOTH, "compare versions of one")
            return self.changes
        self.enums()
        self.structs()
        self.errors(old.name, old.errors, new.errors)
        self.interfaces()
        self.rings()
        self.buffers()
        if any(c.breaks == "" for c in self.changes) and new.version == old.version and self.added():
            self.note(new.name, f"is still of version {old.version}", EVERYBODY,
                      f"write library {new.name} version {old.version + 1}; and since {old.version + 1} behind what is new")
        return self.changes

    def added(self):
        return any(c.what.startswith("new") for c in self.changes)

    def new_item(self, where, what, item, effect):
        """Something that only the new version has; it says since when."""
        self.note(where, f"new {what}", "", effect)
        if item.since <= self.old.version:
            self.note(where, f'new in version {self.new.version}, but without "since {self.new.version}"', EVERYBODY,
                      "nobody can tell who knows it")

    # ---- Types ---------------------------------------------------------------------------------

    def users(self, name, way):
        """The methods whose requests or replies have a type, also inside structs."""
        def has(type_):
            if type_.kind in ("array", "list"):
                return has(type_.element)
            if type_.kind == "struct" and type_.name != name:
                return any(has(f.type) for f in type_.decl.fields)
            return type_.name == name and type_.kind in ("enum", "flags", "struct")
        found = [f"{i.name}.{m.name}" for i in self.new.interfaces for m in i.methods
                 for p in (m.inputs if way == "in" else m.outputs) if has(p.type)]
        return ", ".join(dict.fromkeys(found))

    def enums(self):
        new = by_name(self.new.enums)
        for enum in self.old.enums:
            if enum.name not in new:
                continue    # where it was used the type is another now
            other = new[enum.name]
            if enum.base.name != other.base.name:
                self.note(enum.name, f"was a {enum.base.name}, and is a {other.base.name}", BOTH, "take another name for it")
            self.members(enum, other)

    def members(self, old, new):
        kind = "flag" if old.is_flags else "member"
        now, before = by_name(new.members), by_name(old.members)
        taken = {m.value: m for m in old.removed}
        asked, answered = self.users(old.name, "in"), self.users(old.name, "out")
        for member in old.members:
            where = f"{old.name}.{member.name}"
            if member.name not in now:
                same = next((m for m in new.members if m.value == member.value), None)
                if same is not None and same.name not in before:
                    self.note(where, f"is called {same.name} now", EVERYBODY)
                else:
                    gone = "removed" if any(m.value == member.value for m in new.removed) else "gone, and its number is free again"
                    self.note(where, f"{gone}: requests with it are refused" + (f" ({asked})" if asked else ""), CLIENTS,
                              f'keep it, or write {member.name} = {member.value} removed;' if gone != "removed" else "")
            elif now[member.name].value != member.value:
                self.note(where, f"was {member.value}, and is {now[member.name].value}", BOTH, "numbers stay as they are")
        for member in new.members:
            where = f"{old.name}.{member.name}"
            if member.value in taken:
                self.note(where, f"has the number of {taken[member.value].name}, which was removed", BOTH, "take a new one")
            if member.name not in before and not any(m.value == member.value for m in old.members):
                effects = ([f"servers of version {self.old.version} refuse it ({asked})"] if asked else []) + (
                    [f"clients of version {self.old.version} refuse replies with it ({answered})"] if answered else [])
                self.new_item(where, kind, member, "; ".join(effects))

    def structs(self):
        new = by_name(self.new.structs)
        for struct in self.old.structs:
            if struct.name not in new:
                continue
            other = new[struct.name]
            now = by_name(other.fields)
            for field in struct.fields:
                where = f"{struct.name}.{field.name}"
                if field.name not in now:
                    same = [f for f in other.fields if f.offset == field.offset and wire(f.type) == wire(field.type)]
                    if same:
                        self.note(where, f"is called {same[0].name} now", EVERYBODY)
                    else:
                        self.note(where, "gone", BOTH, "keep it as a reserved field")
                elif now[field.name].offset != field.offset:
                    self.note(where, f"was at offset {field.offset}, and is at {now[field.name].offset}", BOTH,
                              "fields stay where they are")
                elif wire(now[field.name].type) != wire(field.type):
                    self.note(where, f"was {field.type.text}, and is {now[field.name].type.text}", BOTH)
            if struct.size != other.size:
                self.note(struct.name, f"had {struct.size} bytes, and has {other.size}", BOTH,
                          "a struct keeps its size: use its reserved fields, or another struct and another method")

    def errors(self, where, old, new):
        now = by_name(new)
        values = {e.value: e for e in old}
        for error in old:
            if error.name not in now:
                self.note(f"{where} error {error.name}", "gone", EVERYBODY, "write removed behind it")
            elif now[error.name].value != error.value:
                self.note(f"{where} error {error.name}", f"was {error.value}, and is {now[error.name].value}", CLIENTS,
                          "they take it for another")
        for error in new:
            if error.name not in by_name(old):
                if error.value in values:
                    self.note(f"{where} error {error.name}", f"has the number of {values[error.value].name}", CLIENTS)
                else:
                    self.new_item(f"{where} error {error.name}", "error", error, "older clients know its number only")

    def rings(self):
        now = by_name(self.new.rings)
        for ring in self.old.rings:
            other = now.get(ring.name)
            if other is None:
                self.note(ring.name, "gone", BOTH, "keep it, and have the method that hands it out deprecated")
            elif [ring.sent and ring.sent.name, ring.answered.name, ring.count] != \
                    [other.sent and other.sent.name, other.answered.name, other.count]:
                self.note(ring.name, f"had {ring.count} of {ring.answered.name}, and has {other.count} of {other.answered.name}",
                          BOTH, "both sides see the same memory: declare another ring")
        for name in now.keys() - by_name(self.old.rings).keys():
            self.note(name, "new ring")

    def buffers(self):
        now, before = by_name(self.new.buffers), by_name(self.old.buffers)
        for name, buffer in before.items():
            if name not in now:
                self.note(name, "gone", BOTH, "keep it, and have the method that hands it out deprecated")
            elif now[name].size != buffer.size:
                self.note(name, f"had {buffer.size} bytes, and has {now[name].size}", BOTH,
                          "both sides see the same memory: declare another buffer")
        for name in now.keys() - before.keys():
            self.note(name, "new buffer")

    # ---- Interfaces ----------------------------------------------------------------------------

    def interfaces(self):
        new = by_name(self.new.interfaces)
        for interface in self.old.interfaces:
            if interface.name not in new:
                self.note(interface.name, "gone", CLIENTS, "keep it, with its methods deprecated")
                continue
            other = new[interface.name]
            if interface.number != other.number:
                self.note(interface.name, f"had the number {interface.number}, and has {other.number}", BOTH,
                          "the number is in every message: keep it")
            self.errors(interface.name, interface.errors, other.errors)
            self.methods(interface, other)
        for interface in self.new.interfaces:
            if interface.name not in by_name(self.old.interfaces):
                self.note(interface.name, "new interface")

    def methods(self, old, new):
        now, before = by_name(new.methods), by_name(old.methods)
        numbers_before = {m.number: m for m in old.methods + old.removed}
        for method in old.methods:
            where = f"{old.name}.{method.name}"
            if method.name in now:
                self.method(where, method, now[method.name])
                continue
            renamed = next((m for m in new.methods if m.number == method.number and m.name not in before), None)
            if renamed is not None and self.signature(renamed) == self.signature(method):
                self.note(where, f"is called {renamed.name} now", EVERYBODY)
            elif any(m.number == method.number for m in new.removed):
                self.note(where, "removed: calls of it are refused (bad_request)", CLIENTS)
            else:
                self.note(where, "gone", CLIENTS, f"write @{method.number} {method.name} removed; so that its number stays taken")
        for method in new.methods:
            if method.name in before:
                continue
            where = f"{new.name}.{method.name}"
            other = numbers_before.get(method.number)
            if other is not None and (other.removed or self.signature(other) != self.signature(method)):
                self.note(where, f"has the number of {other.name}", CLIENTS, "take a new one: older clients call the other")
            elif other is None:
                self.new_item(where, "method", method, f"servers of version {self.old.version} answer bad_request")

    @staticmethod
    def signature(method):
        return [[wire(p.type) for p in params] for params in (method.inputs, method.outputs)] + [method.oneway]

    def method(self, where, old, new):
        if old.number != new.number:
            self.note(where, f"had the number {old.number}, and has {new.number}", BOTH, "numbers stay as they are")
        if old.oneway != new.oneway:
            self.note(where, "is oneway now" if new.oneway else "is answered now", CLIENTS)
        if new.deprecated and not old.deprecated:
            self.note(where, f"deprecated: {new.deprecated}")
        for params, others, way, breaks in ((old.inputs, new.inputs, "parameter", BOTH), (old.outputs, new.outputs, "result", BOTH)):
            for number, (param, other) in enumerate(zip(params, others), 1):
                if wire(param.type) != wire(other.type):
                    if param.type.text == other.type.text:
                        continue    # what changed is told where the type is
                    self.note(f"{where}, {way} {number} ({param.name})", f"was {param.type.text}, and is {other.type.text}",
                              breaks, "use another method")
                elif param.name != other.name:
                    self.note(f"{where}, {way} {number}", f"was called {param.name}, and is called {other.name}")
            if len(params) != len(others):
                self.note(where, f"had {len(params)} {way}s, and has {len(others)}", breaks, "use another method")


def compare(old, new):
    return Comparison(old, new).libraries()

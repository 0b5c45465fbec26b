# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel holds, as text: commands for gdb. `./tessera gdb` loads this file.

Layouts come from the kernel's debugging information, names from what the interface compiler has
generated beside the kernel (generated/kernel.json, *_caps.h). Memory is read by physical address,
so it does not matter whether the processor is in a program or in the kernel.
"""

import bisect
import json
import re
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import gdb

WINDOW_BITS = 38        # the kernel sees physical memory in its top 2^38 bytes
SLOT_BITS = 5
LINK_UP = 0x80000000
NAMED_SLOT = re.compile(r"^#define \w+?_CAP_(\w+) CPTR\((\d+)\)", re.M)
SCALES = "BKMGT"


@contextmanager
def physical_memory():
    """Until the end, addresses are physical to QEMU's gdb server."""
    connection = gdb.selected_inferior().connection
    if connection is None:
        raise gdb.GdbError("No kernel runs here; start one with ./tessera gdb.")
    if connection.send_packet("Qqemu.PhyMemMode:1") != b"OK":
        raise gdb.GdbError("This is not QEMU, or a QEMU older than 4.1: physical memory cannot be read.")
    try:
        yield
    finally:
        connection.send_packet("Qqemu.PhyMemMode:0")


def at(type_name, address):
    """The structure at one of the kernel's addresses."""
    place = gdb.Value(int(address) & (1 << WINDOW_BITS) - 1)
    return place.cast(gdb.lookup_type("struct " + type_name).pointer()).dereference()


def at_symbol(name):
    """A global variable, read by physical address."""
    variable = gdb.parse_and_eval(f"&{name}")
    return gdb.Value(int(variable) & (1 << WINDOW_BITS) - 1).cast(variable.type).dereference()


def address_of(physical):
    """The kernel's address of a physical one."""
    return physical | 2**64 - (1 << WINDOW_BITS)


def enum_names(name, prefix):
    """Number: what is called so in an enum of the kernel."""
    return {f.enumval: f.name[len(prefix):].lower() for f in gdb.lookup_type("enum " + name).fields()}


def size_text(size):
    scale = 0
    while size >= 1024 and size % 1024 == 0 and scale < len(SCALES) - 1:
        size //= 1024
        scale += 1
    return f"{size}{SCALES[scale]}"


def table(head, rows):
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows)


class Names:
    """What the interface compiler has generated beside the kernel."""

    def __init__(self):
        files = [Path(o.filename) for o in gdb.objfiles() if o.filename and o.lookup_static_symbol("cpu0")]
        if not files:
            raise gdb.GdbError("The program is not Tessera's kernel; load build/PRESET/kernel/kernel.elf.")
        self.folder = files[0].parent.parent / "generated"
        try:
            self.kernel = json.loads((self.folder / "kernel.json").read_text())
        except OSError as error:
            raise gdb.GdbError(f"The names of things are missing: {error}.") from None
        self.types = {o["number"]: name for name, o in self.kernel["objects"].items()}
        self.calls = {number: name for name, number in self.kernel["syscalls"].items()}
        self.methods = {number: f"{name}.{method}" for name, o in self.kernel["objects"].items()
                        for method, number in o["methods"].items()}
        self.faults = {number: name for name, number in self.kernel["enums"]["FaultKind"].items()}

    def field(self, head, name):
        low, width = self.kernel["layouts"]["SlotHead"][name]
        return head >> low & (1 << width) - 1

    def rights(self, head, type_name):
        rights = self.kernel["objects"][type_name]["rights"]
        return [name for name, bit in rights.items() if head >> bit & 1]

    def slots(self, program):
        """The slots that a program knows by name."""
        if program == "init":
            named = {number: name for name, number in self.kernel["enums"]["BootSlot"].items()}
        else:
            try:
                text = (self.folder / "include" / f"{program}_caps.h").read_text()
            except OSError:
                return {}
            named = {int(number): name.lower() for name, number in NAMED_SLOT.findall(text)}
            named[1] = "supervisor"
        return named

    def call(self, first, tag):
        """A system call, from its first argument register and its tag."""
        low, width = self.kernel["layouts"]["Tag"]["label"]
        label = tag >> low & (1 << width) - 1
        text = f"{self.calls.get(first & 31, first & 31)}(slot {first >> SLOT_BITS & 0xffff:#x}"
        return f"{text}, {self.methods.get(label, f'label {label:#x}')})" if first & 31 in (0, 2) else text + ")"


class Cap:
    """What is in a slot."""

    def __init__(self, names, slot_address):
        slot = at("slot", slot_address)
        head = int(slot["head"])
        self.slot = slot_address
        self.arg = int(slot["arg"])
        self.type = names.types.get(names.field(head, "type"), "")
        self.object = address_of(head >> 29 << SLOT_BITS & (1 << WINDOW_BITS) - 1)
        self.rights = names.rights(head, self.type) if self.type else []

    def object_text(self):
        """Nothing for a type that has no object in memory."""
        return f"{self.object:#x}" if self.object != address_of(0) else ""

    def details(self):
        """What the argument word says, by type."""
        arg = self.arg
        if self.type == "Endpoint":
            return f"badge {arg >> 4}" if arg else ""
        if self.type == "Notification":
            return f"bits {arg:#x}" if arg else ""
        if self.type == "CNode":
            return f"{(arg >> SLOT_BITS) + 1} slots"
        if self.type in ("Frame", "Untyped", "Tables"):
            text = size_text(1 << (arg & 63)) + (" of a device" if arg & 64 and self.type != "Tables" else "")
            if self.type == "Untyped":
                return f"{text}, {size_text(untyped_used(arg))} used"
            used = arg >> 26 != 0
            return text + (", mapped" if self.type == "Frame" else ", fed") * used
        return ""


def below(root):
    """The slots of a tree of capabilities in preorder, the root left out: see kernel/object/tree.c."""
    def target(link):
        return address_of((link & ~LINK_UP) << SLOT_BITS)

    slot = root
    link = int(at("slot", slot)["child"])
    while link != 0:
        slot = target(link)
        yield slot
        link = int(at("slot", slot)["child"]) or int(at("slot", slot)["next"])
        while link & LINK_UP:       # that was a last sibling: on with its parent's next
            slot = target(link)
            link = 0 if slot == root else int(at("slot", slot)["next"])


def untyped_used(arg):
    return (arg >> 7 & 0xfffffff) << 6


class Kernel:
    """All that can be reached from the capabilities, as it is now."""

    def __init__(self):
        self.names = Names()
        self.attention = {name: number for number, name in enum_names("attention", "ATTENTION_").items()}
        self.sending = {name: number for number, name in enum_names("sending", "SENDING_").items()}
        self.waits = enum_names("wait", "WAIT_")
        self.wait_mask = max(self.waits)
        self.caps = self.read_caps()
        self.threads = [Thread(self, address) for address in self.objects("Thread")]
        if not self.threads:
            raise gdb.GdbError("The kernel has not made any thread yet; let it boot first: break on kernel_syscall.")
        self.by_address = {thread.address: thread for thread in self.threads}
        self.cpu = at("cpu", self.threads[0].value["cpu"])

    def read_caps(self):
        families = gdb.parse_and_eval("&families").dereference()    # for the addresses in it
        low, high = families.type.range()
        return [Cap(self.names, slot) for number in range(low, high + 1)
                for slot in below(int(families[number]["root"].address))]

    def objects(self, type_name):
        """The addresses of all objects of a type."""
        return sorted({cap.object for cap in self.caps if cap.type == type_name})

    def list(self, first, link="next"):
        """The threads of a list."""
        found = []
        while int(first) != 0:
            found.append(self.thread(first))
            first = at("tcb", first)[link]
        return found

    def thread(self, address):
        return self.by_address.get(int(address)) or Thread(self, int(address))

    # ---- Who holds what ----

    @cached_property
    def cnodes(self):
        """(first slot, slots, the program whose capability space it is or ""), in order."""
        spaces = {}
        for thread in self.threads:
            space = thread.cspace()
            if space.type == "CNode":
                program = thread.name if self.names.slots(thread.name) else ""
                spaces[space.object] = spaces.get(space.object) or program
        sizes = {cap.object: (cap.arg >> SLOT_BITS) + 1 for cap in self.caps if cap.type == "CNode"}
        return sorted((address, size, spaces.get(address, "")) for address, size in sizes.items())

    def holder(self, cap):
        """Where a capability is: "console slot 5", or ""."""
        found = bisect.bisect(self.cnodes, (cap.slot, 1 << 64)) - 1
        first, size, program = self.cnodes[found] if found >= 0 else (0, 0, "")
        index = cap.slot - first >> SLOT_BITS
        return f"{program or f'CNode {first:#x}'} slot {index}" if index < size else ""

    @cached_property
    def object_names(self):
        """Object: what the program that receives there calls it, or else any other."""
        best = {}
        for first, size, program in self.cnodes:
            named = self.names.slots(program) if program else {}
            for cap in self.caps:
                index = cap.slot - first >> SLOT_BITS
                if 0 < index < size and index in named:
                    rank = 2 if {"recv", "wait"} & set(cap.rights) else 1
                    name = f"{program}.{named[index]}"
                    best[cap.object] = max(best.get(cap.object, (0, "")), (rank, name), key=lambda found: found[0])
        return {address: name for address, (_, name) in best.items()}

    def object_text(self, type_name, address):
        name = self.object_names.get(address)
        return f"{type_name} {name + ' ' if name else ''}{address:#x}"

    # ---- Who runs ----

    @cached_property
    def ready(self):
        """Ready threads by their place: the first of all, and the queue, most urgent first."""
        first = [self.thread(self.cpu["first"])] if int(self.cpu["first"]) else []
        lists = self.cpu["ready"]["list"]
        low, high = lists.type.range()
        words = self.cpu["ready"]["map"]
        queued = []
        for index in range(low, high + 1):
            if int(words[index // 64]) >> index % 64 & 1:
                queued += self.list(lists[index]["head"])
        return first, queued

    @cached_property
    def running(self):
        """Who has the processor, or None. The fast path does not tell `cpu`: it is the thread that
        waits for nothing and is in no queue."""
        first, queued = self.ready
        waiting = {thread.address for thread in first + queued}
        able = [t for t in self.threads if t.wait == 0 and t.address not in waiting]
        current = int(self.cpu["current"])
        return next((t for t in able if t.address == current), able[0] if able else None)

    @cached_property
    def last_calls(self):
        """Thread: its last system call that was not fast, as far as debug builds remember."""
        calls = {}
        try:
            entries = gdb.parse_and_eval("trace_last").type.range()[1] + 1
            ring, end = at_symbol("trace_last"), int(at_symbol("trace_count"))
        except gdb.error:
            return calls        # a release build
        for i in range(max(0, end - entries), end):
            entry = ring[i % entries]
            if int(entry["event"]) == self.names.kernel["events"]["syscall"]["number"]:
                first, tag = (int(entry["words"][n]) for n in range(2))
                calls[address_of(int(entry["thread"]) << SLOT_BITS)] = self.names.call(first, tag)
        return calls


class Thread:
    """A thread, and what it does."""

    def __init__(self, kernel, address):
        self.kernel = kernel
        self.address = address
        self.value = at("tcb", address)
        name = self.value["name"]
        text = bytes(int(name[i]) & 255 for i in range(name.type.range()[1] + 1))
        self.name = text.split(b"\0")[0].decode(errors="replace") or f"thread-{address:x}"
        self.wait = int(self.value["wait"])
        self.wait_kind = kernel.waits[self.wait & kernel.wait_mask]
        self.wait_object = self.wait & ~63      # beside the kind, a mark; objects are aligned to 64 bytes
        self.priority = int(self.value["priority"])

    def has(self, attention):
        return bool(int(self.value["attention"]) & self.kernel.attention[attention])

    def is_sending(self, what):
        return bool(int(self.value["sending"]) & self.kernel.sending[what])

    def cspace(self):
        return Cap(self.kernel.names, int(self.value["slots"][0].address) & (1 << WINDOW_BITS) - 1)

    def fault(self):
        kind = int(self.value["fault_kind"])
        return f"{self.kernel.names.faults.get(kind, kind)} fault at {int(self.value['fault_address']):#x}"

    def state(self):
        """What it does, in words."""
        if self.wait == 0:
            return "runs" if self is self.kernel.running else "ready"
        text = self.waiting()
        if self.has("full") and int(self.value["fault_kind"]):
            text = f"{self.fault()}; {text}"
        if self.has("deadline"):
            text += f", until {clock_text(self.value['deadline']['key'])}"
        return text

    def waiting(self):
        kernel, object_ = self.kernel, self.wait_object
        if self.wait_kind == "recv":
            return "receives on " + kernel.object_text("Endpoint", object_)
        if self.wait_kind == "send":
            return "sends to " + kernel.object_text("Endpoint", object_)
        if self.wait_kind == "reply":
            return f"waits for a reply of {kernel.thread(object_).name}"
        if self.wait_kind == "reply_object":
            return "waits for a reply through " + kernel.object_text("Reply", object_)
        if self.wait_kind == "notification":
            return "waits for " + kernel.object_text("Notification", object_)
        if self.wait_kind == "time":
            return "waits for its next period" if object_ else "has no time"
        return "is stopped"

    def last_call(self):
        """What it waits in says which call that was; otherwise what the kernel remembers."""
        waits_in = {"recv": "recv", "notification": "wait", "reply": "call", "reply_object": "call"}
        if self.wait == 0 or self.wait_kind in ("stopped", "time"):
            return self.kernel.last_calls.get(self.address, "")
        if self.has("full") and int(self.value["fault_kind"]):
            return "(fault)"
        if self.wait_kind == "send":
            return "call" if self.is_sending("call") else "send"
        return waits_in[self.wait_kind]


def clock_text(ticks):
    """A time of the clock."""
    ticks = int(ticks)
    if ticks == 2**64 - 1:
        return "never"
    hertz = int(at_symbol("clock_hz"))
    return f"{ticks * 1000000 // hertz} us"


# ---- The commands ----

def show_threads(kernel, _):
    rows = [(f"{t.address:#x}", t.name, str(t.priority), t.last_call(), t.state())
            for t in sorted(kernel.threads, key=lambda t: (-t.priority, t.name))]
    return table(("ADDRESS", "NAME", "PRIORITY", "LAST CALL", "STATE"), rows)


def chain(thread):
    """Whom a thread waits for, and whom that one waits for."""
    text, seen = thread.name, set()
    while thread.wait != 0 and thread.wait_kind == "reply" and thread.address not in seen:
        seen.add(thread.address)
        thread = thread.kernel.thread(thread.wait_object)
        text += f" -> {thread.name}"
    return f"{text}: {thread.state()}"


def show_waits(kernel, _):
    lines = []
    for address in kernel.objects("Endpoint"):
        value = at("endpoint", address)
        for queue, what in (("recv", "receives"), ("send", "sends")):
            waiting = [t.name for t in kernel.list(value[queue]["head"])]
            if waiting:
                lines.append(f"{kernel.object_text('Endpoint', address)}: {what}: {', '.join(waiting)}")
    for address in kernel.objects("Notification"):
        value = at("notification", address)
        says = [f"waits: {t.name}" for t in kernel.list(value["waiters"]["head"])]
        if int(value["bound"]):
            says.append(f"bound to {kernel.thread(value['bound']).name}")
        if int(value["count"]):
            says.append(f"pending bits {int(value['bits']):#x}")
        if says:
            lines.append(f"{kernel.object_text('Notification', address)}: {', '.join(says)}")
    for address in kernel.objects("Reply"):
        caller = int(at("reply", address)["caller"])
        if caller:
            lines.append(f"{kernel.object_text('Reply', address)}: owed to {kernel.thread(caller).name}")
    called = {t.wait_object for t in kernel.threads if t.wait and t.wait_kind == "reply"}
    for thread in kernel.threads:
        if thread.wait and thread.wait_kind == "reply" and thread.address not in called:
            lines.append(f"Call {chain(thread)}")
    return "\n".join(lines) or "Nobody waits for anybody."


def find_thread(kernel, text):
    found = [t for t in kernel.threads if text in (t.name, f"{t.address:x}", f"{t.address:#x}")]
    if len(found) != 1:
        known = ", ".join(sorted({t.name for t in kernel.threads}))
        raise gdb.GdbError(f'There {"are several threads" if found else "is no thread"} "{text}"; '
                           f"give an address of `tessera threads`, or a name: {known}.")
    return found[0]


def show_cspace(kernel, argument):
    if not argument:
        raise gdb.GdbError("Which thread's? tessera cspace NAME-OR-ADDRESS")
    thread = find_thread(kernel, argument)
    space = thread.cspace()
    if space.type != "CNode":
        return f"{thread.name} has no capability space."
    program = next((name for first, _, name in kernel.cnodes if first == space.object), "")
    rows = space_rows(kernel, space, kernel.names.slots(program), "", {space.object})
    return table(("SLOT", "NAME", "TYPE", "OBJECT", "RIGHTS", ""), rows)


def space_rows(kernel, space, named, prefix, inside):
    """The full slots of a CNode; those of a CNode in it follow, as it takes two steps to them."""
    size = (space.arg >> SLOT_BITS) + 1
    end = space.object + (size << SLOT_BITS)
    for cap in sorted((c for c in kernel.caps if space.object < c.slot < end), key=lambda c: c.slot):
        index = cap.slot - space.object >> SLOT_BITS
        yield (f"{prefix}{index}", named.get(index, ""), cap.type, cap.object_text(), " ".join(cap.rights), cap.details())
        if cap.type == "CNode" and not prefix and cap.object not in inside:
            yield from space_rows(kernel, cap, {}, f"{index}/", inside)


def heap_nodes(node):
    """The nodes of a heap, in no order."""
    if int(node) != 0:
        value = at("heap_node", node)
        yield int(node), int(value["key"])
        yield from heap_nodes(value["left"])
        yield from heap_nodes(value["right"])


def owner(node, type_name, field):
    offset = next(f.bitpos // 8 for f in gdb.lookup_type("struct " + type_name).fields() if f.name == field)
    return node - offset


def show_queues(kernel, _):
    cpu = kernel.cpu
    first, queued = kernel.ready
    running = kernel.running
    bar = int(cpu["bar"])
    lines = [f"runs: {running.name + f' ({running.priority})' if running else 'nobody'}",
             f"first: {first[0].name + f' ({first[0].priority})' if first else 'not known'}",
             f"bar: {'nobody passes' if bar == 0x7fff else bar}"]
    for priority in sorted({t.priority for t in queued}, reverse=True):
        lines.append(f"queue {priority}: {', '.join(t.name for t in queued if t.priority == priority)}")
    sc = int(cpu["sc"])
    if sc:
        bound = int(at("sched_context", sc)["thread"])
        lines.append(f"time: SchedContext {sc:#x} of {kernel.thread(bound).name if bound else 'nobody'}, "
                     f"until {clock_text(cpu['end'])}")
    lines.append(f"last call that was not fast: {kernel.names.call(int(cpu['last_call']), int(cpu['last_tag']))}")
    lines.append(f"timer: {clock_text(cpu['timer'])}")
    for node, key in sorted(heap_nodes(cpu["deadlines"]["first"]), key=lambda found: found[1]):
        lines.append(f"deadline {clock_text(key)}: {kernel.thread(owner(node, 'tcb', 'deadline')).name}")
    for node, key in sorted(heap_nodes(cpu["renewals"]["first"]), key=lambda found: found[1]):
        context = at("sched_context", owner(node, "sched_context", "renewal"))
        waiting = ", ".join(t.name for t in kernel.list(context["waiters"]["head"]))
        lines.append(f"new period {clock_text(key)}: {waiting}")
    return "\n".join(lines)


def show_untyped(kernel, _):
    caps = sorted((cap for cap in kernel.caps if cap.type == "Untyped"), key=lambda cap: cap.object)
    rows = []
    for cap in caps:
        size, used = 1 << (cap.arg & 63), untyped_used(cap.arg)
        start = cap.object & (1 << WINDOW_BITS) - 1
        rows.append((f"{start:#x}", size_text(size), "device" if cap.arg & 64 else "memory",
                     size_text(used), f"{100 * used // size}%", kernel.holder(cap)))
    return table(("PHYSICAL", "SIZE", "KIND", "USED", "", "HELD BY"), rows)


class Prefix(gdb.Command):
    """What Tessera's kernel holds: threads, waits, cspace THREAD, queues, untyped."""

    def __init__(self):
        super().__init__("tessera", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)


class Show(gdb.Command):
    def __init__(self, name, function, text):
        self.__doc__ = text
        self.function = function
        super().__init__(f"tessera {name}", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        with physical_memory():
            text = self.function(Kernel(), argument.strip())
        print(text)


# The compiler marks the kernel as a program for Linux, where gdb would step by breakpoints of its
# own; they miss the way back from the kernel. QEMU can step by itself.
gdb.execute("set osabi none")
Prefix()
Show("threads", show_threads, "All threads: priority, the system call each is in or made last, what it does.")
Show("waits", show_waits, "Who waits for whom: endpoints, notifications, replies, chains of calls.")
Show("cspace", show_cspace, "A thread's capability space: tessera cspace NAME-OR-ADDRESS.")
Show("queues", show_queues, "Who runs, who is ready, whose time it is, what the timer is for.")
Show("untyped", show_untyped, "Untyped memory: where, how much of it is used, who holds it.")

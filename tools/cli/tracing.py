# SPDX-License-Identifier: BSD-2-Clause
"""What the trace server kept: read out of the machine's memory when it has ended, and written as text, for
Chrome and Perfetto, in the Common Trace Format, or as a flame graph.

The memory of the emulated machine is a file. So nothing has to be carried out of it, and it does not matter how
the system ended."""

import bisect
import collections
import html
import json
import mmap
import re
import struct
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from . import common, qemu
from .common import ROOT, Stop, build_dir

PAGE = 4096
TIMEOUT = 600
OF_A_PROGRAM = 0x8000   # in an entry's core: plus the program's number


def layout(library, name):
    """A struct of an interface file: (struct, names), arrays as bytes or as further numbers."""
    codes = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}
    text, names = "<", []
    for field_name, _, kind in library["structs"][name]["fields"]:
        match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", kind)
        if match[1] not in codes:
            break
        count = int(match[2] or 1)
        text += f"{count}s" if match[1] == "u8" and match[2] else codes[match[1]] * count
        names += [field_name] if match[1] == "u8" or count == 1 else [f"{field_name}{i}" for i in range(count)]
    return struct.Struct(text), names


class Names:
    """Events by number, and whatever else has a name."""

    def __init__(self, build):
        self.events, self.libraries, self.labels = {}, {}, {}
        for path in sorted((build / "generated").glob("*.json")):
            library = json.loads(path.read_text())
            self.libraries[library["library"]] = library
            prefix = "" if library["library"] == "kernel" else library["library"] + "."
            for name, event in library["events"].items():
                self.events[event["number"]] = Event(prefix + name, event["parameters"])
            for owner in (library["objects"], {k: {"methods": v} for k, v in library["interfaces"].items()}):
                for name, thing in owner.items():
                    for method, label in thing["methods"].items():
                        self.labels.setdefault(label, f"{name}.{method}")
        kernel = self.libraries["kernel"]
        self.syscalls = {number: name for name, number in kernel["syscalls"].items()}
        self.types = {o["number"]: name for name, o in kernel["objects"].items()}
        self.faults = {number: name for name, number in kernel["enums"]["FaultKind"].items()}

    def event(self, number):
        return self.events.get(number) or Event(f"event_{number}", [])


@dataclass
class Event:
    name: str
    parameters: list

    def values(self, words):
        """The parameters by name."""
        raw = struct.pack("<QQ", *words)
        return {p["name"]: int.from_bytes(raw[p["offset"]:p["offset"] + p["size"]], "little") for p in self.parameters}


@dataclass
class Entry:
    ns: float
    event: Event
    source: int     # processor, or OF_A_PROGRAM + number
    thread: int
    words: tuple
    request: int = 0    # that it is about; 0: none

    @property
    def values(self):
        return self.event.values(self.words)


@dataclass
class Trace:
    names: Names
    entries: list
    programs: list = field(default_factory=list)    # (name, lost)
    lost: int = 0
    dropped: int = 0
    threads: dict = field(default_factory=dict)     # number -> name
    spaces: dict = field(default_factory=dict)      # number -> number of its address space
    symbols: dict = field(default_factory=dict)     # number -> (program, its functions)

    def thread(self, number):
        return self.threads.get(number) or ("nobody" if number == 0 else f"thread-{number:x}")

    def who(self, entry):
        if entry.source & OF_A_PROGRAM:
            return self.programs[entry.source - OF_A_PROGRAM][0]
        return self.thread(entry.thread)

    def function(self, entry):
        """Of a probe: the function, or its address."""
        _, names = self.symbols.get(entry.thread, (None, None))
        address = entry.values["function"]
        return names and names.name(address) or f"{address:#x}"

    @property
    def all_lost(self):
        return self.lost + self.dropped + sum(lost for _, lost in self.programs)


def text_of(words):
    return struct.pack("<QQ", *words).split(b"\0")[0].decode(errors="replace")


# ---- Reading -------------------------------------------------------------------------------------


def find_store(memory, magic):
    """Where the store is: at the beginning of a page, and no other page begins like that."""
    pattern = struct.pack("<Q", magic)
    at = memory.find(pattern)
    while at >= 0:
        if at % PAGE == 0:
            return at
        at = memory.find(pattern, at + 1)
    return -1


def read(memory, names):
    """The trace in a machine's memory."""
    library = names.libraries["trace"]
    at = find_store(memory, library["constants"]["MAGIC"])
    if at < 0:
        raise Stop("the system kept no trace: its description needs the program trace (platforms/systems/trace.toml)")
    head, fields = layout(library, "Store")
    store = dict(zip(fields, head.unpack_from(memory, at)))
    source, source_fields = layout(library, "Source")
    trace = Trace(names, [], lost=store["lost"], dropped=store["dropped"])
    for i in range(store["programs"]):
        values = dict(zip(source_fields, source.unpack_from(memory, at + head.size + i * source.size)))
        trace.programs.append((values["name"].split(b"\0")[0].decode(errors="replace"), values["lost"]))
    entry, _ = layout(names.libraries["kernel"], "TraceEntry")
    scale = 1e9 / store["clock_hz"]
    raw = memory[at + PAGE:at + PAGE + entry.size * min(store["stored"], store["capacity"])]
    for time, number, core, thread, first, second in entry.iter_unpack(raw):
        trace.entries.append(Entry(time * scale, names.event(number), core, thread, (first, second)))
    trace.entries.sort(key=lambda e: e.ns)      # rings are emptied one after the other
    for e in trace.entries:
        if e.event.name == "name":
            trace.threads[e.thread] = text_of(e.words)
        elif e.event.name == "space":
            trace.spaces[e.thread] = e.words[0]
    number_requests(trace)
    return trace


def number_requests(trace):
    """Says of each entry which request it is about. Replies have no number of their own: it is that of the message
    which the one that they go to has sent last."""
    asked = {}
    for e in trace.entries:
        values = e.values
        e.request = values["request"] if "request" in values else values.get("tag", 0) >> 32
        if e.event.name == "message":
            asked[values["from"]] = e.request
        elif e.event.name == "reply":
            e.request = e.request or asked.get(values["to"], 0)


def record(options, build=True):
    """Boots a system, and reads what it has traced."""
    name = common.preset(options.platform, False)
    if build:
        common.build(name)
    board = qemu.description(options.platform)
    arguments = board["qemu"]["arguments"]
    size = int(arguments[arguments.index("-m") + 1])
    names = Names(build_dir(name))
    with tempfile.TemporaryDirectory(dir=build_dir(name)) as folder:
        ram, image = Path(folder) / "ram", qemu.image(name, options.system)
        if getattr(options, "probe", None):
            image = with_probes(image, options, names, Path(folder))
        extra = ["-object", f"memory-backend-file,id=ram,size={size}M,mem-path={ram},share=on", "-machine", "memory-backend=ram"]
        code, lines = qemu.boot(qemu.command(options.platform, image, extra=extra), TIMEOUT)
        if code != board["qemu"]["exit_ok"]:
            print("\n".join(lines[-20:]))
            raise Stop(f"the system did not end well (QEMU: {code}); above is the end of what it printed")
        with open(ram, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
            trace = read(memory, names)
    trace.symbols = symbols_by_thread(trace, build_dir(name), options.system)
    return trace


# ---- Probes --------------------------------------------------------------------------------------


def instructions(names, architecture):
    """What begins a function that has room for a probe, and a probe."""
    size = {"riscv64": 2, "aarch64": 4, "x86_64": 1}[architecture]
    constants = names.libraries["kernel"]["constants"]
    return (constants[f"{kind}_{architecture.upper()}"].to_bytes(size, "little") for kind in ("NOTHING", "PROBE"))


def function_places(path, wanted):
    """Where in a program's file functions of this name begin, or all, if that is empty."""
    from elftools.elf.elffile import ELFFile
    with open(path, "rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table else ():
            if symbol["st_info"]["type"] == "STT_FUNC" and wanted in ("", symbol.name):
                yield from elf.address_offsets(symbol["st_value"])


def with_probes(image, options, names, folder):
    """A copy of an image with options.probe in the files of its programs: there from the first instruction on."""
    nothing, probe = instructions(names, qemu.description(options.platform)["architecture"])
    files, before = programs_of(options.system), image.read_bytes()
    data = bytearray(before)
    for text in options.probe:
        program, _, function = text.partition(":")
        if program not in files:
            raise Stop(f'--probe {text}: {options.system} has no program "{program}"; it has: {", ".join(sorted(files))}')
        path = build_dir(common.preset(options.platform, False)) / "stripped" / files[program]
        start, room = before.find(path.read_bytes()), 0
        for place in function_places(path, function):
            at = slice(start + place, start + place + len(nothing))
            if before[at] == nothing:
                data[at], room = probe, room + 1
        if room == 0:
            raise Stop(f"--probe {text}: {files[program]} has no such function with room for a probe; which have is said in "
                       "docs/tracing.md")
    copy = folder / image.name
    copy.write_bytes(data)
    return copy


# ---- Which ---------------------------------------------------------------------------------------


def select(trace, only, request):
    """The entries of these events (None: all), about this request (None: any)."""
    entries = trace.entries
    if only:
        wanted = set(only.split(","))
        unknown = wanted - {event.name for event in trace.names.events.values()}
        if unknown:
            known = sorted(event.name for event in trace.names.events.values())
            raise Stop(f'there is no event "{sorted(unknown)[0]}"; there are: {", ".join(known)}')
        entries = [e for e in entries if e.event.name in wanted]
    if request is not None:
        entries = [e for e in entries if e.request == request]
    return entries


# ---- Text ----------------------------------------------------------------------------------------


def shown(trace, entry):
    """The parameters of an entry, for people."""
    names, parts = trace.names, []
    if entry.event.name == "name":
        return text_of(entry.words)
    kinds = {p["name"]: p["type"] for p in entry.event.parameters}
    for name, value in entry.values.items():
        if entry.event.name == "probe" and name == "function":
            text = trace.function(entry)
        elif kinds[name] == "Thread":
            text = trace.thread(value)
        elif kinds[name] == "ObjectType":
            text = names.types.get(value, str(value))
        elif kinds[name] == "FaultKind":
            text = names.faults.get(value, str(value))
        elif name == "tag":
            label = value >> 16 & 0xffff
            text = names.labels.get(label, f"{label:#x}") + (f" request {value >> 32}" if value >> 32 else "")
        elif name == "method":
            text = names.labels.get(value, f"{value:#x}")
        elif name == "target":
            text = f"{names.syscalls.get(value & 31, value & 31)} slot {value >> 5}"
        elif name == "value":
            text = f"error {(1 << 64) - value}" if value >> 63 else f"{value:#x}"
        else:
            text = str(value) if kinds[name] in ("u8", "u16", "u32") else f"{value:#x}"
        parts.append(f"{name}={text}")
    return " ".join(parts)


def as_text(trace, entries):
    start = trace.entries[0].ns if trace.entries else 0
    return "".join(f"{(e.ns - start) / 1000:14.3f}  {trace.who(e):<16} {e.event.name:<12} {shown(trace, e)}".rstrip() + "\n"
                   for e in entries)


# ---- Chrome and Perfetto: the Trace Event Format -------------------------------------------------

PROCESSORS, THREADS, PROGRAMS = 1, 2, 3


def as_chrome(trace, entries):
    """Who ran on each processor, what each thread did, what programs said; arrows are messages."""
    out = [{"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}}
           for pid, name in ((PROCESSORS, "processors"), (THREADS, "threads"), (PROGRAMS, "programs"))]
    out += [{"ph": "M", "name": "thread_name", "pid": THREADS, "tid": number, "args": {"name": trace.thread(number)}}
            for number in sorted({e.thread for e in entries if not e.source & OF_A_PROGRAM} | set(trace.threads))]
    out += [{"ph": "M", "name": "thread_name", "pid": PROGRAMS, "tid": number, "args": {"name": name}}
            for number, (name, _) in enumerate(trace.programs)]
    running, arrow, inside = {}, 0, set()
    for e in entries:
        at = {"ts": e.ns / 1000, "pid": THREADS, "tid": e.thread}
        values = e.values
        name = e.event.name
        if e.source & OF_A_PROGRAM:
            at |= {"pid": PROGRAMS, "tid": e.source - OF_A_PROGRAM}
            phase = {"begin": "B", "end": "E"}.get(name.split(".")[-1], "i")
            out.append(at | {"ph": phase, "name": f"request {values['request']}" if "request" in values else name,
                             "args": values})
            continue
        if name in ("switch", "idle"):
            if e.source in running:
                since, who = running.pop(e.source)
                out.append({"ph": "X", "name": trace.thread(who), "pid": PROCESSORS, "tid": e.source, "ts": since,
                            "dur": e.ns / 1000 - since})
            if name == "switch":
                running[e.source] = (e.ns / 1000, values["to"])
            inside.discard(values.get("from"))
        if name in ("message", "reply"):
            arrow += 1
            label = shown(trace, e)
            for phase, thread in (("s", values["from"]), ("f", values["to"])):
                flow = {"ph": phase, "name": name, "cat": "ipc", "id": arrow, "pid": THREADS, "tid": thread,
                        "ts": e.ns / 1000, "args": {"what": label}}
                out.append(flow | ({"bp": "e"} if phase == "f" else {}))
        name = trace.function(e) if name == "probe" else name
        out.append(at | {"ph": "i", "s": "t", "name": name, "args": {"what": shown(trace, e)}})
    return json.dumps({"traceEvents": out, "displayTimeUnit": "ns",
                       "otherData": {"lost": trace.all_lost}}, indent=0)


# ---- Common Trace Format 1.8 ---------------------------------------------------------------------

CTF_MAGIC = 0xC1FC1FC1
TSDL = """/* CTF 1.8 */
typealias integer {{ size = 8; align = 8; signed = false; }} := uint8_t;
typealias integer {{ size = 16; align = 8; signed = false; }} := uint16_t;
typealias integer {{ size = 32; align = 8; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 8; signed = false; }} := uint64_t;
typealias integer {{ size = 8; align = 8; signed = false; encoding = UTF8; }} := letter_t;
trace {{
    major = 1;
    minor = 8;
    byte_order = le;
    packet.header := struct {{ uint32_t magic; uint32_t stream_id; }};
}};
env {{ domain = "tessera"; }};
clock {{ name = monotonic; freq = 1000000000; }};
typealias integer {{ size = 64; align = 8; signed = false; map = clock.monotonic.value; }} := time_t;
stream {{
    id = 0;
    packet.context := struct {{
        time_t timestamp_begin; time_t timestamp_end; uint64_t content_size; uint64_t packet_size;
        uint64_t events_discarded; uint16_t source;
    }};
    event.header := struct {{ uint16_t id; time_t timestamp; }};
    event.context := struct {{ uint32_t thread; }};
}};
{events}"""


def ctf_type(parameter):
    return f"uint{8 * parameter['size']}_t"


def ctf_event(number, event):
    if event.name == "name":
        fields = "letter_t name[16];"
    else:
        fields = " ".join(f"{ctf_type(p)} _{p['name']};" for p in event.parameters)
    return (f'event {{ name = "{event.name}"; id = {number}; stream_id = 0; fields := struct {{ {fields} }}; }};\n')


def ctf_packet(events, body, lost, source):
    head = struct.Struct("<IIQQQQQH")
    bits = 8 * (head.size + len(body))
    return head.pack(CTF_MAGIC, 0, round(events[0].ns), round(events[-1].ns), bits, bits, lost, source) + body


def write_ctf(trace, entries, folder):
    """A folder: the description of the events, and a stream for each processor and program."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / "metadata").write_text(TSDL.format(events="".join(
        ctf_event(number, event) for number, event in sorted(trace.names.events.items()))))
    numbers = {id(event): number for number, event in trace.names.events.items()}
    streams = collections.defaultdict(list)
    for e in entries:
        if id(e.event) in numbers:
            streams[e.source].append(e)
    lost = {OF_A_PROGRAM + i: count for i, (_, count) in enumerate(trace.programs)} | {0: trace.lost + trace.dropped}
    for source, events in streams.items():
        body = b""
        for e in events:
            raw = struct.pack("<QQ", *e.words)
            values = raw if e.event.name == "name" else b"".join(
                raw[p["offset"]:p["offset"] + p["size"]] for p in e.event.parameters)
            body += struct.pack("<HQI", numbers[id(e.event)], round(e.ns), e.thread) + values
        # How many were lost shows in the difference of two packets: the first is empty.
        (folder / f"stream_{source:x}").write_bytes(
            ctf_packet(events[:1], b"", 0, source) + ctf_packet(events, body, lost.get(source, 0), source))


# ---- Profile -------------------------------------------------------------------------------------


class Symbols:
    """The functions of a program."""

    def __init__(self, path):
        from elftools.elf.elffile import ELFFile
        self.starts, self.functions = [], []
        with open(path, "rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            found = sorted((s["st_value"], s["st_size"], s.name) for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC")
        for value, size, name in found:
            self.starts.append(value)
            self.functions.append((value + size, name))

    def name(self, address):
        """The function at an address; None for no function."""
        at = bisect.bisect(self.starts, address) - 1
        return self.functions[at][1] if at >= 0 and address < self.functions[at][0] else None


def programs_of(system):
    """program -> its file, by the system's description."""
    with open(ROOT / "platforms" / "systems" / f"{system}.toml", "rb") as file:
        return {name: p.get("file", name) for name, p in tomllib.load(file)["program"].items()} | {"init": "init"}


def symbols_by_thread(trace, build, system):
    """thread -> the symbols of its program: whoever is named like a program ("vfs worker" too) says whose address
    space it is."""
    files = programs_of(system)
    named = {number: re.split("[ .]", name)[0] for number, name in trace.threads.items()}
    spaces = {trace.spaces[number]: files[name] for number, name in named.items()
              if name in files and number in trace.spaces}
    found = {}
    loaded = {}
    for number, space in trace.spaces.items():
        program = spaces.get(space)
        if program and program not in loaded:
            path = next(build.rglob(f"{program}.elf"), None)
            loaded[program] = Symbols(path) if path else None
        if program and loaded[program]:
            found[number] = (program, loaded[program])
    return found


def folded(trace, symbols):
    """Call stacks, outermost first -> how often. A return address stands for the call before it."""
    stacks = collections.Counter()
    entries = [e for e in trace.entries if e.event.name in ("sample", "stack") and not e.source & OF_A_PROGRAM]
    i = 0
    while i < len(entries):
        e = entries[i]
        i += 1
        if e.event.name != "sample":
            continue
        depth = e.values["depth"]
        callers = []
        while len(callers) < depth and i < len(entries) and entries[i].event.name == "stack":
            callers += entries[i].words
            i += 1
        program, names = symbols.get(e.thread, (None, None))
        frames = named_frames(names, [e.values["pc"]] + [caller - 1 for caller in callers[:depth]])
        stacks[";".join([program or "?", trace.thread(e.thread), *reversed(frames)])] += 1
    return stacks


def named_frames(symbols, addresses):
    """Innermost first. What is in no function was no return address: a caller kept no frame pointer, and
    from there on the stack is not known."""
    names = []
    for address in addresses:
        name = symbols.name(address) if symbols else f"{address:#x}"
        if name is None and names:
            break
        names.append(name or f"{address:#x}")
    return names


@dataclass
class Node:
    name: str
    count: int = 0
    below: dict = field(default_factory=dict)

    def add(self, frames, count):
        self.count += count
        if frames:
            self.below.setdefault(frames[0], Node(frames[0])).add(frames[1:], count)

    @property
    def depth(self):
        return 1 + max((node.depth for node in self.below.values()), default=0)


WIDTH, ROW, LETTER = 1200, 20, 7.2
PAGE_TEXT = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 1em auto; max-width: {width}px; color: #222; }}
svg {{ width: 100%; height: auto; }}
text {{ font: 12px monospace; pointer-events: none; }}
rect {{ stroke: #fff; stroke-width: 1; cursor: pointer; }}
rect:hover {{ stroke: #000; }}
</style>
<h1>{title}</h1>
<p>{summary} The width of a box is how often it was found on the stack; what it called stands above it. Click a
box to see it alone, and the lowest one to see all.</p>
{svg}
<p id="what">&nbsp;</p>
<script>
const boxes = [...document.querySelectorAll("g[data-x]")];
const width = {width};
function fit(text, w) {{ const n = Math.floor((w - 6) / {letter}); return n < 3 ? "" : text.length > n ? text.slice(0, n - 1) + "\\u2026" : text; }}
function show(x, w, level) {{
    for (const g of boxes) {{
        const gx = +g.dataset.x, gw = +g.dataset.w, above = +g.dataset.level >= level;
        const left = above ? (gx - x) / w * width : 0, wide = above ? gw / w * width : width;
        const visible = above ? gx >= x - 1e-9 && gx + gw <= x + w + 1e-9 : gx <= x + 1e-9 && gx + gw >= x + w - 1e-9;
        g.style.display = visible ? "" : "none";
        g.querySelector("rect").setAttribute("x", left);
        g.querySelector("rect").setAttribute("width", wide);
        g.querySelector("text").setAttribute("x", left + 4);
        g.querySelector("text").textContent = fit(g.dataset.name, wide);
    }}
}}
for (const g of boxes) {{
    g.addEventListener("click", () => show(+g.dataset.x, +g.dataset.w, +g.dataset.level));
    g.addEventListener("mouseover", () => document.getElementById("what").textContent = g.querySelector("title").textContent);
}}
</script>
</html>
"""


def colour(name):
    """Warm, and the same for the same function."""
    value = sum(ord(c) * (i + 7) for i, c in enumerate(name))
    return f"rgb({205 + value % 50},{90 + value * 7 % 120},{40 + value * 13 % 50})"


def boxes(node, x, level, total, height, out):
    if level >= 0:
        left, wide = x / total * WIDTH, node.count / total * WIDTH
        y = height - (level + 1) * ROW
        letters = int((wide - 6) / LETTER)
        label = "" if letters < 3 else node.name if len(node.name) <= letters else node.name[:letters - 1] + "…"
        about = f"{node.name}: {node.count} of {total} samples, {100 * node.count / total:.1f} %"
        out.append(f'<g data-x="{x / total:.9f}" data-w="{node.count / total:.9f}" data-level="{level}" '
                   f'data-name="{html.escape(node.name)}"><title>{html.escape(about)}</title>'
                   f'<rect x="{left:.2f}" y="{y}" width="{wide:.2f}" height="{ROW}" fill="{colour(node.name)}"/>'
                   f'<text x="{left + 4:.2f}" y="{y + 14}">{html.escape(label)}</text></g>')
    for child in sorted(node.below.values(), key=lambda n: n.name):
        boxes(child, x, level + 1, total, height, out)
        x += child.count


def as_flame_graph(stacks, title):
    root = Node("all")
    for stack, count in sorted(stacks.items()):
        root.add(["all", *stack.split(";")], count)
    height = max(root.depth - 1, 1) * ROW
    out = []
    boxes(root, 0, -1, max(root.count, 1), height, out)
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">\n' + "\n".join(out) + "\n</svg>")
    return PAGE_TEXT.format(title=html.escape(title), summary=f"{root.count} samples.", svg=svg, width=WIDTH, letter=LETTER)


# ---- Commands ------------------------------------------------------------------------------------


def output(options, default):
    return Path(options.output) if options.output else build_dir(options.platform) / default


def report(trace, entries):
    print(f"{len(entries)} of {len(trace.entries)} events of {len(trace.threads)} threads; {trace.all_lost} found no room.")


def trace_command(options):
    trace = record(options)
    entries = select(trace, options.events, options.request)
    report(trace, entries)
    if options.format == "ctf":
        path = output(options, "trace.ctf")
        write_ctf(trace, entries, path)
        print(f"Written: {path}\nTo read it: babeltrace2 {path}")
    elif options.format == "chrome":
        path = output(options, "trace.json")
        path.write_text(as_chrome(trace, entries))
        print(f"Written: {path}\nTo see it: open https://ui.perfetto.dev or chrome://tracing, and load that file there")
    else:
        path = output(options, "trace.txt")
        path.write_text(as_text(trace, entries))
        print(f"Written: {path}\nTo read it: less -S {path}")


def profile_command(options):
    trace = record(options)
    stacks = folded(trace, trace.symbols)
    if not stacks:
        raise Stop("there is no sample: the system ended too early, or selected other events")
    path = output(options, "profile.html")
    path.write_text(as_flame_graph(stacks, f"Profile of {options.system} on {options.platform}"))
    lines = path.with_suffix(".folded")
    lines.write_text("".join(f"{stack} {count}\n" for stack, count in sorted(stacks.items())))
    print(f"{sum(stacks.values())} samples, {len(stacks)} different stacks; {trace.all_lost} events found no room.")
    print(f"Written: {path} and {lines}\nTo see it: open {path} in a browser")

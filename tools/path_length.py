#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures how many instructions the kernel executes at a stretch: from its entry to where it looks for interrupts,
from there to the next such place, or to its exit.

    path_length.py PLATFORM BUILD_DIR [--limit N] [--systems NAME...]
    path_length.py --document BUILD_DIR... > docs/reference/path-length.md

Boots the tests, or other systems that stop by themselves, with a plugin of QEMU's (tools/qemu/path_length.c) and prints
the longest stretch of each kind of entry, with where it began and ended and the functions that took most of it. Ends with 1 if one is above the limit, or
a system did not come to its end. What was found is kept in BUILD_DIR/path-length.json, with what was found before in
other systems.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
from bisect import bisect_right
from pathlib import Path

from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from cli import common, qemu  # noqa: E402

LIMIT = 5000
TIMEOUT = 900           # seconds; it takes about one minute
MOST_FUNCTIONS = 4      # that the report names

# How a kernel looks for interrupts, or sleeps, in its disassembly.
LOOKS = {"riscv64": r"\bcsrr\s+\w+,sip$|\bwfi$", "aarch64": r"\bmrs\s+\w+, isr_el1$|\bwfi$", "x86_64": r"\bhlt$"}
# On x86-64 by reading a register of the local APIC: an instruction of arch_interrupt_pending() that reads half a word.
X86_READS = r"\b(mov\s+(0x0)?\(%\w+\),%(e\w+|r\d+d)|movabs\s+0xffffffc0fee00210,%eax)$"
OBJDUMP = {"riscv64": "riscv64-linux-gnu-objdump", "aarch64": "aarch64-linux-gnu-objdump",
           "x86_64": "x86_64-linux-gnu-objdump"}
# The firmware's, in the part of the address space that programs have too.
FIRMWARE = {"riscv64": (0x80000000, 0x80200000)}
USER_TOP = 1 << 38
KERNEL = 0xffffffc000000000
FOR_HOST = re.compile(r"\x1b_[^\x1b]*\x1b\\")     # what the gateway says, between the lines

# What kind of entry it is that comes by these: a system call may take an interrupt on its way out.
MARKS = {r"fast_(call|reply_recv)(_long)?|fast_signal(_wake)?|fast_poll|fast_yield(_to)?": "fast-path",
         r"(kernel|traced)_interrupt": "interrupt", r"(riscv|aarch64|x86)_(traced_)?fault": "fault",
         r"(kernel|traced)_syscall": "system-call"}
CALLED = {"other": "no C", "fast-path": "fast path", "system-call": "system call"}


def symbols_of(elf):
    """name -> address, and [(address, size, name)] of functions, sorted."""
    with open(elf, "rb") as file:
        symbols = list(ELFFile(file).get_section_by_name(".symtab").iter_symbols())
    functions = sorted((s["st_value"], s["st_size"], s.name) for s in symbols
                       if s["st_info"]["type"] == "STT_FUNC" and s["st_size"])
    return {s.name: s["st_value"] for s in symbols}, functions


def compiled_from(elf, file, function):
    """[(first, end)] of the code that stands for the lines of an inline function."""
    text = (ROOT / file).read_text().splitlines()
    first = next(n for n, line in enumerate(text, 1) if re.search(rf"\b{function}\(", line))
    last = next(n for n, line in enumerate(text, 1) if n > first and line == "}")
    with open(elf, "rb") as opened:
        dwarf = ELFFile(opened).get_dwarf_info()
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            rows = [entry.state for entry in program.get_entries() if entry.state]
            names = [entry.name.decode() for entry in program["file_entry"]]
            base = 0 if program["version"] >= 5 else 1
            for row, following in zip(rows, rows[1:]):
                if first <= row.line <= last and names[row.file - base].endswith(Path(file).name) and not row.end_sequence:
                    yield row.address, following.address


def looks(elf, architecture):
    """Where the kernel looks for interrupts."""
    text = subprocess.run([OBJDUMP[architecture], "-d", "--no-show-raw-insn", elf], capture_output=True, text=True,
                          check=True).stdout
    lines = [(int(at, 16), what) for at, what in re.findall(r"(?m)^([0-9a-f]+):\s+(.*?)\s*$", text)]
    found = [at for at, what in lines if re.search(LOOKS[architecture], what)]
    if architecture == "x86_64":
        parts = list(compiled_from(elf, "kernel/arch/x86_64/hot.h", "arch_interrupt_pending"))
        found += [at for at, what in lines if re.search(X86_READS, what) and any(a <= at < b for a, b in parts)]
    return found


def arguments(elf, architecture, out):
    """What the plugin has to know of this kernel."""
    names, functions = symbols_of(elf)
    found = [f"from={KERNEL:x}", f"below={USER_TOP:x}", f"begin={names['arch_run']:x}", f"out={out}"]
    found += [f"check={at:x}" for at in looks(elf, architecture)]
    if architecture in FIRMWARE:
        found.append("except={:x}-{:x}".format(*FIRMWARE[architecture]))
    for pattern, kind in MARKS.items():
        found += [f"mark={at:x}:{kind}" for name, at in names.items() if re.fullmatch(pattern, name)]
    found += [f"function={at:x}-{at + size:x}" for at, size, _ in functions]
    return found


def measure(platform, elf, image):
    """[(kind, stretches, longest, start, end, {function: instructions})], exit code, lines."""
    architecture = qemu.description(platform)["architecture"]
    names, functions = symbols_of(elf)
    # Labels of assembly have no size, and no type.
    places = sorted((at, name) for name, at in names.items() if at >= KERNEL and not name.startswith((".", "$")))

    def place(at):
        i = bisect_right(places, (at, "\x7f")) - 1
        return f"{places[i][1]}+{at - places[i][0]:#x}" if at >= KERNEL else "a program"

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        option = ",".join([str(qemu.plugin("path_length", folder)), *arguments(elf, architecture, out)])
        code, lines = qemu.boot(qemu.command(platform, image, extra=["-plugin", option]), TIMEOUT)
        kinds = [line.split(" ") for line in out.read_text().splitlines()] if out.exists() else []
    start_of = {at: name for at, _, name in functions}
    found = []
    for kind, stretches, longest, start, end, parts in kinds:
        counts = {start_of[int(at, 16)]: int(count)
                  for at, count in (part.split(":") for part in parts.split(",") if part.strip())}
        most = dict(sorted(counts.items(), key=lambda each: -each[1])[:MOST_FUNCTIONS])
        found.append({"kind": CALLED.get(kind, kind), "stretches": int(stretches), "longest": int(longest),
                      "from": place(int(start, 16)), "to": place(int(end, 16)), "functions": most})
    return found, code, lines


def table(kept):
    """As Markdown: of each kind of entry the longest, and in which system that was."""
    yield "| Entry | Stretches | Longest | System | From | To | Most of it in |"
    yield "|---|--:|--:|---|---|---|---|"
    for kind in dict.fromkeys(each["kind"] for found in kept.values() for each in found):
        of_kind = [(system, each) for system, found in kept.items() for each in found
                   if each["kind"] == kind and each["stretches"]]
        if of_kind:
            system, each = max(of_kind, key=lambda pair: pair[1]["longest"])
            most = ", ".join(f"{name} {count}" for name, count in each["functions"].items())
            yield (f"| {kind} | {sum(one['stretches'] for _, one in of_kind)} | {each['longest']} | {system} "
                   f"| {each['from']} | {each['to']} | {most} |")


DOCUMENT = f"""<!-- SPDX-License-Identifier: BSD-2-Clause -->
<!-- Written by tools/path_length.py --document; do not edit. -->
# How long the kernel takes at a stretch

Interrupts wait while the kernel runs. These are the most instructions that it executed from its entry to where it looks
for interrupts, from there to the next such place, or to its exit, in all boot tests (the system `tests`), among which are
cases that are made to be long (`tests/boot/longest.c`), and in other systems. The tests `path-length` and
`path-length-systems` of each board fail above {LIMIT}. Counted by a plugin of QEMU; instructions, not time.
"""


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # or QEMU would live on
    parser = argparse.ArgumentParser()
    parser.add_argument("platform", nargs="?")
    parser.add_argument("build", nargs="?", type=Path)
    parser.add_argument("--limit", type=int, default=LIMIT)
    parser.add_argument("--systems", nargs="+", default=["tests"], metavar="NAME")
    parser.add_argument("--document", type=Path, nargs="+", metavar="BUILD_DIR")
    options = parser.parse_args()
    if options.document:
        print(DOCUMENT, end="")
        for build in options.document:
            kept = json.loads((build / "path-length.json").read_text())
            print(f"\n## {kept['platform']}\n\nAt `{kept['commit']}`, in the systems {', '.join(kept['systems'])}.\n",
                  *table(kept["systems"]), sep="\n")
        return 0

    file = options.build / "path-length.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    commit = common.commit()
    systems = kept.get("systems", {}) if kept.get("commit") == commit else {}
    wrong = []
    for system in options.systems:
        systems[system], not_ended = measure_system(options, system)
        wrong += [f"{system}: {text}" for text in not_ended]
    print(*table(systems), sep="\n")
    for system, found in systems.items():
        wrong += [f"{system}: {each['longest']} instructions at a stretch, of {each['kind']}, are more than {options.limit}"
                  for each in found if each["longest"] > options.limit]
    for text in wrong:
        print(f"path_length: {text}", file=sys.stderr)
    if not wrong:
        file.write_text(json.dumps({"platform": options.platform, "commit": commit, "systems": systems}))
    return 1 if wrong else 0


def measure_system(options, system):
    """What was found, and why that may not be all."""
    found, code, lines = measure(options.platform, options.build / "kernel" / "kernel.elf",
                                 options.build / f"image-{system}.bin")
    wrong = []
    # Whether each test passed is what the boot tests are for; here they have to be gone through.
    lines = [FOR_HOST.sub("", line) for line in lines]
    plan = next((line for line in lines if line.startswith("1..")), "1..0")
    seen = sum(re.match(r"(not )?ok \d", line) is not None for line in lines)
    has_no_tests = system == "bench" and code == qemu.description(options.platform)["qemu"]["exit_ok"]
    if not has_no_tests and (code is None or seen == 0 or str(seen) != plan.removeprefix("1..")):
        wrong.append(f"{seen} of {plan} tests ran; QEMU ended with {code}, after: {' / '.join(lines[-3:])}")
    if system == "tests" and not any(each["kind"] == "interrupt" and each["stretches"] for each in found):
        wrong.append("no interrupt was seen: this measured nothing")
    return found, wrong


if __name__ == "__main__":
    sys.exit(main())

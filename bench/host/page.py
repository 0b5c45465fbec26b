# SPDX-License-Identifier: BSD-2-Clause
"""The page of all figures, and README's excerpt of it."""

import re

from cli.common import ROOT

from . import anchors, tables

PAGE = ROOT / "docs" / "reference" / "figures.md"
README = ROOT / "README.md"
REGION = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.S)
EXCERPT = ["ipc.round_trip.cross.w0", "ipc.round_trip.cross.w4", "ipc.round_trip.cross.w16", "ipc.round_trip.cross.w120",
           "trap.null", "notify.signal.idle", "notify.signal.high", "sched.switch.cross", "fault.round_trip", "irq.latency",
           "cap.copy", "frame.map", "mem.fault.zeroed", "vfs.open_close", "vfs.pread.4k"]

# What claims speed: (what it is about, the figure without it, the figure with it).
PAIRS = [
    ("one system call for 64 pages", "frame.map", "frame.map.batch64"),
    ("one thread with a wait set for sixteen notifications", "wait_set.threads16", "wait_set.burst16"),
    ("32 messages published together", "channel.message", "channel.message.batch32"),
    ("a receiver that looks 8 times before it sleeps", "channel.message", "channel.message.spin8"),
    ("the same, 32 messages together", "channel.message.batch32", "channel.message.batch32.spin8"),
    ("pages brought along with the one that is touched", "mem.fault.scattered", "mem.fault.zeroed"),
    ("a large page: 2 MiB written to, a word each 4 KiB", "mem.touch.2m.small", "mem.touch.2m.huge"),
    ("2 MiB given back, promoted to a large page before", "mem.unmap.2m.small", "mem.unmap.2m.promoted"),
    ("2 MiB duplicated by copy-on-write, nothing written", "mem.copied.2m", "mem.clone.2m"),
    ("the same, 16 pages written then", "mem.copied.2m", "mem.clone.2m.written16"),
    ("the same, all 512 pages written then", "mem.copied.2m", "mem.clone.2m.written512"),
    ("the path cache", "vfs.stat.depth4.cold", "vfs.stat.depth4"),
    ("a page of a file mapped, and not read by a call", "vfs.pread.4k.copied", "vfs.mapped.4k"),
]

HEAD = """<!-- SPDX-License-Identifier: BSD-2-Clause -->
<!-- Written by ./tessera bench --platform all --page; do not edit. -->
# Figures

Measured at commit {commit}, release build, one core, {qemu}; {compiler}.
`./tessera bench --platform all --page` measures anew and writes this page and README's excerpt. The test `bench` of
each board fails when a figure gets worse than its ceiling ([ceilings.py](../../bench/host/ceilings.py)).

The unit is the instruction, under `-icount shift=0`: figures repeat exactly, and say nothing of caches, pipelines or
TLBs. They are medians, from user program to user program, stubs included; the cost of reading the counter is taken off.
seL4 and Linux: the same operation on the same emulated machine, where it was measured
([anchors.py](../../bench/host/anchors.py)); Linux 6.1 on x86-64 only.
"""


def cells(row):
    return "| " + " | ".join(str(cell) for cell in row) + " |"


def linux(name):
    anchor = anchors.LINUX["x86_64-q35"].get(name)
    return f"{anchor[0]} ({anchor[1]})" if anchor else ""


def all_figures(reports):
    boards = [report["platform"] for report in reports]
    out = [cells(["operation", *(cell for board in boards for cell in (board, "seL4")), "Linux", "what"]),
           "|---|" + "--:|" * (2 * len(boards) + 1) + "---|"]
    names = dict.fromkeys(r["name"] for report in reports for r in report["results"] if r["name"] not in anchors.WORST)
    for name in names:
        row = [f"`{name}`"]
        for report in reports:
            row += [tables.median(report, name), anchors.SEL4.get(report["platform"], {}).get(name, "")]
        out.append(cells([*row, linux(name), anchors.what(name)]))
    return out


def worst_cases(reports):
    out = [cells(["while", *(report["platform"] for report in reports), "what"]), "|---|" + "--:|" * len(reports) + "---|"]
    for name, most in anchors.WORST.items():
        found = [r["max"] for report in reports for r in report["results"] if r["name"] == name]
        out.append(cells([f"`{name}`", *found, anchors.what(name)]))
    return out


def pairs(reports):
    out = [cells(["what claims speed", *(cell for report in reports for cell in (f"{report['platform']} without", "with")), "of"]),
           "|---|" + "--:|" * (2 * len(reports)) + "---|"]
    for what, without, with_it in PAIRS:
        row = [tables.median(report, name) for report in reports for name in (without, with_it)]
        out.append(cells([what, *row, f"`{without}`, `{with_it}`"]))
    return out


def page(reports):
    first = reports[0]
    compilers = ", ".join(dict.fromkeys(report["compiler"] for report in reports))
    head = HEAD.format(commit=first["commit"], qemu=first["qemu"], compiler=compilers)
    return "\n".join([head, "## All", "", *all_figures(reports), "",
                      "## With and without", "", *pairs(reports), "",
                      "## The latest that an interrupt's thread ran, in nanoseconds", "",
                      "One is an instruction. At most 5000 are allowed.", "", *worst_cases(reports), ""])


def excerpt(reports):
    lines = [*tables.heading(reports), "", *tables.side_by_side(reports, EXCERPT)]
    text = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"<!-- figures -->\n{text}\n\n<!-- end of figures -->"


def write(reports):
    PAGE.write_text(page(reports), encoding="utf-8")
    README.write_text(REGION.sub(lambda _: excerpt(reports), README.read_text(encoding="utf-8")), encoding="utf-8")
    print("\nWritten: docs/reference/figures.md, README.md")

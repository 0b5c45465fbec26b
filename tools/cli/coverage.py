# SPDX-License-Identifier: BSD-2-Clause
"""What the unit tests reach of the kernel's C that is the same on all processors: lines, branches, and
conditions that were shown to decide by themselves (MC/DC). Counted by clang."""

import collections
import itertools
import json
import os
import re
import shutil
import subprocess
import tomllib

from . import common
from .common import ROOT, Stop

PRESET = "host-coverage"
LLVM = "-19"
PAGE = ROOT / "docs" / "assurance" / "coverage.md"
REASONS = ROOT / "tests" / "coverage.toml"
LIMIT = 95.0        # percent of the branches
ELSEWHERE = ("kernel/arch/", "kernel/dev/")     # but for what this program compiles of the latter
GENERIC_DEVICES = ("kernel/dev/fdt.c", "kernel/dev/fdt.h")
# Not counted where it is never reached: the failing side of an assertion or of the check of an invariant (a
# test that reached it would have found an error), and what the build decides.
ASSERTION = re.compile(r"\b(kassert|must)\(|\bCONFIG_[A-Z_]+\b")
CHECKS = re.compile(r"^\w.*\b\w+_check\([^;]*$")       # the head of such a function
CASE = re.compile(r"\s+(case \w+|default):$")


def is_generic(name):
    return name.startswith("kernel/") and (name in GENERIC_DEVICES or not name.startswith(ELSEWHERE))


def run_tests():
    common.build(PRESET)
    profiles = common.build_dir(PRESET) / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir()
    environment = {**os.environ, "LLVM_PROFILE_FILE": str(profiles / "%2m.profraw")}
    done = subprocess.run(["ctest", "--test-dir", common.build_dir(PRESET), "-j2", "-R", "^(unit|model)[.]", "-LE", "^long$"],
                          env=environment, capture_output=True, text=True)
    failed = re.findall(r"^\s*\d+ - (\S+) \(\w+\)", done.stdout, re.M)
    merged = profiles / "all.profdata"
    common.run(["llvm-profdata" + LLVM, "merge", "-sparse", "-o", merged, *profiles.glob("*.profraw")], quiet=True)
    return merged, failed


def export(profile):
    """llvm-cov's data, as it is."""
    objects = sorted((common.build_dir(PRESET) / "tests" / "unit" / "CMakeFiles" / "world.dir").rglob("*.o"))
    more = [word for name in objects[1:] for word in ("-object", str(name))]
    done = subprocess.run(["llvm-cov" + LLVM, "export", str(objects[0]), *more, f"-instr-profile={profile}"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop("llvm-cov failed: " + done.stderr.strip())
    return json.loads(done.stdout)["data"][0]


def asserted(source):
    """The lines that belong to assertions."""
    in_check = False
    for number, line in enumerate(source, 1):
        in_check = (in_check or bool(CHECKS.match(line))) and line != "}"
        rest = itertools.dropwhile(CASE.match, source[number - 1:])
        is_last_case = CASE.match(line) and "panic(" in next(rest, "")
        if in_check or is_last_case or ASSERTION.search(line):
            yield number


def line_counts(segments):
    """{line: times} of the lines with code; `segments` are where the count changes."""
    counts = {}
    before = None
    for line, here in itertools.groupby(segments, key=lambda segment: segment[0]):
        here = list(here)
        if before is not None:
            start, wrapped = before
            if wrapped is not None:
                counts.update((between, wrapped) for between in range(start + 1, line))
        begun = [segment[2] for segment in here if segment[3] and segment[4] and not segment[5]]
        around = [before[1]] if before is not None and before[1] is not None else []
        if begun or around:
            counts[line] = max(begun + around)
        last = here[-1]
        before = line, last[2] if last[3] and not last[5] else None
    return counts


def part(reason):
    """What of its file a reason is for."""
    return reason.get("line") or reason["function"]


def lines_of(reason, source):
    """The numbers of the lines that a reason is for: those that read so, or a function's."""
    if "line" in reason:
        return [number for number, text in enumerate(source, 1) if text.strip() == reason["line"]]
    head = re.compile(rf"\w.*\b{reason['function']}\([^;]*$")
    first = next((number for number, text in enumerate(source, 1) if head.match(text)), len(source))
    return range(first, next((n for n, text in enumerate(source, 1) if n > first and text == "}"), first))


class File:
    """What was reached of a file; header functions once, however many files include them."""

    def __init__(self, name, source, reasons):
        self.name, self.source = name, source
        self.reasons = {number: reason for reason in reasons if reason["file"] == name for number in lines_of(reason, source)}
        self.used = set()
        self.unreachable = set(asserted(source))
        self.lines = {}                                     # line: reached?
        self.branches = collections.defaultdict(lambda: [0, 0])     # place: times true, times false
        self.conditions = {}                                # (place, number): shown?

    def excused(self, line):
        """Why something on this line cannot be reached, or None."""
        if line in self.reasons:
            self.used.add(part(self.reasons[line]))
            return self.reasons[line]["why"]
        return "assertion" if line in self.unreachable else None

    def add(self, data):
        for line, count in line_counts(data["segments"]).items():
            self.lines[line] = self.lines.get(line, False) or count > 0
        for branch in data.get("branches", []):
            place = self.branches[branch[0], branch[1]]
            place[0] += branch[4]
            place[1] += branch[5]
        for record in data.get("mcdc_records", []):
            for number, shown in enumerate(record[-1]):
                key = record[0], record[1], number
                self.conditions[key] = self.conditions.get(key, False) or shown

    def missing(self):
        """(line, column, "true" or "false") of each branch that was never taken and could be."""
        for (line, column), (yes, no) in sorted(self.branches.items()):
            if not self.excused(line):
                yield from ((line, column, name) for name, count in (("true", yes), ("false", no)) if count == 0)

    def counts(self):
        """Of lines, branches, conditions: (reached, all), without what is excused."""
        lines = [ok for line, ok in self.lines.items() if ok or not self.excused(line)]
        branches = [count > 0 for (line, _), counts in self.branches.items() for count in counts
                    if count > 0 or not self.excused(line)]
        conditions = [ok for (line, _, _), ok in self.conditions.items() if ok or not self.excused(line)]
        return [(sum(found), len(found)) for found in (lines, branches, conditions)]


def reasons_for(part_of):
    return tomllib.loads(REASONS.read_text())[part_of]


def read(data):
    reasons = reasons_for("unreachable")
    files = {}
    for entry in data["files"]:
        name = os.path.relpath(entry["filename"], ROOT)
        if is_generic(name):
            if name not in files:
                files[name] = File(name, (ROOT / name).read_text().splitlines(), reasons)
            files[name].add(entry)
    return files, reasons


def percent(reached, of):
    return f"{100 * reached / of:.1f} %" if of else "-"


def table(files, columns=("lines", "branches", "MC/DC")):
    out = [f"| file | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    sums = [[0, 0] for _ in columns]
    for name, file in sorted(files.items()):
        cells = []
        for total, (reached, of) in zip(sums, file.counts()):
            total[0] += reached
            total[1] += of
            cells.append(f"{reached} of {of}, {percent(reached, of)}" if of else "-")
        out.append(f"| `{name}` | {' | '.join(cells)} |")
    out.append("| **all** | " + " | ".join(f"**{r} of {n}, {percent(r, n)}**" for r, n in sums) + " |")
    return out, sums


def coverage(options):
    if options.boards:
        from . import board_coverage
        return board_coverage.coverage(options)
    profile, failed = run_tests()
    files, reasons = read(export(profile))
    rows, sums = table(files)
    print("\n".join(rows))
    if options.missing:
        for name, file in sorted(files.items()):
            for line, column, way in file.missing():
                print(f"{name}:{line}:{column}: never {way}: {file.source[line - 1].strip()}")
    unused = unneeded(reasons, files)
    if options.write:
        PAGE.write_text(page(rows, reasons))
    share = 100 * sums[1][0] / sums[1][1]
    print(f"{share:.2f} % of the branches were taken; the limit is {LIMIT:.0f} %")
    if failed:
        print(f"These tests failed: {', '.join(failed)}")
    return 1 if share < LIMIT or unused or failed else 0


def unneeded(reasons, files):
    """Those that excuse nothing, which are named."""
    unused = [reason for reason in reasons if reason["file"] not in files or part(reason) not in files[reason["file"]].used]
    for reason in unused:
        print(f"{REASONS.relative_to(ROOT)}: {reason['file']} has no such line any more, or it is reached: {part(reason)}")
    return unused


def excuses(reasons):
    """As a table."""
    out = ["| file | line | why |", "|---|---|---|"]
    return out + [f"| `{r['file']}` | `{part(r).replace('|', chr(92) + '|')}` | {r['why']} |" for r in reasons]


def page(rows, reasons):
    version = subprocess.run(["clang" + LLVM, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    out = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->", "<!-- Generated by ./tessera coverage --write. -->",
           "# Coverage of the generic kernel", "",
           "What the unit tests (`./tessera coverage`) reach of the kernel's C that is the same on all processors,",
           f"compiled for the host by {version} with `-fcoverage-mcdc`, at commit `{common.commit()}`.",
           f"The command fails below {LIMIT:.0f} % of the branches. Not counted: the failing side of assertions, and what",
           "stands below. A branch that was taken is not a branch that was tested: see the mutants.", "",
           *rows, "", "## Never reached, and why", "", *excuses(reasons)]
    return "\n".join(out) + "\n"

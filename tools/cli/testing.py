# SPDX-License-Identifier: BSD-2-Clause
"""Builds every preset and runs its tests through ctest; what they print as TAP is counted."""

import collections
import json
import re
import subprocess

from . import common, matrix
from .common import ROOT, Stop

OUTPUT = re.compile(r"(\d+): (.*)")
ENDED = re.compile(r"\s*\d+/\d+ Test +#(\d+): (\S+) \.+ *(Passed|\*\*\*\S+(?: \S+)*?) +([\d.]+) sec")
TAP = re.compile(r"(ok|not ok) \d+(?!.*# SKIP)")


def presets():
    with open(ROOT / "CMakePresets.json", encoding="utf-8") as file:
        return [preset["name"] for preset in json.load(file)["testPresets"]]


class Tally:
    """What was counted so far."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.boots = {}     # of the boot tests: name -> (passed, failed)

    def add(self, name, passed, failed, note, output):
        """A test program ended: one line, and all that it printed when something failed."""
        self.passed += passed
        self.failed += failed
        if ": boot-" in name:
            self.boots[name] = (passed, failed)
        if failed:
            print("\n".join(f"    {line}" for line in output))
        print(f"{'FAILED' if failed else 'passed'}  {name:<44} {passed:>5} passed, {failed} failed  {note}", flush=True)


def judge(lines, verdict):
    """How many tests a program's output names, (passed, failed). A program that prints no TAP is one
    test; one that ends badly has failed, whatever it printed."""
    found = [match[1] for match in map(TAP.match, lines) if match]
    passed, failed = found.count("ok"), found.count("not ok")
    if verdict != "Passed" and not failed:
        failed = 1
    elif not found:
        passed = 1
    return passed, failed


def run_preset(name, only, tally):
    try:
        common.build(name)
    except Stop as stop:
        tally.add(f"{name}: build", 0, 1, "", [str(stop)])
        return
    command = ["ctest", "--preset", name, "--verbose", "-j2"] + (["-R", re.escape(only)] if only else [])
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace")
    outputs = collections.defaultdict(list)
    ended = 0
    for line in process.stdout:
        line = line.rstrip("\n")
        if match := ENDED.match(line):
            number, test, verdict, seconds = match.groups()
            passed, failed = judge(outputs[number], verdict)
            note = f"{float(seconds):.1f} s" + ("" if verdict == "Passed" else f", {verdict.strip('*').lower()}")
            tally.add(f"{name}: {test}", passed, failed, note, outputs.pop(number))
            ended += 1
        elif match := OUTPUT.match(line):
            outputs[match[1]].append(match[2])
    code = process.wait()
    if (code != 0 and not tally.failed) or (ended == 0 and not only):
        tally.add(f"{name}: ctest", 0, 1, f"ended with code {code} after {ended} tests", [])


def test(options):
    tally = Tally()
    for name in presets():
        run_preset(name, options.only, tally)
    if tally.passed + tally.failed == 0:
        raise Stop(f'no test has "{options.only}" in its name')
    if not options.only:
        matrix.keep(tally.boots)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0

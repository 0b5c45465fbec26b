# SPDX-License-Identifier: BSD-2-Clause
"""Builds every preset and runs its tests through ctest; what they print as TAP is counted. A run can
be split over several machines; their results make one report."""

import collections
import json
import re
import subprocess

from . import common, matrix
from .common import ROOT, Stop

OUTPUT = re.compile(r"(\d+): (.*)")
ENDED = re.compile(r"\s*\d+/\d+ Test +#(\d+): (\S+) \.+ *(Passed|\*\*\*\S+(?: \S+)*?) +([\d.]+) sec")
# A test of TAP. What check prints begins with the file and the group.
TAP = re.compile(r"(?!.*# SKIP)(ok|not ok) \d+(?: - (?:/\S*:)?(\S+?):?(?:\s|$))?")
RESULTS = ROOT / "build" / "results.json"
SHARD = re.compile(r"([1-9]\d*)/([1-9]\d*)")


def presets():
    with open(ROOT / "CMakePresets.json", encoding="utf-8") as file:
        return [preset["name"] for preset in json.load(file)["testPresets"]]


class Tally:
    """What was counted so far."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.suites = {}    # "PRESET: SUITE" -> {"passed", "failed", "tests": {name: passed?}}

    def add(self, name, suite, note, output):
        """A test program ended: one line, and all that it printed when something failed."""
        passed, failed = suite["passed"], suite["failed"]
        self.passed += passed
        self.failed += failed
        self.suites[name] = suite
        if failed:
            print("\n".join(f"    {line}" for line in output))
        print(f"{'FAILED' if failed else 'passed'}  {name:<44} {passed:>5} passed, {failed} failed  {note}", flush=True)

    def fail(self, name, output, note=""):
        self.add(name, {"passed": 0, "failed": 1, "tests": {}}, note, output)


def judge(lines, verdict):
    """What a program's output says of its tests. A program that prints no TAP is one test; one that
    ends badly has failed, whatever it printed."""
    found = [(match[2] or "", match[1] == "ok") for match in map(TAP.match, lines) if match]
    failed = sum(not ok for _, ok in found)
    passed = len(found) - failed
    if verdict != "Passed" and not failed:
        failed = 1
    elif not found:
        passed = 1
    tests = {}
    for name, ok in found:
        tests[name] = tests.get(name, True) and ok
    return {"passed": passed, "failed": failed, "tests": tests}


def listed(preset, only, long):
    """The tests that a preset has."""
    command = ["ctest", "--preset", preset, "--show-only=json-v1"]
    command += ["-R", re.escape(only)] if only else []
    command += [] if long else ["-LE", "^long$"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop(f"this failed: {' '.join(command)}: {done.stderr.strip()}")
    return [test["name"] for test in json.loads(done.stdout)["tests"]]


def part(tests, shard):
    """Every n-th test, from the i-th on: what is alike stands together, and is spread."""
    index, count = shard
    return tests[index - 1::count]


def run_tests(preset, names, tally):
    """One preset, which is built; `names` are the tests."""
    pattern = "^(" + "|".join(map(re.escape, names)) + ")$"
    process = subprocess.Popen(["ctest", "--preset", preset, "--verbose", "-j2", "-R", pattern], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    outputs = collections.defaultdict(list)
    missing = set(names)
    for line in process.stdout:
        line = line.rstrip("\n")
        if match := ENDED.match(line):
            number, test, verdict, seconds = match.groups()
            note = f"{float(seconds):.1f} s" + ("" if verdict == "Passed" else f", {verdict.strip('*').lower()}")
            output = outputs.pop(number, [])
            tally.add(f"{preset}: {test}", judge(output, verdict), note, output)
            missing.discard(test)
        elif match := OUTPUT.match(line):
            outputs[match[1]].append(match[2])
    process.wait()
    for test in sorted(missing):
        tally.fail(f"{preset}: {test}", [], "it did not run")


def parse_shard(text):
    match = SHARD.fullmatch(text or "1/1")
    if not match or int(match[1]) > int(match[2]):
        raise Stop(f'"{text}" is no part of the tests; the second of three is 2/3')
    return int(match[1]), int(match[2])


def test(options):
    shard = parse_shard(options.shard)
    tally = Tally()
    tests = []
    for preset in presets():
        try:
            common.configure(preset)
            found = listed(preset, options.only, options.long)
        except Stop as stop:
            tally.fail(f"{preset}: build", [str(stop)])
            continue
        if not found and not options.only:
            tally.fail(f"{preset}: ctest", [f"the preset {preset} has no tests"])
        tests += [(preset, name) for name in found]
    chosen = collections.defaultdict(list)
    for preset, name in part(tests, shard):
        chosen[preset].append(name)
    for preset, names in chosen.items():
        try:
            common.build(preset)
        except Stop as stop:
            tally.fail(f"{preset}: build", [str(stop)])
            continue
        run_tests(preset, names, tally)
    if not tests and tally.failed == 0:
        raise Stop(f'no test has "{options.only}" in its name')
    results = {"commit": common.commit(), "shard": list(shard), "long": options.long, "only": options.only,
               "suites": tally.suites}
    write(options.json or RESULTS, results)
    if whole(results):
        matrix.keep(boots(tally.suites))
    return closing(tally.passed, tally.failed)


def write(path, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1, sort_keys=True)
        file.write("\n")


def whole(results):
    return not results["only"] and results["shard"][1] == 1


def boots(suites):
    """Of the boot tests: name -> (passed, failed)."""
    return {name: (suite["passed"], suite["failed"]) for name, suite in suites.items() if ": boot-" in name}


def closing(passed, failed):
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


# ---- Several runs, one report ----

def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        return {key: results[key] for key in ("commit", "shard", "long", "only", "suites")}
    except (ValueError, TypeError, KeyError):
        raise Stop(f"{path} is no result of ./tessera test --json") from None


def merge(runs):
    """One run out of its parts; says what is missing or does not fit."""
    first = runs[0]
    count = first["shard"][1]
    for key in ("commit", "long", "only"):
        if len({run[key] for run in runs}) > 1:
            raise Stop(f'these are not of one run: "{key}" is {" and ".join(sorted({str(r[key]) for r in runs}))}')
    if any(run["shard"][1] != count for run in runs):
        raise Stop("these are not of one run: it was split in different ways")
    missing = sorted(set(range(1, count + 1)) - {run["shard"][0] for run in runs})
    if missing:
        raise Stop("these parts are missing: " + ", ".join(f"{index}/{count}" for index in missing))
    suites = {}
    for run in runs:
        if twice := sorted(suites.keys() & run["suites"].keys()):
            raise Stop(f"two parts have the same test: {twice[0]}")
        suites |= run["suites"]
    return {**first, "shard": [1, 1], "suites": suites}


def report(options):
    results = merge([read(path) for path in options.files])
    for name, suite in sorted(results["suites"].items()):
        print(f"{'FAILED' if suite['failed'] else 'passed'}  {name:<44} {suite['passed']:>5} passed, "
              f"{suite['failed']} failed")
        for test_name in sorted(name for name, ok in suite["tests"].items() if not ok):
            print(f"    {test_name}")
    common.build_dir("").mkdir(exist_ok=True)
    write(options.json or RESULTS, results)
    if whole(results):
        matrix.keep(boots(results["suites"]))
    return closing(sum(suite["passed"] for suite in results["suites"].values()),
                   sum(suite["failed"] for suite in results["suites"].values()))

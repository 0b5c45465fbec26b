# SPDX-License-Identifier: BSD-2-Clause
"""Boots the benchmark, makes a table and a JSON file of what it prints."""

import json
import subprocess

from cli import common, qemu
from cli.common import Stop

from . import limits, page, tables

TIMEOUT = 300   # seconds; it takes about five


def collect(lines):
    """(unit, results) out of the lines that the target printed; raises Stop if they are not whole."""
    unit, results, ended = None, [], False
    for line in lines:
        words = line.split()
        if words[:1] == ["bench-begin"]:
            unit = words[1]
        elif words[:1] == ["bench"] and len(words) == 7:
            numbers = [int(word) for word in words[2:]]
            results.append(dict(zip(("name", "min", "median", "p99", "max", "samples"), [words[1], *numbers]), unit=unit))
        elif words[:1] == ["bench-failed"]:
            raise Stop("the benchmark failed on the target: " + line[len("bench-failed "):])
        elif words[:1] == ["bench-end"]:
            ended = True
    if not ended:
        raise Stop("the benchmark did not end; the last lines of the console were:\n  " + "\n  ".join(lines[-12:]))
    return unit, results


def measure(platform):
    """Boots what was built; returns the report and the QEMU command line."""
    name = common.preset(platform, False)
    line = qemu.command(platform, qemu.image(name, "bench"))
    code, lines = qemu.boot(line, TIMEOUT)
    unit, results = collect(lines)
    if code != qemu.description(platform)["qemu"]["exit_ok"]:
        raise Stop(f"QEMU ended with code {code}")
    report = {
        "schema": 1, "commit": common.commit(), "platform": platform, "cores": 1, "build": "release",
        "qemu": first_line([line[0], "--version"]), "compiler": compiler(name), "unit": unit, "results": results,
    }
    return report, line


def first_line(command):
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]


def compiler(name):
    with open(common.build_dir(name) / "compile_commands.json") as file:
        command = json.load(file)[0]["command"]
    return first_line([command.split()[0], "--version"])


def bench(options):
    if options.page and options.platform != "all":
        raise Stop("the page is of all boards: ./tessera bench --platform all --page")
    platforms = common.platforms() if options.platform == "all" else [options.platform]
    reports = []
    for platform in platforms:
        common.build(common.preset(platform, False))
        report, line = measure(platform)
        reports.append(report)
        print("QEMU:", " ".join(line), flush=True)
    lines = tables.one_board(reports[0]) if len(reports) == 1 else tables.side_by_side(reports)
    print("", *tables.heading(reports), "", *lines, sep="\n")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(reports[0] if options.platform != "all" else reports, file, indent=1)
            file.write("\n")
        print(f"\nWritten: {options.json}")
    if options.page:
        page.write(reports)
    wrong = [(report["platform"], name, complaint) for report in reports for name, complaint in limits.judge(report) if complaint]
    for platform, name, complaint in wrong:
        print(f"\nTOO HIGH: {name} on {platform}: {complaint}")
    return 1 if wrong else 0

# SPDX-License-Identifier: BSD-2-Clause
"""Boots the benchmark, makes a table and a JSON file of what it prints."""

import json
import subprocess

from cli import common, qemu
from cli.common import Stop

from . import anchors

TIMEOUT = 120   # seconds; it takes about two


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
    """Builds and boots; returns the report and the QEMU command line."""
    name = common.preset(platform, False)
    common.build(name)
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


def above(platform, result):
    """A remark where a figure is too high; nothing where it is not."""
    most, of = anchors.ceiling(platform, result["name"]), "median"
    if result["name"] in anchors.WORST:
        most, of = anchors.WORST[result["name"]], "max"
    return f"  ABOVE ITS CEILING of {most} on {platform}" if most and result[of] > most else ""


def table(report):
    platform = report["platform"]
    sel4 = anchors.SEL4.get(platform, {})
    width = max(len(r["name"]) for r in report["results"])
    out = [f"{'operation':{width}} {'min':>7} {'median':>7} {'p99':>7} {'max':>7} {'seL4':>7}  what"]
    for r in report["results"]:
        name = r["name"]
        over = above(platform, r)
        out.append(f"{name:{width}} {r['min']:7} {r['median']:7} {r['p99']:7} {r['max']:7} {sel4.get(name, ''):>7}  "
                   f"{anchors.what(name)}{over}")
    return "\n".join(out)


def side_by_side(reports):
    """One line an operation, two columns a board: the median, and seL4's figure."""
    names = list(dict.fromkeys(r["name"] for report in reports for r in report["results"]))
    width = max(map(len, names))
    out = [" " * width + "".join(f"{report['platform']:>18}" for report in reports),
           f"{'operation':{width}}" + f"{'median':>10} {'seL4':>7}" * len(reports) + "  what"]
    for name in names:
        row, remarks = f"{name:{width}}", ""
        for report in reports:
            result = next((r for r in report["results"] if r["name"] == name), None)
            row += f"{result['median'] if result else '':10} {anchors.SEL4.get(report['platform'], {}).get(name, ''):>7}"
            remarks += above(report["platform"], result) if result else ""
        out.append(f"{row}  {anchors.what(name)}{remarks}")
    return "\n".join(out)


def bench(options):
    platforms = common.platforms() if options.platform == "all" else [options.platform]
    reports = []
    for platform in platforms:
        report, line = measure(platform)
        reports.append(report)
        print("QEMU:", " ".join(line), flush=True)
    first = reports[0]
    print(f"\nIPC and kernel operations on {', '.join(platforms)}, one core, release build ({first['commit']}).")
    print("Unit: instructions under emulation (what the counter calls cycles is one an instruction there), from")
    print("user program to user program, stubs included; the cost of reading the counter is taken off. Round trip")
    print("or one way: as the last column says. seL4: the same operation on the same emulated board.\n")
    print(table(first) if len(reports) == 1 else side_by_side(reports))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(first if options.platform != "all" else reports, file, indent=1)
            file.write("\n")
        print(f"\nWritten: {options.json}")
    return 0

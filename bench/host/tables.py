# SPDX-License-Identifier: BSD-2-Clause
"""Reports as tables for a terminal."""

from . import anchors, limits


def remark(platform, result, beside):
    """What is said where a figure is too high; nothing where it is not."""
    complaint = limits.complaint(platform, result, beside)
    return f"  TOO HIGH on {platform}: {complaint}" if complaint else ""


def one_board(report):
    platform = report["platform"]
    sel4, beside = anchors.SEL4.get(platform, {}), limits.medians(report["results"])
    width = max(len(r["name"]) for r in report["results"])
    out = [f"{'operation':{width}} {'min':>7} {'median':>7} {'p99':>7} {'max':>7} {'seL4':>7}  what"]
    for r in report["results"]:
        name = r["name"]
        out.append(f"{name:{width}} {r['min']:7} {r['median']:7} {r['p99']:7} {r['max']:7} {sel4.get(name, ''):>7}  "
                   f"{anchors.what(name)}{remark(platform, r, beside)}")
    return out


def median(report, name):
    return limits.medians(report["results"]).get(name, "")


def side_by_side(reports, names=None):
    """One line an operation, two columns a board: the median, and seL4's figure."""
    names = names or list(dict.fromkeys(r["name"] for report in reports for r in report["results"]))
    width = max(map(len, names))
    out = [" " * width + "".join(f"{report['platform']:>18}" for report in reports),
           f"{'operation':{width}}" + f"{'median':>10} {'seL4':>7}" * len(reports) + "  what"]
    for name in names:
        row, remarks = f"{name:{width}}", ""
        for report in reports:
            result = next((r for r in report["results"] if r["name"] == name), None)
            row += f"{median(report, name):10} {anchors.SEL4.get(report['platform'], {}).get(name, ''):>7}"
            remarks += remark(report["platform"], result, limits.medians(report["results"])) if result else ""
        out.append(f"{row}  {anchors.what(name)}{remarks}")
    return out


def heading(reports):
    return [
        f"IPC and kernel operations on {', '.join(r['platform'] for r in reports)}, one core, release build ({reports[0]['commit']}).",
        "Unit: instructions under emulation (what the counter calls cycles is one an instruction there), from",
        "user program to user program, stubs included; the cost of reading the counter is taken off. Round trip",
        "or one way: as the last column says. seL4: the same operation on the same emulated board."]

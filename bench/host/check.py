#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the benchmark of a build that is there and looks whether a figure is too high: check.py PLATFORM. Prints TAP."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bench")]
from cli.common import Stop  # noqa: E402
from host import limits, runner  # noqa: E402


def main():
    try:
        report, _ = runner.measure(sys.argv[1])
    except Stop as stop:
        print(f"not ok 1 - benchmark: {stop}")
        return 1
    verdicts = limits.judge(report)
    for number, (name, complaint) in enumerate(verdicts, 1):
        print(f"not ok {number} - {name}: {complaint}" if complaint else f"ok {number} - {name}")
    print(f"1..{len(verdicts)}")
    return 1 if any(complaint for _, complaint in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause
"""Does what docs/profiling.md and docs/tuning.md say, in a copy of the repository each, and compares what comes out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from cli import shell  # noqa: E402

LIST = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
# In the order of the page: commands, changes of a file, sessions with the shell, and what commands print.
STEP = re.compile(r"^    (?P<command>(?:\./|python3 |ctest |cat )[^\n]*)$|"
                  r"^`(?P<file>[\w/.]+)`, instead of:\n```\n(?P<old>.*?)^```\ncomes:\n```\n(?P<new>.*?)^```|"
                  r"^```\n(?P<session>\$ .*?)^```|^```\n(?P<printed>.*?)^```", re.M | re.S)
# Which lines have figures that repeat exactly: counted instructions, calls, and what a command says of a file.
EXACT = re.compile(r"replies on the fast path|instructions$|^\| |^vfs\.|^\d+ \d+ \d+$")
SHARE = re.compile(r"main;(heavy|light);work (\d+)")


def copy_to(folder):
    for name in subprocess.run(LIST, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def shape(line):
    """A line without what may differ: the width of columns, and figures that do not repeat."""
    line = re.sub(r"^\d+: ", "", " ".join(line.split()))     # ctest numbers what tests print
    return line if EXACT.search(line) else re.sub(r"\d+", "N", line)


def has(printed, expected):
    """Each line that is expected is among those printed, in that order."""
    rest = iter([shape(line) for line in printed.splitlines()])
    for line in expected.splitlines():
        assert shape(line) in rest, f"{line}\nis not, or not in its place, in:\n{printed[-3000:]}"


def run(command, folder):
    done = subprocess.run(command.split(), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=900)
    assert done.returncode == 0, command + "\n" + done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def talk(session, folder):
    """A machine, started as the page says, and what it answers."""
    machine = pexpect.spawn("./tessera run", cwd=folder, encoding="utf-8", codec_errors="replace", echo=False, timeout=900)
    try:
        machine.expect(re.escape(shell.READY))
        machine.expect(shell.PROMPT)
        for line, expected in re.findall(r"^\$ ([^\n]*)\n((?:[^$\n][^\n]*\n)*)", session, re.M):
            if line == "halt":
                machine.send("halt\r")
                machine.expect(pexpect.EOF, timeout=shell.TIMEOUT)
                machine.close()
                assert machine.exitstatus == 0
            else:
                has(shell.ask(machine, line), expected)
        assert not machine.isalive(), "the session does not end with halt"
    finally:
        machine.close(force=True)


@pytest.mark.parametrize("guide, commands, others", [("profiling", 7, 7), ("tuning", 7, 5)])
def test_guide(guide, commands, others, tmp_path):
    copy_to(tmp_path)
    steps = [step.groupdict() for step in STEP.finditer((ROOT / "docs" / f"{guide}.md").read_text("utf-8"))]
    assert (sum(bool(s["command"]) for s in steps), sum(not s["command"] for s in steps)) == (commands, others)
    printed = ""
    for step in steps:
        if step["session"]:
            talk(step["session"], tmp_path)
        elif step["command"] and step["command"] != "./tessera run":    # the session behind it does that
            printed = run(step["command"], tmp_path)
            assert printed, step["command"]
        elif step["file"]:
            path = tmp_path / step["file"]
            content = path.read_text("utf-8")
            assert content.count(step["old"]) == 1, step["old"]
            path.write_text(content.replace(step["old"], step["new"]), "utf-8")
        elif step["printed"]:
            has(printed, step["printed"])
            if SHARE.search(printed):
                found = {name: int(count) for name, count in SHARE.findall(printed)}
                assert 2 < found["heavy"] / found["light"] < 4, found      # nearly three quarters


def test_tuning_has_the_figures_that_were_measured():
    measured = dict(re.findall(r"^\| `([\w.]+)` \| \d+ \| \d* \| (\d+) \|", (ROOT / "docs/reference/figures.md").read_text(), re.M))
    rows = re.findall(r"^\| \*\*.* \| (\d+) \| (\d+) \| `([\w.]+)`(?:, `([\w.]+)`)? \|$", (ROOT / "docs/tuning.md").read_text(), re.M)
    assert len(rows) == 9
    for before, after, first, second in rows:
        assert (before, after) == (measured[first], measured[second] if second else "0"), first

# SPDX-License-Identifier: BSD-2-Clause
"""Does what docs/tutorial.md says, in a copy of the repository, and compares what comes out."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
LIST = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
# In the order of the page: commands, what they print, and what is put behind what.
STEP = re.compile(r"^    (?P<command>\./tessera [^\n]*)$|"
                  r"^`(?P<file>[\w/.]+)`, behind `(?P<behind>[^`]+)`:\n```\n(?P<text>.*?)^```|"
                  r"^```\n(?P<printed>ok .*?)^```", re.M | re.S)
LEFT_OUT = {"./tessera setup", "./tessera bench"}   # of this machine, and of other tests


def lines_of(text):
    """Results and notes, without the number of instructions, which is this machine's."""
    return [re.sub(r"\d+ instructions", "N instructions", line) for line in text.splitlines()
            if re.match(r"(not )?ok |# \w+\.\w+:", line)]


def copy_to(folder):
    for name in subprocess.run(LIST, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def put_behind(path, behind, text):
    content = path.read_text("utf-8")
    at = content.index(behind) + len(behind) + 1
    path.write_text(content[:at] + text + content[at:], "utf-8")


def test_tutorial(tmp_path):
    copy_to(tmp_path)
    steps = [step.groupdict() for step in STEP.finditer(PAGE)]
    assert [bool(s["command"]) for s in steps].count(True) == 5 and sum(bool(s["file"]) for s in steps) == 4
    printed = ""
    for step in steps:
        if step["command"] and step["command"] not in LEFT_OUT:
            done = subprocess.run(step["command"].split(), cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=900)
            printed = done.stdout
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        elif step["file"]:
            put_behind(tmp_path / step["file"], step["behind"].replace("\\n", "\n"), step["text"])
        elif step["printed"]:
            assert lines_of(printed) == lines_of(step["printed"])

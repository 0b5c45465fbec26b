# SPDX-License-Identifier: BSD-2-Clause
"""The pages say what is there: invariants, files, functions, commands; and the tutorial boots."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from cli.main import COMMANDS  # noqa: E402

# Those in docs/reference are generated, and compared with what they are generated from.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md",
         *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "reference")]
LIST = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
LISTED = subprocess.run(LIST, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
FILES = [ROOT / name for name in LISTED if (ROOT / name).exists()]
TUTORIAL = (ROOT / "docs" / "start.md").read_text()
MADE = dict(re.findall(r"^`([\w/.]+)`:\n```\n(.*?)^```", TUTORIAL, re.M | re.S))     # path: content
CODE = {".c", ".h", ".S", ".py", ".cmake", ".idl", ".j2", ".toml"}
SOURCE = "\n".join([*(file.read_text() for file in FILES if file.suffix in CODE), *MADE.values()])
GENERATED = re.compile(r"^build/|_caps\.h$|_client\.h$|_server\.h$|\bparrot\b")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def spans(page):
    """What stands in backticks within a line."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", text)


def headings(page):
    """The names that links can give to a page's headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_invariant_has_its_section():
    named = set(re.findall(r"\bI-[A-Z]+\b", "\n".join(f.read_text() for f in (ROOT / "kernel").rglob("*.[ch]"))))
    assert named == set(re.findall(r"^### (I-[A-Z]+)$", (ROOT / "docs" / "invariants.md").read_text(), re.M))


@each_page
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in link:
            path, _, heading = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not heading or heading in headings(target), link


@each_page
def test_files_exist(page):
    names = {file.name for file in FILES} | {Path(path).name for path in MADE}
    for word in (word for span in spans(page) for word in span.split()):
        if GENERATED.search(word):
            continue
        if re.fullmatch(r"[\w.*-]+/[\w.*/-]*", word):
            assert word in MADE or any(ROOT.glob(word.rstrip("/"))), word
        elif re.fullmatch(r"\w+\.(c|h|S|py|cmake|idl|toml|md)", word):
            assert word in names, word


@each_page
def test_functions_exist(page):
    for name in {name for span in spans(page) for name in re.findall(r"\b([a-z]\w+)\(\)", span)}:
        assert re.search(rf"\b{name}\b", SOURCE), name


@each_page
def test_commands_exist(page):
    for command in re.findall(r"\./tessera ([a-z][\w-]*)", page.read_text()):
        assert command in COMMANDS, command


def test_the_tutorial_boots(tmp_path):
    for file in FILES:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    for path, content in MADE.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content)
    libraries = tmp_path / "cmake" / "idl.cmake"
    text, count = re.subn(r"foreach\(library ([\w ]+)\)", r"foreach(library \1 tally)", libraries.read_text())
    assert count == 1
    libraries.write_text(text)
    with open(tmp_path / "servers" / "CMakeLists.txt", "a") as file:
        file.writelines(line.strip() + "\n" for line in re.findall(r"^    add_subdirectory.*$", TUTORIAL, re.M))
    done = subprocess.run(["./tessera", "run", "--system", "tally"], cwd=tmp_path, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", timeout=300)
    printed = re.findall(r"^    (hello: .*)$", TUTORIAL, re.M)
    assert len(printed) == 3 and done.stdout.splitlines()[-3:] == printed, done.stdout + done.stderr

# SPDX-License-Identifier: BSD-2-Clause
"""Frama-C proves the contracts of tests/wp/*.c for the functions that each file names, and that nothing is undefined
in them; and does not when a mistake is planted.

Each file gives contracts to functions of the kernel and then includes the kernel's own file. It names with `Prove:`
what is proved and with `Plant:` what is changed for that to fail. The contracts of other functions are taken for
granted; so are those of what is not in the list of its file.
"""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GENERATED = Path(os.environ.get("TESSERA_GENERATED", ROOT / "build" / "host" / "generated"))
PROVERS = "z3-nobv,cvc4"
SECONDS = 60        # for one goal of one prover; most take less than one
SECONDS_PLANTED = 5     # what is false takes all the time there is

FILES = sorted(HERE.glob("*.c"))


def says(file, word):
    return re.findall(rf"(?m)^ \* {word}: (.*)$", file.read_text())


PLANTED = [(file, line) for file in FILES for line in says(file, "Plant")]


@pytest.fixture(scope="session")
def why3(tmp_path_factory):
    """What Why3 runs in: it finds the provers that there are, and keeps them in a file of this session's, as Frama-C
    does what was proved: a mistake changes few of the goals."""
    folder = tmp_path_factory.mktemp("why3")
    environment = {**os.environ, "WHY3CONFIG": str(folder / "why3.conf")}
    (folder / "cache").mkdir()
    subprocess.run(["why3", "config", "detect"], env=environment, check=True, capture_output=True)
    return environment


def prove(file, why3, kernel, seconds):
    """Which goals of a file are not proved."""
    functions = says(file, "Prove")[0].split()
    folders = [HERE, kernel, ROOT / "kernel", ROOT / "kernel" / "arch" / "host", GENERATED / "include", GENERATED / "kernel"]
    done = subprocess.run(
        ["frama-c", "-machdep", "gcc_x86_64", "-c11", "-cpp-extra-args=" + " ".join(f"-I{folder}" for folder in folders), file,
         "-wp", "-wp-rte", "-wp-model", (says(file, "Model") or ["Typed"])[0], "-wp-prover", PROVERS, "-wp-timeout", str(seconds),
         "-wp-cache", "update", "-wp-cache-dir", Path(why3["WHY3CONFIG"]).parent / "cache", "-wp-par", "2", "-wp-fct", ",".join(functions)],
        env=why3, capture_output=True, text=True)
    counts = re.search(r"Proved goals: +(\d+) / (\d+)", done.stdout)
    assert counts, done.stdout[-2000:] + done.stderr
    for function in functions:
        assert re.search(rf"Goal typed_(cast_)?{function}_(ensures|\w+_ensures)", done.stdout), f"nothing of {function}"
    missing = set(re.findall(r"\[(?:Failed|Timeout|Unknown)\] Goal (\w+)", done.stdout))
    assert bool(missing) == (counts[1] != counts[2]), done.stdout[-2000:]
    return missing


@pytest.fixture(scope="session")
def unproved(why3):
    """What is not proved of a file in the time that planted mistakes have, on a slow machine."""
    return functools.cache(lambda file: prove(file, why3, ROOT / "kernel", SECONDS_PLANTED))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_proved(file, why3):
    assert prove(file, why3, ROOT / "kernel", SECONDS) == set()


@pytest.mark.parametrize("file, change", PLANTED, ids=[f"{file.stem}-{n}" for n, (file, _) in enumerate(PLANTED)])
def test_planted(file, change, why3, unproved, tmp_path):
    name, old, new = re.fullmatch(r"(\S+): (.*) -> (.*)", change.replace("\\n", "\n"), re.DOTALL).groups()
    kernel = tmp_path / "kernel"
    shutil.copytree(ROOT / "kernel", kernel)
    text = (kernel / name).read_text()
    assert text.count(old) == 1, f"{old} is no more"
    (kernel / name).write_text(text.replace(old, new))
    assert prove(file, why3, kernel, SECONDS_PLANTED) - unproved(file)

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draws what programs hold in the system "shell", as ./tessera caps does: caps.py PLATFORM BUILD_DIR"""

import contextlib
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
from cli import caps, machine, shell  # noqa: E402
from cli.common import Stop  # noqa: E402

PROGRAMS = {"console", "memory", "vfs", "trace", "shell"}
TITLE, TEXT = "{http://www.w3.org/2000/svg}title", "{http://www.w3.org/2000/svg}text"


def missing_in(dot, svg):
    """What the picture lacks, in words."""
    root = xml.fromstring(svg.read_text())
    boxes, labels = {t.text for t in root.iter(TITLE)}, {t.text for t in root.iter(TEXT)}
    wrong = [f"no box for {program}" for program in sorted(PROGRAMS - boxes)]
    # An arrow from the shell to the file server's endpoint, one to its program, and what came at run time in red.
    node = next((line.split()[0] for line in dot.splitlines() if line.strip().startswith("o") and line.endswith('Endpoint\\nvfs"];')), "")
    wrong += [f"no {what}" for what, there in [
        ("name of the file server's endpoint", "vfs" in labels and node),
        ("arrow from the shell to it", f'"shell" -> {node} [label="send"' in dot),
        ("arrow of the file server's to it", f'"vfs" -> {node} [label="send recv grant", dir=both' in dot),
        ("session in red", any('"shell"' in line and "#c02020" in line for line in dot.splitlines())),
    ] if not there]
    return wrong


def main(platform, build):
    build = Path(build)
    try:
        with contextlib.closing(machine.Booted(platform, build / "image-shell.bin")) as booted:
            booted.wait_for(shell.READY)
            held, wrong = caps.take(caps.Control(booted))
        found = caps.differences(held, wrong)
        with tempfile.TemporaryDirectory() as folder:
            svg = Path(folder) / "caps.svg"
            dot = caps.draw(held, found, build, "shell", svg)
            wrong = missing_in(dot.read_text(), svg)
    except Stop as stop:
        wrong = [str(stop)]
    print(f"not ok - caps: {'; '.join(wrong)}" if wrong else "ok - caps draws who holds what")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes what is generated and kept in the repository: idl/golden/*.abi and docs/reference/*.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "idl"))
from idlc import __main__ as idlc  # noqa: E402
from idlc import parse  # noqa: E402


def generated():
    """(file, text) of everything that is kept."""
    for source in sorted((ROOT / "idl").glob("*.idl")):
        library = parse.load(source)
        yield ROOT / "idl" / "golden" / f"{library.name}.abi", idlc.render(library, "abi", source.name)
        yield ROOT / "docs" / "reference" / f"{library.name}.md", idlc.render(library, "docs", source.name)


if __name__ == "__main__":
    for path, text in generated():
        idlc.write(path, text)

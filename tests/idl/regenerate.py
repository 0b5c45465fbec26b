#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes what is generated and kept in the repository.

    idl/golden/*.abi        the ABI of each interface file
    idl/golden/*.json       its conformance vectors
    docs/reference/*.md     its page
    tests/idl/bad/*.txt     what the compiler says of bad inputs
    tests/idl/compat/*.txt  what it says of new versions
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "idl"))
from idlc import __main__ as idlc  # noqa: E402
from idlc import compat, parse  # noqa: E402
from idlc.diagnostics import IdlError  # noqa: E402

BAD = Path(__file__).resolve().parent / "bad"
COMPAT = Path(__file__).resolve().parent / "compat"
# New versions, and what they are versions of.
VERSIONS = {"fine": "old", "broken": "old", "removed": "old", "another": "old", "reused": "removed"}


def refusal(source):
    """What the compiler says of a bad input."""
    try:
        parse.load(source)
    except IdlError as error:
        error.path = source.name
        return error.render() + "\n"
    return "nothing: the compiler takes this file\n"


def generated():
    """(file, text) of everything that is kept."""
    for source in sorted((ROOT / "idl").glob("*.idl")):
        library = parse.load(source)
        yield ROOT / "idl" / "golden" / f"{library.name}.abi", idlc.render(library, "abi", source.name)
        if library.interfaces:
            yield ROOT / "idl" / "golden" / f"{library.name}.vectors.json", idlc.render(library, "vectors", source.name)
        yield ROOT / "docs" / "reference" / f"{library.name}.md", idlc.render(library, "docs", source.name)
    for source in sorted(BAD.glob("*.idl")):
        yield source.with_suffix(".txt"), refusal(source)
    for new, old in VERSIONS.items():
        changes = compat.compare(parse.load(COMPAT / f"{old}.idl"), parse.load(COMPAT / f"{new}.idl"))
        yield COMPAT / f"{new}.txt", "".join(f"{change}\n" for change in changes)


if __name__ == "__main__":
    for path, text in generated():
        idlc.write(path, text)

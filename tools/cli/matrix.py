# SPDX-License-Identifier: BSD-2-Clause
"""README's support matrix: what the boot tests of the last full run showed."""

import json
import re

from . import common, qemu
from .common import ROOT

README = ROOT / "README.md"
RESULTS = ROOT / "build" / "boot-tests.json"
REGION = re.compile(r"(<!-- support matrix -->\n).*?(<!-- end of it -->)", re.S)
CORES = 1


def table(results):
    """`results`: {"PRESET: boot-CHAIN": [passed, failed]}."""
    out = ["| board | started by | cores | release | debug |", "|---|---|---|---|---|"]
    for platform in common.platforms():
        for chain in qemu.chains(platform):
            shown = [cell(results.get(f"{platform}{build}: boot-{chain}")) for build in ("", "-debug")]
            out.append(f"| `{platform}` | `{chain}` | {CORES} | {shown[0]} | {shown[1]} |")
    return "\n".join(out) + "\n"


def cell(result):
    if result is None:
        return "not run"
    passed, failed = result
    return f"{passed} passed" + (f", {failed} failed" if failed else "")


def keep(results):
    """After a run of all tests: says whether README still tells the truth."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if REGION.search(README.read_text())[0] != fresh(results):
        print("README's support matrix is not what this run showed; ./tessera matrix writes it anew")


def fresh(results):
    return f"<!-- support matrix -->\n{table(results)}<!-- end of it -->"


def write():
    if not RESULTS.exists():
        raise common.Stop("there are no results yet; run ./tessera test first")
    text = README.read_text()
    README.write_text(REGION.sub(lambda _: fresh(json.loads(RESULTS.read_text())), text))
    print("Written: README.md")

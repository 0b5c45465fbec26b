#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A plan that promises more time than there is: refused.py PLATFORM BUILD_DIR

tools/mksystem.py makes none such; so the one of the system "budgets" is changed in its image: the program "long" gets a
budget as long as its period. init has to say so, and to stop before anything runs.
"""

import struct
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import mksystem  # noqa: E402
from cli import qemu  # noqa: E402

SAID = "init: the processor has not the time that is promised to program long"
TIMEOUT = 60


def changed(plan):
    program = mksystem.Kernel().structs.struct("Program")
    offset = {f.name: f.offset for f in program.fields}
    at = plan.index(b"long".ljust(16, b"\0") + b"steady".ljust(32, b"\0"))
    period = struct.unpack_from("<Q", plan, at + offset["period"])
    out = bytearray(plan)
    struct.pack_into("<Q", out, at + offset["budget"], *period)
    return bytes(out)


def main(platform, build):
    plan = (Path(build) / "plan-budgets").read_bytes()
    image = (Path(build) / "image-budgets.bin").read_bytes()
    assert image.count(plan) == 1
    with tempfile.NamedTemporaryFile() as file:
        file.write(image.replace(plan, changed(plan)))
        file.flush()
        code, lines = qemu.boot(qemu.command(platform, file.name), TIMEOUT, lambda line: print(line, flush=True))
    if SAID not in [line.strip() for line in lines]:
        sys.exit(f'init did not say "{SAID}"')
    if any(line.startswith("1..") for line in lines):
        sys.exit("the tests ran all the same")
    if code in (None, qemu.description(platform)["qemu"]["exit_ok"]):
        sys.exit(f"QEMU ended with {code}, as if nothing had happened")


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: BSD-2-Clause
"""Core files: fetches one from the file server of a running system, through the shell."""

import base64

from . import common, qemu, shell
from .common import ROOT, Stop, build_dir


def fetch(machine, program):
    """The core file that a program leaves."""
    machine.expect(f"init: {program} (left a core file|leaves no core file: [^\\r]*)", timeout=shell.TIMEOUT)
    if machine.match[1].startswith("leaves"):
        raise Stop(machine.match[0])
    shell.settle(machine)
    answer = shell.ask(machine, f"base64 /core/{program}")
    if answer.startswith("base64 "):
        raise Stop(f"{program} has left no core file; the shell said: {answer}")
    return base64.b64decode(answer)


def executable(build, program):
    """The program's file, with its symbols."""
    found = sorted(build.glob(f"**/{program}.elf"))
    if not found:
        raise Stop(f"there is no {program}.elf below {build.relative_to(ROOT)}")
    return found[0]


def fetch_command(options):
    name = common.preset(options.platform, False)
    common.build(name)
    with shell.start(options.platform, qemu.image(name, options.system)) as machine:
        core = fetch(machine, options.program)
    path = build_dir(name) / f"core-{options.program}"
    path.write_bytes(core)
    print(f"Written: {path.relative_to(ROOT)}, {len(core)} bytes. To look at it:\n"
          f"    gdb-multiarch {executable(build_dir(name), options.program).relative_to(ROOT)} {path.relative_to(ROOT)}")

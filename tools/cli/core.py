# SPDX-License-Identifier: BSD-2-Clause
"""Core files: fetches one from the file server of a machine that runs, through the gateway (`./tessera call`)."""

import contextlib

from . import call, machine
from .common import ROOT, Stop, build_dir
from .tracing import programs_of


def wait(running, program):
    """Until the program has died and left it, in a machine that was booted for this."""
    match = running.wait_for(f"init: {program} (left a core file|leaves no core file: [^\\r\\n]*)[^\\r\\n]*[\\r\\n]")
    if match and match[1].startswith("leaves"):
        raise Stop(match[0].strip())


def read(system, interfaces, path):
    """A file's content."""
    def ask(method, *texts):
        library, interface, found = interfaces.find(f"vfs.{method}")
        result = system.call(interfaces.targets[interface.name], found.label, call.request(found, texts))
        good, text = call.told(interfaces, library, found, result)
        if not good:
            raise Stop(f"{path}: {text}")
        return result[3]

    file, content = ask("open", path, "read", "0")[0], b""
    while True:
        error, part = system.read(file, len(content))
        if error:
            raise Stop(f"{path} could not be read to its end: {interfaces.error(interfaces.find('vfs.open')[0], error)[0]}")
        if not part:
            ask("close", str(file))
            return content
        content += part


def fetch(running, program):
    """The core file that a program has left."""
    interfaces = call.Interfaces()
    wait(running, program)
    return read(call.System(running, interfaces.gateway), interfaces, f"/core/{program}")


def executable(build, program):
    """The program's file, with its symbols."""
    found = sorted(build.glob(f"**/{program}.elf"))
    if not found:
        raise Stop(f"there is no {program}.elf below {build.relative_to(ROOT)}")
    return found[0]


def fetch_command(options):
    preset, running = machine.open_one(options.platform, options.debug, "core", options.system)
    with contextlib.closing(running):
        core = fetch(running, options.program)
        file = programs_of(running.about["system"]).get(options.program, options.program)
    path = build_dir(preset) / f"core-{options.program}"
    path.write_bytes(core)
    print(f"Written: {path.relative_to(ROOT)}, {len(core)} bytes. To look at it:\n"
          f"    gdb-multiarch {executable(build_dir(preset), file).relative_to(ROOT)} {path.relative_to(ROOT)}")

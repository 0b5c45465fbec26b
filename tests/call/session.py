#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Methods of all servers, called from the host as ./tessera call does: session.py PLATFORM BUILD_DIR

Boots the system "call" once; each call's answer has to be as it says.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
from cli import call, qemu  # noqa: E402
from cli.common import Stop  # noqa: E402

LONG = "/" + "x" * 255 + "/" + "y" * 150

# (what stands on the command line, what has to come, as a regular expression for all of the answer)
CALLS = [
    (["vfs.stat", "/boot/shell", "true"], r"stat: \{ number: \d+, size: \d{4,}, .*, permissions: 292, kind: file \}"),
    (["vfs.open", "/tmp/a", "read,write,create", "0o640"], r"file: 0"),
    (["vfs.resize", "0", "12345"], r"ok"),
    (["vfs.stat_file", "0"], r"stat: \{ number: \d+, size: 12345, .* links: 1, .* permissions: 416, kind: file \}"),
    (["vfs.poll", '{"poll": [{"file": 0, "events": 3}]}', "1"], r"polls_back: \{ poll: \[\{ file: 0, events: 3 \}, .*\nready: 1"),
    (["vfs.symbolic_link", "/tmp/link", "träge/" + "z" * 300], r"ok"),
    (["vfs.read_link", "/tmp/link"], r'target: "träge/z{300}"'),
    (["vfs.make_directory", LONG, "0o755"], r"vfs.make_directory: not_found: .*"),
    (["vfs.close", "7"], r"vfs.close: bad_file: .*"),
    (["vfs.mount_info", "1"], r'mount: \{ .*, kind: archive, read_only: true \}\npath: "/boot"'),
    (["vfs.mount_info", "100"], r"vfs.mount_info: .*"),
    (["vfs.counter", "sessions"], r"value: 1"),
    (["vfs.connect"], r"session: a capability, .*"),
    (["vfs.counter", "sessions"], r"value: 2"),
    (["console.write", "hello\n"], r"ok"),
    (["console.flush"], r"ok"),
    (["control.program", "3"], r'program: \{ name: "vfs", .*, restarts: 0, priority: 150, state: running, .*\}'),
    (["control.kill", "memory"], r"control.kill: needed: other programs have their memory from it"),
    (["control.kill", "nobody"], r"control.kill: unknown: no program of that name"),
    (["init.boot_instructions"], r"count: \d+"),
    (["init.device", "3"], r"init.device: bad_argument: .*"),
    (["memory.map", "8192", "read,write", "now"], r"address: \d+"),
    (["memory.stats"], r"own: \{ used: 2, limit: 2048, .*\}\nall: \{ .*\}"),
    (["memory.map", "4096", "write,execute", "none"], r"memory.map: bad_argument: .*"),
    (["trace.status"], r"stored: \d+\nlost: \d+"),
    # A server that dies, and the next one.
    (["control.kill", "vfs"], r"ok"),
    (["vfs.stat", "/boot", "true"], r"vfs.stat: \w+.*"),
    (["vfs.connect"], r"session: a capability, .*"),
    # Nobody answers: the console cannot wait for input while the gateway waits for it.
    (["console.wait"], r"console.wait: timed_out: no answer within 5 seconds"),
    (["console.write", "still here\n"], r"ok"),
]


def main(platform, build):
    interfaces = call.Interfaces()
    calls = list(call.prepare(interfaces, [word for texts, _ in CALLS for word in [call.NEXT, *texts]][1:]))
    failed = 0
    system = call.System(platform, Path(build) / "image-call.bin", interfaces.gateway)
    try:
        for (_, expected), (called, _, text) in zip(CALLS, call.perform(interfaces, system, calls)):
            good = re.fullmatch(expected, text) is not None
            failed += not good
            name = called if len(called) < 60 else called[:57] + "..."
            print(f"ok - {name!r}" if good else f"not ok - {called!r} was answered by {text!r}, not by {expected!r}", flush=True)
        system.end()
    except Stop as stop:
        print(f"not ok - {stop}")
        return 1
    finally:
        system.close()
    wanted = qemu.description(platform)["qemu"]["exit_ok"]
    if system.process.returncode != wanted:
        print(f"not ok - QEMU ended with {system.process.returncode}, not {wanted}")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Methods of all servers, called from the host while somebody has a shell there: session.py PLATFORM BUILD_DIR

Boots the system "shell" as ./tessera run does, types at its prompt, and calls as ./tessera call does; each answer has
to be as it says. Then calls with no machine running.
"""

import re
import sys
import tempfile
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from cli import call, caps, core, machine, shell  # noqa: E402
from cli.common import Stop  # noqa: E402

LONG = "/" + "x" * 255 + "/" + "y" * 150

TYPED = "at the prompt"     # in place of a method: a line for the shell

# (what stands on the command line, what has to come, as a regular expression for all of the answer)
CALLS = [
    # The shell and the host have the same files.
    ([TYPED, "echo hello, host > /tmp/hello"], r""),
    (["vfs.stat", "/tmp/hello", "true"], r"stat: \{ number: \d+, size: 12, .*, kind: file \}"),
    (["vfs.symbolic_link", "/tmp/host", "hello"], r"ok"),
    ([TYPED, "cat /tmp/host"], r"hello, host"),
    ([TYPED, "rm /tmp/hello /tmp/host"], r""),
    (["vfs.stat", "/tmp/hello", "true"], r"vfs.stat: not_found: .*"),
    (["vfs.stat", "/boot/shell", "true"], r"stat: \{ number: \d+, size: \d{4,}, .*, permissions: 292, kind: file \}"),
    (["vfs.open", "/tmp/a", "read,write,create", "0o640"], r"file: 0"),
    (["vfs.resize", "0", "12345"], r"ok"),
    (["vfs.stat_file", "0"], r"stat: \{ number: \d+, size: 12345, .* links: 1, .* permissions: 416, kind: file \}"),
    (["vfs.poll", '[{"file": 0, "events": "read,write"}]'], r"ready: \[\{ file: 0, events: read,write \}\]"),
    (["vfs.write", "0", "0", "100:5000"], r"done: 5000"),
    (["vfs.read", "0", "12340", "100"], r"done: 5"),
    (["vfs.read", "0", "0", "65536:1"], r"vfs.read: bad_argument: .*into.*"),
    (["vfs.symbolic_link", "/tmp/link", "träge/" + "z" * 300], r"ok"),
    (["vfs.read_link", "/tmp/link"], r'target: "träge/z{300}"'),
    (["vfs.make_directory", LONG, "0o755"], r"vfs.make_directory: not_found: .*"),
    (["vfs.close", "7"], r"vfs.close: bad_file: .*"),
    (["vfs.mount_info", "1"], r'mount: \{ .*, kind: archive, read_only: true \}\npath: "/boot"'),
    (["vfs.mount_info", "100"], r'mount: none\npath: ""'),
    (["vfs.counter", "sessions"], r"value: 12"),
    (["vfs.connect"], r"session: a capability, .*"),
    (["vfs.counter", "sessions"], r"value: 13"),
    (["console.write", "hello\n"], r"ok"),
    (["console.flush"], r"ok"),
    (["control.program", "2"], r'program: \{ name: "vfs", .*, restarts: 0, priority: 150, state: running, .*\}'),
    (["control.probe", "vfs", "tree_open", "true"], r"functions: 1"),
    (["control.probe", "vfs", "tree_open", "false"], r"functions: 1"),
    (["control.probe", "vfs", "tree_fell", "true"], r"control.probe: no_function: .*"),
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
    (["vfs.stat", "/tmp/a", "true"], r"vfs.stat: not_found: .*"),
    (["vfs.connect"], r"session: a capability, .*"),
    # What begins the gateway's own lines: nobody else can write it.
    (["console.write", "hex:1b5f213f1b5c"], r"ok"),
    ([TYPED, "echo still here"], r"(.*\n)*\x1b\?!\?\x1b(.*\n)*still here"),
    (["control.kill", "console"], r"ok"),
    ([TYPED, "echo and here"], r"(.*\n)*and here"),
    (["vfs.stat", "/boot", "true"], r"stat: \{ .* kind: directory \}"),
]


def say(called, text, expected):
    good = re.fullmatch(expected, text) is not None
    name = called if len(called) < 60 else called[:57] + "..."
    print(f"ok - {name!r}" if good else f"not ok - {called!r} was answered by {text!r}, not by {expected!r}", flush=True)
    return good


def in_turn(interfaces, terminal, path):
    """What is typed and what is called; each call is a host of its own, as ./tessera call is."""
    shell.begin(terminal)
    for texts, expected in CALLS:
        if texts[0] == TYPED:
            yield say(texts[1], shell.ask(terminal, texts[1]), expected)
            continue
        attached = machine.Attached(machine.connect(path))
        try:
            system = call.System(attached, interfaces.gateway)
            [(called, _, text)] = call.perform(interfaces, system, call.prepare(interfaces, texts))
        finally:
            attached.close()
        yield say(called, text, expected)


def same_as_the_shell_says(terminal, path):
    """What differs from the description, by ./tessera caps and by the shell; and a file, as ./tessera core fetches one."""
    text = "".join(f"line {n} of a file that is longer than what comes at once\n" for n in range(100))
    shell.ask(terminal, "rm /tmp/long")
    for n in range(100):
        shell.ask(terminal, f"echo {text.splitlines()[n]} >> /tmp/long")
    attached = machine.Attached(machine.connect(path))
    try:
        control = caps.Control(attached)
        found = caps.differences(*caps.take(control))
        yield say("./tessera core's way to a file", core.read(control.system, control.interfaces, "/tmp/long").decode(), re.escape(text))
    finally:
        attached.close()
    lines = "".join(rf"{what} {program} {slot}: {re.escape(capability)}\n" for what, program, slot, capability in found)
    yield say(f"./tessera caps, {len(found)} differences", shell.ask(terminal, "caps -d"),
              lines + rf"{len(found)} differ from the system description; .*")


def with_a_shell(interfaces, platform, image):
    """By a socket of this test's: somebody may have a machine of this preset running."""
    terminal = pexpect.spawn(sys.executable, ["-B", "-m", "cli.machine", platform, str(image)], cwd=ROOT / "tools",
                             encoding="utf-8", codec_errors="replace", echo=False)
    try:
        path = image.parent / machine.SOCKET
        good = all([*in_turn(interfaces, terminal, path), *same_as_the_shell_says(terminal, path)])
        terminal.send("\x01x")
        terminal.expect(pexpect.EOF, timeout=shell.TIMEOUT)
        terminal.close()
        return say("Ctrl-A x", f"{terminal.exitstatus}, {machine.connect(image.parent / machine.SOCKET)}", "0, None") and good
    except (pexpect.TIMEOUT, pexpect.EOF):
        raise Stop(f"the terminal does not show what it should, but {terminal.before[-500:]!r}") from None
    finally:
        terminal.close(force=True)


def with_none(interfaces, platform, image):
    booted = machine.Booted(platform, image)
    try:
        system = call.System(booted, interfaces.gateway)
        [(called, _, text)] = call.perform(interfaces, system, call.prepare(interfaces, ["vfs.stat", "/tmp", "true"]))
        return say(called, text, r"stat: \{ .* kind: directory \}")
    finally:
        booted.close()


def main(platform, build):
    interfaces = call.Interfaces()
    with tempfile.TemporaryDirectory(dir=build) as folder:
        image = Path(folder) / "image-shell.bin"
        image.symlink_to(Path(build).resolve() / image.name)
        try:
            good = with_a_shell(interfaces, platform, image)
            good = with_none(interfaces, platform, image) and good
        except Stop as stop:
            print(f"not ok - {stop}")
            return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

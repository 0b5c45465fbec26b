#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the tests on a platform and passes on what they print.

    run.py PLATFORM BUILD_DIR [--system NAME] [--chain CHAIN] [--panic invariant|trap|stack] [--plugin PLUGIN]

Succeeds if every test of the plan passed and the machine stopped by itself with the right exit
code. With --panic something in the kernel is broken by a debugger, and the panic has to tell.
"""

import argparse
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
from cli import qemu  # noqa: E402

TIMEOUT = 300        # seconds; it takes about ten
PANIC_TIMEOUT = 60   # it takes about two
FEWEST_REGISTERS = 16  # that a processor has
# What programs that fault unhandled have to lead to, in each system.
CRASHES = {"tests": ["init: boot_crash stopped: write fault at address 0xdead000"],
           "memory": ["init: memory_peer stopped: write fault at address 0x2000000000",  # a guard
                      "init: memory_peer stopped: write fault at address 0xdead000"],
           "vfs": ["init: vfs_victim stopped: write fault at address 0xdead000"]}

# What has to come out one line after the other, in each system.
SAID = {"vfs": [f"# through the file server: {n:03}" for n in range(400)]}

FLOOD_MARK = "\a"      # of tests/flood: more than anybody wants to read

# What the gateway says is for the host, and no terminal shows it; it may come in the middle of a line.
FOR_HOST = re.compile(r"\x1b_.*?\x1b\\")


def judge(lines, code, exit_ok, crashes=(), said=()):
    """What is wrong with a run; nothing if all is well."""
    wrong = []
    plan, seen, failed, running = None, 0, [], None
    lines = [FOR_HOST.sub("", line) for line in lines]
    for line in lines:
        if match := re.fullmatch(r"1\.\.(\d+)", line):
            plan = int(match[1])
        elif match := re.match(r"(not )?ok (\d+) - ([^:]*)", line):
            seen += 1
            if int(match[2]) != seen:
                wrong.append(f"test {match[2]} came where {seen} was expected")
            if match[1]:
                failed.append(match[3])
        elif match := re.fullmatch(r"# (\w+\.\w+)", line):
            running = match[1]
    if failed:
        wrong.append(f"{len(failed)} failed: {', '.join(failed)}")
    panic = next((line for line in lines if line.startswith("PANIC")), None)
    if panic:
        wrong.append(f"the kernel panicked in {running}: {panic}")
    elif code is None:
        wrong.append(f"no end after {TIMEOUT} s, in {running}")
    elif plan is None:
        wrong.append("there is no plan")
    elif seen != plan:
        wrong.append(f"{seen} of {plan} tests reported; the last that began was {running}")
    elif code != exit_ok and not failed:
        wrong.append(f"all passed, but QEMU ended with {code}")
    wrong += [f'init did not report "{crash}"' for crash in crashes
              if not any(line.startswith(f"{crash},") for line in lines)]
    first = lines.index(said[0]) if said and said[0] in lines else 0
    if lines[first:first + len(said)] != list(said):
        wrong.append(f'the {len(said)} lines from "{said[0]}" on are not all there, or not in order')
    return wrong


def plugin(options):
    return ["-plugin", options.plugin] if options.plugin else []


# What a page says of where it should be (tests/memory/place.h).
PLACE = struct.Struct("<QQQQ")
PLACE_MARK = 0x6563616C70736968
PLACE_ANY_NODE = (1 << 64) - 1
PAGE = 4096


def pages(path):
    """The pages of a file that were written to: (number, bytes)."""
    with open(path, "rb") as file:
        end, at = os.fstat(file.fileno()).st_size, 0
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:     # there are no more
                return
            hole = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            file.seek(at)
            while at < hole:
                yield at // PAGE, file.read(PAGE)
                at += PAGE


def misplaced(nodes):
    """What is wrong with where pages are, given the memory of each node. Each node begins at a multiple of any number
    of colours."""
    wrong, found = [], [0] * len(nodes)
    for node, path in enumerate(nodes):
        for number, data in pages(path):
            mark, wanted, colours, all_colours = PLACE.unpack_from(data)
            if mark != PLACE_MARK:
                continue
            found[node] += 1
            if wanted not in (node, PLACE_ANY_NODE):
                wrong.append(f"page {number} of node {node} should be of node {wanted}")
            if not colours >> number % all_colours & 1:
                wrong.append(f"page {number} of node {node} has not one of the colours {colours:#b} of {all_colours}")
    print(f"# pages that say where they should be: {found}")
    wrong += [f"node {node} has only {count} pages that say where they should be" for node, count in enumerate(found) if count < 50]
    return wrong[:5]


def run_tests(options, image, exit_ok):
    board = qemu.description(options.platform)
    machine = board.get("memory", {}).get(options.system, {}).get("arguments", [])
    with tempfile.TemporaryDirectory() as folder:
        extra = plugin(options) + [argument.replace("{memory}", f"{folder}/memory") for argument in machine]
        code, lines = qemu.boot(qemu.command(options.platform, image, chain=options.chain, extra=extra), TIMEOUT,
                                lambda line: print(line.replace(FLOOD_MARK, ""), flush=True))
        wrong = judge(lines, code, exit_ok, CRASHES.get(options.system, ()), SAID.get(options.system, ()))
        return wrong + (misplaced(sorted(Path(folder).iterdir())) if machine else [])


# Where the debugger stops, what it breaks there, and what the panic has to say: of the check that
# the tests ask for first, and of a system call of the tests.
PANICS = {
    "invariant": ("invoke_kernel_check", "set var cpu0.current->rank_to = 99", [
        r"PANIC: invariant I-RANK broken by",
        r'Thread "boot_tests" .* last system call call\(.*\(Kernel\.check\)',
        r"  [0-9a-f]{16} check_everything\+0x",
        r"  [0-9a-f]{16} invoke_kernel_check\+0x",
        r"  [0-9a-f]{16} kernel_syscall\+0x",
    ]),
    "trap": ("kernel_syscall", "set var current->cs_base = (char *)16", [
        r"The kernel trapped: .* \(\w+\+0x",
        r"PANIC: trap in the kernel",
        r'Thread "\w+" .* last system call \w+\(',
        r"  [0-9a-f]{16} \w+\+0x",
    ]),
    "stack": ("kernel_syscall", "set var $sp = (char *)&kernel_stack_guard + 512", [
        r"The kernel trapped: .* \(kernel_syscall\+0x",
        r"Its stack has overflowed",
        r"PANIC: trap in the kernel",
    ]),
}


def run_panic(options, image):
    """QEMU waits for a debugger, which lets it run to the place, breaks the thing, and leaves."""
    place, deed, expected = PANICS[options.panic]
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/gdb"
        script = Path(folder) / "script"
        script.write_text(f"target remote {socket}\nhbreak {place}\ncontinue\ndelete\n{deed}\n"
                          "detach\nquit\n")
        line = qemu.command(options.platform, image, counted=False, extra=[
            *plugin(options), "-chardev", f"socket,path={socket},server=on,wait=on,id=gdb", "-gdb", "chardev:gdb", "-S"])
        debugger = subprocess.Popen(
            ["sh", "-c", f"until [ -S {socket} ]; do sleep 0.1; done; exec gdb-multiarch -q -nx -batch -x {script} "
             f"{options.build}/kernel/kernel.elf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            code, lines = qemu.boot(line, PANIC_TIMEOUT)
        finally:
            debugger.terminate()
        output, _ = debugger.communicate()
    for text in lines:
        print(text)
    wrong = [f'the panic does not say "{p}"' for p in expected if not any(re.search(p, text) for text in lines)]
    registers = sum(len(re.findall(r"[a-z]\w* +[0-9a-f]{16}\b", text)) for text in lines)
    if registers < FEWEST_REGISTERS:
        wrong.append("the panic does not show the program's registers")
    if code is None:
        wrong.append("the machine did not stop after the panic")
    elif code == qemu.description(options.platform)["qemu"]["exit_ok"]:
        wrong.append(f"QEMU ended with {code}, as if nothing had happened")
    if wrong:
        print("The debugger said:\n" + output)
    return wrong


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # or QEMU would live on
    parser = argparse.ArgumentParser()
    parser.add_argument("platform")
    parser.add_argument("build")
    parser.add_argument("--chain", help="of firmware: a name of [boot] in platform.toml")
    parser.add_argument("--panic", choices=PANICS)
    parser.add_argument("--system", default="tests", help="one of platforms/systems whose last program is tests")
    parser.add_argument("--plugin", help="of QEMU's, with its arguments")
    options = parser.parse_args()
    image = Path(options.build) / f"image-{options.system}.bin"
    if options.panic:
        wrong = run_panic(options, image)
    else:
        wrong = run_tests(options, image, qemu.description(options.platform)["qemu"]["exit_ok"])
    for text in wrong:
        print(f"run.py: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause
"""What tools/gdb/tessera.py prints of a booted system is what is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from cli import common, gdb, qemu  # noqa: E402

COMMANDS = ["threads", "waits", "queues", "untyped", "cspace console", "cspace init", "cspace bench", "cspace nobody",
            "cspace"]
# From where the kernel was entered to the first instruction of a program.
TO_USER = "python\nwhile int(gdb.parse_and_eval('(unsigned long)$pc')) >> 47: gdb.execute('stepi', to_string=True)\nend\n"


def show(at):
    return "".join(f"echo \\n=== {at} {command}\\n\ntessera {command}\n" for command in COMMANDS)


# Each command prints an error where it must, and the script goes on: so not from one file, but from stdin.
SCRIPT = ("echo \\n=== early threads\\n\ntessera threads\n"
          "tbreak ready_insert\ncontinue\n" + TO_USER + show("ready") +
          "tbreak ipc_fault\ncontinue\n" + TO_USER + show("fault") +
          "tbreak arch_stop\ncontinue\n" + show("end") + "echo \\n=== over\\n\nkill\nquit\n")


@pytest.fixture(scope="module", params=[preset for platform in common.platforms()
                                        for preset in (platform, platform + "-debug")])
def shown(request, tmp_path_factory):
    """What each command printed: at the benchmark's first fault, the processor in the handler, and at the end."""
    preset = request.param
    build = common.build_dir(preset)
    if not (build / "image-bench.bin").exists():
        pytest.skip(f"build/{preset} is not built")
    socket = tmp_path_factory.mktemp("gdb") / "socket"
    line = qemu.command(preset.removesuffix("-debug"), build / "image-bench.bin")
    machine = gdb.start(line, socket)
    try:
        done = subprocess.run(["gdb-multiarch", "-nx", "-q", "-x", gdb.SCRIPT, "-ex", "set confirm off", "-ex",
                               "set height 0", "-ex", "set width 0", "-ex", f"target remote {socket}",
                               build / "kernel" / "kernel.elf"],
                              input=SCRIPT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    finally:
        machine.kill()
        machine.wait()
    parts = re.split(r"^(?:\(gdb\) )*=== (.*)\n", done.stdout, flags=re.M)
    texts = {name: text.replace("(gdb) ", "").strip() for name, text in zip(parts[1::2], parts[2::2])}
    assert len(texts) == 2 + 3 * len(COMMANDS), done.stdout
    return texts


def row(text, *cells):
    """The one line that has these cells, in order, between other text."""
    found = [line for line in text.splitlines() if re.search(r"\b.*\s".join(map(str, cells)), line)]
    assert len(found) == 1, (cells, text)
    return found[0]


def test_before_boot(shown):
    assert shown["early threads"].startswith("The kernel has not made any thread yet")


def test_threads(shown):
    text = shown["end threads"]
    names = [line.split()[1] for line in text.splitlines()[1:]]
    assert {"init", "console", "memory", "vfs", "bench", "bench_server"} <= set(names)
    assert names.count("vfs") == 5      # its first thread, three workers, and who writes to the console
    row(text, "0x[0-9a-f]+ +console +200 +recv +receives on Endpoint console.endpoint 0x[0-9a-f]+$")
    row(text, "bench +100 +call +waits for a reply of init$")
    row(text, "init +255 .*runs$")
    assert text.index(" init ") < text.index(" console ") < text.index(" bench ")      # by priority
    assert text.count("runs") == 1


def test_threads_while_a_program_runs(shown):
    """The fast path has changed who runs, and told nobody; a program has the processor, which may not see the kernel."""
    text = shown["fault threads"]
    row(text, r"faulter +100 +\(fault\) +(read|write) fault at 0x[0-9a-f]+; waits for a reply of fault$")
    row(text, r" fault +100 .*runs$")
    assert text.count("runs") == 1


def test_waits(shown):
    text = shown["fault waits"]
    row(text, "^Endpoint console.endpoint 0x[0-9a-f]+: receives: console$")
    row(text, "^Notification console.signal 0x[0-9a-f]+: bound to console$")
    row(text, "^Call faulter -> fault: runs$")
    row(shown["end waits"], "^Call bench -> init: runs$")


def test_queues(shown):
    text = shown["fault queues"]
    row(text, r"^runs: fault \(100\)$")
    row(text, "^bar: 0$")
    row(text, "^time: SchedContext 0x[0-9a-f]+ of faulter, until [0-9]+ us$")
    assert "queue" not in text      # nobody is ready


def test_ready(shown, request):
    """While init starts the programs: who is first of all, and who is in the queue."""
    text = shown["ready queues"]
    row(text, r"^runs: init \(255\)$")
    row(text, r"^first: console \(200\)$")
    row(text, "^bar: 200$")
    row(text, "^queue 150: vfs$")
    row(text, r"^last call that was not fast: call\(slot 0x[0-9a-f]+, Thread.start\)$")
    row(shown["ready threads"], "bench +100 +is stopped$")
    row(shown["ready threads"], "vfs +150 +ready$")
    is_debug = request.node.callspec.id.endswith("debug")
    last = r"call\(slot 0x[0-9a-f]+, Thread.start\) +" if is_debug else ""
    row(shown["ready threads"], f"init +255 +{last}runs$")
    row(shown["ready waits"], "^Notification memory.report 0x[0-9a-f]+: bound to init$")
    assert len(shown["ready waits"].splitlines()) == 1


def test_capability_space(shown):
    text = shown["end cspace console"]
    row(text, "^1 +supervisor +Endpoint +0x[0-9a-f]+ +send +badge [0-9]+$")
    row(text, "^2 +endpoint +Endpoint +0x[0-9a-f]+ +recv$")
    row(text, "^4 +signal +Notification +0x[0-9a-f]+ +signal wait")
    row(text, "^6 +cnode +CNode +0x[0-9a-f]+ +32 slots$")
    row(text, "^7 +memory +Untyped +0x[0-9a-f]+ +4K, 192B used$")
    row(text, "^9 +Reply +0x[0-9a-f]+$")
    # Who holds the same object says the same address.
    server = re.search(r"^2 +endpoint +Endpoint +(0x\w+)", text, re.M)[1]
    client = re.search(r"^2 +console +Endpoint +(0x\w+) +send", shown["end cspace bench"], re.M)[1]
    assert server == client


def test_capability_space_of_init(shown):
    text = shown["end cspace init"]
    row(text, "^4 +buffer +Frame +0x[0-9a-f]+ +read write( execute)? +4K, mapped$")
    row(text, "^7 +kernel +Kernel$")
    # The programs' tables hang in init's: the second number of an address counts in there.
    assert re.search(r"^\d+ +CNode .* 32 slots\n\d+/1 +Endpoint .*send", text, re.M)


def test_untyped(shown):
    text = shown["end untyped"]
    row(text, "^0x[0-9a-f]+ +4K +memory +192B +4% +console slot 7$")
    row(text, "^0x[0-9a-f]+ +32M +memory +[0-9]+[KB] +[0-9]+% +bench slot 7$")
    assert re.search("device +0B +0% +init slot", text)


def test_mistakes(shown):
    assert shown["end cspace"] == "Which thread's? tessera cspace NAME-OR-ADDRESS"
    assert shown["end cspace nobody"].startswith('There is no thread "nobody"; give an address')
    assert "console" in shown["end cspace nobody"]


def test_command(shown, tmp_path):
    """./tessera gdb: connects, has the commands, and leaves nothing behind."""
    done = subprocess.run([ROOT / "tessera", "gdb"], input="tessera queues\nbreak kernel_syscall\ncontinue\ntessera threads\nquit\n",
                          capture_output=True, text=True, timeout=120)
    assert "help tessera" in done.stdout
    assert "Breakpoint 1, kernel_syscall" in done.stdout
    assert re.search(r"init +255 +.*runs", done.stdout)
    assert done.returncode == 0

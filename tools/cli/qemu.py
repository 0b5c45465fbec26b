# SPDX-License-Identifier: BSD-2-Clause
"""QEMU command lines, and running them."""

import errno
import os
import shutil
import platform as machine
import signal
import subprocess
import threading
import tomllib
from pathlib import Path

from . import disk
from .common import ROOT, Stop, build_dir, run

# One instruction takes one nanosecond of virtual time, for the board's clocks too; idle time is skipped.
# Runs repeat exactly.
COUNTED = ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]


def with_us(arguments):
    """The command line of a QEMU that has a process group of its own, and yet ends with this program,
    however that ends."""
    if shutil.which(arguments[0]) is None:
        raise FileNotFoundError(errno.ENOENT, "not on the PATH", arguments[0])
    return ["setpriv", "--pdeathsig", "KILL", *arguments]


def description(platform):
    with open(ROOT / "platforms" / platform / "platform.toml", "rb") as file:
        return tomllib.load(file)


def image(preset, system):
    return build_dir(preset) / f"image-{system}.bin"


def plugin(name, folder):
    """tools/qemu/NAME.c, a plugin of QEMU's, compiled for this machine into a folder."""
    path = Path(folder) / f"{name}.so"
    run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path, ROOT / "tools" / "qemu" / f"{name}.c"])
    return path


def chains(platform):
    """The ways in which this board's firmware can start a system; the first is the usual one."""
    return list(description(platform)["boot"])


def accelerator(board, kvm=Path("/dev/kvm"), imitation=Path("/sys/module/kvm_pvm")):
    """KVM for a board whose processor this machine has, if it may be used and is real."""
    usable = board["architecture"] == machine.machine() and board["qemu"].get("kvm", False) and os.access(kvm, os.W_OK)
    if usable and imitation.exists():
        print("KVM is a software imitation on this machine (kvm_pvm), so QEMU emulates the processor itself (TCG).")
        return "tcg"
    return "kvm" if usable else "tcg"


def command(platform, image, counted=True, chain=None, extra=(), accel="tcg", interactive=False):
    """The command line that boots an image, by this chain of firmware. `interactive`: every key
    goes to the machine, Ctrl-C too, but for Ctrl-A and what follows it; and it may start over, which else ends it."""
    board = description(platform)
    known = chains(platform)
    if chain is not None and chain not in known:
        raise Stop(f'{platform} cannot be booted by "{chain}"; it can by: {", ".join(known)}')
    start = board["boot"][chain or known[0]]["arguments"]
    files = {"{image}": lambda: image, "{disk}": lambda: disk.make(image)}
    for name, path in files.items():
        if any(name in argument for argument in start):
            start = [argument.replace(name, str(path())) for argument in start]
    return [board["qemu"]["program"], *board["qemu"]["arguments"], "-accel", accel, "-display", "none",
            "-serial", *(["mon:stdio"] if interactive else ["stdio", "-no-reboot"]), *(COUNTED if counted else []), *start, *extra]


def boot(arguments, timeout, each_line=lambda line: None):
    """Runs QEMU until it ends. Returns its exit code and its lines; code None: it had to be ended."""
    process = subprocess.Popen(with_us(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    expired = threading.Event()

    def expire():
        expired.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(timeout, expire)
    timer.start()
    lines = []
    try:
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            lines.append(line)
            each_line(line)
        code = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return (None if expired.is_set() else code), lines

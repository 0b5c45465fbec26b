# SPDX-License-Identifier: BSD-2-Clause
"""A system in QEMU that waits for gdb, and gdb at it."""

import signal
import subprocess
import tempfile
import time
from pathlib import Path

from . import common, qemu
from .common import ROOT, Stop

SCRIPT = ROOT / "tools" / "gdb" / "tessera.py"
STARTUP = 10    # seconds that QEMU may take to listen
WELCOME = ("The processor stands before its first instruction. Try: break kernel_syscall, continue, help tessera.\\n"
           "What the system prints appears between what gdb prints.\\n")


def start(line, socket):
    """Starts QEMU, which waits; returns when gdb can connect. No terminal: gdb has that."""
    process = subprocess.Popen(qemu.with_us([*line, "-S", "-gdb", f"unix:{socket},server=on,wait=off"]), stdin=subprocess.DEVNULL,
                               start_new_session=True)
    end = time.monotonic() + STARTUP
    while not socket.exists():
        if process.poll() is not None:
            raise Stop(f"QEMU ended at once with code {process.returncode}; its command line was: {' '.join(line)}")
        if time.monotonic() > end:
            process.kill()
            raise Stop(f"QEMU does not listen for gdb after {STARTUP} seconds")
        time.sleep(0.02)
    return process


def debug(options):
    name = common.preset(options.platform, options.debug)
    common.build(name)
    image = qemu.image(name, options.system)
    kernel = common.build_dir(name) / "kernel" / "kernel.elf"
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        socket = Path(folder) / "gdb"
        process = start(qemu.command(options.platform, image), socket)
        signal.signal(signal.SIGINT, lambda *_: None)   # Ctrl-C is for gdb
        try:
            return subprocess.run(["gdb-multiarch", "-q", str(kernel), "-x", str(SCRIPT),
                                   "-ex", f"target remote {socket}", "-ex", f"echo {WELCOME}"]).returncode
        finally:
            process.kill()
            process.wait()

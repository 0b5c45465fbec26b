# SPDX-License-Identifier: BSD-2-Clause
"""Talks to the shell of a system that runs."""

import contextlib
import re

from . import qemu
from .common import Stop

TIMEOUT = 120   # seconds for an answer: the computer may be busy
READY = "help lists the commands."
TO_HOST = r"\x1b_[^\x1b]*\x1b\\"     # what the gateway says: terminals do not show it either
PROMPT = rf"\r\$ \x1b\[K({TO_HOST})?$"
ESCAPES = re.compile(rf"\x1b\[[0-9;]*[A-Za-z]|{TO_HOST}")


def begin(machine):
    """Waits for the first prompt."""
    machine.expect(re.escape(READY), timeout=TIMEOUT)
    machine.expect(PROMPT, timeout=TIMEOUT)


def answer(machine):
    """What came before the next prompt, without what was typed."""
    machine.expect("\r\n", timeout=TIMEOUT)
    machine.expect(PROMPT, timeout=TIMEOUT, searchwindowsize=64)    # what comes may be long
    return re.sub(r"\r+\n", "\n", ESCAPES.sub("", machine.before)).strip("\r\n")


@contextlib.contextmanager
def start(platform, image):
    """A machine that boots an image; it ends with the block."""
    import pexpect
    line = qemu.command(platform, image, counted=False, interactive=True)
    machine = pexpect.spawn("setpriv", ["--pdeathsig", "KILL", *line], encoding="utf-8", codec_errors="replace", echo=False)
    try:
        yield machine
    except (pexpect.TIMEOUT, pexpect.EOF):
        last = repr(machine.before[-500:])
        raise Stop(f"the system does not answer (it needs a shell: platforms/systems/shell.toml); its last words: {last}") from None
    finally:
        machine.close(force=True)


def settle(machine):
    """A prompt and nothing behind it, whatever has been printed meanwhile."""
    machine.send("echo qui'et'\r")     # what is typed looks different
    machine.expect("\nquiet\r+\n", timeout=TIMEOUT)
    machine.expect(PROMPT, timeout=TIMEOUT)


def ask(machine, line):
    machine.send(line + "\r")
    return answer(machine)

# SPDX-License-Identifier: BSD-2-Clause
"""A machine that runs, and its serial line, which the terminal and `./tessera call` share.

`./tessera run` stands between QEMU and the terminal, and listens on the socket build/PRESET/machine. What comes
there, a line each, goes to the gateway (idl/gateway.idl) in the machine; what that answers is taken out of what the
machine says, and goes back. How they are marked is in idl/console.idl."""

import contextlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import tty
from pathlib import Path

from . import common
from .common import Stop

BEGIN, END = b"\xfe", b"\xff"   # HOST_BEGIN and HOST_END of idl/console.idl
ANSWER = re.compile(rb"\x1b_([^\x1b]*)\x1b\\")
PART = re.compile(rb"\x1b(_[^\x1b]{0,1000}\x1b?)?\Z")  # of an answer; longer ones are none
SOCKET = "machine"


class Line:
    """A machine's serial line: QEMU's standard input and output."""

    def __init__(self, process, screen, about):
        self.process, self.screen, self.about = process, screen, about
        self.selector = selectors.PollSelector()   # files too, where the keyboard is one
        self.to_machine, self.said = bytearray(), b""           # what QEMU has not taken yet; what may begin an answer
        self.is_ready = False                                   # the gateway has spoken
        self.keyboard = self.listener = self.client = None
        self.half = b""                                         # a client's line, as far as it has come
        os.set_blocking(process.stdin.fileno(), False)

    def serve(self, keyboard=None, listener=None, client=None):
        """Until the machine ends. One client at a time: others wait."""
        self.keyboard, self.listener = keyboard, listener
        self.watch(self.process.stdout, self.on_output)
        if client:
            self.begin(client)
        self.listen()
        while self.process.stdout in self.selector.get_map():
            for key, _ in self.selector.select():
                if key.fileobj in self.selector.get_map():  # unless this round took it off
                    key.data()
        if self.client:
            self.client.close()

    def watch(self, file, deed, event=selectors.EVENT_READ):
        self.selector.register(file, event, deed)

    def forget(self, file):
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(file)

    def listen(self):
        """To the keyboard while QEMU takes what comes; to a client once the gateway is there."""
        waits = bool(self.to_machine)
        wanted = [(self.keyboard, self.on_key, not waits), (self.client, self.on_client, self.is_ready and not waits),
                  (self.listener, self.on_connect, self.client is None)]
        for file, deed, is_wanted in wanted:
            if file is not None:
                self.forget(file)
                if is_wanted:
                    self.watch(file, deed)
        self.forget(self.process.stdin)
        if waits:
            self.watch(self.process.stdin, self.on_room, selectors.EVENT_WRITE)

    def on_output(self):
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        self.said += data
        while found := ANSWER.search(self.said):
            self.screen(self.said[:found.start()])
            self.said = self.said[found.end():]
            self.answer(found[1] + b"\n")
        part = PART.search(self.said) if data else None
        shown = part.start() if part else len(self.said)
        self.screen(self.said[:shown])
        self.said = self.said[shown:]
        if not data:
            self.forget(self.process.stdout)

    def answer(self, line):
        if self.client and self.is_ready:
            with contextlib.suppress(OSError):  # it has gone, and on_client will see that
                self.client.sendall(line)
        self.is_ready = True
        self.listen()

    def on_key(self):
        data = os.read(self.keyboard, 1 << 12)
        if not data:
            self.forget(self.keyboard)
            self.keyboard = None
        self.to_machine += data.translate(None, BEGIN + END)
        self.listen()

    def on_room(self):
        try:
            del self.to_machine[:os.write(self.process.stdin.fileno(), self.to_machine)]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.to_machine.clear()     # it ends; on_output will see that
        self.listen()

    def on_connect(self):
        self.begin(self.listener.accept()[0])
        self.listen()

    def begin(self, client):
        self.client, self.half = client, b""
        with contextlib.suppress(OSError):
            client.sendall(json.dumps(self.about).encode() + b"\n")

    def on_client(self):
        try:
            data = self.client.recv(1 << 12)
        except OSError:
            data = b""
        if not data:
            self.forget(self.client)
            self.client.close()
            self.client = None
        *lines, self.half = (self.half + data).split(b"\n")
        for line in lines:
            self.to_machine += BEGIN + line.translate(None, BEGIN + END) + END
        self.listen()


# ---- The machine of ./tessera run ----

@contextlib.contextmanager
def short(path):
    """The same file by a name that fits into a socket's address, however deep the folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connect(path):
    """To the machine that listens there; None: there is none, though the file of one may have stayed behind."""
    to = socket.socket(socket.AF_UNIX)
    try:
        with short(path) as name:
            to.connect(name)
        return to
    except (FileNotFoundError, ConnectionRefusedError):
        to.close()
        return None


@contextlib.contextmanager
def listening(path):
    """The socket that others find this machine by; None if another machine has it."""
    other = connect(path)
    if other:
        other.close()
        print(f"A machine of {path.parent.name} runs already: ./tessera call goes to that one, and not to this.")
        yield None
        return
    path.unlink(missing_ok=True)    # of one that was killed
    with socket.socket(socket.AF_UNIX) as listener:
        with short(path) as name:
            listener.bind(name)
        listener.listen()
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def raw_terminal():
    """Every key goes to the machine."""
    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    tty.setraw(0)
    now = termios.tcgetattr(0)
    now[1] |= termios.OPOST     # QEMU's own lines end as those of other programs
    termios.tcsetattr(0, termios.TCSADRAIN, now)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def start(line):
    """QEMU, which ends when this program does, however that ends."""
    from . import qemu
    return subprocess.Popen(qemu.with_us(line), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            bufsize=0, start_new_session=True)


def about(image):
    return {"preset": image.parent.name, "system": image.stem.removeprefix("image-")}


def to_terminal(data):
    while data:
        data = data[os.write(1, data):]


def run(line, image):
    """Runs QEMU with this terminal as the serial port, until it ends or somebody presses Ctrl-A and x."""
    print("Running:", " ".join(line), "\n(Ctrl-A and then x ends it)", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # not without putting the terminal right
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(1))
    with listening(image.parent / SOCKET) as listener:
        sys.stdout.flush()
        process = start(line)
        try:
            with raw_terminal():
                Line(process, to_terminal, about(image)).serve(keyboard=0, listener=listener)
            return process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            process.kill()


# ---- A machine to talk to ----

class Machine:
    """What is at the other end of a socket: the line of a machine that runs."""

    def __init__(self, to, patience):
        self.socket, self.file = to, to.makefile("rb")
        to.settimeout(patience)
        self.about = json.loads(self.read_line())

    def read_line(self):
        try:
            line = self.file.readline()
        except TimeoutError:
            raise Stop(self.silent()) from None
        except OSError:
            line = b""
        if not line:
            raise Stop(self.ended())
        return line.decode(errors="replace").rstrip("\n")

    def write_line(self, text):
        with contextlib.suppress(BrokenPipeError):  # read_line() says what happened
            self.socket.sendall(text.encode() + b"\n")

    def silent(self):
        return ("the machine that runs does not answer. Perhaps it has not come to its prompt, or another ./tessera call waits "
                "for it, or it is stopped (QEMU's monitor: Ctrl-A and then c; gdb)")

    def ended(self):
        return "the machine that ran has ended"

    def close(self):
        self.file.close()
        self.socket.close()


class Attached(Machine):
    """The machine of a ./tessera run."""
    PATIENCE = 30   # seconds

    def __init__(self, to):
        super().__init__(to, self.PATIENCE)

    def wait_for(self, text):
        """What it has said its terminal has shown: nobody waits here."""


class Booted(Machine):
    """A machine of one's own, which ends when this is closed."""
    PATIENCE = 120  # seconds: the computer may be busy

    def __init__(self, platform, image):
        from . import qemu
        self.said = bytearray()
        self.process = start(qemu.command(platform, image, counted=False, accel=qemu.accelerator(qemu.description(platform))))
        to, client = socket.socketpair()
        line = Line(self.process, self.said.extend, about(image))
        threading.Thread(target=line.serve, kwargs={"client": client}, daemon=True).start()
        super().__init__(to, self.PATIENCE)

    def silent(self):
        return "the system ended, or did not answer; the last that it said:\n  " + \
            "\n  ".join(self.said.decode(errors="replace").splitlines()[-12:])

    ended = silent

    def wait_for(self, text):
        """Until it has said this, a regular expression: the match."""
        end = time.monotonic() + self.PATIENCE
        while not (match := re.search(text, self.said.decode(errors="replace"))):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Stop(self.silent())
            time.sleep(0.05)
        return match

    def close(self):
        self.process.kill()
        self.process.wait()
        super().close()


# ---- Which machine ----

def running(presets):
    """Which of these run: preset -> a connection."""
    found = {name: connect(common.build_dir(name) / SOCKET) for name in presets if common.build_dir(name).exists()}
    return {name: to for name, to in found.items() if to}


def every_preset():
    return [common.preset(board, debug) for board in common.platforms() for debug in (False, True)]


def choose(platform, debug):
    """The preset that is meant, and a connection to its machine; None: it does not run. No platform: whichever runs."""
    every = [name for name in every_preset() if name.endswith("-debug") or not debug]
    meant = [common.preset(platform, debug)] if platform else every
    found = running(meant)
    if len(found) == 1:
        return found.popitem()
    for to in found.values():
        to.close()
    if found:
        raise Stop(f"several machines run: {', '.join(found)}; say by --platform, and --debug, which is meant")
    return common.preset(platform or common.USUAL, debug), None


def attached(to, system):
    """The machine at the other end, unless it is to have another system than it has."""
    machine = Attached(to)
    if system in (None, machine.about["system"]):
        return machine
    machine.close()
    return None


def open_one(platform, debug, usual, system=None):
    """The machine that runs, if it has that system, or else one that is booted for this, with it or the usual one; and its
    preset. Says which."""
    preset, to = choose(platform, debug)
    if to and (machine := attached(to, system)):
        print(f"In the machine that runs ({preset}, system {machine.about['system']}):", file=sys.stderr)
        return preset, machine
    from . import qemu
    others = running(every_preset())
    for other in others.values():
        other.close()
    common.build(preset)
    what = preset if system is None else f"{preset} with the system {system}"
    print(f"No machine of {what} runs ({', '.join(others) + ' does' if others else './tessera run'}), "
          "so one is booted for this, and ends with it:", file=sys.stderr)
    return preset, Booted(preset.removesuffix("-debug"), qemu.image(preset, system or usual))


if __name__ == "__main__":
    from . import qemu
    try:
        sys.exit(run(qemu.command(sys.argv[1], Path(sys.argv[2]), counted=False, interactive=True,
                                  accel=qemu.accelerator(qemu.description(sys.argv[1]))), Path(sys.argv[2])))
    except FileNotFoundError as error:
        sys.exit(f"there is no program {error.filename} on the PATH; run ./tessera setup")

# SPDX-License-Identifier: BSD-2-Clause
"""The serial line of a machine that runs, shared, and which machine is meant. tests/call boots one."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from cli import call, common, machine  # noqa: E402
from cli.common import Stop  # noqa: E402

# A machine that greets, repeats what it hears, and answers each of the host's lines.
IMITATION = r"""
import os, re
say = lambda data: os.write(1, data)
say(b"up\n\x1b_! 0\x1b\\")
while data := os.read(0, 4096):
    for line in re.findall(rb"\xfe([^\xff]*)\xff", data):
        say(b"\x1b_! " + line[2:] + b"\x1b\\" if line[:1] == b"h" else b"")
    say(re.sub(rb"\xfe[^\xff]*\xff", b"", data))
"""
DEEP = "deep" * 30      # longer than a socket's address can be
GATEWAY = call.Interfaces().gateway


class Imitation:
    def __init__(self, path, system="shell"):
        self.screen, self.listener = bytearray(), socket.socket(socket.AF_UNIX)
        with machine.short(path) as name:
            self.listener.bind(name)
        self.listener.listen()
        self.process = subprocess.Popen([sys.executable, "-c", IMITATION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        line = machine.Line(self.process, self.screen.extend, {"preset": path.parent.name, "system": system})
        self.thread = threading.Thread(target=line.serve, kwargs={"listener": self.listener}, daemon=True)
        self.thread.start()

    def end(self):
        self.process.kill()
        self.thread.join(10)
        self.listener.close()


@pytest.fixture
def presets(tmp_path, monkeypatch):
    """Machines of presets, in a folder of this test's."""
    monkeypatch.setattr(common, "build_dir", lambda name: tmp_path / DEEP / name)
    (tmp_path / DEEP).mkdir()
    started = []

    def start(name, system="shell"):
        common.build_dir(name).mkdir(exist_ok=True)
        started.append(Imitation(common.build_dir(name) / machine.SOCKET, system))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_marks_are_those_of_the_interface():
    consts = {c.name: c.value for c in call.parse.load(ROOT / "idl" / "console.idl").consts}
    assert machine.BEGIN + machine.END == bytes([consts["HOST_BEGIN"], consts["HOST_END"]])


def test_nothing_of_the_gateway_is_on_the_screen(presets):
    one = presets("riscv64-virt")
    for _ in range(2):      # one after the other
        attached = machine.Attached(machine.choose(None, False)[1])
        call.System(attached, GATEWAY)
        attached.close()
    one.end()
    assert one.screen == b"up\n"


def test_the_machine_that_runs_is_meant(presets):
    assert machine.choose(None, False) == ("riscv64-virt", None)
    assert machine.choose("aarch64-virt", True) == ("aarch64-virt-debug", None)
    presets("aarch64-virt-debug")
    assert machine.choose(None, False)[0] == "aarch64-virt-debug"
    assert machine.choose("riscv64-virt", False) == ("riscv64-virt", None)
    presets("riscv64-virt")
    with pytest.raises(Stop, match="several machines run: aarch64-virt-debug, riscv64-virt; say by --platform"):
        machine.choose(None, False)
    preset, to = machine.choose("riscv64-virt", False)
    assert preset == "riscv64-virt" and to


def test_what_a_killed_machine_leaves_is_no_machine(presets):
    presets("riscv64-virt").end()
    assert (common.build_dir("riscv64-virt") / machine.SOCKET).exists()
    assert machine.choose(None, False) == ("riscv64-virt", None)
    with machine.listening(common.build_dir("riscv64-virt") / machine.SOCKET) as listener:
        assert machine.connect(common.build_dir("riscv64-virt") / machine.SOCKET) and listener
    assert not (common.build_dir("riscv64-virt") / machine.SOCKET).exists()


def test_a_second_machine_leaves_the_first_one_its_socket(presets, capsys):
    presets("riscv64-virt")
    with machine.listening(common.build_dir("riscv64-virt") / machine.SOCKET) as listener:
        assert listener is None
    assert "runs already: ./tessera call goes to that one" in capsys.readouterr().out
    assert machine.choose(None, False)[1]


def test_errors_say_what_to_do(presets):
    one = presets("riscv64-virt", system="bench")
    attached = machine.Attached(machine.choose(None, False)[1])
    with pytest.raises(Stop, match='has the system "bench", which has no gateway'):
        call.System(attached, GATEWAY)
    one.end()
    with pytest.raises(Stop, match="the machine that ran has ended"):
        attached.read_line()


def test_an_answer_with_something_else_in_it(presets):
    presets("riscv64-virt")
    system = call.System(machine.Attached(machine.choose(None, False)[1]), GATEWAY)
    system.expect = lambda begin: " 0 0 init: vfs was killed"
    with pytest.raises(Stop, match="something else was printed in the middle of the answer"):
        system.call(0, 0, [])

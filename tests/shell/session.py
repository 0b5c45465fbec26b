#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A session with the shell, typed by a program: session.py PLATFORM BUILD_DIR SYSTEM

Boots the system and types what stands below for it; each line's answer has to be as it says.
"""

import re
import sys
import time
from pathlib import Path

import pexpect

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
from cli import qemu, shell  # noqa: E402
from cli.common import Stop  # noqa: E402

UP, LEFT, HOME, DELETE = "\x1b[A", "\x1b[D", "\x1b[H", "\x1b[3~"
TAB, BACKSPACE, CONTROL_C, CONTROL_D, CONTROL_E, CONTROL_U = "\t", "\x7f", "\x03", "\x04", "\x05", "\x15"


def until(shown):
    """In what is typed: what is behind it is typed when this is on the screen."""
    return f"\0{shown}\0"


PAUSE = until("")   # a second, where nothing is shown

# Of the 20,000 numbers nothing is left, neither what was sorted nor where lines began; the pages' records are.
FREE = (r" *(\d+)  pages of memory in use\n +\d+  pages of memory free\n +0  pages of memory that the shell has\n"
        r" *[1-9]\d*  page faults\n *[1-9]\d*  pages that came along .*\n( +0  .*\n){3}( +\d+  .*\n?){14}")

# (what is typed, what has to come, as a regular expression for all of the answer)
SESSION = [
    ("help", r"(.*\n)*cat .*\n(.*\n)*wc .*\nCOMMAND .*\n.*"),
    ("echo hello, files > /tmp/hello", r""),
    ("cat /tmp/hello", r"hello, files"),
    ("echo more >> /tmp/hello", r""),
    ("cat < /tmp/hello", r"hello, files\nmore"),
    ("ls -l /tmp", r"-rw-r--r-- +1 +0 +0 +18  hello"),
    ("wc /tmp/hello", r"2 3 18"),
    ("cat /tmp/hello | grep more | wc", r"1 1 5"),
    ("echo a | | wc", r"a command is missing"),
    ("echo 'one  two' \"three\"", r"one  two three"),
    ("mkdir /tmp/d /tmp/d/e", r""),
    ("cp /tmp/hello /tmp/d", r""),
    ("mv /tmp/d/hello /tmp/d/e/moved", r""),
    ("cd /tmp/d", r""),
    ("ls", r"e/"),
    ("cat e/moved", r"hello, files\nmore"),
    ("ln -s e/moved link", r""),
    ("ln e/moved hard", r""),
    ("stat hard", r"hard: file \d+, -rw-r--r--, 18 bytes, 2 names, user 0, group 0\n.*"),
    ("cat link", r"hello, files\nmore"),
    ("rm e/moved", r""),
    ("cat link", r"cat link: no entry of that name"),
    ("cat hard", r"hello, files\nmore"),
    ("rmdir e", r""),
    ("rmdir /tmp", r"rmdir /tmp: the directory is not empty"),
    ("cd", r""),
    ("mount", r"memory   / .*\narchive  /boot .*, for reading\ndevices  /dev .*"),
    ("mkdir /m", r""),
    ("mount memory /m", r""),
    ("touch /m/file", r""),
    ("ls /m", r"file"),
    ("umount /m", r""),
    ("ls /m", r""),
    ("ls /boot", r"(.*\n)*shell(\n.*)*"),
    ("rm /boot/shell", r"rm /boot/shell: for reading only"),
    ("nonsense", r"there is no such command; .*"),
    ("cat\rtyped\r" + CONTROL_D, r"typed\ntyped"),
    # Pipes: more than one holds, a reader that ends first, more than two commands, and too many.
    ("seq 20000 | wc", r"20000 20000 108894"),
    ("seq 1000000000 | head -3", r"1\n2\n3"),
    ("seq 40 | head -30 | grep 2 | wc > /tmp/counted", r""),
    ("cat /tmp/counted", r"12 12 35"),
    ("seq 1 | cat | cat | cat | cat | cat", r"1"),
    ("seq 1 | cat | cat | cat | cat | cat | cat", r"too many commands in one line"),
    ("cd /tmp | cat", r"this command does not go with others"),
    ("echo a |", r"a command is missing behind \|"),
    # Ctrl-C: for one that waits, one that never does, a pipeline, and a line that is typed.
    ("sleep 100000\r" + PAUSE + CONTROL_C, r"\^C"),
    ("cat /dev/zero > /dev/null\r" + PAUSE + CONTROL_C, r"\^C"),
    ("cat /dev/zero | cat | wc\r" + PAUSE + CONTROL_C, r"\^C"),
    ("cat\r" + PAUSE + CONTROL_C, r"\^C"),
    ("wrong" + CONTROL_C, r""),
    # Memory that comes as it is touched, and goes with the command; that there is little left is said.
    ("seq 300 | sort | head -4", r"1\n10\n100\n101"),
    ("echo no end | sort > /tmp/sorted", r""),
    ("seq 20000 | sort | sort | wc", r"20000 20000 108894"),
    ("free", FREE),
    ("sort /dev/zero", r"(memory is short: \d+ of 4096 pages are free\n?|that is too much to sort\n?){2}"),
    ("free | grep short", r""),
    ("sort\rnever sorted\r" + until("never sorted") + CONTROL_C, r"never sorted\n\^C"),
    ("free", FREE),
    ("kill memory", r"kill memory: others have their memory from it"),
    ("echo a new line", r"a new line"),
    ("seq 3 | wc", r"3 3 6"),
    # What the machine does.
    ("top 2", r"(SHARE .*\n(.*\n)* +\d+\.\d %  shell .*\n(.*\n)* +\d+\.\d %  nobody\n?){2}"),
    ("seq 500000 | wc | top 1", r"SHARE .*\n(.*\n)* +\d+\.\d % +shell\.command +\d+\.\d\d s\n(.*\n)*.* nobody"),
    ("top\r" + until("a key ends this") + "q", r"(.*\n)* +\d+\.\d %  nobody; a key ends this\n?.*"),
    ("perf seq 1000 | wc", r"1000 1000 3893\n +(\d+|-)  instructions.*\n(.*\n)* +\d+  switches between threads\n(.*\n)* +\d+  nanoseconds in all"),
    ("perf", r"perf needs a command to run"),
    ("trace", r"off, .*; 0 dropped"),
    ("trace on nonsense", r"there is no such event"),
    ("trace on switch message", r""),
    ("trace", r"on, \d+ events since it was switched on; 0 dropped"),
    ("echo followed > /dev/console", r"followed"),
    ("trace off", r""),
    ("trace dump > /tmp/events", r""),
    # The line's number, in the message to vfs, in vfs's own event, and in what vfs asks of the console.
    ("cat /tmp/events", r"(?s).* message +\w+ (?P<number>\w+)080b0\w{3}\n.* program +(?P=number)\w{8} .* message +\w+ (?P=number)02010\w{3}\n.*"),
    ("grep switch /tmp/events | head -1", r"\d+\.\d{9} +[0-9a-f]+ switch +[0-9a-f]+ [0-9a-f]+"),
    ("grep retype /tmp/events", r""),
    # Each `cat` opens its file once. What came after the probe was taken out is not recorded, and all is as before.
    ("trace probe vfs tree_stat", r"vfs tree_stat: no such function with room for a probe"),
    ("trace probe nobody tree_open", r"nobody tree_open: no program of that name"),
    ("trace probe gateway main", r"gateway main: no such function with room for a probe"),
    ("trace probe", r" : no program of that name"),
    ("trace on probe", r""),
    ("trace probe vfs tree_open", r"1 function"),
    ("cat /tmp/hello", r"hello, files\nmore"),
    ("cat /tmp/hello", r"hello, files\nmore"),
    ("trace unprobe vfs tree_open", r"1 function"),
    ("cat /tmp/hello", r"hello, files\nmore"),
    ("trace dump vfs", r"(\d+\.\d{9} +[0-9a-f]+ probe +[0-9a-f]+ [0-9a-f]+ tree_open\n?){2}"),
    ("trace probe memory", r"\d\d functions"),
    ("free | wc", r"\d+ \d+ \d+"),
    ("trace unprobe memory", r"\d\d functions"),
    ("trace off", r""),
    ("trace dump memory | grep frame_counts | head -1", r"\d+\.\d{9} +[0-9a-f]+ probe +[0-9a-f]+ [0-9a-f]+ frame_counts"),
    ("ps", r"NAME .*\nconsole +200 +running +0 .* s +20 % +- +\d+\nmemory +180 +running +0 .*\nvfs +150 +running +0 .*\n"
           r"trace +252 +running +0 .*\nshell +100 +running +0 .*\ngateway +100 +running +0 .*"),
    ("caps", r"console +\d+ of 32: .*\nmemory +\d+ of 4096: .*\nvfs +\d+ of 32768: .*\ntrace .*\nshell +\d+ of 256: (.*, )?17 Endpoint.*\ngateway .*"),
    ("caps shell", r"(.*\n)* +2  Endpoint send\n +3  Endpoint send, badge 1\n +4  Endpoint send grant, badge 5\n(.*\n)* +10  Untyped, 2\^20 bytes(\n.*)*"),
    # What the shell has got of the file server: a session for each of its threads.
    # And the memory server: where pages go, and whom to tell that there is little left.
    ("caps -d | grep 'extra memory'", r"(extra memory \d+: (VSpace; as (shell|gateway) 9|Notification signal, badge \d+; as shell 12)\n?){3}"),
    ("caps -d | grep 'extra shell'", r"extra shell \d+: Frame read write, 2\^12 bytes; as memory \d+\n"
                             r"(extra shell \d+: Endpoint send, badge \d+; as vfs 2\n"
                             r"extra shell \d+: Frame read write, 2\^16 bytes; as vfs \d+\n"
                             r"extra shell \d+: Notification wait; as vfs \d+\n?){11}"),
    ("caps -d | grep differ", r"48 differ from the system description; .*"),
    ("caps nobody", r"caps nobody: no program of that name"),
    ("kill nobody", r"kill nobody: no program of that name"),
    ("kill console", r"(.*\n)*init: console was killed"),
    ("echo the console is back", r"the console is back"),
    ("trace probe vfs tree_open", r"1 function"),
    ("kill vfs", r"(.*\n)*init: vfs was killed"),
    ("cat /tmp/hello", r"the file server was started again, .*\ncat /tmp/hello: no entry of that name"),
    ("ps | grep vfs", r"vfs +150 +running +1 .*"),
    # Its probe is gone with it.
    ("trace on probe", r""),
    ("cat /tmp/hello", r"cat /tmp/hello: no entry of that name"),
    ("trace off", r""),
    ("trace dump vfs", r""),
    # Jobs: they run on while the shell does other things, and their end is told.
    ("sleep 5 &", r"\[1\] started  sleep 5 &"),
    ("jobs", r"\[1\] running  sleep 5 &"),
    ("sleep 7", r"\[1\] done     sleep 5 &"),
    ("cat /dev/zero | wc > /tmp/zeros &", r"\[1\] started  cat /dev/zero \| wc > /tmp/zeros &"),
    ("sleep 100&", r"\[2\] started  sleep 100&"),
    ("cd /tmp", r"cd: jobs are where the shell is; .*"),
    ("kill %1", r"\[1\] done     cat .*"),
    ("jobs", r"\[2\] running  sleep 100&"),
    ("fg" + "\r" + until("sleep 100&") + CONTROL_C, r"sleep 100&\n\^C"),
    ("fg", r"there is no such job; .*"),
    ("sleep 5 &", r"\[1\] started  sleep 5 &"),
    ("fg %1", r"sleep 5 &"),
    ("cat /tmp/zeros", r""),
    ("cat &", r"\[1\] started  cat &(\n\[1\] done     cat &)?"),
    ("echo this took no key", r"this took no key(\n\[1\] done     cat &)?"),
    ("echo & a", r"& goes to the end of a line"),
    ("cd &", r"this command does not run in the background"),
    *[("sleep 100 &", rf"\[{n}\] started  sleep 100 &") for n in range(1, 10)],
    ("sleep 100 &", r"too many jobs"),
    ("ls | wc", r"too many commands at a time"),
    *[(f"kill %{n}", rf"\[{n}\] done     sleep 100 &") for n in range(9, 0, -1)],
    ("free", FREE),
    ("servers", r"init +\d+\.\d\d s of the processor\nvfs +11 sessions\ntrace +\d+ events kept, 0 dropped"),
    ("uptime", r"\d+\.\d\d s"),
    ("sleep 1", r""),
    # Editing: each ends with the line that it made.
    ("eccho first" + LEFT * 9 + DELETE, r"first"),
    ("ecXho" + LEFT * 2 + BACKSPACE + CONTROL_E + " edited", r"edited"),
    ("wrong" + CONTROL_U + "echo right", r"right"),
    ("ho here" + HOME + "ec", r"here"),
    (UP, r"here"),
    (UP * 3, r"edited"),
    ("mkd" + TAB + "/tmp/complet", r""),
    ("touch /tmp/compl" + TAB + "one /tmp/complet/on", r""),
    ("ls /t" + TAB + "comp" + TAB, r"on\none"),
    ("echo still here", r"still here"),
]

SILENT = r"the file server does not answer\n"

# A program takes the requests of the file server and the trace server, once it was killed, and keeps them.
HUNG = [
    ("mkdir /tmp/d", r""),
    ("echo before > /tmp/d/file", r""),
    ("servers", r"init +.* s of the processor\nvfs +11 sessions\ntrace +\d+ events kept, 0 dropped"),
    ("kill thief", r"(.*\n)*init: thief was killed(\n.*)*"),
    ("servers", SILENT + r"init +.* s of the processor\nvfs +no answer\ntrace +no answer"),
    ("servers > /tmp/d/file", SILENT + r"opening /tmp/d/file: no answer"),
    ("echo one | wc", SILENT + r"a pipe : no answer"),
    ("cd /tmp", SILENT + r"cd /tmp: no answer"),
    ("ls /tm" + TAB + CONTROL_U + "echo said", SILENT + "said"),
    ("ls /tmp\r" + until("does not answer") + CONTROL_C, SILENT + r"\^C"),
    ("trace\r" + until("does not answer") + CONTROL_C, SILENT + r"\^C"),
    ("ps", SILENT + r"(.*\n)*vfs +150 +running +0 .*\n(.*\n)*thief +253 +running +1 .*\n.*"),
    ("kill thief", SILENT + r"(.*\n)*init: thief was killed(\n.*)*"),
    ("cat /tmp/d/file", r"before"),
    ("cd /tmp", r""),
    ("ls | cat", r"d/"),
    ("servers", r"init +.* s of the processor\nvfs +11 sessions\ntrace +\d+ events kept, 0 dropped"),
]
SESSIONS = {"shell": SESSION, "hung": HUNG}


class Wrong(Exception):
    """An answer that is not as it should be."""


def wait_until(machine, shown):
    """Leaves all that is on the screen to answer()."""
    end = time.monotonic() + shell.TIMEOUT
    while shown not in machine.buffer:
        if time.monotonic() > end:
            raise pexpect.TIMEOUT(f"{shown!r} is not shown")
        machine.expect(pexpect.TIMEOUT, timeout=0.1)


def say(machine, typed):
    first, *others = typed.split("\0")
    machine.send(first)
    for shown, more in zip(others[::2], others[1::2]):
        if shown:
            wait_until(machine, shown)
        else:
            time.sleep(1)
        machine.send(more)
    if not typed.endswith((CONTROL_C, CONTROL_D)) and not others:
        machine.send("\r")


def talk(machine, session):
    shell.begin(machine)
    for typed, expected in session:
        say(machine, typed)
        found = shell.answer(machine)
        if not re.fullmatch(expected, found):
            raise Wrong(f"{typed!r} was answered by {found!r}, not by {expected!r}")
        print(f"ok - {typed!r}", flush=True)
    machine.send("reboot\r")
    shell.begin(machine)
    if shell.ask(machine, "ls /tmp") != "":
        raise Wrong("after a reboot there are files of before")
    print("ok - reboot", flush=True)
    machine.send("halt\r")
    machine.expect(pexpect.EOF, timeout=shell.TIMEOUT)
    machine.close()
    return machine.exitstatus


def main(platform, build, system):
    try:
        with shell.start(platform, Path(build) / f"image-{system}.bin") as machine:
            code = talk(machine, SESSIONS[system])
    except (Wrong, Stop) as wrong:
        print(f"not ok - {wrong}")
        return 1
    wanted = qemu.description(platform)["qemu"]["exit_ok"]
    if code != wanted:
        print(f"not ok - QEMU ended with {code}, not {wanted}")
    return 0 if code == wanted else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

# SPDX-License-Identifier: BSD-2-Clause
"""The command line."""

import argparse
import errno
import os
import shutil
import subprocess
import sys

from . import common, setup
from .common import ROOT, Stop

DEBIAN_PYTHON = "/usr/bin/python3"
USE_MODULES = "import lark, jinja2, elftools, tomllib"


def use_debian_python():
    """The first Python on the PATH may lack Debian's modules: goes on with the one that has them."""
    try:
        import elftools  # noqa: F401
        import jinja2  # noqa: F401
        import lark  # noqa: F401
        import tomllib  # noqa: F401
        return
    except ImportError:
        pass
    # Also where this is a virtual environment of the same Python: that hides Debian's modules.
    if not os.access(DEBIAN_PYTHON, os.X_OK) or \
            subprocess.run([DEBIAN_PYTHON, "-c", USE_MODULES], capture_output=True).returncode != 0:
        raise Stop("no Python here has the modules lark, jinja2 and elftools; run ./tessera setup, "
                   "or: apt-get install python3-lark python3-jinja2 python3-pyelftools")
    os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, str(ROOT / "tessera"), *sys.argv[1:]])


def command_setup(options):
    setup.ensure(setup.PACKAGES)
    print("Everything that Tessera needs is installed.")


def command_build(options):
    name = common.preset(options.platform, options.debug)
    common.build(name)
    print(f"Built: {common.build_dir(name).relative_to(ROOT)}")


def command_run(options):
    from . import machine, qemu
    name = common.preset(options.platform, options.debug)
    common.build(name)
    image = qemu.image(name, options.system)
    accel = qemu.accelerator(qemu.description(options.platform))
    return machine.run(qemu.command(options.platform, image, counted=False, chain=options.boot, accel=accel, interactive=True), image)


def command_image(options):
    from . import disk, qemu
    name = common.preset(options.platform, options.debug)
    common.build(name)
    made = disk.make(qemu.image(name, options.system)).relative_to(ROOT)
    print(f"Disk: {made}\nTo a card, all of which this overwrites: sudo dd if={made} of=/dev/CARD bs=1M conv=fsync")


def command_gdb(options):
    from . import gdb
    return gdb.debug(options)


def command_bench(options):
    sys.path.insert(0, str(ROOT / "bench"))
    from host import runner
    return runner.bench(options)


def command_test(options):
    from . import testing
    return testing.test(options)


def command_report(options):
    from . import testing
    return testing.report(options)


def command_parity(options):
    use_debian_python()
    from . import parity
    return parity.write(options)


def command_coverage(options):
    use_debian_python()
    from . import coverage
    return coverage.coverage(options)


def command_trace(options):
    from . import tracing
    return tracing.trace_command(options)


def command_caps(options):
    from . import caps
    return caps.caps(options)


def command_core(options):
    from . import core
    core.fetch_command(options)


def command_profile(options):
    from . import tracing
    return tracing.profile_command(options)


def command_call(options):
    from . import call
    return call.call(options)


def command_new_server(options):
    use_debian_python()
    from . import newserver
    newserver.write(options)


def command_matrix(options):
    from . import matrix
    matrix.write()


def command_clean(options):
    if (ROOT / "build").exists():
        shutil.rmtree(ROOT / "build")
    link = ROOT / "compile_commands.json"
    if link.is_symlink():
        link.unlink()


# Name: what does it, its line of help, its options, and what else there is to say.
COMMANDS = {
    "setup": (command_setup, "install what is missing (Debian packages)", [],
              "Only packages of Debian 12 are used. Without root rights it says what to type instead."),
    "build": (command_build, "build the images of a platform", ["platform", "debug"],
              "What is built is in build/PLATFORM: kernel/kernel.elf, and an image-SYSTEM.bin for each system. "
              "The same with CMake alone: cmake --preset PLATFORM && cmake --build --preset PLATFORM"),
    "run": (command_run, "build, and boot a system in QEMU", ["platform", "debug", "system", "boot"],
            "The terminal is the system's serial port; Ctrl-A and then x ends it. "
            "The same with CMake alone: cmake --build --preset PLATFORM --target run"),
    "image": (command_image, "make a disk image that U-Boot boots", ["platform", "debug", "system"], ""),
    "bench": (command_bench, "build, boot the benchmark, print its table", ["platform", "json", "page"],
              "It fails if a figure is above its ceiling. It counts instructions, which repeat exactly, whatever else this machine does."),
    "test": (command_test, "run all tests, on the host and booted", ["only", "long", "shard", "json"],
             "The last line says how many tests passed and failed."),
    "report": (command_report, "one report out of the results of several machines", ["json", "files"],
               "Each ran ./tessera test --shard I/N --json FILE, with the same N, at the same commit."),
    "parity": (command_parity, "write the pages of properties and their tests", ["results"],
               "docs/reference/parity.md and escapes.md, out of the tests' tags and results."),
    "coverage": (command_coverage, "show what the unit tests reach of the kernel", ["boards", "missing", "write"],
                 "Fails if it is less than the limit."),
    "matrix": (command_matrix, "write the README's support matrix out of the last run of all tests", [], ""),
    "gdb": (command_gdb, "boot a system that waits for gdb, and attach gdb to it", ["platform", "debug", "system"],
            "The commands that know Tessera begin with `tessera`: threads, waits, queues, cspace, untyped. "
            "What the system prints appears in between. When gdb ends, the system does."),
    "trace": (command_trace, "boot a system, and write down what the kernel and the programs did",
              ["platform", "traced", "format", "output"],
              "The system needs the program trace. An event is written with the thread that it happened to, and its parameters by name."),
    "profile": (command_profile, "boot a system, and draw where it spent its time, as a flame graph", ["platform", "traced", "output"],
                "The system needs the program trace, which samples until somebody selects other events. "
                "Functions compiled without frame pointers are missing between those that have them."),
    "call": (command_call, "call methods of the servers in the machine that runs", ["machine", "debug", "called"],
             "That is the one of ./tessera run; while there is none, one is booted for the calls and ends with them. "
             "Without a method it lists those that there are. Several calls have \"then\" between them. "
             "Flags are names with commas between them; structs, arrays and lists are JSON; a piece of the session's buffer is OFFSET:LENGTH; - leaves an optional value out."),
    "caps": (command_caps, "show who holds which capabilities in the machine that runs, as text and as a picture",
             ["machine", "debug", "which"],
             "That is the one of ./tessera run; while there is none of that system, one is booted for this and ends with it. "
             "It also prints what the system description does not say, or says in vain."),
    "core": (command_core, "fetch the core file that a program left in the machine that runs", ["program", "machine", "debug", "which"],
             "That is the one of ./tessera run; while there is none of that system, one is booted for this, the program has to "
             "die in it, and it ends. It says how gdb opens the file. The system description says by `cores` which file server they go to."),
    "new-server": (command_new_server, "write a server, with its interface, system, tests and benchmark", ["name"],
                   "docs/tutorial.md goes on from there."),
    "clean": (command_clean, "delete everything that was built", [], "That is the folder build, and no other."),
}
NEEDS = {
    "call": ["building"], "caps": ["building", "pictures"], "core": ["building", "debugging", "pictures"],
    "trace": ["building"], "profile": ["building"],
    "build": ["building"], "run": ["building", "disks"], "bench": ["building"], "image": ["building", "disks"],
    "test": ["building", "disks", "testing", "analysis", "debugging"], "gdb": ["building", "debugging"],
    "coverage": ["building", "disks", "testing", "coverage", "debugging"],
}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tessera", description="Builds, runs, measures and tests Tessera.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, text, takes, more) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. {more}")
        if "platform" in takes:
            boards = common.platforms() + (["all"] if name == "bench" else [])
            sub.add_argument("--platform", default=common.USUAL, metavar="P",
                             help=f"the board: {', '.join(boards)} (default: %(default)s)")
        if "machine" in takes:
            sub.add_argument("--platform", metavar="P", help=f"the board: {', '.join(common.platforms())} "
                             f"(default: that of the machine that runs, or else {common.USUAL})")
        if "name" in takes:
            sub.add_argument("name", metavar="NAME", help="small letters and digits")
        if "program" in takes:
            sub.add_argument("program", metavar="PROGRAM", help="which one has died")
        if "which" in takes:
            usual = "core" if name == "core" else "shell"
            sub.add_argument("--system", metavar="S", help="the system description in platforms/systems "
                             f"(default: that of the machine that runs, or else {usual})")
        if "debug" in takes:
            sub.add_argument("--debug", action="store_true", help="the build that checks invariants while it runs")
        if "system" in takes:
            sub.add_argument("--system", default="shell" if name == "run" else "bench", metavar="S",
                             help="the system description in platforms/systems (default: %(default)s)")
        if "traced" in takes:
            sub.add_argument("--system", default="trace", metavar="S",
                             help="the system description in platforms/systems (default: %(default)s)")
        if "format" in takes:
            sub.add_argument("--format", default="chrome", choices=["chrome", "ctf", "text"],
                             help="for Chrome and Perfetto, in the Common Trace Format, or as text (default: %(default)s)")
            sub.add_argument("--events", metavar="E,E", help="only these")
            sub.add_argument("--probe", metavar="PROGRAM:FUNCTION", action="append",
                             help="also each time this function is entered, or with PROGRAM alone any of its functions "
                             "(docs/tracing.md says of which programs)")
            sub.add_argument("--request", metavar="N", type=int, help="only what is about this request, in all programs")
        if "output" in takes:
            sub.add_argument("--output", metavar="FILE", help="where to write it (default: below build)")
        if "boot" in takes:
            sub.add_argument("--boot", metavar="CHAIN",
                             help="how the firmware starts it: a name of [boot] in the board's platform.toml")
        if "long" in takes:
            sub.add_argument("--long", action="store_true", help="also the tests that take hours")
        if "shard" in takes:
            sub.add_argument("--shard", metavar="I/N", help="only the I-th of N parts, to be spread over N machines")
        if "called" in takes:
            sub.add_argument("arguments", nargs="*", metavar="SERVER.METHOD ARGUMENT",
                             help="for example: vfs.stat /boot/shell true")
        if "files" in takes:
            sub.add_argument("files", nargs="+", metavar="FILE", help="what --json wrote on each machine")
        if "boards" in takes:
            sub.add_argument("--boards", action="store_true",
                             help="what the boot tests reach instead, on each board, of what the host does not have")
        if "missing" in takes:
            sub.add_argument("--missing", action="store_true", help="name each branch that was never taken")
        if "write" in takes:
            sub.add_argument("--write", action="store_true", help="write the tables to docs/assurance")
        if "results" in takes:
            sub.add_argument("files", nargs="*", metavar="FILE", help="results to take over: what ./tessera test --json wrote")
        if "json" in takes:
            sub.add_argument("--json", metavar="FILE", help="write the results to FILE too")
        if "page" in takes:
            sub.add_argument("--page", action="store_true",
                             help="write the figures of all boards to docs/reference/figures.md, and some to README.md")
        if "only" in takes:
            sub.add_argument("--only", metavar="TEXT", help="only the suites whose name has TEXT in it")
    return parser.parse_args(arguments)


def say(error):
    """An error of the system, as a sentence that says what to do."""
    name = error.filename
    if error.errno == errno.ENOSPC:
        return common.disk_full(name or ROOT / "build")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return common.not_allowed(name)
    if isinstance(error, FileNotFoundError) and name and "/" not in str(name):
        return f"there is no program {name} on the PATH; ./tessera setup installs what is needed, below /usr/bin"
    return f"{name}: {error.strerror}" if name else str(error)


def main():
    options = parse(sys.argv[1:])
    try:
        if options.command in NEEDS:
            boards = common.platforms()
            board = getattr(options, "platform", "all") or common.USUAL
            if board != "all" or (options.command != "bench" and hasattr(options, "platform")):
                common.preset(board, False)
                boards = [board]
            if getattr(options, "system", None) is not None:
                common.check_system(options.system)
            setup.ensure([*NEEDS[options.command], *sorted({common.architecture(board) for board in boards})])
            use_debian_python()
        return COMMANDS[options.command][0](options) or 0
    except Stop as stop:
        message = stop
    except BrokenPipeError:     # whoever read this has gone: | head, for example
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        message = say(error)
    except KeyboardInterrupt:
        message = "interrupted"
    print(f"tessera: {message}", file=sys.stderr)
    return 1

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
    python = "/usr/bin/python3"
    if os.path.realpath(sys.executable) == os.path.realpath(python) or \
            subprocess.run([python, "-c", USE_MODULES], capture_output=True).returncode != 0:
        raise Stop("no Python here has the modules lark, jinja2 and elftools; run ./tessera setup, "
                   "or: apt-get install python3-lark python3-jinja2 python3-pyelftools")
    os.execv(python, [python, str(ROOT / "tessera"), *sys.argv[1:]])


def command_setup(options):
    setup.ensure(setup.PACKAGES)
    print("Everything that Tessera needs is installed.")


def command_build(options):
    name = common.preset(options.platform, options.debug)
    common.build(name)
    print(f"Built: {common.build_dir(name).relative_to(ROOT)}")


def command_run(options):
    from . import qemu
    name = common.preset(options.platform, options.debug)
    common.build(name)
    line = qemu.command(options.platform, qemu.image(name, options.system), counted=False, chain=options.boot)
    print("Running:", " ".join(line), "\n(Ctrl-C ends it)", flush=True)
    try:
        return subprocess.run(line).returncode
    except KeyboardInterrupt:
        return 0


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


def command_clean(options):
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    link = ROOT / "compile_commands.json"
    if link.is_symlink():
        link.unlink()


COMMANDS = {
    "setup": (command_setup, "install what is missing (Debian packages)", []),
    "build": (command_build, "build the images of a platform", ["platform", "debug"]),
    "run": (command_run, "build, and boot a system in QEMU", ["platform", "debug", "system", "boot"]),
    "image": (command_image, "make a disk image that U-Boot boots", ["platform", "debug", "system"]),
    "bench": (command_bench, "build, boot the benchmark, print its table", ["platform", "json"]),
    "test": (command_test, "run all tests, on the host and booted", ["only"]),
    "gdb": (command_gdb, "boot a system that waits for gdb, and attach gdb to it", ["platform", "debug", "system"]),
    "clean": (command_clean, "delete everything that was built", []),
}
NEEDS = {
    "build": ["building"], "run": ["building", "disks"], "bench": ["building"], "image": ["building", "disks"],
    "test": ["building", "disks", "testing"], "gdb": ["building", "debugging"],
}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tessera", description="Builds, runs, measures and tests Tessera.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, text, takes) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if "platform" in takes:
            boards = common.platforms() + (["all"] if name == "bench" else [])
            sub.add_argument("--platform", default="riscv64-virt", metavar="P",
                             help=f"the board: {', '.join(boards)} (default: %(default)s)")
        if "debug" in takes:
            sub.add_argument("--debug", action="store_true", help="the build that checks invariants while it runs")
        if "system" in takes:
            sub.add_argument("--system", default="bench", metavar="S",
                             help="the system description in platforms/systems (default: %(default)s)")
        if "boot" in takes:
            sub.add_argument("--boot", metavar="CHAIN",
                             help="how the firmware starts it: a name of [boot] in the board's platform.toml")
        if "json" in takes:
            sub.add_argument("--json", metavar="FILE", help="write the results to FILE too")
        if "only" in takes:
            sub.add_argument("--only", metavar="TEXT", help="only the suites whose name has TEXT in it")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    try:
        if options.command in NEEDS:
            boards = common.platforms()
            if hasattr(options, "platform"):
                if options.platform != "all" or options.command != "bench":
                    common.preset(options.platform, False)
                    boards = [options.platform]
            setup.ensure([*NEEDS[options.command], *sorted({common.architecture(board) for board in boards})])
            use_debian_python()
        return COMMANDS[options.command][0](options) or 0
    except Stop as stop:
        print(f"tessera: {stop}", file=sys.stderr)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"tessera: the disk is full ({error.filename}); make room, or run ./tessera clean", file=sys.stderr)
    except KeyboardInterrupt:
        print("tessera: interrupted", file=sys.stderr)
    return 1

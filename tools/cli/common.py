# SPDX-License-Identifier: BSD-2-Clause
"""What the commands share: platforms, presets, errors, running things."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
USUAL = "riscv64-virt"      # the board, where none is named
BUILD_SPACE = 400 << 20     # bytes that a build may take


class Stop(Exception):
    """Something that the user has to know: one sentence that says what to do."""


def platforms():
    return sorted(p.parent.name for p in (ROOT / "platforms").glob("*/platform.toml"))


def architecture(platform):
    """Read without tomllib, which the Python that runs first may lack."""
    text = (ROOT / "platforms" / platform / "platform.toml").read_text(encoding="utf-8")
    return re.search(r'^architecture = "(\w+)"', text, re.MULTILINE)[1]


def preset(platform, debug):
    if platform not in platforms():
        raise Stop(f'there is no platform "{platform}"; there are: {", ".join(platforms())}')
    return platform + ("-debug" if debug else "")


def build_dir(name):
    return ROOT / "build" / name


def check_system(name):
    known = sorted(path.stem for path in (ROOT / "platforms" / "systems").glob("*.toml"))
    if name not in known:
        raise Stop(f'there is no system "{name}"; there are: {", ".join(known)}')


def disk_full(where):
    return f"the disk is full: nothing more can be written to {where}; make room, or run ./tessera clean"


def not_allowed(where):
    return f"this user may not write {where}; change its owner (chown), or work on a checkout of your own"


def run(command, quiet=False, **options):
    """Runs a command; its failure ends this one. Quiet: output is shown only when it fails."""
    output = ""
    if quiet:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              **options)
        output = done.stdout
    else:
        done = subprocess.run(command, **options)
    if done.returncode != 0:
        sys.stdout.write(output)
        sys.stdout.flush()
        if os.strerror(errno.ENOSPC) in output:
            raise Stop(disk_full(ROOT / "build"))
        raise Stop(f"this failed: {' '.join(map(str, command))}")


def configure(name):
    """So that the preset can be built, and its tests are known."""
    where = build_dir(name)
    where.mkdir(parents=True, exist_ok=True)
    if not os.access(where, os.W_OK):
        raise Stop(not_allowed(where))
    free = shutil.disk_usage(where).free
    if free < BUILD_SPACE and not (where / "build.ninja").exists():
        raise Stop(f"the disk is full: {free >> 20} MB are free below {where}, a build takes up to "
                   f"{BUILD_SPACE >> 20} MB; make room, or run ./tessera clean")
    if not (where / "build.ninja").exists():
        run(["cmake", "--preset", name], quiet=True, cwd=ROOT)
        link_compile_commands(where)


def build(name):
    """Configures and builds a preset."""
    configure(name)
    run(["cmake", "--build", "--preset", name], quiet=True, cwd=ROOT)


def link_compile_commands(where):
    """Editors look for this file in the root."""
    link = ROOT / "compile_commands.json"
    if link.is_symlink() or not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(where / "compile_commands.json", ROOT))


def commit():
    if not shutil.which("git"):
        return "unknown"
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"

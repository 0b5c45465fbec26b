# SPDX-License-Identifier: BSD-2-Clause
"""Installs what is missing."""

import os
import platform
import shutil
import subprocess

from .common import Stop

# Debian 12's packages, by what they are for.
PACKAGES = {
    "building": ["cmake", "ninja-build", "gcc", "libc6-dev", "binutils", "python3", "python3-lark", "python3-jinja2",
                 "python3-pyelftools"],
    "riscv64": ["gcc-riscv64-linux-gnu", "binutils-riscv64-linux-gnu", "qemu-system-misc", "opensbi"],
    "aarch64": ["gcc-aarch64-linux-gnu", "binutils-aarch64-linux-gnu", "qemu-system-arm"],
    # A PC's own compiler is for this.
    "x86_64": ["qemu-system-x86"] + (["gcc-x86-64-linux-gnu"] if platform.machine() != "x86_64" else []),
    "disks": ["u-boot-qemu", "mtools", "fdisk"],
    "testing": ["python3-pytest", "python3-pexpect", "check", "device-tree-compiler", "libasan8", "libubsan1", "git", "babeltrace2",
                "chromium", "graphviz", "clang-19", "libclang-rt-19-dev"],
    "analysis": ["clang-19", "clang-tidy-19", "libclang-rt-19-dev", "cppcheck", "sparse", "frama-c-base", "why3", "z3", "cvc4",
                 "afl++"],
    "debugging": ["gdb-multiarch"],
    "pictures": ["graphviz", "python3-pexpect"],
    "coverage": ["clang-19", "llvm-19", "libclang-rt-19-dev"],
}
# Programs that stand for a package where there is no dpkg to ask.
PROGRAMS = {
    "building": ["cmake", "ninja", "gcc"],
    "riscv64": ["riscv64-linux-gnu-gcc", "qemu-system-riscv64"],
    "aarch64": ["aarch64-linux-gnu-gcc", "qemu-system-aarch64"],
    "x86_64": ["x86_64-linux-gnu-gcc", "qemu-system-x86_64"],
    "debugging": ["gdb-multiarch"],
}


def missing_packages(parts):
    wanted = [package for part in parts for package in PACKAGES[part]]
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
                          capture_output=True, text=True)
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in wanted if package not in installed]


def ensure(parts):
    """Installs the packages of these parts that are missing, or says how to."""
    if not shutil.which("dpkg-query"):
        lacking = [program for part in parts for program in PROGRAMS.get(part, []) if not shutil.which(program)]
        if lacking:
            raise Stop(f"this is no Debian, and these programs are not on the PATH: {', '.join(lacking)}; install them")
        return
    missing = missing_packages(parts)
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise Stop("some Debian packages are missing; install them with: sudo " + " ".join(command))
    print(f"Installing {len(missing)} Debian packages: {' '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in (command, ["apt-get", "update"], command):
        done = subprocess.run(attempt, env=environment, capture_output=True, text=True)
        if attempt is command and done.returncode == 0:
            return
    raise Stop("apt-get could not install them; it said: " + (done.stderr.strip().splitlines() or ["nothing"])[-1])

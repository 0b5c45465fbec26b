# SPDX-License-Identifier: BSD-2-Clause
"""Whatever is wrong around it, ./tessera says one sentence: what is the matter, and what to do."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["cmake", "idl", "kernel", "libsys", "platforms", "servers", "bench", "tests", "tools", "tessera",
         "CMakeLists.txt", "CMakePresets.json"]
COMMANDS = ["setup", "build", "run", "image", "bench", "test", "report", "gdb", "clean"]
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
PLATFORM = "riscv64-virt"


@pytest.fixture
def tree():
    """A copy of the sources that other users may read."""
    with tempfile.TemporaryDirectory(prefix="tessera-test-") as folder:
        Path(folder).chmod(0o755)
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, folder)
        yield Path(folder)


def run(tree, *arguments, path=SYSTEM_PATH, before=(), python=None, **environment):
    command = [*before, *([python] if python else []), str(tree / "tessera"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
                          env={"PATH": path, "HOME": "/nonexistent", "LANG": "C.UTF-8", **environment})


def says(done, *parts):
    """It failed with a sentence, the last line, that has these parts; and not with a traceback."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("tessera: ")
    for part in parts:
        assert part in line, line
    return done.stderr.strip()


def path_without(folder, *names, **instead):
    """A PATH with all of the system's programs but these; `instead` are shell scripts."""
    folder = Path(folder)
    folder.mkdir()
    for place in SYSTEM_PATH.split(":"):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if program.name not in names and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    for name, script in instead.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text("#!/bin/sh\n" + script)
        (folder / name).chmod(0o755)
    return str(folder)


def pretend_built(tree, preset=PLATFORM):
    """For what comes after a build: with a cmake that does nothing this is one."""
    build = tree / "build" / preset
    (build / "kernel").mkdir(parents=True)
    for name in ("build.ninja", "image-bench.bin", "kernel/kernel.elf"):
        (build / name).write_text("")


# ---- Help, and mistakes in what was typed ----

@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    done = run(ROOT, command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: tessera {command} ")


def test_help_lists_the_commands():
    done = run(ROOT, "--help")
    for command in COMMANDS:
        assert f"\n    {command} " in done.stdout


def test_unknown_command():
    done = run(ROOT, "compile")
    assert done.returncode == 2 and "invalid choice: 'compile' (choose from 'setup', 'build'" in done.stderr


@pytest.mark.parametrize("command", ["build", "run", "bench", "gdb"])
def test_unknown_platform(command):
    says(run(ROOT, command, "--platform", "pdp11"), 'there is no platform "pdp11"; there are: ', PLATFORM)


@pytest.mark.parametrize("command", ["run", "gdb"])
def test_unknown_system(tree, command):
    says(run(tree, command, "--system", "desktop"), 'there is no system "desktop"; there are: ', "bench")
    assert not (tree / "build").exists()       # before anything was built


def test_unknown_boot_chain(tree, tmp_path):
    pretend_built(tree)
    done = run(tree, "run", "--boot", "floppy", path=path_without(tmp_path / "bin", cmake="exit 0"))
    says(done, f'{PLATFORM} cannot be booted by "floppy"; it can by: ')


# ---- Python ----

def test_python_without_the_modules(tree, tmp_path):
    """An active virtual environment hides Debian's modules: goes on with /usr/bin/python3."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python3"
    assert subprocess.run([python, "-c", "import lark"], capture_output=True).returncode != 0
    pretend_built(tree)
    done = run(tree, "build", python=str(python), path=path_without(tmp_path / "bin", cmake="exit 0"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Built" in done.stdout


def test_no_python_with_the_modules(tree, tmp_path):
    (tmp_path / "lark").mkdir()
    (tmp_path / "lark" / "__init__.py").write_text("raise ImportError\n")
    says(run(tree, "build", PYTHONPATH=str(tmp_path)), "no Python here has the modules lark, jinja2 and elftools",
         "./tessera setup", "apt-get install python3-lark")


# ---- Programs ----

def test_without_cmake(tree, tmp_path):
    says(run(tree, "build", path=path_without(tmp_path / "bin", "cmake")),
         "there is no program cmake on the PATH", "./tessera setup")


def test_without_compiler(tree, tmp_path):
    done = run(tree, "build", path=path_without(tmp_path / "bin", "riscv64-linux-gnu-gcc"))
    says(done, "this failed: cmake --preset riscv64-virt")
    assert "The compiler riscv64-linux-gnu-gcc is not on the PATH" in done.stdout
    assert "apt-get install gcc-riscv64-linux-gnu" in " ".join(done.stdout.split())


@pytest.mark.parametrize("command", ["run", "bench", "gdb"])
def test_without_qemu(tree, tmp_path, command):
    pretend_built(tree)
    done = run(tree, command, path=path_without(tmp_path / "bin", "qemu-system-riscv64", cmake="exit 0"))
    says(done, "there is no program qemu-system-riscv64 on the PATH", "./tessera setup")


def test_without_gdb(tree, tmp_path):
    pretend_built(tree)
    path = path_without(tmp_path / "bin", "gdb-multiarch", cmake="exit 0", **{
        "qemu-system-riscv64": f"echo $$ > {tmp_path}/pid\n"    # before the socket: then it may be ended at once
                               "for word; do case $word in unix:*) word=${word#unix:}; touch ${word%%,*};; esac; done\n"
                               "exec sleep 60"})
    says(run(tree, "gdb", path=path), "there is no program gdb-multiarch on the PATH")
    with pytest.raises(ProcessLookupError):         # QEMU was ended
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_qemu_that_does_not_start(tree, tmp_path):
    pretend_built(tree)
    path = path_without(tmp_path / "bin", cmake="exit 0", **{"qemu-system-riscv64": "echo broken >&2; exit 3"})
    assert "broken" in says(run(tree, "gdb", path=path), "QEMU ended at once with code 3")


def test_other_distribution(tree, tmp_path):
    path = path_without(tmp_path / "bin", "dpkg-query", "ninja", "qemu-system-riscv64")
    says(run(tree, "build", path=path), "this is no Debian", "not on the PATH: ninja, qemu-system-riscv64; install them")


MISSING = "for word; do case $word in -*|*Package*) ;; ninja-build) ;; *) echo $word installed;; esac; done"


def test_missing_package_for_a_user(tree, tmp_path):
    path = path_without(tmp_path / "bin", **{"dpkg-query": MISSING})
    tmp_path.chmod(0o755)
    before = nobody(tmp_path) if os.geteuid() == 0 else []
    says(run(tree, "build", path=path, before=before), "some Debian packages are missing",
         "sudo apt-get install --yes --no-install-recommends ninja-build")


def test_missing_package_that_cannot_be_had(tree, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root installs packages")
    path = path_without(tmp_path / "bin", **{"dpkg-query": MISSING, "apt-get": "echo E: no network >&2; exit 100"})
    says(run(tree, "build", path=path), "apt-get could not install them; it said: E: no network")


# ---- Files ----

def nobody(folder):
    """What to put before a command so that it runs without rights; the folders above must let it in."""
    for parent in [folder, *folder.parents]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def test_no_right_to_write(tree):
    before = []
    if os.geteuid() == 0:
        before = nobody(tree)
    else:
        tree.chmod(0o555)
    try:
        says(run(tree, "build", before=before), f"this user may not write {tree}/build", "chown")
    finally:
        tree.chmod(0o755)


def test_no_right_to_write_what_another_user_built(tree):
    pretend_built(tree)
    build = tree / "build" / PLATFORM
    before = nobody(build) if os.geteuid() == 0 else []
    build.chmod(0o555)
    try:
        says(run(tree, "build", before=before), f"this user may not write {build}", "chown")
    finally:
        build.chmod(0o755)


@pytest.fixture
def small_disk(tree):
    """build/ is a file system of 8 MB."""
    (tree / "build").mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tree / "build"],
                                           capture_output=True).returncode != 0:
        pytest.skip("mounting takes root's rights")
    yield tree / "build"
    subprocess.run(["umount", tree / "build"], check=True)


def test_small_disk(tree, small_disk):
    says(run(tree, "build"), "the disk is full: 8 MB are free below", "a build takes up to", "make room")


def test_disk_that_fills_up(tree, small_disk):
    """Configured while there was room; then the compiler finds none."""
    subprocess.run(["cmake", "--preset", PLATFORM], cwd=tree, check=True, capture_output=True)
    (small_disk / "other").write_bytes(bytes(shutil.disk_usage(small_disk).free - (64 << 10)))
    says(run(tree, "build"), "the disk is full: nothing more can be written to", "make room, or run ./tessera clean")


def test_results_that_cannot_be_written(tmp_path):
    if not (ROOT / "build" / PLATFORM / "image-bench.bin").exists():
        pytest.skip(f"build/{PLATFORM} is not built")
    says(run(ROOT, "bench", "--json", str(tmp_path / "no" / "file")), "no/file: No such file or directory")


def test_clean(tree):
    pretend_built(tree)
    (tree / "compile_commands.json").symlink_to("build/riscv64-virt/compile_commands.json")
    before = sorted(path for path in tree.iterdir() if path.name not in ("build", "compile_commands.json"))
    assert run(tree, "clean").returncode == 0
    assert sorted(tree.iterdir()) == before
    assert run(tree, "clean").returncode == 0      # there is nothing, and that is fine


def test_no_ports(tree, tmp_path):
    """gdb meets QEMU at a socket of their own: no port can be taken already."""
    pretend_built(tree)
    path = path_without(tmp_path / "bin", cmake="exit 0", **{"qemu-system-riscv64": "echo \"$@\" >&2; exit 1"})
    line = says(run(tree, "gdb", path=path), "QEMU ended at once")
    assert "-gdb unix:" in line and "tcp:" not in line


# ---- CMake alone ----

def cmake(tree, *arguments, path=SYSTEM_PATH):
    done = subprocess.run(["cmake", *arguments], cwd=tree, capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, env={"PATH": path, "HOME": "/nonexistent"})
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_cmake_unknown_platform(tree):
    code, output = cmake(tree, "-S", ".", "-B", "build/x", "-G", "Ninja", "-DTESSERA_PLATFORM=pdp11")
    assert code != 0
    assert 'There is no platform "pdp11"; there are: ' in output and "systems" not in output
    assert "cmake --list-presets" in output


def test_cmake_without_compiler(tree, tmp_path):
    code, output = cmake(tree, "--preset", PLATFORM, path=path_without(tmp_path / "bin", "riscv64-linux-gnu-gcc"))
    assert code != 0
    assert "The compiler riscv64-linux-gnu-gcc is not on the PATH. Run ./tessera setup, or: apt-get install" in output


def test_cmake_boots():
    """The target `run` hands the image of the shell to QEMU."""
    if not (ROOT / "build" / PLATFORM / "image-shell.bin").exists():
        pytest.skip(f"build/{PLATFORM} is not built")
    child = pexpect.spawn("cmake", ["--build", "--preset", PLATFORM, "--target", "run"], cwd=str(ROOT), timeout=300,
                          encoding="utf-8", env={"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "TERM": "dumb"})
    child.expect_exact("Running: qemu-system-riscv64 ")
    child.expect_exact(f"build/{PLATFORM}/image-shell.bin")
    child.expect_exact("$ ")
    child.send("halt\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_workflows():
    """Each platform is built and tested with one command: cmake --workflow --preset PLATFORM."""
    done = subprocess.run(["cmake", "--workflow", "--list-presets"], cwd=ROOT, capture_output=True, text=True)
    for platform in [path.parent.name for path in ROOT.glob("platforms/*/platform.toml")] + ["host"]:
        assert f'"{platform}"' in done.stdout

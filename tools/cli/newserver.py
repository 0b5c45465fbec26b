# SPDX-License-Identifier: BSD-2-Clause
"""./tessera new-server NAME: a server that does something, with all that a server has."""

import re
import subprocess
import sys

from .common import ROOT, Stop

TEMPLATES = ROOT / "tools" / "new_server"
# Template: the file that it becomes.
FILES = {
    "interface.idl.j2": "idl/{}.idl",
    "server.c.j2": "servers/{0}/{0}.c",
    "server_program.toml.j2": "servers/{}/program.toml",
    "server_CMakeLists.txt.j2": "servers/{}/CMakeLists.txt",
    "tests.c.j2": "tests/{0}/{0}.c",
    "tests_program.toml.j2": "tests/{}/program.toml",
    "tests_CMakeLists.txt.j2": "tests/{}/CMakeLists.txt",
    "system.toml.j2": "platforms/systems/{}.toml",
}
# Where it is entered: a file, a pattern, and what comes instead.
ENTRIES = (
    ("cmake/idl.cmake", r"(foreach\(library [\w ]+)\)", r"\1 {})"),
    ("servers/CMakeLists.txt", r"(add_subdirectory\(\w+\)\n)\Z", r"\1add_subdirectory({})\n"),
    ("CMakeLists.txt", r"( *)(add_subdirectory\(tests/memory\)\n)", r"\1\2\1add_subdirectory(tests/{})\n"),
)


def check(name):
    if not re.fullmatch(r"[a-z][a-z0-9]{1,11}", name):
        raise Stop(f'"{name}" is no name for a server: take two to twelve small letters and digits, a letter first')
    there = [path.format(name) for path in FILES.values() if (ROOT / path.format(name)).exists()]
    if there:
        raise Stop(f"{there[0]} is there already; take another name")


def free_number():
    """The first number above those of all interfaces."""
    numbers = [int(n) for path in [*(ROOT / "idl").glob("*.idl"), *(ROOT / "docs").glob("start.md")]
               for n in re.findall(r"^interface \w+ = (\d+)", path.read_text("utf-8"), re.M)]
    return max(numbers) + 1


def write(options):
    import jinja2
    name = options.name
    check(name)
    values = {"name": name, "Name": name.capitalize(), "NAME": name.upper(), "number": free_number(), "pad": " " * len(name)}
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), keep_trailing_newline=True)
    for template, path in FILES.items():
        path = ROOT / path.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(env.get_template(template).render(values), "utf-8")
        print(f"wrote   {path.relative_to(ROOT)}")
    for file, pattern, text in ENTRIES:
        path = ROOT / file
        changed, count = re.subn(pattern, text.format(name), path.read_text("utf-8"), count=1)
        if count != 1:
            raise Stop(f"{file} has no place for {name}: enter it by hand")
        path.write_text(changed, "utf-8")
        print(f"changed {file}")
    subprocess.run([sys.executable, "-B", ROOT / "tests/idl/regenerate.py"], check=True)
    print(f"wrote   idl/golden/{name}.abi\nwrote   docs/reference/{name}.md")
    print(f"\nNow: ./tessera run --system {name}")

# SPDX-License-Identifier: BSD-2-Clause
"""What tools/check_static.py runs finds a mistake of each kind that it is there for."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools" / "check_static.py"
WARNINGS = re.findall(r":(-W[\w-]+)>", (ROOT / "cmake" / "warnings.cmake").read_text().split("CONFIG:Debug")[0])

SOUND = """#include "base/types.h"
int first(int const *numbers);
int first(int const *numbers)
{
    return numbers[0];
}
"""

# (tool, what is planted, what it says)
PLANTED = [
    ("clang", "int f(int x);\nint f(int x)\n{\n    int unused;\n    return x;\n}", "unused-variable"),
    ("clang", "int f(int x)\n{\n    return x;\n}", "missing-prototypes"),
    ("clang", "char *f(paddr_t a);\nchar *f(paddr_t a)\n{\n    return a;\n}", "returning 'paddr_t'"),
    ("clang", "cptr_t f(paddr_t a);\ncptr_t f(paddr_t a)\n{\n    return a;\n}", "returning 'paddr_t'"),
    ("tidy", "struct s {\n    int a[9];\n};\nword f(struct s *p);\nword f(struct s *p)\n{\n    return sizeof(p) / sizeof(p->a[0]);\n}",
     "bugprone-sizeof"),
    ("tidy", "int f(int x);\nint f(int x)\n{\n    if (x > 0);\n        return 1;\n    return 0;\n}",
     "bugprone-suspicious-semicolon"),
    ("tidy", "int f(void);\nint f(void)\n{\n    int n = 0;\n    for (float x = 0; x < 1; x += 0.1f) {\n        n++;\n"
             "    }\n    return n;\n}", "cert-flp30-c"),
    ("tidy", "int f(int x);\nint f(int x)\n{\n    int *p = 0;\n    return x > 7 ? *p : 0;\n}", "clang-analyzer-core"),
    ("tidy", "int f(int x);\nint f(int x)\n{\n    int y;\n    if (x > 7) {\n        y = 1;\n    }\n    return y;\n}",
     "clang-analyzer-core"),
    ("tidy", "int rand(void);\nint f(void);\nint f(void)\n{\n    return rand();\n}", "concurrency-mt-unsafe"),
    ("tidy", "int f(int x);\nint f(int x)\n{\n    return x == 0 ? 0 : f(x - 1);\n}", "misc-no-recursion"),
    ("tidy", "int f(int x);\nint f(int y)\n{\n    return y;\n}", "readability-inconsistent-declaration"),
    ("cppcheck", "int f(void);\nint f(void)\n{\n    int a[4] = { 0 };\n    int i = 4;\n    return a[i];\n}",
     "arrayIndexOutOfBounds"),
    ("cppcheck", "int f(int x);\nint f(int x)\n{\n    return x << 40;\n}", "shiftTooManyBits"),
    ("sparse", "word f(word USER *p);\nword f(word USER *p)\n{\n    return *p;\n}", "dereference of noderef"),
    ("sparse", "struct m {\n    word w[8];\n};\nword f(struct m USER *p);\nword f(struct m USER *p)\n{\n    return p->w[1];\n}",
     "dereference of noderef"),
    ("sparse", "word *f(word USER *p);\nword *f(word USER *p)\n{\n    return p;\n}", "different address spaces"),
    ("sparse", "word f(word DEVICE *p);\nword f(word DEVICE *p)\n{\n    return user_read(p);\n}",
     "different address spaces"),
]


def compile_commands(folder, code):
    """A build of one file, with the headers and the warnings of the kernel."""
    file = folder / "kernel" / "planted.c"
    (folder / "kernel").mkdir()
    (folder / "include" / "tessera").mkdir(parents=True)
    (folder / "include" / "tessera" / "abi.h").write_text("#pragma once\n")     # generated otherwise
    file.write_text(code)
    flags = ["-std=gnu11", "-O2", f"-I{ROOT}/kernel", f"-I{folder}/include", *WARNINGS]
    command = ["gcc", *flags, "-o", str(folder / "planted.o"), "-c", str(file)]
    (folder / "compile_commands.json").write_text(json.dumps(
        [{"file": str(file), "directory": str(folder), "command": " ".join(command)}]))
    return command


def check(tool, folder):
    done = subprocess.run([sys.executable, CHECK, tool, folder], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["clang", "tidy", "cppcheck", "sparse"])
def test_sound(tool, tmp_path):
    compile_commands(tmp_path, SOUND)
    assert check(tool, tmp_path) == (0, f"{tool}: 1 files, 0 with findings\n")


@pytest.mark.parametrize("tool, code, says", PLANTED, ids=[f"{tool}-{says.split()[-1]}-{n}"
                                                           for n, (tool, _, says) in enumerate(PLANTED)])
def test_planted(tool, code, says, tmp_path):
    compile_commands(tmp_path, '#include "base/types.h"\n' + code + "\n")
    result, text = check(tool, tmp_path)
    assert result == 1
    assert says in text


def test_gcc(tmp_path):
    """The build's own compiler takes warnings for errors."""
    command = compile_commands(tmp_path, PLANTED[0][1])
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "[-Werror=unused-variable]" in done.stderr


def test_nothing_to_read(tmp_path):
    """A check that reads no file is not passed."""
    (tmp_path / "compile_commands.json").write_text("[]")
    assert check("clang", tmp_path)[0] == 1
    compile_commands(tmp_path, SOUND)
    database = tmp_path / "compile_commands.json"
    database.write_text(database.read_text().replace("/kernel/planted.c", "/planted.c"))
    assert check("sparse", tmp_path) == (1, "sparse: 0 files, 0 with findings\n")

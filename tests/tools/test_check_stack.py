# SPDX-License-Identifier: BSD-2-Clause
"""tools/check_stack.py adds up what a program's functions take, and finds what has no bound."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools" / "check_stack.py"

SOUND = """
typedef int step(int x);
static __attribute__((noinline)) int less(int x) { char volatile a[64]; a[x & 63] = 1; return a[1]; }
static __attribute__((noinline)) int more(int x) { char volatile a[256]; a[x & 255] = 1; return a[1] + less(x); }
static step *const steps[] = { less, more };
int entry(int x) { return steps[x & 1](x); }
"""


def check(folder, code, *options, flags=("-O1",)):
    """Compiles and links a program, and checks it with the limit of `entry`."""
    (folder / "main.c").write_text(code)
    subprocess.run(["gcc", *flags, "-fcallgraph-info=su,da", "-nostdlib", "-static", "-Wl,-e,entry", "-fno-stack-protector", "-mno-red-zone", "-o",
                    "program.elf", "main.c"], cwd=folder, check=True, capture_output=True)
    done = subprocess.run([sys.executable, CHECK, folder / "program.elf", "--calls", folder, *options],
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("flags", [("-O1",), ("-O2", "-flto")], ids=["plain", "lto"])
def test_sound(tmp_path, flags):
    """The deepest way is found through a table of functions, and is as long as its parts."""
    code, out, err = check(tmp_path, SOUND, "--entry", "entry=600", "--indirect", "main.c=steps", "--complete", flags=flags)
    assert (code, err) == (0, "")
    total, names = out.removeprefix("stack: ").split(" of 600 bytes: ")
    parts = [part.split() for part in names.split(" > ")]
    assert [name for name, _ in parts] == ["entry", "more", "less"]
    assert int(total) == sum(int(size) for _, size in parts) > 64 + 256


def test_limit(tmp_path):
    code, _, err = check(tmp_path, SOUND, "--entry", "entry=300", "--indirect", "main.c=steps")
    assert code == 1
    assert "entry may take 300 bytes of stack, and takes " in err


@pytest.mark.parametrize("code, says", [
    (SOUND.replace("return a[1]; }", "return x > 9 ? more(x - 1) * 3 : 0; }", 1)
     .replace("typedef", "static int more(int x);\ntypedef"), "recursion: less > more > less"),
    ("int entry(int x) { char volatile a[x]; a[x / 2] = 1; return a[0]; }", "entry takes an amount of stack that is only known"),
    ("int entry(int (*f)(int)) { return f(3) + 1; }", "entry calls through a pointer"),
    ("int other(int x) { return x + 1; }\nint entry(int x) { return x; }", "other is called by nothing"),
    ("int other(int);\n__asm__(\".globl other\\nother: ret\");\nint entry(int x) { return other(x) + 1; }",
     "nothing is known of other, which entry calls"),
    ("int start(int x) { return x; }\n__asm__(\".globl entry\\nentry: ret\");", "there is no function entry"),
], ids=["recursion", "dynamic", "pointer", "unused", "assembly", "no-entry"])
def test_planted(tmp_path, code, says):
    indirect = ["--indirect", "main.c=steps"] if "steps" in code else []
    result, _, err = check(tmp_path, code, "--entry", "entry=4096", "--complete", *indirect)
    assert result == 1
    assert says in err


def test_recursion_through_a_table(tmp_path):
    """A handler that calls the dispatcher again is found, though no call in the source says so."""
    code = SOUND.replace("typedef", "int entry(int x);\ntypedef").replace("return a[1]; }", "return entry(x) * 2; }", 1)
    result, _, err = check(tmp_path, code, "--entry", "entry=4096", "--indirect", "main.c=steps")
    assert result == 1
    assert "recursion: entry > " in err

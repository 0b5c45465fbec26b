#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks what the compiler does not: how the tree of sources is built.

    check_tree.py [--generated BUILD/generated] [--compile-commands BUILD/compile_commands.json]

Each rule is a function `rule_*`, its text is what the rule says. --generated adds the generated
code to what may call a function; --compile-commands makes each header compile by itself, with the
flags of the nearest source in there.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

FOLDERS = [".ci", "bench", "cmake", "idl", "kernel", "libsys", "platforms", "servers", "tests", "tools"]
CODE = {".c", ".h", ".S"}
SOURCES = CODE | {".py", ".cmake", ".ld", ".idl", ".lark", ".toml", ".sh", ".j2"}

# The kernel's layers: a file includes its own and those below.
LAYERS = {"base": 0, "arch": 1, "dev": 1, "object": 2, "sched": 3, "ipc": 4, "api": 5, "main.c": 6,
          "boot.h": 1,              # what arch's boot code says to main.c
          "hot.h": 1, "fast.h": 1,  # the architecture's own, found by the include path
          "invocations.h": 5, "trace_events.h": 3} # generated
# Includes that point upwards, and why they may.
UPWARDS = {
    ("base/print.c", "arch/arch.h"): "characters leave through the processor's arch_put()",
    ("arch/*/fast.h", "object/thread.h"): "the fast path's entry and exit save and load a thread's registers",
    ("arch/*/cpu.c", "object/thread.h"): "registers are kept in the thread",
    ("arch/x86_64/boot.c", "object/thread.h"): "the first thread's core goes into a register of the processor",
    ("arch/*/cpu.c", "api/syscall.h"): "traps enter the kernel here",
}
# What the host, which neither boots nor traps, has of an architecture's files.
HOST_FILES = {"cpu.c", "fast.h", "hot.h", "pmu.c"}
HEADER_OF_ARCH = {"riscv64": "riscv.h", "aarch64": "aarch64.h", "x86_64": "x86_64.h"}
# Headers that are a part of another one, which includes them where it needs them.
PARTS = {"trap.h": "the processor's part of <tessera/sys.h>"}

# Called by nothing that is written here: who calls them.
CALLED_FROM_OUTSIDE = {"main", "memcpy", "memmove", "memset", "memcmp"}  # the start code; the compiler


@dataclass
class Source:
    path: Path      # below the root
    text: str
    lines: list = field(init=False)

    def __post_init__(self):
        self.lines = self.text.splitlines()

    def find(self, pattern):
        """(number, match) of each line in which the pattern is found."""
        return ((n, m) for n, line in enumerate(self.lines, 1) if (m := re.search(pattern, line)))


def read_tree(root):
    files = [path for path in root.iterdir() if path.is_file()]
    for folder in FOLDERS:
        for at, folders, names in os.walk(root / folder):
            folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
            files += [Path(at, name) for name in names]
    for path in sorted(files):
        relative = path.relative_to(root)
        if path.suffix in SOURCES or path.name in ("CMakeLists.txt", "tessera") or relative.parts[0] == ".ci":
            yield Source(relative, path.read_text(errors="replace"))


def below(sources, *folders):
    return [s for s in sources if any(s.path.is_relative_to(folder) for folder in folders)]


def code(sources):
    return [s for s in sources if s.path.suffix in CODE]


# ---- Rules: each yields (path, line, what is wrong, what to do) ----

def rule_licence(sources):
    """Every source file names its licence at the top."""
    for source in sources:
        if not any("SPDX-License-Identifier: BSD-2-Clause" in line for line in source.lines[:3]):
            yield source.path, 1, "names no licence", 'put "SPDX-License-Identifier: BSD-2-Clause" into the first line'


def rule_finished(sources):
    """Nothing is left for later, and nothing outside of the tree is spoken of."""
    for source in sources:
        for line, match in source.find(r"\b(TO[D]O|FIX[M]E|X[X]X)\b"):
            yield source.path, line, f"says {match[1]}", "do it, or leave it out"
        for line, match in source.find(r"(\.\./share[d]|/work/share[d])\b"):
            yield source.path, line, f"speaks of {match[1]}, which readers do not have", "say it here instead"


def rule_conditionals(sources):
    """What differs between builds and processors is a constant, a function or a file."""
    for source in code(sources):
        if source.path.is_relative_to("kernel/base"):
            continue
        # An architecture's header has constants that assembly wants too.
        for_both = source.path.name == HEADER_OF_ARCH.get(source.path.parent.name)
        for line, match in source.find(r"^\s*#\s*(if|ifdef|ifndef|elif)\b"):
            if for_both and source.lines[line - 1] == "#ifndef __ASSEMBLER__":
                continue
            yield (source.path, line, f"#{match[1]} outside kernel/base",
                   "make it a constant of kernel/base/config.h, a function of arch/arch.h, or #pragma once")


def rule_once(sources):
    """Headers may be included twice."""
    for source in sources:
        if source.path.suffix == ".h" and not any(source.find(r"^#pragma once$")):
            yield source.path, 1, "lacks #pragma once", "add it below the opening comment"


def layer_of(path):
    """Of a path below kernel/, as an include or as a file."""
    return LAYERS.get(path.split("/")[0])


def rule_layers(sources):
    """Includes point downwards: base < arch, dev < object < sched < ipc < api."""
    used = set()
    for source in code(below(sources, "kernel")):
        own = source.path.relative_to("kernel").as_posix()
        for line, match in source.find(r'^\s*#\s*include\s+"([^"]+)"'):
            other = match[1]
            at = source.path, line
            if layer_of(own) is None or layer_of(other) is None:
                missing = own if layer_of(own) is None else other
                yield *at, f'"{missing}" is in no layer', "put it into a folder of kernel/, or into LAYERS of cmake/check_tree.py"
                continue
            if other.startswith("arch/") and other != "arch/arch.h" and Path(other).parent != Path(own).parent:
                yield *at, f'includes "{other}" of one processor', "ask for what is needed in arch/arch.h"
            if layer_of(other) <= layer_of(own):
                continue
            reason = next((pair for pair in UPWARDS if fnmatch(own, pair[0]) and other == pair[1]), None)
            if reason is None:
                yield (*at, f'includes "{other}", which lies above it',
                       "move the code up, or the declaration down; "
                       "a good reason to do neither goes into UPWARDS of cmake/check_tree.py")
            used.add(reason)
    for pair in UPWARDS.keys() - used:
        yield Path("cmake/check_tree.py"), 1, f"UPWARDS allows {pair}, which nothing needs", "take it out"


def rule_architectures(sources):
    """Architectures answer arch.h with the same files."""
    for top in (Path("kernel/arch"), Path("libsys/arch")):
        has = {}
        for source in below(sources, top):
            inside = source.path.relative_to(top)
            if len(inside.parts) > 1:
                name = inside.relative_to(inside.parts[0]).as_posix()
                is_own = name == HEADER_OF_ARCH.get(inside.parts[0])
                has.setdefault(inside.parts[0], set()).add("its own header" if is_own else name)
        host = has.pop("host", HOST_FILES) if top == Path("kernel/arch") else HOST_FILES
        for name in sorted(host ^ HOST_FILES):
            yield (top / "host", 1, f"{'lacks' if name in HOST_FILES else 'has'} {name}",
                   "change it, or HOST_FILES of cmake/check_tree.py")
        everything = set().union(*has.values())
        for architecture, files in sorted(has.items()):
            for name in sorted(everything - files):
                owners = ", ".join(sorted(a for a in has if name in has[a]))
                yield (top / architecture, 1, f"lacks {name}, which {owners} has",
                       "write it, or move what is special to one processor into a file that all have (a device: kernel/dev)")


# ---- Functions that nothing calls ----

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|__asm__|;', re.S)
FUNCTION = re.compile(r"^(?!typedef\b|return\b|else\b|#|_Static_assert\b)[A-Za-z_][\w \t*()]*?[ *](\w+)\(")
LABEL = re.compile(r"^(\w+):|^\s*\.(?:globl|global|type|size)\b.*")


def without_comments(text):
    """The text with comments, and strings other than assembly, blank; line numbers stay."""
    in_asm = False

    def blank(match):
        nonlocal in_asm
        token = match[0]
        if token == "__asm__" or token == ";":
            in_asm = token != ";"
            return token
        if token[0] == '"' and in_asm:
            return token
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


@dataclass
class Names:
    """What one file says of functions."""
    path: Path
    heads: dict     # name: line, of declarations and definitions
    own: set        # those of them that are static
    used: set       # every other word


def names_of(path, text):
    heads, own, used = {}, set(), set()
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        words = set(re.findall(r"\b[A-Za-z_]\w*\b", line))
        if path.suffix == ".S":
            match = LABEL.match(line)
            words -= set(re.findall(r"\w+", match[0])) if match else set()
        elif match := FUNCTION.match(line):
            heads.setdefault(match[1], number)
            if re.match(r"(\w+ )?(static|ALWAYS_INLINE)\b", line):
                own.add(match[1])
            # Of a line that both defines and calls, all but the name itself is used.
            words = set(re.findall(r"\w+", line[match.end():]))
        used |= words
    return Names(path, heads, own, used)


def callers_of(path, files):
    """The files that may call a function of this one."""
    parts = path.parts
    if parts[0] == "kernel":
        folders = ["kernel", "generated/kernel"] + (["tests/unit"] if parts[1:3] == ("arch", "host") else [])
    elif parts[0] == "libsys":
        folders = ["libsys", "servers", "bench/target", "tests/boot", "tests/unit",
                   "generated/include", "idl/templates"]
    else:
        home = Path(*parts[:parts.index("arch")]) if "arch" in parts else path.parent
        folders = [home, "generated/include"]
    return [f for f in files if any(f.path.is_relative_to(folder) for folder in folders)]


def rule_called(sources, generated):
    """Every function is called; one that only its own file calls is static."""
    checked = code(below(sources, "kernel", "libsys", "servers", "bench/target", "tests/boot"))
    files = [names_of(s.path, s.text) for s in checked + code(below(sources, "tests/unit"))]
    files += [names_of(path, text) for path, text in generated]
    # What interfaces may need of libsys, though perhaps none of those here does.
    files += [names_of(s.path, s.text) for s in below(sources, "idl/templates")]
    done = set()
    for file in files[:len(checked)]:
        callers = callers_of(file.path, files)
        for name, line in file.heads.items():
            if (name, file.path.parts[0]) in done or name in CALLED_FROM_OUTSIDE:
                continue
            done.add((name, file.path.parts[0]))
            users = [f for f in callers if name in f.used]
            if not users:
                yield file.path, line, f"nothing calls {name}()", "call it, or delete it"
            elif users == [file] and file.path.suffix == ".c" and name not in file.own and \
                    any(name in f.heads for f in callers if f.path.suffix == ".h"):
                yield file.path, line, f"a header declares {name}(), which only this file calls", "make it static"


# ---- Headers ----

def nearest(path, commands):
    """The command of the source that shares most of the header's path; None if it is another program's."""
    def common(other):
        return len(os.path.commonprefix([path.parts, other.parts]))
    best = max(commands, key=common, default=None)
    program = 1 if path.parts[0] in ("kernel", "libsys") else 2
    return commands[best] if best is not None and common(best) >= program else None


def compile_alone(root, path, command):
    """What the compiler says of a file that includes nothing but this header, twice; None: nothing."""
    arguments = shlex.split(command["command"])
    del arguments[arguments.index("-o"):arguments.index("-o") + 2]
    arguments.remove("-c")
    arguments.remove(command["file"])
    text = f'#include "{root / path}"\n' * 2
    done = subprocess.run([*arguments, "-fsyntax-only", "-x", "c", "-"], input=text, text=True,
                          cwd=command["directory"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return done.stderr if done.returncode != 0 else None


def rule_headers(root, sources, database):
    """Headers stand alone."""
    commands = {Path(c["file"]).relative_to(root): c for c in database
                if c["file"].endswith(".c") and Path(c["file"]).is_relative_to(root)}
    commands = {path: c for path, c in commands.items() if path.parts[0] != "build"}

    def architecture(path):
        return path.parts[2] if path.parts[1:2] == ("arch",) and len(path.parts) > 3 else None

    known = {architecture(path) for path in commands} | {None}
    work = []
    for source in sources:
        path = source.path
        command = nearest(path, commands)
        if path.suffix == ".h" and path.name not in PARTS and command and architecture(path) in known:
            work.append((path, command))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda item: compile_alone(root, *item), work)
        for (path, _), errors in zip(work, results):
            if errors:
                first = next((line for line in errors.splitlines() if "error" in line), errors.strip())
                yield path, 1, f"does not compile by itself ({first})", "include what it uses"


# ---- All of it ----

def read_generated(folder):
    if folder is None:
        return []
    return [("generated" / path.relative_to(folder), path.read_text())
            for path in sorted(folder.rglob("*")) if path.suffix in CODE]


def check(root, generated=None, compile_commands=None):
    """The violations, as lines."""
    sources = list(read_tree(root))
    found = []
    for rule in (rule_licence, rule_finished, rule_conditionals, rule_once, rule_layers, rule_architectures):
        found += rule(sources)
    if generated is not None:
        found += rule_called(sources, read_generated(generated))
    if compile_commands is not None:
        found += rule_headers(root, sources, json.loads(compile_commands.read_text()))
    return [f"{path}:{line}: {what}: {todo}" for path, line, what, todo in found]


def main():
    parser = argparse.ArgumentParser(description="Checks the tree of sources.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--generated", type=Path, help="generated code, which may call functions too")
    parser.add_argument("--compile-commands", type=Path, help="compile each header, with the flags in there")
    options = parser.parse_args()
    found = check(options.root.resolve(), options.generated, options.compile_commands)
    for line in found:
        print(line, file=sys.stderr)
    print(f"tree: {len(found)} violations" if found else "tree: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

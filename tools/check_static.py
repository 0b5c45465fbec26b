#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lets programs that look for mistakes read every C file of a build, with the flags it is built with.

    check_static.py {clang,tidy,cppcheck,sparse} BUILD [--only REGEX] [--database FILE]

  clang     the other compiler, warnings as errors, down to machine code
  tidy      clang-tidy and clang's static analyzer, by what .clang-tidy says
  cppcheck  looks for other mistakes, and finds some that clang's does not
  sparse    of the kernel: nothing is read or written through a pointer to memory that programs or devices change,
            but by the functions of base/types.h

--only limits it to files whose path below the tree matches. Prints what was found; ends with 1 if that is anything.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "-19"     # of clang and its tools; they differ in what they find

# What gcc is told that clang does not know, or need not.
ONLY_GCC = re.compile(r"-ffixed-|-Wno-tsan|-fcall-used-|-flto|-fno-ipa-ra|-fno-store-merging|-fno-tree-loop-distribute-patterns|"
                      r"--param|logical-op-|-fstack-usage|-fcallgraph-info|-Wno-maybe-uninitialized|-fsanitize")

# What cppcheck is told not to say, and why.
SUPPRESSED = [
    "comparePointers",                  # the difference of two symbols of the linker script is a size
    "CastIntegerToAddressAtReturn",     # a register's address is a number plus an offset
    "missingIncludeSystem",
]


def sources(build, database=None):
    """(file, flags, folder) of each C file, once: compilers are not asked for the same twice."""
    with open(database or build / "compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    seen = {}
    for entry in entries:
        words = shlex.split(entry["command"])
        if entry["file"].endswith(".c"):
            seen.setdefault(entry["file"], (words[0], words[1:], entry["directory"]))
    return [(file, *rest) for file, rest in seen.items()]


def clang_flags(compiler, flags):
    """The same for clang: what it compiles for, and what it knows of the flags."""
    target = Path(compiler).name.removesuffix("gcc").removesuffix("-")
    kept = [flag for flag in flags if not ONLY_GCC.match(flag)]
    for option, count in (("-o", 2), ("-c", 1)):
        if option in kept:
            at = kept.index(option)
            del kept[at:at + count]
    return ([f"--target={target}"] if "-" in target else []) + kept


def run(command, folder=ROOT):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def with_each(found, look):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda source: look(*source), found))


def clang(found):
    return with_each(found, lambda file, compiler, flags, folder:
                     run(["clang" + VERSION, *clang_flags(compiler, flags), "-c", "-o", os.devnull], folder))


# The tests on this machine are single programs that run once: they may use all of the C library, print without asking
# whether that went well, even when they are aborted, and want the same random numbers each time.
OF_TESTS = ("--checks=-cert-err33-c,-cert-err34-c,-cert-msc30-c,-cert-msc32-c,-cert-msc50-cpp,-cert-msc51-cpp,"
            "-cert-sig30-c,-cert-msc54-cpp,-bugprone-signal-handler,-concurrency-mt-unsafe")


def tidy(found):
    """It wants a database of its own, with clang's flags."""
    def look(file, *_):
        checks = [OF_TESTS] if Path(file).is_relative_to(ROOT / "tests") else []
        return run(["clang-tidy" + VERSION, f"--config-file={ROOT}/.clang-tidy", *checks, "-p", folder, "--quiet", file])
    with tempfile.TemporaryDirectory() as folder:
        database = [{"file": file, "directory": at, "arguments": ["clang", *clang_flags(compiler, flags)]}
                    for file, compiler, flags, at in found]
        (Path(folder) / "compile_commands.json").write_text(json.dumps(database))
        return with_each(found, look)


def includes_and_macros(flags):
    """Of a compiler's flags those that every tool here understands, as one word each."""
    kept, words = [], iter(flags)
    for flag in words:
        if flag == "-isystem":
            kept.append("-I" + next(words))
        elif flag.startswith(("-I", "-D", "-U")):
            kept.append(flag)
    return kept


def cppcheck(found):
    suppressed = [f"--suppress={name}" for name in SUPPRESSED]
    return with_each(found, lambda file, compiler, flags, folder: run(
        ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--error-exitcode=1", "--inline-suppr",
         "--std=c11", *suppressed, *includes_and_macros(flags), file], folder))


def sparse(found):
    def look(file, compiler, flags, folder):
        code, text = run(["sparse", "-std=gnu11", "-Wno-decl", *includes_and_macros(flags), file], folder)
        return code or bool(text), text     # it ends well whatever it warns of
    return with_each([source for source in found if "/kernel/" in source[0]], look)


TOOLS = {tool.__name__: tool for tool in (clang, tidy, cppcheck, sparse)}


def findings(text):
    """What was found, each once: a header is read with every file that includes it."""
    seen = set()
    for part in re.split(r"(?m)^(?=\S+:\d+:\d+: )", text):
        if part.strip() and part not in seen:
            seen.add(part)
            yield part.rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", default="", help="a regular expression for the files' paths")
    parser.add_argument("--database", type=Path, help="instead of the build's compile_commands.json")
    options = parser.parse_args()
    found = [source for source in sources(options.build, options.database)
             if re.search(options.only, os.path.relpath(source[0], ROOT))]
    if not found:
        sys.exit(f"check_static: {options.build} has no C file like that")
    results = TOOLS[options.tool](found)
    wrong = [text for code, text in results if code]
    print("".join(findings("\n".join(wrong))), end="")
    print(f"{options.tool}: {len(results)} files, {len(wrong)} with findings")
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())

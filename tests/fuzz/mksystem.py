#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damages system descriptions and manifests at random: whatever comes of it, tools/mksystem.py makes a plan or says in
one sentence what is wrong, with the place. A traceback is a failure; so is a plan whose numbers point nowhere.

    mksystem.py SECONDS [SEED]
"""

import random
import re
import struct
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "system")]
import mksystem  # noqa: E402
from test_mksystem import SOUND  # noqa: E402

TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[^\sA-Za-z0-9_]')
STRANGE = ['""', '"4K"', '"8G"', "-1", "0", "1", "255", "256", "4096", "1e9", "inf", "nan", "18446744073709551616",
           "true", "[]", "{}", '["recv", "recv"]', "1979-05-27", "0x40000000", '"\\u0000"', '"' + "x" * 70 + '"', "=", "[", "]]",
           "capability", "program", "endpoint", "memory", "rights", "badge", "pager", "limit", "address",
           "node", "colours", "page_colours", "optional", "[0, 3]",
           "budget", "period", "slice", "tell_overruns", '"deadline"', '"2 ms"', '"2.5 us"', '"1e9 s"', '"999999999 s"']


def damaged(text, chance, texts):
    """The text after one change."""
    lines = text.splitlines()
    kind = chance.randrange(8)
    if kind == 0 and lines:
        del lines[chance.randrange(len(lines))]
    elif kind == 1 and lines:
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    elif kind == 2:
        other = chance.choice(texts).splitlines()
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(other))
    elif kind == 3 and len(lines) > 1:
        a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
    elif kind == 4 and text:
        at = chance.randrange(len(text))
        return text[:at] + chr(chance.choice([0, 9, 10, 34, 39, 61, 91, 93, 123, 255, 0x1F600])) + text[at + chance.randrange(2):]
    else:
        tokens = list(TOKEN.finditer(text))
        if tokens:
            token = chance.choice(tokens)
            new = chance.choice(STRANGE) if chance.randrange(2) else chance.choice(tokens).group()
            return text[:token.start()] + new + text[token.end():]
    return "\n".join(lines) + "\n"


def check_plan(kernel, data):
    """What init relies on: counts, and indices that stay inside."""
    head = struct.unpack_from("<QIIIIIIII", data)
    devices, objects, programs, capabilities, mappings, stop_with, page_colours, cores = head[1:]
    sizes = [struct.calcsize(form) for form in ("<32sII", "<BBHHH", "<16s32sQQBBBBIIIIIQIIB7x", "<QQIIBBHI", "<QQII")]
    assert len(data) == struct.calcsize("<QIIIIIIII") + sum(
        size * count for size, count in zip(sizes, (devices, objects, programs, capabilities, mappings), strict=True))
    assert cores == mksystem.NONE or cores < objects
    assert stop_with == mksystem.NONE or stop_with < programs
    assert page_colours in (1, 2, 4, 8, 16, 32)


def one(kernel, files, folder):
    """"" if all is well, a traceback otherwise."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8", newline="")
    manifests = {name.partition(".")[0]: name for name in files if name not in ("system.toml", "platform.toml")}
    output = folder / "plan"
    try:
        mksystem.main(["plan", str(folder / "system.toml"), str(folder / "platform.toml"), str(output)] +
                      [f"{name}={folder / file}" for name, file in manifests.items()])
        check_plan(kernel, output.read_bytes())
        return "plan", ""
    except mksystem.Wrong as wrong:
        said = str(wrong)
        if not re.match(r"[^\n]+:\d+(:\d+)?: [^\n]+$", said):
            return "", f"no place or not one line: {said!r}"
        return "wrong", ""
    except Exception:
        return "", traceback.format_exc()


def main(arguments):
    seconds = float(arguments[0]) if arguments else 10
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    chance = random.Random(seed)
    kernel = mksystem.Kernel()
    mksystem.Kernel = lambda: kernel  # it reads the interface definitions: once is enough
    count, ends = 0, {"plan": 0, "wrong": 0}
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        while time.monotonic() < until:
            files = dict(SOUND)
            for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
                file = chance.choice(list(files))
                files[file] = damaged(files[file], chance, list(SOUND.values()))
            end, failure = one(kernel, files, Path(name))
            if failure:
                print(f"not ok 1 - seed {seed}, description {count}\n{failure}")
                for file in files:
                    if files[file] != SOUND[file]:
                        print(f"---- {file}\n{files[file]}")
                return 1
            count += 1
            ends[end] += 1
    print(f"# {count} descriptions from seed {seed}: {ends['plan']} made a plan, {ends['wrong']} were refused")
    print("ok 1 - no damaged description ends in a traceback\n1..1")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

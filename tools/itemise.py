#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Says where the instructions of one of the benchmark's figures go: how many each function takes, itself.

    itemise.py PLATFORM FIGURE SERVER

for example: itemise.py x86_64-q35 vfs.pread.4k vfs. FIGURE is measured in bench/target/bench between two calls of
sys_counter() that follow its name, and SERVER is the program that the client calls. Boots the release build, which
has to be there, with a plugin of QEMU's (tools/qemu/path.c) that writes down every instruction of one round. What the
compiler has put into another function counts for the function that was written. Fails if the sum is not what the
benchmark itself measured.
"""

import argparse
import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import addr2line  # noqa: E402
from cli import common, qemu  # noqa: E402

ROUND = 12              # the one that is looked at
TIMEOUT = 300
KERNEL = 0xffffffc000000000
COUNTER = {"riscv64": r"\brdinstret\b", "aarch64": r"\bmrs\s+x\d+, pmccntr_el0", "x86_64": r"\brdtsc\b"}


def source_of(figure):
    """The file that measures the figure, and the lines that read the counter for it, two."""
    for path in sorted((ROOT / "bench" / "target" / "bench").glob("*.c")):
        lines = path.read_text().splitlines()
        named = next((n for n, line in enumerate(lines) if f'measure_begin(&samples, "{figure}")' in line), None)
        if named is not None:
            return path.name, [n + 1 for n, line in enumerate(lines) if n > named and "= sys_counter();" in line][:2]
    raise common.Stop(f'nothing in bench/target/bench begins to measure "{figure}" by name')


def written_in(architecture, elf, addresses):
    return addr2line.written_in(f"{architecture}-linux-gnu-addr2line", elf, addresses)


def counters(architecture, elf, figure):
    """Where the counter is read for this figure, before and after, each with the instruction's bytes as they lie in
    memory. What the compiler has doubled is there more than once."""
    file, lines = source_of(figure)
    text = subprocess.run([f"{architecture}-linux-gnu-objdump", "-d", "-w", elf], capture_output=True, text=True, check=True).stdout
    places = {}
    for at, raw, what in re.findall(r"(?m)^\s*([0-9a-f]+):\s+((?:[0-9a-f]+ )+)\s*(.*)$", text):
        if re.search(COUNTER[architecture], what):
            raw = raw.split()
            if architecture != "x86_64":    # shown as a number, and the lowest byte lies first
                raw = [word[i:i + 2] for word in raw for i in range(len(word) - 2, -1, -2)]
            places[int(at, 16)] = "".join(raw)
    written = written_in(architecture, elf, places)
    return [[(at, places[at]) for at, chain in written.items() if any(Path(place).name == f"{file}:{line}" for _, place in chain)]
            for line in lines]


def path(platform, image, elf, figure):
    """The addresses of all instructions of one round, and what the benchmark printed."""
    architecture = qemu.description(platform)["architecture"]
    first, last = counters(architecture, elf, figure)
    places = [f"{which}={at:x}:{raw}" for which, found in (("from", first), ("to", last)) for at, raw in found]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        option = ",".join([str(qemu.plugin("path", folder)), *places, f"skip={ROUND}", f"out={out}"])
        _, lines = qemu.boot(qemu.command(platform, image, extra=["-plugin", option]), TIMEOUT)
        return [int(line, 16) for line in out.read_text().split()], lines


def parts(addresses, client, server):
    """[(program, address)]: whoever the kernel was entered from, the other one comes next."""
    users, inside = [client, server], False
    for at in addresses:
        if at >= KERNEL:
            inside = True
            yield "kernel", at
            continue
        if inside:
            users.reverse()
            inside = False
        yield users[0], at


def measured(lines, figure):
    """Of what the benchmark says: minimum and maximum of the figure, and what reading the counter takes."""
    said = {words[1]: [int(word) for word in words[2:]] for words in map(str.split, lines) if words[:1] == ["bench"]}
    if figure not in said:
        raise common.Stop("the benchmark did not come so far: " + " / ".join(lines[-3:]))
    return said[figure][0], said[figure][3], said["overhead.counter"][0]


def table(architecture, found, elves):
    """As Markdown: a line for each file of each program."""
    files = collections.defaultdict(collections.Counter)
    for program, elf in elves.items():
        for at, chain in written_in(architecture, elf, [at for who, at in found if who == program]).items():
            function, place = chain[0]
            file = place.rsplit(":", 1)[0].removeprefix(f"{ROOT}/").replace("??", "assembly")
            files[program, file][function] += found[program, at]
    yield "| program | written in | instructions | function by function |"
    yield "|---|---|--:|---|"
    for program in elves:
        mine = {file: functions for (who, file), functions in files.items() if who == program}
        for file, functions in sorted(mine.items(), key=lambda each: -each[1].total()):
            parts_of = ", ".join(f"`{function}` {count}" for function, count in functions.most_common())
            yield f"| {program} | {file} | {functions.total()} | {parts_of} |"
        yield f"| {program} | | **{sum(functions.total() for functions in mine.values())}** | |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("platform")
    parser.add_argument("figure")
    parser.add_argument("server")
    options = parser.parse_args()
    build = common.build_dir(common.preset(options.platform, False))
    elves = {"bench": build / "bench" / "target" / "bench" / "bench.elf", "kernel": build / "kernel" / "kernel.elf",
             options.server: build / "servers" / options.server / f"{options.server}.elf"}
    addresses, lines = path(options.platform, qemu.image(build.name, "bench"), elves["bench"], options.figure)
    found = collections.Counter(parts(addresses, "bench", options.server))
    print(*table(qemu.description(options.platform)["architecture"], found, elves), sep="\n")
    least, most, counter = measured(lines, options.figure)
    count = found.total() + 1 - counter     # 1: the second reading itself
    if not least <= count <= most:
        raise common.Stop(f"{count} were seen, but the benchmark measured {least} to {most}")
    print(f"\n{options.figure} is {count}: all of these, but for the {counter - 1} of reading the counter that are among them")


if __name__ == "__main__":
    try:
        main()
    except common.Stop as stop:
        sys.exit(f"itemise: {stop}")

# SPDX-License-Identifier: BSD-2-Clause
"""What the boot tests reach, on a board, of the C and assembly that only it has, and of the fast path:

    python3 -m cli.board_coverage PLATFORM BUILD_DIR

Lines, and branches of the machine's: a conditional branch counts twice, for being taken and for not. Of the debug build,
whose instructions still stand for lines, by a plugin of QEMU's (tools/qemu/covered.c). Ends with 1 for a line that was
never executed and has no reason in tests/coverage.toml.
"""

import os
import re
import subprocess
import sys
import tempfile
from bisect import bisect_right
from pathlib import Path

from elftools.elf.elffile import ELFFile

from . import common, qemu
from .common import ROOT, Stop
from .coverage import File, excuses, reasons_for, table, unneeded

PAGE = ROOT / "docs" / "assurance" / "coverage-boards.md"
LIMIT = 85.0        # percent of the branches
WINDOW = 0xffffffc000000000
FAST_PATH = ("kernel/ipc/fastpath.c", "kernel/ipc/fastsignal.c")
PANICS = ("invariant", "trap", "stack")      # that tests/boot/run.py brings about
CONDITIONAL = {"riscv64": r"b(eq|ne|lt|ge|gt|le)\w*", "aarch64": r"b\.\w+|cbn?z|tbn?z", "x86_64": r"j(?!mp)\w+"}


def is_of_board(name, board):
    """Of the tree's files those that are counted; the device tree is read by the same code on the host."""
    devices = [f"kernel/dev/{device}." for device in board["devices"] if device != "fdt"]
    return name in FAST_PATH or name.startswith((f"kernel/arch/{board['architecture']}/", *devices))


# ---- What was executed ----

class Seen:
    def __init__(self):
        self.at = set()             # addresses of instructions
        self.edges = set()          # (the last of a block, the first of the next)

    def read(self, file):
        for line in file.read_text().splitlines():
            kind, *words = line.split(" ")
            where = tuple(int(word, 16) for word in words)
            if kind == "at":
                self.at.update(where)
            else:
                self.edges.add(where)


def plugin(folder, elf):
    """The plugin, and what it has to know of this kernel."""
    text = elf.get_section_by_name(".text")
    first, end = text["sh_addr"], text["sh_addr"] + text["sh_size"]
    begin = elf.get_section_by_name(".symtab").get_symbol_by_name("arch_run")[0]["st_value"]
    return f"{qemu.plugin('covered', folder)},text={first:x}-{end:x},window={WINDOW:x},entry={elf['e_entry'] - WINDOW:x},begin={begin:x}"


def boot(platform, build, elf):
    """What all chains of firmware and the panics execute."""
    seen = Seen()
    runs = [["--chain", chain] for chain in qemu.chains(platform)] + [["--panic", panic] for panic in PANICS]
    with tempfile.TemporaryDirectory() as folder:
        loaded = plugin(Path(folder), elf)
        for n, run in enumerate(runs):
            out = Path(folder) / str(n)
            done = subprocess.run([sys.executable, "-B", ROOT / "tests" / "boot" / "run.py", platform, build, *run,
                                   "--plugin", f"{loaded},out={out}"], capture_output=True, text=True)
            if done.returncode != 0 or not out.exists():
                raise Stop(f"{' '.join(run)} failed on {platform}: {done.stderr.strip()}")
            seen.read(out)
    return seen


# ---- Which lines that is ----

def rows(elf):
    """(address, end, file, line, column) of each piece of code that stands for a place."""
    dwarf = elf.get_dwarf_info()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        base = 0 if program["version"] >= 5 else 1
        folders = [name.decode() for name in program["include_directory"]]
        files = [os.path.relpath(os.path.join(folders[entry.dir_index - base], entry.name.decode()), ROOT)
                 for entry in program["file_entry"]]
        states = [entry.state for entry in program.get_entries() if entry.state]
        for row, following in zip(states, states[1:]):
            if not row.end_sequence and row.line and row.address < following.address:
                yield row.address, following.address, files[row.file - base], row.line, row.column


def branches(elf_file, architecture):
    """(address, the next, the target) of each conditional branch."""
    text = subprocess.run([f"{architecture}-linux-gnu-objdump", "-d", "--no-show-raw-insn", elf_file],
                          capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"(?m)^([0-9a-f]+):\s+(.*?)\s*$", text)
    for (at, what), (following, _) in zip(lines, lines[1:]):
        found = re.match(rf"(?:{CONDITIONAL[architecture]})\s.*\b(?P<target>[0-9a-f]{{9,16}}) <", what)
        if found:
            yield int(at, 16), int(following, 16), int(found["target"], 16)


def files_of(platform, elf_file, elf, seen, reasons):
    board = qemu.description(platform)
    places = sorted(row for row in rows(elf) if is_of_board(row[2], board))
    executed = sorted(seen.at)
    files = {}
    for first, end, name, line, _ in places:
        if name not in files:
            files[name] = File(name, (ROOT / name).read_text().splitlines(), reasons)
        if files[name].source[line - 1].strip() in ("{", "}"):
            continue            # what follows a loop without end
        reached = bisect_right(executed, end - 1) > bisect_right(executed, first - 1)
        files[name].lines[line] = files[name].lines.get(line, False) or reached
    starts = [row[0] for row in places]
    for at, following, target in branches(elf_file, board["architecture"]):
        row = places[bisect_right(starts, at) - 1]
        if row[0] <= at < row[1]:
            ways = [(at, target) in seen.edges, (at, following) in seen.edges]
            # Of the copies of an inline function the one counts that was tested best.
            known = files[row[2]].branches[row[3], row[4]]
            files[row[2]].branches[row[3], row[4]] = max(known, ways, key=sum)
    return files


# ---- The report ----

def measure(platform, build):
    """What was reached of each file of a board, and what of it has no reason that was not."""
    elf_file = Path(build) / "kernel" / "kernel.elf"
    with open(elf_file, "rb") as opened:
        elf = ELFFile(opened)
        files = files_of(platform, elf_file, elf, boot(platform, build, elf), reasons_for("board"))
    return files, [f"{name}:{line}: never executed: {file.source[line - 1].strip()}" for name, file in sorted(files.items())
                   for line, reached in sorted(file.lines.items()) if not reached and not file.excused(line)]


def never_taken(files):
    for name, file in sorted(files.items()):
        for line, _, way in file.missing():
            yield f"{name}:{line}: never {'taken' if way == 'true' else 'passed by'}: {file.source[line - 1].strip()}"


def report(platform, files, unexplained):
    """Prints it; is this enough?"""
    rows, sums = table(files, ("lines", "branches"))
    share = 100 * sums[1][0] / sums[1][1]
    print(f"{platform}: {share:.2f} % of the branches went both ways; the limit is {LIMIT:.0f} %", *unexplained, sep="\n")
    return rows, share >= LIMIT and not unexplained


def coverage(options):
    """`./tessera coverage --boards`"""
    out, all_files, good = [], {}, True
    for platform in common.platforms():
        common.build(platform + "-debug")
        files, unexplained = measure(platform, common.build_dir(platform + "-debug"))
        rows, enough = report(platform, files, unexplained)
        good = good and enough
        if options.missing:
            print(*never_taken(files), sep="\n")
        out += ["", f"## {platform}", "", *rows]
        for name, file in files.items():
            all_files.setdefault(name, file).used |= file.used
    reasons = reasons_for("board")
    good = not unneeded(reasons, all_files) and good
    print("\n".join(out))
    if options.write:
        PAGE.write_text("\n".join([*head(), *out, "", "## Never executed, and why", "", *excuses(reasons)]) + "\n")
    return 0 if good else 1


def head():
    return ["<!-- SPDX-License-Identifier: BSD-2-Clause -->", "<!-- Generated by ./tessera coverage --boards --write. -->",
            "# Coverage of each architecture on its board", "",
            "What the boot tests (`./tessera coverage --boards`) reach of the code that only one processor has, of the drivers,",
            "and of the fast path: by all chains of firmware, and with the kernel made to panic. Of the debug build, at commit",
            f"`{common.commit()}`; a plugin of QEMU's sees each instruction that is executed, the debugger's tables say of which line.",
            "A branch is one of the machine's: it counts twice, for being taken and for being passed by, and of the copies of an",
            "inline function the best counts. Not counted: the failing side of assertions, and what stands below. The command",
            f"fails for a line that was never executed and does not stand there, and below {LIMIT:.0f} % of the branches. The test",
            "`coverage` of each board does the same; it is one of the long ones. What the boards have in common is counted on",
            "the host: [coverage](coverage.md)."]


def main():
    platform, build = sys.argv[1:]
    files, unexplained = measure(platform, build)
    rows, enough = report(platform, files, unexplained)
    print("\n".join(rows))
    return 0 if enough else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        sys.exit(str(stop))

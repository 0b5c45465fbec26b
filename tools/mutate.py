#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Breaks the kernel in small ways, one at a time, and looks whether a test notices.

    mutate.py WORK [--count N] [--seed S] [--results FILE] [--again]

Each mutant is one change of one line of the kernel's core, chosen by the seed. The host's unit and
model tests are built in WORK, a copy of the tree, and run until one fails: then the mutant is dead.
Results are added to FILE (tests/mutants.json) as they come; a run that was stopped goes on. With --again those that
survived are tried once more, with the tests as they are now.
"""

import argparse
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = ["kernel/api/*.c", "kernel/base/heap.c", "kernel/ipc/*.c", "kernel/object/*.c", "kernel/sched/*.c"]
PAGE = ROOT / "docs" / "assurance" / "mutation.md"
REASONS = ROOT / "tests" / "mutants.toml"
NOT_CORE = {"kernel/api/check.c"}
PATIENCE = 4        # so many times a test's usual time of the processor, and so many seconds more

# How much unit.random does depends on what else runs here; what is fresh is another sequence each time.
LEFT_OUT = {"unit.random", "model.fresh", "model.time.fresh"}
FEWER = {"model.random": "300000", "model.twins": "20000", "model.confined": "100000"}   # calls; the suite makes more

# What is no code that runs in a sound kernel: assertions, traces, checks of invariants, declarations.
SKIPPED = re.compile(r"kassert|panic\(|trace\(|_Static_assert|^#|^\s*(/\*|\*)|__attribute__|\bstatic\b.*\(|^\S")
CHECK = re.compile(r"^\w.*\b\w+_check\(.*\)$")

SWAPS = [
    ("relation", r" < ", " <= "), ("relation", r" <= ", " < "), ("relation", r" > ", " >= "), ("relation", r" >= ", " > "),
    ("equality", r" == ", " != "), ("equality", r" != ", " == "),
    ("logic", r" && ", " || "), ("logic", r" \|\| ", " && "),
    ("arithmetic", r" \+ ", " - "), ("arithmetic", r" - ", " + "), ("arithmetic", r"\+\+;", "--;"), ("arithmetic", r" \+= ", " -= "),
    ("bits", r" \| ", " & "), ("bits", r" & ", " | "), ("bits", r" \|= ", " &= "), ("bits", r" &= ~", " |= "),
    ("bits", r" << ", " >> "), ("bits", r" >> ", " << "),
    ("constant", r"\btrue\b", "false"), ("constant", r"\bfalse\b", "true"), ("constant", r"\bNULL\b(?=[,;)])", "(void *)16"),
    ("off by one", r"(?<![\w.])0(?![\w.])", "1"), ("off by one", r"(?<![\w.])1(?![\w.])", "2"), ("off by one", r"(?<![\w.])1(?![\w.])", "0"),
    ("condition", r"\b(if|while) \((.*)\) \{$", r"\1 (!(\2)) {"),
    ("condition", r"\bif \((.*)\) \{$", "if (true) {"), ("condition", r"\bif \((.*)\) \{$", "if (false) {"),
    ("removed", r"^(\s+)(?!return|break|continue|goto|default|case)[\w>.*\[\]()-]+(?:\(.*\)| [|&+-]?= [^{]*|\+\+);$", r"\1;"),
]


def lines_of_code(text):
    """(number, line) of what may be changed."""
    in_comment = in_check = False
    for number, line in enumerate(text.splitlines()):
        if CHECK.match(line):
            in_check = True
        elif line.startswith("}"):
            in_check = False
        opens, closes = line.rfind("/*"), line.rfind("*/")
        was_in_comment, in_comment = in_comment, opens > closes or (in_comment and closes < 0)
        if not (was_in_comment or in_comment or in_check or SKIPPED.search(line)):
            yield number, line


def changes(line):
    """(operator, new line) of each change of a line; comments at its end stay as they are."""
    code, comment = (line.split("/*", 1) + [""])[:2]
    comment = "/*" + comment if "/*" in line else ""
    code, space = code.rstrip(), code[len(code.rstrip()):]
    for operator, pattern, new in SWAPS:
        for match in re.finditer(pattern, code):
            yield operator, code[:match.start()] + match.expand(new) + code[match.end():] + space + comment


def all_mutants(root):
    files = sorted({path for pattern in CORE for path in root.glob(pattern)})
    for path in files:
        name = str(path.relative_to(root))
        if name not in NOT_CORE:
            for number, line in lines_of_code(path.read_text()):
                for operator, new in changes(line):
                    if new != line:
                        yield {"file": name, "line": number + 1, "operator": operator, "old": line.strip(), "new": new.strip(),
                               "text": new}


def copy_commit(work):
    """Files that are there already and the same are not touched: less is to be built."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        for source in (path for path in Path(folder).rglob("*") if path.is_file()):
            copy = work / source.relative_to(folder)
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)


def commit():
    done = subprocess.run(["git", "describe", "--always"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


class Tree:
    """The tree as it was committed, with the unit tests built."""

    def __init__(self, work):
        self.work = work
        self.build = work / "build" / "host"
        copy_commit(work)
        if not self.build.exists():
            subprocess.run(["cmake", "--preset", "host"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        if not self.make("all"):
            sys.exit("the unmutated tree does not build")
        listed = subprocess.run(["ctest", "--show-only=json-v1"], cwd=self.build, capture_output=True, text=True, check=True)
        self.tests = [(test["name"], self.shortened(test)) for test in json.loads(listed.stdout)["tests"]
                      if re.match(r"(unit|model)\.", test["name"]) and test["name"] not in LEFT_OUT and not self.is_long(test)]
        self.order()

    @staticmethod
    def is_long(test):
        return any(p["name"] == "LABELS" and "long" in p["value"] for p in test.get("properties", []))

    @staticmethod
    def shortened(test):
        program, *arguments = test["command"]
        return [program, FEWER.get(test["name"], *arguments[:1]), *arguments[1:]] if arguments else [program]

    def make(self, target):
        return subprocess.run(["ninja", "-j1", target], cwd=self.build, capture_output=True).returncode == 0

    def order(self):
        """Quick ones first; they all have to pass."""
        took = {}
        for name, command in self.tests:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            if not self.passes(command, 600):
                sys.exit(f"{name} fails without any change")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.tests.sort(key=lambda test: took[test[0]])
        self.limit = {name: int(PATIENCE * (seconds + 1)) for name, seconds in took.items()}
        print(", ".join(f"{name} {took[name]:.1f} s" for name, _ in self.tests), flush=True)

    def passes(self, command, limit):
        """Within so many seconds of the processor: each of its processes, however busy the machine is."""
        def limit_it():
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        return subprocess.run(command, cwd=self.build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=limit_it).returncode == 0

    def try_mutant(self, mutant):
        path = self.work / mutant["file"]
        original = path.read_text()
        lines = original.splitlines(keepends=True)
        lines[mutant["line"] - 1] = mutant["text"] + "\n"
        path.write_text("".join(lines))
        try:
            if not self.make("tests/unit/libworld.a"):
                return "does not compile", None
            for name, command in self.tests:
                target = Path(command[0]).relative_to(self.build)
                if not self.make(str(target)):
                    return "does not compile", None
                if not self.passes(command, self.limit[name]):
                    return "killed", name
            return "survived", None
        finally:
            path.write_text(original)


def page(results, seed):
    """The results for people; survivors with their reasons, from tests/mutants.toml."""
    reasons = {(r["file"], r["old"], r["new"]): r["why"] for r in tomllib.loads(REASONS.read_text())["survivor"]}
    tried = [r for r in results if r["outcome"] != "does not compile"]
    killed = [r for r in tried if r["outcome"] == "killed"]
    out = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->", "<!-- Generated by tools/mutate.py --page. -->",
           "# Mutants of the kernel core", "",
           f"{len(killed)} of {len(tried)} changed kernels were noticed by the unit and model tests of the host "
           f"({100 * len(killed) / max(1, len(tried)):.1f} %), seed {seed}, at commits "
           f"{', '.join(sorted({r['commit'] for r in tried}))}. Each is one change of one line of "
           "`kernel/api`, `ipc`, `object`, `sched` or the heap; assertions and checks of invariants are not changed.", "",
           "| operator | killed | survived |", "|---|---|---|"]
    for operator in sorted({r["operator"] for r in tried}):
        of = [r["outcome"] for r in tried if r["operator"] == operator]
        out.append(f"| {operator} | {of.count('killed')} | {of.count('survived')} |")
    out += ["", "## Survivors", "", "| where | was | became | why no test notices |", "|---|---|---|---|"]
    for r in sorted(tried, key=lambda r: (r["file"], r["line"])):
        if r["outcome"] == "survived":
            cells = [f"`{r[key]}`".replace("|", "\\|") for key in ("old", "new")]
            why = reasons.get((r["file"], r["old"], r["new"]), "**not looked into**")
            out.append(f"| `{r['file']}:{r['line']}` | {cells[0]} | {cells[1]} | {why} |")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=ROOT / "tests" / "mutants.json")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--page", action="store_true", help="only write docs/assurance/mutation.md out of the results")
    parser.add_argument("--list", action="store_true", help="only say how many there are, and print the chosen ones")
    options = parser.parse_args()
    if options.list:
        everything = list(all_mutants(ROOT))
        chosen = random.Random(options.seed).sample(everything, len(everything))
        print(len(everything))
        for mutant in chosen[:options.count]:
            print(f"{mutant['file']}:{mutant['line']}: {mutant['operator']}: {mutant['old']}  ->  {mutant['new']}")
        return
    results = json.loads(options.results.read_text()) if options.results.exists() else []
    if options.page:
        PAGE.write_text(page(results, options.seed))
        return
    tree = Tree(options.work.resolve())
    at = commit()
    everything = list(all_mutants(tree.work))
    chosen = random.Random(options.seed).sample(everything, len(everything))

    def save():
        options.results.write_text(json.dumps(results, indent=1) + "\n")

    if options.again:
        for result in results:
            current = (tree.work / result["file"]).read_text().splitlines()
            found = [n for n, line in enumerate(current, 1) if line.strip() == result["old"]]
            if result["outcome"] == "survived" and found:
                result["line"] = min(found, key=lambda n: abs(n - result["line"]))
                result["outcome"], result["by"] = tree.try_mutant(result)
                result["commit"] = at
                print(f"{result['outcome']}  {result['file']}:{result['line']}: {result['old']}  ->  {result['new']}", flush=True)
                save()
        return
    done = {(r["file"], r["line"], r["text"]) for r in results}
    for mutant in chosen:
        if sum(result["outcome"] != "does not compile" for result in results) >= options.count:
            break
        if (mutant["file"], mutant["line"], mutant["text"]) in done:
            continue
        mutant["outcome"], mutant["by"] = tree.try_mutant(mutant)
        mutant["commit"] = at
        results.append(mutant)
        save()
        print(f"{mutant['outcome']}  {mutant['file']}:{mutant['line']}: {mutant['old']}  ->  {mutant['new']}  {mutant['by'] or ''}",
              flush=True)


if __name__ == "__main__":
    main()

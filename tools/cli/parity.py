# SPDX-License-Identifier: BSD-2-Clause
"""Which properties have tests, and what came of these. A test names its properties in a comment on
the line above it: /* seL4: NAME, NAME */; known escapes of others /* escape: NAME */ (in Python #)."""

import collections
import json
import re
import tomllib

from . import testing
from .common import ROOT, Stop

FOLDER = ROOT / "tests" / "parity"
RESULTS = FOLDER / "results.json"
PAGES = {"seL4": ROOT / "docs" / "reference" / "parity.md", "escape": ROOT / "docs" / "reference" / "escapes.md"}
LISTS = {"seL4": FOLDER / "properties.toml", "escape": FOLDER / "escapes.toml"}

TAG = re.compile(r"(?:/\*|#) (seL4|escape): ([\w, -]+?)(?: \*/)?$")
# What may stand between a tag and its test: comments, and decorators over several lines.
BETWEEN = ("/*", " *", "@", "    ", ")", "]")
TESTS = {".c": re.compile(r"(?:START_TEST\(|static void )(\w+)[()]"), ".py": re.compile(r"def test_(\w+)\(")}


class Test:
    """`suite` is what ctest calls it, `name` what its output says; `listed`: it is in a list of tests."""

    def __init__(self, path, line, name):
        self.path, self.line = path, line
        folder = path.parent.name
        self.suite = {"boot": "boot", "unit": f"unit.{path.stem.removeprefix('test_')}"}.get(folder, folder)
        self.name = f"{path.stem}.{name}" if folder == "boot" else name if folder == "unit" else f"{folder}.{name}"
        self.id = f"boot: {self.name}" if folder == "boot" else f"{self.suite}: {name}"


def sources():
    return sorted(path for folder in ("boot", "memory", "unit", "idl", "system", "tools")
                  for path in (ROOT / "tests" / folder).glob("*.*") if path.suffix in TESTS)


def tagged(path, text):
    """(kind, property, test) of each tag in a file. A tag that stands above no test is an error."""
    listed = set(re.findall(r"(?:TEST|tcase_add\w*_test)\((?:\w+, )?(\w+)", re.sub(r"START_TEST\(\w+", "", text)))
    waiting = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := TAG.match(line):
            waiting += [(match[1], name.strip()) for name in match[2].split(",")]
            continue
        if not waiting or line.startswith(BETWEEN):
            continue
        match = TESTS[path.suffix].match(line)
        if not match or (path.suffix == ".c" and match[1] not in listed):
            raise Stop(f"{path.relative_to(ROOT)}:{number}: there is no test below the tag {waiting[0][1]}")
        yield from ((kind, name, Test(path, number, match[1])) for kind, name in waiting)
        waiting = []
    if waiting:
        raise Stop(f"{path.relative_to(ROOT)}: there is no test below the tag {waiting[0][1]}")


def read_list(kind):
    with open(LISTS[kind], "rb") as file:
        return tomllib.load(file)


def collect():
    """{kind: {property: [tests]}}"""
    found = {kind: collections.defaultdict(list) for kind in LISTS}
    known = {kind: read_list(kind) for kind in LISTS}
    for path in sources():
        for kind, name, test in tagged(path, path.read_text(encoding="utf-8")):
            if name not in known[kind]:
                raise Stop(f"{path.relative_to(ROOT)}:{test.line}: there is no property {name} in "
                           f"{LISTS[kind].relative_to(ROOT)}")
            found[kind][name].append(test)
    return found


# ---- Results ----

def outcome(test, results):
    """{harness: passed?}: boards for boot tests."""
    return results["tests"].get(test.id, {})


def shown(run, tests):
    """(test, preset, passed?) of each of these tests that ran; a board can be started in several ways."""
    new = collections.defaultdict(list)
    for name, suite in run["suites"].items():
        preset, _, suite_name = name.partition(": ")
        for test in tests:
            if suite_name.startswith("boot-") if test.suite == "boot" else suite_name == test.suite:
                new[test.id, preset] += [ok for name, ok in suite["tests"].items() if name.split("[")[0] == test.name]
    return [(id_, preset, all(oks)) for (id_, preset), oks in new.items() if oks]


def keep(files, found):
    """Takes over what runs showed of the tests that have tags."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"commits": {}, "tests": {}}
    tests = {test.id: test for properties in found.values() for list_ in properties.values() for test in list_}
    results["tests"] = {id_: boards for id_, boards in results["tests"].items() if id_ in tests}
    for file in files:
        run = testing.read(file)
        for id_, preset, ok in shown(run, tests.values()):
            results["tests"].setdefault(id_, {})[preset] = ok
            results["commits"][preset] = run["commit"]
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


# ---- The pages ----

def cell(test, results):
    path = f"../../{test.path.relative_to(ROOT)}"
    boards = outcome(test, results)
    passed = sorted(preset for preset, ok in boards.items() if ok)
    failed = sorted(preset for preset, ok in boards.items() if not ok)
    text = f"[{test.id}]({path}): "
    if not boards:
        return text + "not run"
    return text + "; ".join(([f"passed on {', '.join(passed)}"] if passed else []) +
                            ([f"**failed** on {', '.join(failed)}"] if failed else []))


def state(entry, tests, results):
    """One of: passed, failed, not run, none, planned, not applicable."""
    boards = [outcome(test, results) for test in tests]
    if any(not ok for one in boards for ok in one.values()):
        return "failed"
    if any(boards):
        return "passed"
    if tests:
        return "not run"
    return "not applicable" if "not_applicable" in entry else "planned" if "planned" in entry else "none"


def row(name, entry, tests, results):
    if tests:
        says = "<br>".join(cell(test, results) for test in tests)
    elif "not_applicable" in entry:
        says = f"*not applicable:* {entry['not_applicable']}"
    else:
        says = f"*planned:* {entry['planned']}" if "planned" in entry else "**no test yet**"
    return f"| `{name}` | {entry['property']} | {says} |"


HEADS = {
    "seL4": """# Parity with seL4's tests

seL4's test suite has {all} tests. Their properties, in our words and for our mechanisms, are in
[tests/parity/properties.toml](../../tests/parity/properties.toml); {not_applicable} of them do not apply here. Each of the others
has tests of ours, whose comments name it, or is named as lacking. Ours are other tests than seL4's, of another kernel:
a row says that the property was tested, not that the tests are equal.
""",
    "escape": """# Known escapes

Errors that passed the tests of the kernels that had them, and some of them the proofs. Each has a test here, or a
reason why it cannot happen. The list is [tests/parity/escapes.toml](../../tests/parity/escapes.toml).
""",
}


def page(kind, found, results):
    entries = read_list(kind)
    states = {name: state(entry, found[kind][name], results) for name, entry in entries.items()}
    counts = collections.Counter(states.values())
    out = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->", "<!-- Generated by ./tessera parity. -->",
           HEADS[kind].format(all=len(entries), not_applicable=counts["not applicable"]),
           "| " + " | ".join(s for s in ORDER) + " |", "|" + "---|" * len(ORDER),
           "| " + " | ".join(str(counts[s]) for s in ORDER) + " |", ""]
    if results["commits"]:
        out += ["Results of: " + ", ".join(f"{preset} at `{commit}`" for preset, commit in
                                           sorted(results["commits"].items())) + ".", ""]
    if counts["none"]:
        out += ["Without a test: " + ", ".join(f"`{n}`" for n, s in states.items() if s == "none") + ".", ""]
    areas = collections.defaultdict(list)
    for name, entry in entries.items():
        areas[entry["area"]].append(row(name, entry, found[kind][name], results))
    for area, rows in areas.items():
        out += [f"## {area}", "", "| name | property | tests |", "|---|---|---|", *rows, ""]
    return "\n".join(out)


ORDER = ["passed", "failed", "not run", "none", "planned", "not applicable"]


def pages():
    found = collect()
    results = json.loads(RESULTS.read_text())
    return found, {PAGES[kind]: page(kind, found, results) for kind in PAGES}


def write(options):
    found = collect()
    keep(options.files, found)
    for path, text in pages()[1].items():
        path.write_text(text, encoding="utf-8")
        print(f"Written: {path.relative_to(ROOT)}")
    entries = read_list("seL4")
    results = json.loads(RESULTS.read_text())
    counts = collections.Counter(state(e, found["seL4"][n], results) for n, e in entries.items())
    print(", ".join(f"{counts[s]} {s}" for s in ORDER))

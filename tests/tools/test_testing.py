# SPDX-License-Identifier: BSD-2-Clause
"""./tessera test counts what tests print, and its parts make one report."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from cli import testing  # noqa: E402
from cli.common import Stop  # noqa: E402


@pytest.mark.parametrize("line, name, ok", [
    ("ok 1 - /a/test_heap.c:heap:keeps_order: Passed", "keeps_order", True),
    ("not ok 2 - /a/test_heap.c:heap:keeps_order: Assertion 'a == b' failed: a == 1", "keeps_order", False),
    ("ok 3 - capability.copies", "capability.copies", True),
    ("not ok 4 - capability.copies: capability.c:12: x: expected 0x1", "capability.copies", False),
    ("ok 5 - tools.files_exist[docs/a.md:3]", "tools.files_exist[docs/a.md:3]", True),
])
def test_tap(line, name, ok):
    suite = testing.judge([line], "Passed" if ok else "***Failed")
    assert suite == {"passed": int(ok), "failed": int(not ok), "tests": {name: ok}}


def test_skipped_is_no_test():
    suite = testing.judge(["ok 1 - tools.a # SKIP", "ok 2 - tools.b"], "Passed")
    assert suite == {"passed": 1, "failed": 0, "tests": {"tools.b": True}}


def test_a_program_without_tap_is_one_test():
    assert testing.judge(["hello"], "Passed")["passed"] == 1
    assert testing.judge(["hello"], "***Failed")["failed"] == 1
    assert testing.judge(["ok 1 - a"], "***Timeout") == {"passed": 1, "failed": 1, "tests": {"a": True}}


def test_one_failure_of_a_loop_fails_the_test():
    suite = testing.judge(["ok 1 - /t.c:s:a: Passed", "not ok 2 - /t.c:s:a: no", "ok 3 - /t.c:s:a: Passed"], "***Failed")
    assert suite == {"passed": 2, "failed": 1, "tests": {"a": False}}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_the_parts_are_the_whole(count):
    tests = [f"t{i}" for i in range(20)]
    parts = [testing.part(tests, (index, count)) for index in range(1, count + 1)]
    assert sorted(sum(parts, [])) == sorted(tests)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/2"])
def test_bad_shards(text):
    with pytest.raises(Stop, match="is no part of the tests"):
        testing.parse_shard(text)


def result(folder, shard, suites, **changed):
    path = folder / f"{shard[0]}.json"
    path.write_text(json.dumps({"commit": "abc", "shard": shard, "long": False, "only": "x", "suites": suites} | changed))
    return str(path)


PASSED = {"passed": 3, "failed": 0, "tests": {"a": True}}
FAILED = {"passed": 1, "failed": 2, "tests": {"a": True, "b": False}}


def report(folder, *files):
    return subprocess.run([ROOT / "tessera", "report", "--json", folder / "all.json", *files], capture_output=True,
                          text=True)


def test_report(tmp_path):
    done = report(tmp_path, result(tmp_path, [2, 2], {"host: unit.b": FAILED}),
                  result(tmp_path, [1, 2], {"host: unit.a": PASSED}))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "4 passed, 2 failed"
    assert "\n    b\n" in done.stdout
    whole = json.loads((tmp_path / "all.json").read_text())
    assert whole["shard"] == [1, 1] and set(whole["suites"]) == {"host: unit.a", "host: unit.b"}


def test_report_of_what_passed(tmp_path):
    assert report(tmp_path, result(tmp_path, [1, 1], {"host: unit.a": PASSED})).returncode == 0


@pytest.mark.parametrize("second, says", [
    (None, "these parts are missing: 2/2"),
    (dict(shard=[1, 2], suites={"host: a": PASSED}), "these parts are missing: 2/2"),
    (dict(shard=[2, 2], suites={"host: b": PASSED}, commit="def"), 'these are not of one run: "commit" is abc and def'),
    (dict(shard=[2, 2], suites={"host: b": PASSED}, long=True), 'not of one run: "long"'),
    (dict(shard=[2, 3], suites={"host: b": PASSED}), "split in different ways"),
    (dict(shard=[2, 2], suites={"host: a": PASSED}), "two parts have the same test: host: a"),
])
def test_report_of_parts_that_do_not_fit(tmp_path, second, says):
    files = [result(tmp_path, [1, 2], {"host: a": PASSED})]
    if second:
        (tmp_path / "other").mkdir()
        files.append(result(tmp_path / "other", **second))
    done = report(tmp_path, *files)
    assert done.returncode == 1 and done.stderr.startswith("tessera: ") and says in done.stderr


def test_report_of_something_else(tmp_path):
    (tmp_path / "x").write_text("[]")
    done = report(tmp_path, tmp_path / "x")
    assert done.returncode == 1 and "is no result of ./tessera test --json" in done.stderr

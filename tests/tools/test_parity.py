# SPDX-License-Identifier: BSD-2-Clause
"""The pages of properties say what the tests' tags say."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from cli import parity  # noqa: E402
from cli.common import Stop  # noqa: E402


def tags(text, name="boot/x.c"):
    return [(kind, prop, test.id) for kind, prop, test in parity.tagged(ROOT / "tests" / name, text)]


LIST = "static struct test const tests[] = {\n    TEST(works), TEST(other),\n};\n"


def test_pages_are_up_to_date():
    for path, text in parity.pages()[1].items():
        assert path.read_text() == text, "write it anew: ./tessera parity"


def test_properties_are_complete():
    properties = parity.read_list("seL4")
    assert len(properties) == 240
    for kind in parity.LISTS:
        for name, entry in parity.read_list(kind).items():
            assert entry.keys() <= {"area", "property", "not_applicable", "planned"} and len(entry) <= 3, name


def test_nothing_is_tested_that_does_not_apply():
    found = parity.collect()
    for kind in parity.LISTS:
        for name, entry in parity.read_list(kind).items():
            assert not ("not_applicable" in entry and found[kind][name]), name


def test_each_property_has_a_test_or_says_why_not():
    found = parity.collect()
    for kind in parity.LISTS:
        for name, entry in parity.read_list(kind).items():
            assert found[kind][name] or len(entry) == 3, name


def test_tags_of_boot_tests():
    text = "/* seL4: IPC0001, IPC0002 */\n/* escape: RESTART-PC */\nstatic void works(void)\n{\n}\n" + LIST
    assert tags(text) == [("seL4", "IPC0001", "boot: x.works"), ("seL4", "IPC0002", "boot: x.works"),
                          ("escape", "RESTART-PC", "boot: x.works")]


def test_tags_of_unit_tests():
    text = "/* seL4: IPC0001 */\nSTART_TEST(works)\n{\n}\nEND_TEST\nWORLD_LOOP_TEST(suite, works, 2);\n"
    assert tags(text, "unit/test_ipc.c") == [("seL4", "IPC0001", "unit.ipc: works")]


def test_tags_of_python_tests():
    text = "# seL4: IPC0001\n@pytest.mark.skip\ndef test_works(tmp_path):\n    pass\n"
    assert tags(text, "tools/test_x.py") == [("seL4", "IPC0001", "tools: works")]


@pytest.mark.parametrize("text", [
    "/* seL4: IPC0001 */\nstatic int helper(void)\n" + LIST,
    "/* seL4: IPC0001 */\nstatic void helper(void)\n" + LIST,      # no test: it is in no list
    "/* seL4: IPC0001 */\n\nstatic void works(void)\n" + LIST,
    LIST + "/* seL4: IPC0001 */\n",
])
def test_tags_above_no_test(text):
    with pytest.raises(Stop, match="no test below the tag IPC0001"):
        tags(text)


def test_unlisted_unit_test():
    with pytest.raises(Stop, match="no test below"):
        tags("/* seL4: IPC0001 */\nSTART_TEST(works)\n{\n}\nEND_TEST\n", "unit/test_ipc.c")


def test_unknown_property(monkeypatch):
    monkeypatch.setattr(parity, "tagged", lambda path, text: [("seL4", "IPC9999", parity.Test(path, 1, "x"))])
    with pytest.raises(Stop, match="there is no property IPC9999"):
        parity.collect()


def test_results_are_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "RESULTS", tmp_path / "results.json")
    works, other = (parity.Test(ROOT / "tests" / "boot" / "x.c", 1, name) for name in ("works", "other"))
    unit = parity.Test(ROOT / "tests" / "unit" / "test_ipc.c", 1, "works")
    suites = {"riscv64-virt: boot-opensbi": {"tests": {"x.works": True, "x.other": False, "x.untagged": True}},
              "riscv64-virt: boot-uboot": {"tests": {"x.works": True}},
              "host: unit.ipc": {"tests": {"works": True}}, "host: unit.other": {"tests": {"works": False}}}
    run = {"commit": "abc", "shard": [1, 1], "long": False, "only": None, "suites": suites}
    (tmp_path / "run.json").write_text(json.dumps(run))
    parity.keep([tmp_path / "run.json"], {"seL4": {"A": [works, other], "B": [unit]}})
    assert json.loads(parity.RESULTS.read_text()) == {
        "commits": {"riscv64-virt": "abc", "host": "abc"},
        "tests": {"boot: x.works": {"riscv64-virt": True}, "boot: x.other": {"riscv64-virt": False},
                  "unit.ipc: works": {"host": True}}}
    results = json.loads(parity.RESULTS.read_text())
    assert parity.state({}, [works], results) == "passed"
    assert parity.state({}, [works, other], results) == "failed"
    assert parity.state({}, [], results) == "none"
    parity.keep([], {"seL4": {"B": [unit]}})        # tests that have gone are forgotten
    assert list(json.loads(parity.RESULTS.read_text())["tests"]) == ["unit.ipc: works"]


def test_one_failure_on_a_board_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "RESULTS", tmp_path / "results.json")
    works = parity.Test(ROOT / "tests" / "boot" / "x.c", 1, "works")
    for chain, ok in (("opensbi", False), ("uboot", True)):
        run = {"commit": "abc", "shard": [1, 1], "long": False, "only": None,
               "suites": {f"riscv64-virt: boot-{chain}": {"tests": {"x.works": ok}}}}
        (tmp_path / f"{chain}.json").write_text(json.dumps(run))
    suites = {f"riscv64-virt: boot-{c}": {"tests": {"x.works": c == "uboot"}} for c in ("opensbi", "uboot")}
    run["suites"] = suites
    (tmp_path / "both.json").write_text(json.dumps(run))
    parity.keep([tmp_path / "both.json"], {"seL4": {"A": [works]}})
    assert json.loads(parity.RESULTS.read_text())["tests"] == {"boot: x.works": {"riscv64-virt": False}}

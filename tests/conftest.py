# SPDX-License-Identifier: BSD-2-Clause
"""With TESSERA_TAP=1, pytest prints a line of TAP for each test, for `./tessera test` to count."""

import os
from pathlib import Path


class Tap:
    def __init__(self, config):
        self.config = config
        self.count = 0

    def pytest_report_teststatus(self, report):
        if report.when == "call" or not report.passed:
            return report.outcome, "", ""       # no dots between the lines
        return None

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        self.count += 1
        suite = Path(report.fspath).parent.name
        test = report.nodeid.split("::", 1)[1].removeprefix("test_")
        self.line(f"{'not ok' if report.failed else 'ok'} {self.count} - {suite}.{test}{' # SKIP' if report.skipped else ''}")

    def pytest_sessionfinish(self):
        self.line(f"1..{self.count}")

    def line(self, text):
        self.config.get_terminal_writer().line(text)


def pytest_configure(config):
    if os.environ.get("TESSERA_TAP") == "1":
        config.pluginmanager.register(Tap(config))

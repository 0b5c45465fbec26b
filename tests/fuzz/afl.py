#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lets AFL++ look for inputs that one of the fuzzers fails with.

    afl.py BUILD_DIR FUZZER SECONDS

Builds the fuzzer with AFL++'s compiler, and begins with its corpus. Says what was done; ends with 1 if an input made the
program fail, or hang: BUILD_DIR/tests/fuzz/afl_FUZZER has it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The machine need not be made ready: this is not about speed.
SETTINGS = {"AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_AFFINITY": "1", "AFL_NO_UI": "1"}


def main():
    build, fuzzer, seconds = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    target = f"fuzz_{fuzzer}_afl"
    subprocess.run(["cmake", "--build", build, "--target", target + "_built"], check=True, stdout=subprocess.DEVNULL)
    out = build / "tests" / "fuzz" / f"afl_{fuzzer}"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(["afl-fuzz", "-i", HERE / "corpus" / fuzzer, "-o", out, "-V", seconds, "-m", "none", "-t", "20000",
                    "-G", "4096", "--", build / "tests" / "fuzz" / target],
                   env={**os.environ, **SETTINGS}, check=True, stdout=subprocess.DEVNULL)
    lines = (out / "default" / "fuzzer_stats").read_text().splitlines()
    stats = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    print(*(f"{name}: {stats[name]}" for name in ("run_time", "execs_done", "corpus_found", "edges_found", "saved_crashes",
                                                  "saved_hangs")), sep="\n")
    return 1 if int(stats["saved_crashes"]) + int(stats["saved_hangs"]) or not int(stats["execs_done"]) else 0


if __name__ == "__main__":
    sys.exit(main())

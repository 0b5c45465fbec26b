# SPDX-License-Identifier: BSD-2-Clause
"""tools/check_tracepoints.py accepts tracepoints that are a look and a branch, and finds those that are more."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools" / "check_tracepoints.py"
BOARDS = {"riscv64": "riscv64-linux-gnu-", "aarch64": "aarch64-linux-gnu-", "x86_64": "x86_64-linux-gnu-"}

CODE = """
typedef unsigned long word;
struct cpu { word a[31]; unsigned char is_traced; word tracing; word values[8]; };
void trace_record(struct cpu *cpu, unsigned event, word a, word b);
#define INLINE static inline __attribute__((always_inline))
INLINE int trace_is_on(struct cpu *cpu, unsigned event) { return TEST && (cpu->tracing >> event & 1) != 0; }
INLINE int trace_wants(struct cpu *cpu, unsigned event) { return trace_is_on(cpu, event); }
INLINE void trace_timer(struct cpu *cpu, word a)
{
    BEFORE;
    if (trace_wants(cpu, 3)) {
        trace_record(cpu, 3, a, 0);
    }
}
void other(void);
word tick(struct cpu *cpu)
{
    cpu->a[3]++;
    trace_timer(cpu, cpu->a[4]);
    other();
    return cpu->a[3] ^ cpu->a[5];
}
"""
GOOD = "__builtin_expect(cpu->is_traced, 0)"


def check(tmp_path, arch, test=GOOD, before="", events=("timer",)):
    tools = BOARDS[arch]
    (tmp_path / "code.c").write_text(CODE)
    subprocess.run([f"{tools}gcc", "-O2", "-g", "-c", f"-DTEST={test}", f"-DBEFORE={before}", "code.c", "-o", "code.o"],
                   cwd=tmp_path, check=True)
    return subprocess.run([sys.executable, CHECK, tmp_path / "code.o", "--arch", arch, "--objdump", f"{tools}objdump",
                           "--addr2line", f"{tools}addr2line", "--event", *events], capture_output=True, text=True)


@pytest.mark.parametrize("arch", BOARDS)
def test_a_look_and_a_branch(tmp_path, arch):
    done = check(tmp_path, arch)
    assert done.returncode == 0 and "ok (1 of 1 events" in done.stdout, done.stderr


@pytest.mark.parametrize("arch", BOARDS)
def test_work_before_the_look(tmp_path, arch):
    done = check(tmp_path, arch, before="cpu->values[0]++; cpu->values[1]++")
    assert done.returncode == 1 and "timer takes" in done.stderr, done.stdout


@pytest.mark.parametrize("arch", BOARDS)
def test_a_look_that_is_another(tmp_path, arch):
    """Not a byte: which events are selected is not to be looked at first."""
    done = check(tmp_path, arch, test="(cpu->values[3] & 64)")
    assert done.returncode == 1 and "no tracepoint of timer" in done.stderr, done.stdout


def test_an_event_without_tracepoint(tmp_path):
    done = check(tmp_path, "riscv64", events=("timer", "idle"))
    assert done.returncode == 1 and "no tracepoint of idle was found" in done.stderr

# SPDX-License-Identifier: BSD-2-Clause
"""tools/check_fastpath.py accepts a fast path that keeps the rules, and finds each way to break one."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "tools" / "check_fastpath.py"
COMPILER = "riscv64-linux-gnu-gcc"

spec = importlib.util.spec_from_file_location("check_fastpath", CHECK)
check_fastpath = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = check_fastpath     # for its dataclasses
spec.loader.exec_module(check_fastpath)

SAVE = """
    sd sp, 0(t0)
    sd tp, 16(t0)
    sd gp, 24(t0)
    csrr t1, sepc
    addi t1, t1, 4
    sd t1, 8(t0)
""" + "".join(f"    sd s{n}, {32 + 8 * n}(t0)\n" for n in range(12))

CLEAR = "".join(f"    li t{n}, 0\n" for n in range(7))

SWITCH = """
    csrw satp, t4
    csrw sscratch, t6
    ld ra, 8(t6)
    ld sp, 0(t6)
    ld tp, 16(t6)
    ld gp, 24(t6)
    csrw sepc, ra
""" + "".join(f"    ld s{n}, {32 + 8 * n}(t6)\n" for n in range(12)) + CLEAR + "    sret\n"

# A kernel's entry and fast path in small: as sound as the real one.
SOUND = {
    "trap_entry": """
        csrrw t0, sscratch, t0
        sd t1, 8(t0)
        csrr t1, scause
        addi t1, t1, -8
        bnez t1, not_a_syscall
        andi t1, a0, 31
        .reloc ., R_RISCV_BRANCH, fast_call
        .4byte 0x00030063
        addi t1, t1, -1
        beqz t1, fast_reply_recv
        addi t1, t1, -1
        beqz t1, fast_call_long
        addi t1, t1, -1
        beqz t1, fast_reply_recv_long
        addi t1, t1, -1
        beqz t1, fast_signal
        addi t1, t1, -1
        beqz t1, fast_poll
        addi t1, t1, -1
        beqz t1, fast_yield
        addi t1, t1, -8
        beqz t1, null_call
    """,
    "fast_declined_unsaved": SAVE,
    "fast_declined": "j .",
    "fast_declined_loading": "j .",
    "leave_to": "j .",
    "fast_resume_event": "j .",
    "null_call": "j .",
    "not_a_syscall": "j .",
    # One path that switches, and one that declines.
    "fast_call": SAVE + """
        ld t6, 168(t0)
        ld t4, 144(t6)
        beqz t4, 1f
        sd t0, 168(t6)
        ld a0, 8(t6)
    """ + SWITCH + """
    1:  j fast_declined
    """,
    # The same behind a loop, and where two paths with different receivers meet.
    "fast_reply_recv": SAVE + """
        li a0, 0
        ld t6, 168(t0)
        beqz t6, 1f
        ld t6, 176(t0)
    1:  ld t4, 144(t6)
        li t3, 8
    2:  ld s4, 0(t6)
        addi t3, t3, -1
        bnez t3, 2b
    """ + SWITCH,
    # Uses saved registers, and then declines.
    "fast_call_long": SAVE + """
        ld s2, 168(t0)
        mv t2, a0
        ld a0, 0(s2)
        beqz a0, 1f
        mv t6, s2
        ld t4, 144(s2)
    """ + SWITCH + """
    1:  mv a0, t2
        j fast_declined_loading
    """,
    "fast_reply_recv_long": SAVE + "ld t6, 168(t0)\nld t4, 144(t6)\nli a0, 0\n" + SWITCH,
    "fast_signal_wake": SAVE + """
        ld t6, 168(t0)
        ld t4, 144(t6)
        sd zero, 160(t6)
        csrw satp, t4
        j leave_to
    """,
    "fast_signal": """
        ld t1, 128(t0)
        ld t2, 0(t1)
        beqz t2, 1f
        ld t3, 8(t1)
        bnez t3, 2f
        sd t2, 8(t1)
        csrr t1, sepc
        addi t1, t1, 4
        csrw sepc, t1
        csrw sscratch, t0
    """ + CLEAR + """
        li a0, 0
        sret
    1:  j fast_declined_unsaved
    2:  j fast_signal_wake
    """,
    # Goes on with a message of two words.
    "fast_poll": """
        ld t3, 128(t0)
        ld t1, 0(t3)
        beqz t1, 1f
        ld t2, 8(t3)
        sd zero, 0(t3)
        j fast_resume_event
    1:  j fast_declined_unsaved
    """,
    "fast_yield": """
        ld t1, 184(t0)
        ld t1, 48(t1)
        bnez t1, 1f
        j fast_declined_unsaved
    1:  j fast_yield_to
    """,
    "fast_yield_to": SAVE + """
        ld t1, 184(t0)
        ld t6, 48(t1)
        ld t4, 144(t6)
        csrw satp, t4
        j leave_to
    """,
}


def assemble(folder, functions):
    text = '.section .text, "ax"\n'
    for name, body in functions.items():
        text += f".globl {name}\n.type {name}, @function\n{name}:\n{body}\n.size {name}, . - {name}\n"
    (folder / "kernel.S").write_text(text)
    subprocess.run([COMPILER, "-nostdlib", "-static", "-march=rv64imac_zicsr", "-mabi=lp64", "-Wl,--no-relax",
                    "-Wl,--build-id=none", "-Wl,-Ttext=0x80200000", "-Wl,-e,trap_entry", "kernel.S", "-o",
                    "kernel.elf"], cwd=folder, check=True)
    return folder / "kernel.elf"


def run(kernel, arch="riscv64"):
    return subprocess.run([sys.executable, CHECK, kernel, "--arch", arch], capture_output=True, text=True)


def errors(folder, functions):
    found, _ = check_fastpath.check(check_fastpath.Riscv64(), str(assemble(folder, functions)))
    return [str(error) for error in found]


def varied(function, old, new):
    """The sound kernel with the first `old` of one function replaced."""
    functions = dict(SOUND)
    assert old in functions[function]
    functions[function] = functions[function].replace(old, new, 1)
    return functions


def test_sound_kernel_passes(tmp_path):
    done = run(assemble(tmp_path, SOUND))
    assert done.stderr == ""
    assert done.stdout.startswith("fast path: ok (") and "in 10 functions" in done.stdout
    assert done.returncode == 0


EXIT = "csrw satp, t4"      # where the exit begins
BROKEN = [
    # function, what is replaced, by what, the rule, a part of the message
    ("fast_call", EXIT, "jal ra, leave_to\n" + EXIT, "flow", "is a call"),
    ("fast_call", EXIT, "jalr ra, 0(t4)\n" + EXIT, "flow", "is a call"),
    ("fast_call", EXIT, "bnez a0, 3f\n jr t4\n 3:" + EXIT, "flow", "computed"),
    ("fast_call", "j fast_declined", "j fast_reply_recv", "flow", "leaves the function for fast_reply_recv"),
    ("fast_call", "j fast_declined", "j fast_declined_unsaved", "flow", "leaves the function"),
    ("trap_entry", "beqz t1, fast_call_long", "", "flow", "never branches to fast_call_long"),
    ("trap_entry", "bnez t1, not_a_syscall", "sret", "flow", "returns before"),

    ("fast_call", EXIT, "sd t4, -8(sp)\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "ld t4, 0(sp)\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "addi sp, sp, -16\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "addi t4, sp, 8\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "sd sp, 0(t6)\n" + EXIT, "stack", "stack pointer"),
    ("fast_signal", "csrr t1, sepc", "sd sp, 0(t0)\n csrr t1, sepc", "stack", "stack pointer"),

    ("fast_call", EXIT, "mv a3, t4\n" + EXIT, "message", "a3"),
    ("fast_call", "beqz t4, 1f", "ld a7, 0(t4)\n beqz t4, 1f", "message", "a7"),
    ("fast_call", "sd t0, 168(t6)", "csrr a1, sepc\n sd t0, 168(t6)", "message", "a1"),
    ("fast_signal", "csrr t1, sepc", "mv a0, t1\n csrr t1, sepc", "message", "a0"),
    ("fast_signal", "li a0, 0", "li a0, 1", "message", "a0"),
    ("fast_poll", "ld t2, 8(t3)", "ld a2, 8(t3)", "message", "a2"),
    ("fast_poll", "sd zero, 0(t3)", "mv t0, t3", "exit", "without the thread in t0"),
    ("fast_poll", "sd zero, 0(t3)", "csrw sepc, t3", "exit", "with sepc changed"),
    ("fast_signal", "ld t1, 128(t0)", "li a2, 0\n ld t1, 128(t0)", "message", "a2"),

    ("fast_call", EXIT, "mv s0, t4\n" + EXIT, "kept", "s0"),
    ("fast_call", EXIT, "li ra, 0\n" + EXIT, "kept", "ra"),
    ("fast_call", EXIT, "ld gp, 8(t6)\n" + EXIT, "kept", "gp"),
    ("fast_call", EXIT, "lw tp, 16(t6)\n" + EXIT, "kept", "tp"),

    ("fast_call", "sd s3, 56(t0)", "li s3, 1\n sd s3, 56(t0)", "saved", "s3"),
    ("fast_call", "sd s3, 56(t0)", "sd s3, 56(t1)\n li s3, 1", "saved", "s3"),
    ("fast_call", "sd s3, 56(t0)", "beqz a0, 3f\n sd s3, 56(t0)\n 3: mv s3, a0", "saved", "s3"),
    ("fast_call", "sd s3, 56(t0)", "mv t5, s3\n li t5, 0\n sd t5, 56(t0)\n li s3, 1", "saved", "s3"),
    ("fast_signal", "ld t1, 128(t0)", "li s1, 0\n ld t1, 128(t0)", "saved", "s1"),
    ("fast_signal", "ld t1, 128(t0)", "li ra, 0\n ld t1, 128(t0)", "saved", "ra"),

    ("fast_call", "beqz t4, 1f", "mv s2, t4\n beqz t4, 1f", "decline", "s2"),
    ("fast_call", "beqz t4, 1f", "mv a0, t4\n beqz t4, 1f", "decline", "a0"),
    ("fast_call", "beqz t4, 1f", "sd zero, 160(t6)\n beqz t4, 1f", "decline", "changed something in memory"),
    ("fast_call", "beqz t4, 1f", "csrw satp, t4\n beqz t4, 1f", "decline", "changed satp"),
    ("fast_call", "beqz t4, 1f", "csrw 0x14d, t4\n beqz t4, 1f", "decline", "changed something in memory"),
    ("fast_call", "beqz t4, 1f", "mv t0, t4\n beqz t4, 1f", "decline", "without the thread in t0"),
    ("fast_call_long", "mv a0, t2", "", "decline", "a0"),
    ("fast_call_long", "sd gp, 24(t0)", "", "decline", "without gp in the current thread's frame"),
    ("fast_call_long", "addi t1, t1, 4", "", "decline", "without the program counter"),
    ("fast_signal", "bnez t3, 2f", "sd t3, 8(t1)\n bnez t3, 2f", "decline", "changed something in memory"),
    ("trap_entry", "andi t1, a0, 31", "andi t2, a0, 31", "decline", "t2"),
    ("trap_entry", "sd t1, 8(t0)", "", "decline", "without the program's t1"),
    ("trap_entry", "sd t1, 8(t0)", "sd t1, 8(t0)\n csrr t0, sscratch", "decline", "without the thread in t0"),
    ("trap_entry", "sd t1, 8(t0)", "sd t1, 8(t0)\n csrw sscratch, t0", "decline", "in sscratch"),

    ("fast_call", EXIT, "", "exit", "without writing satp"),
    ("fast_call", EXIT, "beqz a0, 3f\n csrw satp, t4\n 3:", "exit", "without writing satp"),
    ("fast_call", "csrw sscratch, t6", "", "exit", "without a thread in sscratch"),
    ("fast_call", "csrw sscratch, t6", "csrw sscratch, t0", "exit", "s0"),
    ("fast_call", "csrw sepc, ra", "", "exit", "sepc"),
    ("fast_call", "csrw sepc, ra", "csrw sepc, t1", "exit", "sepc"),
    ("fast_call", "ld s5, 72(t6)", "", "exit", "s5"),
    ("fast_call", "ld s5, 72(t6)", "ld s5, 80(t6)", "exit", "s5"),
    ("fast_call", "ld s5, 72(t6)", "ld s5, 72(t0)", "exit", "s5"),
    ("fast_call", "ld s5, 72(t6)", "lw s5, 72(t6)", "exit", "s5"),
    ("fast_call", "ld sp, 0(t6)", "", "exit", "sp"),
    ("fast_call", "sd s7, 88(t0)", "", "exit", "s7"),
    ("fast_call", "sd s7, 88(t0)", "sw s7, 88(t0)", "exit", "s7"),
    ("fast_call", "ld a0, 8(t6)", "", "exit", "result in a0"),
    ("fast_reply_recv", "ld t4, 144(t6)", "ld t4, 144(t6)\n beqz t4, 3f\n ld t6, 0(t6)\n csrw sscratch, t6\n 3:", "",
     None),
    ("fast_reply_recv", "csrw sscratch, t6", "csrw sscratch, t6\n beqz t4, 3f\n ld t6, 0(t6)\n 3:", "exit", "s0"),
    ("fast_reply_recv", "ld t6, 168(t0)", "", "exit", "without a thread in sscratch"),
    ("fast_signal_wake", EXIT, "", "exit", "without writing satp"),
    ("fast_signal_wake", "sd s7, 88(t0)", "", "exit", "s7"),
    ("fast_signal_wake", "ld t6, 168(t0)", "mv t5, t0", "exit", "thread in t6"),
    ("fast_signal", "csrw sscratch, t0", "", "exit", "sscratch"),
    ("fast_signal", "addi t1, t1, 4", "", "exit", "behind the system call"),
    ("fast_signal", "li a0, 0", "", "exit", "a0"),

    ("fast_call", "li t4, 0", "", "scratch", "t4"),
    ("fast_call", "li t4, 0", "li t4, 1", "scratch", "t4"),
    ("fast_call", "li t4, 0", "bnez a0, 3f\n li t4, 0\n 3:", "scratch", "t4"),
    ("fast_call", "li t4, 0", "mv t4, zero", "", None),
    ("fast_signal", "li t3, 0", "", "scratch", "t3"),

    ("fast_call", EXIT, "wfi\n" + EXIT, "unknown", "does not know"),
    ("fast_call", EXIT, "csrs sstatus, t4\n" + EXIT, "unknown", "does not know"),
    ("fast_call", EXIT, ".4byte 0x12345677\n" + EXIT, "unknown", "does not know"),
]


@pytest.mark.parametrize("function,old,new,rule,text", BROKEN)
def test_each_rule(tmp_path, function, old, new, rule, text):
    found = errors(tmp_path, varied(function, old, new))
    if text is None:        # looks odd, and is sound
        assert found == []
        return
    assert all(error.startswith(f"{function}, ") for error in found), found
    assert any(f'": {rule}: ' in error and text in error for error in found), found


def test_error_names_the_instruction(tmp_path):
    done = run(assemble(tmp_path, varied("fast_call", EXIT, "mv a3, t4\n" + EXIT)))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("fast path: fast_call, 80200")
    assert '"c.mv a3,t4": message: writes the message register a3' in done.stderr


def test_reach(tmp_path):
    found = errors(tmp_path, varied("fast_call", "j fast_declined", "j fast_declined\n .skip 3200"))
    assert len(found) == 1 and ": reach: " in found[0] and "reaches 4096" in found[0]


def test_old_value_of_a_loop_is_not_taken_for_the_new_one(tmp_path):
    """Registers that got their values from the same instruction in different rounds differ."""
    loop = "li t3, 2\n 5: mv t5, t6\n ld t6, 0(t6)\n addi t3, t3, -1\n bnez t3, 5b\n csrw sscratch, t5"
    found = errors(tmp_path, varied("fast_call", "csrw sscratch, t6", loop))
    assert any(": exit: returns without sp from the frame" in error for error in found), found


def test_missing_function_is_an_error(tmp_path):
    functions = {name: body for name, body in SOUND.items() if name != "fast_call_long"}
    functions["trap_entry"] = functions["trap_entry"].replace("beqz t1, fast_call_long", "")
    done = run(assemble(tmp_path, functions))
    assert done.returncode == 1 and "lacks fast_call_long" in done.stderr


@pytest.mark.parametrize("preset", ["riscv64-virt", "riscv64-virt-debug", "aarch64-virt", "aarch64-virt-debug",
                                    "x86_64-q35", "x86_64-q35-debug"])
def test_real_kernel_passes(preset):
    kernel = ROOT / "build" / preset / "kernel" / "kernel.elf"
    if not kernel.exists():
        pytest.skip(f"build/{preset} is not built")
    done = run(kernel, preset.split("-")[0])
    assert (done.returncode, done.stderr) == (0, "")

# SPDX-License-Identifier: BSD-2-Clause
"""tools/check_fastpath.py on AArch64: what is different there from test_check_fastpath.py."""

import subprocess

import pytest
from test_check_fastpath import check_fastpath

PAIRS = [(19 + 2 * n, 20 + 2 * n, 32 + 16 * n) for n in range(5)]

SAVE = """
    mrs x16, elr_el1
    mrs x17, sp_el0
    mrs x10, tpidr_el0
    mov x9, sp
    stp x17, x16, [x9]
    stp x29, x10, [x9, #16]
""" + "".join(f"    stp x{a}, x{b}, [x9, #{at}]\n" for a, b, at in PAIRS)

SWITCH = """
    msr ttbr0_el1, x11
    mov sp, x14
    ldp x8, x9, [x14]
    ldp x29, x10, [x14, #16]
""" + "".join(f"    ldp x{a}, x{b}, [x14, #{at}]\n" for a, b, at in PAIRS) + """
    msr sp_el0, x8
    msr elr_el1, x9
    msr spsr_el1, xzr
    msr tpidr_el0, x10
    ldp x8, x9, [x14, #112]
    ldp x10, x11, [x14, #112]
    ldp x12, x13, [x14, #112]
    ldp x15, x16, [x14, #112]
    ldp x17, x18, [x14, #112]
    ldp x30, x14, [x14, #112]
    eret
"""

OPERATIONS = ["fast_reply_recv", "fast_call_long", "fast_reply_recv_long", "fast_signal", "fast_poll", "fast_yield"]
SIMPLE = SAVE + "ldr x14, [x9, #168]\nldr x11, [x14, #144]\nmov x0, #0\n" + SWITCH

# A kernel's entry and fast path in small: as sound as the real one.
SOUND = {
    "trap_entry": """
        stp x16, x17, [sp]
        mrs x17, esr_el1
        mov x16, #0x56000000
        bfi x17, x0, #0, #5
        subs x16, x17, x16
        b.eq fast_call
    """ + "".join(f"    cmp x16, #{n}\n    b.eq {name}\n" for n, name in enumerate(OPERATIONS, 1)) + """
        b not_a_syscall
    """,
    "fast_declined_unsaved": "b .", "fast_declined": "b .", "fast_declined_loading": "b .", "leave_to": "b .",
    "null_call": "b .", "not_a_syscall": "b .", "fast_resume_event": "b .",
    # One path that switches, and one that declines.
    "fast_call": SAVE + """
        ldr x14, [x9, #168]
        ldr x11, [x14, #144]
        cbz x11, 1f
        str x9, [x14, #168]
        ldr x0, [x14, #8]
    """ + SWITCH + """
    1:  b fast_declined
    """,
    "fast_reply_recv": SIMPLE, "fast_reply_recv_long": SIMPLE,
    # Uses saved registers in a loop, and then declines.
    "fast_call_long": SAVE + """
        ldr x20, [x9, #168]
        mov x12, #8
        mov x13, x20
    2:  ldp x21, x22, [x13], #16
        ldrb w23, [x13, #-1]
        subs x12, x12, #1
        b.ne 2b
        mov x15, x0
        ldr w0, [x20, #4]
        cbz w0, 1f
        mov x14, x20
        ldr x11, [x20, #144]
    """ + SWITCH + """
    1:  mov x0, x15
        b fast_declined_loading
    """,
    "fast_signal_wake": SAVE + "ldr x14, [x9, #168]\nldr x11, [x14, #144]\nmsr ttbr0_el1, x11\nmov sp, x14\nb leave_to",
    "fast_yield_to": SAVE + "mov x14, x9\nldr x11, [x14, #144]\nmov x0, #0\n" + SWITCH,
    "fast_signal": """
        mov x8, sp
        ldp x9, x10, [x8, #128]
        and x10, x10, x0
        ldr x11, [x9, x10]
        tbz w11, #2, 1f
        str x11, [x9, #8]
        ldp x8, x9, [sp, #112]
        ldp x10, x11, [sp, #112]
        ldp x16, x17, [sp, #112]
        mov x0, #0
        eret
    1:  b fast_declined_unsaved
    """,
    "fast_poll": "mov x16, #1\nmov x17, #2\nb fast_resume_event",
    "fast_yield": "b fast_yield_to",
}


def errors(folder, functions):
    text = '.section .text, "ax"\n'
    for name, body in functions.items():
        text += f".globl {name}\n.type {name}, @function\n{name}:\n{body}\n.size {name}, . - {name}\n"
    (folder / "kernel.S").write_text(text)
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0x40200000",
                    "-Wl,-e,trap_entry", "kernel.S", "-o", "kernel.elf"], cwd=folder, check=True)
    found, _ = check_fastpath.check(check_fastpath.Aarch64(), str(folder / "kernel.elf"))
    return [str(error) for error in found]


def test_sound_kernel_passes(tmp_path):
    assert errors(tmp_path, SOUND) == []


EXIT = "msr ttbr0_el1, x11"     # where the exit begins
BROKEN = [
    # function, what is replaced, by what, the rule, a part of the message
    ("fast_call", EXIT, "bl leave_to\n" + EXIT, "flow", "is a call"),
    ("fast_call", EXIT, "blr x11\n" + EXIT, "flow", "is a call"),
    ("fast_call", EXIT, "cbnz x0, 3f\n br x11\n 3:" + EXIT, "flow", "computed"),
    ("fast_call", "b fast_declined", "b fast_declined_unsaved", "flow", "leaves the function"),
    ("trap_entry", "b.eq fast_poll", "", "flow", "never branches to fast_poll"),

    ("fast_call", EXIT, "str x11, [sp, #-8]\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "stp x11, x12, [sp, #-16]!\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "str x11, [sp, #168]\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "ldr x11, [sp, #168]\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "sub sp, sp, #16\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "add x12, sp, #8\n" + EXIT, "stack", "stack pointer"),
    ("fast_signal", "mov x0, #0", "mov sp, x9\n mov x0, #0", "stack", "stack pointer"),

    ("fast_call", EXIT, "mov x3, x11\n" + EXIT, "message", "x3"),
    ("fast_call", EXIT, "ldr w3, [x14]\n" + EXIT, "message", "x3"),
    ("fast_call", EXIT, "ldp x12, x7, [x14]\n" + EXIT, "message", "x7"),
    ("fast_call", EXIT, "mrs x1, elr_el1\n" + EXIT, "message", "x1"),
    ("fast_signal", "mov x0, #0", "mov x0, #1", "message", "x0"),

    ("fast_call", EXIT, "mov x29, x11\n" + EXIT, "kept", "x29"),
    ("fast_call", "stp x23, x24, [x9, #64]", "mov x23, #1\n stp x23, x24, [x9, #64]", "saved", "x23"),
    ("fast_call", "stp x23, x24, [x9, #64]", "stp w23, w24, [x9, #64]\n mov x23, #1", "saved", "x23"),
    ("fast_call", "stp x23, x24, [x9, #64]", "mov w23, #1\n stp x23, x24, [x9, #64]", "saved", "x23"),
    ("fast_signal", "mov x8, sp", "mov x20, #0\n mov x8, sp", "saved", "x20"),

    ("fast_call", "cbz x11, 1f", "mov x20, x11\n cbz x11, 1f", "decline", "x20"),
    ("fast_call", "cbz x11, 1f", "mov x0, x11\n cbz x11, 1f", "decline", "x0"),
    ("fast_call", "cbz x11, 1f", "str xzr, [x14, #160]\n cbz x11, 1f", "decline", "changed something in memory"),
    ("fast_call", "cbz x11, 1f", "strb wzr, [x14], #1\n cbz x11, 1f", "decline", "changed something in memory"),
    ("fast_call", "cbz x11, 1f", "msr ttbr0_el1, x11\n cbz x11, 1f", "decline", "changed ttbr0_el1"),
    ("fast_call", "cbz x11, 1f", "msr sp_el0, x11\n cbz x11, 1f", "decline", "changed sp_el0"),
    ("fast_call", "cbz x11, 1f", "msr cntv_cval_el0, x11\n cbz x11, 1f", "decline", "changed something in memory"),
    ("fast_call", "cbz x11, 1f", "mov sp, x14\n cbz x11, 1f", "decline", "without the thread in sp"),
    ("fast_call_long", "mov x0, x15", "", "decline", "x0"),
    ("fast_call_long", "stp x29, x10, [x9, #16]", "", "decline", "without x29 in the current thread's frame"),
    ("fast_call_long", "mrs x10, tpidr_el0", "", "decline", "without tpidr_el0 in the current"),
    ("fast_call_long", "mrs x16, elr_el1", "", "decline", "without the program counter"),
    ("trap_entry", "mrs x17, esr_el1", "mrs x8, esr_el1", "decline", "x8"),
    ("trap_entry", "stp x16, x17, [sp]", "str x16, [sp]", "decline", "without the program's x17"),

    ("fast_call", EXIT, "", "exit", "without writing ttbr0_el1"),
    ("fast_call", "mov sp, x14", "", "exit", "x19"),
    ("fast_call", "msr elr_el1, x9", "", "exit", "elr_el1"),
    ("fast_call", "msr sp_el0, x8", "msr sp_el0, x9", "exit", "sp_el0"),
    ("fast_call", "msr tpidr_el0, x10", "", "exit", "tpidr_el0"),
    ("fast_call", "msr spsr_el1, xzr", "", "exit", "clearing spsr_el1"),
    ("fast_call", "msr spsr_el1, xzr", "msr spsr_el1, x8", "exit", "clearing spsr_el1"),
    ("fast_call", "ldp x21, x22, [x14, #48]", "", "exit", "x21"),
    ("fast_call", "ldp x21, x22, [x14, #48]", "ldp x22, x21, [x14, #48]", "exit", "x21"),
    ("fast_call", "ldp x21, x22, [x14, #48]", "ldp w21, w22, [x14, #48]", "exit", "x22"),
    ("fast_call", "stp x27, x28, [x9, #96]", "", "exit", "x28"),
    ("fast_call", "ldr x0, [x14, #8]", "", "exit", "result in x0"),
    ("fast_signal_wake", EXIT, "", "exit", "without writing ttbr0_el1"),
    ("fast_signal_wake", "mov sp, x14", "", "exit", "thread in sp"),
    ("fast_signal", "mov x0, #0", "", "exit", "x0"),
    ("fast_signal", "mov x0, #0", "msr spsr_el1, x8\n mov x0, #0", "exit", "spsr_el1"),

    ("fast_call", "ldp x12, x13, [x14, #112]", "", "scratch", "x12"),
    ("fast_call", "ldp x12, x13, [x14, #112]", "ldp x12, x13, [x14, #128]", "scratch", "x12"),
    ("fast_call", "ldp x12, x13, [x14, #112]", "mov x12, #0\n mov w13, wzr", "scratch", "x13"),
    ("fast_call", "ldp x12, x13, [x14, #112]", "mov x12, #0\n mov x13, #0", "", None),
    ("fast_call", EXIT, "str x0, [x9, #112]\n" + EXIT, "scratch", "has to stay zero"),
    ("fast_signal", "ldp x10, x11, [sp, #112]", "", "scratch", "x10"),
    ("fast_signal", "ldp x16, x17, [sp, #112]", "", "scratch", "x16"),

    ("fast_call", EXIT, "wfi\n" + EXIT, "unknown", "does not know"),
    ("fast_call", EXIT, "paciasp\n" + EXIT, "unknown", "does not know"),
    ("fast_call", EXIT, "ldxr x12, [x14]\n" + EXIT, "unknown", "does not know"),
]


@pytest.mark.parametrize("function,old,new,rule,text", BROKEN)
def test_each_rule(tmp_path, function, old, new, rule, text):
    functions = dict(SOUND)
    assert old in functions[function]
    functions[function] = functions[function].replace(old, new, 1)
    found = errors(tmp_path, functions)
    if text is None:        # looks odd, and is sound
        assert found == []
    else:
        assert any(f": {rule}: " in error and text in error for error in found), found

# SPDX-License-Identifier: BSD-2-Clause
"""tools/check_fastpath.py on x86-64: what is different there from test_check_fastpath.py."""

import subprocess

import pytest
from test_check_fastpath import check_fastpath

EARLY = """
    mov %rcx, 8(%r11)
    mov %rbx, 24(%r11)
"""
SAVE = EARLY + """
    mov %rbp, 32(%r11)
    mov %r12, 40(%r11)
    mov %r13, 48(%r11)
    mov %r14, 56(%r11)
    mov %r15, 64(%r11)
    rdfsbase %rcx
    mov %rcx, 16(%r11)
"""

# Runs the thread in rbx, in the space in r12.
SWITCH = """
    mov %rbx, %gs:0
    mov %r12, %cr3
    swapgs
    xor %ecx, %ecx
    wrgsbase %rcx
    mov 16(%rbx), %rcx
    wrfsbase %rcx
    mov 8(%rbx), %rcx
    mov 0(%rbx), %rsp
    mov 32(%rbx), %rbp
    mov 40(%rbx), %r12
    mov 48(%rbx), %r13
    mov 56(%rbx), %r14
    mov 64(%rbx), %r15
    mov 24(%rbx), %rbx
    mov $0x202, %r11d
    sysretq
"""

AGAIN = "mov %gs:0, %r11\n mov 8(%r11), %rcx\n mov 24(%r11), %rbx\n"    # as when the kernel was entered
SIMPLE = SAVE + "mov 168(%r11), %rbx\n mov 144(%rbx), %r12\n xor %edi, %edi\n" + SWITCH
OPERATIONS = [("fast_call", 31), ("fast_reply_recv", 30), ("fast_call_long", 29), ("fast_reply_recv_long", 28),
              ("fast_signal", 27), ("fast_poll", 26), ("fast_yield", 25)]

# A kernel's entry and fast path in small: as sound as the real one.
SOUND = {
    "trap_entry": """
        swapgs
        mov %gs:0, %r11
        mov %rsp, 0(%r11)
        mov %gs:32, %rsp
    """ + "".join(f"    test ${mask}, %dil\n    jz {name}\n" for name, mask in OPERATIONS) + """
        mov %rcx, 8(%r11)
        mov %rbx, 24(%r11)
        lea -14(%rdi), %ecx
        test $31, %cl
        jz null_call
    """,
    "fast_declined_unsaved": "jmp .", "fast_declined": "jmp .", "fast_declined_loading": "jmp .", "leave_to": "jmp .",
    "null_call": "jmp .", "fast_resume_event": "jmp .",
    # One path that switches, and one that declines.
    "fast_call": SAVE + """
        mov 168(%r11), %rbx
        mov 144(%rbx), %r12
        test %r12, %r12
        jz 1f
        mov %r11, 168(%rbx)
        mov 8(%rbx), %rdi
    """ + SWITCH + """
    1:  mov %gs:0, %r11
        jmp fast_declined_loading
    """,
    "fast_reply_recv": SIMPLE,
    # Uses its stack, and borrows a message register.
    "fast_call_long": SAVE + """
        sub $16, %rsp
        mov %rdi, 8(%rsp)
        mov 168(%r11), %rbx
        mov 144(%rbx), %r12
        test %r12, %r12
        jz 1f
        mov %rsi, %r13
        mov 200(%r11), %rsi
        mov 200(%rbx), %rdi
        mov $4, %ecx
        rep movsq
        mov %r13, %rsi
        mov 8(%rbx), %rdi
    """ + SWITCH + """
    1:  mov 8(%rsp), %rdi
        mov %gs:0, %r11
        jmp fast_declined_loading
    """,
    "fast_reply_recv_long": SIMPLE,
    "fast_signal_wake": SAVE + "mov 168(%r11), %rax\n mov 144(%rax), %r12\n mov %rax, %gs:0\n mov %r12, %cr3\n jmp leave_to",
    "fast_yield_to": SAVE + "rdtsc\n mov 168(%r11), %rax\n mov 144(%rax), %r12\n mov %rax, %gs:0\n mov %r12, %cr3\n"
                            "jmp leave_to",
    "fast_signal": EARLY + """
        mov 128(%r11), %rbx
        mov 0(%rbx), %rcx
        test %rcx, %rcx
        jz 1f
        cmpq $0, 8(%rbx)
        jne 2f
        mov %rcx, 8(%rbx)
    """ + AGAIN + """
        mov 0(%r11), %rsp
        mov $0x202, %r11d
        swapgs
        xor %edi, %edi
        sysretq
    1:  mov %gs:0, %r11
        mov 24(%r11), %rbx
        jmp fast_declined_unsaved
    2:  """ + AGAIN + """
        jmp fast_signal_wake
    """,
    "fast_poll": EARLY + """
        mov 128(%r11), %rcx
        mov 0(%rcx), %rbx
        mov 8(%rcx), %rcx
        mov %gs:0, %r11
        jmp fast_resume_event
    """,
    "fast_yield": EARLY + "mov 184(%r11), %rcx\n" + AGAIN + "jmp fast_yield_to",
}


def errors(folder, functions):
    text = '.section .text, "ax"\n'
    for name, body in functions.items():
        text += f".globl {name}\n.type {name}, @function\n{name}:\n{body}\n.size {name}, . - {name}\n"
    (folder / "kernel.S").write_text(text)
    subprocess.run(["x86_64-linux-gnu-gcc", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none",
                    "-Wl,-Ttext=0x200000", "-Wl,-e,trap_entry", "kernel.S", "-o", "kernel.elf"], cwd=folder, check=True)
    found, _ = check_fastpath.check(check_fastpath.X86_64(), str(folder / "kernel.elf"))
    return [str(error) for error in found]


def test_sound_kernel_passes(tmp_path):
    assert errors(tmp_path, SOUND) == []


EXIT = "mov %rbx, %gs:0"        # where the exit begins
BROKEN = [
    # function, what is replaced, by what, the rule, a part of the message
    ("fast_call", EXIT, "call leave_to\n" + EXIT, "flow", "is a call"),
    ("fast_call", EXIT, "call *%r12\n" + EXIT, "flow", "is a call"),
    ("fast_call", EXIT, "jz 3f\n jmp *%r12\n 3:" + EXIT, "flow", "computed"),
    ("fast_call", "jmp fast_declined_loading", "jmp fast_declined_unsaved", "flow", "leaves the function"),
    ("trap_entry", "jz fast_poll", "", "flow", "never branches to fast_poll"),

    ("fast_call", EXIT, "mov %r12, -8(%rsp)\n" + EXIT, "stack", "stack pointer"),
    ("fast_call", EXIT, "push %r12\n" + EXIT, "stack", "stack pointer"),
    ("trap_entry", "mov %rsp, 0(%r11)", "mov %rsp, 16(%r11)", "stack", "stack pointer"),
    ("trap_entry", "mov %gs:32, %rsp", "mov %gs:40, %rsp", "stack", "stack pointer"),

    ("fast_call", EXIT, "mov %r12, %r9\n" + EXIT, "message", "r9"),
    ("fast_call", EXIT, "mov %r12d, %eax\n" + EXIT, "message", "rax"),
    ("fast_call", EXIT, "rdtsc\n" + EXIT, "message", "rdx"),
    ("fast_call", EXIT, "mov %rsi, %r13\n mov %r12, %rsi\n mov %r13, %rsi\n" + EXIT, "message", "rsi"),
    ("fast_call_long", "mov %r13, %rsi", "", "message", "rsi"),
    ("fast_poll", "mov 0(%rcx), %rbx", "mov 0(%rcx), %rbx\n mov %rbx, %rdi", "message", "rdi"),

    ("fast_call", EXIT, "mov %r12, %rbp\n" + EXIT, "kept", "rbp"),

    ("fast_call", "mov %r12, 40(%r11)", "mov %rbp, %r12\n mov %r12, 40(%r11)", "saved", "r12"),
    ("fast_poll", "mov 0(%rcx), %rbx", "mov 0(%rcx), %rbx\n mov %rbx, %r12", "saved", "r12"),
    ("fast_poll", "mov %rbx, 24(%r11)", "", "saved", "rbx"),

    ("fast_call", "test %r12, %r12", "mov %r12, %rdi\n test %r12, %r12", "decline", "rdi"),
    ("fast_call", "test %r12, %r12", "mov %r11, 168(%rbx)\n test %r12, %r12", "decline", "changed something in memory"),
    ("fast_call", "test %r12, %r12", "mov %r12, %cr3\n test %r12, %r12", "decline", "changed cr3"),
    ("fast_call", "test %r12, %r12", "wrfsbase %r12\n test %r12, %r12", "decline", "changed fsbase"),
    ("fast_call", "1:  mov %gs:0, %r11", "1:  mov %rbx, %r11", "decline", "without the thread in r11"),
    ("fast_call", "mov %r14, 56(%r11)", "", "decline", "without r14 in the current thread's frame"),
    ("fast_call", "mov %rcx, 8(%r11)", "", "decline", "without the program counter"),
    ("fast_call_long", "1:  mov 8(%rsp), %rdi", "1:  mov 0(%rsp), %rdi", "decline", "rdi"),
    # The slow path counts on rbx being the program's.
    ("fast_signal", "mov 24(%r11), %rbx\n        jmp", "jmp", "decline", "rbx"),
    ("fast_signal", "mov 24(%r11), %rbx\n        jmp", "mov 32(%r11), %rbx\n jmp", "decline", "rbx"),
    ("fast_yield", "mov 24(%r11), %rbx", "mov 32(%r11), %rbx", "decline", "rbx"),
    ("fast_yield", "mov 8(%r11), %rcx", "", "decline", "rcx"),
    ("trap_entry", "mov %rsp, 0(%r11)", "", "decline", "without the program's rsp in the frame"),
    ("trap_entry", "swapgs", "", "decline", "in gs"),
    ("trap_entry", "mov %gs:32, %rsp", "", "decline", "in rsp"),

    ("fast_call", "mov %rbx, %gs:0", "", "exit", "frame of the thread in gs:0"),
    ("fast_call", "mov %r12, %cr3", "", "exit", "without writing cr3"),
    ("fast_call", "swapgs", "", "exit", "gs"),
    ("fast_call", "wrgsbase %rcx", "", "exit", "gsbase"),
    ("fast_call", "xor %ecx, %ecx", "mov %r12, %rcx", "exit", "gsbase"),
    ("fast_call", "wrfsbase %rcx", "", "exit", "fsbase"),
    ("fast_call", "mov 8(%rbx), %rcx", "mov 16(%rbx), %rcx", "exit", "rcx"),
    ("fast_call", "mov 0(%rbx), %rsp", "", "exit", "rsp"),
    ("fast_call", "mov 48(%rbx), %r13", "", "exit", "r13"),
    ("fast_call", "mov 48(%rbx), %r13", "mov 56(%rbx), %r13", "exit", "r13"),
    ("fast_call", "mov 48(%rbx), %r13", "mov 48(%rbx), %r13d", "exit", "r13"),
    ("fast_call", "mov $0x202, %r11d", "", "exit", "r11"),
    ("fast_call", "mov $0x202, %r11d", "mov $0x302, %r11d", "exit", "r11"),
    ("fast_call", "mov 8(%rbx), %rdi", "", "exit", "result in rdi"),
    ("fast_signal_wake", "mov %r12, %cr3", "", "exit", "without writing cr3"),
    ("fast_signal", "mov 0(%r11), %rsp", "", "exit", "rsp"),
    ("fast_signal", "xor %edi, %edi", "", "exit", "rdi"),
    ("fast_poll", "mov %gs:0, %r11", "mov %rbx, %r11", "exit", "without the thread in r11"),

    ("fast_call", EXIT, "hlt\n" + EXIT, "unknown", "does not know"),
    ("fast_call", EXIT, "wrmsr\n" + EXIT, "unknown", "does not know"),
]


@pytest.mark.parametrize("function,old,new,rule,text", BROKEN)
def test_each_rule(tmp_path, function, old, new, rule, text):
    functions = dict(SOUND)
    assert old in functions[function]
    functions[function] = functions[function].replace(old, new, 1)
    found = errors(tmp_path, functions)
    assert all(error.startswith(f"{function}, ") for error in found), found
    assert any(f'": {rule}: ' in error and text in error for error in found), found

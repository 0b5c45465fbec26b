# SPDX-License-Identifier: BSD-2-Clause
"""cmake/check_tree.py accepts a sound tree, and each rule finds what it is for."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "cmake" / "check_tree.py"

spec = importlib.util.spec_from_file_location("check_tree", CHECK)
check_tree = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = check_tree     # for its dataclasses
spec.loader.exec_module(check_tree)

LICENCE = "SPDX-License-Identifier: BSD-2-Clause"


def c(text):
    return f"/* {LICENCE} */\n{text}"


def header(text):
    return c("#pragma once\n" + text)


# A tree in small. Everything that UPWARDS allows is in it, or that would be a violation.
SOUND = {
    "cmake/check_tree.py": f"# {LICENCE}\n",
    "kernel/main.c": c('#include "api/syscall.h"\n#include "boot.h"\n'
                       "void kernel_boot(void)\n{\n    syscall();\n}\n"),
    "kernel/boot.h": header('#include "base/types.h"\nvoid kernel_boot(void);\n'),
    "kernel/base/types.h": header("typedef unsigned long word;\n#define INLINE static inline\n"),
    "kernel/base/config.h": header("#ifndef CONFIG_DEBUG\n#define CONFIG_DEBUG 0\n#endif\n"),
    "kernel/base/print.c": c('#include "arch/arch.h"\nstatic void put(void)\n{\n    arch_put();\n}\n'
                             "void (*const putter)(void) = put;\n"),
    "kernel/arch/arch.h": header('#include "base/types.h"\nvoid arch_put(void);\n#include "hot.h"\n'),
    "kernel/object/thread.h": header('#include "arch/arch.h"\nstruct tcb {\n    word pc;\n};\n'),
    "kernel/arch/x86_64/boot.c": c('#include "object/thread.h"\n'), "kernel/arch/riscv64/boot.c": c(""),
    "kernel/sched/sched.h": header('#include "object/thread.h"\nstruct cpu {\n    struct tcb *current;\n};\n'),
    "kernel/ipc/ipc.c": c('#include "fast.h"\n#include "sched/sched.h"\n'
                          "static word now(void)\n{\n    return arch_now();\n}\nword (*const clock)(void) = now;\n"),
    "kernel/api/syscall.h": header("void syscall(void);\n"),
    "kernel/api/syscall.c": c('#include "api/syscall.h"\n#include "invocations.h"\n'
                              "void syscall(void)\n{\n    invoke();\n}\n"),
    "libsys/include/tessera/print.h": header("void sys_print(char const *text);\n"),
    "libsys/core/print.c": c("#include <tessera/print.h>\nvoid sys_print(char const *text)\n{\n    (void)text;\n}\n"),
    "servers/init/init.c": c("#include <tessera/print.h>\nint main(void)\n{\n    sys_print(\"\");\n    return 0;\n}\n"),
}
for name in ("host", "riscv64", "x86_64"):
    SOUND |= {
        f"kernel/arch/{name}/hot.h": header('#include "base/types.h"\nINLINE word arch_now(void)\n{\n    return 0;\n}\n'),
        f"kernel/arch/{name}/fast.h": header('#include "object/thread.h"\n'),
        f"kernel/arch/{name}/cpu.c": c('#include "api/syscall.h"\n#include "object/thread.h"\n'
                                       "void arch_put(void)\n{\n}\n"),
        f"kernel/arch/{name}/pmu.c": c('#include "base/types.h"\n'),
    }
SOUND |= {"kernel/arch/riscv64/riscv.h": header(""), "kernel/arch/x86_64/x86_64.h": header("#ifndef __ASSEMBLER__\n#endif\n"),
          "kernel/arch/riscv64/trap.S": c(".globl trap_entry\ntrap_entry:\n    j kernel_boot\n    .dword trap_entry\n"),
          "kernel/arch/x86_64/trap.S": c("")}
GENERATED = {"kernel/invocations.h": header("void invoke(void);\n"), "kernel/decode.c": c("void invoke(void)\n{\n}\n")}


def plant(folder, changes=()):
    """Writes the sound tree, changed: a text replaces a file's, or follows it if it begins with "+"; None deletes."""
    files = dict(SOUND)
    for path, text in dict(changes).items():
        files[path] = files[path] + text[1:] if text and text[0] == "+" else text
    for path, text in files.items():
        if text is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    for path, text in GENERATED.items():
        (folder / "build/generated" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "build/generated" / path).write_text(text)
    commands = [{"directory": str(folder), "file": str(folder / path), "output": "x.o",
                 "command": f"gcc -Werror -Ikernel -Ikernel/arch/host -Ibuild/generated/kernel -Ilibsys/include "
                            f"-o x.o -c {folder / path}"}
                for path in files if path.endswith(".c") and "x86" not in path and "riscv" not in path]
    (folder / "build/compile_commands.json").write_text(json.dumps(commands))
    return ["--root", folder, "--generated", folder / "build/generated",
            "--compile-commands", folder / "build/compile_commands.json"]


def run(arguments):
    return subprocess.run([sys.executable, CHECK, *arguments], capture_output=True, text=True)


def test_sound_tree_passes(tmp_path):
    done = run(plant(tmp_path))
    assert (done.stderr, done.stdout, done.returncode) == ("", "tree: ok\n", 0)


TO_DO = "TO" + "DO"         # in two pieces: this file is checked too
IF = "#if" + " 1\n#endif\n"
ELSEWHERE = "../" + "shared"
VIOLATIONS = {
    "licence": ({"servers/init/init.c": "int main(void)\n{\n    sys_print(0);\n}\n"}, ["servers/init/init.c:1: names no licence"]),
    "licence of a script": ({"tools/x.py": "\n\n\n# " + LICENCE}, ["tools/x.py:1: names no licence"]),
    "unfinished": ({"libsys/core/print.c": f"+/* {TO_DO}: more */\n"}, [f"libsys/core/print.c:7: says {TO_DO}"]),
    "elsewhere": ({"tools/x.py": f"# {LICENCE}\n# see {ELSEWHERE}/x.md\n"}, ["tools/x.py:2: speaks of"]),
    "conditional": ({"kernel/ipc/ipc.c": "+" + IF}, ["kernel/ipc/ipc.c:9: #if outside kernel/base"]),
    "conditional, indented": ({"libsys/core/print.c": "+  # ifdef X\n#endif\n"}, ["libsys/core/print.c:7: #ifdef outside"]),
    "conditional for assembly": ({"kernel/arch/x86_64/hot.h": "+#ifndef __ASSEMBLER__\n#endif\n"},
                                 ["kernel/arch/x86_64/hot.h:8: #ifndef outside"]),
    "once": ({"kernel/arch/host/fast.h": c('#include "object/thread.h"\n')}, ["kernel/arch/host/fast.h:1: lacks #pragma once"]),
    "layers": ({"kernel/object/thread.h": '+#include "sched/sched.h"\n'},
               ['kernel/object/thread.h:7: includes "sched/sched.h", which lies above it']),
    "layers: base": ({"kernel/base/types.h": '+#include "arch/arch.h"\n'},
                     ['kernel/base/types.h:5: includes "arch/arch.h", which lies above it']),
    "layers: one processor": ({"kernel/ipc/ipc.c": '+#include "arch/riscv64/riscv.h"\n'},
                              ['kernel/ipc/ipc.c:9: includes "arch/riscv64/riscv.h" of one processor']),
    "layers: none": ({"kernel/new/x.c": c('#include "base/types.h"\n')}, ['kernel/new/x.c:2: "new/x.c" is in no layer']),
    "layers: nobody needs the exception": (
        {"kernel/base/print.c": c("")},
        ["cmake/check_tree.py:1: UPWARDS allows ('base/print.c', 'arch/arch.h'), which nothing needs",
         "kernel/arch/arch.h:4: nothing calls arch_put()"]),
    "architectures": ({"kernel/arch/riscv64/timer.c": c("")},
                      ["kernel/arch/x86_64:1: lacks timer.c, which riscv64 has"]),
    "architectures: header": ({"kernel/arch/x86_64/x86_64.h": None},
                              ["kernel/arch/x86_64:1: lacks its own header, which riscv64 has"]),
    "architectures: host lacks": ({"kernel/arch/host/fast.h": None},
                                  ["kernel/arch/host:1: lacks fast.h"]),
    "architectures: host has": ({"kernel/arch/host/trap.S": c("")}, ["kernel/arch/host:1: has trap.S"]),
    "architectures: libsys": ({"libsys/arch/riscv64/start.S": c(""), "libsys/arch/x86_64/tls.c": c("")},
                              ["libsys/arch/riscv64:1: lacks tls.c", "libsys/arch/x86_64:1: lacks start.S"]),
    "uncalled": ({"kernel/api/syscall.h": "+void syscall_more(void);\n",
                  "kernel/api/syscall.c": "+void syscall_more(void)\n{\n}\n"},
                 ["kernel/api/syscall.c:8: nothing calls syscall_more()"]),
    "uncalled, but spoken of": (
        {"libsys/core/print.c": "+/* sys_more() */\nvoid sys_more(void)\n{\n    sys_print(\"sys_more\");\n}\n"},
        ["libsys/core/print.c:8: nothing calls sys_more()"]),
    "uncalled in a program, though another one has the name": (
        {"servers/one/x.c": c("void f(void)\n{\n}\n"), "servers/two/x.c": c("static void g(void)\n{\n    f(); g();\n}\n")},
        ["servers/one/x.c:2: nothing calls f()"]),
    "uncalled inline": ({"kernel/base/types.h": "+INLINE word word_more(word x)\n{\n    return x + 1;\n}\n"},
                        ["kernel/base/types.h:5: nothing calls word_more()"]),
    "called by its file only": (
        {"kernel/api/syscall.h": "+void syscall_more(void);\n",
         "kernel/api/syscall.c": "+void syscall_more(void)\n{\n    syscall_more();\n}\n"},
        ["kernel/api/syscall.c:8: a header declares syscall_more(), which only this file calls"]),
    "header alone": ({"kernel/ipc/ipc.h": header("void ipc(struct tcb *, word);\n")},
                     ["kernel/ipc/ipc.h:1: does not compile by itself", "kernel/ipc/ipc.h:3: nothing calls ipc()"]),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_each_rule(tmp_path, name):
    changes, expected = VIOLATIONS[name]
    done = run(plant(tmp_path, changes))
    lines = sorted(done.stderr.splitlines())
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, sorted(expected)):
        assert line.startswith(start)
    assert done.returncode == 1


CALLS = {
    "static, though another program's header has the name": {
        "servers/init/init.c": "+static void more(void)\n{\n    more();\n}\n", "servers/other/more.h": header("void more(void);\n"),
        "servers/other/x.c": c("static void f(void)\n{\n    f();\n    more();\n}\n")},
    "from assembly": {"kernel/arch/riscv64/trap.S": "+    call more\n", "kernel/arch/riscv64/cpu.c": "+void more(void)\n{\n}\n"},
    "from inline assembly": {"kernel/arch/riscv64/cpu.c": '+void more(void)\n{\n}\nstatic word f(void)\n{\n'
                                                          '    __asm__("j more");\n    return f();\n}\n'},
    "through a pointer": {"servers/init/init.c": "+static void more(void)\n{\n}\nvoid (*x)(void) = more;\n"},
    "from generated code": {"kernel/ipc/ipc.c": "+void invoke(void)\n{\n}\n"},
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_seen(tmp_path, name):
    assert run(plant(tmp_path, CALLS[name])).stderr == ""


def test_header_of_an_architecture_that_is_not_built(tmp_path):
    """Its flags are not known: the build for that processor checks it."""
    assert run(plant(tmp_path, {"kernel/arch/x86_64/hot.h": header("INLINE nonsense arch_now(void)\n{\n}\n")})).stderr == ""

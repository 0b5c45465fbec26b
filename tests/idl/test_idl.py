# SPDX-License-Identifier: BSD-2-Clause
"""The interface compiler: what it keeps, what it refuses, and what its code does with messages."""

import ast
import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
import regenerate  # noqa: E402
from idlc import __main__ as idlc  # noqa: E402
from idlc import compat, parse, vectors  # noqa: E402
from idlc.diagnostics import IdlError  # noqa: E402

KEPT = dict(regenerate.generated())
COMPILER = os.environ.get("CC", "gcc")
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/libsys/include", f"-I{HERE}/host/include"]
REGISTERS = (5, 6)      # message registers of x86-64, and of the others


def sources():
    return [*sorted((ROOT / "idl").glob("*.idl")), HERE / "everything.idl", HERE / "other.idl", ROOT / "tests/boot/files.idl",
            ROOT / "tests/restart/ledger.idl"]


# ---- What is kept in the repository ----------------------------------------------------------------

@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_kept(path):
    kept = path.read_text("utf-8") if path.exists() else ""
    difference = "\n".join(difflib.unified_diff(
        kept.splitlines(), KEPT[path].splitlines(), "kept", "generated now", lineterm=""))
    if difference:
        pytest.fail(f"{path.relative_to(ROOT)} is not what is generated now. If the change is meant (in golden/ it is "
                    f"one of the ABI), run tests/idl/regenerate.py and commit what it writes.\n{difference}", pytrace=False)


def test_nothing_else_is_kept():
    for folder, pattern in ((ROOT / "idl/golden", "*"), (HERE / "bad", "*.txt"), (HERE / "compat", "*.txt")):
        assert sorted(folder.glob(pattern)) == sorted(p for p in KEPT if p.parent == folder)
    # Other pages of that folder come from elsewhere.
    pages = [p for p in (ROOT / "docs/reference").glob("*") if "Generated from" in p.read_text("utf-8")[:200]]
    assert sorted(pages) == sorted(p for p in KEPT if p.parent == ROOT / "docs/reference")


# ---- Bad inputs ------------------------------------------------------------------------------------

BAD = sorted(regenerate.BAD.glob("*.idl"))


@pytest.mark.parametrize("source", BAD, ids=lambda source: source.stem)
def test_bad_input_is_refused(source):
    """With the error that its name begins with; the whole message is in the .txt (test_kept)."""
    assert f"({source.name[:4]})" in KEPT[source.with_suffix(".txt")]


def problem_lines():
    """The lines of parse.py that find a problem."""
    tree = ast.parse(Path(parse.__file__).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            codes = [a.value for a in node.args if isinstance(a, ast.Constant) and re.fullmatch(r"E\d+", str(a.value))]
            if name in ("problem", "Problem") and codes:
                yield node.lineno, codes[0]


def test_each_problem_has_a_bad_input(monkeypatch):
    found = set()

    def noting(*args):
        frame = sys._getframe(1)
        found.add((frame.f_back if frame.f_code.co_name == "problem" else frame).f_lineno)
        return problem(*args)

    problem = parse.Problem
    monkeypatch.setattr(parse, "Problem", noting)
    for source in BAD:
        regenerate.refusal(source)
    lines = dict(problem_lines())
    assert len(lines) > 30 and found <= set(lines)
    missing = [f"parse.py:{line} ({code})" for line, code in sorted(lines.items()) if line not in found]
    assert not missing, "write an input for each of these into tests/idl/bad, then run tests/idl/regenerate.py"


# ---- The page of errors ----------------------------------------------------------------------------

ERROR_PAGE = ROOT / "docs/reference/idl-errors.md"
EXAMPLES = re.findall(r"^## (E\d+):.*?^Wrong:\n\n```\n(.*?)^```\n\nRight:\n\n```\n(.*?)^```", ERROR_PAGE.read_text("utf-8"),
                      re.M | re.S)


def test_each_error_has_a_section():
    assert [code for code, _, _ in EXAMPLES] == sorted(set(code for _, code in problem_lines()) | {"E001"})
    assert len(re.findall(r"^## ", ERROR_PAGE.read_text("utf-8"), re.M)) == len(EXAMPLES)


@pytest.mark.parametrize("code, wrong, right", EXAMPLES, ids=[code for code, _, _ in EXAMPLES])
def test_examples_of_errors(tmp_path, code, wrong, right):
    (tmp_path / "wrong.idl").write_text(wrong)
    (tmp_path / "right.idl").write_text(right)
    with pytest.raises(IdlError) as found:
        parse.load(tmp_path / "wrong.idl")
    assert {problem.code for problem in found.value.problems} == {code}
    parse.load(tmp_path / "right.idl")


# ---- The command line ------------------------------------------------------------------------------

def run(capsys, *arguments):
    """(exit code, what was written to stderr)"""
    try:
        code = idlc.main([str(a) for a in arguments])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


def test_missing_file(capsys, tmp_path):
    path = tmp_path / "none.idl"
    assert run(capsys, path) == (2, f"idlc: {path}: No such file or directory\n")


def test_folder_for_a_file(capsys, tmp_path):
    assert run(capsys, tmp_path) == (2, f"idlc: {tmp_path}: Is a directory\n")


def test_not_utf8(capsys, tmp_path):
    path = tmp_path / "latin.idl"
    path.write_bytes("library latin;\n// für\n".encode("latin-1"))
    assert run(capsys, path) == (2, f"idlc: {path}:2: this is no UTF-8; save the file as UTF-8\n")


@pytest.mark.parametrize("emit", ["rust=out", "types", "types=", "=out"])
def test_unknown_kind(capsys, tmp_path, emit):
    code, err = run(capsys, HERE / "everything.idl", "--emit", f"json={tmp_path}/json", "--emit", emit)
    assert code == 2
    assert f'argument --emit: "{emit}": write one of types, decode, ' in err and "then = and a file" in err
    assert not list(tmp_path.iterdir())


def test_output_that_cannot_be_written(capsys, tmp_path):
    assert run(capsys, HERE / "everything.idl", "--emit", f"json={tmp_path}") == (2, f"idlc: {tmp_path}: Is a directory\n")


def test_bad_input_writes_nothing(capsys, tmp_path):
    source = HERE / "bad" / "E019_octal.idl"
    code, err = run(capsys, source, "--emit", f"types={tmp_path}/out.h")
    assert code == 1 and f"{source}:4:14: " in err
    assert not list(tmp_path.iterdir())


def test_output_is_touched_only_when_it_changes(capsys, tmp_path):
    out = tmp_path / "out.h"
    emit = ["--emit", f"types={out}"]
    assert run(capsys, HERE / "everything.idl", *emit) == (0, "")
    os.utime(out, (1, 1))
    assert run(capsys, HERE / "everything.idl", *emit) == (0, "")
    assert out.stat().st_mtime == 1
    assert run(capsys, ROOT / "idl" / "plan.idl", *emit) == (0, "")
    assert out.stat().st_mtime > 1


@pytest.mark.parametrize("new, old", regenerate.VERSIONS.items())
def test_versions_are_compared(capsys, new, old):
    """What is said is in the .txt (test_kept); 1 if something breaks."""
    code = idlc.main(["--compat", str(regenerate.COMPAT / f"{old}.idl"), str(regenerate.COMPAT / f"{new}.idl")])
    assert capsys.readouterr().out == KEPT[regenerate.COMPAT / f"{new}.txt"]
    assert code == (new != "fine")


def test_a_version_is_compatible_with_itself():
    for source in [*(ROOT / "idl").glob("*.idl"), HERE / "everything.idl"]:
        assert compat.compare(parse.load(source), parse.load(source)) == []


# ---- The generated C -------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The folder of all headers, generated as the build does."""
    out = tmp_path_factory.mktemp("generated")
    for source in sources():
        library = parse.load(source)
        if library.name == "kernel":
            emits = {"types": "tessera/abi.h", "names": "tessera/names.h", "stubs": "tessera/sys_stubs.h"}
        else:
            emits = {"types": f"idl/{library.name}.h"}
        if library.interfaces:
            emits |= {"client": f"idl/{library.name}_client.h", "async": f"idl/{library.name}_async.h",
                      "server": f"idl/{library.name}_server.h"}
        for kind, name in emits.items():
            idlc.write(out / name, idlc.render(library, kind, source.name))
    return out


def compile_c(generated, *arguments):
    return subprocess.run([COMPILER, *FLAGS, f"-I{generated}", *map(str, arguments)], capture_output=True, text=True)


def test_headers_stand_alone(generated, tmp_path):
    headers = sorted(p.relative_to(generated) for p in generated.rglob("*.h"))
    assert len(headers) >= 19
    for header in headers:
        source = tmp_path / "alone.c"
        # sys_stubs.h is the end of sys.h.
        name = "tessera/sys.h" if header.name == "sys_stubs.h" else header
        source.write_text(f"#include <{name}>\n#include <{name}>\n")
        done = compile_c(generated, "-Wno-error", "-DSYS_MESSAGE_REGISTERS=6", "-fsyntax-only", source)
        # A server defines the handlers that its header declares.
        wrong = [line for line in done.stderr.splitlines()
                 if re.search(r"(warning|error): ", line) and not re.search(r"_(on_.*|shared’|endpoint’) used but never defined", line)]
        assert (done.returncode, wrong) == (0, []), header


@pytest.fixture(scope="session", params=REGISTERS)
def messages(request, generated):
    """The host program with both sides of everything.idl: see host/messages.c."""
    program = generated / f"messages{request.param}"
    done = compile_c(generated, f"-DSYS_MESSAGE_REGISTERS={request.param}", "-Wno-unused-function", "-O1", "-g",
                     "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", program, HERE / "host/messages.c",
                     ROOT / "libsys/core/receive.c", ROOT / "libsys/core/resources.c")
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.parametrize("case", re.findall(r"^CASE\((\w+)\)", (HERE / "host/messages.c").read_text("utf-8"), re.M))
def test_messages(messages, case):
    done = subprocess.run([messages, case], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_language_has_is_used():
    """By interfaces that are there for themselves, and not to test the language."""
    libraries = [parse.load(source) for source in (ROOT / "idl").glob("*.idl") if source.stem != "kernel"]
    methods = [m for library in libraries for i in library.interfaces for m in i.methods]
    params = [p for m in methods for p in m.inputs + m.outputs]
    kinds = {p.type.kind for p in params} | {f.type.kind for library in libraries for s in library.structs for f in s.fields}
    assert kinds == {"int", "enum", "flags", "struct", "array", "list", "bytes", "string", "cap", "buffer"}
    assert {p.type.name for p in params if p.type.kind == "buffer"} == {"in", "out"}
    for found in ((p.type.optional for p in params), (p.type.own for p in params), (m.oneway for m in methods),
                  (m.fast for m in methods), (m.since > 1 for m in methods),
                  (i.removed for library in libraries for i in library.interfaces),
                  (library.buffers for library in libraries), (r.sent for library in libraries for r in library.rings),
                  (not r.sent for library in libraries for r in library.rings), (library.uses for library in libraries),
                  (library.errors for library in libraries), (library.events for library in libraries)):
        assert any(found)


@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_rings(generated, sanitizer):
    """Two threads, with bells for those that sleep: see host/ring.c."""
    program = generated / f"ring-{sanitizer}"
    done = compile_c(generated, "-DSYS_MESSAGE_REGISTERS=6", "-Wno-error=tsan", "-O2", "-g", f"-fsanitize={sanitizer}",
                     "-pthread", "-o", program, HERE / "host/ring.c", ROOT / "libsys/core/ring.c",
                     ROOT / "libsys/core/resources.c")
    assert done.returncode == 0, done.stderr
    for put_batch, take_batch in ((1, 1), (1, 64), (32, 1), (32, 32), (64, 1000)):
        done = subprocess.run([program, "50000", str(put_batch), str(take_batch)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("registers", REGISTERS)
@pytest.mark.parametrize("source", [s for s in sources() if parse.load(s).interfaces], ids=lambda s: s.stem)
def test_vectors(generated, tmp_path, source, registers):
    """What the stubs send and bring back is what the rules of the wire form say: see idlc/vectors.py."""
    (tmp_path / "vectors.c").write_text(vectors.as_c(parse.load(source)))
    done = compile_c(generated, f"-I{HERE}/host", f"-DSYS_MESSAGE_REGISTERS={registers}", "-Wno-unused-function", "-Wno-deprecated-declarations",
                     "-fsanitize=address,undefined", "-o", tmp_path / "vectors", tmp_path / "vectors.c",
                     ROOT / "libsys/core/receive.c", ROOT / "libsys/core/resources.c")
    assert done.returncode == 0, done.stderr
    done = subprocess.run([tmp_path / "vectors"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


FUZZED = ["init", "console", "memory", "bench", "vfs", "files", "everything"]
FUZZ_SECONDS = int(os.environ.get("TESSERA_FUZZ_SECONDS", "20"))
FUZZER = shutil.which("clang-19") or shutil.which("clang")


@pytest.mark.skipif(FUZZER is None, reason="libFuzzer needs clang")
@pytest.mark.parametrize("name", FUZZED)
def test_fuzz(generated, tmp_path, name):
    """Messages of all kinds, from the corpus and beyond, at the skeletons of a library: see host/fuzz.h."""
    source = next(path for path in sources() if path.stem == name)
    (tmp_path / "fuzz.c").write_text(idlc.render(parse.load(source), "fuzz", source.name))
    done = subprocess.run(
        [FUZZER, *FLAGS, "-Wno-unused-function", f"-I{generated}", f"-I{HERE}/host", "-DSYS_MESSAGE_REGISTERS=6", "-O1", "-g",
         "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-o", tmp_path / "fuzz", tmp_path / "fuzz.c",
         ROOT / "libsys/core/receive.c", ROOT / "libsys/core/resources.c"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    corpus = HERE / "corpus" / name
    (tmp_path / "new").mkdir()
    done = subprocess.run([tmp_path / "fuzz", f"-max_total_time={FUZZ_SECONDS}", "-max_len=2048", "-verbosity=0",
                           tmp_path / "new", *([corpus] if corpus.exists() else [])],
                          capture_output=True, text=True, cwd=tmp_path, timeout=FUZZ_SECONDS + 120)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_documentation_cannot_end_a_comment(tmp_path):
    source = tmp_path / "sly.idl"
    source.write_text("library sly;\n/// A pattern like */*.c ends here.\nconst LIMIT = 1;\n")
    (tmp_path / "sly.h").write_text(idlc.render(parse.load(source), "types", "sly.idl"))
    (tmp_path / "sly.c").write_text("#include <sly.h>\n")
    done = compile_c(tmp_path, "-fsyntax-only", tmp_path / "sly.c")
    assert done.returncode == 0, done.stderr


def test_all_problems_of_a_file_are_shown_at_once():
    with pytest.raises(IdlError) as wrong:
        parse.load(HERE / "bad" / "E008_out_of_range.idl")
    assert len(wrong.value.problems) == 5


def test_a_number_of_any_length_is_refused(tmp_path):
    source = tmp_path / "huge.idl"
    source.write_text(f"library huge;\nconst HUGE = {'9' * 5000};\n")
    with pytest.raises(IdlError) as wrong:
        parse.load(source)
    assert "is out of range  (E008)" in wrong.value.render()

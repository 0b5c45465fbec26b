# SPDX-License-Identifier: BSD-2-Clause
"""The interface compiler: idlc FILE.idl --emit WHAT=OUTPUT [--emit ...]

or, what a new version of a file does to programs that know the old one: idlc --compat OLD.idl NEW.idl

WHAT is one of the templates: types, decode, invocations, stubs, names, client, async, server, fuzz,
requests, events, docs, abi, json, vectors. OUTPUT is the file to write; it is touched only when its content changes.
"""

import argparse
import json
import sys
from pathlib import Path

import jinja2

from . import c, compat, model, parse, vectors
from .diagnostics import IdlError

TEMPLATES = Path(__file__).parent.parent / "templates"
KINDS = {
    "types": "types.h.j2", "decode": "decode.c.j2", "invocations": "invocations.h.j2", "stubs": "stubs.h.j2",
    "names": "names.h.j2", "client": "client.h.j2", "async": "async.h.j2", "server": "server.h.j2", "fuzz": "fuzz.c.j2", "requests": "requests.c.j2",
    "docs": "docs.md.j2",
    "abi": "abi.txt.j2", "events": "events.h.j2", "json": None, "vectors": None,
}


def environment():
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    env.filters["snake"] = model.snake
    env.filters["upper_snake"] = lambda name: model.snake(name).upper()
    env.filters["comment"] = comment
    env.globals["place"] = place
    env.globals["c"] = c
    env.globals["MIN_REGISTER_WORDS"] = model.MIN_REGISTER_WORDS
    return env


def place(param, kernel):
    """Where in its message a parameter is."""
    t = param.type
    if t.kind == "cap" and not kernel:
        return "last register"
    length = (": whether it is there, then " if t.optional and not kernel else ": ") + (
        "length, then data" if t.counted else "buffer and offset, then length" if t.kind == "buffer" else "data")
    length = length if t.counted or t.kind == "buffer" or (t.optional and not kernel) else ""
    return f"word {param.word}" + (f" behind {param.behind}" if param.behind else "") + length


def comment(text, indent=0, width=100):
    """A C comment of the documentation, or nothing."""
    import textwrap
    if not text:
        return ""
    lines = textwrap.wrap(text.replace("*/", "* /").replace("/*", "/ *"), width - indent - 6)
    pad = " " * indent
    if len(lines) == 1:
        return f"{pad}/* {lines[0]} */\n"
    return f"{pad}/*\n" + "".join(f"{pad} * {line}\n" for line in lines) + f"{pad} */\n"


def as_json(library):
    """What tools need at run time: names by number, and the layout of structures."""
    return json.dumps({
        "library": library.name,
        "errors": {number: {"name": e.name, "text": e.text} for _, number, e in library.all_errors},
        "constants": {c.name: c.value for c in library.consts},
        "enums": {e.name: {m.name: m.value for m in e.members} for e in library.enums},
        "objects": {o.name: {"number": o.number, "size": o.size,
                             "rights": {r.name: r.value for r in o.rights},
                             "methods": {m.name: m.label for m in o.methods}} for o in library.objects},
        "interfaces": {i.name: {m.name: m.label for m in i.methods} for i in library.interfaces},
        "syscalls": {s.name: s.number for s in library.syscalls},
        "events": {e.name: {"number": e.number + library.first_event, "docs": e.docs, "parameters": [
            {"name": p.name, "type": p.type.text, "offset": p.offset, "size": p.type.size} for p in e.params]} for e in library.events},
        "layouts": {l.name: {b.name: [b.low, b.width] for b in l.bits} for l in library.layouts},
        "structs": {s.name: {"size": s.size,
                             "fields": [[f.name, f.offset, f.type.text] for f in s.fields]} for s in library.structs},
    }, indent=1) + "\n"


def write(path, text):
    path = Path(path)
    if path.exists() and path.read_text("utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def render(library, kind, source):
    if kind == "json":
        return as_json(library)
    if kind == "vectors":
        return json.dumps(list(vectors.vectors(library)), indent=1) + "\n"
    return environment().get_template(KINDS[kind]).render(lib=library, source=source).rstrip() + "\n"


def emit_of(text):
    kind, _, output = text.partition("=")
    if kind not in KINDS or not output:
        raise argparse.ArgumentTypeError(f'"{text}": write one of {", ".join(KINDS)}, then = and a file')
    return kind, output


def main(argv=None):
    parser = argparse.ArgumentParser(prog="idlc", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?", help="the interface file")
    parser.add_argument("--compat", nargs=2, metavar=("OLD", "NEW"), help="compares two versions of a file; 1 if something breaks")
    parser.add_argument("--emit", action="append", type=emit_of, default=[], metavar="WHAT=OUTPUT",
                        help="what to write, and where; without it the file is only checked")
    options = parser.parse_args(argv)
    if (options.file is None) == (options.compat is None):
        parser.error("give an interface file, or --compat and two")
    try:
        if options.compat:
            changes = compat.compare(*map(parse.load, options.compat))
            for change in changes:
                print(change)
            return int(any(change.breaks for change in changes))
        library = parse.load(options.file)
        for kind, output in options.emit:
            write(output, render(library, kind, Path(options.file).name))
    except IdlError as error:
        print(error.render(), file=sys.stderr)
        return 1
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        print(f"idlc: {options.file}:{line}: this is no UTF-8; save the file as UTF-8", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"idlc: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

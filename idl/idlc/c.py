# SPDX-License-Identifier: BSD-2-Clause
"""The C of a method's parameters: how functions declare them, how they get into a message and out again.

Two kinds of functions have them. A client's stub takes inputs and has pointers to where outputs go.
A server's skeleton reads inputs into variables, checks them, hands them to a handler, and has
variables for the outputs.
"""

from .model import Memory, snake


def wrap(text, width=100):
    """A function's head, broken at its commas."""
    lines = [text]
    column = text.index("(") + 1
    while len(lines[-1]) > width and (at := lines[-1].rfind(", ", column, width)) > 0:
        lines[-1:] = [lines[-1][:at + 1], " " * column + lines[-1][at + 2:]]
    return "\n".join(lines)


def as_word(p):
    return p.name if p.type.c == "uint64_t" else f"(uint64_t){p.name}"


def count(p):
    """The variable that says how long a value of variable length is."""
    return f"{p.name}_count" if p.type.kind == "list" else f"{p.name}_length"


def all_valid(p):
    """The function that checks the elements of an array or a list."""
    return all_valid_of(p.library, p.type.element)


def all_valid_of(library, element):
    return f"{library}_{snake(element.name).replace('.', '_')}_all_valid"


# ---- Declarations ----------------------------------------------------------------------------------

def declare_input(p, is_client):
    t = p.type
    if t.scalar:
        return ([f"bool has_{p.name}"] if t.optional else []) + [f"{t.c} {p.name}"]
    if t.own and not is_client:
        return ([f"bool has_{p.name}"] if t.optional else []) + [f"uint64_t {p.name}"]
    if t.kind == "cap":
        return [f"{t.c} {p.name}"]
    if t.kind == "buffer":
        const = "const " if t.name == "in" else ""
        return [f"struct sys_range {p.name}"] if is_client else [f"char {const}*{p.name}", f"size_t {p.name}_length"]
    pointed = "void" if t.kind == "bytes" and is_client else t.c
    return [f"{pointed} const *{p.name}"] + ([f"size_t {count(p)}"] if t.counted else [])


def declare_output(p, is_client):
    t = p.type
    pointed = "void" if t.kind == "bytes" and is_client else t.c
    has = [f"bool *has_{p.name}"] if t.optional and t.kind != "cap" else []
    return has + [f"{pointed} *{p.name}"] + ([f"size_t *{count(p)}"] if t.counted else [])


def input_parameters(method, is_client=True):
    return "".join(f", {d}" for p in method.inputs for d in declare_input(p, is_client))


def output_parameters(method, is_client=True):
    return "".join(f", {d}" for p in method.outputs for d in declare_output(p, is_client))


def parameters(method, is_client):
    """Those of the stub (or of the handler) behind its first ones."""
    return input_parameters(method, is_client) + output_parameters(method, is_client)


# ---- Into a message --------------------------------------------------------------------------------

def words(p):
    """The words of a value that can be in registers."""
    if p.type.kind == "buffer":
        return [f"sys_range_word({p.name})", f"{p.name}.length"]
    if p.type.optional:
        return [f"has_{p.name}", f"has_{p.name} ? {as_word(p)} : 0"]
    return [as_word(p)]


def register_words(params):
    return [w for p in params if p.type.kind != "cap" for w in words(p)]


def write(p, is_client):
    """Statements that append a value to the message in the buffer. A skeleton has it in variables."""
    t = p.type
    if t.kind == "cap":
        return []
    if t.plain:
        return [f"sys_write_word(&writer, {word});" for word in words(p)]
    value = p.name if is_client or t.kind != "struct" else f"&{p.name}"
    size = f"{count(p)} * sizeof *{p.name}" if t.kind == "list" else count(p) if t.counted else str(t.size)
    length = [f"sys_write_word(&writer, {count(p)});"] if t.counted else []
    lines = [*length, f"sys_write_struct(&writer, {value}, {size});"]
    if not t.optional:
        return lines
    here = f"{p.name} != NULL" if is_client else f"has_{p.name}"
    return [f"sys_write_word(&writer, {here});", f"if ({here}) {{", *[f"    {line}" for line in lines], "} else {",
            f"    sys_write_zeros(&writer, {1 if t.counted else (t.size + 7) // 8});", "}"]


# ---- Out of a message ------------------------------------------------------------------------------

def sources(p, in_registers, message):
    """Where the words of a value come from."""
    if in_registers:
        return [f"{message}w[{p.word + i}]" for i in range(p.type.words)]
    return ["sys_read_word(&reader)"] * p.type.words


def take(p, is_client):
    """The condition that a value of more than a word could not be read, or is none of its type."""
    t = p.type
    value = p.name if is_client or t.kind != "struct" else f"&{p.name}"
    size = f"sizeof {'*' if is_client and t.kind == 'struct' else ''}{p.name}"
    if t.kind == "array":
        size = str(t.size)
    at = count(p) if is_client else f"&{count(p)}"
    if t.kind == "list":
        wrong = [f"!sys_read_list(&reader, {value}, {at}, {t.bound}, sizeof *{p.name})"]
    elif t.counted and is_client:
        wrong = [f"!sys_read_copy(&reader, {value}, {at}, {t.bound})"]
    elif t.counted:
        wrong = [f"({p.name} = sys_read_bytes(&reader, {at}, {t.bound})) == NULL"]
    else:
        wrong = [f"!sys_read_struct(&reader, {value}, {size})"]
    if t.checked and t.kind == "struct":
        invalid = f"!{t.decl.c}_is_valid({value})"
    elif t.checked:
        elements = t.bound if t.kind == "array" else f"*{count(p)}" if is_client else count(p)
        invalid = f"!{all_valid(p)}({p.name}, {elements})"
    else:
        return " || ".join(wrong)
    has = "*has_" if is_client else "has_"
    return " || ".join([*wrong, f"({has}{p.name} && {invalid})" if t.optional else invalid])


def variables(p):
    """Statements of a skeleton that declare what an input is read into."""
    t = p.type
    if t.kind in ("bytes", "string"):
        return [f"size_t {p.name}_length;", f"char const *{p.name};"]
    if t.kind == "list":
        return [f"size_t {p.name}_count;", f"{t.c} {p.name}[{t.bound}];"]
    if t.kind == "array":
        return [f"{t.c} {p.name}[{t.bound}];"]
    return [f"{t.c} {p.name};"]


def read_input(p, in_registers, server):
    """(statements, condition) for a skeleton: if the condition holds the input is refused."""
    t = p.type
    words_ = sources(p, in_registers, "m->")
    if t.kind == "buffer":
        writes = "true" if t.name == "out" else "false"
        return [f"uint64_t {p.name}_range = {words_[0]};", f"uint64_t {p.name}_length = {words_[1]};",
                f"char *{p.name} = sys_shared_at({server}_shared(server, badge, sys_range_buffer({p.name}_range)),",
                f"                               {p.name}_range, {p.name}_length, {writes});"], f"{p.name} == NULL"
    lines = [f"uint64_t has_{p.name} = {words_[0]};"] if t.optional else []
    if t.scalar:
        lines.append(f"uint64_t {p.name} = {words_[-1]};")
        wrong = t.refused(p.name)
    else:
        lines += variables(p)
        wrong = take(p, False)
    if not t.optional:
        return lines, wrong
    if t.scalar and wrong:
        wrong = f"(has_{p.name} && {wrong})"
    return lines, " || ".join(filter(None, [f"has_{p.name} > 1", wrong]))


def argument(p):
    """What a skeleton hands to the handler for an input."""
    t = p.type
    if t.scalar:
        return ([f"has_{p.name} != 0"] if t.optional else []) + [p.name if t.c == "uint64_t" else f"({t.c}){p.name}"]
    if t.own:
        return ([f"has_{p.name}"] if t.optional else []) + [p.name]
    value = f"&{p.name}" if t.kind == "struct" else p.name
    if t.optional and t.kind != "cap":
        value = f"has_{p.name} ? {value} : NULL"
    length = [count(p)] if t.counted else [f"{p.name}_length"] if t.kind == "buffer" else []
    return [value] + length


def result_variables(p):
    t = p.type
    has = [f"bool has_{p.name} = false;"] if t.optional and t.kind != "cap" else []
    if t.kind in ("bytes", "string", "list"):
        return has + [f"{t.c} {p.name}[{t.bound}];", f"size_t {count(p)} = 0;"]
    if t.kind == "array":
        return has + [f"{t.c} {p.name}[{t.bound}] = {{ 0 }};"]
    return has + [f"{t.c} {p.name} = {'0' if t.scalar and t.name != 'bool' and t.kind != 'enum' else '{ 0 }'};"]


def result_argument(p):
    t = p.type
    has = [f"&has_{p.name}"] if t.optional and t.kind != "cap" else []
    at = p.name if t.counted or t.kind == "array" else f"&{p.name}"
    return has + [at] + ([f"&{count(p)}"] if t.counted else [])


def handler_arguments(method):
    given = [a for p in method.inputs for a in argument(p)] + [a for p in method.outputs for a in result_argument(p)]
    return "".join(f", {a}" for a in given)


def read_output(p, in_registers):
    """Statements for a client's stub: a reply that is none makes it return."""
    t = p.type
    words_ = sources(p, in_registers, "m.")
    refuse = ["    return ERR_BAD_ARGUMENT;", "}"]
    lines = []
    if t.optional:
        lines += [f"word = {words_[0]};", "if (word > 1) {", *refuse, f"*has_{p.name} = word != 0;"]
    if not t.scalar:
        return lines + [f"if ({take(p, True)}) {{", *refuse]
    wrong = t.refused("word")
    if not wrong:
        cast = "" if t.c == "uint64_t" else f"({t.c})"
        return lines + [f"*{p.name} = {cast}{words_[-1]};"]
    if t.optional:
        wrong = f"*has_{p.name} && {wrong}"
    return lines + [f"word = {words_[-1]};", f"if ({wrong}) {{", *refuse, f"*{p.name} = ({t.c})word;"]


def needs_word(params):
    """Whether read_output() uses the variable `word`."""
    return any(p.type.kind != "cap" and (p.type.optional or (p.type.scalar and p.type.refused("word"))) for p in params)


def raw(p):
    """The address of a capability in a variable."""
    return f"{p.name}.cap.raw" if p.type.decl else f"{p.name}.raw"


def receive(p, server):
    """(statements, condition, statements behind it) for a skeleton that takes the capability that came."""
    t = p.type
    if t.own:
        wrong = f"!sys_received_own({server}_endpoint(server), &{p.name})"
        has = [f"bool has_{p.name} = came;"] if t.optional else []
        return [*has, f"uint64_t {p.name} = 0;"], f"came && {wrong}" if t.optional else f"!came || {wrong}", []
    object_ = snake(t.name[7:]).upper() if t.name.startswith("kernel.") else "" if not t.decl else "FRAME" if isinstance(t.decl, Memory) else "ENDPOINT"
    wrong = f"!sys_received_is(OBJECT_{object_})" if object_ else ""
    if t.optional:
        wrong = wrong and f"came && {wrong}"
    else:
        wrong = " || ".join(filter(None, ["!came", wrong]))
    value = "came ? sys_received() : CPTR_NONE" if t.optional else "sys_received()"
    return [], wrong, [f"{t.c} {p.name} = {f'{{ {value} }}' if t.decl else value};"]


def cap_count(p):
    """How many capabilities go along: a C expression."""
    return "0" if p is None else f"{raw(p)} != 0" if p.type.optional else "1"


# ---- The fuzzer's handlers -------------------------------------------------------------------------

def look_at(p):
    """Statements that read all of an input, and check what the skeleton has promised of it."""
    t = p.type
    if t.own or t.kind == "cap":
        return [f"(void){p.name};"] + ([f"(void)has_{p.name};"] if t.own and t.optional else [])
    if t.scalar:
        # A value of a narrower type is one of it; what is left are the gaps of enums and flags.
        number = f"(uint64_t)(uint{8 * t.size}_t){p.name}"
        wrong = t.refused(number) if t.checked and t.name != "bool" else ""
        has = f"has_{p.name} && " if t.optional else ""
        return [f"CHECK(!({has}{wrong}));"] if wrong else [f"(void){p.name};"] + ([f"(void)has_{p.name};"] if t.optional else [])
    size = {"struct": f"sizeof *{p.name}", "array": f"{t.bound} * sizeof *{p.name}", "buffer": f"{p.name}_length",
            "list": f"{p.name}_count * sizeof *{p.name}"}.get(t.kind, f"{p.name}_length")
    lines = [f"fuzz_look({p.name}, {size});"]
    if t.counted:
        lines.insert(0, f"CHECK({count(p)} <= {t.bound});")
    if t.kind == "buffer" and t.name == "out":
        lines.append(f"memset({p.name}, 0x5a, {p.name}_length);")
    if t.checked:
        lines.append(f"CHECK({t.decl.c}_is_valid({p.name}));" if t.kind == "struct" else
                     f"CHECK({all_valid(p)}({p.name}, {t.bound if t.kind == 'array' else count(p)}));")
    return [f"if ({p.name} != NULL) {{", *[f"    {line}" for line in lines], "}"] if t.optional else lines


def make_up(p):
    """Statements that give an output some value."""
    t = p.type
    has = [f"*has_{p.name} = fuzz_number() & 1;"] if t.optional and t.kind != "cap" else []
    if t.kind == "cap":
        return [f"{p.name}->{'cap.' if t.decl else ''}raw = {'fuzz_number() & 1 ? 0 : ' if t.optional else ''}SERVER_PAGE.raw;"]
    if t.kind == "enum":
        return has + [f"*{p.name} = ({t.c}){t.decl.members[0].value}ul;"]
    if t.scalar:
        return has + [f"*{p.name} = ({t.c})fuzz_number();"]
    if t.counted:
        return has + [f"*{count(p)} = fuzz_number() % {t.bound + 1};",
                      f"memset({p.name}, (int)fuzz_number(), *{count(p)} * sizeof *{p.name});"]
    return has + [f"memset({p.name}, (int)fuzz_number(), {t.size});"]


def fuzz_parameter(p):
    """An input in the table of idl/templates/requests.c.j2."""
    t = p.type
    kind, most, size = {
        "cap": ("CAP", 0, 0), "buffer": ("RANGE", (1 << 32) - 1, 0), "struct": ("STRUCT", 0, t.bytes), "array": ("STRUCT", 0, t.bytes),
        "bytes": ("BYTES", t.bound, 0), "string": ("BYTES", t.bound, 0),
        "list": ("LIST", t.bound, t.element.size if t.element else 0)}.get(t.kind, ("NUMBER", most_of(t), 0))
    return f"{{ FUZZ_{kind}, {'true' if t.optional and t.kind != 'cap' else 'false'}, {most:#x}ul, {size} }}"


def most_of(t):
    """The largest value of a scalar."""
    if t.kind in ("enum", "flags"):
        values = [m.value for m in t.decl.members]
        return sum(values) if t.kind == "flags" else max(values)
    return 1 if t.name == "bool" else (1 << 8 * (t.size or 8)) - 1

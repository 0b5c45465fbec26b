# SPDX-License-Identifier: BSD-2-Clause
"""What the compiler says when a file is wrong: where, what, and what to write instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A position in a source file; lines and columns count from 1."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True)
class Problem:
    place: Place
    code: str
    what: str
    advice: str


class IdlError(Exception):
    """One or more problems in one file."""

    def __init__(self, path, text, problems):
        super().__init__(f"{len(problems)} problem(s) in {path}")
        self.path = path
        self.text = text
        self.problems = sorted(set(problems), key=lambda p: (p.place.line, p.place.column, p.code, p.what))

    def render(self):
        return "\n".join(self._render_one(problem) for problem in self.problems)

    def _render_one(self, problem):
        place = problem.place
        lines = self.text.splitlines()
        out = [f"{self.path}:{place.line}:{place.column}: {problem.what}  ({problem.code})"]
        if 0 < place.line <= len(lines):
            source = lines[place.line - 1].replace("\t", " ")
            length = max(1, min(place.length, len(source) - place.column + 1))
            out.append(f"{place.line:5} | {source}")
            out.append(f"      | {' ' * (place.column - 1)}{'^' * length}")
        out.append(f"      = {problem.advice}")
        return "\n".join(out)

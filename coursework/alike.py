"""Which notebooks are the same work?  Equal trees of code, after names, numbers, texts and comments are taken out.

A hint, not a proof: the model answers are public, and a neighbour's code gives nobody a neighbour's numbers.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Sequence

from coursework.course import Student
from coursework.draws import Draws

LEAST = 12  # statements; two short functions are easily the same


def fingerprint(cells: Iterable[str]) -> str:
    """Of all functions that do something; nothing when there is too little to compare."""
    found, size = [], 0
    for source in cells:
        lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
        try:
            for node in ast.walk(ast.parse("\n".join(lines))):
                if isinstance(node, ast.FunctionDef) and not isinstance(node.body[0], ast.Raise):
                    parts = list(ast.walk(node))
                    size += sum(isinstance(n, ast.stmt) for n in parts)
                    found.append(" ".join(type(n).__name__ for n in parts))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()[:12] if size >= LEAST else ""


def groups(codes: dict[str, str]) -> list[list[str]]:
    """Students with the same fingerprint, in groups of two and more."""
    by: dict[str, list[str]] = {}
    for student, code in codes.items():
        if code:
            by.setdefault(code, []).append(student)
    return [members for members in by.values() if len(members) > 1]


def seals(cells: Sequence[str], draws: Draws, students: Sequence[Student]) -> list[str]:
    """Whose sheet is it?  A neighbour's is reported; the marks do not depend on it."""
    text = "\n".join(cells)
    if draws.seal() in text:
        return []
    for other in students:
        if other.student != draws.student and Draws(draws.secret, draws.assignment, other.student).seal() in text:
            return [f"this sheet was made for {other.student}: it is marked with the numbers of {draws.student}"]
    return ["the cell with your seal is missing; nothing is lost by that"]

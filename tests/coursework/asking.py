"""Ask one question of one student's functions, in this process: what RIGHT and WRONG lists are tried with."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

from coursework import assignments
from coursework.assignments import Mark
from coursework.draws import Draws
from coursework.marking import Wrong
from coursework.rehearsal import Own
from coursework.release import notebook

SECRET = b"the secret of the tests, 32 bytes"


def model(name: str, student: str = "ada") -> dict[str, Any]:
    """The names that the model answers leave behind for this student."""
    module = assignments.find(name)
    names: dict[str, Any] = {}
    for cell in notebook(module, Draws(SECRET, module.NAME, student), answers=True).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "<model>", "exec"), names)
    return names


def cells(name: str, student: str = "ada", *, replaced: dict[str, str] | None = None) -> list[str]:
    """The code cells of the model answers; a cell that defines a name in `replaced` becomes that text."""
    module = assignments.find(name)
    book = notebook(module, Draws(SECRET, module.NAME, student), answers=True)
    found = [c.source for c in book.cells if c.cell_type == "code"]
    for function, text in (replaced or {}).items():
        found = [text if f"def {function}(" in c else c for c in found]
    return found


def mark(module: ModuleType, task: str, names: dict[str, Any], student: str = "ada") -> Mark:
    """How this question is marked; a refusal of the student's function is a mark of zero, as it is for real."""
    draws = Draws(SECRET, module.NAME, student)
    theory = module.theory(module.parameters(draws))
    asked = next(t for t in module.TASKS if t.name == task)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return asked.mark(Own(names), draws, theory)
    except Wrong as wrong:
        return Mark(0.0, str(wrong))
    finally:
        torch.set_num_threads(threads)


def variant(name: str, code: str, student: str = "ada") -> dict[str, Any]:
    """The model answers with `code` run after them, which defines some of them anew."""
    names = model(name, student)
    exec(compile(code, "<variant>", "exec"), names)
    return names

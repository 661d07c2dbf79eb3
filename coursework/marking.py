"""How is one notebook marked?  Run its cells once, ask its functions by name, weigh their numbers outside.

Where the sandbox dies, a new one begins at the next question and leaves out the cell that killed the last: a death
costs its own question only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from coursework import calls
from coursework.assignments import Mark
from coursework.cage import Limits
from coursework.draws import Draws
from coursework.sandbox import Ended, Sandbox

MOST_CALLS, MOST_DEATHS = 5000, 4
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # of a terminal
MARKED = "python -m coursework.grade"


class Wrong(Exception):
    """The function answered, but not with what was asked."""


@dataclass
class Result:
    """What came out for one student; marks are {question: (points, of, sentence)}."""

    student: str
    marks: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    items: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    printed: str = ""
    code: str = ""
    seconds: float = 0.0
    trusted: bool = False

    @property
    def total(self) -> float:
        return round(sum(points for points, _, _ in self.marks.values()), 2)


@dataclass
class Ask:
    """ask(name, arguments, answers): an array, a pair (value, error), pairs, or a bool.  A box among the arguments is a
    function that stays outside; it may raise `ValueError` for what it refuses.  Raises `Wrong` and `Ended`."""

    box: Sandbox

    def __call__(
        self, name: str, arguments: Sequence[Any], answers: str = "array", *, times: int = 1, seconds: float = 30.0
    ) -> Any:
        described, arrays = calls.described(arguments)
        outside = next((a for a in arguments if callable(a) and not isinstance(a, torch.Generator)), None)
        deadline = time.monotonic() + seconds
        request = {"name": name, "arguments": described, "answers": answers, "times": times}
        reply, found = self.box.ask(request, arrays, deadline=deadline)
        asked = 0
        while reply.get("box") is True and outside is not None:
            asked += 1
            said = answered(outside, found) if asked <= MOST_CALLS else f"asked more than {MOST_CALLS} times"
            error, back = (said, []) if isinstance(said, str) else ("", said)
            reply, found = self.box.ask({"error": error} if error else {}, back, deadline=deadline)
        if "error" in reply:
            raise Wrong(f"{name} raised {str(reply['error'])[:300]}")
        if len(found) != 1:
            raise Ended("its answer cannot be read")
        return checked(name, found[0], answers)


def answered(outside: Callable[..., Any], arrays: Sequence[np.ndarray]) -> list[np.ndarray] | str:
    """What the box gives back, or the sentence with which it refuses."""
    try:
        given = outside(*(torch.from_numpy(np.array(a)) for a in arrays))
    except (ValueError, TypeError, IndexError) as refusal:
        return str(refusal)[:300] or "it takes other arguments"
    return [np.asarray(torch.as_tensor(g), dtype=float) for g in (given if isinstance(given, tuple) else (given,))]


def checked(name: str, found: np.ndarray, answers: str) -> Any:
    """The answer in the form that was asked for.  Raises `Wrong`."""
    if answers == "pair":
        if found.shape != (2,):
            raise Wrong(f"{name} must give a value and its error")
        return float(found[0]), float(found[1])
    if answers == "bool":
        if found.shape != ():
            raise Wrong(f"{name} must give True or False")
        return bool(found)
    return torch.from_numpy(found)


def marked(
    student: str, cells: list[str], draws: Draws, theory: Any, assignment: ModuleType, library: Path,
    *, limits: Limits, trust: bool = False,
) -> Result:  # fmt: skip
    """Everything about these cells; a fault of theirs is a sentence in the result, never an exception."""
    result, tasks, skip, first = Result(student, trusted=trust), list(assignment.TASKS), set[int](), True
    for _ in range(MOST_DEATHS):
        if not tasks:
            break
        with Sandbox(library, limits, trust) as box:
            try:
                faults = run(box, cells, skip, limits)
            except Ended as ended:
                where = "before the first cell" if box.cell is None else f"while cell {box.cell + 1} ran"
                result.notes.append(f"{where}: {ended}")
                result.printed = result.printed or box.printed
                if box.cell is None or box.cell in skip:
                    break
                skip.add(box.cell)
                continue
            if first:
                result.notes += [f"cell {i + 1} raised {kind}: {text}"[:300] for i, kind, text in faults]
                first = False
            while tasks and question(result, tasks.pop(0), Ask(box), draws, theory):
                pass
            result.printed = result.printed or box.printed
    result.printed = COLOURS.sub("", result.printed)
    why = result.notes[-1] if result.notes else "the sandbox died too often"
    for task in assignment.TASKS:
        result.marks.setdefault(task.name, (0.0, task.points, f"not marked: {why}"))
    return result


def question(result: Result, task: Any, ask: Any, draws: Draws, theory: Any) -> bool:
    """Mark one question; whether the worker still lives."""
    alive = True
    try:
        mark = task.mark(ask, draws, theory)
    except Wrong as wrong:
        mark = Mark(0.0, str(wrong))
    except Ended as ended:
        mark, alive = Mark(0.0, f"{task.name} gave no answer: {ended}"), False
    except Exception as error:  # a fault of the marker costs this question and is told to the lecturer
        mark = Mark(0.0, f"the marker failed on this answer ({type(error).__name__}: {str(error)[:200]})")
        result.notes.append(f"{task.name}: {mark.said}; tell your lecturer")
    part = min(1.0, max(0.0, float(mark.part)))
    result.marks[task.name] = (round(task.points * part, 2), task.points, mark.said)
    if mark.items:
        result.items[task.name] = mark.items
    return alive


def run(box: Sandbox, cells: list[str], skip: set[int], limits: Limits) -> list[Any]:
    """Run all cells; the first faults, (cell, kind, text) each.  Raises `Ended`."""
    deadline = time.monotonic() + limits.notebook
    request = {"cells": cells, "seconds": limits.call, "skip": sorted(skip)}
    reply, _ = box.ask(request, deadline=deadline)
    while "faults" not in reply:
        if type(reply.get("cell")) is not int or not 0 <= reply["cell"] < len(cells):
            raise Ended("its answer cannot be read")
        box.cell = reply["cell"]
        reply, _ = box.ask({}, deadline=deadline)
    faults = reply["faults"]
    plain = isinstance(faults, list) and all(isinstance(f, list) and len(f) == 3 and type(f[0]) is int for f in faults)
    if not plain:
        raise Ended("its answer cannot be read")
    return [(i, str(kind)[:60], str(text)) for i, kind, text in faults[:20]]

"""Which assignments are there, and what does each of them say about itself?

An assignment is a module: NAME ("part/name"), TITLE, TASKS, NAMES (the parameters stamped into the sheet), HIDES (files
of fieldkit that would give its truths away), and three functions:

    parameters(draws) -> dict           the student's own numbers
    theory(parameters) -> object        what they mean
    truths(theory) -> {name: (value, bar)}      how far a neighbour's right answer would lie from this student's

Beside it lie its sheet (NAME.md) and model answers (NAME.answers.md), MyST both.  Sheets of a lecturer's own lie in
COURSE/sheets and are named "own/name".
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from coursework.course import Fault

HERE = Path(__file__).resolve().parent
ORDER = ("lattice/machine", "propagation/commit", "nnft/six", "rg/blocking", "neuralrg/honest", "transitions/blind")


@dataclass(frozen=True)
class Mark:
    """Which part of the points, 0 to 1, and a sentence; items are (pull, bar over the exact bar), if there are bars."""

    part: float
    said: str
    items: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """A function that is asked for, what it is worth, and mark(ask, draws, theory) -> Mark."""

    name: str
    points: float
    mark: Callable[[Any, Any, Any], Mark]


def find(name: str, course: Path | None = None) -> ModuleType:
    """The module of an assignment.  Raises `Fault`."""
    part, _, short = name.partition("/")
    if part == "own" and course is not None and (course / "sheets" / f"{short}.py").exists():
        return _own(course / "sheets" / f"{short}.py", short)
    if name not in ORDER:
        own = [f"own/{p.stem}" for p in sorted((course / "sheets").glob("*.py"))] if course is not None else []
        raise Fault(f"{name!r}: no such assignment; there are {', '.join([*ORDER, *own])}")
    return importlib.import_module(f"coursework.{part}.{short}")


def _own(path: Path, short: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"coursework_own_{short}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a lecturer's own file may do
        line = f"{path}: {type(error).__name__}: {' '.join(str(error).split())}"
        raise Fault(f"{line}; the assignment cannot be loaded") from None
    return module


def sheet(assignment: ModuleType, *, answers: bool = False) -> Path:
    """The file of the sheet, or of the model answers."""
    path = Path(str(assignment.__file__))
    return path.with_name(path.stem + (".answers.md" if answers else ".md"))

"""One notebook for each student, with numbers of his own; solutions and truths for the lecturer.

python -m coursework.release COURSE [--assignment part/name]        (make coursework COURSE=...)
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode

from coursework import assignments, cage, separation, sheets
from coursework.course import RULES, Fault, disarmed, private, roster, secret
from coursework.draws import Draws, key
from coursework.marking import MARKED

INSTALL = 'import sys\n\nif "google.colab" in sys.modules:\n    %pip install -q --no-deps {library}'


def stamp(assignment: ModuleType, draws: Draws) -> str:
    """The student's cell: plain Python, so that no metadata has to survive."""
    given = assignment.parameters(draws)
    lines = [f"assignment, student, seal = {assignment.NAME!r}, {draws.student!r}, {draws.seal()!r}"]
    return "\n".join([*lines, *(f"{name} = {given[name]!r}" for name in assignment.NAMES)])


def notebook(assignment: ModuleType, draws: Draws, *, answers: bool = False, library: str = "") -> NotebookNode:
    """The sheet, or the model answers, with this student's numbers; cell ids that do not change."""
    cells = sheets.cells(assignments.sheet(assignment, answers=answers))
    for cell in cells:
        if "parameters" in cell.metadata.pop("tags"):
            cell.source = stamp(assignment, draws)
    if answers:
        cells.insert(1, nbformat.v4.new_code_cell(stamp(assignment, draws)))
    elif library:
        cells.insert(1, nbformat.v4.new_code_cell(INSTALL.format(library=library)))
    for i, cell in enumerate(cells):
        cell.id = f"c{i}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def file_name(student: str) -> str:
    """A student's name as that of a file: letters, digits, - and _; nothing that is a path."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in student)[:60] or "-"


def file_names(students: Sequence[str]) -> dict[str, str]:
    """A file's name for each; those that would share one have some letters more."""
    plain = Counter(file_name(s).casefold() for s in students)
    return {s: file_name(s) if plain[file_name(s).casefold()] == 1 else unique_name(s) for s in students}


def unique_name(student: str) -> str:
    """A name for a student's files that no other student has."""
    return f"{file_name(student)[:40]}-{hashlib.sha256(key(student).encode()).hexdigest()[:8]}"


def release(course: Path, assignment: ModuleType, *, library: str = "") -> dict[str, float]:
    """Write everything for one assignment; the part of pairs that each question does not tell apart.  Raises `Fault`
    before anything is written when that is more than one in a hundred."""
    hidden, students = secret(course, make=True), roster(course)
    draws = [Draws(hidden, assignment.NAME, s.student) for s in students]
    # a class of three has three pairs: others who might have come stand in, so that the part is one
    phantoms = [Draws(hidden, assignment.NAME, f"nobody {i}") for i in range(separation.LEAST - len(draws))]
    truths = [assignment.truths(assignment.theory(assignment.parameters(d))) for d in [*draws, *phantoms]]
    same = separation.confused(truths)
    for question, part in same.items():
        if part > separation.MOST:
            raise Fault(
                f"{assignment.NAME}, {question}: {100 * part:.1f} % of all pairs of students have truths that cannot "
                f"be told apart; at most {100 * separation.MOST:.0f} % may. Widen the ranges of its parameters."
            )
    short = assignment.NAME.replace("/", "-")
    files = file_names([d.student for d in draws])
    for folder, answers in (("release", False), ("solutions", True)):
        (course / folder / short).mkdir(parents=True, exist_ok=True)
        for d in draws:
            book = notebook(assignment, d, answers=answers, library=library)
            nbformat.write(book, course / folder / short / f"{files[d.student]}.ipynb")
    (course / "truths").mkdir(exist_ok=True)
    with (course / "truths" / f"{short}.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        names = [(q, n) for q in truths[0] for n in truths[0][q]]
        out.writerow(["student", *assignment.NAMES, *(n for _, n in names)])
        for d, found in zip(draws, truths):
            given = assignment.parameters(d)
            numbers: list[Any] = [*(given[n] for n in assignment.NAMES), *(found[q][n][0] for q, n in names)]
            out.writerow([disarmed(d.student), *numbers])
    return same


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make coursework COURSE=...", description=__doc__)
    parser.add_argument("course", type=Path, help="a folder outside of git that holds roster.csv")
    parser.add_argument("--assignment", help="part/name; all of them if not given")
    parser.add_argument("--library", default="", help="what Colab installs; this repository if not given")
    given = parser.parse_args(arguments)
    course = given.course.expanduser()
    torch.set_num_threads(1)  # small matrices: threads that wait for each other
    try:
        with private():
            _released(course, given.assignment, given.library)
    except (Fault, OSError) as fault:  # a folder that is a file, a full disk
        print(fault, file=sys.stderr)
        return 2
    print(f"hand out {course / 'release'}; mark with: {MARKED} SUBMISSIONS --course {course}")
    if why := cage.missing():
        print(f"marking will need a sandbox: {why}")
    return 0


def _released(course: Path, name: str, library: str) -> None:
    if not (course / "roster.csv").exists():
        course.mkdir(parents=True, exist_ok=True)
        (course / "roster.csv").write_text("student,name,due,extra_hours\n", encoding="utf-8")
        raise Fault(f"{course / 'roster.csv'}: written; give each student a line and call this again")
    if not (course / "course.toml").exists():
        (course / "course.toml").write_text(RULES, encoding="utf-8")
    students = roster(course)
    if not students:
        raise Fault(f"{course / 'roster.csv'}: no students yet; a line each, under student,name,due,extra_hours")
    own = [f"own/{p.stem}" for p in sorted((course / "sheets").glob("*.py"))]
    for each in [name] if name else [*assignments.ORDER, *own]:
        same = release(course, assignments.find(each, course), library=library or address())
        told = ", ".join(f"{q} {100 * p:.1f} %" for q, p in same.items()) or "one student only"
        print(f"{each:24s} {len(students)} notebooks; pairs not told apart: {told}", flush=True)


def address() -> str:
    """The repository at this version, as pip takes it; nothing outside of a clone."""
    try:
        from tools import sources
        from tools.chapters import ROOT
    except ModuleNotFoundError:
        return ""
    import tomllib

    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return f'"fieldkit @ git+{sources.repository(ROOT)["url"]}@v{version}"'


if __name__ == "__main__":
    sys.exit(main())

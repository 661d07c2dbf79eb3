"""A class of forty: right, wrong, copied, late, hostile, empty, saved by Colab, zipped, and some who hand in nothing.

python -m tests.coursework.simulated FOLDER [part/name]        makes FOLDER/course and FOLDER/submissions
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from coursework import assignments, release
from coursework.course import secret
from coursework.draws import Draws
from tests.coursework import strange_files
from tests.coursework.hostile import CELLS

KINDS = (
    ["right"] * 14 + ["wrong"] * 6 + ["copied"] * 4 + ["late"] * 3 + ["colab"] * 4 + ["zip"] * 2 + ["nothing"] * 2
    + ["os._exit", "printed flood", "a forged frame", "html", "daemon"]
)  # fmt: skip


def make(folder: Path, name: str) -> dict[str, str]:
    """Course and submissions of the class; {student: kind}."""
    course, handed_in = folder / "course", folder / "submissions"
    course.mkdir(parents=True)
    handed_in.mkdir()
    students = {f"s{i:02d}": kind for i, kind in enumerate(KINDS)}
    lines = [f"{s},Student {s[1:]},{'2020-01-01T12:00' if k == 'late' else ''}," for s, k in students.items()]
    (course / "roster.csv").write_text("\n".join(["student,name,due,extra_hours", *lines]) + "\n", encoding="utf-8")
    if release.main([str(course), "--assignment", name]):
        raise RuntimeError("the release failed")
    module, hidden = assignments.find(name), secret(course)
    for student, kind in students.items():
        owner = "s00" if kind == "copied" else student
        book = release.notebook(module, Draws(hidden, name, owner), answers=True)
        cells = [c.source for c in book.cells if c.cell_type == "code"]
        if kind in CELLS:
            cells.insert(1, CELLS[kind])
        if kind == "wrong":
            cells[1 + int(student[1:]) % (len(cells) - 1)] = "raise ValueError('not done')"
        write(handed_in, student, kind, cells)
    (handed_in / "readme.txt").write_text("of nobody", encoding="utf-8")
    return students


def write(folder: Path, student: str, kind: str, cells: list[str]) -> None:
    """One submission, named as different systems do."""
    moodle = f"Student {student[1:]}_99_assignsubmission_file_/work.ipynb"
    names = (f"{student}.ipynb", moodle, f"{student}_7_8_x.ipynb")
    path = folder / names[int(student[1:]) % 3]
    path.parent.mkdir(exist_ok=True)
    if kind == "nothing":
        return
    if kind == "zip":
        path.with_suffix(".zip").write_bytes(strange_files.zipped({"work.ipynb": strange_files.text(cells)}))
        return
    book = strange_files.colab(cells) if kind == "colab" else strange_files.notebook(cells)
    path.write_text(json.dumps(book), encoding="utf-8")
    if kind == "late":
        os.utime(path, (1577966400, 1577966400))  # 2020-01-02


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "neuralrg/honest")

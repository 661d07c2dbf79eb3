"""Whose work is it?  The LMS's folder or file name says so, never the notebook.

Moodle           Ada Byron_123_assignsubmission_file_/any.ipynb
Canvas           byronada_LATE_123_456_any.ipynb
flat, Gradescope ada.ipynb, ada.zip, ada/any.ipynb               (by student, or by name as the roster has it)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from coursework.course import Fault, Student
from coursework.draws import key

KINDS = (".ipynb", ".zip")


def owners(folder: Path, students: Sequence[Student]) -> tuple[dict[str, Path | None], list[Path]]:
    """{student: the newest of his files, or None}, and what belongs to nobody on the roster.  Raises `Fault`."""
    names = _names(students)
    found: dict[str, Path | None] = {s.student: None for s in students}
    strays: list[Path] = []
    try:
        tops = sorted(folder.iterdir(), key=lambda p: p.name)
    except OSError:
        raise Fault(f"{folder}: no folder there; unpack the download of your LMS and name its folder") from None
    for top in (p for p in tops if not p.name.startswith(".")):
        inside = [top]
        if top.is_dir() and not top.is_symlink():
            inside = sorted((p for p in top.iterdir() if not p.name.startswith(".")), key=lambda p: p.name)
        stem = top.name if top.is_dir() else re.sub(r"\.(ipynb|zip)$", "", top.name, flags=re.I)
        parts = stem.split("_")
        starts = (key("_".join(parts[:n])) for n in range(len(parts), 0, -1))  # ada_b before ada
        student = next((names[start] for start in starts if start in names), None)
        files = [p for p in inside if p.suffix.lower() in KINDS]
        if student is None or not files:
            strays.append(top)
            continue
        newest = max(files, key=lambda p: (p.lstat().st_mtime, p.name))
        before = found[student]
        if before is None or newest.lstat().st_mtime >= before.lstat().st_mtime:
            found[student] = newest
    return found, strays


def _names(students: Sequence[Student]) -> dict[str, str]:
    """{what a file may begin with: whose it is}.  `student` counts before `name`; a name of two people is nobody's."""
    claims: dict[str, set[str]] = {}
    for s in students:
        words = s.name.split()
        turned = ["".join(words[i:] + words[:i]) for i in range(len(words))]  # Canvas writes the last name first
        for name in (s.name, *turned, *map(_letters, turned)):
            claims.setdefault(key(name), set()).add(s.student)
    found = {name: whose.pop() for name, whose in claims.items() if name and len(whose) == 1}
    return found | {key(s.student): s.student for s in students}


def _letters(name: str) -> str:
    """The name without accents, apostrophes and hyphens."""
    return re.sub(r"[^A-Za-z0-9]", "", unicodedata.normalize("NFKD", name))

"""Whose work is it?  The LMS's folder or file name says so, never the notebook.

Moodle           Ada Byron_123_assignsubmission_file_/any.ipynb
Canvas           byronada_LATE_123_456_any.ipynb
flat, Gradescope ada.ipynb, ada.zip, ada/any.ipynb               (by student, or by name as the roster has it)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from coursework.course import Fault, Student
from coursework.draws import key

KINDS = (".ipynb", ".zip")


def owners(folder: Path, students: Sequence[Student]) -> tuple[dict[str, Path | None], list[Path]]:
    """{student: the newest of his files, or None}, and what belongs to nobody on the roster.  Raises `Fault`."""
    names: dict[str, str] = {}
    for s in students:
        for name in (s.student, s.name, "".join(s.name.split()[::-1]), s.name.replace(" ", "")):
            if key(name):
                names.setdefault(key(name), s.student)
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
        student = names.get(key(stem)) or names.get(key(stem.split("_")[0]))
        files = [p for p in inside if p.suffix.lower() in KINDS]
        if student is None or not files:
            strays.append(top)
            continue
        newest = max(files, key=lambda p: (p.lstat().st_mtime, p.name))
        before = found[student]
        if before is None or newest.lstat().st_mtime >= before.lstat().st_mtime:
            found[student] = newest
    return found, strays

"""What does the lecturer's folder hold?  The secret, the roster, the rules; never in git.

    COURSE/  secret  roster.csv (student, name, due, extra_hours)  course.toml  comments.csv  handed_in.csv  sheets/

Written by the two commands: release/ solutions/ truths/ marks/ feedback/ grades.csv class.html.
"""

from __future__ import annotations

import csv
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from coursework.draws import key

RULES = """\
# What a day that has begun after the deadline takes off the points, and after how many days nothing is left to take.
[late]
per_day = 0.1
most_days = 5

# Deadlines, one an assignment; a date in the roster's column `due` counts before these.
[due]
# "lattice/machine" = 2030-01-31T23:59:00
"""


class Fault(Exception):
    """What the lecturer can mend; one line, exit code 2."""


@dataclass(frozen=True)
class Student:
    """A line of the roster; due is None where no date is given, hours is the extension."""

    student: str
    name: str
    due: datetime | None
    hours: float


@contextmanager
def private() -> Iterator[None]:
    """What is written meanwhile is for its owner only: truths, solutions and marks of a class on a shared machine."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def secret(course: Path, *, make: bool = False) -> bytes:
    """The 32 bytes that all draws hang on.  `make` writes them once, for the owner's eyes only.  Raises `Fault`."""
    path = course / "secret"
    if make and not path.exists():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise Fault(f"{path}: no secret can be read there; `make coursework COURSE={course}` makes one") from None
    if len(found) < 16:
        raise Fault(f"{path}: {len(found)} bytes are too few for a secret; restore the old file")
    if path.stat().st_mode & 0o077:
        raise Fault(f"{path}: others can read the secret; chmod 600 {path}")
    return found


def roster(course: Path) -> list[Student]:
    """The students, in the file's order.  Raises `Fault` for a file that is missing or says one thing twice."""
    path = course / "roster.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError):
        raise Fault(f"{path}: write a line for each student under the line student,name,due,extra_hours") from None
    if not rows or "student" not in rows[0]:
        raise Fault(f"{path}: no students under a line that begins with student,name")
    found = [_student(path, i + 2, row) for i, row in enumerate(rows) if (row["student"] or "").strip()]
    seen: dict[str, str] = {}
    for s in found:
        if key(s.student) in seen:
            raise Fault(f"{path}: {s.student!r} and {seen[key(s.student)]!r} are one name; give each student one line")
        seen[key(s.student)] = s.student
    return found


def _student(path: Path, line: int, row: dict[str, str | None]) -> Student:
    name, due, hours = ((row.get(k) or "").strip() for k in ("name", "due", "extra_hours"))
    try:
        when = datetime.fromisoformat(due) if due else None
        extra = float(hours or 0)
    except ValueError:
        raise Fault(f"{path}, line {line}: due is written 2030-01-31T23:59, extra_hours 48") from None
    return Student((row["student"] or "").strip(), name, when, extra)


def rules(course: Path) -> dict[str, Any]:
    """course.toml, or the defaults.  Raises `Fault` when it cannot be read."""
    path = course / "course.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8") if path.exists() else RULES)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Fault(f"{path}: {error}") from None


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a table that may be missing."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in csv.DictReader(file)]


def disarmed(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; with an apostrophe before it it is text."""
    return "'" + text if text.lstrip().startswith(tuple("=+-@|%")) or text[:1] in ("\t", "\r", "\n") else text

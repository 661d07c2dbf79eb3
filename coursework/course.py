"""What does the lecturer's folder hold?  The secret, the roster, the rules; never in git.

    COURSE/  secret  roster.csv (student, name, due, extra_hours)  course.toml  comments.csv  handed_in.csv  sheets/

Written by the two commands: release/ solutions/ truths/ marks/ feedback/ grades.csv class.html.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tomllib
import unicodedata
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
    if not path.exists() and any((course / done).exists() for done in ("release", "solutions", "marks")):
        raise Fault(f"{path} is gone: restore it, for a new one would change the numbers of sheets already handed out")
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
    if not path.is_file():
        raise Fault(f"{path}: write a line for each student under the line student,name,due,extra_hours")
    lines = rows(path)
    if not lines or "student" not in lines[0]:
        raise Fault(f"{path}: no students under a line that begins with student,name")
    found = [_student(path, i + 2, row) for i, row in enumerate(lines) if row["student"]]
    seen: dict[str, str] = {}
    for s in found:
        if key(s.student) in seen:
            raise Fault(f"{path}: {s.student!r} and {seen[key(s.student)]!r} are one name; give each student one line")
        seen[key(s.student)] = s.student
    return found


def _student(path: Path, line: int, row: dict[str, str]) -> Student:
    name, due, hours = (row.get(k, "") for k in ("name", "due", "extra_hours"))
    if any(unicodedata.category(c) == "Cc" for c in row["student"] + name):
        raise Fault(f"{path}, line {line}: a name with a line break or another control character; a quote left open?")
    try:
        when = moment(due) if due else None
        extra = float(hours or 0)
        if not 0 <= extra <= 20_000:
            raise ValueError(hours)
    except ValueError:
        raise Fault(f"{path}, line {line}: due is written 2030-01-31T23:59, extra_hours 48") from None
    return Student(row["student"], name, when, extra)


def moment(text: str) -> datetime:
    """A time as ISO 8601 writes it; a day without one ends at 23:59.  Raises `ValueError`."""
    return datetime.fromisoformat(f"{text}T23:59" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)


def rules(course: Path) -> dict[str, Any]:
    """course.toml, or the defaults.  Raises `Fault` when it cannot be read."""
    path = course / "course.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig") if path.exists() else RULES)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Fault(f"{path}: {error}") from None
    late, due = found.setdefault("late", {}), found.setdefault("due", {})
    if not isinstance(late, dict) or not isinstance(due, dict):
        raise Fault(f"{path}: late and due are tables, [late] and [due]")
    for name, most in (("per_day", 1), ("most_days", 10_000)):
        if name in late and (type(late[name]) not in (int, float) or not 0 <= late[name] <= most):
            raise Fault(f"{path}: {name} = {late[name]!r}; a number from 0 to {most}")
    return found


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a table that may be missing, as spreadsheets write it: commas or semicolons, any capitals in its
    first line.  Raises `Fault`."""
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if "," not in first else ","))
    except UnicodeDecodeError:
        raise Fault(f"{path}: this is no UTF-8; save it again as CSV in UTF-8") from None
    except (OSError, csv.Error) as error:
        raise Fault(f"{path}: {error}") from None
    names = [name.strip().lower() for name in lines[0]] if lines else []
    return [dict.fromkeys(names, "") | dict(zip(names, map(str.strip, line))) for line in lines[1:] if any(line)]


def disarmed(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; with an apostrophe before it it is text."""
    return "'" + text if text.lstrip().startswith(tuple("=+-@|%")) or text[:1] in ("\t", "\r", "\n") else text

"""What does a late hand-in cost, and what did the lecturer add by hand?

The time is that of handed_in.csv (student, time) where the course has one, else that of the file, which the archive of
the LMS keeps.  A day that has begun costs `per_day` of the points, up to `most_days`; extra_hours come first.
comments.csv (student, question, points, text) adds points and texts; a text `@key` repeats the text of the line whose
student is `key`, so that one remark serves many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from coursework import course as courses
from coursework.course import Fault, Student
from coursework.draws import key


def handed_in(course: Path, student: str, path: Path | None) -> datetime | None:
    """When, in local time.  Raises `Fault` for a time that cannot be read."""
    for row in courses.rows(course / "handed_in.csv"):
        if key(row.get("student", "")) == key(student):
            return _time(row.get("time", ""), course / "handed_in.csv")
    return datetime.fromtimestamp(path.lstat().st_mtime) if path is not None else None


def due(course: Path, student: Student, assignment: str) -> datetime | None:
    """The deadline of this student, extension included."""
    when = student.due
    if when is None:
        found = courses.rules(course).get("due", {}).get(assignment)
        when = _time(str(found), course / "course.toml") if found is not None else None
    return None if when is None else _local(when) + timedelta(hours=student.hours)


def factor(course: Path, late: timedelta) -> tuple[float, str]:
    """What part of the points is left, and the sentence that says so."""
    rule: dict[str, Any] = courses.rules(course).get("late", {})
    days = math.ceil(late / timedelta(days=1)) if late > timedelta(0) else 0
    if days == 0:
        return 1.0, ""
    if days > rule.get("most_days", 5):
        return 0.0, f"{days} days late: more than {rule.get('most_days', 5)}, no points"
    left = max(0.0, 1 - days * rule.get("per_day", 0.1))
    return left, f"{days} day{'s' * (days > 1)} late: {100 * left:.0f} % of the points are left"


def comments(course: Path, student: str) -> list[tuple[str, float, str]]:
    """(question, points, text) of every line for this student.  Raises `Fault` for points that are no number."""
    rows = courses.rows(course / "comments.csv")
    texts = {row.get("student", ""): row.get("text", "") for row in rows}
    found = []
    for row in rows:
        if key(row.get("student", "")) != key(student):
            continue
        text = row.get("text", "")
        try:
            points = float(row.get("points") or 0)
            if not math.isfinite(points):
                raise ValueError(points)
        except ValueError:
            raise Fault(f"{course / 'comments.csv'}: points {row['points']!r} of {student} are no number") from None
        found.append((row.get("question", ""), points, texts.get(text[1:], text) if text.startswith("@") else text))
    return found


def of_nobody(course: Path, students: Sequence[Student]) -> list[str]:
    """Who gets points in comments.csv and is not on the roster: a slip of the pen that would cost somebody points."""
    known = {key(s.student) for s in students}
    rows = courses.rows(course / "comments.csv")
    return [row.get("student", "") for row in rows if row.get("points") and key(row.get("student", "")) not in known]


def _time(text: str, path: Path) -> datetime:
    try:
        return _local(courses.moment(text))
    except ValueError:
        raise Fault(f"{path}: {text!r} is no time; write 2030-01-31T23:59") from None


def _local(when: datetime) -> datetime:
    return when.astimezone().replace(tzinfo=None) if when.tzinfo is not None else when

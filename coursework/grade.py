"""Mark a folder of submissions: grades.csv, a page for each student, class.html.

python -m coursework.grade SUBMISSIONS --course COURSE [--assignment part/name] [--only NAME ...] [--trust] [--jobs N]

Whatever lies there, a student's line comes out of it: a fault of a submission is a sentence in it.  Students are
marked in parallel by joblib; for a cluster call `grade` inside `joblib.parallel_config("dask")`.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import ModuleType

import joblib
import torch

from coursework import alike, assignments, cage, intake, jobs, late, library, owners, pages, release, results
from coursework.course import Fault, Student, disarmed, private, roster, secret
from coursework.draws import key
from fieldkit import chunks

STOPPED = (
    "the system stopped a process that marks (memory?): call this again, what is marked is kept; --jobs 1 needs less"
)


def grade(
    folder: Path, course: Path, *, name: str = "", only: Sequence[str] = (), trust: bool = False, say: bool = True
) -> list[pages.Graded]:
    """The whole class; writes grades.csv, feedback/ and class.html.  Raises `Fault`."""
    students = roster(course)
    secret(course)
    if not trust and (why := cage.missing()):
        raise Fault(why)
    found, strays = owners.owners(folder, students)
    assignment = assignments.find(name or guessed([p for p in found.values() if p is not None]), course)
    chosen = _chosen(students, only)
    with tempfile.TemporaryDirectory(prefix="coursework-") as scratch:
        Path(scratch).chmod(0o755)
        seen = library.make(Path(scratch) / "library", assignment.HIDES)
        queue = [
            jobs.Job(s.student, str(found[s.student] or ""), str(course), assignment.NAME, str(seen), trust)
            for s in chosen
        ]
        chunks.sweep(jobs.mark, queue, rng=torch.Generator().manual_seed(0))
    graded = [g for s in students if (g := _graded(course, assignment.NAME, s, found[s.student])) is not None]
    handed_in = sum(p is not None for p in found.values())
    write(course, assignment, graded, [p.name for p in strays], handed_in)
    if say:
        for stray in strays:
            print(f"belongs to nobody, or to two people, on the roster: {stray.name!r}")
        for name in late.of_nobody(course, students):
            print(f"comments.csv gives points to nobody on the roster: {name!r}")
        print(f"{len(graded)} students: {course / 'grades.csv'}, {course / 'feedback'}, {course / 'class.html'}")
    return graded


def guessed(paths: Sequence[Path]) -> str:
    """The assignment that most notebooks name in the cell with their numbers.  Raises `Fault`."""
    names: Counter[str] = Counter()
    for path in paths:
        try:
            text = intake.content(path).decode("utf-8", "replace")
        except intake.Refused:
            continue
        names.update(set(re.findall(r"assignment, student, seal = \\?['\"]([\w/-]{1,60})\\?['\"]", text)))
    if not names:
        raise Fault(f"no notebook says which assignment it is; add --assignment, one of {', '.join(assignments.ORDER)}")
    return names.most_common(1)[0][0]


def _chosen(students: Sequence[Student], only: Sequence[str]) -> list[Student]:
    if not only:
        return list(students)
    by = {key(s.student): s for s in students}
    if absent := [n for n in only if key(n) not in by]:
        raise Fault(f"--only {absent[0]}: not on the roster")
    return [by[key(n)] for n in only]


def _graded(course: Path, name: str, student: Student, path: Path | None) -> pages.Graded | None:
    result = results.load(jobs.kept(course, name, student.student))
    if result is None:
        return None
    comments = late.comments(course, student.student)
    before = round(result.total + sum(points for _, points, _ in comments), 2)
    when, until = late.handed_in(course, student.student, path), late.due(course, student, name)
    left, said = late.factor(course, when - until) if when is not None and until is not None else (1.0, "")
    return pages.Graded(result, round(before * left, 2), before, said, comments)


def write(
    course: Path, assignment: ModuleType, graded: Sequence[pages.Graded], strays: Sequence[str], handed_in: int
) -> None:
    """grades.csv, feedback/ and class.html."""
    groups = alike.groups({g.result.student: g.result.code for g in graded})
    of = sum(task.points for task in assignment.TASKS)
    with (course / "grades.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        names = [task.name for task in assignment.TASKS]
        out.writerow(["student", *names, "comments", "before", "total", "of", "late", "same code as", "notes"])
        for g in graded:
            r = g.result
            same = [s for group in groups if r.student in group for s in group if s != r.student]
            points = [r.marks[n][0] for n in names]
            texts = [g.late, "; ".join(same), " | ".join(r.notes)]
            extra = sum(p for _, p, _ in g.comments)
            out.writerow([disarmed(r.student), *points, extra, g.before, g.final, of, *map(disarmed, texts)])
    short = assignment.NAME.replace("/", "-")
    (course / "feedback" / short).mkdir(parents=True, exist_ok=True)
    for g in graded:
        page = course / "feedback" / short / f"{release.unique_name(g.result.student)}.html"
        page.write_text(pages.feedback(g, assignment.TITLE, of), encoding="utf-8", errors="replace")
    view = pages.class_page(graded, assignment.TITLE, of, groups, strays, handed_in)
    (course / "class.html").write_text(view, encoding="utf-8", errors="replace")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m coursework.grade", description=__doc__.splitlines()[0])
    parser.add_argument("submissions", type=Path, help="an unpacked download of the LMS, or a folder of notebooks")
    parser.add_argument("--course", type=Path, required=True, help="the folder with secret and roster.csv")
    parser.add_argument("--assignment", default="", help="part/name; what the notebooks say if not given")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these students; the others stay")
    parser.add_argument("--trust", action="store_true", help="without a sandbox: on your own risk, said on every page")
    parser.add_argument("--jobs", type=int, default=-1, help="students at a time; one a core if not given")
    given = parser.parse_args(arguments)
    try:
        with private(), joblib.parallel_config("loky", n_jobs=given.jobs):
            grade(
                given.submissions.expanduser(), given.course.expanduser().resolve(), name=given.assignment,
                only=given.only, trust=given.trust,
            )  # fmt: skip
    except (Fault, OSError) as fault:  # a full disk, a folder that others own
        print(fault, file=sys.stderr)
        return 2
    except BrokenExecutor:
        print(STOPPED, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

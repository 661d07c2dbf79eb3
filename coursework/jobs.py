"""One student, marked wherever there is a core: whatever was handed in, a result comes out of it and is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from coursework import alike, assignments, cage, intake, results
from coursework.course import roster, secret
from coursework.draws import Draws, key
from coursework.marking import Result, marked
from coursework.release import unique_name


@dataclass(frozen=True)
class Job:
    """One student, as a worker needs it."""

    student: str
    path: str
    course: str
    assignment: str
    library: str
    trust: bool
    limits: cage.Limits = cage.Limits()


def mark(job: Job, rng: torch.Generator | None = None) -> dict[str, torch.Tensor]:
    """Mark one student and keep the result in COURSE/marks; what was marked before is taken from there."""
    course = Path(job.course)
    assignment, students, hidden = assignments.find(job.assignment, course), roster(course), secret(course)
    place = kept(course, job.assignment, job.student)
    began, result = time.monotonic(), Result(job.student, trusted=job.trust)
    draws = Draws(hidden, assignment.NAME, job.student)
    data, refusal = b"", "nothing was handed in"
    if job.path:
        try:
            data, refusal = intake.content(Path(job.path)), ""
        except intake.Refused as refused:
            refusal = str(refused)
    source = Path(str(assignment.__file__)).read_bytes()
    digest = results.digest(data, refusal.encode(), hidden, key(job.student).encode(), source, bytes([job.trust]))
    if results.load(place, digest) is None:
        try:
            if refusal:
                raise intake.Refused(refusal)
            notebook = intake.parse(data)
            theory = assignment.theory(assignment.parameters(draws))
            result = marked(
                job.student, notebook.cells, draws, theory, assignment, Path(job.library),
                limits=job.limits, trust=job.trust,
            )  # fmt: skip
            result.notes = notebook.warnings + alike.seals(notebook.cells, draws, students) + result.notes
            result.code = alike.fingerprint(notebook.cells)
        except intake.Refused as refused:
            result.notes.append(str(refused))
        except Exception as error:  # a fault of the marker must not stop the class
            result.notes.append(f"the marker failed ({type(error).__name__}: {str(error)[:200]}); tell your lecturer")
        for task in assignment.TASKS:
            result.marks.setdefault(task.name, (0.0, task.points, "".join(result.notes[-1:])))
        result.seconds = round(time.monotonic() - began, 1)
        results.save(place, result, digest)
        note = f"  {result.notes[0][:90]}" if result.notes else ""
        print(f"{job.student[:28]!r:32s} {result.total:5.2f}  {result.seconds:6.1f} s{note}", flush=True)
    return {"seconds": torch.tensor(time.monotonic() - began)}


def kept(course: Path, name: str, student: str) -> Path:
    """The file of a student's result."""
    return course / "marks" / name.replace("/", "-") / f"{unique_name(student)}.json"

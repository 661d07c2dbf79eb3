"""A class of forty through both commands, killed in the middle, and marked on."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coursework import cage, grade
from tests.coursework import simulated

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.hostile, pytest.mark.skipif(bool(cage.missing()), reason="no sandbox on this machine")]


def rows(course: Path) -> dict[str, dict[str, str]]:
    with (course / "grades.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_a_class_is_marked_through_a_kill_and_again_with_the_same_marks(tmp_path):
    students = simulated.make(tmp_path, "neuralrg/honest")
    course, marks = tmp_path / "course", tmp_path / "course" / "marks" / "neuralrg-honest"
    arguments = [str(tmp_path / "submissions"), "--course", str(course)]
    command = [sys.executable, "-m", "coursework.grade", *arguments]
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while len(list(marks.glob("*.json"))) < 5:
        time.sleep(0.5)
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    kept = {p: p.stat().st_mtime_ns for p in marks.glob("*.json")}
    assert not (course / "grades.csv").exists()
    subprocess.run(command, cwd=ROOT, check=True)
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items())  # nobody was marked twice
    first = rows(course)
    for student, kind in students.items():
        total = float(first[student]["total"])
        if kind == "nothing":
            assert total == 0, first[student]
        elif kind in ("wrong", "copied", "late"):
            assert total < 10, first[student]
        else:
            assert total == 10, first[student]
    copied = [s for s, k in students.items() if k == "copied"]
    assert all("made for s00" in first[s]["notes"] for s in copied)
    late = [first[s] for s, kind in students.items() if kind == "late"]
    assert all(float(row["before"]) == 10 and "late" in row["late"] for row in late)
    for path in marks.glob("*.json"):
        path.unlink()
    assert grade.main([*arguments, "--only", "s00", "s20", "--jobs", "1"]) == 0
    again = rows(course)
    assert all(again[s]["before"] == first[s]["before"] for s in ("s00", "s20"))

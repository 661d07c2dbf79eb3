"""A course with one tiny assignment, and a way to hand something in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from coursework import cage, jobs, library, results
from coursework.assignments import find
from coursework.course import secret
from coursework.draws import Draws
from coursework.marking import Result
from coursework.release import stamp
from tests.coursework import strange_files, tiny

WHY = cage.missing().splitlines()[:1]
LIMITS = cage.Limits(call=3, notebook=12)


@pytest.fixture(autouse=True)
def one_thread():
    """Small matrices on a busy machine: threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def course(tmp_path_factory) -> Path:
    """A folder with a secret, a roster and the tiny sheet."""
    folder = tmp_path_factory.mktemp("course")
    secret(folder, make=True)
    (folder / "roster.csv").write_text("student\nada\nbob\n", encoding="utf-8")
    (folder / "sheets").mkdir()
    shutil.copy(str(tiny.__file__), folder / "sheets" / "tiny.py")
    return folder


@pytest.fixture(scope="session")
def seen(tmp_path_factory) -> Path:
    """The library as it is seen inside."""
    folder = tmp_path_factory.mktemp("library")
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == folder.stat().st_uid and parent.name.startswith("pytest"):
            parent.chmod(0o755)
    return library.make(folder / "library")


@pytest.fixture
def sheet(course) -> Callable[[str], str]:
    """The cell with a student's numbers."""
    module = find("own/tiny", course)
    return lambda student: stamp(module, Draws(secret(course), module.NAME, student))


@pytest.fixture
def handed_in(course, seen, sheet, tmp_path) -> Callable[..., Result]:
    """Marks what ada hands in: cells, or a file; needs the sandbox."""
    if WHY:
        pytest.skip(f"no sandbox here: {WHY[0]}")

    def marked(cells: list[str] | None = None, path: Path | None = None, *, trust: bool = False) -> Result:
        if path is None:
            path = tmp_path / "ada.ipynb"
            book = strange_files.notebook([sheet("ada"), *(cells or [])])
            path.write_text(json.dumps(book), encoding="utf-8")
        jobs.mark(jobs.Job("ada", str(path), str(course), "own/tiny", str(seen), trust, LIMITS))
        found = results.load(jobs.kept(course, "own/tiny", "ada"))
        assert found is not None
        return found

    return marked

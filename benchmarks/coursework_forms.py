"""One question in the forms of three graders: x times the sum of 1/k up to n, for four points.

The solution lies where each manual puts it, on the lecturer's disk.  Each function writes what the lecturer has, or
what a student hands in, onto a desk.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coursework import course as courses
from coursework import release
from coursework.assignments import find
from coursework.draws import Draws
from tests.coursework.hostile import CELLS, CHEATS

SOLUTION = "def harmonic(x):\n    total = sum(1 / k for k in range(1, n + 1))  # model 4711\n    return x * total"
STAMP = "n = 7"  # of the peers, who know no numbers of one's own
SEEN = "assert abs(harmonic(2.0) - 363 / 70) < 1e-9"
HIDDEN = "assert abs(harmonic(1.5) - 1089 / 280) < 1e-9 and abs(harmonic(-3.0) + 1089 / 140) < 1e-9"
MODULE = """
import torch
from coursework.assignments import Mark, Task

NAME, TITLE, NAMES, HIDES = "own/one", "One question", ("n",), ()


def parameters(draws):
    return {"n": int(draws.between("n", 5, 500, step=1))}


def theory(given):
    return sum(1 / k for k in range(1, given["n"] + 1))


def truths(factor):
    return {"harmonic": {"factor": (factor, 1e-9)}}


def mark_harmonic(ask, draws, factor):
    found = ask("harmonic", [torch.tensor([2.0, 1.5, -3.0])])
    right = factor * torch.tensor([2.0, 1.5, -3.0], dtype=torch.float64)
    return Mark(float(found.shape == right.shape and torch.allclose(found, right)), "compared")


TASKS = (Task("harmonic", 4, mark_harmonic),)
"""
SHEET = """# One question

```{code-cell} ipython3
:tags: [parameters]

```

```{code-cell} ipython3
def harmonic(x):
    ...
```
"""

NOTHING, WRONG = "pass", "def harmonic(x):\n    return 0.0 * x"
WALK = (  # what the user may write who owns the lecturer's files
    "import os\nfor d, _, names in os.walk('/'):\n    if d.startswith(('/proc', '/sys', '/dev', '/usr')):\n"
    "        continue\n    for p in (os.path.join(d, n) for n in names):\n        try:\n            {}\n"
    "        except Exception:\n            pass"
)
KINDS = {
    "an object that equals everything": (NOTHING, (
        "class Yes(float):\n    def __sub__(s, o=0):\n        return s\n    __add__ = __abs__ = __mul__ = __sub__\n"
        "    def __lt__(s, o):\n        return True\n    __eq__ = __le__ = __gt__ = __ge__ = __lt__\n"
        "def harmonic(x):\n    return Yes()"
    )),
    "reads the solution on the disk": (WALK.format(
        "t = open(p).read() if p.endswith(('.ipynb', '.py', '.md')) else ''\n"
        "            if '# model ' + '4711' in t:\n                found = 'range(1, n + 1)'"
    ), "def harmonic(x):\n    return x * sum(1 / k for k in eval(found))"),
    "empties the neighbour's files": (WALK.format("if 'bob' in p:\n                open(p, 'w').close()"), WRONG),
    "appends to every file": (WALK.format("open(p, 'a').write(' ')"), WRONG),
    "leaves a file at home": ("import os\nopen(os.path.expanduser('~/.profile'), 'w').write('echo x')", WRONG),
    **{kind: (CHEATS[kind], WRONG) for kind in ("abs is zero", "asserts dropped", "tracebacks patched away")},
    **{kind: (CELLS[kind], WRONG) for kind in (
        "os._exit", "sys.exit", "kill all", "closed descriptors", "daemon", "network", "memory at once", "disk",
        "memory of many processes", "printed flood", "endless loop", "endless loop that ignores the alarm", "fork bomb",
    )},
}  # fmt: skip


def ours(desk: Path) -> None:
    """A course with a sheet of the lecturer's own, released to two students."""
    sheets = desk / "course" / "sheets"
    sheets.mkdir(parents=True)
    (desk / "course" / "roster.csv").write_text("student\nada\nbob\n", encoding="utf-8")
    (sheets / "one.py").write_text(MODULE, encoding="utf-8")
    (sheets / "one.md").write_text(SHEET, encoding="utf-8")
    answers = SHEET.replace("def harmonic(x):\n    ...", SOLUTION)
    (sheets / "one.answers.md").write_text(answers, encoding="utf-8")
    if release.main([str(desk / "course"), "--assignment", "own/one"]):
        raise RuntimeError("the release failed")


def hand_in_ours(desk: Path, student: str, cell: str, answer: str) -> None:
    """The hostile cell comes after the student's own numbers."""
    course = desk / "course"
    module = find("own/one", course)
    stamp = release.stamp(module, Draws(courses.secret(course), module.NAME, student))
    write(desk / "submissions" / f"{student}.ipynb", [code(stamp), code(cell), code(answer)])


def nbgrader(desk: Path) -> None:
    """A source with a solution and a test of which a part is hidden."""
    solution = SOLUTION.replace("\n", "\n    ### BEGIN SOLUTION\n", 1) + "\n    ### END SOLUTION"
    test = f"{SEEN}\n### BEGIN HIDDEN TESTS\n{HIDDEN}\n### END HIDDEN TESTS"
    cells = [code(STAMP), code(solution, **_cell("answer")), code(test, **_cell("test"))]
    write(desk / "source" / "hw" / "problem.ipynb", cells)
    (desk / "nbgrader_config.py").write_text('get_config().CourseDirectory.course_id = "x"\n', encoding="utf-8")


def _cell(name: str) -> dict[str, Any]:
    grade = name == "test"
    kinds = {"schema_version": 3, "grade_id": name, "task": False, "cell_type": "code", "grade": grade}
    return {"nbgrader": {**kinds, "locked": grade, "solution": not grade, **({"points": 4} if grade else {})}}


def hand_in_nbgrader(desk: Path, student: str, cell: str, answer: str) -> None:
    """The sheet that was released, with a cell more and the answer in its place."""
    released = desk / "release" / "hw" / "problem.ipynb"
    _answered(released, desk / "submitted" / student / "hw" / "problem.ipynb", cell, answer)


def otter(desk: Path) -> None:
    """A notebook for `otter assign`."""
    solution = SOLUTION.replace("\n", "\n    # BEGIN SOLUTION\n", 1) + "\n    # END SOLUTION"
    cells = [
        _raw("# ASSIGNMENT CONFIG\nname: hw"), code(STAMP),
        _raw("# BEGIN QUESTION\nname: q1\npoints: 4"), _raw("# BEGIN SOLUTION"), code(solution), _raw("# END SOLUTION"),
        _raw("# BEGIN TESTS"), code(SEEN), code(f"# HIDDEN\n{HIDDEN}"), _raw("# END TESTS"), _raw("# END QUESTION"),
    ]  # fmt: skip
    write(desk / "hw.ipynb", cells)


def _raw(source: str) -> dict[str, Any]:
    return {"cell_type": "raw", "source": source, "metadata": {}}


def hand_in_otter(desk: Path, student: str, cell: str, answer: str) -> None:
    """The students' notebook of `otter assign`, with a cell more and the answer in its place."""
    _answered(desk / "dist" / "student" / "hw.ipynb", desk / f"{student}.ipynb", cell, answer)


def _answered(released: Path, path: Path, cell: str, answer: str) -> None:
    book = json.loads(released.read_text(encoding="utf-8"))
    place = next(i for i, c in enumerate(book["cells"]) if "def harmonic" in "".join(c["source"]))
    book["cells"][place]["source"] = answer
    book["cells"].insert(place, code(cell))
    write(path, book["cells"], **book["metadata"])


def code(source: str, **metadata: Any) -> dict[str, Any]:
    """A cell of code."""
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": None}


def write(path: Path, cells: list[dict[str, Any]], **metadata: Any) -> None:
    """A notebook of these cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    named = [{**cell, "id": f"cell{i}"} for i, cell in enumerate(cells)]
    path.parent.mkdir(parents=True, exist_ok=True)
    book = {"cells": named, "metadata": {**kernel, **metadata}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book), encoding="utf-8")

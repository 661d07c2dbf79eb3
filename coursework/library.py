"""What may a stranger's code read?  A copy of the library in which the modules of exact results are empty.

Exact results live in modules of their own, so that this is a list of files.  In the copy they can be imported, because
others import them, but they hold nothing, and say so.  Of `coursework` only what runs inside is there, and a
`rehearse` that does nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import fieldkit

HERE = Path(__file__).resolve().parent
EXACT = (
    "*/*_exact.py", "*/exact.py", "*/exact_*.py", "lattice/small_lattices.py",
    "lattice/infinite.py", "lattice/oscillator.py", "lattice/ising_moments.py", "transitions/sealed.py",
)  # fmt: skip
EMPTY = '''"""Exact results: not there when work is marked."""


def __getattr__(name):
    raise AttributeError("{module} holds exact results, which are not there when work is marked: compute " + name)
'''
REHEARSAL = '''"""When work is marked there is nothing to rehearse."""


def rehearse(*_, **__):
    pass
'''


def exact(extra: Iterable[str] = ()) -> list[str]:
    """The files of fieldkit that hold exact results, with those that an assignment adds; paths below the package."""
    root = Path(fieldkit.__file__).resolve().parent
    found = {p.relative_to(root).as_posix() for pattern in (*EXACT, *extra) for p in root.glob(pattern)}
    return sorted(found)


def make(folder: Path, hides: Iterable[str] = ()) -> Path:
    """Write fieldkit and coursework as they are seen inside into the folder, which must not exist."""
    root = Path(fieldkit.__file__).resolve().parent
    shutil.copytree(root, folder / "fieldkit", ignore=shutil.ignore_patterns("__pycache__", "answers"))
    for name in exact(hides):
        module = "fieldkit." + name.removesuffix(".py").replace("/", ".")
        (folder / "fieldkit" / name).write_text(EMPTY.format(module=module), encoding="utf-8")
    inside = folder / "coursework"
    inside.mkdir()
    for name in ("calls.py", "frames.py", "worker.py"):
        shutil.copy(HERE / name, inside / name)
    (inside / "__init__.py").write_text('"""What runs inside."""\n', encoding="utf-8")
    (inside / "rehearsal.py").write_text(REHEARSAL, encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder

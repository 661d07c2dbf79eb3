"""Where a chapter's executed notebook is kept, under a key made of everything that it depends on."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import chapters, faults

RECORD = "fieldkit-run"  # where the notebook's metadata keep the facts of its run
FACTS = {"profile", "device", "seed", "seconds", "commit", "date"}


@dataclass(frozen=True)
class Run:
    """What a chapter is run with."""

    root: Path
    profile: str = "quick"
    device: str = "auto"
    seed: int = 0


def notebook(root: Path, chapter: str) -> NotebookNode:
    """The chapter as it is run: without the cell that only Colab needs."""
    nb = chapters.read(chapters.source(root, chapter))
    nb.cells = [c for c in nb.cells if not chapters.tagged(c, "colab-setup")]
    return nb


def finished(path: Path) -> bool:
    """Whether the executed notebook is there and sound; one that a crash has damaged is deleted and run again."""
    try:
        return path.exists() and bool(read(path))
    except faults.Fault:
        return False


def read(path: Path) -> NotebookNode:
    """An executed notebook with the record of its run; what is none, as after a crash, is deleted."""
    try:
        nb = nbformat.reads(path.read_text(encoding="utf-8"), 4)
        if nb.metadata[RECORD].keys() >= FACTS and all(isinstance(c.source, str) for c in nb.cells):
            return nb
    except (nbformat.ValidationError, ValueError, LookupError, AttributeError, TypeError, IsADirectoryError):
        pass
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    raise faults.Fault(f"{path}: damaged, and deleted; run make book again")


def key(chapter: str, run: Run) -> str:
    """Changes when the chapter's text, the library, the requirements, the parameters or Python change."""
    digest = hashlib.sha256(nbformat.writes(notebook(run.root, chapter), version=4).encode())
    files = [
        *sorted(p for p in (run.root / "fieldkit").rglob("*") if p.suffix in (".py", ".toml")),
        run.root / "requirements.txt",
        run.root / "constraints.txt",
    ]
    for path in files:
        digest.update(f"\0{path.relative_to(run.root).as_posix()}\0".encode() + path.read_bytes())
    digest.update(f"\0{run.profile}\0{run.device}\0{run.seed}\0{sys.version}".encode())
    return digest.hexdigest()[:16]


def executed(chapter: str, run: Run) -> Path:
    """Where the executed notebook is, or will be."""
    return run.root / "_build" / "executed" / f"{chapter}-{key(chapter, run)}.ipynb"

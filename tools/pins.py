"""Do the pinned packages install on every Python that the book promises?  Ask the package index, and note the answer.

python -m tools.pins

The note is the last line of constraints.txt.  It holds for the lists as they were, so that nobody needs to ask twice.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import chapters, faults

PYTHONS = ("3.11.0", "3.12.0", "3.13.0")
LISTS = ("requirements.txt", "constraints.txt")
NOTE = "# these resolve on Python " + ", ".join(PYTHONS) + " (make pins): "


def note(root: Path) -> str:
    """The line that says so of the lists as they are."""
    lines = [line for name in LISTS for line in (root / name).read_text(encoding="utf-8").splitlines()]
    kept = "\n".join(line for line in lines if not line.startswith(NOTE))
    return NOTE + hashlib.sha256(kept.encode()).hexdigest()[:16]


def noted(root: Path) -> bool:
    return (root / "constraints.txt").read_text(encoding="utf-8").splitlines()[-1:] == [note(root)]


def refused(root: Path, python: str) -> str:
    """What pip says against the lists on another Python; empty for nothing.  Installs nothing."""
    how = ["--dry-run", "--quiet", "--ignore-installed", "--only-binary=:all:", "--retries=1"]
    lists = ["-r", LISTS[0], "-c", LISTS[1]]
    with tempfile.TemporaryDirectory() as nowhere:
        how += ["--python-version", python, "--target", nowhere]
        command = [sys.executable, "-m", "pip", "install", *how, *lists]
        done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8")
    return done.stderr if done.returncode else ""


def main() -> int:
    root = chapters.ROOT
    for python in PYTHONS:
        if said := refused(root, python):
            print(f"Python {python}:", *[line for line in said.splitlines() if "ERROR" in line], sep="\n  ")
            return 1
        print(f"Python {python}: every package resolves", flush=True)
    path = root / "constraints.txt"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(NOTE)]
    path.write_text("\n".join([*kept, note(root), ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    faults.end(main)

"""What does a claim cost?  Seconds a claim of every chapter that `make book` has executed.

`python -m benchmarks.claims [folder]`, by default `_build/executed`: it reads what the notebooks recorded and runs
nothing.  Of each chapter the processor seconds of its run, start of the kernel and drawings included, and the claim for
which one waits longest: seconds of the clock since the weighing before it, and the cells behind it (`tools.slices`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat

from benchmarks import table
from tools import cache, chapters, ledger, slices


def newest(folder: Path, chapter: str) -> Path | None:
    """The last executed notebook of a chapter."""
    kept = [path for path in folder.glob(f"{chapter}-*.ipynb") if not path.name.endswith(".part.ipynb")]
    return max(kept, key=lambda path: path.stat().st_mtime, default=None)


def waits(claims: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds since the weighing before, of each claim in the order of the run; of the first, since the imports."""
    ends = [0.0] + [claim["seconds"] for claim in claims]
    return {claim["name"]: end - start for claim, start, end in zip(claims, ends, ends[1:])}


def main() -> None:
    """Print the table, the dearest chapter first."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else chapters.ROOT / "_build" / "executed")
    rows, total, n_claims = [], 0.0, 0
    print(f"\n{'chapter':<30}{'CPU s':>7}{'claims':>8}{'a claim':>9}   slowest claim")
    for chapter in chapters.chapters(chapters.ROOT):
        path = newest(folder, chapter)
        if path is None:
            table.missing(chapter, "make book has not run it here")
            continue
        nb = nbformat.read(path, 4)
        claims, spent = ledger.chapter(chapters.ROOT, chapter, nb).claims, nb.metadata[cache.RECORD]["seconds"]["cpu"]
        waited = waits(claims)
        slow = max(waited, key=waited.__getitem__)
        behind = len(slices.all_behind(chapters.read(chapters.source(chapters.ROOT, chapter)))[slow])
        last = f"{slow}, {waited[slow]:.0f} s, {behind} cells"
        rows.append((spent, f"{chapter:<30}{spent:>7.0f}{len(claims):>8}{spent / len(claims):>9.1f}   {last}"))
        total, n_claims = total + spent, n_claims + len(claims)
    print("\n".join(row for _, row in sorted(rows, reverse=True)))
    print(f"{'in all':<30}{total:>7.0f}{n_claims:>8}{total / max(1, n_claims):>9.1f}")


if __name__ == "__main__":
    main()

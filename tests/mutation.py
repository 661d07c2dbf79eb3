"""Can the claim fail?  A chapter's own measurement, run again with one piece of wrong physics in its source.

Nothing on disk changes: an import hook serves the replaced source of one module, or the chapter's text is replaced
before it is read.  Only the cells on which the claim rests are run (`tools.slices`), with profile quick on the CPU and
seed 0.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import matplotlib
import matplotlib.pyplot as plt

from tools import chapters, slices, sources

if TYPE_CHECKING:
    from fieldkit.records import Record

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutant:
    """Wrong physics: in `file` the text `old`, which occurs exactly once, becomes `new`; then `claim` must fail.

    `why` names the error as a physicist would.  `refuses`: words of the refusal with which the library itself answers
    this error, where it does; the mutant is then seen by that refusal and by nothing else.
    """

    claim: str
    file: str
    old: str
    new: str
    why: str
    refuses: str = ""

    def source(self) -> str:
        """The file's text with the replacement made."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.file}: {self.old!r} occurs {text.count(self.old)} times; a mutant replaces what occurs once"
            )
        return text.replace(self.old, self.new)


class _Served(importlib.abc.MetaPathFinder):
    """Finds one module and compiles it from a given text."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec and spec.origin and Path(spec.origin) == self.path:
            spec.loader = _Loader(name, spec.origin)
            spec.loader.text = self.text
            return spec
        return None


class _Loader(importlib.machinery.SourceFileLoader):
    text: str

    def get_code(self, fullname: str) -> Any:
        return compile(self.text, self.path, "exec")


@contextlib.contextmanager
def _library(mutant: Mutant | None) -> Iterator[None]:
    """fieldkit imported afresh, with the mutant in place if it is one of the library; afterwards all is as before."""

    def ours() -> list[str]:
        return [m for m in sys.modules if m.split(".")[0] == "fieldkit"]

    kept = {name: sys.modules.pop(name) for name in ours()}
    finders = [_Served(ROOT / mutant.file, mutant.source())] if mutant and mutant.file.endswith(".py") else []
    sys.meta_path[:0] = finders
    sys.path.insert(0, str(ROOT))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT))
        for finder in finders:
            sys.meta_path.remove(finder)
        for name in ours():
            del sys.modules[name]
        sys.modules.update(kept)


def weigh_under(mutant: Mutant | None, chapter: str, claim: str) -> Record:
    """The record of `claim` of `chapter` ("lattice/phi4"), measured with the mutant in place (None: nothing wrong)."""
    return records_under(mutant, chapter, claim)[claim]


def records_under(mutant: Mutant | None, chapter: str, claim: str | None = None) -> dict[str, Record]:
    """As `weigh_under`, with the records of all claims that were weighed on the way; None: of every claim."""
    source = chapters.source(ROOT, chapter)
    nb = chapters.reads(mutant.source() if mutant and ROOT / mutant.file == source else sources.text(source))
    names: dict[str, Any] = {"__name__": "__main__"}
    matplotlib.use("Agg")
    with (
        _library(mutant),
        tempfile.TemporaryDirectory() as scratch,
        contextlib.chdir(scratch),
        contextlib.redirect_stdout(io.StringIO()),
        matplotlib.rc_context(),
    ):
        try:
            behind = slices.all_behind(nb)
            for i in sorted({cell for name in behind if claim in (None, name) for cell in behind[name]}):
                exec(compile(nb.cells[i].source, f"book/{chapter}.md, cell {i}", "exec"), names)
                if chapters.tagged(nb.cells[i], "parameters"):
                    names.update(profile="quick", device="cpu", seed=0)
            return names["ledger"].records
        finally:
            plt.close("all")

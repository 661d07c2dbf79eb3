"""Every claim of the book can fail: each has a mutant, and the chapter's own measurement sees it."""

from __future__ import annotations

import importlib

import pytest

from tests.mutation import ROOT, Mutant, weigh_under
from tools import chapters

CLAIMS = {c: list(chapters.claims(chapters.read(chapters.source(ROOT, c)))) for c in chapters.chapters(ROOT)}
MUTANTS: dict[str, list[Mutant]] = {
    f"{path.parts[-3]}/{path.stem}": importlib.import_module(f"tests.{path.parts[-3]}.mutants.{path.stem}").MUTANTS
    for path in sorted((ROOT / "tests").glob("*/mutants/*.py"))
    if path.stem != "__init__"
}
REFUSALS = (ValueError, ArithmeticError, RuntimeError)  # any other exception is bad code rather than wrong physics


@pytest.mark.parametrize(("chapter", "claim"), [(c, name) for c in CLAIMS for name in CLAIMS[c]])
def test_every_claim_has_a_mutant(chapter: str, claim: str) -> None:
    assert claim in {m.claim for m in MUTANTS.get(chapter, [])}, (
        f"tests/{chapter.replace('/', '/mutants/')}.py has no mutant for {claim}"
    )


@pytest.mark.parametrize(("chapter", "claim"), [(c, name) for c in CLAIMS for name in CLAIMS[c]])
def test_the_claim_holds_when_nothing_is_wrong(chapter: str, claim: str) -> None:
    """The control of the experiment below: the same cells, run alone, with nothing replaced."""
    assert weigh_under(None, chapter, claim).holds


@pytest.mark.parametrize(
    ("chapter", "mutant"), [pytest.param(c, m, id=f"{c}-{m.claim}-{m.why}") for c in MUTANTS for m in MUTANTS[c]]
)
def test_the_mutant_breaks_the_claim(chapter: str, mutant: Mutant) -> None:
    """A library that refuses to go on has seen the mutant as well; code that merely does not run has seen nothing."""
    mutant.source()
    try:
        record = weigh_under(mutant, chapter, mutant.claim)
    except REFUSALS:
        return
    assert not record.holds, f"{mutant.why}: the pull is {record.pull:+.2f}, and nobody would notice"

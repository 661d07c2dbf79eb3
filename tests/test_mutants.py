"""Every claim of the book can fail: each has a mutant, and the chapter's own measurement sees it (`make mutants`)."""

from __future__ import annotations

import importlib
import re

import pytest
import torch

from tests.mutation import ROOT, Mutant, records_under, weigh_under
from tools import chapters

CLAIMS = {c: chapters.claims(chapters.read(chapters.source(ROOT, c))) for c in chapters.chapters(ROOT)}
MUTANTS: dict[str, list[Mutant]] = {
    "/".join(dict.fromkeys((path.parts[-3], path.stem))): importlib.import_module(
        f"tests.{path.parts[-3]}.mutants.{path.stem}"
    ).MUTANTS
    for path in sorted((ROOT / "tests").glob("*/mutants/*.py"))
    if path.stem != "__init__"
}
REFUSALS = (ValueError, ArithmeticError, torch.linalg.LinAlgError)  # the exceptions of a library that refuses


@pytest.mark.parametrize(("chapter", "claim"), [(c, name) for c in CLAIMS for name in CLAIMS[c]])
def test_every_claim_has_a_mutant(chapter: str, claim: str) -> None:
    assert claim in {m.claim for m in MUTANTS.get(chapter, [])}, f"the mutants of {chapter} have none for {claim}"


@pytest.mark.parametrize("chapter", MUTANTS)
def test_what_a_mutant_replaces_occurs_once(chapter: str) -> None:
    for mutant in MUTANTS[chapter]:
        mutant.source()


@pytest.mark.saboteur
@pytest.mark.parametrize("chapter", CLAIMS)
def test_the_claims_hold_when_nothing_is_wrong(chapter: str) -> None:
    """The control of the experiment below: the same cells with nothing replaced, all claims of a chapter in one run.
    That a claim can be run alone is what the experiment itself shows: a name that its cells lack is no refusal."""
    records = records_under(None, chapter)
    assert list(records) == list(CLAIMS[chapter])
    assert [name for name in records if not records[name].holds] == []


@pytest.mark.saboteur
@pytest.mark.parametrize(
    ("chapter", "mutant"), [pytest.param(c, m, id=f"{c}-{m.claim}-{m.why}") for c in MUTANTS for m in MUTANTS[c]]
)
def test_the_mutant_breaks_the_claim(chapter: str, mutant: Mutant) -> None:
    """The claim fails; or the library refuses to go on, in the words that the mutant names.  Any other exception is
    code that does not run, and has seen nothing."""
    if mutant.refuses:
        with pytest.raises(REFUSALS, match=re.escape(mutant.refuses)):
            weigh_under(mutant, chapter, mutant.claim)
        return
    record = weigh_under(mutant, chapter, mutant.claim)
    assert not record.holds, f"{mutant.why}: the pull is {record.pull:+.2f}, and nobody would notice"

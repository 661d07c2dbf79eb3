"""A claim rests on the cells that make what it reads, and on no others."""

from __future__ import annotations

import nbformat.v4
import pytest

from tools import chapters, slices

WEIGH = 'ledger.weigh("it", "", y, 0, source="")'
BOOK = chapters.chapters(chapters.ROOT)
MOST = 9  # cells behind a claim: parameters, imports, what is measured, its weighing
CASES = {
    "what is read": (["x = 1", "z = 2", "y = x"], [0, 2]),
    "only the last binding": (["y = 1", "y = 2"], [1]),
    "a binding that builds on an earlier one": (["y = 1", "y = y + 1"], [0, 1]),
    "augmented assignment": (["y = 1", "y += 1"], [0, 1]),
    "assignment to an element": (["y = [0]", "y[0] = 1"], [0, 1]),
    "a method called for its effect": (["y = []", "y.append(1)"], [0, 1]),
    "a method that ends in an underscore": (["y = f()", "z = y.add_(1)"], [0, 1]),
    "a method called for its value": (["y = f()", "z = y.sum()"], [0]),
    "the generator, which everybody uses": (["rng = g()", "z = draw(rng)", "rng.seed(1)", "y = draw(rng)"], [0, 3]),
    "a module": (["import torch", "torch.manual_seed(1)", "y = torch.ones(2)"], [0, 2]),
    "the inside of a function": (["a = 1", "b = 2", "def f(x):\n    b = x\n    return a + b", "y = f(3)"], [0, 2, 3]),
    "a default argument": (["a = 1", "def f(x=a):\n    return x", "y = f()"], [0, 1, 2]),
    "the variable of a comprehension": (["i = 1", "y = [i for i in range(3)]"], [1]),
    "a variable bound before it is read": (["t = 1", "t = 2\ny = t"], [1]),
    "a loop that may not run": (["y = 0", "for i in range(n):\n    y = i"], [0, 1]),
    "the variable of a loop": (["i = 1", "for i in range(3):\n    y = i"], [1]),
    "a context manager": (["c = 1", "with c as d:\n    y = d"], [0, 1]),
}


@pytest.mark.parametrize(("cells", "wanted"), CASES.values(), ids=CASES)
def test_the_slice_follows(cells, wanted):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in [*cells, WEIGH]])
    assert slices.cells_behind(nb, "it") == [*wanted, len(cells)]


def test_the_name_of_a_claim_is_a_literal():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('ledger.check(f"{x}", "", 1, 1, tolerance=1)')])
    with pytest.raises(ValueError, match="must be a literal string"):
        chapters.claims(nb)


@pytest.fixture(scope="module", params=BOOK)
def chapter(request):
    nb = chapters.read(chapters.source(chapters.ROOT, request.param))
    return chapters.claims(nb), slices.all_behind(nb)


def test_a_claim_rests_on_no_cell_that_weighs_another(chapter):
    """A name that two claims need, such as a source or a truth, has a cell before both; or each time that the one is
    measured alone, so is the other."""
    weighing, behind = chapter
    dragged = {claim: set(cells) & set(weighing.values()) - {weighing[claim]} for claim, cells in behind.items()}
    assert {claim: sorted(cells) for claim, cells in dragged.items() if cells} == {}


def test_a_claim_rests_on_few_cells(chapter):
    assert {claim: len(cells) for claim, cells in chapter[1].items() if len(cells) > MOST} == {}

"""*A machine of your own*: its truths, and what right and wrong answers get."""

from __future__ import annotations

import pytest
import torch

from coursework import separation
from coursework.draws import Draws
from coursework.lattice import machine, machines
from coursework.lattice.own_action import Theory, averages, observed
from fieldkit.lattice import phi4, small_lattices
from tests.coursework import asking
from tests.coursework.lattice.variants import RIGHT, WRONG

NAME = "lattice/machine"
LISTED = [(q, why, *rest) for q, kinds in WRONG.items() for why, rest in kinds.items()]


def code(text: str) -> str:
    """A change of the model answers written out."""
    if not text.startswith("CHANGE "):
        return text
    function, old, new = text.removeprefix("CHANGE ").split(" | ")
    cell = next(c for c in asking.cells(NAME) if f"def {function}(" in c)
    assert cell.count(old) == 1, (old, cell)
    return cell.replace(old, new)


@pytest.mark.parametrize("student", ["ada", "émile"])
@pytest.mark.parametrize("task", [t.name for t in machine.TASKS])
def test_the_model_answers_get_all_points(task, student):
    found = asking.mark(machine, task, asking.model(NAME, student), student)
    assert found.part == 1, found.said


@pytest.mark.parametrize(("task", "why"), [(q, why) for q in RIGHT for why in RIGHT[q]])
def test_another_right_way_gets_all_points(task, why):
    found = asking.mark(machine, task, asking.variant(NAME, RIGHT[task][why]))
    assert found.part == 1, found.said


@pytest.mark.parametrize(("task", "why", "text", "most", "words"), LISTED, ids=[f"{r[0]}: {r[1]}" for r in LISTED])
def test_a_wrong_way_loses_its_points_and_hears_why(task, why, text, most, words):
    found = asking.mark(machine, task, asking.variant(NAME, code(text)))
    assert found.part <= most and words in found.said, found


def test_a_neighbours_numbers_are_no_use():
    names = asking.model(NAME, "bob")
    for task in ("force", "trajectory"):
        assert asking.mark(machine, task, names, "ada").part <= 0.31


def test_the_action_without_its_extra_term_is_that_of_the_book():
    theory, book = Theory(1.0, -0.7, 0.3, 0.0, 6), phi4.Phi4(-0.7, 0.3)
    exact, own = small_lattices.torus(book, 2), averages(theory)
    for name, truth in (("phi^2", exact.phi2), ("phi^4", exact.phi4), ("phi phi'", exact.nn)):
        assert abs(own[name][0] - truth) < 1e-12
    phi = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.allclose(theory.force(phi), book.force(phi)) and torch.allclose(theory.action(phi), book.action(phi))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_force_is_minus_the_gradient_of_the_action(d):
    theory = Theory(1.3, -0.4, 0.5, 0.11, 8)
    phi = torch.randn((2,) + (3,) * d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    phi.requires_grad_()
    (gradient,) = torch.autograd.grad(theory.action(phi).sum(), phi)
    assert torch.allclose(theory.force(phi), -gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", machines.RIGHT)
def test_a_right_machine_keeps_the_exact_averages(kind):
    theory, rng = Theory(0.9, -0.8, 0.6, 0.1, 6), torch.Generator().manual_seed(3)
    phi = machines.equilibrium(theory, 8000, 2, rng)
    advance = machines.machine(theory, kind, rng, step=0.3)
    for _ in range(10):
        phi = advance(phi)
    for name, (truth, spread) in averages(theory).items():
        assert abs(observed(phi)[name] - truth) < 4 * spread / 8000**0.5


def test_students_are_told_apart():
    def truths(i):
        return machine.truths(machine.theory(machine.parameters(Draws(asking.SECRET, NAME, f"s{i}"))))

    same = separation.confused([truths(i) for i in range(40)])
    assert same.keys() == {"force", "trajectory"} and max(same.values()) <= separation.MOST

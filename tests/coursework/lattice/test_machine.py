"""*A machine of your own*: its truths, and its machines."""

from __future__ import annotations

import pytest
import torch

from coursework.lattice import machines
from coursework.lattice.own_action import Theory, averages, observed
from fieldkit.lattice import phi4, small_lattices


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

"""Laws of the phi^4 action: its force, its conventions, its identity."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.lattice import free, free_exact, phi4
from tests.fakegpu import fake_gpu

THEORY = phi4.Phi4(mass2=-1.3, coupling=0.7)
SHAPES = [(3, 7), (3, 2), (2, 5, 5), (2, 2, 2), (2, 3, 3, 3), (2, 2, 2, 2)]


def fields(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_the_book(theory, phi):
    """The action as it is written, with shifted copies."""
    kinetic = sum(0.5 * (phi.roll(-1, axis) - phi) ** 2 for axis in range(1, phi.dim()))
    return (kinetic + 0.5 * theory.mass2 * phi**2 + theory.coupling * phi**4).flatten(1).sum(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_action_is_the_sum_in_the_docstring(shape):
    phi = fields(*shape)
    assert torch.allclose(THEORY.action(phi), by_the_book(THEORY, phi), rtol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_force_is_minus_the_gradient_of_the_action(shape):
    phi = fields(*shape).requires_grad_()
    (gradient,) = torch.autograd.grad(THEORY.action(phi).sum(), phi)
    (written,) = torch.autograd.grad(by_the_book(THEORY, phi).sum(), phi)
    force = THEORY.force(phi.detach())
    assert torch.allclose(force, -gradient, atol=1e-13)
    assert torch.allclose(force, -written, atol=1e-13)


def test_the_force_does_not_care_how_the_field_lies_in_memory():
    phi = fields(4, 5, 5)
    chains_last = phi.movedim(0, -1).contiguous().movedim(-1, 0)
    assert torch.equal(THEORY.force(chains_last), THEORY.force(phi))
    assert THEORY.force(chains_last).stride() == chains_last.stride()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_at_coupling_zero_the_hessian_is_the_inverse_propagator(d):
    L, mass2 = 4, 0.6
    theory = phi4.Phi4(mass2, 0.0)
    hessian = torch.autograd.functional.hessian(
        lambda x: theory.action(x.reshape(1, *(L,) * d))[0], torch.zeros(L**d, dtype=torch.float64)
    )
    column = free_exact.propagator(L, d, mass2=mass2).flatten()  # G(x, 0)
    delta = torch.zeros(L**d, dtype=torch.float64)
    delta[0] = 1
    assert torch.allclose(hessian @ column, delta, atol=1e-12)


@pytest.mark.parametrize(("d", "L"), [(1, 2), (1, 8), (2, 2), (2, 5), (3, 4)])
def test_schwinger_dyson_holds_for_exact_draws_of_the_free_field(d, L):
    rng = torch.Generator().manual_seed(d * 10 + L)
    phi = free.sample(4000, L, d, mass2=0.5, rng=rng)
    assert abs(mean(phi4.Phi4(0.5, 0.0).schwinger_dyson(phi)).pull(0.0)) < 4


def test_schwinger_dyson_is_minus_phi_times_force_minus_one():
    phi = fields(3, 4, 4, 4)
    direct = -(phi * THEORY.force(phi)).flatten(1).mean(1) - 1
    assert torch.allclose(THEORY.schwinger_dyson(phi), direct, rtol=1e-12)


def test_measure_gives_the_moments_of_each_field():
    phi = fields(3, 4, 4)
    expected = [phi, phi**2, phi**4, 0.5 * (phi * phi.roll(1, 1) + phi * phi.roll(1, 2))]
    assert torch.allclose(phi4.measure(phi), torch.stack([x.flatten(1).mean(1) for x in expected], dim=1), rtol=1e-12)


def test_the_conventions_of_other_papers_convert_as_the_docstring_says():
    kappa, lambda_h = 0.25, 1.5
    phi = fields(2, 4, 4, 4)
    d, volume = 3, 64
    hopping = phi / math.sqrt(2 * kappa)
    bonds = sum((hopping * hopping.roll(1, axis)).flatten(1).sum(1) for axis in (1, 2, 3))
    theirs = -2 * kappa * bonds + (hopping**2 + lambda_h * (hopping**2 - 1) ** 2).flatten(1).sum(1)
    ours = phi4.Phi4((1 - 2 * lambda_h) / kappa - 2 * d, lambda_h / (4 * kappa**2)).action(phi)
    assert torch.allclose(ours, theirs - lambda_h * volume, rtol=1e-12)
    albergo = phi / math.sqrt(2)
    lambda_a = 4 * THEORY.coupling
    theirs = sum((albergo.roll(-1, axis) - albergo) ** 2 for axis in (1, 2, 3))
    theirs = (theirs + THEORY.mass2 * albergo**2 + lambda_a * albergo**4).flatten(1).sum(1)
    assert torch.allclose(THEORY.action(phi), theirs, rtol=1e-12)


def test_single_precision_keeps_its_precision_and_sums_in_double():
    phi = fields(2, 16, 16)
    single = phi.float()
    assert THEORY.force(single).dtype == torch.float32
    assert THEORY.action(single).dtype == torch.float64
    assert torch.allclose(THEORY.action(single), THEORY.action(phi), rtol=1e-5)


@pytest.mark.parametrize(("mass2", "coupling"), [(1.0, -0.1), (0.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0)])
def test_an_action_without_a_minimum_is_refused(mass2, coupling):
    with pytest.raises(ValueError, match="choose"):
        phi4.Phi4(mass2, coupling)


def test_everything_runs_on_the_pretend_accelerator():
    with fake_gpu() as rng:
        phi = torch.randn(4, 6, 6, generator=rng, device=rng.device, dtype=torch.float32)
        assert THEORY.force(phi).shape == phi.shape
        assert THEORY.action(phi).device == phi.device
        assert THEORY.schwinger_dyson(phi).shape == (4,)


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan, "1", None])
def test_a_theory_is_two_finite_numbers(wrong):
    for theory in ({"mass2": wrong, "coupling": 1.0}, {"mass2": 1.0, "coupling": wrong}):
        with pytest.raises((ValueError, TypeError), match="(mass2|coupling) = .*(finite|plain)"):
            phi4.Phi4(**theory)

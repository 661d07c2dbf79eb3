"""The free field without a boundary: closed forms, the lattice equation, and images on a torus."""

import math

import pytest
import torch
from scipy import special

from fieldkit.lattice import free_exact, infinite


@pytest.mark.parametrize("mass2", [1e-8, 0.01, 0.25, 1.0, 10.0])
@pytest.mark.parametrize("x", [0, 1, 5, -30, 300])
def test_one_dimension_decays_with_the_mass_gap(mass2, x):
    gap = free_exact.mass_gap(mass2)
    exact = math.exp(-gap * abs(x)) / (2 * math.sinh(gap))
    assert infinite.propagator([x], mass2=mass2).item() == pytest.approx(exact, rel=1e-11)


def test_two_dimensions_are_an_elliptic_integral():
    for mass2 in (0.01, 1.0, 10.0):
        exact = 2 / (math.pi * (4 + mass2)) * special.ellipk((4 / (4 + mass2)) ** 2)
        assert infinite.propagator([0, 0], mass2=mass2).item() == pytest.approx(exact, rel=1e-12)


# Watson's integral as gamma functions; heat kernels by 20-digit quadrature.
INDEPENDENT = [
    ([0, 0, 0], 0.0, 0.252731009858663003),
    ([0, 0, 0], 0.01, 0.244661638355121445),
    ([0, 0, 0, 0], 1.0, 0.127111850412714239),
    ([0, 0], 0.01, 0.64155997866770166),
]


@pytest.mark.parametrize("x, mass2, value", INDEPENDENT)
def test_independent_values(x, mass2, value):
    assert infinite.propagator(x, mass2=mass2).item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("d, mass2", [(1, 0.3), (2, 0.3), (3, 0.0), (3, 2.0), (4, 0.0), (5, 0.1)])
def test_it_answers_a_unit_source(d, mass2):
    """(-Laplacian + mass2) G = 1 at the origin and 0 elsewhere."""
    steps = torch.cat([torch.eye(d), -torch.eye(d)]).long()
    for x in ([0] * d, [1] + [0] * (d - 1), [2] * d, [40] + [3] * (d - 1)):
        here, around = (infinite.propagator(y, mass2=mass2) for y in (x, torch.tensor(x) + steps))
        source = ((2 * d + mass2) * here - around.sum()).item()
        assert source == pytest.approx(float(not any(x)), abs=1e-12 * max(here.item() * 2 * d, 1e-300))


@pytest.mark.parametrize("d, L, x", [(1, 4, (1,)), (2, 4, (1, 2)), (2, 3, (0, 1)), (3, 4, (2, 1, 0))])
def test_a_torus_is_the_sum_over_images(d, L, x):
    images = torch.cartesian_prod(*[torch.arange(-9, 10)] * d).reshape(-1, d) * L + torch.tensor(x)
    whole = infinite.propagator(images, mass2=2.0).sum().item()
    assert whole == pytest.approx(free_exact.propagator(L, d, mass2=2.0)[x].item(), rel=1e-12)


def test_massless_fields_run_away_in_two_dimensions_and_fewer():
    for x in ([0], [0, 0]):
        with pytest.raises(ValueError, match="a massless field runs away"):
            infinite.propagator(x, mass2=0.0)
    for mass2 in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="mass2 = "):
            infinite.propagator([0, 0, 0], mass2=mass2)
    for x in ([0.5, 0], 3, [[]]):
        with pytest.raises(ValueError, match="whole numbers"):
            infinite.propagator(x, mass2=1.0)
    with pytest.raises(ValueError, match="4000 sites away"):
        infinite.propagator([5000, 0], mass2=1.0)


@pytest.mark.parametrize("mass2", [1e-12, 1e6, 1e15, 1e100])
def test_any_mass_is_right(mass2):
    E = 2 * math.asinh(math.sqrt(mass2) / 2)
    assert infinite.propagator([0], mass2=mass2).item() * 2 * math.sinh(E) == pytest.approx(1, rel=1e-13)
    if mass2 < 1e10:
        truth = math.exp(-7 * E) / (2 * math.sinh(E))
        assert infinite.propagator([-7], mass2=mass2).item() == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("x", [(1000, 0, 0), (3000, 2000, 1000), (4000, 4000, 4000)])
def test_far_away_the_massless_field_falls_as_coulombs_law(x):
    """1 / 4 pi r times the first artefact of the lattice, 1 + (5 sum x^4 / r^4 - 3) / 8 r^2; the next is r^-4."""
    r2 = sum(k * k for k in x)
    truth = (1 + (5 * sum(k**4 for k in x) / r2**2 - 3) / (8 * r2)) / (4 * math.pi * math.sqrt(r2))
    assert infinite.propagator(x, mass2=0.0).item() == pytest.approx(truth, rel=3e-12)

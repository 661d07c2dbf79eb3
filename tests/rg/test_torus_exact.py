"""Two spins of a critical torus: the closed form against the infinite lattice, enumeration and Kaufman's energy."""

import math

import pytest
import torch

from fieldkit.lattice import ising_exact
from fieldkit.rg import enumeration, torus_exact

T = ising_exact.T_CRITICAL


def test_near_each_other_they_are_on_the_infinite_lattice():
    near = torus_exact.correlator([1.0, 2.0, 5.0], 10**5)
    assert torch.allclose(near * torch.tensor([1.0, 2.0, 5.0]).double() ** 0.25, torch.tensor(0.703380).double(), 1e-4)


def test_the_torus_is_periodic_and_has_a_diagonal():
    G = torus_exact.correlator(torch.arange(1, 12), 12)
    assert torch.allclose(G, G.flip(0), rtol=1e-12)
    diagonal = torus_exact.correlator(torch.arange(1, 12), 12, diagonal=True)
    assert torch.allclose(diagonal, diagonal.flip(0), rtol=1e-12)
    assert bool((diagonal < G).all())


def test_its_longest_wave_is_the_gap_of_the_ring():
    """On a torus that is turned by pi/2 the same: the four sectors give the same sum along either axis."""
    square = torus_exact.correlator([3.0], 8)
    z = torch.tensor([3j / 8], dtype=torch.complex128)
    thetas = [torus_exact._theta(k, z / 2).abs() for k in (1, 2, 3, 4)]
    near = (torus_exact._slope() / torus_exact._theta(1, z).abs()) ** 0.25
    zero = torch.zeros(1, dtype=torch.complex128)
    norm = sum(torus_exact._theta(k, zero).abs() for k in (2, 3, 4))
    assert torch.allclose(torus_exact.AMPLITUDE * 8**-0.25 * near * sum(thetas) / norm, square, rtol=1e-12)


@pytest.mark.parametrize("L, within", [(16, 0.006), (64, 0.006)])
def test_even_neighbours_are_nearly_right(L, within):
    assert float(torus_exact.correlator([1.0], L)) == pytest.approx(-ising_exact.energy(L, T) / 2, rel=within)


def test_enumeration_comes_near_on_sixteen_sites():
    def across(spins):
        return (spins * spins.roll((2, 2), (1, 2))).double()

    exact = enumeration.average(across, 4, 4, T)
    assert float(torus_exact.correlator([2.0], 4, diagonal=True)) == pytest.approx(exact, rel=1 / 4**2)


def test_what_is_no_distance_is_refused():
    for r in (0.0, 8.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="two different spins"):
            torus_exact.correlator([r], 8)


def test_the_correlation_length_of_the_torus_is_that_of_its_structure_factor():
    """By midpoints on a grid that avoids 0, with the error of the cell at 0, of order n^(-7/4), taken out."""

    def crude(n):
        place = (torch.arange(n, dtype=torch.float64) + 0.5) / n - 0.5
        x, y = torch.meshgrid(place, place, indexing="ij")
        weight = torus_exact._shape(torch.complex(x, y))
        waves = torch.cos(2 * torch.pi * x)
        return torch.stack([weight.mean(), (weight * waves).mean()])

    coarse, fine = crude(64), crude(128)
    zero, one = fine + (fine - coarse) / (2 ** (7 / 4) - 1)
    xi = torch.sqrt(zero / one - 1) / (2 * torch.pi)
    assert torus_exact.length_per_side() == pytest.approx(xi.item(), rel=1e-4)
    assert torus_exact.length_per_side(20) == pytest.approx(torus_exact.length_per_side(60), rel=1e-12)

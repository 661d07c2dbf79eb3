"""Clusters on six neighbours draw the enumerated law."""

import itertools
import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.transitions import triangular


def test_drawn_energies_and_magnetizations_are_those_of_all_states():
    L, T = 3, 3.4
    states = torch.tensor(list(itertools.product((-1, 1), repeat=L * L))).reshape(-1, L, L)
    weight = torch.softmax(-triangular.energy(states) / T, 0)
    s = triangular.equilibrium(20000, L, beta=1 / T, rng=torch.Generator().manual_seed(0), n_sweeps=12)
    for observable in (triangular.energy, lambda x: x.double().mean((1, 2)).abs()):
        found = mean(observable(s))
        assert abs(found.value - float(weight @ observable(states))) < 4 * found.error


def test_an_ordered_lattice_has_three_bonds_a_site():
    assert triangular.energy(torch.ones(2, 6, 6)).tolist() == [-108.0, -108.0]


def test_at_the_critical_point_the_energy_a_site_is_two():
    """-2 for the infinite lattice at T_c = 4/ln 3 (Houtappel 1950), approached as 1/L."""
    s = triangular.equilibrium(60, 24, beta=1 / triangular.T_CRITICAL, rng=torch.Generator().manual_seed(1))
    found = mean(triangular.energy(s) / 24**2)
    assert abs(found.value + 2) < 4 * found.error + 1.2 / 24
    assert pytest.approx(3.6409569065073496) == triangular.T_CRITICAL == 4 / math.log(3)


def test_impossible_lattices_are_refused():
    rng = torch.Generator().manual_seed(0)
    for call, words in (
        (lambda: triangular.equilibrium(1, 2, beta=0.3, rng=rng), "L = 2"),
        (lambda: triangular.equilibrium(1, 4, beta=0.0, rng=rng), "beta = 0"),
        (lambda: triangular.sweep(torch.ones(4, 4), beta=0.3, rng=rng), "expected"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

"""Block spins that need no approximation: the chain, the diamond lattice, the hierarchical model."""

import math
import re

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.rg import decimation, hierarchical, maps
from fieldkit.rg import migdal_kadanoff as mk
from tests.golden import entries

GOLDEN = {entry["name"]: entry["value"] for entry in entries("rg")}


@pytest.mark.parametrize("K, h", [(0.5, 0.0), (0.7, 0.3), (-0.7, 0.3), (0.0, -0.4), (1.5, -1.0)])
@pytest.mark.parametrize("b, kept", [(2, 4), (3, 4), (5, 3)])
def test_decimation_keeps_the_partition_function(K, h, b, kept):
    new_K, new_h, g = (float(x) for x in decimation.decimate(K, h, b=b))
    whole = decimation.log_partition_ring(K, h, b * kept)
    assert kept * g + decimation.log_partition_ring(new_K, new_h, kept) == pytest.approx(whole, rel=1e-13)


@pytest.mark.parametrize("h", [0.0, 0.2])
def test_six_steps_are_one_step_of_six(h):
    K = torch.tensor([0.3, 1.0, 2.5], dtype=torch.float64)
    twice = decimation.decimate(*decimation.decimate(K, h, b=2)[:2], b=3)
    once = decimation.decimate(K, h, b=6)
    assert torch.allclose(twice[0], once[0], rtol=1e-12) and torch.allclose(twice[1], once[1], rtol=1e-12)


def test_without_field_the_hyperbolic_tangents_multiply():
    K = torch.tensor([1e-6, 0.1, 0.5, 3.0], dtype=torch.float64)
    for b in (2, 3, 7):
        assert torch.allclose(decimation.decimate(K, b=b)[0], torch.atanh(torch.tanh(K) ** b), rtol=1e-12, atol=0)


def test_the_field_comes_half_from_each_end():
    """What a field that was not split would give is wrong: the ring of spins says so."""
    K, h = 0.6, 0.4
    new_K, new_h, g = decimation.decimate(K, h, b=2)
    unsplit = 0.5 * torch.log(torch.cosh(torch.tensor(2 * K + 2 * h)) / torch.cosh(torch.tensor(2 * K - 2 * h)))
    assert abs(float(new_h) - float(unsplit)) > 0.1


def test_the_free_energy_is_collected_along_the_flow():
    K = torch.tensor([0.3, 1.0, 2.0], dtype=torch.float64)
    for h in (0.0, 0.3):
        error = (decimation.free_energy(K, h, b=2, n_steps=12) - decimation.log_partition(K, h)).abs()
        assert float(error[-1].max()) < 1e-14
        assert bool((error[1:6] <= error[:5] + 1e-15).all())
    # mpmath, 40 digits: errors at K = 1, h = 0 after 1, 2, 3, 4 steps
    one = decimation.free_energy(1.0, n_steps=4) - decimation.log_partition(1.0)
    assert one[1:].tolist() == pytest.approx([-0.1025, -0.01501, -8.059e-4, -5.129e-6], rel=1e-3)


@pytest.mark.parametrize("K, h", [(0.6, 0.2), (-0.4, 0.5), (1.0, 0.0)])
def test_drawn_chains_have_the_magnetisation_and_the_energy_of_the_free_energy(K, h):
    s = decimation.draw(2000, 64, K=K, h=h, rng=torch.Generator().manual_seed(1)).double()
    at = torch.tensor([K, h], dtype=torch.float64)
    energy, magnetisation = torch.autograd.functional.jacobian(lambda v: decimation.log_partition(v[0], v[1]), at)
    assert abs(mean((s[:, 1:] * s[:, :-1]).mean(1)).pull(float(energy))) < 4
    assert abs(mean(s.mean(1)).pull(float(magnetisation))) < 4
    assert abs(mean(s[:, 0]).pull(float(magnetisation))) < 4


def test_lengths_shrink_by_b():
    for b in (2, 3):
        new = decimation.decimate(1.3, b=b)[0]
        assert float(decimation.correlation_length(new)) == pytest.approx(
            float(decimation.correlation_length(1.3)) / b, rel=1e-12
        )


def test_zero_temperature_is_a_fixed_point_with_two_relevant_directions():
    for b in (2, 3, 4):
        zero = torch.zeros(2, dtype=torch.float64)
        matrix = maps.linearised(lambda v, b=b: torch.stack(decimation.decimate_cold(v[0], v[1], b=b)), zero)
        assert maps.exponents(matrix, b=b).tolist() == pytest.approx([decimation.Y_T, decimation.Y_H])
    w, h = decimation.decimate_cold(math.exp(-2 * 0.8), 0.3, b=3)
    K, same, _ = decimation.decimate(0.8, 0.3, b=3)
    assert float(w) == pytest.approx(math.exp(-2 * float(K))) and float(h) == pytest.approx(float(same))


def test_huge_couplings_keep_their_digits():
    K, h, g = decimation.decimate(400.0, 2.0, b=2)
    assert float(h) == pytest.approx(4.0) and 398 < float(K) < 400 and math.isfinite(float(g))


@pytest.mark.skipif(not GOLDEN, reason="the independent values are not in a public clone")
def test_decimation_equals_the_independent_values():
    found = 0
    for name, value in GOLDEN.items():
        if match := re.fullmatch(r"ising1d\.decimate\(b=(\d),K=([\d.]+),h=([\d.]+)\)", name):
            b, K, h = int(match[1]), float(match[2]), float(match[3])
            ours = decimation.decimate(K, h, b=b)
            assert [float(x) for x in ours] == pytest.approx([float(x) for x in value], rel=1e-14, abs=1e-15)
            found += 1
    assert found >= 10
    for K in (0.5, 1, 2):
        assert float(decimation.correlation_length(K)) == pytest.approx(float(GOLDEN[f"ising1d.xi(K={K:g})"]))
    assert float(decimation.susceptibility(0.5)) == pytest.approx(float(GOLDEN["ising1d.chi(K=0.5)"]))


@pytest.mark.parametrize("generation, b, d", [(0, 2, 2), (1, 2, 2), (2, 2, 2), (1, 3, 2), (1, 2, 3)])
def test_on_the_diamond_lattice_the_recursion_is_exact(generation, b, d):
    bonds, n_sites = mk.diamond(generation, b=b, d=d)
    assert len(bonds) == b ** (d * generation)
    for K, h in ((0.6, 0.0), (0.4, 0.25)):
        brute = mk.brute_force(bonds, n_sites, K=K, h=h)
        assert mk.log_partition(generation, K=K, h=h, b=b, d=d) == pytest.approx(brute, rel=1e-13)


@pytest.mark.parametrize("generation, b, d", [(1, 2, 2), (2, 2, 2), (1, 3, 2), (2, 3, 2), (1, 2, 3)])
def test_sampled_diamonds_have_the_energy_of_the_partition_function(generation, b, d):
    K, step = torch.tensor([0.3, 0.5], dtype=torch.float64), 1e-4
    rng = torch.Generator().manual_seed(2)
    spins, bonds = mk.heat_bath(generation, K, b=b, d=d, n=400, n_sweeps=60, n_burn=40, rng=rng)
    aligned = (spins[..., bonds[:, 0]] * spins[..., bonds[:, 1]]).sum(-1, dtype=torch.float64).mean(0)
    for k, runs in zip(K.tolist(), aligned):
        up, down = (mk.log_partition(generation, K=k + x, b=b, d=d) for x in (step, -step))
        assert abs(mean(runs).pull((up - down) / (2 * step))) < 4


@pytest.mark.parametrize(
    "b, d, K_star, y_T, y_h",  # mpmath findroot with 40 digits, K' = b^(d-1) atanh(tanh^b K)
    [
        (2, 2, 0.60937786343600623, 0.74723571892890789, 1.8791464216066382),
        (3, 2, 0.72181773758940518, 0.73814049285708513, 1.8760357589718848),
        (4, 2, 0.80705185657788422, 0.72967603978257281, 1.8732472834188584),
        (3, 3, 0.35419121524909402, 0.92604671325604324, 2.5731533117268534),
    ],
)
def test_migdal_and_kadanoffs_exponents(b, d, K_star, y_T, y_h):
    assert mk.fixed_point(b=b, d=d) == pytest.approx(K_star, rel=1e-13)
    assert mk.thermal_exponent(b=b, d=d) == pytest.approx(y_T, rel=1e-12)
    assert mk.field_exponent(b=b, d=d) == pytest.approx(y_h, rel=1e-12)


def test_moving_first_is_the_same_flow_seen_half_a_step_later():
    for b, d in ((2, 2), (3, 2), (2, 3)):
        first = mk.fixed_point(b=b, d=d, move_first=True)
        assert first == pytest.approx(mk.fixed_point(b=b, d=d) / b ** (d - 1))
        assert float(mk.recursion(first, b=b, d=d, move_first=True)) == pytest.approx(first)


def test_infinitesimal_steps_find_the_exact_critical_point_in_two_dimensions():
    assert mk.fixed_point(b=1, d=2) == pytest.approx(math.log(1 + math.sqrt(2)) / 2, rel=1e-13)
    assert 1 / mk.thermal_exponent(b=1, d=2) == pytest.approx(1.32705279989055874, rel=1e-12)  # mpmath
    assert 1 / mk.thermal_exponent(b=1, d=3) == pytest.approx(1.05466470215845271, rel=1e-12)
    assert mk.thermal_exponent(b=1.0001, d=2) == pytest.approx(mk.thermal_exponent(b=1, d=2), rel=1e-5)
    K, b = torch.tensor([0.2, 0.44, 1.0]).double(), 1 + 1e-6
    slope = maps.beta(lambda x: mk.recursion(x, b=b, d=2.5), K, b=b)
    assert torch.allclose(slope, mk.beta(K, d=2.5), atol=1e-5)


def test_the_whole_number_recursions_agree():
    K = torch.tensor([0.1, 0.6, 4.0], dtype=torch.float64)
    assert torch.allclose(mk.recursion(K, b=3, d=2), mk.recursion_with_field(K, 0.0, b=3, d=2)[0], rtol=1e-12)
    with pytest.raises(ValueError, match="d = 1"):
        mk.fixed_point(b=2, d=1)


def test_the_hierarchical_model_from_independent_values():
    """mpmath with 40 digits: polynomial of degree 72 in k, bisection, Newton, eigenvalues."""
    point = hierarchical.fixed_point(D=3, n_terms=28)
    assert point.eigenvalues[:3].tolist() == pytest.approx(
        [1.42717247817759368, 0.859411649182008, 0.47963730538753284], rel=1e-12
    )
    assert point.nu == pytest.approx(0.649570365079298, abs=1e-13)
    assert point.gamma == pytest.approx(1.2991407301585954, abs=1e-13)
    assert point.omega == pytest.approx(0.655736286454726, abs=1e-12)
    assert point.delta == pytest.approx(0.42594685898813929, abs=1e-12)
    assert hierarchical.critical_length(n_terms=28) == pytest.approx(1.0858316, abs=1e-7)


def test_the_hierarchical_step_is_the_integral_over_the_two_halves():
    """exp(-1/2 d^2) in k is a weight exp(phi^2/2) on the block spin phi = sqrt(c) (x + y) / 2."""
    D, r = 3.0, 0.7
    spins = math.sqrt(2 ** (1 - 2 / D)) * r * torch.tensor([-1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    weight = torch.exp(spins**2 / 2)
    new = hierarchical.block(hierarchical.start(r, 24), D=D)
    for l, double_factorial in ((1, 1), (2, 3), (3, 15)):
        expected = float((weight * spins ** (2 * l)).sum() / weight.sum()) / double_factorial
        assert float(new[l]) == pytest.approx(expected, rel=1e-9)


def test_a_gaussian_law_stays_gaussian():
    D, v = 3.0, 0.3
    moments = v ** torch.arange(25).double()
    c = 2 ** (1 - 2 / D)
    assert float(hierarchical.block(moments, D=D)[1]) == pytest.approx(c * v / (2 - c * v), rel=1e-7)


def test_four_dimensions_end_the_fixed_point():
    near = hierarchical.fixed_point(D=3.8, n_terms=32)
    assert near.nu == pytest.approx(0.5 + 0.2 / 12, abs=0.005)  # first order in 4 - D
    with pytest.raises(ValueError, match="2 < D < 4"):
        hierarchical.fixed_point(D=4)

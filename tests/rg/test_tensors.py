"""Tensor renormalisation: exact while nothing is cut off, then as good as chi; the ring of spins as truth."""

import math

import pytest
import torch

from fieldkit.lattice import ising_exact, onsager_exact
from fieldkit.rg import corner_exact, ring_exact, tensors
from tests.golden import entries

TC = ising_exact.T_CRITICAL
GOLDEN = {entry["name"]: entry["value"] for entry in entries("rg")}


@pytest.mark.parametrize("L", [2, 3, 5, 6])
@pytest.mark.parametrize("T", [1.5, TC, 3.5])
def test_free_fermions_have_the_levels_of_the_matrix(L, T):
    dense = ring_exact.dense_levels(L, T)
    both = torch.cat([ring_exact.log_levels(L, T, odd=odd) for odd in (True, False)]).sort(descending=True).values
    k = min(6, len(dense))
    assert torch.allclose(both[:k], dense[:k], atol=1e-12)


def test_the_ring_from_independent_values():
    """mpmath: free fermions of the periodic transfer matrix at K_c."""
    sigma = {2: 0.13865079210939266979, 4: 0.12892232785193438974, 16: 0.12520279668254853805, 64: 0.12501255742553227}
    for L, value in sigma.items():
        assert ring_exact.dimension(L, odd=True) == pytest.approx(value, abs=1e-12)
    assert ring_exact.dimension(8, odd=False) == pytest.approx(0.98738972279551822138, abs=1e-12)
    assert ring_exact.central_charge(16) == pytest.approx(0.50113627530518620679, abs=1e-11)


def test_off_the_critical_temperature_the_lowest_dimension_runs_with_the_size():
    """Its slope in T at T_c is proportional to L: y_T = 1 without corrections."""
    slopes = [
        ring_exact.dimension(L, odd=True, T=TC + 1e-4) - ring_exact.dimension(L, odd=True, T=TC - 1e-4) for L in (8, 16)
    ]
    assert slopes[1] / slopes[0] == pytest.approx(2, rel=1e-5)
    assert ring_exact.dimension(64, odd=True, T=1.8) < 1e-4 and ring_exact.dimension(64, odd=True, T=3.0) > 3


def test_a_long_torus_has_the_largest_level():
    for T in (1.8, TC, 3.0):
        top = float(ring_exact.log_levels(6, T, odd=False, n=1)[0])
        other = float(ring_exact.log_levels(6, T, odd=True, n=1)[0])
        M = 400
        expected = M * top + math.log1p(math.exp(M * (other - top)))
        assert ising_exact.log_partition(6, T, M=M) == pytest.approx(expected, rel=1e-12)


def test_rings_tend_to_the_conformal_dimensions():
    for odd, limit in ((True, ring_exact.DELTA_SIGMA), (False, ring_exact.DELTA_EPSILON)):
        gaps = [abs(ring_exact.dimension(L, odd=odd) - limit) for L in (16, 32, 64)]
        assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.02) and gaps[1] / gaps[2] == pytest.approx(4, rel=0.01)
    assert abs(ring_exact.central_charge(64) - ring_exact.CENTRAL_CHARGE) < 1e-4


@pytest.mark.parametrize("step, n_steps", [(tensors.trg, 2), (tensors.hotrg, 2), (tensors.hotrg, 4)])
def test_without_truncation_the_torus_is_exact(step, n_steps):
    """chi = 16 holds a block of 4 x 4: bonds of 2^4 values."""
    T = torch.tensor([1.7, TC, 4.0], dtype=torch.float64)
    flow = tensors.flow(T, chi=16, n_steps=n_steps, step=step)
    side = 2 ** (n_steps // 2)
    exact = [ising_exact.log_partition(side, t) / side**2 for t in T.tolist()]
    assert flow.log_partition[n_steps].tolist() == pytest.approx(exact, rel=1e-13)


def test_blocks_of_four_have_the_spectrum_of_the_ring_of_eight():
    flow = tensors.flow(TC, chi=16, n_steps=4, step=tensors.hotrg)
    sigma, epsilon = tensors.scaling_dimensions(flow, 4, n=2)[0].tolist()
    assert sigma == pytest.approx(ring_exact.dimension(8, odd=True), abs=1e-10)
    assert epsilon == pytest.approx(ring_exact.dimension(8, odd=False), abs=1e-10)
    c = tensors.central_charge(flow, 4, bulk=ring_exact.bulk(TC))
    assert float(c) == pytest.approx(ring_exact.central_charge(8), abs=1e-9)
    narrow = tensors.scaling_dimensions(flow, 4, n=1, width=1)
    assert float(narrow) == pytest.approx(ring_exact.dimension(4, odd=True), abs=1e-10)


@pytest.mark.parametrize(
    "step, errors",  # numpy SVD code, 2^40 sites, relative error of ln Z / N at T_c and 2.5, to 20 per cent
    [(tensors.trg, (-6.91e-05, -5.35e-05)), (tensors.hotrg, (-1.36e-05, -2.89e-06))],
)
def test_the_free_energy_of_a_trillion_spins(step, errors):
    T = torch.tensor([TC, 2.5], dtype=torch.float64)
    flow = tensors.flow(T, chi=8, n_steps=40, step=step)
    found = [float(flow.log_partition[-1, i]) / ring_exact.bulk(t) - 1 for i, t in enumerate(T.tolist())]
    assert found == pytest.approx(errors, rel=0.2)


def test_a_batch_is_its_temperatures_one_by_one():
    T = torch.tensor([2.0, TC, 2.6], dtype=torch.float64)
    for step in (tensors.trg, tensors.hotrg):
        together = tensors.flow(T, chi=6, n_steps=10, step=step).log_partition
        alone = torch.cat([tensors.flow(t, chi=6, n_steps=10, step=step).log_partition for t in T], 1)
        assert torch.allclose(together, alone, rtol=1e-11)


def test_a_finite_chi_is_a_finite_correlation_length():
    """The plateau and the fall: right at scale 2^3, wrong at 2^10, and a length that no longer grows."""
    flow = tensors.flow(TC, chi=8, n_steps=24, step=tensors.trg)
    near = float(tensors.scaling_dimensions(flow, 4, n=1))
    far = float(tensors.scaling_dimensions(flow, 20, n=1))
    assert abs(near - 1 / 8) < 0.002 and far < 0.01
    off = tensors.flow(2.5, chi=16, n_steps=16, step=tensors.trg)
    assert float(tensors.correlation_length(off, 8)) == pytest.approx(
        float(tensors.correlation_length(off, 10)), rel=0.1
    )


def test_below_the_critical_temperature_two_states_are_degenerate():
    flow = tensors.flow(torch.tensor([1.8, 3.5]), chi=8, n_steps=14, step=tensors.hotrg)
    dimensions = tensors.scaling_dimensions(flow, 14, n=1)[:, 0]
    assert float(dimensions[0]) < 1e-6 and float(dimensions[1]) > 1


def test_what_cannot_be_is_refused():
    flow = tensors.flow(TC, chi=4, n_steps=3)
    with pytest.raises(ValueError, match="square"):
        tensors.scaling_dimensions(flow, 3)
    with pytest.raises(ValueError, match="chi = 1"):
        tensors.flow(TC, chi=1, n_steps=3)
    with pytest.raises(ValueError, match="temperature"):
        tensors.flow([2.0, -1.0], chi=4, n_steps=1)


@pytest.mark.skipif(not GOLDEN, reason="the independent values are not in a public clone")
def test_rings_equal_every_independent_value():
    names = {"Delta_sigma": True, "Delta_epsilon": False}
    for name, value in GOLDEN.items():
        if name.startswith("ising2d.ring."):
            what, L = name.removeprefix("ising2d.ring.").removesuffix(")").split("(L=")
            ours = (
                ring_exact.central_charge(int(L)) if what == "c_eff" else ring_exact.dimension(int(L), odd=names[what])
            )
            assert ours == pytest.approx(float(value), abs=2e-12)


@pytest.mark.parametrize("T", [2.4, 2.5, 3.0, 5.0])
def test_the_parity_of_a_corner_is_the_magnetisation_of_the_dual_magnet(T):
    """Flipping half of the plane leaves a string that ends at the corner: the disorder operator."""
    rungs = corner_exact.corner(T, 40)
    weight = torch.exp(-corner_exact.spacing(T) * rungs)
    parity = float((weight * (-1) ** rungs).sum() / weight.sum())
    dual = 2 / -math.log(math.tanh(1 / T))
    assert parity == pytest.approx(onsager_exact.yang_magnetization(dual), abs=1e-5)


def test_a_temperature_and_its_dual_have_one_ladder():
    for T in (1.5, 2.0, 2.2):
        assert corner_exact.spacing(T) == pytest.approx(corner_exact.spacing(2 / -math.log(math.tanh(1 / T))))
    assert corner_exact.corner(3.0, 9).tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 8]
    assert corner_exact.corner(2.0, 10).tolist() == [0, 0, 2, 2, 4, 4, 6, 6, 6, 6]
    with pytest.raises(ValueError, match="ask for fewer"):
        corner_exact.cut(3.0, 4000)


@pytest.mark.parametrize("step", [tensors.trg, tensors.hotrg])
@pytest.mark.parametrize("T", [2.0, 3.0])
def test_a_block_larger_than_the_correlation_length_is_four_corners(step, T):
    A = tensors.flow(T, chi=16, n_steps=14, step=step).tensors[-1][0]
    s = torch.linalg.svdvals(A.reshape(A.shape[0] * A.shape[1], -1))[:8]
    found = -4 * (s / s[0]).log() / corner_exact.spacing(T)
    assert torch.allclose(found, corner_exact.cut(T, 8), atol=0.003)

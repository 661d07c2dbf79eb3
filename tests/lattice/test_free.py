"""Laws of the free field, in every dimension and for both boundaries."""

import math

import pytest
import torch

from fieldkit.estimates import jackknife, mean
from fieldkit.lattice import free, free_exact

CASES = [(1, 9), (1, 8), (2, 5), (2, 6), (3, 4)]


def differences(L, d):
    """(L^d, L^d) tuples of coordinate differences modulo L, for indexing a translation-invariant propagator."""
    sites = torch.cartesian_prod(*[torch.arange(L)] * d).reshape(-1, d)
    return tuple(((sites[:, None] - sites[None]) % L).unbind(-1))


def hessian(L, d, boundary, mass2=0.7):
    def one(x):
        return free.action(x.reshape(1, *(L,) * d), mass2=mass2, boundary=boundary)[0]

    return torch.autograd.functional.hessian(one, torch.zeros(L**d, dtype=torch.float64))


@pytest.mark.parametrize(("d", "L"), CASES)
def test_the_hessian_of_the_action_is_the_inverse_propagator(d, L):
    propagator = free_exact.propagator(L, d, mass2=0.7)[differences(L, d)]
    identity = torch.eye(L**d, dtype=torch.float64)
    for boundary in ("periodic", "open"):
        assert torch.allclose(hessian(L, d, boundary), free.matrix(L, d, mass2=0.7, boundary=boundary), atol=1e-13)
    assert torch.allclose(hessian(L, d, "periodic") @ propagator, identity, atol=1e-12)
    assert torch.allclose(hessian(L, d, "open") @ free_exact.open_propagator(L, d, mass2=0.7), identity, atol=1e-12)


@pytest.mark.parametrize("L", [1, 2, 7, 12])
def test_the_modes_of_the_open_chain_are_orthonormal_and_have_their_momentum(L):
    modes = free.open_modes(L)
    assert torch.allclose(modes @ modes.T, torch.eye(L, dtype=torch.float64), atol=1e-13)
    kinetic = hessian(L, 1, "open", mass2=0.0)
    momenta = torch.diag(free.momentum_squared(L, 1, boundary="open"))
    assert torch.allclose(modes @ kinetic @ modes.T, momenta, atol=1e-12)


@pytest.mark.parametrize(("d", "L"), CASES)
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_samples_have_the_exact_covariance(d, L, boundary):
    n = 20000
    phi = free.sample(n, L, d, mass2=0.5, rng=torch.Generator().manual_seed(L), boundary=boundary).reshape(n, -1)
    exact = (
        free_exact.propagator(L, d, mass2=0.5)[differences(L, d)]
        if boundary == "periodic"
        else free_exact.open_propagator(L, d, mass2=0.5)
    )
    measured = phi.T @ phi / n
    error = torch.sqrt((exact.square() + exact.diagonal()[:, None] * exact.diagonal()) / n)  # Wick
    pulls = ((measured - exact) / error)[torch.triu_indices(L**d, L**d).unbind()]
    assert pulls.abs().max() < 5.5
    assert pulls.square().mean() == pytest.approx(1, abs=0.5)


@pytest.mark.parametrize(("d", "L", "mass2"), [(1, 12, 0.25), (2, 8, 0.25), (2, 9, 0.04), (3, 6, 1.0)])
def test_the_second_moment_length_is_one_over_m_at_every_size(d, L, mass2):
    exact = torch.fft.fftn(free_exact.propagator(L, d, mass2=mass2)).real
    lowest = torch.stack([exact.reshape(-1)[0], exact[(0,) * (d - 1) + (1,)]])
    assert free.second_moment_length(lowest, L).item() == pytest.approx(1 / math.sqrt(mass2), rel=1e-12)
    phi = free.sample(4000, L, d, mass2=mass2, rng=torch.Generator().manual_seed(d))
    measured = jackknife(lambda s: free.second_moment_length(s, L), free.lowest_structure(phi))
    assert abs(measured.pull(1 / math.sqrt(mass2))) < 4


def test_structure_factor_correlator_and_timeslices_agree():
    phi = free.sample(3, 6, 2, mass2=0.5, rng=torch.Generator().manual_seed(0))
    pairs = torch.stack([(phi * phi.roll((-x, -y), (1, 2))).mean((1, 2)) for x in range(6) for y in range(6)], 1)
    assert torch.allclose(free.correlator(phi).reshape(3, -1), pairs, atol=1e-13)
    assert torch.allclose(free.timeslice_correlator(phi), free.correlator(phi).sum(2), atol=1e-13)


def test_the_correlator_of_timeslices_decays_with_the_mass_gap():
    L, mass2 = 64, 0.25
    slices = free_exact.propagator(L, 2, mass2=mass2).sum(1)
    x = torch.arange(L, dtype=torch.float64)
    gap = free_exact.mass_gap(mass2)
    periodic = torch.cosh(gap * (x - L / 2)) / math.cosh(gap * L / 2)
    assert torch.allclose(slices / slices[0], periodic, rtol=1e-12)


@pytest.mark.parametrize(
    ("d", "L", "mass2", "phi2", "log_z"),
    [  # momentum sums in 30-digit arithmetic; the d = 1 ring also from its closed form
        (1, 16, 1.0, 0.447213779128672746, 7.0036275356242321),
        (1, 32, 0.01, None, 27.8483718875022217),
        (2, 16, 0.25, 0.376958111158130977, 71.237260340473398),
        (2, 32, 0.01, None, 340.25867340465194),
        (3, 32, 0.01, 0.245592242105392311, None),
        (4, 16, 1.0, 0.127111851331470674, None),
    ],
)
def test_golden_values(d, L, mass2, phi2, log_z):
    if phi2:
        assert free_exact.propagator(L, d, mass2=mass2)[(0,) * d].item() == pytest.approx(phi2, rel=1e-13)
    if log_z:
        assert free_exact.log_partition_function(L, d, mass2=mass2) == pytest.approx(log_z, rel=1e-13)


def test_golden_propagator_between_sites():
    g = free_exact.propagator(8, 2, mass2=0.25)  # dense inverse agrees to 3e-17
    exact = {(1, 0): 0.1595950134071544, (1, 1): 0.106176276641471298, (4, 4): 0.0273734838367373273}
    for x, value in exact.items():
        assert g[x].item() == pytest.approx(value, rel=1e-13)


def test_the_energy_of_a_mode_is_one_half():
    phi = free.sample(5000, 6, 2, mass2=0.3, rng=torch.Generator().manual_seed(9))
    assert abs(mean(free.action(phi, mass2=0.3)).pull(36 / 2)) < 4  # equipartition: <S> = sites / 2


def test_bad_lattices_are_refused_with_the_reason():
    rng = torch.Generator()
    with pytest.raises(ValueError, match="zero mode"):
        free.sample(2, 4, 2, mass2=0.0, rng=rng)
    with pytest.raises(ValueError, match="zero mode"):
        free_exact.propagator(4, 2, mass2=float("nan"))
    with pytest.raises(ValueError, match="at least one site"):
        free.momentum_squared(0, 2)
    with pytest.raises(ValueError, match="batch dimension"):
        free.structure_factor(torch.zeros(4))
    with pytest.raises(ValueError, match="closes on itself"):
        free.action(torch.zeros(1, 4), mass2=1.0, boundary="twisted")
    with pytest.raises(ValueError, match="non-zero momentum"):
        free.second_moment_length(torch.ones(2), 1)


def test_a_length_is_asked_only_of_lattices_that_have_waves():
    with pytest.raises(ValueError, match="no momentum but zero"):
        free.lowest_structure(torch.zeros(2, 1, 1))
    with pytest.raises(ValueError, match=r"expected \(..., 2\)"):
        free.second_moment_length(torch.ones(3), 4)
    with pytest.raises(ValueError, match="runs away"):
        free_exact.mass_gap(-1.0)
    with pytest.raises(ValueError, match="finite"):
        free.sample(2, 4, 2, mass2=math.inf, rng=torch.Generator())

"""What each scale holds: the group undoes the generator, Haar wavelets come back, information is counted right."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.lattice import free, free_exact
from fieldkit.lattice.phi4 import Phi4
from fieldkit.neuralrg import blocks, information, receptive, scales, training
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.mera import mera
from tests.neuralrg.shaken import shaken


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(8)


@pytest.mark.parametrize(("L", "d", "n_levels"), [(8, 2, None), (8, 2, 2), (8, 1, None)])
def test_the_group_undoes_the_generator_level_by_level(L, d, n_levels, rng):
    flow = shaken(mera(L, d, n_levels=n_levels, n_rounds=1, width=3, rng=rng, dtype=torch.float64), rng)
    z = torch.randn(3, *(L,) * d, generator=rng, dtype=torch.float64)
    up = scales.built(flow, z)
    down = scales.renormalised(flow, up[-1])
    assert [len(x[0]) for x in up] == [L >> k for k in reversed(range(len(scales.levels(flow))))]
    for a, b in zip(up, reversed(down), strict=True):
        assert torch.allclose(a, b, atol=1e-9)
    pictures = scales.blurred(flow, z)
    assert torch.allclose(pictures[-1], up[-1], atol=1e-12) and pictures[0].shape == z.shape


def test_every_site_has_the_scale_of_the_power_of_two_that_divides_it(rng):
    flow = mera(8, rng=rng)
    scale = scales.scale_of_sites(flow)
    assert scale[0, 0] == 3 and scale[4, 0] == 2 and scale[2, 4] == 1 and scale[4, 5] == 0
    assert [(scale == k).sum().item() for k in range(4)] == [48, 12, 3, 1]
    with pytest.raises(ValueError, match="no levels"):
        scales.built(equivariant(4, rng=rng), torch.zeros(1, 4, 4))


def test_responses_of_bare_decimators_are_orthonormal_wavelets():
    basis = torch.stack([receptive.wavelet(8, (i, j)) for i in range(8) for j in range(8)]).flatten(1)
    assert torch.allclose(basis @ basis.T, torch.eye(64, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(basis[0], torch.full((64,), 1 / 8, dtype=torch.float64))
    fine = receptive.wavelet(8, (3, 3))  # sites with an odd coordinate are the finest: one block of four
    assert (fine != 0).sum() == 4 and fine.sum().abs() < 1e-12
    middle = receptive.wavelet(8, (2, 2))
    assert (middle != 0).sum() == 16 and middle.sum().abs() < 1e-12


def test_the_response_is_the_column_of_the_jacobian(rng):
    flow = shaken(mera(4, n_rounds=1, width=3, rng=rng, dtype=torch.float64), rng)
    z = torch.randn(2, 4, 4, generator=rng, dtype=torch.float64)
    found = receptive.response(flow, z, (2, 3))
    J = torch.autograd.functional.jacobian(lambda y: flow(y[None])[0][0], z[1])
    assert torch.allclose(found[1], J[:, :, 2, 3], atol=1e-10)
    assert receptive.overlap(found, found[1]).tolist()[1] == pytest.approx(1)
    assert abs(receptive.overlap(receptive.wavelet(4, (1, 1)), receptive.wavelet(4, (1, 2))).item()) < 1e-12


def test_shapes_go_together_as_the_propagator_says(rng):
    C = free_exact.propagator(4, 2, mass2=0.5)
    v, w = torch.randn(2, 4, 4, generator=rng, dtype=torch.float64)
    matrix = torch.linalg.inv(free.matrix(4, 2, mass2=0.5))
    assert receptive.covariance(v, w, C) == pytest.approx((v.flatten() @ matrix @ w.flatten()).item(), abs=1e-12)


def test_haar_is_orthogonal_and_its_last_row_is_the_mean():
    for d in (1, 2):
        H = blocks.haar(d, dtype=torch.float64, device=torch.device("cpu"))
        assert torch.allclose(H @ H.T, torch.eye(2**d, dtype=torch.float64), atol=1e-15)
        assert torch.allclose(H[-1], torch.full((2**d,), 2 ** (-d / 2), dtype=torch.float64))


@pytest.mark.parametrize("r", [0.3, 0.9])
def test_mutual_information_of_a_gaussian_pair_is_that_of_the_formula(r, rng):
    a, e = torch.randn(2, 16000, generator=rng, dtype=torch.float64)
    b = r * a + math.sqrt(1 - r * r) * e
    truth = -0.5 * math.log(1 - r * r)
    assert abs(information.mutual_information(a, b).pull(truth)) < 4
    assert information.gaussian(a, b).item() == pytest.approx(truth, abs=0.03)


def test_correlation_misses_what_neighbours_see(rng):
    a, e = torch.randn(2, 8000, generator=rng, dtype=torch.float64)
    b = a.square() + 0.1 * e
    assert information.gaussian(a, b) < 0.01 < 1 < information.mutual_information(a, b, n_batches=8).value
    with pytest.raises(ValueError, match="fifty"):
        information.mutual_information(a[:100], b[:100])


def test_independent_pairs_share_nothing_on_average(rng):
    found = [information.mutual_information(*torch.randn(2, 1600, generator=rng)).value for _ in range(40)]
    assert abs(estimates.mean(torch.tensor(found)).pull(0)) < 4 and min(found) < 0
    with pytest.raises(ValueError, match="never moves"):
        information.mutual_information(torch.ones(2000), torch.randn(2000, generator=rng))


def test_information_does_not_depend_on_the_scale(rng):
    a, e = torch.randn(2, 3200, generator=rng, dtype=torch.float64)
    one, other = information.mutual_information(a, a + e), information.mutual_information(1000 * a, (a + e) / 7 - 3)
    assert one.value == pytest.approx(other.value, abs=0.02)


@pytest.mark.parametrize(("L", "n_levels", "coarsest"), [(8, None, 1), (8, 2, 4), (12, 1, 36)])
def test_nested_sites_have_wavelets_one_in_the_other(L, n_levels, coarsest):
    sites = scales.nested(L, n_levels=n_levels)
    found = [receptive.wavelet(L, site, n_levels=n_levels) != 0 for site in sites]
    split = found[: len(found) - coarsest]
    assert all(bool((small <= large).all()) for k, small in enumerate(split) for large in split[k - k % 3 + 3 :])
    assert [w.sum().item() for w in split] == [4 ** (1 + k // 3) for k in range(len(split))]
    assert sorted(found[-1].shape) == [L, L] and len(found) == len(split) + coarsest
    with pytest.raises(ValueError, match="halved"):
        scales.nested(L, n_levels=4)


def test_copies_of_a_pair_are_the_same_pair_at_other_places(rng):
    bare = mera(8, n_rounds=0, spectra=False, n_terms=0, rng=rng, dtype=torch.float64)
    x = free.sample(3, 8, 2, mass2=0.3, rng=rng)
    a, b = scales.copies(bare.inverse(x)[0].detach(), (1, 2), (2, 4), most=64)
    assert a.shape == b.shape == (12,)
    moved = bare.inverse(x.roll((-4, -4), (1, 2)))[0].detach()
    for found, site in ((a, (1, 2)), (b, (2, 4))):
        assert torch.allclose(found.reshape(3, 4)[:, -1], moved[:, site[0], site[1]])
    assert scales.copies(x, (1, 2), (2, 4), most=2)[0].shape == (6,)


def test_correlators_of_white_noise_are_one_and_zero(rng):
    (c,) = scales.correlators([torch.randn(4000, 8, 8, generator=rng, dtype=torch.float64)])
    assert c.shape == (4000, 5) and c[:, 0].mean() == pytest.approx(1)
    assert (c[:, 1:].mean(0) / (c[:, 1:].std(0) / 4000**0.5)).abs().max() < 4


def test_draws_of_a_flow_leave_white_noise_at_every_level(rng):
    flow = shaken(mera(8, n_rounds=1, width=3, rng=rng, dtype=torch.float64), rng)
    x, _ = flow.sample(4000, rng=rng)
    aside = scales.put_aside(flow, x)
    assert len(aside) == 4 and all(a.shape == (4000,) for a in aside)
    for a in aside:
        assert abs(estimates.mean(a).pull(1)) < 4


def test_correlations_relative_to_half_a_side_are_those_of_the_propagator(rng):
    x = free.sample(4000, 8, 2, mass2=0.05, rng=rng)
    C = free_exact.propagator(8, 2, mass2=0.05)
    found = scales.relative(x)
    assert len(found) == 3
    for r, e in enumerate(found, start=1):
        assert abs(e.pull((C[r, 0] / C[4, 0]).item())) < 4


def test_no_scales_of_bare_decimators_lie_below_the_least_gap():
    """The least over scales in closed form is not undercut by scales found by descent, and is met."""
    theory, rng = Phi4(0.3, 0.0), torch.Generator().manual_seed(0)
    for n_levels in (1, 2):
        flow = mera(4, n_levels=n_levels, n_rounds=0, spectra=False, n_terms=0, rng=rng, dtype=torch.float64)
        training.train(flow, theory, n_steps=300, batch=64, rng=rng)
        with torch.no_grad():
            z = flow.prior.sample(200_000, rng=rng, dtype=torch.float64)
            x, log_q = flow.draw(z)
            found = estimates.mean(log_q + theory.action(x)) + free_exact.log_partition_function(4, 2, mass2=0.3)
        assert abs(found.pull(receptive.least_gap(4, mass2=0.3, n_levels=n_levels))) < 4
    with pytest.raises(ValueError, match="mass2 = 0"):
        receptive.least_gap(4, mass2=0.0, n_levels=1)

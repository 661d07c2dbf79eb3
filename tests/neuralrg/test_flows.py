"""What every flow obeys: it goes back, it knows its volume change, it carries its score, it keeps its symmetries."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.neuralrg import flows as flow_module
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.mera import mera
from fieldkit.neuralrg.pointwise import Monotone
from fieldkit.neuralrg.spectrum import Spectrum, classes
from fieldkit.neuralrg.symmetry import Symmetrised, random_signs
from tests.neuralrg.shaken import NAMES, flows, shaken


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(3)


def noise(flow, n, rng):
    return flow.prior.sample(n, rng=rng, dtype=flow.dtype).detach()


@pytest.mark.parametrize("name", NAMES)
def test_the_way_back_leads_home(name, rng):
    flow = flows(rng)[name]
    z = noise(flow, 7, rng)
    with torch.no_grad():
        x, log_det = flow(z)
        again, back = flow.inverse(x)
    assert torch.allclose(again, z, atol=1e-9, rtol=0)
    assert torch.allclose(log_det, -back, atol=1e-9, rtol=0)
    assert not torch.allclose(x, z, atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_the_log_determinant_is_that_of_the_jacobian(name, rng):
    flow = flows(rng)[name]
    z = noise(flow, 2, rng)
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda y: flow(y[None])[0].flatten(), z[i])
        expected = jacobian.reshape(flow.prior.volume, -1).slogdet().logabsdet
        assert flow(z)[1][i].item() == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_density_of_a_sample_is_that_of_the_field(name, rng):
    flow = flows(rng)[name]
    x, log_q = flow.sample(9, rng=rng, batch=4)
    with torch.no_grad():
        assert torch.allclose(flow.log_prob(x), log_q, atol=1e-8, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_score_is_carried_forward(name, rng):
    flow = flows(rng)[name]
    z = noise(flow, 5, rng)
    x, log_q, score = flow.transport(z)
    place = x.detach().requires_grad_()
    expected_q = flow.log_prob(place)
    (expected,) = torch.autograd.grad(expected_q.sum(), place)
    assert torch.allclose(log_q, expected_q.detach(), atol=1e-8, rtol=0)
    assert torch.allclose(score, expected, atol=1e-6, rtol=1e-6)
    assert not score.requires_grad and not log_q.requires_grad and x.requires_grad


@pytest.mark.parametrize("name", [n for n in NAMES if "odd" in n])
def test_an_odd_flow_is_odd_and_its_density_even(name, rng):
    flow = flows(rng)[name]
    z = noise(flow, 5, rng)
    with torch.no_grad():
        x, _ = flow(z)
        assert torch.allclose(flow(-z)[0], -x, atol=1e-12)
        assert torch.allclose(flow.log_prob(x), flow.log_prob(-x), atol=1e-9)


def test_a_flow_that_is_not_odd_has_no_such_symmetry(rng):
    flow = flows(rng)["waves and colours"]
    x, log_q = flow.sample(5, rng=rng)
    with torch.no_grad():
        assert (flow.log_prob(-x) - log_q).abs().min() > 1e-3


def test_symmetrising_gives_the_mean_of_both_densities(rng):
    flow = flows(rng)["waves and colours"]
    both = Symmetrised(flow)
    x, log_q = both.sample(6, rng=rng)
    with torch.no_grad():
        mean = (flow.log_prob(x).exp() + flow.log_prob(-x).exp()) / 2
        assert torch.allclose(log_q, mean.log(), atol=1e-9)
        assert torch.allclose(both.log_prob(x), both.log_prob(-x), atol=1e-9)
    z = noise(flow, 4, rng)
    x, log_q, score = both.transport(z)
    drawn, log_drawn = both.draw(z)
    assert torch.allclose(x, drawn) and torch.allclose(log_q, log_drawn.detach(), atol=1e-9)
    h = torch.zeros_like(x)
    h[:, 1, 2] = 1e-5
    with torch.no_grad():
        slope = (both.log_prob(x + h) - both.log_prob(x - h)) / 2e-5
    assert torch.allclose(score[:, 1, 2], slope, atol=1e-5)


def test_coins_flip_half_of_the_fields(rng):
    x = torch.ones(4000, 2, 2, dtype=torch.float64)
    flipped = random_signs(x, rng=rng)[:, 0, 0]
    assert set(flipped.tolist()) == {-1.0, 1.0}
    assert abs(flipped.mean().item()) < 4 / math.sqrt(4000)


@pytest.mark.parametrize("L", [4, 6, 8])
@pytest.mark.parametrize("shift", [(2, 0), (0, 2), (-2, 2)])
def test_waves_and_colours_commute_with_even_shifts(L, shift, rng):
    flow = shaken(equivariant(L, rng=rng, dtype=torch.float64, width=4), rng)
    z = noise(flow, 3, rng)
    with torch.no_grad():
        x, log_det = flow(z)
        moved, same = flow(z.roll(shift, (1, 2)))
    assert torch.allclose(moved, x.roll(shift, (1, 2)), atol=1e-11)
    assert torch.allclose(same, log_det, atol=1e-11)


def test_an_odd_shift_exchanges_the_colours_and_is_no_symmetry_of_the_couplings(rng):
    flow = shaken(equivariant(8, rng=rng, dtype=torch.float64, width=4), rng)
    z = noise(flow, 3, rng)
    with torch.no_grad():
        assert not torch.allclose(flow(z.roll(1, 1))[0], flow(z)[0].roll(1, 1), atol=1e-2)


@pytest.mark.parametrize(("L", "n_levels"), [(4, 2), (8, 3), (12, 2), (8, 1)])
def test_a_hierarchy_commutes_with_shifts_of_its_coarsest_blocks(L, n_levels, rng):
    flow = shaken(mera(L, n_levels=n_levels, rng=rng, dtype=torch.float64, width=3, n_rounds=1), rng)
    z, step = noise(flow, 3, rng), 2**n_levels
    with torch.no_grad():
        x, log_det = flow(z)
        moved, same = flow(z.roll((step, -step), (1, 2)))
    assert torch.allclose(moved, x.roll((step, -step), (1, 2)), atol=1e-11)
    assert torch.allclose(same, log_det, atol=1e-11)


def test_monotone_and_spectrum_commute_with_the_symmetries_of_the_lattice(rng):
    x = torch.randn(2, 6, 6, generator=rng, dtype=torch.float64)
    for step in (Monotone(4, rng=rng, dtype=torch.float64), Spectrum(6, 2, rng=rng, dtype=torch.float64)):
        shaken(step, rng)
        with torch.no_grad():
            y = step(x)[0]
            for g in (lambda t: t.roll(1, 1), lambda t: t.flip(2), lambda t: t.transpose(1, 2)):
                assert torch.allclose(step(g(x))[0], g(y), atol=1e-12)


def test_a_spectrum_makes_white_noise_into_the_field_of_its_power(rng):
    power = 0.5 + torch.rand(8, 8, generator=rng, dtype=torch.float64)
    power = (power + power.T) / 2
    number = classes(8, 2)
    for k in range(int(number.max()) + 1):
        power[number == k] = power[number == k].mean()
    step = Spectrum(8, 2, power=power, rng=rng, dtype=torch.float64)
    with torch.no_grad():
        y, log_det = step(torch.randn(20000, 8, 8, generator=rng, dtype=torch.float64))
    measured = torch.fft.fft2(y).abs().square() / 64
    pull = (measured.mean(0) - power) / (measured.std(0) / math.sqrt(20000))
    assert pull.abs().max() < 4.5 and log_det[0].item() == pytest.approx(power.log().sum().item() / 2, abs=1e-10)


def test_the_constant_begins_where_it_is_told(rng):
    noise = torch.zeros(1, 4, 4)
    for start, there in ((0.0, 0.0), (1.5, 1.5), (None, 0.0)):
        step = Spectrum(4, 2, mean=start, rng=rng)
        assert torch.equal(step(noise)[0], torch.full_like(noise, there))
        assert (step.mean is None) == (start is None)
    flow = equivariant(4, mean=2.0, n_terms=0, rng=rng)
    assert torch.allclose(flow(noise)[0], torch.full_like(noise, 2.0))
    pyramid = mera(4, mean=1.0, n_terms=0, rng=rng)
    assert torch.allclose(pyramid(noise)[0], torch.full_like(noise, 1.5), atol=1e-6)
    for refused in (
        lambda: equivariant(4, mean=1.0, odd=True, rng=rng),
        lambda: mera(4, mean=1.0, odd=True, rng=rng),
        lambda: mera(4, mean=1.0, spectra=False, rng=rng),
    ):
        with pytest.raises(ValueError, match="mean = 1.0"):
            refused()


def test_momenta_that_reflections_and_rotations_exchange_share_a_number():
    number = classes(6, 2)
    assert torch.equal(number, number.T) and torch.equal(number[1:], number[1:].flip(0))
    assert number.unique().tolist() == list(range(4 * 5 // 2))  # |k| = 0 ... 3 in two axes, unordered
    cube = classes(5, 3)
    assert cube.unique().tolist() == list(range(math.comb(5, 3))) and torch.equal(cube, cube.transpose(0, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_monotone_map_is_inverted_to_the_last_digits_far_out_too(dtype, rng):
    step = Monotone(6, rng=rng, dtype=dtype)
    with torch.no_grad():
        step.log_height += 4
        step.log_steepness += 1
        x = torch.linspace(-30, 30, 999, dtype=dtype).reshape(3, 333)
        y, log_det = step(x)
        again, back = step.inverse(y)
    eps = torch.finfo(dtype).eps
    assert torch.allclose(again, x, atol=300 * eps) and torch.allclose(log_det, -back, rtol=2000 * eps)
    assert bool((y.diff(dim=1) > 0).all())


def stretched(reach, n):
    """Points and weights of the trapezoid rule in u, x = sinh u: tails that fall slowly are inside as well."""
    u = torch.linspace(-reach, reach, n, dtype=torch.float64)
    return u.sinh(), u.cosh() * (u[1] - u[0])


@pytest.mark.parametrize("make", [equivariant, mera])
def test_densities_on_two_sites_integrate_to_one(make, rng):
    """A flow on the smallest ring, over the plane; the error of the rule falls faster than any power."""
    flow = shaken(make(2, 1, rng=rng, dtype=torch.float64, width=4), rng, 0.2)
    x, weight = stretched(7.5, 901)
    with torch.no_grad():
        density = flow.log_prob(torch.cartesian_prod(x, x)).exp()
    assert (density @ torch.outer(weight, weight).flatten()).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("odd", [False, True])
def test_densities_on_four_sites_integrate_to_one(odd, rng):
    """L = 2 in two dimensions: the fourfold integral by Sobol's points in u, x = sinh u, and sixteen scrambles of them;
    the tails beyond x = 50 hold about 1e-5."""
    flow, reach, found = shaken(mera(2, rng=rng, dtype=torch.float64, width=3, n_rounds=2, odd=odd), rng, 0.1), 4.6, []
    for seed in range(16):
        points = torch.quasirandom.SobolEngine(4, scramble=True, seed=seed).draw(2**16, dtype=torch.float64)
        u = reach * (2 * points - 1)
        with torch.no_grad():
            density = flow.log_prob(u.sinh().reshape(-1, 2, 2)).exp()
        found.append((density * u.cosh().prod(1)).mean() * (2 * reach) ** 4)
    total = mean(torch.stack(found))
    assert abs(total.pull(1)) < 4
    assert total.error < 3e-3


def test_the_prior_of_two_peaks_is_normalised_and_drawn_as_it_says(rng):
    prior = flow_module.Prior((2,), peaks=True, rng=rng, dtype=torch.float64)
    with torch.no_grad():
        prior.peak.fill_(1.7)
        axis = torch.linspace(-9, 9, 361, dtype=torch.float64)
        grid = torch.cartesian_prod(axis, axis)
        assert (prior.log_prob(grid).exp().sum() * 0.05**2).item() == pytest.approx(1, abs=1e-9)
        z = prior.sample(40000, rng=rng, dtype=torch.float64)
        u = z.sum(1) / math.sqrt(2)
        assert u.square().mean().item() == pytest.approx(1 + 1.7**2, abs=4 * u.square().std().item() / 200)
    place = z[:5].detach().requires_grad_()
    (expected,) = torch.autograd.grad(prior.log_prob(place).sum(), place)
    assert torch.allclose(prior.score(place.detach()), expected, atol=1e-12)


def test_an_untrained_flow_is_the_identity_or_the_haar_transform(rng):
    z = torch.randn(3, 8, 8, generator=rng, dtype=torch.float64)
    flow = equivariant(8, n_terms=0, rng=rng, dtype=torch.float64)
    assert torch.allclose(flow(z)[0], z, atol=1e-12)
    haar = mera(8, n_terms=0, rng=rng, dtype=torch.float64)
    with torch.no_grad():
        x, log_det = haar(z)
    assert torch.allclose(x.square().sum((1, 2)), z.square().sum((1, 2))) and log_det.abs().max() < 1e-10
    assert torch.allclose(x.sum((1, 2)), 8 * z[:, 0, 0])  # the coarsest amplitude is the mean field


def test_what_cannot_be_built_or_drawn_is_refused(rng):
    flow = flows(rng)["hierarchy"]
    for call, text in (
        (lambda: equivariant(5, rng=rng), "even side"),
        (lambda: equivariant(4, 4, rng=rng), "one, two and three dimensions"),
        (lambda: mera(6, n_levels=2, rng=rng), "can be halved 1 times"),
        (lambda: mera(5, rng=rng), "an odd side"),
        (lambda: flow(torch.zeros(2, 8, 8, dtype=torch.float64)), "built for fields"),
        (lambda: flow.sample(0, rng=rng), "n = 0"),
        (lambda: Spectrum(4, 2, power=torch.zeros(4, 4), rng=rng), "one positive number"),
        (lambda: Monotone(0, rng=rng), "n_terms = 0"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
    with pytest.raises(TypeError, match="rng"):
        flow.sample(3, rng=None)

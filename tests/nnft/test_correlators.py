"""Measured correlators are the exact ones at every finite width, by both estimators, in every dimension."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.nnft import correlators, ensembles, exact, measured, neurons, tails, wick
from fieldkit.nnft.ensembles import Ensemble


def points(m, d, seed=3):
    return torch.randn(m, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def worst_pull(found, *truths):
    """The largest pull over all entries, with the number of entries for scale."""
    values, covariance = found.covariance(lambda *functions: torch.cat([f.flatten() for f in functions]))
    truth = torch.cat([t.flatten() for t in truths])
    bars = covariance.diagonal().sqrt()
    zero = bars < 1e-12 * truth.abs().max()  # an exact zero, measured as such, has no bar
    assert not bool(((values - truth).abs()[zero] > 1e-10).any())
    return ((values - truth).abs() / bars)[~zero].max().item()


CASES = [
    ("relu", 1, 0.0, 9), ("relu", 1, 1.0, 20), ("relu", 3, 0.0, 30), ("erf", 1, 1.0, 5), ("erf", 3, 0.3, 40),
    ("cosine", 2, 0.2, 6), ("erf", 9, 0.5, 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "d", "sb2", "width"), CASES)
@pytest.mark.parametrize("measure", [correlators.integrated, correlators.from_outputs])
def test_every_width_has_its_exact_correlators(measure, name, d, sb2, width):
    network, x = Ensemble(getattr(neurons, name), (width,), sw2=1.3, sb2=sb2), points(3, d)
    found = measure(network, x, 60_000, points=4, rng=torch.Generator().manual_seed(1))
    assert found.n == 60_000
    assert worst_pull(found, exact.two_point(network, x), exact.four_point(network, x)) < 4.5


@pytest.mark.parametrize(("name", "d", "sb2", "width"), CASES[:5])
def test_six_points_are_exact_too(name, d, sb2, width):
    network, x = Ensemble(getattr(neurons, name), (width,), sw2=0.9, sb2=sb2), points(3, d)
    found = correlators.integrated(network, x, 60_000, rng=torch.Generator().manual_seed(1))
    truths = exact.two_point(network, x), exact.four_point(network, x), exact.six_point(network, x)
    assert worst_pull(found, *truths) < 4.5


def test_any_activation_goes_through():
    network, x = Ensemble(neurons.of(torch.tanh), (8,), sw2=2.0, sb2=0.1), points(2, 1)
    found = correlators.integrated(network, x, 40_000, rng=torch.Generator().manual_seed(1))
    assert worst_pull(found, *(f(network, x) for f in (exact.two_point, exact.four_point, exact.six_point))) < 4.5


def test_outputs_of_one_network_are_uncorrelated_but_not_independent():
    """G4c of two outputs a, b: only the pairing (aa)(bb) is left, and it does not vanish."""
    network, x = Ensemble(neurons.relu, (4,), sb2=0.2), points(2, 1)
    found = correlators.from_outputs(network, x, 200_000, points=4, d_out=2, rng=torch.Generator().manual_seed(5))
    index = wick.tuples(4, 4)  # site = point * 2 + output
    truth = exact.four_point(network, x, index // 2, index % 2)
    two = torch.kron(exact.two_point(network, x), torch.eye(2, dtype=torch.float64))
    assert worst_pull(found, two, truth) < 4.5
    assert abs(truth[wick.place(torch.tensor([0, 0, 1, 1]), 4)]) > 0.01
    assert truth[wick.place(torch.tensor([0, 0, 0, 1]), 4)] == 0


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_deep_relu_on_one_input_is_a_product_over_layers(depth):
    """The variance is a product of `depth` factors, each with a spread of 5 / width: with as much width for each layer
    its sixth moment stays inside the sample, whatever the seed."""
    width = 10 * depth
    network = Ensemble(neurons.relu, (width,) * depth, sw2=2.0)
    x = torch.ones(1, 1, dtype=torch.float64)
    found = correlators.integrated(network, x, 100_000, rng=torch.Generator().manual_seed(depth))
    four = found.jackknife(lambda two, four, six: four[0] / (3 * two[0, 0] ** 2) + 1)
    assert abs(four.pull(exact.relu_excess_four(width, depth))) < 4
    six = found.jackknife(lambda two, four, six: wick.six_from_connected(two, four, six)[0] / (15 * two[0, 0] ** 3))
    assert abs(six.pull(exact.relu_excess_six(width, depth))) < 4
    assert abs(found.two(0, 0).pull(2.0)) < 4  # sw2 = 2 keeps the length: 2 -> 2 -> 2


def test_both_estimators_agree_where_nothing_is_known():
    network, x = Ensemble(neurons.erf, (6, 5), sw2=1.5, sb2=0.3), points(2, 2)
    a = correlators.integrated(network, x, 60_000, points=4, rng=torch.Generator().manual_seed(1))
    b = correlators.from_outputs(network, x, 60_000, points=4, rng=torch.Generator().manual_seed(2))
    for sites in ((0, 0, 0, 0), (0, 0, 1, 1), (0, 1, 1, 1)):
        assert abs(a.four(*sites).pull(b.four(*sites))) < 4
        assert a.four(*sites).error < b.four(*sites).error / 3


def test_the_noise_of_outputs_grows_with_the_width_and_that_of_kernels_does_not():
    x, noise = torch.tensor([[0.7]], dtype=torch.float64), {}
    for width in (5, 50):
        network = Ensemble(neurons.erf, (width,), sb2=1.0)
        truth = exact.four_point(network, x)[0].item()
        for measure in (correlators.integrated, correlators.from_outputs):
            found = measure(network, x, 40_000, points=4, rng=torch.Generator().manual_seed(1))
            noise[measure, width] = found.four(0, 0, 0, 0).error / truth
    integrated, outputs = correlators.integrated, correlators.from_outputs
    assert 0.7 < noise[integrated, 50] / noise[integrated, 5] < 1.6
    assert 6 < noise[outputs, 50] / noise[outputs, 5] < 16  # ten times


def test_width_scaling_is_exact():
    x = points(3, 2)
    one, ten = (Ensemble(neurons.relu, (width,), sb2=0.4) for width in (1, 10))
    assert torch.equal(exact.two_point(one, x), exact.two_point(ten, x))
    assert torch.allclose(exact.four_point(one, x), 10 * exact.four_point(ten, x), rtol=1e-14)
    assert torch.allclose(exact.six_point(one, x), 100 * exact.six_point(ten, x), rtol=1e-14)
    some = wick.tuples(3, 6)[[0, 5, 20]]
    assert torch.allclose(exact.six_point(one, x, some), exact.six_point(one, x)[[0, 5, 20]], rtol=1e-14)


def test_four_points_are_three_covariances_of_the_kernel():
    network, x, index = Ensemble(neurons.erf, (3,), sb2=0.4), points(3, 2), wick.tuples(3, 4)
    total = sum(exact.kernel_covariance(network, x, index[:, [*p, *q]]) for p, q in wick.pairings(4))
    assert torch.allclose(total, exact.four_point(network, x), rtol=1e-13)


def test_cumulants_at_one_point_agree_with_the_tuples():
    network, x = Ensemble(neurons.relu, (7,), sw2=1.3), torch.tensor([[0.8]], dtype=torch.float64)
    C = ensembles.overlaps(network, x)[0, 0].item()
    found = exact.cumulants([0.5 * C, 1.5 * C**2, 7.5 * C**3, 52.5 * C**4], 7, sw2=1.3)
    truths = exact.two_point(network, x)[0, 0], exact.four_point(network, x)[0], exact.six_point(network, x)[0]
    assert torch.allclose(found[:3], torch.stack(truths), rtol=1e-12)
    # exact rationals of N log[(1 + (1 - s^2/N)^(-1/2)) / 2] at N = 1, sw2 = C = 1
    unit = exact.cumulants([0.5, 1.5, 7.5, 52.5, 472.5], 1)
    assert unit.tolist() == pytest.approx([0.5, 3.75, 82.5, 3661.875, 273577.5], rel=1e-13)


@pytest.mark.parametrize("width", [1, 6])
def test_the_noise_of_one_network_is_known(width):
    network, x = Ensemble(neurons.relu, (width,), sw2=1.3), torch.tensor([[0.8]], dtype=torch.float64)
    rng = torch.Generator().manual_seed(5)
    h = ensembles.hidden(network, x, 400_000, rng=rng).double()
    f, K = ensembles.outputs(network, h, rng=rng)[0, 0], ensembles.kernel_draws(network, h)[:, 0, 0]
    C, mean = ensembles.overlaps(network, x)[0, 0].item(), exact.two_point(network, x)[0, 0]
    moments = [0.5 * C, 1.5 * C**2, 7.5 * C**3, 52.5 * C**4]
    says = f**4 - 6 * mean * f**2 + 3 * mean**2, 3 * (K - mean) ** 2
    for values, truth in zip(says, exact.four_point_noise(moments, width, sw2=1.3)):
        measured = estimates.jackknife(
            lambda a, b: b - a**2, values.reshape(100, -1).mean(1), values.square().reshape(100, -1).mean(1)
        )
        assert abs(measured.pull(truth)) < 4


def test_the_noise_of_wide_networks_is_gaussian():
    outputs, kernels = exact.four_point_noise([0.5, 1.5, 7.5, 52.5], 10**4)
    assert outputs == pytest.approx(24 / 16, rel=0.01)
    assert kernels == pytest.approx(18 * (1.25 / 10**4) ** 2, rel=0.01)


def test_many_input_dimensions_are_the_same_law_as_few():
    """Points in 50 dimensions with the overlaps of points in 3: fewer random numbers, the same kernel and draws."""
    x = points(3, 3)
    far = torch.linalg.qr(points(50, 3, 9))[0].T * math.sqrt(50 / 3)
    network = Ensemble(neurons.erf, (5,), sb2=0.3)
    assert torch.allclose(exact.four_point(network, x @ far), exact.four_point(network, x), rtol=1e-10)
    assert ensembles.mixing(network, x @ far).shape == (3, 3)
    found = correlators.integrated(network, x @ far, 40_000, points=4, rng=torch.Generator().manual_seed(1))
    assert worst_pull(found, exact.two_point(network, x), exact.four_point(network, x)) < 4.5


def test_the_kernel_of_two_sets_is_a_block_of_the_kernel_of_all():
    for name in ("relu", "erf", "gauss", "cosine"):
        network, x = Ensemble(getattr(neurons, name), (5, 4), sw2=1.1, sb2=0.3), points(5, 2)
        whole = ensembles.kernel(network, x)
        assert torch.allclose(ensembles.kernel(network, x[:2], x[2:]), whole[:2, 2:], rtol=1e-12, atol=1e-13)


def test_a_gauss_network_is_right_in_every_dimension():
    """The norm must use the variance of z, bias and all, not a part of it: K(x, x) = sb2 + sw2 at every x and d."""
    for d in (1, 2, 5):
        network, x = Ensemble(neurons.gauss, (30,), sw2=0.7, sb2=0.3), points(2, d)
        assert torch.allclose(ensembles.kernel(network, x).diagonal(), torch.full((2,), 1.0, dtype=torch.float64))
        found = correlators.from_outputs(network, 0.3 * x, 20_000, points=2, rng=torch.Generator().manual_seed(d))
        assert abs(found.two(0, 0).pull(1.0)) < 4


def test_functions_are_whole_functions():
    network, x = Ensemble(neurons.relu, (9,)), torch.linspace(0.1, 1, 4, dtype=torch.float64)[:, None]
    f = ensembles.functions(network, x, 6, d_out=2, rng=torch.Generator().manual_seed(0))
    assert f.shape == (6, 4, 2)
    assert torch.allclose(f / f[:, -1:], x.float().expand(6, 4, 2) / x[-1].float(), rtol=1e-4)  # rank one: f = x f(1)


def test_a_share_of_one_chunk_has_the_law_of_a_gaussian_sample():
    rng, n = torch.Generator().manual_seed(1), 20
    hits = sum(
        measured.heaviest_share(torch.randn(n, 1, generator=rng, dtype=torch.float64))[1] < 0.05 for _ in range(2000)
    )
    assert abs(hits - 100) < 4 * 10  # a test at 5 %, Bonferroni over 20 chunks is nearly exact


def test_what_the_sample_cannot_know_is_refused():
    x = torch.tensor([[0.0]], dtype=torch.float64)
    network = Ensemble(neurons.gauss, (100,), sb2=1.0)
    found = correlators.integrated(network, x, 20_000, rng=torch.Generator().manual_seed(1))
    assert found.two(0, 0).error > 0
    with pytest.raises(ValueError, match="lies beyond the largest draw"):
        found.four(0, 0, 0, 0)
    blocks = torch.ones(50, 1, dtype=torch.float64)
    blocks[3] = 100
    blocks[:, 0] += 0.1 * torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    broken = measured.Measured(50, 1, (blocks,), lambda two: (two[None],))
    with pytest.raises(ValueError, match="one of 50 chunks carries"):
        broken.two(0, 0)


@pytest.mark.parametrize("width", [5, 100])
def test_pushed_neurons_reach_the_tail(width):
    """At one point N G4c = 3 e^4 - 3 and N^2 G6c = 15 e^12 - 45 e^4 + 30, from 20 000 networks."""
    network, x = Ensemble(neurons.gauss, (width,), sb2=1.0), torch.tensor([[0.0]], dtype=torch.float64)
    found = correlators.integrated(network, x, 20_000, draw=tails.pushed, rng=torch.Generator().manual_seed(1))
    four, six = width * found.four(0, 0, 0, 0), width**2 * found.six(0, 0, 0, 0, 0, 0)
    assert abs(four.pull(3 * math.exp(4) - 3)) < 4 and four.error < 0.03 * four.value
    assert abs(six.pull(15 * math.exp(12) - 45 * math.exp(4) + 30)) < 4 and six.error < 0.04 * six.value


def test_weights_of_pushed_networks_average_to_one_and_are_bounded():
    network, x = Ensemble(neurons.gauss, (10,), sb2=0.5), points(3, 2)
    _, weights = tails.pushed(network, x, 50_000, rng=torch.Generator().manual_seed(2))
    assert abs((weights.mean() - 1) / (weights.std() / 50_000**0.5)) < 4
    assert weights.max() <= (1 - 0.1) ** -10 * (1 + 1e-12)
    found = correlators.integrated(network, x, 20_000, draw=tails.pushed, rng=torch.Generator().manual_seed(3))
    assert worst_pull(found, *(f(network, x) for f in (exact.two_point, exact.four_point, exact.six_point))) < 4.5


def test_the_missing_part_is_what_a_sample_lacks():
    """The median over samples of the sample mean of exp(6 z - 18), z one Gaussian: what `missing` leaves of 1."""
    network, x = Ensemble(neurons.gauss, (1,), sb2=1.0), torch.tensor([[0.0]], dtype=torch.float64)
    z = torch.randn(300, 20_000, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    median = torch.exp(6 * z - 18).mean(1).median().item()
    assert 0.4 < median / (1 - tails.missing(network, x, 20_000, 6)) < 2.5
    assert tails.missing(network, x, 20_000, 2) < 0.03 < 0.4 < tails.missing(network, x, 20_000, 4) * 3


def test_student_errors():
    rng, x = torch.Generator(), torch.ones(2, 1)
    with pytest.raises(ValueError, match="at least one hidden layer"):
        Ensemble(neurons.relu, ())
    with pytest.raises(ValueError, match="width = 0"):
        Ensemble(neurons.relu, (0,))
    with pytest.raises(ValueError, match="sb2 = -1"):
        Ensemble(neurons.relu, (3,), sb2=-1.0)
    network = Ensemble(neurons.relu, (3,))
    with pytest.raises(ValueError, match="inputs are"):
        correlators.integrated(network, torch.ones(3), 100, rng=rng)
    with pytest.raises(ValueError, match="points = 8"):
        correlators.integrated(network, x, 100, points=8, rng=rng)
    with pytest.raises(ValueError, match="n = 50"):
        correlators.integrated(network, x, 50, rng=rng)
    found = correlators.integrated(network, x, 200, points=4, rng=rng)
    with pytest.raises(ValueError, match="points = 6"):
        found.six(0, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        found.four(0, 1, 2, 0)
    with pytest.raises(ValueError, match="more than one hidden layer"):
        exact.four_point(Ensemble(neurons.relu, (3, 3)), x)
    with pytest.raises(ValueError, match="tuples of 4"):
        exact.four_point(network, x, torch.ones(2, 6, dtype=torch.int64))
    with pytest.raises(ValueError, match="push some of them"):
        tails.pushed(Ensemble(neurons.gauss, (1,)), x, 5, rng=rng)

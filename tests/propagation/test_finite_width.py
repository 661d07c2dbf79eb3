"""Laws of networks of finite width: exact kurtosis, first order in 1/n, and sampling without weights."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import activations, finite_width, finite_width_exact, maps

ONE = torch.ones(1, 1, dtype=torch.float64)


@pytest.mark.parametrize("n_layers", [2, 5])
@pytest.mark.parametrize(
    ("phi", "sw2", "exact"),
    [
        (activations.relu, 2.0, finite_width_exact.relu_kurtosis),
        (activations.linear, 1.0, finite_width_exact.linear_kurtosis),
    ],
)
def test_sampled_networks_have_the_exact_kurtosis(phi, sw2, exact, n_layers):
    rng = torch.Generator().manual_seed(n_layers)
    K = finite_width.sample_kernels(20000, ONE, [10] * (n_layers - 1), activation=phi, sw2=sw2, sb2=0.0, rng=rng)
    assert abs(finite_width.kurtosis(K[:, 0, 0]).pull(exact(10, n_layers))) < 4


def test_the_exact_kurtosis_starts_with_the_recursion():
    relu, linear = finite_width_exact.relu_kurtosis, finite_width_exact.linear_kurtosis
    for phi, sw2, exact in ((activations.relu, 2.0, relu), (activations.linear, 1.0, linear)):
        K, V = finite_width.four_point(ONE[0, 0], 6, activation=phi, sw2=sw2, sb2=0.0)
        first_order = (V / K.square())[-1].item()
        assert (exact(10**7, 6) - 1) * 10**7 == pytest.approx(first_order, rel=1e-5)
    assert finite_width_exact.relu_kurtosis(100, 10) == pytest.approx(1.551328215978516, rel=1e-15)  # (21/20)^9, exact


def test_the_typical_relu_network_shrinks_although_the_mean_does_not():
    rng = torch.Generator().manual_seed(4)
    K = finite_width.sample_kernels(20000, ONE, [12] * 6, activation=activations.relu, sw2=2.0, sb2=0.0, rng=rng)
    K = K[K > 0]  # all twelve neurons of a layer off: about once in 4096
    assert abs(mean(K.log() / 6).pull(finite_width_exact.relu_typical(12))) < 4
    assert 1e5 * finite_width_exact.relu_typical(10**5) == pytest.approx(-2.5, rel=1e-3)  # E ln x = -Var x / 2 + ...
    # two neurons: on one (probability 2/3) or both (1/3), ln chi^2_k = psi(k/2) + ln 2
    euler = 0.5772156649015329
    by_hand = math.log(4 / 2) + 2 / 3 * (-euler - 2 * math.log(2)) + 1 / 3 * -euler
    assert finite_width_exact.relu_typical(2) == pytest.approx(by_hand, rel=1e-14)


def test_the_typical_variance_of_a_linear_network_shrinks():
    rng = torch.Generator().manual_seed(5)
    linear = activations.linear
    K = finite_width.sample_kernels(20000, ONE, [12] * 6, activation=linear, sw2=1.0, sb2=0.0, rng=rng)
    assert abs(mean(K.log() / 6).pull(finite_width_exact.linear_typical(12))) < 4
    assert finite_width_exact.linear_typical(2) == pytest.approx(
        -0.5772156649015329, rel=1e-14
    )  # E ln of an exponential
    assert 1e5 * finite_width_exact.linear_typical(10**5) == pytest.approx(-1, rel=1e-3)


def test_tanh_at_criticality_follows_its_first_order():
    width, n_layers = 200, 6
    K, V = finite_width.four_point(ONE[0, 0], n_layers, activation=activations.tanh, sw2=1.0, sb2=0.0)
    # PDLT recursion by an independent trapezoid in float64: layer 2
    assert (K[1].item(), (V[1] / K[1] ** 2).item()) == pytest.approx((0.394294490398, 0.627290806015), rel=1e-11)
    rng = torch.Generator().manual_seed(1)
    drawn = finite_width.sample_kernels(
        20000, ONE, [width] * (n_layers - 1), activation=torch.tanh, sw2=1.0, sb2=0.0, rng=rng
    )
    measured, predicted = finite_width.kurtosis(drawn[:, 0, 0]), 1 + (V[-1] / K[-1].square() / width).item()
    second_order = (predicted - 1) ** 2
    assert abs(measured.value - predicted) < 4 * measured.error + second_order


def test_the_mean_kernel_is_the_infinite_one_up_to_one_over_width():
    q, c = 1.3, 0.4
    K = q * torch.tensor([[1, c], [c, 1]], dtype=torch.float64)
    rng = torch.Generator().manual_seed(2)
    drawn = finite_width.sample_kernels(20000, K, [50], activation=torch.tanh, sw2=1.5, sb2=0.1, rng=rng)
    e, q = torch.tensor([1 - c, q], dtype=torch.float64)
    e = maps.correlation(e, q, activation=torch.tanh, sw2=1.5, sb2=0.1)
    length = maps.length(q, activation=torch.tanh, sw2=1.5, sb2=0.1)
    exact = length * torch.stack([torch.ones_like(e), 1 - e])  # one hidden layer: the mean is exact
    pulls = (drawn.mean(0)[0] - exact) / (drawn.std(0)[0] / 20000**0.5)
    assert pulls.abs().max() < 4


def test_dropout_masks_twins_apart_as_the_map_says():
    """One hidden layer, where means are exact at every width: two copies of one input get different masks."""
    q, settings = torch.tensor(1.3, dtype=torch.float64), {"activation": activations.tanh, "sw2": 1.5, "sb2": 0.1}
    drawn = finite_width.sample_kernels(
        20000, q * torch.ones(2, 2), [20], keep=0.8, rng=torch.Generator().manual_seed(9), **settings
    )
    lengths, e = maps.correlations(torch.zeros_like(q), q, 1, keep=0.8, **settings)
    assert abs(mean(drawn[:, 0, 0]).pull(lengths[1].item())) < 4
    assert abs(finite_width.correlation(drawn).pull(1 - e[1].item())) < 4


def test_the_correlation_at_infinite_width_is_the_maps():
    """Five layers, where one width alone would be off by several bars."""
    q, settings = torch.tensor(0.9, dtype=torch.float64), {"activation": activations.tanh, "sw2": 2.25, "sb2": 0.05}
    rng, e = torch.Generator().manual_seed(10), maps.correlations(0.5 * torch.ones_like(q), q, 5, **settings)[1][-1]
    measured = finite_width.deep_correlation(0.5, 0.9, 5, widths=(40, 80, 160), work=200_000, rng=rng, **settings)
    assert abs(measured.pull(1 - e.item())) < 4
    with pytest.raises(ValueError, match="work = 100"):
        finite_width.deep_correlation(0.5, 0.9, 5, widths=(40, 80), work=100, rng=rng, **settings)


def test_no_weight_matrix_and_weights_draw_the_same_law():
    """Three inputs, two hidden layers of five: second moments of the outputs' variance, by matrices and without."""
    x = torch.tensor([[1.0, 0], [0.5, 1], [-1, 0.3]], dtype=torch.float64)
    n, rng = 20000, torch.Generator().manual_seed(7)
    ours = finite_width.sample_kernels(n, x @ x.T, [5, 5], activation=torch.tanh, sw2=1.5, sb2=0.1, rng=rng)
    h = x @ torch.randn(n, 2, 5, generator=rng, dtype=torch.float64)
    W = torch.randn(n, 5, 5, generator=rng, dtype=torch.float64) * (1.5 / 5) ** 0.5
    h = torch.tanh(h) @ W + torch.randn(n, 1, 5, generator=rng, dtype=torch.float64) * 0.1**0.5
    theirs = 1.5 / 5 * torch.tanh(h) @ torch.tanh(h).mT + 0.1
    for power in (1, 2):
        a, b = ours**power, theirs**power
        pulls = (a.mean(0) - b.mean(0)) / ((a.var(0) + b.var(0)) / n).sqrt()
        assert pulls.abs().max() < 4.5


def test_more_inputs_than_neurons_are_no_trouble():
    rng = torch.Generator().manual_seed(3)
    x = torch.randn(6, 2, generator=rng, dtype=torch.float64)
    h = finite_width.sample_layer((x @ x.T)[None], 40000, rng=rng)[0]
    assert torch.allclose(h @ h.T / 40000, x @ x.T, atol=0.15)
    assert torch.linalg.matrix_rank(h, tol=1e-6) == 2


def test_student_errors():
    rng = torch.Generator()
    with pytest.raises(ValueError, match="covariance over m inputs"):
        finite_width.sample_kernels(3, torch.ones(2), [4], activation=torch.tanh, sw2=1.0, sb2=0.0, rng=rng)
    with pytest.raises(ValueError, match="at least one neuron"):
        finite_width.sample_kernels(3, ONE, [4, 0], activation=torch.tanh, sw2=1.0, sb2=0.0, rng=rng)
    with pytest.raises(ValueError, match="width = 0"):
        finite_width_exact.relu_kurtosis(0, 3)
    with pytest.raises(ValueError, match="multiple of 50"):
        finite_width.kurtosis(torch.ones(51))
    with pytest.raises(ValueError, match="one variance a network"):
        finite_width.kurtosis(torch.ones(50, 1, 1))
    with pytest.raises(ValueError, match="covariances of two inputs"):
        finite_width.correlation(torch.ones(50))
    with pytest.raises(ValueError, match="keep = 2"):
        finite_width.sample_kernels(3, ONE, [4], activation=torch.tanh, sw2=1.0, sb2=0.0, keep=2.0, rng=rng)


def test_the_relu_tangent_kernel_scatters_like_three_over_width_with_one_hidden_layer():
    for width in (1, 7, 64):  # by hand, as in the exercise of the chapter on kernels
        assert finite_width_exact.relu_tangent(width, 1) == pytest.approx(1 + 3 / width, rel=1e-14)
    assert finite_width_exact.relu_tangent(5, 0) == 1.0
    assert (finite_width_exact.relu_tangent(10**6, 2) - 1) * 10**6 == pytest.approx(58 / 9, rel=1e-4)
    with pytest.raises(ValueError, match="width = 0"):
        finite_width_exact.relu_tangent(0, 1)


def test_the_spread_of_kernels_is_their_exact_kurtosis_less_one():
    rng, law = torch.Generator().manual_seed(8), {"activation": activations.relu, "sw2": 2.0, "sb2": 0.0}
    K = finite_width.sample_kernels(2000, ONE, [20, 20], rng=rng, **law)
    assert abs(finite_width.relative_spread(K).pull((finite_width_exact.relu_kurtosis(20, 3) - 1) ** 0.5)) < 4.5

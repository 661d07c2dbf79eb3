"""Laws of networks of finite width: exact kurtosis, first order in 1/n, and sampling without weights."""

import pytest
import torch

from fieldkit.estimates import jackknife, mean
from fieldkit.propagation import activations, finite_width, maps

ONE = torch.ones(1, 1, dtype=torch.float64)


def kurtosis(variances):
    """E z^4 / 3 (E z^2)^2 from the random variances of z, with its error over blocks of networks."""
    blocks = variances.reshape(50, -1)
    return jackknife(lambda first, second: second / first.square(), blocks.mean(1), blocks.square().mean(1))


@pytest.mark.parametrize("n_layers", [2, 5])
@pytest.mark.parametrize(
    ("phi", "sw2", "exact"),
    [(activations.relu, 2.0, finite_width.relu_kurtosis), (activations.linear, 1.0, finite_width.linear_kurtosis)],
)
def test_sampled_networks_have_the_exact_kurtosis(phi, sw2, exact, n_layers):
    rng = torch.Generator().manual_seed(n_layers)
    K = finite_width.sample_kernels(20000, ONE, [10] * (n_layers - 1), activation=phi, sw2=sw2, sb2=0.0, rng=rng)
    assert abs(kurtosis(K[:, 0, 0]).pull(exact(10, n_layers))) < 4


def test_the_exact_kurtosis_starts_with_the_recursion():
    relu, linear = finite_width.relu_kurtosis, finite_width.linear_kurtosis
    for phi, sw2, exact in ((activations.relu, 2.0, relu), (activations.linear, 1.0, linear)):
        K, V = finite_width.four_point(ONE[0, 0], 6, activation=phi, sw2=sw2, sb2=0.0)
        first_order = (V / K.square())[-1].item()
        assert (exact(10**7, 6) - 1) * 10**7 == pytest.approx(first_order, rel=1e-5)
    assert finite_width.relu_kurtosis(100, 10) == pytest.approx(1.551328215978516, rel=1e-15)  # (21/20)^9, exact


def test_tanh_at_criticality_follows_its_first_order():
    width, n_layers = 200, 6
    K, V = finite_width.four_point(ONE[0, 0], n_layers, activation=activations.tanh, sw2=1.0, sb2=0.0)
    # PDLT recursion by an independent trapezoid in float64: layer 2
    assert (K[1].item(), (V[1] / K[1] ** 2).item()) == pytest.approx((0.394294490398, 0.627290806015), rel=1e-11)
    rng = torch.Generator().manual_seed(1)
    drawn = finite_width.sample_kernels(
        20000, ONE, [width] * (n_layers - 1), activation=torch.tanh, sw2=1.0, sb2=0.0, rng=rng
    )
    measured, predicted = kurtosis(drawn[:, 0, 0]), 1 + (V[-1] / K[-1].square() / width).item()
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
        finite_width.relu_kurtosis(0, 3)


@pytest.mark.parametrize("phi", [activations.tanh, activations.relu, activations.gelu])
def test_the_mean_moves_with_the_width_as_the_first_order_says(phi):
    """Widths 40 and 80: twice the second minus the first has lost the first order, their difference is it."""
    rng, law = torch.Generator().manual_seed(11), {"sw2": 1.6, "sb2": 0.2}
    start = torch.tensor(1.3, dtype=torch.float64)
    k = finite_width.mean_shift(start, 5, activation=phi, **law)[-1]
    narrow, wide = (
        finite_width.sample_kernels(100_000, start.reshape(1, 1), [N] * 4, activation=phi, **law, rng=rng).flatten()
        for N in (40, 80)
    )
    shift = mean(80 * (narrow - wide))
    assert abs(shift.value - k) < 4 * shift.error + 0.1 * k.abs() + 0.02


def test_kurtosis_and_relative_variance_of_a_known_law():
    """s = 1 + z / sqrt(N): kurtosis 1 + 1/N, N Var s = 1."""
    rng = torch.Generator().manual_seed(12)
    small, large = (1 + torch.randn(40_000, generator=rng, dtype=torch.float64) / N**0.5 for N in (50, 100))
    assert abs(finite_width.kurtosis(small).pull(1.02)) < 4
    assert abs(finite_width.relative_variance(small, large, (50, 100)).pull(1.0)) < 4
    with pytest.raises(ValueError, match="multiple of 200"):
        finite_width.kurtosis(small[:300])
    with pytest.raises(ValueError, match="N and 2 N"):
        finite_width.relative_variance(small, large, (50, 90))

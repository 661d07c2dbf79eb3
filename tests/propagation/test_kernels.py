"""Laws of the kernels of infinitely wide networks and of the tangent kernel of a finite one."""

import functools
import math

import pytest
import torch
from torch import nn

from fieldkit.propagation import activations, fixed_points, kernel_regression, kernels, tangent
from fieldkit.propagation.activations import Activation

X = torch.tensor([[1.0, 2, 2], [2, -1, 1]], dtype=torch.float64)


def inputs(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# closed forms in mpmath, 18 digits: (activation, sw2, sb2, depth) -> K(x, y), T(x, y)
@pytest.mark.parametrize(
    ("phi", "sw2", "sb2", "depth", "K", "T"),
    [
        (activations.relu, 2.0, 0.0, 3, 3.27357236388045207, 6.68881077154569415),
        (activations.erf, 1.5, 0.1, 1, 0.347923491884592129, 0.601571820536093781),
        (activations.erf, 2.25, 0.05, 3, None, 0.987167508014935069),
        (activations.erf, 1.5, 0.1, 10, None, 2.30692807266327779),
    ],
)
def test_kernels_at_independent_points(phi, sw2, sb2, depth, K, T):
    ours = kernels.kernels(X, activation=phi, depth=depth, sw2=sw2, sb2=sb2)
    assert ours[1][0, 1].item() == pytest.approx(T, rel=4e-15)
    assert K is None or ours[0][0, 1].item() == pytest.approx(K, rel=4e-15)


@pytest.mark.parametrize("name", ["erf", "gelu", "sin", "relu"])
def test_quadrature_agrees_with_the_closed_form(name):
    phi = getattr(activations, name)
    x, y = inputs(5, 4), inputs(7, 4, seed=1)
    for pair in ((x, y), (x, None)):
        closed = kernels.kernels(*pair, activation=phi, depth=3, sw2=1.3, sb2=0.1)
        series = kernels.kernels(*pair, activation=Activation(phi.phi, slope=phi.slope), depth=3, sw2=1.3, sb2=0.1)
        for a, b in zip(closed, series):
            assert torch.allclose(a, b, rtol=1e-11)


def test_blocks_and_symmetry_change_nothing():
    x = inputs(300, 5)
    full = kernels.kernels(x, x.clone(), activation=activations.erf, depth=2, sw2=1.5, sb2=0.1)
    half = kernels.kernels(x, activation=activations.erf, depth=2, sw2=1.5, sb2=0.1)
    for a, b in zip(full, half):
        assert torch.allclose(a, b, rtol=1e-13) and torch.equal(b, b.T)
    assert torch.linalg.eigvalsh(half[0]).min() > 0 and torch.linalg.eigvalsh(half[1]).min() > 0
    assert torch.equal(kernels.nngp(x, activation=activations.erf, depth=2, sw2=1.5, sb2=0.1), half[0])
    assert torch.equal(kernels.ntk(x, activation=activations.erf, depth=2, sw2=1.5, sb2=0.1), half[1])


def test_depth_zero_is_the_linear_model():
    K, T = kernels.kernels(X, activation=activations.relu, depth=0, sw2=2.0, sb2=0.1)
    assert torch.allclose(K, 2 * X @ X.T / 3 + 0.1) and torch.equal(K, T)


@pytest.mark.parametrize("depth", [1, 4, 30])
def test_at_he_initialisation_the_tangent_kernel_of_relu_is_depth_plus_one_lengths(depth):
    K, T = kernels.kernels(X, activation=activations.relu, depth=depth, sw2=2.0, sb2=0.0)
    assert torch.allclose(T.diagonal(), (depth + 1) * K.diagonal(), rtol=1e-13)


def test_deep_kernels_end_at_the_fixed_point():
    p = fixed_points.phases(2.25, 0.05, activation=activations.erf)
    K, _ = kernels.kernels(X, activation=activations.erf, depth=300, sw2=2.25, sb2=0.05)
    assert K[0, 0].item() == pytest.approx(p.q.item(), rel=1e-13)
    assert K[0, 1].item() == pytest.approx((p.q * p.c).item(), rel=1e-11)
    post = kernels.post_activation(K, sw2=2.25, sb2=0.05)
    correlation = kernels.post_activation_correlation(p.q, p.c, 0.05)
    assert (post[0, 1] / post[0, 0]).item() == pytest.approx(correlation.item(), rel=1e-10)


def test_regression_passes_through_noiseless_targets():
    x, y = inputs(12, 3), inputs(12, 2, seed=5)
    K = kernels.nngp(x, activation=activations.relu, depth=2, sw2=2.0, sb2=0.1)
    assert torch.allclose(kernel_regression.regress(K, K, y, noise=0.0), y, atol=1e-8)
    exact = K @ torch.linalg.solve(K + 0.3 * torch.eye(12, dtype=torch.float64), y)
    assert torch.allclose(kernel_regression.regress(K, K, y, noise=0.3), exact)
    with pytest.raises(ValueError, match="noise = -1"):
        kernel_regression.regress(K, K, y, noise=-1)


def test_gradient_descent_begins_at_the_nngp_and_ends_on_the_targets():
    x, y = inputs(9, 4), inputs(6, 1, seed=3)[:, 0]
    K, T = kernels.kernels(x, activation=activations.erf, depth=2, sw2=1.5, sb2=0.1)
    mean, variance = kernel_regression.gradient_descent(K, T, y, rate=0.1, steps=[0, 10**6])
    assert torch.equal(mean[0], torch.zeros(3)) and torch.allclose(variance[0], K.diagonal()[6:])
    assert torch.allclose(mean[1], kernel_regression.regress(T[:6, :6], T[6:, :6], y[:, None], noise=0.0)[:, 0])
    again = torch.cat([x[:6], x[:6]])  # ask for the training inputs themselves
    K, T = kernels.kernels(again, activation=activations.erf, depth=2, sw2=1.5, sb2=0.1)
    mean, variance = kernel_regression.gradient_descent(K, T, y, rate=0.1, steps=[10**6])
    assert torch.allclose(mean[0], y) and variance.abs().max() < 1e-10


def test_gradient_descent_step_by_step_is_the_power():
    x, y = inputs(9, 4), inputs(6, 1, seed=3)[:, 0]
    K, T = kernels.kernels(x, activation=activations.erf, depth=1, sw2=1.5, sb2=0.1)
    rate = 1.5 / torch.linalg.eigvalsh(T[:6, :6])[-1].item()
    move = torch.zeros(9, 9, dtype=torch.float64)  # f <- f - rate T (f - y), as a matrix on all nine answers
    move[:, :6] = rate * T[:, :6]
    f, M = torch.zeros(9, dtype=torch.float64), torch.eye(9, dtype=torch.float64)
    for _ in range(7):
        f = f - rate * T[:, :6] @ (f[:6] - y)
        M = M - move @ M
    mean, variance = kernel_regression.gradient_descent(K, T, y, rate=rate, steps=[7])
    assert torch.allclose(mean[0], f[6:]) and torch.allclose(variance[0], (M @ K @ M.T).diagonal()[6:])
    with pytest.raises(ValueError, match="between 0 and 2"):
        kernel_regression.gradient_descent(K, T, y, rate=1.5 * rate, steps=[1])
    with pytest.raises(ValueError, match="whole"):
        kernel_regression.gradient_descent(K, T, y, rate=rate, steps=[0.5])


def test_student_errors():
    with pytest.raises(ValueError, match="depth = -1"):
        kernels.kernels(X, activation=torch.tanh, depth=-1, sw2=1.0, sb2=0.0)
    with pytest.raises(ValueError, match="flatten images"):
        kernels.kernels(X[None], activation=torch.tanh, depth=1, sw2=1.0, sb2=0.0)


class Wide(nn.Module):
    """One hidden layer in the NTK parameterisation, sw2 = 1.5, sb2 = 0.1."""

    def __init__(self, d, width, rng):
        super().__init__()
        draw = {"generator": rng, "dtype": torch.float64}
        self.w1, self.b1 = nn.Parameter(torch.randn(width, d, **draw)), nn.Parameter(torch.randn(width, **draw))
        self.w2, self.b2 = nn.Parameter(torch.randn(1, width, **draw)), nn.Parameter(torch.randn(1, **draw))

    def forward(self, x):
        for w, b in ((self.w1, self.b1), (self.w2, self.b2)):
            x = torch.erf(x) if w is self.w2 else x
            x = math.sqrt(1.5 / w.shape[1]) * x @ w.T + math.sqrt(0.1) * b
        return x


def network(k=2):
    layers = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, k)).double()
    rng = torch.Generator().manual_seed(0)
    for p in layers.parameters():
        p.data = torch.randn(p.shape, generator=rng, dtype=torch.float64)
    return layers


@pytest.mark.parametrize("chunk", [1, 20, 100, 2**20])
def test_the_empirical_kernel_is_the_square_of_the_jacobian(chunk):
    module, x, y = network(), inputs(4, 3), inputs(3, 3, seed=2)
    parameters, z = dict(module.named_parameters()), torch.cat([x, y])

    def output(name, value):
        return torch.func.functional_call(module, {**parameters, name: value}, (z,))

    jacobian = {
        name: torch.autograd.functional.jacobian(functools.partial(output, name), value).flatten(2)
        for name, value in parameters.items()
    }
    T = sum(torch.einsum("iap,jbp->iajb", J, J) for J in jacobian.values())
    assert torch.allclose(tangent.empirical_ntk(module, x, y, chunk=chunk), T[:4, :, 4:], rtol=1e-12)
    assert torch.allclose(tangent.empirical_ntk(module, x, chunk=chunk), T[:4, :, :4], rtol=1e-12)


def test_frozen_parameters_do_not_learn():
    module, x = network(), inputs(4, 3)
    whole = tangent.empirical_ntk(module, x)
    module[0].requires_grad_(False)
    last = torch.tanh(module[0](x)).detach()
    exact = (last @ last.T + 1)[:, None, :, None] * torch.eye(2, dtype=torch.float64)[:, None]
    assert torch.allclose(tangent.empirical_ntk(module, x), exact) and (whole.diagonal() > 0).all()


def test_wide_networks_have_the_kernel_of_infinite_ones():
    x, n, width = inputs(3, 4), 24, 1000
    K, T = kernels.kernels(x, activation=activations.erf, depth=1, sw2=1.5, sb2=0.1)
    rng = torch.Generator().manual_seed(4)
    draws = torch.stack([tangent.empirical_ntk(Wide(4, width, rng), x)[:, 0, :, 0].detach() for _ in range(n)])
    pulls = (draws.mean(0) - T) / (draws.std(0) / n**0.5)
    assert pulls.abs().max() < 4.5


def test_memory_is_bounded_by_the_chunk_not_by_the_jacobian():
    module = nn.Sequential(nn.Linear(10, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh(), nn.Linear(200, 1))
    largest = []

    class Spy(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                largest.append(out.numel())
            return out

    with Spy():
        tangent.empirical_ntk(module, torch.zeros(32, 10), chunk=100_000)
    assert 40_000 <= max(largest) <= 100_000  # the Jacobian has 32 x 42,601 = 1.4 million


def test_rows_that_mix_are_refused():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    with pytest.raises(ValueError, match="eval"):
        tangent.empirical_ntk(module, inputs(4, 3))
    assert tangent.empirical_ntk(module.eval(), inputs(4, 3)).shape == (4, 1, 4, 1)
    with pytest.raises(ValueError, match="chunk = 0"):
        tangent.empirical_ntk(module, inputs(4, 3), chunk=0)


@pytest.mark.parametrize("phi", [activations.erf, activations.tanh, activations.relu])
def test_averages_are_one_layer_of_the_kernel(phi):
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    K, T = (kernels.kernels(x, activation=phi, depth=0, sw2=1.5, sb2=0.1)[0] for _ in range(2))
    product, slope = kernels.averages(K, activation=phi)
    after, tangent = kernels.kernels(x, activation=phi, depth=1, sw2=1.5, sb2=0.1)
    assert torch.allclose(1.5 * product + 0.1, after, rtol=1e-12)
    assert torch.allclose(1.5 * product + 0.1 + 1.5 * slope * T, tangent, rtol=1e-12)
    with pytest.raises(ValueError, match="covariance of P"):
        kernels.averages(K[:2], activation=phi)

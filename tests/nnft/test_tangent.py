"""The tangent kernel of finite ReLU networks: drawn, it is the gradient's square; its moments are the exact ones."""

import math

import pytest
import torch
from torch import nn

from fieldkit.estimates import mean
from fieldkit.nnft import tangent
from fieldkit.propagation.finite_width_exact import relu_tangent
from fieldkit.propagation.tangent import empirical_ntk


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (3, 1), (2, 2), (3, 3), (8, 2), (20, 4)])
def test_drawn_kernels_have_the_exact_moments(width, depth):
    T = tangent.sample(100_000, width, depth, rng=torch.Generator().manual_seed(width))
    assert abs(mean(T).pull(depth + 1)) < 4
    assert abs(mean(T.square()).pull(relu_tangent(width, depth) * (depth + 1) ** 2)) < 4


@pytest.mark.parametrize("depth", [1, 3])
def test_a_drawn_kernel_is_that_of_the_module(depth):
    """The same random numbers as weights of a module: gradients with respect to unit-normal weights."""
    width, rng = 5, torch.Generator().manual_seed(4)
    T = tangent.sample(1, width, depth, rng=rng)
    rng = torch.Generator().manual_seed(4)
    hidden = [torch.randn(1, width, width, generator=rng)[0] for _ in range(depth)]
    last = torch.randn(1, width, generator=rng)

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.ParameterList([nn.Parameter(W) for W in hidden] + [nn.Parameter(last)])

        def forward(self, h):
            for l in range(depth):
                h = math.sqrt(2 / width) * torch.relu(h @ self.weights[l].T)
            return h @ self.weights[depth].T

    x = torch.zeros(1, width)
    x[0, 0] = 1
    assert float(T) == pytest.approx(float(empirical_ntk(Scaled(), x)), rel=1e-5)


def test_the_fluctuation_depends_on_depth_over_width():
    """At fixed L / N the limit N -> infinity exists and does not vanish."""
    a, b, c = (relu_tangent(n, n // 4) - 1 for n in (64, 128, 256))
    assert abs(c - b) < 0.6 * abs(b - a)
    assert c > 0.3


def test_student_errors():
    with pytest.raises(ValueError, match="depth = 0"):
        tangent.sample(1, 4, 0, rng=torch.Generator())
    with pytest.raises(ValueError, match="n = 0"):
        tangent.sample(0, 4, 1, rng=torch.Generator())

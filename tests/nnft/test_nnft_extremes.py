"""Moments of one neuron at inputs that are huge, tiny, zero or alike, each by a second way; what is impossible."""

import math

import pytest
import torch
from scipy import integrate, special

from fieldkit.nnft import action, beyond, ensembles, erf_moments, exact, means, neurons, quadrature, relu_moments, tails
from fieldkit.nnft.ensembles import Ensemble


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("variance", [1e-3, 4.0, 5.0, 100.0, 1e4])
@pytest.mark.parametrize("n", [4, 6])
def test_powers_of_one_erf_at_every_variance(variance, n):
    s = math.sqrt(variance)

    def short(u):
        return (1 - special.erf(u) ** n) * math.exp(-u * u / (2 * variance)) / (s * math.sqrt(2 * math.pi))

    truth = 1 - 2 * integrate.quad(short, 0, min(40, 40 * s), epsabs=1e-15, points=[1, 5], limit=200)[0]
    found = erf_moments.moments(rows([variance]), torch.zeros(1, n, dtype=torch.int64))
    assert float(found[0]) == pytest.approx(truth, abs=1e-10)


def test_relu_moments_of_a_small_variable_beside_a_large_one():
    """Independent: a product of halves of second moments."""
    for small in (1e-300, 1e-20, 1e-3):
        found = relu_moments.moments(rows([small, 0], [0, 1]), torch.tensor([[0, 0, 1, 1]]))
        assert float(found[0]) == pytest.approx(small / 4, rel=1e-12)
        found = quadrature.moments(torch.tanh, rows([small, 0], [0, 1]), torch.tensor([[0, 0, 1, 1]]))
        alone = quadrature.moments(torch.tanh, rows([small]), torch.tensor([[0, 0]]))
        other = quadrature.moments(torch.tanh, rows([1.0]), torch.tensor([[0, 0]]))
        assert float(found[0]) == pytest.approx(float(alone[0] * other[0]), rel=1e-9)
    huge = relu_moments.moments(rows([1e100, 0], [0, 1e-100]), torch.tensor([[0, 0, 1, 1]]))
    assert float(huge[0]) == pytest.approx(0.25, rel=1e-12)


def test_inputs_that_are_zero():
    three = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    with_zero = exact.four_point(Ensemble(neurons.relu, (8,)), three, [[0, 0, 1, 1], [0, 0, 3, 3], [3, 3, 3, 3]])
    without = exact.four_point(Ensemble(neurons.relu, (8,)), three[:3], [[0, 0, 1, 1]])
    assert with_zero.tolist() == pytest.approx([float(without[0]), 0, 0], abs=1e-15)
    assert exact.four_point(Ensemble(neurons.relu, (8,)), [[0.0, 0]]).tolist() == [0]
    nothing = quadrature.moments(lambda z: torch.cos(z) / 2, rows([0.0]), torch.tensor([[0, 0, 0]]))
    assert nothing.tolist() == [0.125]


def test_lists_are_as_good_as_tensors():
    assert float(action.misfit([1, 2], [1, 2])) == pytest.approx(0, abs=1e-15)
    assert action.condition([[1, 0], [0, 4]], [1, 1]) == pytest.approx(1)
    assert action.fit([1, 2, 3], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 1, 1]).parameters.tolist() == pytest.approx([2])
    assert action.amputate([24.0], [[1.0]]).flatten().tolist() == [-1]
    assert beyond.hermite([1, 2], 3).tolist() == [-2, 2]
    assert beyond.relu_log_odds([0.5], 4).shape == (1,)
    rng = torch.Generator().manual_seed(0)
    assert tails.pushed(Ensemble(neurons.gauss, (4,)), [[1, 0]], 3, rng=rng)[1].shape == (3,)
    assert ensembles.kernel(Ensemble(neurons.relu, (4,)), [[1, 2]]).shape == (1, 1)


IMPOSSIBLE = {
    "no covariance": lambda: relu_moments.moments(rows([1.0, 2], [2, 1]), torch.tensor([[0, 0, 1, 1]])),
    "no covariance, quadrature": lambda: quadrature.moments(torch.tanh, rows([1.0, 2], [2, 1]), torch.tensor([[0, 1]])),
    "nan in four": lambda: action.misfit([1, math.nan], [1, 2]),
    "units of another length": lambda: action.misfit([1, 2], [1, 2, 3]),
    "singular": lambda: action.condition([[1, 2], [2, 1]], [1, 1]),
    "an exact entry": lambda: action.directions([[1, 0], [0, 0]]),
    "nan power": lambda: action.local(Ensemble(neurons.relu, (4,)), [[1.0]], action.box(1.0, 1), power=math.nan),
    "short line": lambda: beyond.half_line(top=0.005),
    "nan mean": lambda: means.one_and_two(Ensemble(neurons.relu, (4,)), [[1.0]], mw=math.nan),
}


@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_is_impossible_is_refused_with_a_remedy(case):
    with pytest.raises(ValueError, match="[:;,] "):
        case()

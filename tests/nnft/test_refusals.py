"""What part three cannot answer it refuses, in a sentence; arrays and lists are as good as tensors."""

import math

import numpy as np
import pytest
import torch

from fieldkit.nnft import action, beyond, correlators, ensembles, exact, neurons, tangent, wick
from fieldkit.nnft.ensembles import Ensemble

FIVE, X = Ensemble(neurons.relu, (5,)), torch.tensor([[0.1], [0.4]], dtype=torch.float64)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda: wick.place(torch.tensor([[0, 7]]), 3), "from 0 to 2"),
        (lambda: wick.place([[0, -1]], 3), "from 0 to 2"),
        (lambda: wick.place(torch.tensor([[0.0, 1.0]]), 3), "whole numbers"),
        (lambda: wick.tuples(1000, 6), "fewer points"),
        (lambda: wick.pairings(-2), "n = -2"),
        (lambda: action.box(1.0, 6), "d = 6"),
        (lambda: action.box(1.0, 1, n=0), "n = 0"),
        (lambda: action.box(1.0, 1, panels=-1), "panels = -1"),
        (lambda: action.local(FIVE, X, action.box(1.0, 1), power=-1.0), "power = -1"),
        (lambda: action.chi2_law(0, 100), "dof = 0"),
        (lambda: action.misfit(torch.zeros(2), torch.ones(2)), "four is zero"),
        (lambda: exact.four_point(FIVE, X, torch.tensor([[0, 0, 0, 7]])), "from 0 to 1"),
        (lambda: exact.kernel_covariance(FIVE, X, torch.tensor([[0, 0]])), "tuples of 4"),
        (lambda: beyond.hermite(torch.ones(1), -1), "n = -1"),
        (lambda: beyond.edgeworth(torch.ones(1), [0.0, 0.1], order=1), "kappa_2"),
        (lambda: beyond.gaussian_density(torch.ones(1), -1.0), "variance"),
        (lambda: beyond.relu_density(torch.ones(1), 5, scale=-1.0), "scale"),
        (lambda: Ensemble(torch.relu, (3,)), "`Neuron`"),
        (lambda: Ensemble("relu", (3,)), "`Neuron`"),
        (lambda: tangent.sample(4, 4, 1, rng=None), "torch.Generator"),
        (lambda: correlators.integrated(FIVE, X, 200, points=2, rng=None), "torch.Generator"),
    ],
)
def test_what_has_no_answer_is_refused_in_a_sentence(work, says):
    with pytest.raises((ValueError, TypeError), match=says):
        work()


@pytest.mark.parametrize("n", [0, -3])
def test_no_networks_are_no_draw(n, rng):
    with pytest.raises(ValueError, match="at least one network"):
        ensembles.functions(FIVE, X, n, rng=rng)


@pytest.mark.parametrize("x", [X.numpy(), X.tolist(), np.array([[0.1], [0.4]])])
def test_arrays_and_lists_are_as_good_as_tensors(x, rng):
    box = action.box(1.0, 1)
    for f in (ensembles.kernel, exact.four_point, exact.six_point, lambda e, x: action.local(e, x, box)):
        assert torch.equal(f(FIVE, x), f(FIVE, X))
    one, other = (correlators.integrated(FIVE, y, 200, points=2, rng=rng.manual_seed(3)).two(0, 1) for y in (x, X))
    assert one == other
    assert exact.four_point(FIVE, X, [[0, 0, 0, 1]]) == exact.four_point(FIVE, X)[1]
    assert math.isfinite(beyond.relu_density([1.0], 5).item())

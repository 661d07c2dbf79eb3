"""What part three cannot answer it refuses, in a sentence; arrays and lists are as good as tensors."""

import math
import re

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
        (lambda: wick.gaussian(torch.eye(2), torch.tensor([[0, 2]])), "from 0 to 1"),
        (lambda: wick.gaussian(torch.eye(2), torch.tensor([[0, -1]])), "from 0 to 1"),
        (lambda: wick.gaussian(torch.ones(2, 3), torch.tensor([[0, 1]])), "(..., m, m)"),
        (lambda: wick.gaussian(torch.eye(2), torch.tensor([0, 1])), "one a row"),
        (lambda: wick.connected_four(torch.eye(2), torch.ones(4)), "5 entries"),
        (lambda: action.predict_six(torch.eye(2), torch.ones(4)), "5 entries"),
        (lambda: action.coupling(torch.ones(2), torch.tensor([1.0, 0.0])), "unit vertex is zero"),
        (lambda: beyond.orthant(torch.zeros(2, 2)), "does not vary"),
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
    with pytest.raises((ValueError, TypeError), match=re.escape(says)):
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
    for f in (ensembles.overlaps, ensembles.kernel):
        assert torch.equal(f(FIVE, x, x), f(FIVE, X, X))


def test_moments_come_as_lists_too():
    two, four = [[1.0, 0.5], [0.5, 1.0]], [0.1] * 5
    tensors = [torch.tensor(values, dtype=torch.float64) for values in (two, four)]
    assert torch.equal(action.predict_six(two, four), action.predict_six(*tensors))
    assert wick.gaussian(two, [[0, 1], [0, 0]]).tolist() == [0.5, 1.0]


def test_the_density_of_a_rectified_output_is_infinite_at_its_atom_and_nowhere_else():
    assert beyond.relu_density([0.0], 3).item() == math.inf
    assert math.isfinite(beyond.relu_density([1e-300], 3).item())


def test_widths_are_a_sequence_and_the_remedy_for_a_bare_function_works():
    for widths in (3, "3"):
        with pytest.raises(TypeError, match=re.escape("give them as in widths=(20,)")):
            Ensemble(neurons.relu, widths)
    with pytest.raises(TypeError, match=re.escape("neurons.of(torch.tanh)")):
        Ensemble(torch.tanh, (20,))
    assert Ensemble(neurons.of(torch.tanh), [20]).widths == (20,)

"""The tridiagonal corner is the whole matrix, and repetitions differ by a susceptibility."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.transitions import spiked
from tests.transitions.golden import golden


def test_the_corner_has_the_law_of_the_full_matrix():
    rng = torch.Generator().manual_seed(0)
    N, theta, n = 40, 1.4, 2000
    g = torch.randn(n, N, N, generator=rng, dtype=torch.float64) / math.sqrt(2 * N)
    y = g + g.transpose(1, 2)
    y[:, 0, 0] += theta
    full = torch.linalg.eigh(y)[1][:, 0, -1].square()
    ours = spiked.overlaps(n, N, theta, rng=rng)
    for power in (1, 2):
        a, b = mean(full**power), mean(ours**power)
        assert abs(a.value - b.value) < 4 * math.hypot(a.error, b.error)


@pytest.mark.parametrize("theta", [1.3, 1.6, 3.0])
def test_overlap_and_its_spread_reach_their_limits(theta):
    N = 4000
    found = spiked.overlaps(400, N, theta, rng=torch.Generator().manual_seed(1))
    assert abs(mean(found).value - spiked.overlap(theta)) < 4 * mean(found).error + 3 / N / (theta - 1) ** 2
    variance = N * found.var().item()
    assert variance == pytest.approx(spiked.spread(theta), rel=4 * math.sqrt(2 / 400) + 0.05)


def test_values_are_the_independent_ones():
    for numbers, value in golden("bbp.overlap2"):
        assert spiked.overlap(numbers["theta"]) == pytest.approx(value, rel=1e-15)
    for numbers, value in golden("bbp.n_var_overlap2"):
        assert spiked.spread(numbers["theta"]) == pytest.approx(value, rel=1e-14)
    assert spiked.spread(1.3) == pytest.approx(2.7299819506583671, rel=1e-14)


def test_at_the_transition_nothing_concentrates_and_a_law_is_refused():
    with pytest.raises(ValueError, match="theta = 1"):
        spiked.spread(1.0)
    with pytest.raises(ValueError, match="N = 1"):
        spiked.overlaps(1, 1, 1.0, rng=torch.Generator().manual_seed(0))

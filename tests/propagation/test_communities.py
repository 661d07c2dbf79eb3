"""Walks on random graphs counted exactly, and messages on trees."""

import itertools

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import communities, graphs, walks


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_mean_walks_are_the_average_over_all_graphs(k):
    """Four nodes, sixty-four graphs, each with its probability."""
    N, c, eps = 4, 2.0, 0.5
    p = graphs.probabilities(N, c=c, eps=eps)
    side = graphs.groups(N)
    pairs = list(itertools.combinations(range(N), 2))
    total = torch.zeros(N, N, dtype=torch.float64)
    for chosen in itertools.product((0, 1), repeat=len(pairs)):
        A, weight = torch.zeros(N, N, dtype=torch.float64), 1.0
        for (i, j), on in zip(pairs, chosen):
            q = p[0] if side[i] == side[j] else p[1]
            weight *= q if on else 1 - q
            A[i, j] = A[j, i] = on
        total += weight * torch.linalg.matrix_power(A, k)
    exact = walks.mean_walks(k, N, c=c, eps=eps)
    assert list(exact) == pytest.approx(total[0, :3].tolist(), rel=1e-12)


def test_two_steps_never_return_on_large_graphs():
    exact, closed = walks.mean_walks(2, 10_000, c=5.0, eps=0.3), walks.unreturned(2, N=10_000, c=5.0, eps=0.3)
    assert exact[1:] == pytest.approx(closed, rel=1e-3)


def test_messages_on_a_path_are_the_exact_posterior():
    """Without evidence the groups of a chain cannot be told apart: whatever the start, the log-odds die out."""
    A = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=torch.float64)
    odds = communities.belief_propagation(A, c=2.0, eps=0.2, steps=300, rng=torch.Generator().manual_seed(1))
    assert odds.abs().max() < 1e-12


def test_nothing_is_seen_beyond_the_threshold_and_all_without_edges_across():
    rng = torch.Generator().manual_seed(2)
    assert communities.best_overlap(6.0, 0.8, n=2, M=2000, steps=60, rng=rng).max() < 1e-3
    clear = mean(communities.best_overlap(6.0, 1e-3, n=8, M=4000, steps=20, rng=rng))
    assert abs(clear.value - (1 - 2.72e-3)) < 2e-3  # all but those with nobody to ask, exp(-6)


def test_a_community_shows_as_an_eigenvalue_outside_the_bulk():
    rng = torch.Generator().manual_seed(3)
    A = graphs.stochastic_block_model(1, 1000, c=6.0, eps=0.1, rng=rng)[0]
    assert communities.second_eigenvalue(A) == pytest.approx(6 * 0.9 / 1.1, rel=0.05)


def test_feature_noise_is_exact_at_every_number_of_features():
    rng = torch.Generator().manual_seed(4)
    A = graphs.stochastic_block_model(1, 12, c=3.0, eps=0.4, rng=rng).expand(20_000, -1, -1)
    H = graphs.features(A, 1, F=3, activation=lambda h: h, sw2=1.2, c=3.0, rng=rng)
    strays = (H @ H.mT / 3 - 1.2 / 3 * A @ A).square().sum((1, 2))
    exact = graphs.feature_noise(A[:1], F=3, square=1.0, fourth=3.0, sw2=1.2, c=3.0)[0].item()
    assert abs(mean(strays).pull(exact)) < 4


def test_student_errors():
    with pytest.raises(ValueError, match="Bell"):
        walks.mean_walks(9, 10, c=2.0, eps=0.5)

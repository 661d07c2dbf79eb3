"""Below a threshold, pairs of views teach nothing, and the law of the overlap is the one of simulated pairs."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.transitions import pairs
from tests.transitions.golden import golden

RATIOS = (1e-3, 0.1, 0.5, 1.0, 2.0, 4.0, 50.0)


@pytest.mark.parametrize("g", RATIOS)
def test_the_overlap_starts_from_zero_where_the_outlier_leaves_the_edge(g):
    l = pairs.threshold(g)
    assert pairs.overlap(l * (1 + 1e-7), g) == pytest.approx(0.0, abs=1e-5)
    assert pairs.top(l * (1 + 1e-7), g) == pytest.approx(pairs.edge(g), rel=1e-9)
    y = pairs.y_critical(g)
    assert 2 * y * y * (1 + y * y) == pytest.approx(g * (1 - y * y) ** 2, rel=1e-10)


@pytest.mark.parametrize("g", RATIOS)
def test_to_know_the_pairs_beats_to_pool_them_and_white_noise_is_best_averaged(g):
    assert pairs.mean_threshold(g) < pairs.threshold(g) < pairs.pooled_threshold(g)
    for l in (1.1 * pairs.pooled_threshold(g), 10 * pairs.pooled_threshold(g)):
        assert pairs.mean_overlap(l, g) > pairs.overlap(l, g) > pairs.pooled_overlap(l, g)
        assert 0 < pairs.overlap(l, g) < 1


@pytest.mark.parametrize(("l", "g"), [(0.6, 0.25), (1.0, 1.0)])
def test_simulated_pairs_have_the_overlap_and_the_outlier_of_the_limit(l, g):
    rng = torch.Generator().manual_seed(0)
    p, seen = 200, []
    for _ in range(40):
        x, y = pairs.draw(int(p / g), p, l, rng=rng)
        value, vector = pairs.top_vector(pairs.cross_covariance(x, y))
        _, pooled = pairs.top_vector(pairs.pooled_covariance(x, y))
        _, averaged = pairs.top_vector(pairs.pooled_covariance((x + y) / 2, (x + y) / 2))
        seen.append([float(value), vector[0] ** 2, pooled[0] ** 2, averaged[0] ** 2])
    exact = (pairs.top(l, g), pairs.overlap(l, g), pairs.pooled_overlap(l, g), pairs.mean_overlap(l, g))
    for column, limit in zip(torch.tensor(seen, dtype=torch.float64).T, exact):
        found = mean(column)
        assert abs(found.value - limit) < 4 * found.error + 2 / p  # corrections of order 1/p


def test_a_loud_nuisance_that_views_do_not_share_blinds_pooling_only():
    rng = torch.Generator().manual_seed(1)
    x, y = pairs.draw(1600, 400, 1.0, rng=rng, nuisance=4.0)
    _, ours = pairs.top_vector(pairs.cross_covariance(x, y))
    _, pooled = pairs.top_vector(pairs.pooled_covariance(x, y))
    assert ours[0] ** 2 > 0.7 and ours[1] ** 2 < 0.05 and pooled[1] ** 2 > 0.8


def test_the_pairs_needed_are_the_inverse_of_threshold_and_overlap():
    assert pairs.pairs_needed(pairs.threshold(0.3), 300) == pytest.approx(1000, rel=1e-9)
    g = 200 / pairs.pairs_needed(0.8, 200, overlap_wanted=0.5)
    assert pairs.overlap(0.8, g) == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize("g", (0.25, 1.0, 1.9))
def test_the_density_of_noise_has_its_moments_and_ends_at_the_edge(g):
    x = torch.linspace(-1, 1, 20001, dtype=torch.float64) * 1.01 * pairs.edge(g)
    density = pairs.density(x, g)
    bulk = torch.trapezoid(density, x)
    assert bulk == pytest.approx(1.0, abs=2e-2 if g > 1.5 else 2e-3)  # where g nears 2 it is steep at 0
    assert torch.trapezoid(density * x**2, x) == pytest.approx(g / 2, rel=1e-3)
    assert density[x.abs() > 1.001 * pairs.edge(g)].max() < 1e-9


def test_encoders_that_started_small_are_the_top_eigenvector_and_others_are_not():
    rng = torch.Generator().manual_seed(2)
    m = torch.stack([pairs.cross_covariance(*pairs.draw(400, 60, 1.5, rng=rng)) for _ in range(6)])
    values, vectors = torch.linalg.eigh(m)
    w = pairs.train(m, rng=rng, step=0.05)
    assert (w.square().sum(1) * values[:, -1]).tolist() == pytest.approx([1.0] * 6, rel=1e-6)
    share = (w * vectors[:, :, -1]).sum(1) ** 2 / w.square().sum(1)
    assert share.min() > 1 - 1e-6
    hasty = pairs.train(m, rng=rng, step=0.05, start=0.1)
    assert ((hasty * vectors[:, :, -1]).sum(1) ** 2 / hasty.square().sum(1)).max() < 0.9
    moved = pairs.train(m[:1], rng=torch.Generator().manual_seed(5), step=0.01, start=0.1, n_steps=1)[0]
    begun = 0.1 * torch.randn(1, 60, generator=torch.Generator().manual_seed(5), dtype=torch.float64)[0]
    (own,) = torch.autograd.grad((1 - begun.requires_grad_() @ m[0] @ begun) ** 2, begun)
    assert moved.tolist() == pytest.approx((begun - 0.01 * own).tolist(), rel=1e-10)


def test_a_nuisance_that_is_not_shared_leaves_an_echo_with_the_overlap_of_the_limit():
    rng = torch.Generator().manual_seed(3)
    seen = []
    for _ in range(40):
        value, vector = pairs.top_vector(pairs.cross_covariance(*pairs.draw(800, 200, 0.0, rng=rng, nuisance=5.0)))
        seen.append([float(value), vector[1] ** 2])
    exact = pairs.nuisance_top(5.0, 0.25), pairs.nuisance_overlap(5.0, 0.25)
    for column, limit in zip(torch.tensor(seen, dtype=torch.float64).T, exact):
        found = mean(column)
        assert abs(found.value - limit) < 4 * found.error + 2 / 200
    assert pairs.nuisance_overlap(2.0, 0.25) == 0 and pairs.nuisance_top(2.0, 0.25) == pairs.edge(0.25)
    assert pairs.nuisance_top(11.0, 0.25) == pytest.approx(pairs.top(1.0, 0.25), rel=1e-12)  # 99/80


def test_a_cell_of_the_map_is_trained_encoders():
    found = pairs.cell((0.5, 2.0), torch.Generator().manual_seed(4), p=60, count=20)["overlap"]
    assert found.shape == (20,) and abs(float(found.mean()) - pairs.overlap(2.0, 0.5)) < 0.06


def test_values_are_the_independent_ones():
    for prefix, function in (("threshold_ssl", pairs.threshold), ("threshold_pooled_pca", pairs.pooled_threshold),
                             ("edge_ssl", pairs.edge)):  # fmt: skip
        for numbers, value in golden(f"pairs.{prefix}"):
            assert function(numbers["gamma"]) == pytest.approx(value, rel=1e-12)
    for prefix, law in (("overlap2_ssl", pairs.overlap), ("top_ssl", pairs.top),
                        ("overlap2_pooled_pca", pairs.pooled_overlap)):  # fmt: skip
        for numbers, value in golden(f"pairs.{prefix}"):
            assert law(numbers["l"], numbers["gamma"]) == pytest.approx(value, rel=1e-12)
    assert pairs.threshold(1.0) == pytest.approx(0.52908551363574613, rel=1e-14)
    assert pairs.threshold(2.0) == pytest.approx(math.sqrt(3) - 1, rel=1e-14)  # y^2 = 1/3


def test_impossible_pairs_are_refused():
    rng = torch.Generator().manual_seed(0)
    for call, words in (
        (lambda: pairs.threshold(0.0), "g = 0"),
        (lambda: pairs.overlap(-1.0, 1.0), "l = -1"),
        (lambda: pairs.pairs_needed(1.0, 10, overlap_wanted=1.0), "overlap_wanted = 1"),
        (lambda: pairs.draw(3, 1, 1.0, rng=rng), "p = 1"),
        (lambda: pairs.cross_covariance(torch.ones(3, 2), torch.ones(2, 2)), "row by row"),
        (lambda: pairs.train(torch.ones(2, 3, 4), rng=rng, step=0.1), "one for each encoder"),
        (lambda: pairs.nuisance_top(0.0, 1.0), "v = 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

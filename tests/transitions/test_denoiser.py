"""A denoiser learns a score, and the empirical score remembers."""

import math

import pytest
import torch

from fieldkit.transitions import denoiser, speciation


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def two_kinds(n, rng, d=4, s=0.5):
    kind = 2.0 * torch.randint(2, (n, 1), generator=rng) - 1
    return kind + s * torch.randn(n, d, generator=rng), kind[:, 0]


def test_the_empirical_score_is_the_gradient_of_the_mixture(rng):
    data = torch.randn(7, 3, generator=rng, dtype=torch.float64)
    x = torch.randn(5, 3, generator=rng, dtype=torch.float64).requires_grad_()
    t = 0.3
    parts = -torch.cdist(x, math.exp(-t) * data).square() / (2 * (1 - math.exp(-2 * t)))
    slope = torch.autograd.grad(torch.logsumexp(parts, 1).sum(), x)[0]
    assert torch.allclose(slope, denoiser.empirical_score(data)(x.detach(), t))


def test_a_trained_score_is_near_the_exact_one_and_an_untrained_one_is_not(rng):
    data, _ = two_kinds(4000, rng)
    net, losses = denoiser.train(data, rng=rng, hidden=64, n_steps=800)
    fresh = denoiser.Denoiser(4, 64, rng=rng)
    assert losses[-50:].mean() < 0.7 * losses[:5].mean()
    x = two_kinds(500, rng)[0]
    for t in (0.5, 1.0):
        noised = math.exp(-t) * x + math.sqrt(1 - math.exp(-2 * t)) * torch.randn(500, 4, generator=rng)
        exact = speciation.score(noised, t, centre=torch.ones(4), s2=0.25)
        off = [(denoiser.learnt_score(n)(noised, t) - exact).square().mean().sqrt() for n in (net, fresh)]
        assert off[0] < 0.35 * exact.square().mean().sqrt() < off[1]


def test_the_reverse_process_with_the_exact_score_draws_the_data(rng):
    start = torch.randn(3000, 4, generator=rng)
    made = denoiser.reverse(
        start, 4.0, lambda x, t: speciation.score(x, t, centre=torch.ones(4), s2=0.25), rng=rng, n_steps=200
    )
    assert abs(made.square().mean() - 1.25) < 0.08 and abs(made.mean(1).abs().mean() - 1) < 0.05


def test_clones_of_the_empirical_score_end_at_their_own_picture_until_the_noise_is_too_much(rng):
    data = torch.randn(60, 16, generator=rng)
    score = denoiser.empirical_score(data)
    same = []
    for t in (0.05, 2.5):
        a, b = denoiser.clones(data, 80, t, score, rng=rng, n_steps=60)
        same.append((denoiser.nearest(a, data) == denoiser.nearest(b, data)).double().mean().item())
    assert same[0] > 0.9 and same[1] < 0.4


def test_clones_of_the_empirical_score_are_alike_as_often_as_their_weights_say(rng):
    data, n = torch.randn(40, 6, generator=rng), 600
    kinds = data[:, 0] > 0
    for t in (0.15, 0.6):
        exact = denoiser.expected_alike(data, kinds, 4000, t, rng=rng).mean(0)
        found = denoiser.alike(data, kinds, n, t, denoiser.empirical_score(data), rng=rng).double().mean(0)
        assert ((found - exact).abs() < 4 * (exact * (1 - exact) / n).sqrt() + 0.01).all()


def test_impossible_diffusions_are_refused(rng):
    for call, words in (
        (lambda: denoiser.train(torch.ones(3), rng=rng), "expected"),
        (lambda: denoiser.train(torch.ones(3, 2), rng=rng, earliest=5.0), "earliest < latest"),
        (lambda: denoiser.reverse(torch.ones(1, 2), 0.01, lambda x, t: x, rng=rng), "t = 0.01"),
        (lambda: denoiser.clones(torch.ones(3, 2), 0, 1.0, lambda x, t: x, rng=rng), "n = 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

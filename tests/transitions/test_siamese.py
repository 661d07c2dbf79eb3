"""Without negative pairs a network lives above a barrier, and falls from it all at once."""

import math

import pytest
import torch

from fieldkit.transitions import siamese
from tests.transitions.golden import golden


def trained(eta, v=0.25, start=0.6, **options):
    return siamese.train(eta, v, start=start, dim=3, rng=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("eta", [0.05, 0.15, 0.19])
def test_training_ends_on_the_stable_branch(eta):
    p, w = trained(eta)
    assert p == pytest.approx(siamese.fixed_points(eta, 0.25)[0], abs=2e-5) and w == pytest.approx(p, rel=1e-6)


def test_beyond_the_saddle_node_and_below_the_barrier_everything_collapses():
    assert trained(0.21)[0] < 1e-6
    barrier = siamese.fixed_points(0.1, 0.25)[1]
    assert trained(0.1, start=barrier * 0.95)[0] < 1e-4 < 0.6 < trained(0.1, start=barrier * 1.05)[0]


def test_without_stop_gradient_or_predictor_there_is_nothing_to_live_on():
    assert trained(0.05, stop_gradient=False)[1] < 1e-6
    assert trained(0.05, predictor=False)[1] < 1e-6


def test_at_the_critical_decay_the_branches_meet():
    for v in (0.0, 0.25, 1.0):
        stable, barrier = siamese.fixed_points(siamese.critical_decay(v), v)
        assert stable == pytest.approx(barrier, rel=1e-7) == pytest.approx(1 / (2 * (1 + v)))
        with pytest.raises(ValueError, match="collapses"):
            siamese.fixed_points(siamese.critical_decay(v) * 1.0001, v)


def white(*rho):
    turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64))[0]
    return turn @ torch.diag(torch.tensor([*rho, *[0.02] * (6 - len(rho))], dtype=torch.float64)) @ turn.T


def test_each_direction_lives_and_falls_for_itself():
    rho = torch.tensor([0.9, 0.7], dtype=torch.float64)
    decays = torch.tensor([0.01, 0.05, 0.118, 0.127, 0.198, 0.208], dtype=torch.float64)
    rng = torch.Generator().manual_seed(0)
    p, w = siamese.sweep(white(*rho)[None], decays, outputs=2, rng=rng, n_steps=3000)
    exact = siamese.living(decays[:, None], rho)
    assert torch.allclose(p[:, 0], exact, atol=1e-6) and torch.allclose(w[:, 0], exact, atol=1e-6)
    assert siamese.living(0.1, 0.8).item() * 0.8 == pytest.approx(
        0.8 * siamese.fixed_points(0.1 / 0.8**2, 1e-16)[0] * 0.8
    )


@pytest.mark.parametrize(("stop", "predictor"), [(True, True), (False, True), (True, False), (False, False)])
def test_a_step_of_the_sweep_is_that_of_autograd(stop, predictor):
    cross = white(0.8, 0.5, 0.3)
    rng = torch.Generator().manual_seed(2)
    _, before = siamese.sweep(cross[None], torch.tensor([0.1]), outputs=3, rng=rng, n_steps=0)
    rows = torch.linalg.qr(torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64))[0].mT
    W = (0.7 * rows[0]).requires_grad_()
    P = (0.7 if predictor else 1.0) * torch.eye(3, dtype=torch.float64)
    P.requires_grad_(predictor)
    target, a = (W.detach() if stop else W), P @ W
    loss = (a.square().sum() - 2 * (a @ cross * target).sum() + target.square().sum()) / 2
    moving = [W, P] if predictor else [W]
    moved = [x - 0.1 * (g + 0.1 * x) for x, g in zip(moving, torch.autograd.grad(loss, moving))]
    p, w = siamese.sweep(
        cross[None], torch.tensor([0.1]), outputs=3, rng=torch.Generator().manual_seed(2), step=0.1, n_steps=1,
        stop_gradient=stop, predictor=predictor,
    )  # fmt: skip
    assert torch.allclose(w[0, 0], torch.linalg.svdvals(moved[0].detach()), atol=1e-12)
    if predictor:
        exact = torch.linalg.eigvals(moved[1].detach()).abs().sort(descending=True)[0]
        assert torch.allclose(p[0, 0], exact, atol=1e-12)
    assert before.shape == (1, 1, 3)


def test_whitened_views_have_correlations():
    second = torch.diag(torch.tensor([4.0, 1.0], dtype=torch.float64))
    cross = torch.diag(torch.tensor([2.0, 0.3], dtype=torch.float64))
    assert torch.allclose(siamese.whitened(second, cross).diagonal(), torch.tensor([0.5, 0.3], dtype=torch.float64))


def test_values_are_the_independent_ones():
    for numbers, value in golden("simsiam.p_stable"):
        assert siamese.fixed_points(numbers["eta"], numbers["v"])[0] == pytest.approx(value, rel=1e-14)
    for numbers, value in golden("simsiam.p_barrier"):
        assert siamese.fixed_points(numbers["eta"], numbers["v"])[1] == pytest.approx(value, rel=1e-14)
    for numbers, value in golden("simsiam.eta_c"):
        assert siamese.critical_decay(numbers["v"]) == pytest.approx(value, rel=1e-15)
    for numbers, value in golden("simsiam.jump"):  # where the roots meet: a hair before, they are its root apart
        at = siamese.critical_decay(numbers["v"]) * (1 - 1e-12)
        assert siamese.fixed_points(at, numbers["v"]) == pytest.approx((value, value), rel=2e-6)
    assert siamese.fixed_points(0.1, 0.25) == pytest.approx((0.6828427124746190, 0.11715728752538099))
    assert siamese.fixed_points(1e-12, 0.0)[1] == pytest.approx(1e-12, rel=1e-9)  # no cancellation


def test_a_collapsed_network_has_a_rank_of_rounding_errors():
    noise = 1e-16 * torch.randn(500, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    variance, rank = siamese.variance_and_rank(noise)
    assert variance < 1e-29 and rank > 18
    flat = torch.randn(500, 1, generator=torch.Generator().manual_seed(2)) @ torch.ones(1, 20)
    assert siamese.variance_and_rank(flat)[1] == pytest.approx(1.0, abs=1e-3)
    assert siamese.variance_and_rank(torch.ones(5, 3)) == (0.0, 0.0)


def test_impossible_networks_are_refused():
    for call, words in (
        (lambda: siamese.critical_decay(-0.1), "v = -0.1"),
        (lambda: siamese.fixed_points(0.0, 0.1), "eta = 0"),
        (lambda: trained(0.1, start=0.0), "start = 0"),
        (lambda: siamese.whitened(torch.zeros(2, 2), torch.eye(2)), "noise in every"),
        (lambda: siamese.sweep(torch.ones(1, 2, 2), torch.ones(1), outputs=3, rng=torch.Generator()), "at most p"),
        (lambda: siamese.variance_and_rank(torch.full((3, 2), math.nan)), "finite"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(ArithmeticError, match="blew up"):
        trained(0.1, start=50.0)

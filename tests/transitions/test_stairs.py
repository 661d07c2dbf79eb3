"""The steps of a linear encoder come when its own start says."""

import math

import pytest
import torch

from fieldkit.transitions import stairs
from tests.transitions.golden import golden

GAMMA = torch.tensor([4.0, 2.0, 1.0, 0.5], dtype=torch.float64)


def start(size, seed=0, k=4, p=4):
    return size * torch.randn(k, p, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_an_aligned_row_climbs_a_logistic_step():
    times = torch.linspace(0, 3, 61, dtype=torch.float64)
    found = stairs.flow(1e-3 * torch.eye(4, dtype=torch.float64), GAMMA.diag(), times)
    exact = stairs.eigenvalue(times[:, None], GAMMA, start=GAMMA * 1e-6)
    assert (found - exact.sort(1, descending=True).values).abs().max() < 1e-7


@pytest.mark.parametrize(("size", "reach"), [(1e-2, 0.03), (1e-3, 3e-3), (1e-5, 3e-5)])
def test_steps_come_at_the_times_that_qr_tells_and_the_better_the_smaller_the_start(size, reach):
    times = torch.linspace(0, 11, 2201, dtype=torch.float64)
    for seed in range(3):
        found = stairs.half_times(times, stairs.flow(start(size, seed), GAMMA.diag(), times))
        clock = stairs.step_times(start(size, seed), GAMMA.diag())
        assert (found / clock - 1).abs().max() < reach
        bare = torch.log(1 / (GAMMA * size**2) - 1) / (8 * GAMMA)
        assert (found / bare - 1).abs().max() > 3 * reach


def test_the_clock_does_not_depend_on_the_basis():
    turn = torch.linalg.qr(start(1.0, 5))[0]
    w = start(1e-3, 1)
    turned = stairs.step_times(w @ turn.T, turn @ GAMMA.diag() @ turn.T)
    assert torch.allclose(turned, stairs.step_times(w, GAMMA.diag()), rtol=1e-10)


def test_gradient_is_the_gradient():
    w = start(0.5).requires_grad_()
    loss = (w @ GAMMA.diag() @ w.T - torch.eye(4, dtype=torch.float64)).square().sum()
    assert torch.allclose(torch.autograd.grad(loss, w)[0], stairs.gradient(w.detach(), GAMMA.diag()))


def test_training_on_views_drawn_anew_climbs_at_the_predicted_times():
    """Signals of variance gamma that two views share, noise that they do not; two runs, so two sets of four times."""
    rng = torch.Generator().manual_seed(3)

    def pairs():
        shared = torch.randn(2000, 4, generator=rng, dtype=torch.float64) * GAMMA.sqrt()
        return tuple(shared + 0.5 * torch.randn(2000, 4, generator=rng, dtype=torch.float64) for _ in range(2))

    w = start(1e-2, 2)
    times, seen = stairs.train(w, pairs, cross=GAMMA.diag(), step=0.002, n_steps=2200)
    clock, found = stairs.step_times(w, GAMMA.diag())[:3], stairs.half_times(times, seen)[:3]
    assert (found / clock - 1).abs().max() < 0.1


def test_gradient_descent_has_a_clock_of_its_own_and_many_starts_have_one_each():
    w = torch.stack([start(1e-4, seed) for seed in range(3)])
    told = stairs.step_times(w, GAMMA.diag(), step=0.01)
    for one, times in zip(w, told):
        path = [one @ GAMMA.diag() @ one.T]
        for _ in range(700):
            one = one - 0.01 * stairs.gradient(one, GAMMA.diag())
            path.append(one @ GAMMA.diag() @ one.T)
        seen = torch.linalg.eigvalsh(torch.stack(path)).flip(1)
        found = stairs.half_times(0.01 * torch.arange(701, dtype=torch.float64), seen)
        assert (found / times - 1).abs().max() < 2e-3
    fine = stairs.step_times(w, GAMMA.diag(), step=1e-3)
    assert torch.allclose(fine, stairs.step_times(w, GAMMA.diag()), rtol=2e-2)


def test_two_halves_of_a_batch_have_no_bias():
    """At weights that do not matter the mean gradient over many batches of four pictures is that of Gamma."""
    rng = torch.Generator().manual_seed(7)
    w = start(0.3, 1)

    def pairs():
        shared = torch.randn(20000, 4, 4, generator=rng, dtype=torch.float64) * GAMMA.sqrt()
        return shared, shared

    x, y = pairs()
    one, two = (stairs._cross(x[:, i::2], y[:, i::2], w.dtype) for i in (0, 1))
    each = stairs._half_gradient(w, one, two) + stairs._half_gradient(w, two, one)
    off = (each.mean(0) - stairs.gradient(w, GAMMA.diag())) / (each.std(0) / len(each) ** 0.5)
    assert off.abs().max() < 4.5
    same = 2 * stairs._half_gradient(w, one, one)
    biased = (same.mean(0) - stairs.gradient(w, GAMMA.diag())) / (same.std(0) / len(same) ** 0.5)
    assert biased.abs().max() > 10


def test_average_times_are_those_of_many_starts():
    rng = torch.Generator().manual_seed(5)
    w = 1e-4 * torch.randn(4000, 3, 4, generator=rng, dtype=torch.float64)
    for step in (0.0, 0.01):
        times = stairs.step_times(w, GAMMA.diag(), step=step)
        expected = stairs.average_step_times(GAMMA.diag(), size=1e-4, rows=3, step=step)
        assert ((times.mean(0) - expected) / (times.std(0) / len(w) ** 0.5)).abs().max() < 4


def test_times_are_the_independent_ones():
    for numbers, value in golden("stairs.t_half"):
        w0 = torch.tensor([[numbers["w0"]]], dtype=torch.float64)
        time = stairs.step_times(w0, torch.tensor([[numbers["gamma"]]], dtype=torch.float64))
        assert time.item() == pytest.approx(value, rel=1e-12)
    for numbers, value in golden("stairs.lambda"):
        gamma = numbers["gamma"]
        assert stairs.eigenvalue(numbers["t"], gamma, start=gamma * numbers["w0"] ** 2) == pytest.approx(
            value, rel=1e-11
        )
    for numbers, value in golden("saxe.t_half"):
        assert stairs.two_layer_half_time(numbers["s"], start=numbers["a0"]) == pytest.approx(value, rel=1e-12)
    assert stairs.two_layer_half_time(1.0, start=1e-3) == pytest.approx(math.log(999) / 2)


def test_impossible_stairs_are_refused():
    g = GAMMA.diag()
    for call, words in (
        (lambda: stairs.step_times(start(1e-3, k=2), g, steps=3), "2 steps"),
        (lambda: stairs.step_times(start(1e-3), g + torch.ones(4, 4).triu(1)), "not symmetric"),
        (lambda: stairs.step_times(start(1e-3, p=3), g), "expected"),
        (lambda: stairs.flow(start(1e-3), g, torch.tensor([1.0, 0.5])), "ascend"),
        (lambda: stairs.step_times(start(3.0), g, step=0.01), "smaller weights"),
        (lambda: stairs.average_step_times(g, size=0.0, rows=2), "size = 0"),
        (lambda: stairs.eigenvalue(1.0, 1.0, start=0.0), "never grows"),
        (lambda: stairs.two_layer_half_time(1.0, start=2.0), "start = 2"),
        (lambda: stairs.train(start(1e-3), lambda: (g, g), cross=g, step=0.0, n_steps=1), "step = 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(ArithmeticError, match="blew up"):
        stairs.train(start(1.0), lambda: (10 * g, 10 * g), cross=g, step=1.0, n_steps=50)

"""Attention learns to learn at a time that can be computed, and as far as its tasks let it."""

import itertools
import math

import pytest
import torch

from fieldkit.transitions import in_context
from tests.transitions.golden import golden


def test_small_steps_follow_the_flow():
    flow = in_context.half_time(4, 31, start=1e-3)
    assert in_context.half_time_of_steps(4, 31, start=1e-3, step=1e-4) == pytest.approx(flow, rel=2e-4)
    assert in_context.half_time_of_steps(4, 31, start=1e-3, step=0.01) > flow * 1.005  # steps of 0.01 are later


def test_the_recursion_ends_on_the_plateau_that_minimises_the_loss():
    *_, last = itertools.islice(in_context.recursion(5, 20, start=1e-3, step=0.02), 2000)
    assert last == pytest.approx(in_context.plateau_end(5, 20), rel=1e-12)
    c, D = in_context.spread(5, 20), 5
    assert D / 2 - math.sqrt(D) * last + c * last**2 / 2 == pytest.approx(in_context.floor(5, 20), rel=1e-12)


def test_prompts_have_the_moments_that_the_loss_is_made_of():
    b, q, y = in_context.prompts(200_000, 3, 7, rng=torch.Generator().manual_seed(0))
    second = (b.T @ b / len(b)).double()
    assert (second - in_context.spread(3, 7) * torch.eye(3)).abs().max() < 0.05
    assert abs((y * (b * q).sum(1)).mean() - 3) < 0.1


def test_training_rises_when_the_recursion_says():
    D, N, step = 4, 31, 0.02
    s, losses = in_context.train(D, N, rng=torch.Generator().manual_seed(1), step=step, n_steps=150, batch=2000)
    i = int((s > in_context.plateau_end(D, N) / 2).nonzero()[0])
    half = step * (i - 1 + float((in_context.plateau_end(D, N) / 2 - s[i - 1]) / (s[i] - s[i - 1])))
    assert half == pytest.approx(in_context.half_time_of_steps(D, N, start=1e-3, step=step), rel=0.01)
    assert losses[:20].mean() == pytest.approx(D / 2, rel=0.1)
    assert losses[-20:].mean() == pytest.approx(in_context.floor(D, N), rel=0.1)


def test_many_random_tasks_reach_the_limit_of_their_diversity():
    tasks = torch.randn(600, 300, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert in_context.diversity_error_of(tasks, 600) == pytest.approx(in_context.diversity_error(2.0, 2.0), abs=0.01)
    assert in_context.diversity_error_of(tasks[:150], 600) == pytest.approx(
        in_context.diversity_error(0.5, 2.0), abs=0.01
    )


def test_unlimited_tasks_leave_the_floor_and_no_task_leaves_everything():
    assert in_context.diversity_error(1e9, 2.0) == pytest.approx(1 - 1 / 1.5, rel=1e-6)
    assert in_context.diversity_error(1e-9, 2.0) == pytest.approx(1.0, abs=1e-6)
    limits = [in_context.diversity_error(k, 1e7) for k in (0.25, 0.5, 2.0)]
    assert limits == pytest.approx([0.75, 0.5, 0.0], abs=1e-3)  # (1 - kappa)_+: sharp only for unlimited prompts


def test_values_are_the_independent_ones():
    for numbers, value in golden("icl.diversity_error"):
        assert in_context.diversity_error(numbers["kappa"], numbers["alpha"]) == pytest.approx(value, rel=1e-12)
    for prefix, function in (("icl.floor", in_context.floor), ("icl.s_inf", in_context.plateau_end)):
        for numbers, value in golden(prefix):
            assert function(int(numbers["D"]), int(numbers["N"])) == pytest.approx(value, rel=1e-14)
    for numbers, value in golden("icl.t_half"):
        D, N = int(numbers["D"]), int(numbers["N"])
        assert in_context.half_time(D, N, start=numbers["s0"]) == pytest.approx(value, rel=1e-13)
    for numbers, value in golden("icl.t_half_discrete"):
        D, N = int(numbers["D"]), int(numbers["N"])
        found = in_context.half_time_of_steps(D, N, start=numbers["s0"], step=numbers["lr"])
        assert found == pytest.approx(value, rel=1e-12)
    assert in_context.half_time(4, 31, start=1e-3) == pytest.approx(1.8626974779425359, rel=1e-14)


def test_impossible_prompts_are_refused():
    for call, words in (
        (lambda: in_context.spread(0, 3), "D = 0"),
        (lambda: in_context.half_time(4, 31, start=1.0), "start = 1"),
        (lambda: in_context.half_time_of_steps(4, 31, start=1e-3, step=0.0), "step = 0"),
        (lambda: in_context.diversity_error(0.0, 1.0), "kappa = 0"),
        (lambda: in_context.diversity_error_of(torch.ones(3), 5), "expected"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(ArithmeticError, match="step = 50"):
        in_context.half_time_of_steps(40, 3, start=1e-3, step=50.0)

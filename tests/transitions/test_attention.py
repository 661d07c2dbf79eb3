"""A head that looks by place has a minimum that is known, next to one that looks by meaning."""

import math

import pytest
import torch

from fieldkit.transitions import attention
from tests.transitions.golden import golden

SETTING = {"omega": 0.3, "sigma": 0.5, "a": 0.6}


def test_training_from_near_it_ends_at_the_positional_minimum():
    d, found = 40, []
    for seed in range(6):
        rng = torch.Generator().manual_seed(seed)
        x, y, _ = attention.examples(20 * d, d, **SETTING, rng=rng)
        q, _ = attention.train(x, y, attention.positional_start(d, **SETTING))
        found.append(abs(float(q.sum())) / math.sqrt(d))
    t = torch.tensor(found)
    c, _ = attention.positional_minimum(**SETTING)
    assert abs(t.mean() - c) < 4 * t.std() / math.sqrt(6) + 0.005


def test_two_minima_coexist_and_many_examples_prefer_meaning():
    d = 40
    x, y, teacher = attention.examples(5 * d, d, **SETTING, rng=torch.Generator().manual_seed(7))
    by_place, high = attention.train(x, y, attention.positional_start(d, **SETTING))
    by_meaning, low = attention.train(x, y, teacher)
    assert abs(float(by_meaning @ teacher)) / d > 0.5 > 0.15 > abs(float(by_place @ teacher)) / d
    assert low < high


def test_values_are_the_independent_ones():
    for numbers, value in golden("attention.positional_c"):
        found, b = attention.positional_minimum(omega=numbers["omega"], sigma=numbers["sigma"], a=0.6)
        assert found == pytest.approx(value, abs=1e-11) and 0.5 < b < 1
    assert attention.positional_minimum(**SETTING)[0] == pytest.approx(0.37514, abs=1e-5)


def test_impossible_heads_are_refused():
    rng = torch.Generator().manual_seed(0)
    for call, words in (
        (lambda: attention.positional_minimum(omega=1.5, sigma=1.0, a=0.6), "omega = 1.5"),
        (lambda: attention.positional_minimum(omega=0.5, sigma=0.0, a=0.6), "sigma = 0"),
        (lambda: attention.positional_minimum(omega=0.5, sigma=1.0, a=0.2), "a = 0.2"),
        (lambda: attention.examples(0, 3, **SETTING, rng=rng), "n = 0"),
        (lambda: attention.train(torch.ones(2, 2, 3), torch.ones(2, 2, 3), torch.ones(2)), "expected"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

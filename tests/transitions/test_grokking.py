"""A network learns to add; a threshold is read off, stored and continued."""

import math

import numpy as np
import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.transitions import grokking


def test_networks_that_see_most_sums_understand_the_others_and_those_that_see_few_do_not():
    rng = torch.Generator().manual_seed(0)
    after = grokking.train(7, [0.9, 0.9, 0.3], rng=rng, steps=(2, 600), width=64)
    assert after.shape == (2, 3)
    assert (after[1, :2] > grokking.UNDERSTOOD).all() and after[1, 2] < 0.5 and (after[0] < 0.5).all()


def test_a_threshold_is_found_where_it_was_put_with_a_bar_that_holds():
    draw, f, pulls = np.random.default_rng(0), np.linspace(0.3, 0.5, 11), []
    for _ in range(30):
        solved = draw.binomial(8, 1 / (1 + np.exp(-60 * (f - 0.41))))
        pulls.append(grokking.threshold(f, solved, 8).pull(0.41))
    assert abs(np.mean(pulls)) < 4 / math.sqrt(30) and 0.5 < np.std(pulls) < 1.7


def test_a_power_law_is_continued_exactly():
    moduli = (11, 13, 17, 19)
    places = [Estimate(2.0 * p**-0.5, 0.01) for p in moduli]
    power, told = grokking.extrapolate(moduli, places, 29)
    assert power.value == pytest.approx(1.5) and told.value == pytest.approx(2 * 29**-0.5) and told.error > 0


def test_the_stored_runs_are_those_of_the_program_and_the_prediction_failed():
    """p = 11 is trained again at its two outermost fractions; other arithmetic may turn a network at the threshold."""
    runs = {(r["p"], r["steps"]): r for r in grokking.stored()}
    assert set(runs) == {(11, 900), (13, 900), (17, 900), (19, 900), (29, 900), (29, 1500)}
    for run in runs.values():
        assert len(run["fractions"]) == len(run["solved"]) and max(run["solved"]) <= run["networks"]
    f = runs[11, 900]["fractions"]
    again = grokking.train(11, [f[0], f[-1]], rng=torch.Generator().manual_seed(1)) > grokking.UNDERSTOOD
    assert again.tolist() == [[False, True]] and (runs[11, 900]["solved"][0], runs[11, 900]["solved"][-1]) == (0, 3)
    places = {k: grokking.threshold(r["fractions"], r["solved"], r["networks"]) for k, r in runs.items()}
    _, told = grokking.extrapolate((11, 13, 17, 19), [places[p, 900] for p in (11, 13, 17, 19)], 29)
    assert places[29, 900].pull(told) > 2 > places[29, 1500].pull(told)


def test_impossible_sums_are_refused():
    rng = torch.Generator()
    for call, words in (
        (lambda: grokking.train(1, [0.5], rng=rng), "p = 1"),
        (lambda: grokking.train(5, [1.0], rng=rng), "0 < f < 1"),
        (lambda: grokking.train(5, [0.5], rng=rng, steps=(3, 3)), "ascending"),
        (lambda: grokking.threshold([0.1, 0.2], [0, 1], 1), "at least 3"),
        (lambda: grokking.threshold([0.1, 0.2, 0.3], [0, 0, 0], 2), "some do not"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

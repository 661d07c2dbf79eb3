"""The true class is missed as often as the level says, and a stranger has no class."""

import math

import pytest
import torch

from fieldkit.transitions import classes
from tests.golden import entries

COVARIANCE = torch.tensor([[0.071**2, 0.6 * 0.071 * 0.0103], [0.6 * 0.071 * 0.0103, 0.0103**2]], dtype=torch.float64)
ISING = torch.tensor([1.0, 0.125], dtype=torch.float64)


def measured(n, covariance=COVARIANCE, seed=0):
    root = torch.linalg.cholesky(covariance)
    return ISING + torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) @ root.T


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_the_true_class_is_missed_as_often_as_the_level_says(level):
    missed = [("2D Ising" not in classes.compatible(v, COVARIANCE, level=level)) for v in measured(400)]
    assert sum(missed) / 400 == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / 400))


def test_the_correlation_decides_which_deviations_are_large():
    bars = torch.diag(torch.tensor([0.071, 0.0103], dtype=torch.float64))
    strong = bars @ torch.tensor([[1, 0.9], [0.9, 1]], dtype=torch.float64) @ bars
    along, across = (ISING + bars @ torch.tensor(d, dtype=torch.float64) for d in ([1.9, 1.9], [1.0, -1.0]))
    assert classes.p_values(along, strong)["2D Ising"] > 0.1 > 0.05 > classes.p_values(along, bars @ bars)["2D Ising"]
    assert classes.p_values(across, strong)["2D Ising"] < 0.01 < 0.3 < classes.p_values(across, bars @ bars)["2D Ising"]


def test_a_stranger_has_no_class_and_wide_bars_have_all():
    assert classes.compatible([7.0, -3.0], [[0.01, 0.0], [0.0, 0.01]]) == []
    assert classes.nearest([7.0, -3.0]) in classes.CLASSES  # the rule without a null names one all the same
    assert len(classes.compatible([1.1, 0.2], [[25.0, 0], [0, 25.0]])) == len(classes.CLASSES)


def test_one_exponent_does_not_tell_ising_from_four_state_potts():
    alone = {name: (pair[1],) for name, pair in classes.CLASSES.items()}
    found = classes.compatible([0.125], [[0.001**2]], classes=alone)
    assert set(found) == {"2D Ising", "2D 4-state Potts"}


def test_exponents_are_the_independent_ones():
    known = {e["name"].removeprefix("transitions.constants."): e["value"] for e in entries("transitions")}
    if known:
        potts3, potts4 = classes.CLASSES["2D 3-state Potts"], classes.CLASSES["2D 4-state Potts"]
        assert potts3[1] == pytest.approx(float(known["potts3.beta_over_nu"]), rel=1e-14)
        assert 1 / potts4[0] == pytest.approx(float(known["potts4.nu"]), rel=1e-14)
        assert potts4[1] / potts4[0] == pytest.approx(float(known["potts4.beta"]), rel=1e-14)


def test_what_cannot_be_compared_is_refused():
    for call, words in (
        (lambda: classes.compatible(ISING, COVARIANCE, level=1.0), "level = 1"),
        (lambda: classes.p_values([1.0], [[1.0]]), "2 exponents, measured were 1"),
        (lambda: classes.p_values(ISING, torch.ones(2, 2)), "eigenvalue"),
        (lambda: classes.p_values([1.0, math.nan], COVARIANCE), "not finite"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

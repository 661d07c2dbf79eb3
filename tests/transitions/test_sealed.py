"""A sealed prediction can be opened, and nothing else can."""

import math

import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.transitions import sealed


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_what_was_sealed_is_opened_and_weighed(rng):
    shown, salt = sealed.seal("margin at N = 128", Estimate(1.037, 0.0032), rng=rng)
    assert "1.037" not in str(shown) and len(shown.digest) == 64
    assert sealed.opened(shown, Estimate(1.037, 0.0032), salt) == Estimate(1.037, 0.0032)
    expected = (1.0393 - 1.037) / math.hypot(0.004, 0.0032)
    assert sealed.pull(shown, Estimate(1.037, 0.0032), salt, Estimate(1.0393, 0.004)) == pytest.approx(expected)


@pytest.mark.parametrize("other", [Estimate(1.0370000001, 0.0032), Estimate(1.037, 0.0033)])
def test_a_prediction_is_not_changed_afterwards(rng, other):
    shown, salt = sealed.seal("margin", Estimate(1.037, 0.0032), rng=rng)
    with pytest.raises(ValueError, match="not what was sealed"):
        sealed.opened(shown, other, salt)
    with pytest.raises(ValueError, match="not what was sealed"):
        sealed.opened(shown, Estimate(1.037, 0.0032), "0" * 32)


def test_equal_predictions_have_different_seals(rng):
    digests = {sealed.seal("x", Estimate(1, 0.1), rng=rng)[0].digest for _ in range(5)}
    assert len(digests) == 5  # nobody finds a guess by trying


def test_a_prediction_without_a_bar_is_no_prediction(rng):
    for prediction in (Estimate(1, 0.0), Estimate(math.nan, 1.0), Estimate(1, math.inf)):
        with pytest.raises(ValueError, match="no bar"):
            sealed.seal("x", prediction, rng=rng)
    with pytest.raises(ValueError, match="say what"):
        sealed.seal(" ", Estimate(1, 0.1), rng=rng)
    with pytest.raises(TypeError, match="with its bar"):
        sealed.seal("x", 1.0, rng=rng)

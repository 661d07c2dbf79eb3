"""Which mistake is named: the assignment's own first, then everybody's, in the words of the book's exercises."""

from __future__ import annotations

import math

import pytest
import torch

from coursework.slips import named
from fieldkit import verdicts

TRUTH = torch.tensor([0.7, 1.9, 3.1, 0.2], dtype=torch.float64)
OWN = {"the width is lost": 3 * TRUTH, "one of two bonds": [TRUTH + 1, TRUTH - 1]}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (TRUTH, ""),
        (3 * TRUTH, "the width is lost"),
        (TRUTH - 1, "one of two bonds"),
        (-TRUTH, "the size is right, the sign is not"),
        (TRUTH / math.log(10), "off by ln 10: take the natural logarithm"),
        (TRUTH + 0.3, ""),
        (TRUTH * math.nan, ""),
        (TRUTH * math.inf, ""),
    ],
)
def test_the_slip_that_explains_an_answer_is_named(found, said):
    assert named(found, TRUTH, OWN, relative=1e-4) == said
    assert named(found[None], TRUTH[None], {k: v for k, v in OWN.items() if k == said}, within=1e-6) == said


def test_half_of_what_is_wrong_is_enough_and_less_is_not():
    found = TRUTH.clone()
    found[:2] *= 3
    assert named(found, TRUTH, OWN, relative=1e-4) == "the width is lost"
    found[2:] += 0.1
    assert named(found, TRUTH, OWN, relative=1e-4) == "the width is lost"
    found[1] += 0.1
    assert named(found, TRUTH, OWN, relative=1e-4) == ""


@pytest.mark.parametrize("slip", [f for f, _ in verdicts.EVERYBODY])
def test_an_exercise_and_an_assignment_say_the_same_of_what_everybody_makes(slip):
    answer, question = slip(3.1), {"truth": 3.1, "relative": 1e-4, "right": "Yes."}
    said = named(torch.tensor(answer), torch.tensor(3.1, dtype=torch.float64), {}, relative=1e-4).lower()
    assert said and said in verdicts.verdict(answer, question).remark.lower()

"""Laws of a judge: right is right in every form, a known slip is named, and nothing that is handed in raises."""

import math

import numpy as np
import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.verdicts import UNKNOWN, verdict

NUMBER = {"truth": 0.45, "within": 0.01, "right": "Yes.", "slips": [[0.33, "The other lattice."]]}
RATIO = {
    "of": ["k", "a"], "at": [[2, 0.5], [10, 0.9]], "relative": 1e-12, "right": "Yes.",
    "truth": "k * (1 + a**k) / (1 - a**k)", "slips": [["(1 + a**k) / (1 - a**k)", "Only N/k terms are left."]],
}  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        0.45,
        0.4591,
        torch.tensor(0.45),
        torch.tensor([0.45]),
        np.float32(0.45),
        [0.45],
        0.45 + 0j,
        Estimate(0.46, 0.004),
    ],
)
def test_a_right_answer_is_right_in_every_form(answer):
    assert verdict(answer, NUMBER).state == "right"


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        (0.33, "The other lattice"),
        (Estimate(0.331, 0.002), "The other lattice"),
        (Estimate(0.33, 1e-5), "The other lattice"),  # a bar too small for the slip's own digits
        (Estimate(0.45, 0.02), "too wide"),
        (Estimate(0.457, 0.001), "many of your bars"),
        (-0.45, "sign"),
        (0.9, "Twice"),
        (0.225, "Half"),
        (1 / 0.45, "one over"),
        (0.45 / math.log(10), "natural logarithm"),
        (0.6, UNKNOWN),
        (math.nan, "finite"),
        (Estimate(0.45, math.inf), "finite"),
        (None, "return"),
        ("0.45", "a str"),
        ({}, "a dict"),
        (abs, "call it"),
        (1j, "imaginary"),
        ([0.45, 0.45], "2 numbers, where 1 is"),
        ([], "0 numbers"),
    ],
)
def test_a_wrong_answer_hears_why(answer, remark):
    judged = verdict(answer, NUMBER)
    assert judged.state == "wrong" and remark in judged.remark
    assert "0.45" not in judged.remark.replace(f"{answer}", "").replace("0.450(20)", "")


def test_what_is_still_to_come_is_open():
    assert verdict(..., NUMBER).state == "open"


def test_a_bar_that_reaches_the_truth_and_a_nearer_slip_is_not_right():
    close = NUMBER | {"slips": [[0.43, "Off by one."]], "bar": 0.01}
    assert verdict(Estimate(0.447, 0.005), close).state == "right"
    assert "Off by one" in verdict(Estimate(0.436, 0.005), close).remark


def test_a_truth_that_was_measured_counts_its_own_error():
    assert verdict(Estimate(0.456, 0.001), NUMBER | {"error": 0.002}).state == "right"
    assert verdict(Estimate(0.456, 0.001), NUMBER).state == "wrong"


def test_a_function_is_tried_at_points_with_numbers_or_tensors():
    def right(k, a):
        return k * (1 + a**k) / (1 - a**k)

    assert verdict(right, RATIO).state == "right"
    assert verdict(lambda k, a: torch.exp(torch.log(right(k, a))), RATIO).state == "right"
    assert "N/k terms" in verdict(lambda k, a: (1 + a**k) / (1 - a**k), RATIO).remark
    assert "raises ZeroDivisionError" in verdict(lambda k, a: k / 0, RATIO).remark
    assert "At k = 2, a = 0.5 your function returns 2 numbers" in verdict(lambda k, a: [k, a], RATIO).remark
    assert "does your function return" in verdict(lambda k, a: None, RATIO).remark
    assert "without calling it" in verdict(3.0, RATIO).remark


def test_several_numbers_are_all_compared():
    several = {"truth": ["sqrt(2)", 2], "relative": 1e-6, "right": "Yes.", "slips": [[[1, 2], "The first."]]}
    assert verdict(torch.tensor([2**0.5, 2.0], dtype=torch.float64), several).state == "right"
    assert "The first" in verdict([1, 2], several).remark
    assert verdict([2**0.5, 3], several).state == "wrong"
    assert "sign" in verdict([-(2**0.5), -2], several).remark


def test_bounds_words_and_refusals():
    bound = {"least": 5, "right": "Yes.", "within": 0.1, "slips": [[1, "The same."]]}
    assert verdict(7.0, bound).state == "right" and "Too small" in verdict(3.0, bound).remark
    assert "The same" in verdict(1.0, bound).remark
    word = {"word": "creutz", "right": "Yes.", "slips": [["power", "It notices."]]}
    assert verdict(" Creutz", word).state == "right" and "notices" in verdict("power", word).remark
    assert verdict(1.0, word).state == "wrong"
    assert "which one moves" in verdict("neither", word | {"asks": "which one moves"}).remark
    assert verdict("no", {"word": "False", "right": "Yes."}).state == "right"
    refusal = {"word": "ValueError", "right": "Yes."}
    assert verdict(ValueError("L = 7"), refusal).state == "right" and verdict(TypeError(), refusal).state == "wrong"
    assert verdict(True, {"word": True, "right": "Yes."}).state == "right"


def test_what_was_understood_is_repeated_as_people_write_it():
    word = {"word": "creutz", "right": "Yes.", "slips": [["power", "It notices."]]}
    assert verdict(" Creutz", word).remark == "Creutz. Yes." and verdict("power", word).remark == "power. It notices."
    assert verdict(True, {"word": True, "right": "Yes."}).remark == "yes. Yes."
    assert verdict(TypeError("L"), {"word": "TypeError", "right": "Yes."}).remark == "TypeError. Yes."
    large = {"truth": 2.5e8, "relative": 1e-6, "right": "Yes."}
    assert verdict(2.5e8, large).remark == "2.5\u00a0×\u00a010⁸. Yes."
    squared = {"of": ["k"], "at": [[2], [3]], "truth": "k**2", "relative": 1e-9, "right": "Yes."}
    assert verdict(lambda k: k * k, squared).remark == "4 at k = 2; 9 at k = 3. Yes."

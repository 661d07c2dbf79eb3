"""What is printed is weighed as it stands, with the bar or the digits that it has."""

import math

import pytest

from fieldkit import published
from fieldkit.claims import KEY, Ledger
from fieldkit.estimates import Estimate


@pytest.mark.parametrize(
    ("text", "value", "error", "unit"),
    [
        ("0.359025(979)", 0.359025, 0.000979, 1e-6),
        ("2.1665(12)", 2.1665, 0.0012, 1e-4),
        ("10.8(0.1)", 10.8, 0.1, 0.1),
        ("1.21", 1.21, 0.0, 0.01),
        ("20524", 20524.0, 0.0, 1.0),
        ("-1.5e-3", -1.5e-3, 0.0, 1e-4),
        ("1.50(2)e3", 1500.0, 20.0, 10.0),
    ],
)
def test_a_printed_number_says_its_value_its_error_and_its_last_digit(text, value, error, unit):
    found = published.read(text)
    assert (found.value, found.text) == (value, text)
    assert found.error == pytest.approx(error, abs=0) and found.unit == pytest.approx(unit, abs=0)


@pytest.mark.parametrize("text", ["", "about 50", "1.2(", "1,2", "1.2()", "nan", "0x10"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="no number as one prints it"):
        published.read(text)
    with pytest.raises(TypeError, match="in quotes"):
        published.read(1.2)


def test_a_number_without_an_error_promises_one_unit_of_its_last_digit():
    printed = published.read("0.3945")
    assert published.judge(printed, Estimate(0.39444, 0)).agrees  # rounded up
    assert published.judge(printed, Estimate(0.39458, 0)).agrees  # cut
    assert not published.judge(printed, Estimate(0.39462, 0)).agrees
    assert not published.judge(printed, Estimate(0.39438, 0)).bar


def test_errors_of_both_sides_and_the_rounding_count():
    pull = published.judge(published.read("1.0(3)"), Estimate(1.5, 0.4)).pull
    assert pull == pytest.approx(0.5 / math.sqrt(0.3**2 + 0.4**2 + 0.1**2 / 12))


def test_a_disagreement_needs_a_third_way_that_sides_with_ours():
    printed, ours = published.read("1.3"), Estimate(2.0, 0)
    assert published.verdict(printed, ours, None) == "undecided"
    assert published.verdict(printed, ours, Estimate(2.0, 0)) == published.DISAGREES
    assert published.verdict(printed, ours, Estimate(1.95, 0.02)) == published.DISAGREES
    assert published.verdict(printed, ours, Estimate(1.31, 0)) == "undecided"  # the third way sides with the print
    assert published.verdict(printed, ours, Estimate(3.0, 0)) == "undecided"  # with nobody
    assert published.verdict(printed, ours, Estimate(2.0, 5.0)) == "undecided"  # it cannot tell
    assert published.verdict(printed, Estimate(1.3, 0), None) == published.AGREES
    assert published.verdict(printed, None, None) == published.CANNOT


def test_what_a_method_does_not_promise_decides_nothing():
    printed = published.read("0.252731009858663")
    assert not published.judge(printed, Estimate(0.252731009858658, 0)).agrees
    assert published.judge(printed, Estimate(0.252731009858658, 0), within=1e-14).agrees
    with pytest.raises(ValueError, match="a distance"):
        published.judge(printed, Estimate(0.25, 0), within=-1.0)
    with pytest.raises(ValueError, match="finite"):
        published.judge(printed, Estimate(math.nan, 0))


def test_digits_alike_are_counted_up_to_those_that_are_printed():
    assert published.digits(published.read("0.6943"), 0.69431) == 4
    assert published.digits(published.read("1.7139588594436646"), 1.7128585504) == 3
    assert published.digits(published.read("0.055514317"), 0.55514317) == 0
    assert published.digits(published.read("50"), 50.0) == 2


def test_a_row_holds_when_its_verdict_is_the_one_that_the_page_states(monkeypatch):
    import IPython.display

    outputs = []
    monkeypatch.setattr(IPython.display, "display", lambda html, metadata: outputs.append((html.data, metadata)))
    ledger, more = Ledger(device="cpu"), {"source": "a paper", "about": "lattice/phi4"}
    ledger.published("right", "a number", "1.21", 1.2112, **more)
    ledger.published("wrong", "a number", "1.5", 1.2112, expected="disagrees", third=1.2112, **more)
    ledger.published("turned", "a number", "1.21", 1.2112, expected="disagrees", third=1.2112, **more)
    ledger.published("open", "a number", "0.0", None, expected="cannot be reproduced", **more)
    ledger.published("measured", "a number", "1.2(1)", Estimate(1.25, 0.02), **more)
    assert [r.holds for r in ledger.records.values()] == [True, True, False, True, True]
    assert "agrees: 3 digits alike" in outputs[0][0] and "A number: printed 1.21, ours 1.2112" in outputs[0][0]
    assert "expected: disagrees" in outputs[2][0] and "fk-fails" in outputs[2][0]
    assert "pull +0.47" in outputs[4][0]
    record = outputs[1][1][KEY]
    assert (record["kind"], record["verdict"], record["about"]) == ("published", "disagrees", "lattice/phi4")
    with pytest.raises(ValueError, match="a verdict is"):
        ledger.published("other", "a number", "1.2", 1.2, expected="wrong", **more)

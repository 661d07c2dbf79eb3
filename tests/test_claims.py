"""The ledger weighs, shows and refuses."""

import math
import sys

import pytest
import torch

from fieldkit import devices
from fieldkit.claims import KEY, Ledger
from fieldkit.estimates import Estimate
from fieldkit.rows import row


@pytest.fixture
def shown(monkeypatch):
    import IPython.display

    outputs = []
    monkeypatch.setattr(IPython.display, "display", lambda html, metadata: outputs.append((html.data, metadata)))
    return outputs


def test_a_claim_is_shown_and_recorded_with_its_pull(shown):
    ledger = Ledger(device="cpu", seed=3)
    ledger.weigh("mean-square", r"$\phi^2$ is {measured}; exactly {truth}.", Estimate(0.51, 0.02), 0.5, source="law")
    html, metadata = shown[0]
    record = metadata[KEY]
    assert record["pull"] == pytest.approx(0.5)
    assert (record["kind"], record["seed"], record["device"], record["profile"]) == ("statistical", 3, "cpu", "quick")
    assert r"\(\phi^2\) is 0.51(2); exactly 0.5." in html
    assert 'id="claim-mean-square"' in html
    assert "pull +0.50" in html


def test_a_claim_holds_within_four_sigma_and_a_number_within_its_tolerance(shown):
    ledger = Ledger(device="cpu")
    ledger.weigh("far", "{measured}", Estimate(1, 0.1), 0.5, source="law")
    ledger.check("near", "{measured}", 1 + 1e-13, 1, tolerance=1e-12, source="arithmetic")
    ledger.check("off", "{measured}", 1 + 2e-12, 1, tolerance=1e-12, source="arithmetic")
    assert [r.holds for r in ledger.records.values()] == [False, True, False]
    assert "fk-fails" in shown[0][0] and "fk-holds" in shown[1][0]


def test_a_truth_with_its_own_error_counts_it(shown):
    ledger = Ledger(device="cpu")
    ledger.weigh("published", "{measured} against {truth}", Estimate(1.5, 0.3), Estimate(1, 0.4), source="someone")
    assert ledger.records["published"].pull == pytest.approx(1)
    assert "1.0(4)" in ledger.records["published"].sentence


def test_no_claim_without_an_error_bar():
    ledger = Ledger(device="cpu")
    for error in (0.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="without an error bar"):
            ledger.weigh("bare", "{measured}", Estimate(1, error), 1, source="law")
    with pytest.raises(ValueError, match="positive number"):
        ledger.check("bare", "{measured}", 1, 1, tolerance=0, source="law")


def test_colab_is_sent_markdown_because_it_typesets_tex_nowhere_else(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    ledger = Ledger(device="cpu")
    ledger.weigh("odd", r"$a_*b < c$ is *{measured}* <b>", Estimate(0.51, 0.02), 0.5, source="law_of_$q^*$_")
    markdown, metadata = shown[0]
    assert markdown == r"> $a_*b < c$ is \*0.51(2)\* &lt;b&gt; (law\_of\_$q^*$\_)  **pull +0.50**"
    assert metadata[KEY]["name"] == "odd"


def test_text_from_outside_cannot_become_markup(shown):
    ledger = Ledger(device="cpu")
    ledger.weigh("odd", "a < b & <script>", Estimate(1, 1), 1, source="<b>")
    assert "<script>" not in row(ledger.records["odd"]) and "<b>" not in shown[0][0]


def test_wrong_parameters_say_what_is_right():
    with pytest.raises(ValueError, match="full"):
        Ledger(profile="quik")
    with pytest.raises(ValueError, match="no GPU"):
        Ledger(device="cuda") if not torch.cuda.is_available() else devices.generator("cuda:99")


def test_what_cannot_be_weighed_is_told_why(shown):
    ledger, bar = Ledger(device="cpu"), Estimate(1, 0.1)
    wrong = [
        (("a", "{measured}", 0.3, 0.2, "x"), "expected an `Estimate`"),
        (("a", "{measured}", bar, math.nan, "x"), "nothing can be weighed"),
        (("a", "{measured}", bar, Estimate(1, math.inf), "x"), "nothing can be weighed"),
        (("a b", "{measured}", bar, 1.0, "x"), "single hyphens"),
        (("", "{measured}", bar, 1.0, "x"), "single hyphens"),
        (("a", "{measurd}", bar, 1.0, "x"), r"\{measurd\} stands for nothing"),
        (("a", "{measured}", bar, 1.0, " "), "no source"),
    ]
    for (name, sentence, measured, truth, source), words in wrong:
        with pytest.raises((ValueError, TypeError), match=words):
            ledger.weigh(name, sentence, measured, truth, source=source)
    for tolerance, value, truth in (
        (math.inf, 1.0, 1.0), (-1.0, 1.0, 1.0), (1e-9, 1.0, math.nan), (1e-9, math.nan, 1.0), (1e-9, math.inf, 1.0)
    ):  # fmt: skip
        with pytest.raises(ValueError, match='claim "a".*(promise|compared)'):
            ledger.check("a", "{measured}", value, truth, tolerance=tolerance, source="x")
    with pytest.raises(ValueError, match='claim "a"'):
        ledger.weigh("a", "{measured}", Estimate(math.nan, 0.1), 1.0, source="x")
    assert shown == [] and ledger.records == {}
    ledger.weigh("tex", r"$x_{int}$ is {measured}", bar, 1.0, source="law")
    ledger.weigh("tex", r"$x_{int}$ is {measured}", bar, 1.0, source="law")  # a cell that is run again
    assert list(ledger.records) == ["tex"]


@pytest.mark.parametrize(
    ("device", "seed"), [("gpu", 0), ("", 0), (None, 0), ("cpu", -1), ("cpu", 10**23), ("cpu", "abc"), ("cpu", 1.5)]
)
def test_a_run_has_a_device_and_a_seed(device, seed):
    with pytest.raises((ValueError, TypeError), match="device = |seed = "):
        devices.generator(device, seed)


def test_an_identity_is_marked_and_keeps_its_bar_or_its_tolerance(shown):
    ledger = Ledger(device="cpu")
    ledger.weigh("creutz", "{measured}", Estimate(1.01, 0.01), 1.0, source="volumes", identity=True)
    ledger.check("derivative", "{measured}", 0.0, 0.0, tolerance=1e-9, source="arithmetic", identity=True)
    assert [(r.kind, r.bar) for r in ledger.records.values()] == [("identity", True), ("identity", False)]
    assert all("identity: " in html for html, _ in shown)


def test_a_bar_from_few_things_is_students(shown):
    """Sixteen networks, 4.39 of their bars off: one in 1900 by Student's law with 15 degrees of freedom."""
    ledger = Ledger(device="cpu")
    ledger.weigh("fifty", "{measured}", Estimate(-4.39, 1.0), 0.0, source="x", independent=16)
    assert ledger.records["fifty"].pull == pytest.approx(-3.4665, abs=1e-3)
    with pytest.raises(ValueError, match="independent = 1"):
        ledger.weigh("fifty", "{measured}", Estimate(-4.39, 1.0), 0.0, source="x", independent=1)


def test_all_points_of_a_figure_are_weighed_at_once(shown):
    ledger = Ledger(device="cpu")
    ledger.weigh_curve("line", "{measured} for {truth}", [Estimate(k, 1.0) for k in (1, -1, 2)], [0.0] * 3, source="x")
    record = ledger.records["line"]
    assert (record.value, record.truth, record.shown, record.shown_truth) == (6.0, 3.0, "6.0", "3")
    assert record.pull == pytest.approx(1.2186, abs=1e-3) and record.bar and record.holds  # chi^2 > 6 in 11.2 %
    ledger.weigh_curve("line", "{measured}", [Estimate(k, 1.0) for k in (1, -9, 2)], [0.0] * 3, source="x")
    assert not ledger.records["line"].holds


def test_points_that_share_data_are_weighed_with_their_covariance(shown):
    ledger = Ledger(device="cpu")
    covariance = torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
    ledger.weigh_curve("pair", "{measured}", torch.tensor([1.0, -1.0]), [0.0, 0.0], source="x", covariance=covariance)
    assert ledger.records["pair"].value == pytest.approx(20.0)  # (1, -1) lies along the eigenvalue 0.1
    for measured, truth, c, words in (
        ([1.0, 2.0], [0.0, 0.0], None, "covariance"),
        ([Estimate(1, 1)], [0.0, 0.0], None, "1 points against 2"),
        ([1.0, 2.0], [0.0, 0.0], torch.ones(2, 2), 'claim "pair".*eigenvalue'),
        ([1.0, 2.0], [0.0, 0.0], torch.eye(3), 'claim "pair".*k x k'),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            ledger.weigh_curve("pair", "", measured, truth, source="x", covariance=c)

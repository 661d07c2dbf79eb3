"""The table of a chapter's claims is made from what was weighed, each kind in its own words."""

import pytest

from fieldkit import viewer
from fieldkit.claims import Ledger
from fieldkit.estimates import Estimate


@pytest.fixture
def ledger(monkeypatch):
    import IPython.display

    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: None)
    ledger = Ledger(device="cpu")
    ledger.weigh("mean-square", "{measured} {truth}", Estimate(0.512, 0.02), 0.5, source="law")
    ledger.check("order", "{measured} {truth}", 2 + 1e-13, 2, tolerance=1e-12, source="arithmetic")
    ledger.weigh("norm", "{measured} {truth}", Estimate(1.0, 0.1), 0.5, source="law", identity=True)
    return ledger


def test_every_claim_has_a_row_with_value_truth_and_pull(ledger):
    text = ledger.table().data
    assert text.count("<tr>") == 4
    for cell in ("mean square", "0.51(2)", "0.5", "+0.60", "within 10⁻¹²", "norm (identity)", "+5.00: fails"):
        assert f">{cell}</td>" in text


def test_what_others_printed_has_its_verdict(ledger):
    ledger.records.clear()
    from_print = {"source": "somebody", "about": "lattice/phi4"}
    ledger.published("wrong", "a number", "1.5", 1.2112, expected="disagrees", third=1.2112, **from_print)
    text = ledger.table().data
    for cell in ("ours", "printed", "verdict"):
        assert f">{cell}</th>" in text
    assert ">disagrees</td>" in text and "within" not in text


def test_only_on_a_page_a_name_leads_to_its_sentence(ledger, monkeypatch):
    assert "href" not in ledger.table().data
    monkeypatch.setenv(viewer.BUILD, "1")
    assert '<a href="#claim-mean-square">mean square</a>' in ledger.table().data


def test_a_table_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing was weighed yet"):
        Ledger(device="cpu").table()

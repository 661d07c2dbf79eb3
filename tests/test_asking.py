"""A page without a kernel judges as the notebook does, and hides what it must know from the eye."""

import base64
import json
import re
import shutil

import pytest

from fieldkit import asking, exercises, verdicts, viewer

QUESTIONS = {
    "gap": {
        "asks": "the gap", "truth": "sqrt(2)", "within": 0.01, "right": "It tunnels.",
        "slips": [[1.5, "Rounded too early."]],
    },
    "who": {"asks": "which one", "word": "Creutz", "right": "Volumes.", "slips": [["power", "It notices."]]},
}  # fmt: skip
TRIED = [
    *(("gap", text) for text in ("1.41", "1,414(3)", " -1.4142", "−1.4142", "1.499", "2", "9", "about")),
    *(("who", text) for text in ("creutz ", "power", "nobody")),
]


def known(text):
    return json.loads(base64.b64decode(re.search(r'data-asked="([^"]*)"', text)[1]))


def test_nothing_of_the_answer_can_be_read_off_the_form():
    text = asking.form("ex-a", QUESTIONS)
    assert "1.41" not in text and "tunnels" not in text and "Volumes" not in text
    assert text.count("<form") == 2 and "the gap" in text


def test_what_a_form_cannot_ask_stays_in_the_notebook():
    assert not asking.can_ask({"truth": [1, 2]}) and not asking.can_ask({"truth": "k", "of": ["k"], "at": [[1]]})
    assert not asking.can_ask({"least": 5})


def test_the_browser_knows_the_slips_of_the_file_and_those_of_everybody():
    rows = known(asking.form("ex-a", QUESTIONS))["gap"]["targets"]
    assert rows[0] == [2**0.5, 0.01, True, "It tunnels."]
    assert [1.5, 0.01, False, "Rounded too early."] in rows and any("sign" in row[3] for row in rows)


def test_only_a_page_asks(monkeypatch):
    found = {"c": verdicts.Verdict("open", "yours")}
    monkeypatch.delenv(viewer.BUILD, raising=False)
    assert "<form" not in exercises._shown("ex-phi4-first", found)
    monkeypatch.setenv(viewer.BUILD, "1")
    assert "<form" in exercises._shown("ex-phi4-first", found)
    function = exercises.judge("ex-thin")
    assert "in the notebook" in exercises._shown("ex-thin", function)


def test_the_browser_says_what_the_notebook_says(tmp_path):
    sync = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    page_file = tmp_path / "page.html"
    page_file.write_text(f"<meta charset=utf-8>{asking.form('ex-a', QUESTIONS)}", encoding="utf-8")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(page_file.as_uri())
        for key, answer in TRIED:
            line = page.locator(f"form[data-name={key}]")
            line.locator("input").fill(answer)
            line.locator("input").press("Enter")
            said = line.locator("output").inner_text()
            plain = answer.replace("−", "-").replace(",", ".").split("(")[0]
            value = plain if key == "who" else float(plain) if plain.strip("-. 0123456789") == "" else None
            if value is None:
                assert said == "✗ A number is asked for."
                continue
            judged = verdicts.verdict(value, QUESTIONS[key])
            assert said[0] == {"right": "✓", "wrong": "✗"}[judged.state] and judged.remark.endswith(said[2:])
        browser.close()

"""How can a page answer that has no kernel?  A small form for the numbers and words that an exercise asks for.

What the form must know (the truth, the slips, how near) travels with it, coded so that no eye falls on it; the browser
finds the nearest, as `verdicts` does.  Functions and lists are for the notebook.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from typing import Any

from fieldkit import verdicts

_SCRIPT = """(function () {
  const root = document.getElementById('%(id)s');
  const bytes = Uint8Array.from(atob(root.dataset.asked), c => c.charCodeAt(0));
  const asked = JSON.parse(new TextDecoder().decode(bytes));
  function judge(question, text) {
    if ('words' in question) return question.words[text.trim().toLowerCase()] || [false, question.unknown];
    const plain = text.replace(/[\\u2212\\u2013]/g, '-').replace(',', '.');
    const number = plain.match(/^\\s*([-+]?(\\d+\\.?\\d*|\\.\\d+)(e[-+]?\\d+)?)/i);
    if (!number) return [false, 'A number is asked for.'];
    let near = [1, false, question.unknown];
    for (const [value, reach, right, remark] of question.targets) {
      const off = Math.abs(Number(number[1]) - value) / reach;
      if (off <= near[0]) near = [off, right, remark];
    }
    return near.slice(1);
  }
  root.querySelectorAll('form').forEach(form => form.addEventListener('submit', event => {
    event.preventDefault();
    const [right, remark] = judge(asked[form.dataset.name], form.querySelector('input').value);
    const said = form.querySelector('output');
    said.textContent = (right ? '\\u2713 ' : '\\u2717 ') + remark;
    said.className = right ? 'fk-right' : 'fk-wrong';
  }));
})();"""


def form(name: str, questions: Mapping[str, Mapping[str, Any]]) -> str:
    """HTML of one line to fill in for each question; all of them such that a form `can_ask`."""
    lines = [
        f'<form data-name="{html.escape(key)}"><label><b>{html.escape(key)}</b> {html.escape(questions[key]["asks"])} '
        f'<input type="text" autocomplete="off" size="12"></label> <button type="submit">check</button> '
        f"<output></output></form>"
        for key in questions
    ]
    known = {key: _known(question) for key, question in questions.items()}
    data = base64.b64encode(json.dumps(known).encode()).decode()
    root = f"ask-{html.escape(name)}"
    return (
        f'<div class="fk-ask" id="{root}" data-asked="{data}">{"".join(lines)}'
        f"<script>{_SCRIPT % {'id': root}}</script></div>"
    )


def can_ask(question: Mapping[str, Any]) -> bool:
    """Whether one number or one word answers it."""
    return "word" in question or ("of" not in question and isinstance(question.get("truth"), (int, float, str)))


def _known(question: Mapping[str, Any]) -> dict[str, Any]:
    """What the browser compares with, the truth first."""
    slips = question.get("slips", [])
    if "word" in question:
        words: dict[str, list[Any]] = {str(slip).lower(): [False, remark] for slip, remark in slips}
        words[str(question["word"]).lower()] = [True, question["right"]]
        words |= {said: words[same] for said, same in verdicts.SAME.items() if same in words}
        return {"unknown": verdicts.unknown_word(question), "words": words}
    (truth,) = verdicts.targets(question["truth"], question)
    wrong = [(target[0], remark) for target, remark in verdicts.common_slips([truth])]
    wrong += [(verdicts.targets(slip, question)[0], remark) for slip, remark in slips]
    rows = [[truth, verdicts.reach(truth, question), True, question["right"]]]
    rows += [[value, verdicts.reach(value, question), False, remark] for value, remark in wrong]
    return {"unknown": verdicts.UNKNOWN, "targets": [row for row in rows if row[1] > 0]}

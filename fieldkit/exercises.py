"""Is my answer right?  Ask, and hear "right", or "wrong" with the reason; the answer itself is never shown.

    exercises.check("ex-phi4-ring", square=..., slope=...)

`...` is an answer still to come.  What is asked lies as data in `answers/<part>/<chapter>.toml`, one table for each
number, named [exercise.asked]:

    asks      what it is, in a few words, without the answer
    truth     a number, a formula in quotes ("2 * sqrt(pi)"), or a list of them; `error` where it was measured itself
    within    how far off a plain number may be, or `relative` to the truth; the widest bar that still tells is `bar`,
              as wide as these if it is not given
    least, most   bounds, in place of a truth
    word      a word, true or false, or the name of an error that must be raised, in place of a truth
    of, at    the arguments of a function and the points where it is tried; truth is then a formula of the arguments
    right     what to see in it, said to who has it
    slips     pairs of a wrong answer and the remark that names the mistake

`verdicts` judges, this module reads and shows.
"""

from __future__ import annotations

import html
import textwrap
import tomllib
from pathlib import Path
from typing import Any

from fieldkit import asking, viewer
from fieldkit.verdicts import Verdict, verdict

FOLDER = Path(__file__).with_name("answers")
KEY = "fieldkit-exercise"  # where the build finds the verdicts in an output's metadata
MARK = {"right": "✓", "wrong": "✗", "open": "…"}


def check(name: str, /, *answer: Any, **answers: Any) -> None:
    """Show one line for each answer of the exercise `name`: right, wrong with the reason, or still open.

    Give the answers by name, or the only one without.  An answer is a number, an `Estimate`, a tensor or list of them,
    a function, or a word, as the exercise asks.  On a page without a kernel a small form asks for what is open
    (`asking`).  Raises as `judge`.
    """
    found = judge(name, *answer, **answers)
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    lines = [f"{MARK[v.state]} {asked}: {v.remark}" for asked, v in found.items()]
    plain = "\n".join(textwrap.fill(line, 80, subsequent_indent="    ") for line in lines)
    if get_ipython is None or get_ipython() is None:
        print(plain)
        return
    record = {"name": name, "states": {asked: v.state for asked, v in found.items()}}
    display({"text/html": _shown(name, found), "text/plain": plain}, raw=True, metadata={KEY: record})


def judge(name: str, /, *answer: Any, **answers: Any) -> dict[str, Verdict]:
    """The verdict on each answer that the exercise asks for; what is not given is open.

    Raises `ValueError` for an exercise that has no check, a name that it does not ask for, or several answers without
    names.
    """
    asked = questions(name)
    if answer:
        if len(answer) > 1 or answers or len(asked) > 1:
            raise ValueError(f"{name} asks for {_list(asked)}: give each by its name, {next(iter(asked))}=...")
        answers = {next(iter(asked)): answer[0]}
    unknown = [given for given in answers if given not in asked]
    if unknown:
        raise ValueError(f"{name} does not ask for {_list(unknown)}; it asks for {_list(asked)}.")
    judged = {key: verdict(answers.get(key, ...), question) for key, question in asked.items()}
    return {
        key: Verdict("open", f"{asked[key]['asks']}, {v.remark}") if v.state == "open" else v
        for key, v in judged.items()
    }


def questions(name: str) -> dict[str, dict[str, Any]]:
    """asked -> its table, of one exercise.  Raises `ValueError` when no answer file has it."""
    known: list[str] = []
    for path in sorted(FOLDER.glob("*/*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        if name in tables:
            return tables[name]
        known += tables
    chapter = name.rpartition("-")[0]
    near = [other for other in known if other.startswith(chapter)] or known
    raise ValueError(f"no check for {name!r}; there is one for {_list(near)}.")


def _shown(name: str, found: dict[str, Verdict]) -> str:
    """The verdicts as HTML; on a page a form takes the place of what is open, and sends you on where it cannot ask."""
    if not viewer.is_page():
        return rows(found)
    still = {asked: q for asked, q in questions(name).items() if found[asked].state == "open"}
    forms = {asked: q for asked, q in still.items() if asking.can_ask(q)}
    away = {asked: Verdict("open", f"{q['asks']}, yours to find in the notebook.") for asked, q in still.items()}
    said = {asked: away.get(asked, verdict) for asked, verdict in found.items() if asked not in forms}
    return (rows(said) if said else "") + (asking.form(name, forms) if forms else "")


def rows(found: dict[str, Verdict]) -> str:
    """The verdicts as lines of HTML, legible without the book's style sheet."""
    lines = [
        f'<p class="fk-{v.state}" style="margin:0.2rem 0"><b>{MARK[v.state]} {html.escape(asked)}</b> '
        f"{html.escape(v.remark, quote=False)}</p>"
        for asked, v in found.items()
    ]
    return f'<div class="fk-check">{"".join(lines)}</div>'


def _list(names: Any) -> str:
    return ", ".join(names)

"""Every exercise has a hint, a check that answers back and a solution that passes it; known slips are named."""

from __future__ import annotations

import ast
import math
import re
import tomllib
from typing import Any

import pytest

from fieldkit import exercises, verdicts
from fieldkit.estimates import Estimate
from tests.book.test_chapters import CELLS, NAMES
from tools import chapters

FILES = {
    path.relative_to(exercises.FOLDER).with_suffix("").as_posix(): tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(exercises.FOLDER.glob("*/*.toml"))
}
ASKED = [(name, key, q) for tables in FILES.values() for name, table in tables.items() for key, q in table.items()]
FIELDS = {"asks", "truth", "error", "within", "relative", "bar", "least", "most", "word", "of", "at", "right", "slips"}

each_question = pytest.mark.parametrize(
    ("name", "key", "question"), [pytest.param(*asked, id=f"{asked[0]}-{asked[1]}") for asked in ASKED]
)


def given(value: Any, question: dict[str, Any]) -> Any:
    """A truth or a slip of an answer file as a student would hand it in."""
    if "word" in question:
        return value
    if "of" in question:
        at = {tuple(point): y for point, y in zip(question["at"], verdicts.targets(value, question))}
        return lambda *point: at[point]
    numbers = verdicts.targets(value, question)
    return numbers if isinstance(value, list) else numbers[0]


def told(name: str, key: str, answer: Any) -> verdicts.Verdict:
    return exercises.judge(name, **{key: answer})[key]


@each_question
def test_the_truth_is_right_and_every_slip_is_named(name, key, question):
    right = question.get("word", question.get("truth", question.get("least", question.get("most"))))
    assert told(name, key, given(right, question)).state == "right"
    assert told(name, key, ...).state == "open"
    for slip, remark in question.get("slips", []):
        judged = told(name, key, given(slip, question))
        assert judged.state == "wrong" and judged.remark.endswith(remark)


@each_question
def test_a_measured_answer_needs_a_bar_that_tells(name, key, question):
    if "truth" not in question or "of" in question or isinstance(question["truth"], list):
        return
    (truth,) = verdicts.targets(question["truth"], question)
    bar = question.get("bar", verdicts.reach(truth, question))
    assert told(name, key, Estimate(truth, bar / 2)).state == "right"
    assert told(name, key, Estimate(truth, 3 * bar)).state == "wrong"
    assert told(name, key, math.nan).state == "wrong"


@each_question
def test_a_question_says_what_it_asks_and_never_the_answer(name, key, question):
    assert set(question) <= FIELDS and {"asks", "right"} <= set(question)
    assert sum(field in question for field in ("truth", "word")) + bool({"least", "most"} & set(question)) == 1
    if "truth" in question:
        assert all(verdicts.reach(t, question) > 0 for t in verdicts.targets(question["truth"], question))
    said = [question["asks"], *(remark for _, remark in question.get("slips", []))]
    assert not re.search(r"\$|\\", " ".join([*said, question["right"]])), "plain text; no formulas are set here"
    if "truth" in question and "of" not in question:
        for truth in verdicts.targets(question["truth"], question):
            shown = {f"{truth:.{digits}g}" for digits in (3, 4, 5, 6)}
            digits = {s for s in shown if len(re.sub(r"\D", "", s)) > 2}
            assert not any(s in text for s in digits for text in said), f"a remark gives {truth} away"


def test_each_exercise_is_answered_in_the_file_of_its_chapter():
    for chapter, tables in FILES.items():
        assert set(tables) <= set(labels(chapter)), f"fieldkit/answers/{chapter}.toml"


def labels(chapter: str) -> list[str]:
    text = "\n".join(cell.source for cell in CELLS[chapter] if cell.cell_type == "markdown")
    return re.findall(r"^`{3,}\{exercise\}[^\n]*\n:label: *(\S+)", text, re.M)


def parts(chapter: str) -> dict[str, list[Any]]:
    """Exercise label -> what follows it, up to the next: its title, its text, its code cells."""
    found: dict[str, list[Any]] = {}
    for cell in CELLS[chapter]:
        pieces = re.split(r"(?m)^(?=`{3,}\{exercise\})|^(?=## )", cell.source) if cell.cell_type == "markdown" else []
        for piece in pieces or [cell]:
            if isinstance(piece, str):
                start = re.match(r"`{3,}\{exercise\} *([^\n]*)\n:label: *(\S+)", piece)
                if start:
                    found[start[2]] = []
                elif piece.startswith("## "):
                    found["after"] = []
            if found:
                found[list(found)[-1]].append(piece)
    return {label: what for label, what in found.items() if label != "after"}


def calls(cell: Any) -> list[tuple[str, list[str | None], bool]]:
    """(exercise, names of the answers, whether all are still open) of every check in a code cell."""
    found = []
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "exercises.check":
            answers = [*node.args[1:], *(k.value for k in node.keywords)]
            still = [isinstance(a, ast.Constant) and a.value is ... for a in answers]
            found.append((ast.literal_eval(node.args[0]), [k.arg for k in node.keywords], all(still)))
    return found


@pytest.mark.parametrize("chapter", NAMES)
def test_every_exercise_has_what_answers_it(chapter):
    for label, following in parts(chapter).items():
        text = "\n".join(piece for piece in following if isinstance(piece, str))
        checks = [call for piece in following if not isinstance(piece, str) for call in calls(piece)]
        assert all(name == label for name, _, _ in checks), label
        if re.match(r"`{3,}\{exercise\} Open question", text):
            assert re.search(r"^`{3,}\{admonition\} What is known\n:class: dropdown", text, re.M), label
            continue
        assert re.search(r"^`{3,}\{hint\}\n:class: dropdown", text, re.M), f"{label}: no folded hint"
        assert re.search(rf"^`{{3,}}\{{solution(-start)?\}} {label}\n:class: dropdown", text, re.M), (
            f"{label}: no solution"
        )
        empty, full = [c for c in checks if c[2]], [c for c in checks if not c[2]]
        assert len(empty) == 1, f"{label}: one check that waits for answers, exercises.check({label!r}, ...)"
        assert full, f"{label}: its solution does not call the check"
        asked = set(exercises.questions(label))
        assert set(empty[0][1]) == asked or (len(asked) == 1 and not empty[0][1]), f"{label} asks for {asked}"


@pytest.mark.parametrize("chapter", NAMES)
def test_one_exercise_is_by_hand_two_can_be_checked_and_one_is_open(chapter):
    titles = [re.match(r"[^\n]*\} *([^\n]*)", p[0])[1] for p in parts(chapter).values()]
    assert len(titles) == 4 and [t.startswith("Open question") for t in titles].count(True) >= 1


def test_what_is_not_asked_is_refused_with_what_is():
    name, key, _ = ASKED[0]
    with pytest.raises(ValueError, match=f"it asks for .*{key}"):
        exercises.judge(name, nothing=1.0)
    with pytest.raises(ValueError, match=f"there is one for .*{name}"):
        exercises.judge(name + "-no")
    with pytest.raises(ValueError, match="by its name"):
        exercises.judge(name, 1.0, 2.0)


def test_a_check_shows_its_lines_without_a_notebook(capsys):
    name, key, question = ASKED[0]
    exercises.check(name, **{key: given(question["truth"], question)})
    assert capsys.readouterr().out.startswith(f"✓ {key}: ")


def test_markup_in_an_answer_stays_text():
    found = {
        "x": verdicts.verdict("<b>", {"word": "yes", "right": "Yes."}),
        "<i>": verdicts.Verdict("wrong", "<script>"),
    }
    assert "<script>" not in exercises.rows(found) and "<i>" not in exercises.rows(found)


def test_every_chapter_of_an_answer_file_exists():
    assert set(FILES) <= set(chapters.chapters(chapters.ROOT))

"""What right and wrong answers get in every assignment, as claims and mutants: RIGHT keeps all points, WRONG loses."""

from __future__ import annotations

import importlib

import pytest

from coursework import assignments, separation
from coursework.draws import Draws
from tests.coursework import asking

LISTS = {name: importlib.import_module(f"tests.coursework.{name.split('/')[0]}.variants") for name in assignments.ORDER}
RIGHT = [(n, q, why, text) for n in LISTS for q, kinds in LISTS[n].RIGHT.items() for why, text in kinds.items()]
WRONG = [(n, q, why, *rest) for n in LISTS for q, kinds in LISTS[n].WRONG.items() for why, rest in kinds.items()]
MODEL = [(n, t.name, s) for n in LISTS for t in assignments.find(n).TASKS for s in ("ada", "émile")]
SLOW = {"trajectory", "is_correct"}  # by `make hostile-test`, but for the model answers and one error


def cases(rows, kept=()):
    """Parameters with readable names; slow ones wait for the long run, unless they are kept."""
    found = []
    for row in rows:
        slow = row[1] == "find_tc" or (row[1] in SLOW or row[2] in ("quad and brentq", "émile")) and row[2] not in kept
        name = f"{row[0]} {row[1]}: {row[2]}"
        found.append(pytest.param(*row, id=name, marks=[pytest.mark.hostile] if slow else []))
    return found


def code(name: str, text: str) -> str:
    """A change of the model answers written out."""
    if not text.startswith("CHANGE "):
        return text
    function, old, new = text.removeprefix("CHANGE ").split(" | ")
    cell = next(c for c in asking.cells(name) if f"def {function}(" in c)
    assert cell.count(old) == 1, (old, cell)
    return cell.replace(old, new)


@pytest.mark.parametrize(("name", "task", "student"), cases(MODEL, kept=("ada",)))
def test_the_model_answers_get_all_points(name, task, student):
    found = asking.mark(assignments.find(name), task, asking.model(name, student), student)
    assert found.part == 1, found.said


@pytest.mark.parametrize(("name", "task", "why", "text"), cases(RIGHT))
def test_another_right_way_gets_all_points(name, task, why, text):
    found = asking.mark(assignments.find(name), task, asking.variant(name, text))
    assert found.part == 1, found.said


@pytest.mark.parametrize(
    ("name", "task", "why", "text", "most", "words"), cases(WRONG, kept=("no accept step", "always", "never"))
)
def test_a_wrong_way_loses_its_points_and_hears_why(name, task, why, text, most, words):
    found = asking.mark(assignments.find(name), task, asking.variant(name, code(name, text)))
    assert found.part <= most and words in found.said, found


@pytest.mark.parametrize("name", LISTS)
def test_a_neighbours_numbers_are_no_use(name):
    module = assignments.find(name)
    draws = [Draws(asking.SECRET, name, s) for s in ("ada", "bob")]
    personal = module.truths(module.theory(module.parameters(draws[0])))
    names = asking.model(name, "bob")
    for task in (t for t in personal if t not in SLOW):
        assert asking.mark(module, task, names, "ada").part < 0.4


@pytest.mark.parametrize("name", LISTS)
def test_students_are_told_apart(name):
    module = assignments.find(name)
    draws = [Draws(asking.SECRET, name, f"s{i}") for i in range(40)]
    same = separation.confused([module.truths(module.theory(module.parameters(d))) for d in draws])
    assert len(same) >= 2 and max(same.values()) <= separation.MOST, same


@pytest.mark.parametrize("name", LISTS)
def test_every_question_has_wrong_answers_that_lose(name):
    assert {t.name for t in assignments.find(name).TASKS} == set(LISTS[name].WRONG)

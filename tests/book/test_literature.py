"""The page that weighs what others printed: enough rows, each with its chapter, and the README counts them right."""

from __future__ import annotations

import ast
import re

from fieldkit import published
from tools import chapters, literature
from tools.chapters import ROOT

PAGE = chapters.read(chapters.source(ROOT, literature.NAME))
CALLS = [
    {k.arg: k.value for k in node.keywords}
    for tree in chapters.code(PAGE).values()
    for node in ast.walk(tree)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "ledger.published"
]


def test_fifty_numbers_are_weighed_and_each_belongs_to_a_chapter():
    assert len(CALLS) >= 50
    known = set(chapters.chapters(ROOT))
    assert {ast.literal_eval(call["about"]) for call in CALLS} <= known - {literature.NAME}
    assert len({ast.literal_eval(call["about"]).split("/")[0] for call in CALLS}) == 6


def test_a_disagreement_is_decided_by_a_third_way():
    for call in CALLS:
        word = ast.literal_eval(call["expected"]) if "expected" in call else published.AGREES
        assert ("third" in call) == (word == published.DISAGREES)


def test_the_readme_counts_them():
    many = literature.stated(PAGE)
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    said = re.search(
        r"of \[(\d+) published numbers\]\(book/ledger.md\) (\d+) agree with ours, (\d+) do not.*?(\d+) cannot", text
    )
    wanted = [sum(many.values()), *(many[verdict] for verdict in published.VERDICTS)]
    assert said and [int(number) for number in said.groups()] == wanted


def test_the_page_opens_with_its_table():
    assert sum(literature.MARKER in cell.source for cell in PAGE.cells) == 1


def test_no_line_of_its_code_is_cut():
    lines = [line for cell in PAGE.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > 88] == []

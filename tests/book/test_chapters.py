"""A chapter is short, says what would have proved it wrong, and leaves nobody out."""

from __future__ import annotations

import re

import pytest

from tools import chapters
from tools.chapters import ROOT

NAMES = chapters.chapters(ROOT)
TEXT = {name: chapters.source(ROOT, name).read_text(encoding="utf-8") for name in NAMES}
CELLS = {name: chapters.read(chapters.source(ROOT, name)).cells for name in NAMES}


def prose(name: str) -> str:
    return "\n\n".join(c.source for c in CELLS[name] if c.cell_type == "markdown")


def code(name: str) -> list[list[str]]:
    """The chapter's own code cells as lists of lines that are not blank."""
    cells = [c for c in CELLS[name] if c.cell_type == "code"]
    cells = [c for c in cells if not {"colab-setup", "parameters"} & set(c.metadata.get("tags", []))]
    return [[line for line in c.source.splitlines() if line.strip()] for c in cells]


def directives(name: str, kind: str) -> list[tuple[str, str]]:
    """(title, body) of every directive of a kind."""
    pattern = rf"^(`{{3,}})\{{{kind}\}} *([^\n]*)\n(.*?)^\1`* *$"
    return [(m[2], m[3]) for m in re.finditer(pattern, prose(name), re.M | re.S)]


pytestmark = pytest.mark.parametrize("name", NAMES)


def test_the_title_is_a_question(name):
    assert re.match(r"# [^\n]+\?\n", CELLS[name][0].source + "\n")


def test_it_starts_with_the_colab_cell_and_the_parameters(name):
    first, second = CELLS[name][1:3]
    assert first.metadata.tags == ["colab-setup", "remove-cell"] and first.source == "# stamped by make pairs"
    assert second.metadata.tags == ["parameters", "remove-cell"]
    assert second.source.splitlines() == ['profile = "quick"', 'device = "auto"', "seed = 0"]


def test_it_names_the_chapters_to_read_before(name):
    before = chapters.needs(chapters.read(chapters.source(ROOT, name)))
    assert set(before) <= set(NAMES[: NAMES.index(name)])
    assert "\n  needs: [" in TEXT[name]


def test_it_has_at_most_2500_words(name):
    assert len(re.findall(r"[^\W\d_][\w'’-]*", prose(name))) <= 2500


def test_it_has_at_most_80_lines_of_code_and_no_cell_over_20(name):
    sizes = [len(lines) for lines in code(name)]
    assert sum(sizes) <= 80 and max(sizes) <= 20, sizes


def test_it_weighs_at_least_three_claims(name):
    assert len(chapters.claims(chapters.read(chapters.source(ROOT, name)))) >= 3


def test_it_asks_for_a_prediction_in_a_folded_box(name):
    boxes = [body for title, body in directives(name, "admonition") if title == "Predict before you run"]
    assert len(boxes) == 1 and ":class: dropdown prediction" in boxes[0]


def test_it_says_what_would_have_proved_it_wrong(name):
    assert re.search(r"This would have been wrong\s+if", prose(name))


def test_it_says_what_was_checked_and_where_this_goes(name):
    headings = re.findall(r"^## (.+)$", prose(name), re.M)
    assert "What we checked" in headings and "Where this goes" in headings


def test_it_has_four_exercises_each_with_a_folded_hint(name):
    exercises = directives(name, "exercise")
    assert len(exercises) == 4
    assert all(title and re.search(r"^:label: ex-", body) for title, body in exercises)
    hints = directives(name, "hint")
    assert len(hints) == 4 and all(":class: dropdown" in body for _, body in hints)


def test_every_figure_has_a_name_a_caption_and_an_alt_text(name):
    drawn = [c for c in CELLS[name] if c.cell_type == "code" and "plt.subplots(" in c.source]
    assert drawn
    for cell in drawn:
        options = cell.metadata["mystnb"]
        assert options["figure"]["name"].startswith("fig-")
        assert options["figure"]["caption"].rstrip().endswith(".")
        assert len(options["image"]["alt"]) > 30


def test_it_tells_a_story_rather_than_its_plan(name):
    assert not re.search(r"in this (chapter|section|notebook)", prose(name), re.I)


def test_the_profile_changes_sizes_and_names_of_files_only(name):
    program = "\n".join(line for lines in code(name) for line in lines)
    uses = [line for line in program.splitlines() if re.search(r"\bprofile\b", line)]
    plain = r'\{"quick": .+, "full": .+\}\[profile\]|profile=profile|f"[\w{}-]+-\{profile\}-\{seed\}(\.pt)?"'
    assert all(re.search(plain, line) for line in uses), uses

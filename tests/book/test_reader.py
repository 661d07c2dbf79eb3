"""What the build makes for readers from what authors write: reference, links in code, search, numbers of parts."""

from __future__ import annotations

import pytest

from tools import chapters, docstrings, links, names, parts, search
from tools.chapters import ROOT

KNOWN = names.library(ROOT)


def test_a_plain_docstring_becomes_paragraphs_formulas_lists_and_links():
    text = """What is it?  A *star* and
    `mean` go on.

        x_1 = a * b

    Read:
    - `fits`  Which line
      fits?
    >>> 1 + 1
    2"""
    lines = [line.removeprefix("    ") for line in text.split("\n")]
    made = docstrings.rst(lines, lambda word: {"mean": "fieldkit.estimates.mean"}.get(word))
    assert made[0] == r"What is it? A \*star\* and \ :py:obj:`mean <fieldkit.estimates.mean>`\  go on."
    assert made[2:5] == [".. code-block:: text", "", "    x_1 = a * b"]
    assert made[6:10] == ["Read:", "", r"- \ ``fits``\  Which line fits?", ""]
    assert made[10:12] == [">>> 1 + 1", "2"]


def test_a_name_in_a_docstring_means_its_neighbour_first():
    assert docstrings.resolve("sample", "fieldkit.lattice.free.action", KNOWN) == "fieldkit.lattice.free.sample"
    assert docstrings.resolve("hmc", "fieldkit.lattice.acceleration", KNOWN) == "fieldkit.lattice.hmc"
    assert docstrings.resolve("estimates.mean", "fieldkit.lattice.free", KNOWN) == "fieldkit.estimates.mean"
    assert docstrings.resolve("phi", "fieldkit.lattice.free", KNOWN) is None


def code(text: str) -> str:
    span = {".": '<span class="o">.</span>'}
    words = [span.get(w, w if w in "( " else f'<span class="n">{w}</span>') for w in text.split("|")]
    return f'<div class="highlight"><pre>{"".join(words)}</pre></div>'


@pytest.mark.parametrize(
    ("bound", "text", "linked"),
    [
        ({"free": "fieldkit.lattice.free"}, "free|.|sample|(", "library/lattice.html#fieldkit.lattice.free.sample"),
        ({"mean": "fieldkit.estimates.mean"}, "mean|(", "library/base.html#fieldkit.estimates.mean"),
        ({"plots": "fieldkit.plots"}, "plots|.|INK", "library/base.html#module-fieldkit.plots"),
        ({"plots": "fieldkit.plots"}, "plots|.|plt|.|show|(", None),  # not the library's
        ({"free": "fieldkit.lattice.free"}, "free| |x", None),  # a variable of that name
        ({}, "sample|(", None),
    ],
)
def test_a_name_in_code_leads_to_its_entry(bound, text, linked):
    made = links.link(code(text), bound, KNOWN, "library")
    assert (f'<a class="fk-code" href="{linked}">' in made) if linked else made == code(text)


def test_prose_that_looks_like_code_is_left_alone():
    assert links.link('<p><span class="n">mean</span></p>', {"mean": "fieldkit.estimates.mean"}, KNOWN, "x") == (
        '<p><span class="n">mean</span></p>'
    )


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        (r"\sigma_w^2", "σ_w²"),
        (r"\tfrac12m^2\phi^2", "1/2m²φ²"),
        (r"\langle\phi(0)\,\phi(x)\rangle", "⟨φ(0) φ(x)⟩"),
        (r"\frac{1}{L^d}", "1/(L^d)"),
        (r"\mathrm{Cov}\big(x, y\big)", "Cov(x, y)"),
    ],
)
def test_a_formula_is_readable_in_a_snippet(tex, line):
    assert search.readable(tex) == line


def test_parts_are_numbered_in_order(book):
    toc = book / "_toc.yml"
    assert [(p.number, p.word, p.folder) for p in parts.parts(book)] == [(1, "one", "part")]
    text = toc.read_text(encoding="utf-8")
    toc.write_text(text.replace("caption: More", "caption: 1 · More"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"parts are numbered \[1, 1\]"):
        parts.parts(book)


def test_the_topic_is_the_paragraph_in_italics_under_the_title(book):
    path = book / "book" / "part" / "one.md"
    assert chapters.topic(path) == "Averages: estimate the mean of one with an error bar, as in part one."
    text = path.read_text(encoding="utf-8")
    line = f"*{chapters.topic(path)}*\n\n"
    for other in ("", "Plain text.\n\n", "*Emphasis* in a sentence.\n\n"):
        path.write_text(text.replace(line, other), encoding="utf-8")
        assert chapters.topic(path) == ""


@pytest.mark.parametrize("package", ["fieldkit", *(f"fieldkit.{part.folder}" for part in parts.parts(ROOT))])
def test_the_reading_guide_of_a_part_names_each_of_its_modules(package):
    inside = [m.removeprefix(f"{package}.") for m in KNOWN.modules if m.rpartition(".")[0] == package]
    modules = [m for m in inside if not (ROOT / package.replace(".", "/") / m).is_dir()]
    assert [m for m in modules if f"`{m}`" not in names.guide(ROOT, package)] == []

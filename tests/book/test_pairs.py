"""The notebooks that Colab opens are what their texts say, without outputs and in plain Markdown."""

from __future__ import annotations

import re
import subprocess
import sys

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tools import chapters, colab, labels, pairs
from tools.chapters import ROOT

BOOK = labels.book(ROOT)
SEARCHED = "https://search.crossref.org/search/works?q=Knuth+Fundamental+Algorithms"  # it has no number of its own
LEFT = re.compile(r"\{[A-Za-z][\w:-]*\}`|^ *[`:]{3,}\{|^\([\w:-]+\)= *$", re.M)  # a role, a directive, a target


def test_the_committed_pairs_are_up_to_date_and_without_outputs():
    assert pairs.stale(BOOK, write=False) == []


@pytest.mark.parametrize("chapter", chapters.chapters(ROOT))
def test_a_pair_is_a_valid_notebook_and_nothing_of_myst_is_left(chapter):
    nb = nbformat.read(chapters.source(ROOT, chapter).with_suffix(".ipynb"), 4)
    nbformat.validate(nb)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            assert not LEFT.search(re.sub(r"(?s)(`+)(?!\{).+?\1", "", cell.source)), cell.source


def test_a_pair_is_always_the_same(book):
    assert pairs.pair(labels.book(book), "part/one") == pairs.pair(labels.book(book), "part/one")


def test_the_install_cell_knows_repository_and_tag_and_runs_on_colab_only(book):
    config = book / "_config.yml"
    there = config.read_text(encoding="utf-8")
    config.write_text(there.replace("github.com/example/", "github.com/somebody/"), encoding="utf-8")
    assert pairs.stale(labels.book(book), write=True) == []
    first = nbformat.read(book / "book" / "part" / "one.ipynb", 4).cells[1].source.splitlines()
    assert first[3] == 'if "google.colab" in sys.modules:'
    assert re.fullmatch(r' +%pip install -q --no-deps "fieldkit @ git\+https://github.com/somebody/.+@v\d.+"', first[4])


@pytest.mark.parametrize("where", ["carried off alone", "in a clone"])
def test_a_notebook_that_has_no_library_says_in_its_first_cell_what_to_install(tmp_path, where):
    if where == "in a clone":
        (tmp_path / "fieldkit").mkdir()
    (here := tmp_path / "book" / "part").mkdir(parents=True)
    cell = TransformerManager().transform_cell(pairs.install(ROOT))
    done = subprocess.run([sys.executable, "-I", "-c", cell], cwd=here, capture_output=True, encoding="utf-8")
    if where == "in a clone":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert re.search(r'install it .*:\n%pip install "fieldkit @ git\+https://.+@v\d.+"\n\Z', done.stderr)


def test_a_stale_pair_is_named_with_its_remedy(book, tool):
    assert tool("pairs", book).stdout.splitlines() == ["wrote book/part/one.ipynb", "wrote book/part/two.ipynb"]
    assert tool("pairs", book, "--check").returncode == 0
    with (book / "book" / "part" / "one.md").open("a", encoding="utf-8") as file:
        file.write("\nMore.\n")
    path = book / "book" / "part" / "two.ipynb"
    nb = nbformat.read(path, 4)
    nb.cells[-1:] = [nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")])]
    nbformat.write(nb, path)
    done = tool("pairs", book, "--check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "stale: book/part/one.ipynb (run: make pairs)",
        "outputs in book/part/two.ipynb (run: make pairs)",
    ]


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("See {numref}`fig-one` and {eq}`eq-one`.", "See Fig. 1.1 and (1.1)."),
        ("{cite:p}`knuth`", f"([Knuth 1968]({SEARCHED}))"),
        ("{cite:t}`knuth`", f"[Knuth (1968)]({SEARCHED})"),
        ("a {term}`propagator <propagators>`", "a propagator"),
        ("about {weighed}`mean`.", "about (printed below)."),
        ("after {doc}`/book/claims`", "after *Claims*"),
        ("`{code}` stays, `{eq}` too", "`{code}` stays, `{eq}` too"),
        ("`q` after {doc}`/book/claims` and ``b`c``", "`q` after *Claims* and ``b`c``"),
        ("$$\na\n$$ (eq-one)", "$$\na \\tag{1.1}\n$$"),
        ("```{note}\nOne.\n\nTwo.\n```", "> **Note.**\n>\n> One.\n>\n> Two."),
        ("```{hint}\n:class: dropdown\n\nTry.\n```", "<details><summary>Hint</summary>\n\nTry.\n\n</details>"),
        (
            "````{admonition} Predict\n:class: dropdown prediction\n\nHow many?\n\n"
            "```{admonition} Answer\n:class: dropdown\n\nSee {weighed}`mean`.\n```\n````",
            "<details><summary>Predict</summary>\n\nHow many?\n\n"
            "<details><summary>Answer</summary>\n\nSee (printed below).\n\n</details>\n\n</details>",
        ),
        (
            "```{solution} ex-one\n:class: dropdown\n\nBy {eq}`eq-one`.\n```",
            "<details><summary>Solution to exercise 1.1</summary>\n\nBy (1.1).\n\n</details>",
        ),
        ("```python\n{eq}`x`\n```", "```python\n{eq}`x`\n```"),
    ],
)
def test_the_plain_form(book, myst, plain):
    assert colab.translate(myst, labels.book(book), book / "book" / "part" / "one.md") == plain


def cells_of(book):
    return nbformat.reads(pairs.pair(labels.book(book), "part/one"), 4).cells


def test_a_solution_is_folded_text_by_text_and_form_by_form(book):
    sources = [(c.cell_type, c.source) for c in cells_of(book)]
    first = next(i for i, (_, text) in enumerate(sources) if "Twice nothing" in text)
    assert sources[first] == (
        "markdown",
        "<details><summary>Solution to exercise 1.1</summary>\n\nTwice nothing is nothing, (1.1):\n\n</details>",
    )
    kind, program = sources[first + 1]
    assert kind == "code" and program.startswith("# @title Solution to exercise 1.1\n")
    form = cells_of(book)[first + 1].metadata
    assert form["cellView"] == "form" and form["jupyter"]["source_hidden"]
    assert sources[first + 2][1] == "And now the text goes on."


def test_what_is_folded_on_the_page_is_a_form_with_its_label(book):
    titles = [c.source.splitlines()[0] for c in cells_of(book) if c.metadata.get("cellView") == "form"]
    assert titles == [
        "# @title what this page imports",
        "# @title how this was weighed",
        "# @title how this figure was drawn",
        "# @title by hand",
        "# @title Solution to exercise 1.1",
    ]


def test_a_solution_that_never_ends_is_named(book):
    path = book / "book" / "part" / "one.md"
    path.write_text(path.read_text(encoding="utf-8").replace("```{solution-end}\n```\n", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="part/one.md: solution of ex-one: begun and never ended"):
        pairs.pair(labels.book(book), "part/one")


def test_a_link_to_a_chapter_opens_its_notebook_on_colab(book):
    text = colab.translate("{doc}`/book/part/two`", labels.book(book), book / "book" / "part" / "one.md")
    assert text.startswith("[Is the mean of two zero?](https://colab.research.google.com/github/")
    assert text.endswith("/blob/main/book/part/two.ipynb)")


@pytest.mark.parametrize(
    "myst", ["```{figure} a.png\n```", "{ref}`x`", "(label)=", ":::{note}\n:::", "[^1]", "[a](b.md)"]
)
def test_what_has_no_plain_form_is_refused_with_file_and_line(book, myst):
    path = book / "book" / "part" / "one.md"
    line = len(path.read_text(encoding="utf-8").splitlines()) + 2
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{myst}\n")
    with pytest.raises(ValueError, match=f"book/part/one.md:{line}: "):
        pairs.pair(labels.book(book), "part/one")

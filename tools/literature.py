"""What others printed, weighed: the histogram of the literature's pulls, the table of its rows, how many agree."""

from __future__ import annotations

import ast
import html
import os
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib
from nbformat import NotebookNode

from fieldkit import plots, published
from fieldkit.rows import typeset
from tools import chapters, ledger, pages, parts

NAME = "ledger"  # the chapter that weighs them
HEADS = ("in print", "printed", "ours", "verdict", "pull", "seen in")
MARKER = "<!-- literature -->"


def rows(book: list[ledger.Chapter]) -> list[dict[str, Any]]:
    return [c for done in book for c in done.claims if c["kind"] == "published"]


def histogram(book: list[ledger.Chapter], path: Path) -> None:
    matplotlib.use("Agg")
    plots.use_style()
    figure, ax = plots.plt.subplots(figsize=(6.6, 3.2))
    plots.pull_histogram(ax, [c["pull"] for c in rows(book) if c["bar"]])
    ax.set(xlabel="pull = (ours − printed) / both errors", ylabel="printed numbers per 0.5σ")
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plots.plt.close(figure)


def line(book: list[ledger.Chapter]) -> str:
    """How many numbers, how many of each verdict."""
    found = rows(book)
    many = Counter(c["verdict"] for c in found)
    return (
        f"{len(found)} numbers of the literature weighed: {many[published.AGREES]} agree, {many[published.DISAGREES]} "
        f"disagree, {many[published.CANNOT]} cannot be reproduced from what is printed."
    )


def stated(nb: NotebookNode) -> Counter[str]:
    """How many numbers the page expects to have each verdict, read off its source."""
    calls = [node for tree in chapters.code(nb).values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in calls if ast.unparse(call.func) == "ledger.published"]
    words = [[k.value for k in call.keywords if k.arg == "expected"] for call in calls]
    return Counter(ast.literal_eval(word[0]) if word else published.AGREES for word in words)


def page(root: Path, book: list[ledger.Chapter], titles: dict[str, str]) -> str:
    """Markdown: the histogram with its line, and one table of all rows, part by part, for claims.js to filter."""
    part_of = {page: part for part in parts.parts(root) for page in part.pages}
    groups: dict[str, list[str]] = {}
    for claim in rows(book):
        part = part_of.get(claim["about"])
        groups.setdefault(f"part {part.number} · {part.name}" if part else "other", []).append(row(claim, titles))
    bodies = [
        f'<tbody data-part="{html.escape(name)}"><tr class="fk-group"><th scope="rowgroup" colspan="{len(HEADS)}">'
        f"{html.escape(name)}</th></tr>{''.join(groups[name])}</tbody>"
        for name in sorted(groups)
    ]
    said = line(book)
    shown = f"The histogram has the {sum(c['bar'] for c in rows(book))} that have an error."
    alt = f"Histogram of the pulls of printed numbers that have an error, with the unit Gaussian drawn over it: {said}"
    figure = f'```{{image}} printed.svg\n:alt: {alt}\n:class: fk-pulls\n```\n\n<p class="fk-caption">{said} {shown}</p>'
    table = pages.table(HEADS, bodies, "all printed numbers", "fk-published", 'data-kind="Verdict" data-noun="rows"')
    return f"{figure}\n\n{table}"


def row(claim: dict[str, Any], titles: dict[str, str]) -> str:
    about = claim["about"]
    chapter = f'<br><small><a href="{about}.html">{typeset(titles[about])}</a></small>' if about in titles else ""
    link = f'<a href="#claim-{claim["name"]}">{typeset(claim["sentence"])}</a>{chapter}'
    pull = f"{claim['pull']:+.2f}" if claim["bar"] else ""
    if not claim["bar"] and claim["verdict"] != published.CANNOT:
        same = published.digits(published.read(claim["shown_truth"]), claim["value"])
        pull = f"{same} digit{'s' * (same != 1)}"
    cells = [link, claim["shown_truth"], claim["shown"], claim["verdict"], pull, typeset(claim["source"])]
    return (
        f'<tr data-kind="{claim["verdict"]}" data-pull="{claim["pull"]:.4f}">'
        + "".join(pages.cell(head, text) for head, text in zip(HEADS, cells, strict=True))
        + "</tr>"
    )


def links(name: str, book: list[ledger.Chapter]) -> list[str]:
    """For the strip of a chapter: how many numbers of the literature belong to it."""
    about = [c for c in rows(book) if c["about"] == name]
    if not about:
        return []
    to = os.path.relpath(f"{NAME}.html", os.path.dirname(name) or ".")
    return [f'<a href="{to}#claim-{about[0]["name"]}">{len(about)} in print</a>']

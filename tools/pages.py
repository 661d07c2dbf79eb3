"""What the build writes into the site: the histogram of all pulls, the tables of claims and runs, a chapter's strip."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from fieldkit import plots
from fieldkit.rows import typeset
from fieldkit.significant import powers
from tools import chapters, ledger, parts, sources

CLAIM_HEADS = ("claim", "kind", "measured", "truth", "pull", "source")


def histogram(book: list[ledger.Chapter], path: Path) -> None:
    matplotlib.use("Agg")
    plots.use_style()
    figure, ax = plots.plt.subplots(figsize=(6.6, 3.2))
    plots.pull_histogram(ax, [pull for done in book for pull in done.pulls])
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plots.plt.close(figure)


def slug(name: str) -> str:
    return name.replace("/", "-").replace("_", "-")


def table(heads: Sequence[str], bodies: Iterable[str], label: str, name: str, facts: str = "") -> str:
    """A table that scrolls in a box of its own; on a phone the style sheet shows each row as a card."""
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    return (
        f'<div class="fk-scroll mathjax_process" role="region" tabindex="0" aria-label="{html.escape(label)}">'
        f'<table class="table fk-cards" id="{name}" {facts}><thead><tr>{head}</tr></thead>'
        f"{''.join(bodies)}</table></div>"
    )


def claims_page(root: Path, book: list[ledger.Chapter]) -> str:
    """Markdown: the histogram's sentences, then one table of all claims, chapter by chapter (book.js sorts it)."""
    part_of = {page: part for part in parts.parts(root) for page in part.pages}
    bodies = []
    for done in book:
        own = [claim for claim in done.claims if claim["kind"] != "published"]
        if not own:
            continue
        part = part_of.get(done.name)
        title = f'<a href="{done.name}.html">{typeset(done.title)}</a>'
        named = f"part {part.number} · {part.name}" if part else "other"
        head = f'<tr class="fk-group"><th scope="rowgroup" colspan="{len(CLAIM_HEADS)}">{title}</th></tr>'
        rows = "".join(row(done, claim) for claim in own)
        bodies.append(f'<tbody id="{slug(done.name)}-claims" data-part="{html.escape(named)}">{head}{rows}</tbody>')
    facts = 'data-kind="Kind" data-noun="claims"'
    whole = table(CLAIM_HEADS, bodies, "all claims of the book", "fk-claims", facts)
    return "\n\n".join([figure(book, "pulls.svg"), ledger.summary(book)[1], whole])


def row(done: ledger.Chapter, claim: dict[str, Any]) -> str:
    link = f'<a href="{done.name}.html#claim-{claim["name"]}">{typeset(claim["sentence"])}</a>'
    pull = f"{claim['pull']:+.2f}" if claim["bar"] else f"{abs(claim['pull']):.2f} <small>of its tolerance</small>"
    cells = [link, claim["kind"], powers(claim["shown"]), powers(claim["shown_truth"]), pull, typeset(claim["source"])]
    return (
        f'<tr id="claim-{slug(done.name)}-{claim["name"]}" data-kind="{claim["kind"]}" data-pull="{claim["pull"]:.4f}">'
        + "".join(cell(head, text) for head, text in zip(CLAIM_HEADS, cells, strict=True))
        + "</tr>"
    )


def cell(head: str, text: object) -> str:
    """With its column's name, which a card shows before it."""
    return f'<td data-label="{head}">{text}</td>'


def figure(book: list[ledger.Chapter], path: str) -> str:
    line = ledger.summary(book)[0]
    alt = f"Histogram of all pulls with the unit Gaussian drawn over it: {line}"
    return f'```{{image}} {path}\n:alt: {alt}\n:class: fk-pulls\n```\n\n<p class="fk-caption">{line}</p>'


def runs_page(book: list[ledger.Chapter]) -> str:
    heads = ("chapter", "time", "CPU time", "device", "profile", "seed", "commit", "date (UTC)", "claims", "worst pull")
    rows = []
    for done in book:
        run, seconds = done.run, done.run["seconds"]
        cells = [f'<a href="{done.name}.html">{typeset(done.title)}</a>', f"{seconds['wall']:.0f} s"]
        cells += [f"{seconds['cpu']:.0f} s", done.device, run["profile"], run["seed"], run["commit"], run["date"]]
        cells += [str(len(done.claims)), done.worst]
        rows.append("<tr>" + "".join(map(cell, heads, cells)) + "</tr>")
    return table(heads, ["<tbody>", *rows, "</tbody>"], "the last run of each chapter", "fk-runs")


def topic(text: str) -> str:
    """The line under the title, in the field's own words."""
    return f'<p class="fk-topic">{typeset(text)}</p>' if text else ""


def strip(root: Path, done: ledger.Chapter, titles: dict[str, str], more: Sequence[str] = ()) -> str:
    """One small line under the title: its part, what to read before, and what the last run did."""
    here = os.path.dirname(done.name) or "."
    front = os.path.relpath(f"{chapters.pages(root)[0].removeprefix('book/')}.html", here)
    part = [p for p in parts.parts(root) if done.name in p.pages]
    for name in chapters.needs(done.nb):
        if name not in titles:
            raise sources.Fault(f"book/{done.name}.md: needs {name}, which is no chapter of _toc.yml")
    links = [f'<a href="{os.path.relpath(n, here)}.html">{typeset(titles[n])}</a>' for n in chapters.needs(done.nb)]
    ledger_page = f"{os.path.relpath('claims.html', here)}#{slug(done.name)}-claims"
    weighed = f"{len(done.claims)}/{len(chapters.claims(done.nb))}"
    own = any(claim["kind"] != "published" for claim in done.claims)
    facts = [f'<a href="{front}#part-{p.number}">part {p.number}</a>' for p in part] + [
        f"needs {', '.join(links)}" if links else "needs no other chapter",
        f"ran {done.run['seconds']['wall']:.0f} s on {done.device}, profile {done.run['profile']}",
        f'<a href="{ledger_page}">{weighed} claims</a>' if own else f"{weighed} printed numbers",
        *(["no pulls: nothing is drawn at random" if done.worst == "none" else f"worst pull {done.worst}"] * own),
        *more,
    ]
    return f'<p class="fk-strip mathjax_process">{" · ".join(facts)}</p>'

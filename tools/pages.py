"""What the build writes into the site: the histogram of all pulls, the tables of claims and runs, a chapter's strip."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

import matplotlib

from fieldkit import plots
from fieldkit.claims import typeset
from tools import chapters, ledger, sources

HEADS = {
    "statistical": "<th>measured</th><th>truth</th><th>pull</th>",
    "numerical": "<th>value</th><th>truth</th><th>off, in tolerances</th>",
    "identity": "<th>value</th><th>truth</th><th>pull, or off in tolerances</th>",
}


def histogram(book: list[ledger.Chapter], path: Path) -> None:
    matplotlib.use("Agg")
    plots.use_style()
    figure, ax = plots.plt.subplots(figsize=(6.6, 3.2))
    plots.pull_histogram(ax, [c["pull"] for done in book for c in done.claims if c["bar"]])
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plots.plt.close(figure)


def slug(name: str) -> str:
    return name.replace("/", "-").replace("_", "-")


def table(head: str, rows: list[str], label: str) -> str:
    """A table that scrolls in a box of its own on a narrow screen."""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="fk-scroll mathjax_process" role="region" tabindex="0" aria-label="{html.escape(label)}">'
        f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def claims_page(book: list[ledger.Chapter]) -> str:
    """Markdown: the histogram's sentences, then for each chapter its claims, kind by kind."""
    parts = [figure(book, "pulls.svg"), ledger.summary(book)[1]]
    for done in book:
        parts.append(f"({slug(done.name)}-claims)=\n\n## {done.title}")
        for kind, head in HEADS.items():
            rows = [row(done, c) for c in done.claims if c["kind"] == kind]
            if rows:
                parts.append(table(f"<th>claim</th>{head}<th>source</th>", rows, f"{kind} claims: {done.title}"))
    return "\n\n".join(parts)


def row(done: ledger.Chapter, claim: dict[str, Any]) -> str:
    link = f'<a href="{done.name}.html#claim-{claim["name"]}">{typeset(claim["sentence"])}</a>'
    cells = [claim["shown"], claim["shown_truth"], f"{claim['pull']:+.2f}"]
    return (
        f'<td id="claim-{slug(done.name)}-{claim["name"]}">{link}</td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + f"<td>{typeset(claim['source'])}</td>"
    )


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
        rows.append("".join(f"<td>{c}</td>" for c in [*cells, len(done.claims), done.worst]))
    return table("".join(f"<th>{h}</th>" for h in heads), rows, "the last run of each chapter")


def strip(done: ledger.Chapter, titles: dict[str, str]) -> str:
    """One small line under the title: what to read before, and what the last run did."""
    here = os.path.dirname(done.name)
    for name in chapters.needs(done.nb):
        if name not in titles:
            raise sources.Fault(f"book/{done.name}.md: needs {name}, which is no chapter of _toc.yml")
    links = [f'<a href="{os.path.relpath(n, here)}.html">{typeset(titles[n])}</a>' for n in chapters.needs(done.nb)]
    ledger_page = f"{os.path.relpath('claims.html', here)}#{slug(done.name)}-claims"
    facts = [
        f"needs {', '.join(links)}" if links else "needs no other chapter",
        f"ran {done.run['seconds']['wall']:.0f} s on {done.device}, profile {done.run['profile']}",
        f'<a href="{ledger_page}">{len(done.claims)}/{len(chapters.claims(done.nb))} claims</a>',
        f"worst pull {done.worst}",
    ]
    return f'<p class="fk-strip mathjax_process">{" · ".join(facts)}</p>'

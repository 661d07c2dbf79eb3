"""What the executed chapters claim: gathered from the metadata of their outputs, and judged."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from fieldkit import exercises
from fieldkit.claims import KEY
from tools import cache, chapters, sources

KINDS = ("statistical", "numerical", "identity", "published")


@dataclass(frozen=True)
class Chapter:
    """An executed chapter: its name (`lattice/phi4`), title, notebook, the record of its run and its claims."""

    name: str
    title: str
    nb: NotebookNode
    run: dict[str, Any]
    claims: list[dict[str, Any]]

    @property
    def pulls(self) -> list[float]:
        """Of its own claims; what others printed has a histogram apart."""
        return [c["pull"] for c in self.claims if c["bar"] and c["kind"] != "published"]

    @property
    def worst(self) -> str:
        pulls = self.pulls
        return f"{max(pulls, key=abs):+.2f}" if pulls else "none"

    @property
    def device(self) -> str:
        return next((c["device"] for c in self.claims), self.run["device"])


def chapter(root: Path, name: str, nb: NotebookNode) -> Chapter:
    outputs = [o for cell in nb.cells for o in cell.get("outputs", [])]
    claims = [dict(o.metadata[KEY]) for o in outputs if KEY in o.get("metadata", {})]
    return Chapter(name, chapters.title(chapters.source(root, name)), nb, nb.metadata[cache.RECORD], claims)


def faults(done: Chapter) -> list[str]:
    """One line for each reason not to publish the chapter."""
    try:
        stated = list(chapters.claims(done.nb))
    except sources.Fault as fault:
        return [f"book/{done.name}.md: {fault}"]
    weighed = [c["name"] for c in done.claims]
    lines = [f"claim {name}: stated but not weighed" for name in stated if name not in weighed]
    lines += [f"claim {name}: weighed, but no cell says ledger.weigh, weigh_curve, check or published with this name"
              for name in dict.fromkeys(weighed) if name not in stated]  # fmt: skip
    lines += [f"claim {name}: weighed {weighed.count(name)} times; a name stands for one sentence"
              for name in dict.fromkeys(weighed) if weighed.count(name) > 1]  # fmt: skip
    lines = [*poor_claims(done), *lines, *poor_figures(done), *poor_solutions(done)]
    return [f"book/{done.name}.md: {line}" for line in lines]


def poor_claims(done: Chapter) -> list[str]:
    lines = []
    for claim in done.claims:
        name, pull, error, limit = claim["name"], claim["pull"], claim["error"], 4.0 if claim["bar"] else 1.0
        if claim["kind"] == "published":
            compared = f"{claim['shown']} against the printed {claim['shown_truth']}"
            if claim["verdict"] != claim["expected"]:
                lines.append(f"claim {name}: {claim['verdict']}, the page says {claim['expected']} ({compared})")
            continue
        if error is None or not math.isfinite(error) or error <= 0:
            lines.append(f"claim {name}: no error bar (error = {error})")
        elif not abs(pull) <= limit:
            compared = f"{claim['shown']} against {claim['shown_truth']}"
            lines.append(f"claim {name}: |pull| = {abs(pull):.2f} > {limit:g} ({compared})")
    return lines


def poor_figures(done: Chapter) -> list[str]:
    lines = []
    for number, cell in enumerate(done.nb.cells):
        if any(kind.startswith("image/") for o in cell.get("outputs", []) for kind in o.get("data", {})):
            options = cell.metadata.get("mystnb", {})
            figure, image = options.get("figure", {}), options.get("image", {})
            where = f"figure {figure.get('name', f'of cell {number}')}"
            lines += [f"{where}: no alt text"] if not str(image.get("alt", "")).strip() else []
            lines += [f"{where}: no caption"] if not str(figure.get("caption", "")).strip() else []
    return lines


def poor_solutions(done: Chapter) -> list[str]:
    """A solution must pass the check of its own exercise."""
    lines, solved = [], {}
    for output in (o for cell in done.nb.cells for o in cell.get("outputs", [])):
        if record := output.get("metadata", {}).get(exercises.KEY):
            name, states = record["name"], record["states"]
            solved[name] = solved.get(name, False) or set(states.values()) == {"right"}
            lines += [
                f"exercise {name}: the page's own {k} is wrong" for k, state in states.items() if state == "wrong"
            ]
    return lines + [f"exercise {name}: no solution passes the whole check" for name, done in solved.items() if not done]


def summary(book: list[Chapter]) -> tuple[str, str]:
    """(the one line of the landing page, how well all pulls fit the unit Gaussian)"""
    from scipy.stats import kstest

    pulls = [pull for done in book for pull in done.pulls]
    exact = sum(not c["bar"] and c["kind"] != "published" for done in book for c in done.claims)
    if not pulls:
        return f"{exact} claims within tolerance; none with error bars yet.", ""
    beyond, expected = sum(abs(p) > 2 for p in pulls), math.erfc(math.sqrt(2)) * len(pulls)
    line = f"{len(pulls)} claims weighed with error bars, {beyond} beyond 2σ, {expected:.1f} expected"
    line += f"; {exact} more checked to a stated tolerance." if exact else "."
    p = kstest(pulls, "norm").pvalue
    return line, f"The Kolmogorov–Smirnov test against the unit Gaussian, nothing fitted, gives p = {p:.2f}."


def records(book: list[Chapter]) -> str:
    return json.dumps([{"chapter": done.name} | c for done in book for c in done.claims], indent=1) + "\n"

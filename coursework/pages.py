"""What do student and lecturer read?  A page each, without scripts: everything a stranger wrote is escaped."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coursework.marking import Result

HERE = Path(__file__).resolve().parent / "templates"
Items = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Graded:
    """One student's line: the marks, and what deadline and comments made of them."""

    result: Result
    final: float
    before: float
    late: str
    comments: list[tuple[str, float, str]]


def feedback(graded: Graded, title: str, of: float) -> str:
    """The page of one student."""
    r = graded.result
    items = [pair for rows in r.items.values() for pair in rows]
    return _filled(
        "feedback.html.j2", title=title, student=r.student, r=r, of=of, final=graded.final, before=graded.before,
        late=graded.late, comments=graded.comments, plot=plot([items]) if items else "",
    )  # fmt: skip


def class_page(
    all_graded: Sequence[Graded], title: str, of: float, groups: list[list[str]], strays: Sequence[str], handed_in: int
) -> str:
    """The lecturer's page."""
    names = list(all_graded[0].result.marks) if all_graded else []
    questions = []
    for name in names:
        marks = [g.result.marks[name] for g in all_graded]
        whole, none = sum(p == o for p, o, _ in marks), sum(p == 0 for p, _, _ in marks)
        questions.append((name, whole, len(marks) - whole - none, none, sum(p for p, _, _ in marks) / len(marks)))
    rows = [
        {
            "student": g.result.student, "final": g.final, "points": [g.result.marks[n][0] for n in names],
            "notes": " | ".join([*([g.late] if g.late else []), *g.result.notes])[:400],
        }
        for g in all_graded
    ]  # fmt: skip
    items = [[pair for rows_ in g.result.items.values() for pair in rows_] for g in all_graded]
    return _filled(
        "class.html.j2", title=title, of=of, rows=rows, questions=questions, groups=groups, strays=strays,
        handed_in=handed_in, trusted=any(g.result.trusted for g in all_graded),
        average=sum(g.final for g in all_graded) / max(1, len(all_graded)), plot=plot(items) if any(items) else "",
    )  # fmt: skip


def plot(students: Sequence[Items]) -> str:
    """Pulls on the unit Gaussian; beside them the bars over the exact ones, of one student or of each."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    z = np.array([p for items in students for p, _ in items if math.isfinite(p)])
    x = np.linspace(-5, 5, 201)
    left.plot(x, np.exp(-x * x / 2) / math.sqrt(2 * math.pi), color="black")
    if len(z):
        left.hist(z.clip(-5, 5), bins=np.linspace(-5, 5, 21), density=True, alpha=0.5, color="tab:blue")
    spread = math.sqrt((z.clip(-9, 9) ** 2).mean()) if len(z) else math.nan
    left.set(xlabel="pull", ylabel="density", title=f"{len(z)} estimates, spread {spread:.2f}")
    if len(students) == 1:
        right.hist(np.log2([b for _, b in students[0]]).clip(-3, 3), bins=np.linspace(-3, 3, 25), color="tab:blue")
        right.axvspan(np.log2(0.82), np.log2(1.25), color="black", alpha=0.12, linewidth=0)
        right.set(xlabel="bar over the exact one", ylabel="estimates")
        right.set_xticks([-3, -2, -1, 0, 1, 2, 3], ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    else:
        for items in students:
            zs, bars = np.array(items).reshape(-1, 2).T
            if len(zs):
                across = math.sqrt((zs.clip(-30, 30) ** 2).mean())
                right.plot(np.median(bars), across, "o", color="tab:blue", alpha=0.6)
        right.axhline(1, color="black", linewidth=0.8), right.axvline(1, color="black", linewidth=0.8)
        right.set(xscale="log", yscale="log", xlabel="bar over the exact one", ylabel="spread of pulls")
        for axis, (low, high) in ((right.xaxis, right.get_xlim()), (right.yaxis, right.get_ylim())):
            ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30) if min(low, 0.4) <= t <= max(high, 2.5)]
            axis.set_ticks(ticks, [f"{t:g}" for t in ticks])
            axis.set_minor_locator(NullLocator())
        right.set(xlim=(min(right.get_xlim()[0], 0.4), max(right.get_xlim()[1], 2.5)))
        right.set(ylim=(min(right.get_ylim()[0], 0.4), max(right.get_ylim()[1], 2.5)))
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


def _filled(name: str, **values: object) -> str:
    from jinja2 import Environment, FileSystemLoader

    look = (HERE / "look.css").read_text(encoding="utf-8")
    return Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template(name).render(look=look, **values)

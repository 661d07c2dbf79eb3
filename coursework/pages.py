"""What do student and lecturer read?  A page each, without scripts: everything a stranger wrote is escaped."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coursework.marking import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
        late=graded.late, comments=graded.comments, plots=plots([items]),
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
            "notes": " | ".join([*_by_hand(g), *([g.late] if g.late else []), *g.result.notes])[:250],
        }
        for g in all_graded
    ]  # fmt: skip
    items = [[pair for rows_ in g.result.items.values() for pair in rows_] for g in all_graded]
    return _filled(
        "class.html.j2", title=title, of=of, rows=rows, questions=questions, groups=groups, strays=strays,
        handed_in=handed_in, trusted=any(g.result.trusted for g in all_graded),
        average=sum(g.final for g in all_graded) / max(1, len(all_graded)), plots=plots(items),
    )  # fmt: skip


def _by_hand(graded: Graded) -> list[str]:
    points = sum(p for _, p, _ in graded.comments)
    return [f"{points:+g} by hand"] if points else []


def plots(students: Sequence[Items]) -> list[tuple[str, str]]:
    """Pulls on the unit Gaussian, and bars over the exact ones, of one student or of each: (picture, what it shows);
    nothing where there are no bars."""
    z = np.array([p for items in students for p, _ in items if math.isfinite(p)])
    if not len(z):
        return []
    return [_pulls(z), _bars(np.array([b for _, b in students[0]])) if len(students) == 1 else _spreads(students)]


def _pulls(z: np.ndarray) -> tuple[str, str]:
    figure, axes = _axes()
    x = np.linspace(-5, 5, 201)
    axes.plot(x, np.exp(-x * x / 2) / math.sqrt(2 * math.pi), color="black")
    axes.hist(z.clip(-5, 5), bins=np.linspace(-5, 5, 21).tolist(), density=True, alpha=0.5, color="tab:blue")
    said = f"{len(z)} estimates, spread {math.sqrt((z.clip(-9, 9) ** 2).mean()):.2f}"
    axes.set(xlabel="pull", ylabel="density", title=said)
    return _svg(figure), f"Histogram of the pulls on the unit Gaussian: {said}."


def _bars(bars: np.ndarray) -> tuple[str, str]:
    figure, axes = _axes()
    axes.hist(np.log2(bars).clip(-3, 3), bins=np.linspace(-3, 3, 25).tolist(), color="tab:blue")
    axes.axvspan(np.log2(0.82), np.log2(1.25), color="black", alpha=0.12, linewidth=0)
    axes.set(xlabel="bar over the exact one", ylabel="estimates")
    axes.set_xticks([-3, -2, -1, 0, 1, 2, 3], ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    return _svg(figure), f"Histogram of the bars over the exact ones; the middle one is {np.median(bars):.2f}."


def _spreads(students: Sequence[Items]) -> tuple[str, str]:
    from matplotlib.ticker import NullLocator

    figure, axes = _axes()
    rows = [np.array(items).reshape(-1, 2).T for items in students if items]
    points = [(np.median(bars), math.sqrt((zs.clip(-30, 30) ** 2).mean())) for zs, bars in rows]
    for middle, spread in points:
        axes.plot(middle, spread, "o", color="tab:blue", alpha=0.6)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel="bar over the exact one", ylabel="spread of pulls")
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        low, high = min(low, 0.4), max(high, 2.5)
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30) if low <= t <= high]
        axis.set_ticks(ticks, [f"{t:g}" for t in ticks])
        axis.set_minor_locator(NullLocator())
        (axes.set_xlim if axis is axes.xaxis else axes.set_ylim)(low, high)
    return _svg(figure), f"The spread of pulls over the bar of {len(points)} students; both are 1 for the honest."


def _axes() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3.2), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Figure) -> str:
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "coursework"}):  # the same page for the same marks
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


def _filled(name: str, **values: object) -> str:
    from jinja2 import Environment, FileSystemLoader

    look = (HERE / "look.css").read_text(encoding="utf-8")
    return Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template(name).render(look=look, **values)

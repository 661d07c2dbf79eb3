"""The front page: a card for each part with a figure of its own, and what others show of the book: a picture for links,
an icon, the page for an address that does not exist."""

from __future__ import annotations

import base64
import html
import math
import re
from pathlib import Path

import matplotlib
from nbformat import NotebookNode
from PIL import Image, ImageDraw

from fieldkit import plots
from fieldkit.rows import typeset
from tools import chapters, ledger, pages, parts, sources

# <!-- card 1 lattice/phi4 [fig-name] -->, or <!-- card 4 · Name --> for a part to come; a sentence; <!-- end -->
CARD = re.compile(
    r"<!-- card (?P<number>\d)(?: · (?P<name>.+?)| (?P<chapter>[\w/]+)(?: (?P<figure>[\w-]+))?) -->\n"
    r"(?P<text>.*?)\n<!-- end -->",
    re.S,
)


def write(root: Path, to: Path, book: list[ledger.Chapter]) -> None:
    """Fill the cards of book/index.md and draw what is published beside the pages."""
    pages.histogram(book, to / "book" / "pulls.svg")
    published, index = to / "published", to / "book" / "index.md"
    text = index.read_text(encoding="utf-8")
    known, starts, count = {part.number: part for part in parts.parts(root)}, {}, 1
    for part in known.values():  # chapters are numbered through all parts, as in the sidebar
        starts[part.number], count = count, count + len(part.pages)
    if missing := set(known) - {int(m["number"]) for m in CARD.finditer(text)}:
        raise sources.Fault(
            f"book/index.md: no card for part {min(missing)}: <!-- card {min(missing)} chapter fig-name -->"
        )
    notebooks = {done.name: done.nb for done in book}
    (published / "cards").mkdir()
    index.write_text(
        CARD.sub(
            lambda m: card(m, known.get(n := int(m["number"])), starts.get(n, 1), root, published, notebooks), text
        ),
        encoding="utf-8",
    )
    social(sources.settings(root / "_config.yml").get("title", ""), book, published / "social.png")
    icon(published / "favicon.ico")
    (published / "404.html").write_text(lost(root), encoding="utf-8")


def card(
    match: re.Match[str],
    part: parts.Part | None,
    start: int,
    root: Path,
    published: Path,
    notebooks: dict[str, NotebookNode],
) -> str:
    """HTML: the part's number and name, its figure, a sentence, its chapters with their topics, its library."""
    number, text = match["number"], typeset(" ".join(match["text"].split()))
    if part is None:
        return (
            f'<div class="fk-card fk-coming" id="part-{number}"><h3>{number} · {match["name"]}</h3><p>{text}</p></div>'
        )
    first = f"{part.pages[0]}.html"
    drawn = figure(notebooks.get(match["chapter"] or ""), match["figure"])
    image = ""
    if drawn:
        suffix, data, alt = drawn
        (published / "cards" / f"part-{number}.{suffix}").write_bytes(data)
        size = 'width="620" height="360" loading="lazy"'
        picture = f'<img src="../cards/part-{number}.{suffix}" alt="{html.escape(alt)}" {size}>'
        image = f'<a href="{match["chapter"]}.html">{picture}</a>'
    items = []
    for page in part.pages:
        path = chapters.source(root, page)
        topic = chapters.topic(path)
        told = f'<span class="fk-about">{typeset(topic)}</span>' if topic else ""
        items.append(f'<li><a href="{page}.html">{typeset(chapters.title(path))}</a>{told}</li>')
    return (
        f'<div class="fk-card" id="part-{number}"><h3><a href="{first}">{number} · {typeset(part.name)}</a></h3>{image}'
        f"<p>{text}</p><details><summary>{len(items)} chapters</summary>"
        f'<ol start="{start}">{"".join(items)}</ol></details>'
        f'<p><a href="library/{part.folder}.html">Its library</a></p></div>'
    )


def figure(nb: NotebookNode | None, name: str | None) -> tuple[str, bytes, str] | None:
    """(suffix, bytes, alternative text) of a figure of an executed chapter, by its label, or of its first."""
    for cell in nb.cells if nb else []:
        options = cell.metadata.get("mystnb", {})
        label = options.get("figure", {}).get("name")
        if label is None or name not in (None, label):
            continue
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/svg+xml" in data:
                return "svg", "".join(data["image/svg+xml"]).encode(), options["image"]["alt"]
            if "image/png" in data:
                return "png", base64.b64decode(data["image/png"]), options["image"]["alt"]
    if nb is not None:
        raise sources.Fault(f"book/index.md: a card asks for {name or 'a figure'}, which its chapter has not")
    return None


def social(title: str, book: list[ledger.Chapter], path: Path) -> None:
    """The picture that a link to the book shows: its name and the histogram of its pulls, 1200 x 630."""
    matplotlib.use("Agg")
    plots.use_style()
    figure, ax = plots.plt.subplots(figsize=(12, 6.3), dpi=100, facecolor="white")
    with plots.plt.rc_context({"font.size": 17}):
        figure.suptitle(title, x=0.02, ha="left", fontsize=34, fontweight="bold", color=plots.INK)
        plots.pull_histogram(ax, [pull for done in book for pull in done.pulls])
        ax.set_title(ledger.summary(book)[0].split(";")[0], fontsize=19, pad=14)
    figure.savefig(path, facecolor="white", metadata={"Software": None})
    plots.plt.close(figure)


def icon(path: Path) -> None:
    """The bell curve of the logo, with its pull, as browsers ask for it at the root."""
    picture = Image.new("RGBA", (256, 256))
    pen = ImageDraw.Draw(picture)
    curve = [(16 + x, 200 - 150 * math.exp(-(((x - 112) / 48) ** 2) / 2)) for x in range(225)]
    pen.line(curve, fill=plots.ACCENT, width=24, joint="curve")
    pen.line([(160, 70), (160, 200)], fill=plots.ACCENT, width=16)
    picture.save(path, sizes=[(16, 16), (32, 32), (48, 48)])


def lost(root: Path) -> str:
    """The page for an address that does not exist: it may be shown at any depth, so it needs nothing but itself."""
    title = html.escape(sources.settings(root / "_config.yml").get("title", ""))
    home = sources.address(root) or "/"
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="robots" content="noindex">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>No such page · {title}</title>\n<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;"
        "margin:15vh auto;padding:0 1.2rem;color:#22272e;background:#fff}a{color:#1f5fa8}"
        "@media(prefers-color-scheme:dark){body{color:#d6dbe1;background:#14181e}a{color:#8fbcec}}</style>\n"
        f"<main><h1>There is no such page</h1>\n<p>A chapter may have moved. The pages of <em>{title}</em> are all on "
        f'its <a href="{home}">front page</a>, and the <a href="{home}search.html">search</a> knows what is in them.'
        "</p></main>\n</html>\n"
    )

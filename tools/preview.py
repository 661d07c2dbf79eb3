"""One chapter's page alone, for its author: what it links to is there by name and number only, which builds fast."""

from __future__ import annotations

import re
from pathlib import Path

from tools import chapters, labels, ledger

FIGURE = "```{{figure}} /_static/logo.svg\n:name: {}\n:alt: not in this preview\n\nNot in this preview.\n```"
EXERCISE = "```{{exercise}} In its chapter\n:label: {}\n\nNot in this preview.\n```"
NEEDED = re.compile(r"^`{3,}\{(bibliography|glossary)\}", re.M)  # what a citation or a term leads to


def trim(root: Path, staged: Path, chapter: str) -> None:
    """Leave of the staged pages the chapter, and those that citations and terms need; stubs for all others."""
    known = chapters.chapters(root)
    for page in chapters.pages(staged):
        path = staged / f"{page}.md"
        source = path.read_text(encoding="utf-8") if path.exists() else ""
        if page == f"book/{chapter}" or NEEDED.search(source):
            continue
        name, title = page.removeprefix("book/"), chapters.title(path) if source else page
        path.with_suffix(".rst").unlink(missing_ok=True)  # of the library's reference
        parts = [f"# {title}", f"*The preview shows {{doc}}`/book/{chapter}`; `make book` builds every page.*"]
        path.write_text("\n\n".join(parts + (targets(root, name) if name in known else [])) + "\n", encoding="utf-8")


def targets(root: Path, chapter: str) -> list[str]:
    """A figure, equation or exercise for each label of the chapter, so that all numbers are as in the book."""
    text = chapters.source(root, chapter).read_text(encoding="utf-8")
    equations = {m["label"]: f"$$\n{m['tex'].strip()}\n$$ ({m['label']})" for m in labels.EQUATION.finditer(text)}
    exercises = set(re.findall(r"^`{3,}\{exercise\}[^\n]*\n:label: *(\S+)", text, re.M))
    found = []
    for label in labels.labels(root, chapter):
        other = EXERCISE if label in exercises else FIGURE
        found.append(equations.get(label) or other.format(label))
    return found


def report(done: ledger.Chapter, site: Path) -> None:
    """The chapter's claims with their pulls, and where its page is."""
    print()
    for claim in done.claims:
        pull = f"pull {claim['pull']:+.2f}" if claim["bar"] else f"{abs(claim['pull']):.2f} of its tolerance"
        pull = claim["verdict"] or pull
        print(f"  {claim['name']:<26}{pull:<24}{claim['shown']} against {claim['shown_truth']}")
    print(f"\n{site / 'book' / f'{done.name}.html'}")

"""What a label or a citation stands for: numbers of figures, equations and exercises as on the site, and references."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

from pybtex.database import Entry, parse_file

from tools import chapters, sources

EQUATION = re.compile(r"(?P<indent>[ \t]*)\$\$(?P<tex>[^$]+?)\$\$ *\((?P<label>[\w:-]+)\)")


@dataclass(frozen=True)
class Book:
    """What a translation looks up: links to sibling notebooks, page titles, numbers of labels, references."""

    root: Path
    colab: str
    numbers: dict[str, str]
    references: dict[str, Entry]


def book(root: Path, numbers: dict[str, str] | None = None) -> Book:
    """With the numbers of all chapters, if none are given."""
    repository = sources.repository(root)
    path = repository["url"].removeprefix("https://github.com/")
    bib = root / "book" / "references.bib"
    if numbers is None:
        numbers = {k: v for c in chapters.chapters(root) for k, v in labels(root, c).items()}
    return Book(
        root=root,
        colab=f"https://colab.research.google.com/github/{path}/blob/{repository['branch']}",
        numbers=numbers,
        references=dict(parse_file(str(bib)).entries) if bib.exists() else {},
    )


def labels(root: Path, chapter: str) -> dict[str, str]:
    """Label of each figure, equation and exercise of a chapter -> its number on the site, such as 2.1."""
    return numbered(chapters.source(root, chapter), f"{chapters.chapters(root).index(chapter) + 1}.")


def numbered(path: Path, before: str = "") -> dict[str, str]:
    """The same of any page in MyST; `before` stands before each number."""
    nb, text = chapters.read(path), sources.text(path)
    figures = [c.metadata.get("mystnb", {}).get("figure", {}).get("name") for c in nb.cells]
    equations = [m["label"] for m in EQUATION.finditer(text)]
    exercises = re.findall(r"^`{3,}\{exercise\}[^\n]*\n:label: *(\S+)", text, re.M)
    return {
        k: f"{before}{i}" for kind in ([f for f in figures if f], equations, exercises) for i, k in enumerate(kind, 1)
    }


def place(path: Path, book: Book) -> Path:
    """A page as it is named to its author: from the root of the book, if it lies in there."""
    return path.relative_to(book.root) if path.is_relative_to(book.root) else path


def cited(key: str, textual: bool, book: Book, path: Path) -> str:
    """[Wolff (2004)](https://doi.org/...)"""
    if key not in book.references:
        raise sources.Fault(f"{place(path, book)}: no reference {key} in book/references.bib")
    entry = book.references[key]
    persons = entry.persons.get("author") or entry.persons.get("editor", [])
    people = [" ".join(str(n) for n in p.rich_prelast_names + p.rich_last_names) for p in persons]
    names = f"{people[0]} et al." if len(people) > 2 else " and ".join(people)
    words = f"{names} ({entry.fields['year']})" if textual else f"{names} {entry.fields['year']}"
    fields = entry.fields
    if "doi" in fields:
        url = f"https://doi.org/{quote(fields['doi'])}"  # a bracket would end the Markdown link
    elif "eprint" in fields:
        url = f"https://arxiv.org/abs/{fields['eprint']}"
    else:
        url = fields.get("url") or looked_up(entry)
    return f"[{words}]({url})"


def looked_up(entry: Entry) -> str:
    """A search for the title, where no number of the work itself could be checked."""
    title = re.sub(r"[{}$\\]", "", entry.fields.get("title", ""))
    people = " ".join(str(name) for person in entry.persons.get("author", []) for name in person.last_names)
    return f"https://search.crossref.org/search/works?q={quote_plus(f'{people} {title}')}"

"""The source tree that Sphinx reads: the text pages, each chapter replaced by its executed notebook, what the build
measured, the library's reference, and what is published as it is."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import nbformat
import yaml

from tools import chapters, folds, front, ledger, literature, pages, parts, reference, sources


def stage(root: Path, book: list[ledger.Chapter]) -> Path:
    to = root / "_build" / "stage"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root / "book", to / "book", ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints"))
    shutil.copytree(root / "book" / "_static", to / "_static")
    (to / "published").mkdir()
    (to / "published" / "claims.json").write_text(ledger.records(book), encoding="utf-8")
    front.write(root, to, book)
    if (to / "book" / "search.js").exists():
        (to / "book" / "search.js").rename(to / "published" / "search.js")
    fill(to, "index", "pulls", pages.figure(book, "pulls.svg"))
    fill(to, "claims", "claims", pages.claims_page(root, book))
    fill(to, "runs", "runs", pages.runs_page(book))
    if literature.rows(book):
        fill(to, "index", "literature", literature.line(book))
        literature.histogram(book, to / "book" / "printed.svg")
    settings(root, to, reference.write(root, to, {done.name: done.nb for done in book}))
    titles = {name: chapters.title(chapters.source(root, name)) for name in chapters.chapters(root)}
    for done in book:
        title, _, rest = done.nb.cells[0].source.partition("\n")
        topic = chapters.topic(chapters.source(root, done.name))
        rest = rest.lstrip().partition("\n\n")[2] if topic else rest
        strip = pages.strip(root, done, titles, literature.links(done.name, book))
        head = [title, pages.topic(topic), strip, rest]
        done.nb.cells[0].source = "\n\n".join(part for part in head if part)
        for cell in (c for c in done.nb.cells if literature.MARKER in c.source):
            cell.source = cell.source.replace(literature.MARKER, literature.page(root, book, titles))
        folds.on_the_site(done.nb.cells)
        (to / "book" / f"{done.name}.ipynb").write_text(nbformat.writes(done.nb, version=4), encoding="utf-8")
        (to / "book" / f"{done.name}.md").unlink()
        paired = root / "book" / f"{done.name}.ipynb"
        if paired.exists():
            (to / "published" / "book" / done.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(paired, to / "published" / "book" / f"{done.name}.ipynb")
    return to


def settings(root: Path, to: Path, library: list[str]) -> None:
    """_config.yml with the site's address, and _toc.yml with the pages of the library before its last part."""
    config = sources.settings(root / "_config.yml")
    config.setdefault("sphinx", {}).setdefault("config", {})["html_baseurl"] = sources.address(root)
    (to / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    toc = sources.settings(root / "_toc.yml")
    listed = {"caption": "The library", "chapters": [{"file": page} for page in library]}
    toc["parts"][-1:] = [listed, *toc["parts"][-1:]]
    (to / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    cards = {int(m["number"]) for m in front.CARD.finditer((root / "book" / "index.md").read_text(encoding="utf-8"))}
    ours = [page for page in chapters.pages(to) if page not in library]
    facts = {
        "order": [*ours, *library],  # of the search, when pages are equally good
        "parts": {parts.NUMBERS[number - 1]: number for number in sorted(cards)},
        "chapters": [f"book/{name}" for name in chapters.chapters(root)],
        "topics": {f"book/{n}": t for n in chapters.chapters(root) if (t := chapters.topic(chapters.source(root, n)))},
    }
    (to / "book.yml").write_text(yaml.safe_dump(facts), encoding="utf-8")


def fill(to: Path, page: str, marker: str, text: str) -> None:
    path, line = to / "book" / f"{page}.md", f"<!-- {marker} -->"
    source = path.read_text(encoding="utf-8")
    if line not in source:
        raise sources.Fault(f"book/{page}.md: the line {line} is missing, where the build puts what it measured")
    path.write_text(source.replace(line, text), encoding="utf-8")


def digest(folder: Path) -> str:
    """Changes when anything that the site is made of changes: the tree, what builds it, the packages."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    parts = [p.relative_to(folder).as_posix().encode() + b"\0" + p.read_bytes() for p in files]
    made_by = [*sorted((chapters.ROOT / "tools").glob("*.py")), chapters.ROOT / "constraints.txt"]
    return hashlib.sha256(b"\0".join([*parts, *(p.read_bytes() for p in made_by)])).hexdigest()

"""Write the library reference into the staged tree: one page a part and one for the shared base, from the docstrings.

The pages hold headings and autodoc directives only; `tools.docstrings` turns the docstrings into what Sphinx reads.
"""

from __future__ import annotations

import json
from pathlib import Path

from nbformat import NotebookNode

from tools import names, parts

OPTIONS = "   :members:\n   :ignore-module-all:\n   :member-order: bysource\n"


def write(root: Path, to: Path, notebooks: dict[str, NotebookNode]) -> list[str]:
    """Write `book/library/*.rst` and `reference.json` into `to`; return the pages as _toc.yml names them."""
    known, numbered = names.library(root), {part.folder: part for part in parts.parts(root)}
    pages: dict[str, list[str]] = {}
    for module in known.modules:
        pages.setdefault(known.page(module), []).append(module)
    order = ["base", *[f for f in numbered if f in pages], *[p for p in pages if p != "base" and p not in numbered]]
    folder = to / "book" / "library"
    folder.mkdir()
    for page in order:
        package = names.LIBRARY if page == "base" else f"{names.LIBRARY}.{page}"
        part = numbered.get(page)
        title = f"Part {part.word}: {part.name}" if part else names.title(root, package)
        title = "The shared base" if page == "base" else title
        modules = [m for m in pages[page] if m != package]
        text = [heading(title, "="), f".. automodule:: {package}\n"]
        for module in names.reading_order(root, package, modules):
            text += [heading(module.removeprefix(f"{names.LIBRARY}."), "-"), f".. automodule:: {module}\n{OPTIONS}"]
        (folder / f"{page}.rst").write_text("\n".join(text), encoding="utf-8")
    uses: dict[str, list[str]] = {}
    for chapter, nb in notebooks.items():
        for name in names.used(nb, known, names.aliases(nb)):
            uses.setdefault(name, []).append(chapter)
    bound = {chapter: names.aliases(nb) for chapter, nb in notebooks.items()}
    data = {"modules": known.modules, "others": sorted(known.others), "uses": uses, "aliases": bound}
    (to / "reference.json").write_text(json.dumps(data), encoding="utf-8")
    return [f"book/library/{page}" for page in order]


def heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"

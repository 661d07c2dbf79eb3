"""What the book consists of: its pages in order, its chapters as notebooks, the claims that they state."""

from __future__ import annotations

import ast
import hashlib
import re
from pathlib import Path

import jupytext
import yaml
from jupytext.myst import MystMetadataParsingError
from nbformat import NotebookNode

from tools.sources import Fault, settings, text

ROOT = Path(__file__).resolve().parents[1]


def pages(root: Path) -> list[str]:
    """Every page of _toc.yml in reading order, e.g. `book/lattice/phi4`."""

    def files(node: object) -> list[str]:
        if isinstance(node, list):
            return [f for child in node for f in files(child)]
        if isinstance(node, dict):
            own = [node["file"]] if "file" in node else []
            return own + [f for child in node.values() for f in files(child)]
        return []

    toc = settings(root / "_toc.yml")
    if "root" not in toc:
        raise Fault(f"{root / '_toc.yml'}: no line `root: book/index`, the page where the book begins")
    found = [toc.pop("root"), *files(toc)]
    twice = sorted({page for page in found if found.count(page) > 1})
    if twice:
        raise Fault(f"{root / '_toc.yml'}: {', '.join(twice)} is listed twice; list every page once")
    return found


def source(root: Path, chapter: str) -> Path:
    return root / "book" / f"{chapter}.md"


def is_chapter(page: Path) -> bool:
    source = text(page) if page.exists() else ""
    return source.startswith("---\n") and "jupytext:" in source.split("\n---", 1)[0]


def chapters(root: Path) -> list[str]:
    """The executable pages, named without `book/`: `lattice/phi4`."""
    return [p.removeprefix("book/") for p in pages(root) if is_chapter(root / f"{p}.md")]


def read(path: Path) -> NotebookNode:
    """The notebook of a MyST Markdown chapter; a cell's id is the hash of its content: equal texts, equal files."""
    try:
        return reads(text(path))
    except (yaml.YAMLError, MystMetadataParsingError) as error:
        raise Fault(f"{path}: the header or a cell's options are not YAML: {' '.join(str(error).split())}") from None
    except KeyError as error:
        raise Fault(f"{path}: {error} in the header has no value; give it one, such as []") from None


def reads(source: str) -> NotebookNode:
    nb = jupytext.reads(source, fmt="md:myst")
    number_cells(nb)
    return nb


def number_cells(nb: NotebookNode) -> None:
    seen: dict[str, int] = {}
    for cell in nb.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    nb.nbformat, nb.nbformat_minor = 4, 5


def title(path: Path) -> str:
    """The first heading of a page."""
    lines = text(path).splitlines()
    return next((line[2:].strip() for line in lines if line.startswith("# ")), path.stem)


def topic(path: Path) -> str:
    """The line under a chapter's title, `*in the field's own words*`, as plain text; empty when there is none."""
    body = text(path).partition("\n# ")[2].partition("\n")[2].lstrip()
    match = re.match(r"\*([^*].*?)\*\s*(?:\n\n|\Z)", body, re.S)
    return " ".join(match[1].split()) if match else ""


def needs(nb: NotebookNode) -> list[str]:
    found = nb.metadata.get("fieldkit", {}).get("needs", [])
    if not isinstance(found, list):
        raise Fault(f"needs: {found} in the header is no list; write needs: [{found}]")
    return found


def tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def code(nb: NotebookNode) -> dict[int, ast.Module]:
    """Parsed code cells by cell number; the Colab cell is not part of the chapter's program."""
    trees: dict[int, ast.Module] = {}
    cells = [(i, cell) for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    for count, (i, cell) in enumerate(cells, 1):
        try:
            if not tagged(cell, "colab-setup"):
                trees[i] = ast.parse(cell.source)
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise Fault(f"cell {count}: SyntaxError in its line {error.lineno}: {error.msg}: {line}") from None
    return trees


def claims(nb: NotebookNode) -> dict[str, int]:
    """Claim name -> number of the cell that weighs it, in reading order."""
    found: dict[str, int] = {}
    for i, tree in code(nb).items():
        calls = [
            n
            for n in ast.walk(tree)
            if isinstance(n, ast.Call)
            and isinstance(n.func, ast.Attribute)
            and n.func.attr in ("weigh", "weigh_curve", "check", "published")
            and ast.unparse(n.func.value) == "ledger"
        ]
        for call in sorted(calls, key=lambda n: n.lineno):
            name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            if not isinstance(name, str) or name in found:
                fault = f"claim {name}: named twice" if name in found else "a claim's name must be a literal string"
                raise Fault(f"{fault}; write one name for each claim: {ast.unparse(call)[:80]}")
            found[name] = i
    return found

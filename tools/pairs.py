"""Write the .ipynb beside each chapter, which Colab opens: one way, deterministic, without outputs.

python -m tools.pairs [--check]
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import chapters, colab, faults, folds, labels, options, parts, solutions, sources

INSTALL = """\
import importlib.util
import sys

if "google.colab" in sys.modules:
    %pip install -q --no-deps {library}
else:
    sys.path.append("../..")  # a clone holds the library itself
if importlib.util.find_spec("fieldkit") is None:
    raise ModuleNotFoundError(
        "this notebook needs its library; install it with the next line, then run on:\\n"
        '%pip install {library}'
    )"""


def install(root: Path) -> str:
    """The first cell: on Colab, fieldkit at the tag that belongs to this book, leaving Colab's own torch alone;
    elsewhere (Binder, JupyterHub, a laptop) the notebook lies in a clone, and one carried off alone says what it needs.
    """
    url = sources.repository(root)["url"]
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    library = f'"fieldkit @ git+{url}@v{version}"'
    return INSTALL.format(library=library)


def pair(book: labels.Book, chapter: str) -> str:
    """The text of the chapter's .ipynb.  A figure's caption, which Colab would not show, follows it as its own cell."""
    path = chapters.source(book.root, chapter)
    cells: list[NotebookNode] = []
    for exercise, piece in solutions.pieces(chapters.read(path).cells, path.relative_to(book.root)):
        solution = f"Solution to exercise {book.numbers.get(exercise, '')}" if exercise else ""
        if isinstance(piece, str):
            text = colab.translate(piece, book, path)
            cells.append(nbformat.v4.new_markdown_cell(colab.folded(solution, text) if solution else text))
            continue
        label = folds.label(piece)
        figure = piece.metadata.pop("mystnb", {}).get("figure", {})
        if chapters.tagged(piece, "colab-setup"):
            piece.source = install(book.root)
        elif solution or label:
            folds.in_a_notebook(piece, solution or label)
        cells.append(piece)
        if "caption" in figure and figure.get("name") not in book.numbers:
            raise sources.Fault(f"{path.relative_to(book.root)}: a figure with a caption has no name; give it one.")
        if "caption" in figure:
            caption = colab.translate(figure["caption"], book, path)
            cells.append(nbformat.v4.new_markdown_cell(f"*Fig. {book.numbers[figure['name']]}.* {caption}"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    chapters.number_cells(nb)
    return nbformat.writes(nb, version=4) + "\n"


def stale(book: labels.Book, write: bool) -> list[str]:
    """Write every pair, or find those that are stale or carry outputs; one line for each chapter with a fault."""
    lines, paired = [], set()
    for chapter in chapters.chapters(book.root):
        path = chapters.source(book.root, chapter).with_suffix(".ipynb")
        paired.add(path)
        name, text = path.relative_to(book.root), path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            wanted = pair(book, chapter)
        except sources.Fault as error:
            lines.append(str(error))
            continue
        if write and text != wanted:
            path.write_text(wanted, encoding="utf-8")
            print("wrote", name)
        elif text and any(c.get("outputs") or c.get("execution_count") for c in nbformat.reads(text, 4).cells):
            lines.append(f"outputs in {name} (run: make pairs)")
        elif text != wanted:
            lines.append(f"stale: {name} (run: make pairs)")
    lines += readme(book.root, write)
    strays = [p for p in sorted((book.root / "book").rglob("*.ipynb")) if p not in paired and "/." not in str(p)]
    return lines + [
        f"no chapter in _toc.yml for {p.relative_to(book.root)}: list it there, with a chapter's header, or delete it"
        for p in strays
    ]


def readme(root: Path, write: bool) -> list[str]:
    """What README.md takes from elsewhere: the address to clone, and the list of chapters between its two comments, if
    it has them; one line when it is stale."""
    path = root / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    begin, end = "<!-- chapters: written by make pairs -->\n", "<!-- end of chapters -->"
    head, found, rest = text.partition(begin)
    head = re.sub(r"^git clone .*$", f"git clone {sources.repository(root)['url']}", head, flags=re.M)
    wanted = head + found + parts.contents(root) + end + rest.partition(end)[2]
    if not found or text == wanted:
        return []
    if not write:
        return ["stale: README.md (run: make pairs)"]
    path.write_text(wanted, encoding="utf-8")
    print("wrote README.md")
    return []


def main() -> int:
    arguments = options.Parser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing, fail when a pair is stale")
    arguments.add_argument("--root", type=Path, default=chapters.ROOT)
    given = arguments.parse_args()
    lines = stale(labels.book(given.root), write=not given.check)
    print(*lines, sep="\n", end="\n" if lines else "")
    return bool(lines)


if __name__ == "__main__":
    faults.end(main)

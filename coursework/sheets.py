"""A sheet as the student gets it: MyST turned into the plain Markdown that Colab shows, as the chapters are.

{doc}, {cite:t}, {admonition}, {hint} and labelled equations may stand in a sheet; what has no plain form is refused
with the line that it stands on.
"""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from coursework.course import Fault


def cells(path: Path) -> list[NotebookNode]:
    """The cells of a sheet or of model answers, without metadata but `tags`.  Raises `Fault`."""
    return copy.deepcopy(_read(path, path.stat().st_mtime_ns))


@cache  # once for a class, not once for each student
def _read(path: Path, when: int) -> list[NotebookNode]:
    try:
        from tools import chapters, colab, labels, sources
    except ModuleNotFoundError:
        raise Fault("sheets are written in a clone of the book's repository; call this there") from None
    found = []
    try:
        text, book = sources.text(path), labels.book(chapters.ROOT, labels.numbered(path))
        for cell in jupytext.reads(text, fmt="md:myst").cells:
            code = cell.cell_type == "code"
            source = cell.source if code else colab.translate(cell.source, book, path)
            plain = nbformat.v4.new_code_cell if code else nbformat.v4.new_markdown_cell
            found.append(plain(source, metadata={"tags": cell.metadata.get("tags", [])}))
    except (sources.Fault, KeyError) as error:
        raise Fault(str(error) if isinstance(error, sources.Fault) else f"{path}: no label {error}") from None
    return found

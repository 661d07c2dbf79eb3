"""Where the solutions of a chapter lie: between {solution-start} and {solution-end}, which may span many cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode

from tools.sources import Fault

START = r"^(?P<ticks>`{3,})\{solution-start\} *(?P<label>\S+) *\n(?::[\w-]+:.*\n)*\s*?(?P=ticks) *$"
END = r"^(?P<close>`{3,})\{solution-end\} *\n(?P=close) *$"
BORDER = re.compile(rf"{START}|{END}", re.M)


def pieces(cells: Iterable[NotebookNode], where: object) -> Iterator[tuple[str | None, NotebookNode | str]]:
    """Every code cell and every stretch of Markdown, with the label of the exercise whose solution it belongs to.

    The two directives themselves are left out, and so is Markdown of blanks only.  Raises `Fault` for a solution that
    begins in another or never ends.
    """
    inside: str | None = None
    for cell in cells:
        if cell.cell_type != "markdown":
            yield inside, cell
            continue
        at = 0
        for border in BORDER.finditer(cell.source):
            yield from ((inside, text) for text in [cell.source[at : border.start()].strip("\n")] if text.strip())
            if bool(border["label"]) == bool(inside):
                raise Fault(f"{where}: solution of {border['label'] or 'nothing'}: begun in another, or ended twice")
            inside, at = border["label"], border.end()
        yield from ((inside, text) for text in [cell.source[at:].strip("\n")] if text.strip())
    if inside:
        raise Fault(f"{where}: solution of {inside}: begun and never ended; close it with {{solution-end}}")

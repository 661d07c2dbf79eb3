"""What stands on a folded cell, on the site, on Colab and in JupyterLab."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from tools.chapters import tagged


def label(cell: NotebookNode) -> str:
    """What stands on a cell whose code is folded away; nothing where it is open.

    The cell's own `code_prompt_show` (under `:mystnb:`) is for what these words do not fit.
    """
    options = cell.metadata.get("mystnb", {})
    if not (tagged(cell, "hide-input") or tagged(cell, "hide-cell")):
        return ""
    if "code_prompt_show" in options:
        return options["code_prompt_show"]
    if tagged(cell, "hide-cell"):
        return "what this page imports"
    if "figure" in options or re.search(r"\b(sliders|live)\.\w+\(", cell.source):
        return "how this figure was drawn"
    return "how this was weighed"


def on_the_site(cells: list[NotebookNode]) -> None:
    """Tell myst-nb the label of each folded cell."""
    for cell in cells:
        if words := label(cell):
            cell.metadata.setdefault("mystnb", {}).update(code_prompt_show=words, code_prompt_hide=words)


def in_a_notebook(cell: NotebookNode, words: str) -> None:
    """Colab shows the title of a form and hides its code; JupyterLab hides the code by a mark of its own."""
    cell.source = f"# @title {words}\n{cell.source}"
    cell.metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}

"""Sphinx extension: the library's plain docstrings as pages, names in backticks as links, and who uses what.

A docstring is plain text.  A block that is indented after an empty line is a formula or code, a line that begins with
a hyphen is an item of a list, and a name in backticks that the library knows becomes a link.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.names import Library

Link = Callable[[str], str | None]


def rst(lines: list[str], link: Link) -> list[str]:
    """The lines of a plain docstring as reStructuredText."""
    out: list[str] = []
    for block in blocks(lines):
        if block[0].startswith(">>>"):
            out += [*block, ""]
        elif block[0].startswith(" "):
            out += [".. code-block:: text", "", *block, ""]
        else:
            for item in re.split(r"\n(?=- )", "\n".join(block)):
                mark = "- " if item.startswith("- ") else ""
                out += [mark + inline(" ".join(item.removeprefix("- ").split()), link), ""]
    return out


def blocks(lines: list[str]) -> list[list[str]]:
    """Paragraphs with their lists, and blocks that are indented after an empty line or interactive."""
    found: list[list[str]] = []
    kind, empty = "", True
    for line in lines:
        if not line.strip():
            empty = True
            continue
        now = ">" if line.startswith(">>>") or (kind == ">" and not empty) else " " if line[0] == " " else "p"
        if now == " " and kind == "p" and not empty:
            now = "p"  # the second line of an item
        if now == kind and (not empty or kind == " "):
            found[-1] += ([""] if empty else []) + [line]
        else:
            found.append([line])
        kind, empty = now, False
    return found


def inline(text: str, link: Link) -> str:
    out = []
    for i, piece in enumerate(re.split(r"`([^`]+)`", text)):
        target = link(piece.split("(")[0]) if i % 2 else None
        plain = re.sub(r"([\\*_|])", r"\\\1", piece)
        markup = f":py:obj:`{piece} <{target}>`" if target else f"``{piece}``"
        out.append(f"\\ {markup}\\ " if i % 2 else plain)  # an escaped blank ends the word before and is not shown
    return "".join(out)


def resolve(name: str, place: str, known: Library) -> str | None:
    """What a name means in the docstring of `place`: a neighbour, then a module beside it, then one of the library."""
    parts = place.split(".")
    for k in range(len(parts), 0, -1):
        full = ".".join([*parts[:k], name])
        if full in known.documented or (full in known.modules and full != place):
            return full
    return name if name in known.documented or name in known.modules else None


def setup(app: Any) -> dict[str, bool]:
    data: dict[str, Any] = {}

    def read(app: Any) -> None:
        data.update(json.loads((Path(app.srcdir) / "reference.json").read_text(encoding="utf-8")))
        data["known"] = Library(data["modules"], set(data["others"]))

    def process(app: Any, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
        lines[:] = rst(lines, lambda word: resolve(word, name, data["known"]))
        if name in data["uses"]:
            lines += ["", "*Used in* " + ", ".join(f":doc:`/book/{c}`" for c in data["uses"][name]) + "."]

    def skip(app: Any, what: str, name: str, obj: object, skipped: bool, options: object) -> bool | None:
        return True if type(obj).__name__ in ("_tuplegetter", "module", "member_descriptor") else None

    def missing(app: Any, env: Any, node: Any, content: Any) -> Any:
        """Types of Python and torch have no page here: they stay plain."""
        target = node.get("reftarget", "")
        foreign = node.get("refdomain") == "py" and target not in data["known"].documented
        return content if foreign and target not in data["known"].modules else None

    app.connect("builder-inited", read)
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", missing)
    return {"parallel_read_safe": True}

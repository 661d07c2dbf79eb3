"""The parts of the book as _toc.yml lists them: `caption: 5 · NeuralRG flows` is part five, wherever it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools import chapters, sources

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Part:
    """A part: its number, its name and its pages, named without `book/`."""

    number: int
    name: str
    pages: tuple[str, ...]

    @property
    def word(self) -> str:
        return NUMBERS[self.number - 1]

    @property
    def folder(self) -> str:
        return self.pages[0].split("/")[0]


def parts(root: Path) -> list[Part]:
    """The numbered parts in order; raises `Fault` when two have one number."""
    found = []
    for entry in sources.settings(root / "_toc.yml").get("parts", []):
        match = re.fullmatch(r"(\d) · (.+)", entry.get("caption", ""))
        if match:
            pages = tuple(page["file"].removeprefix("book/") for page in entry["chapters"])
            found.append(Part(int(match[1]), match[2], pages))
    numbers = [part.number for part in found]
    if numbers != sorted(set(numbers)):
        raise sources.Fault(f"{root / '_toc.yml'}: parts are numbered {numbers}; number them in order, each once")
    return found


def contents(root: Path) -> str:
    """Markdown for the README: each part with its chapters, and under each riddle its topic."""
    lines = []
    for part in parts(root):
        lines += [f"\n**Part {part.word} · {part.name}**\n"]
        for i, page in enumerate(part.pages, 1):
            path = chapters.source(root, page)
            topic = chapters.topic(path)
            lines += [f"{i}. [{chapters.title(path)}](book/{page}.md)" + (f"  \n   {topic}" if topic else "")]
    return "\n".join(lines).strip() + "\n"

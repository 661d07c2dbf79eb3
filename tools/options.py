"""What `make book` may be told."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tools import chapters, sources


class Parser(argparse.ArgumentParser):
    """Says what is wrong without reciting its usage."""

    def error(self, message: str) -> NoReturn:
        print(message)
        sys.exit(2)


def of_a_run(about: str | None) -> Parser:
    """The options that `tools.execute` and `tools.site` share, as `make book` names them."""
    parser = Parser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chapter", help="only this one, e.g. lattice/phi4")
    parser.add_argument("--profile", default="quick", choices=["quick", "full"])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--root", type=Path, default=chapters.ROOT)
    return parser


def whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """The type of an option that counts something."""

    def number(text: str) -> int:
        if not re.fullmatch("[0-9]{1,19}", text) or not least <= int(text) <= most:
            above = "or more" if len(text) < 19 else f"to {most}"
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number, {least} {above}")
        return int(text)

    return number


def chapters_of(root: Path, chapter: str | None) -> list[str]:
    """All chapters, or the one that was asked for; raises `Fault` when there is none of that name."""
    known = chapters.chapters(root)
    if chapter is None:
        return known
    if chapter not in known:
        raise sources.Fault(f"no chapter {chapter!r}; _toc.yml has {', '.join(known)}")
    return [chapter]

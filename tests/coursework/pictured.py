"""A small class whose pages are looked at: long names and words, text that would be HTML, late work, pulls and bars."""

from __future__ import annotations

from pathlib import Path

import torch

from coursework import pages
from coursework.marking import Result
from coursework.pages import Graded

QUESTIONS = (("force", 2.0), ("trajectory", 3.0), ("estimate", 3.0), ("is_correct", 2.0))
SAID = "d = 1: the last term lacks its power: d/dphi of phi^k is k phi^(k-1); d = 3: shape (3, 3), expected (3, 3, 3)"
EVIL = "<script>document.title = 'evil'</script><img src=x onerror=\"document.title = 'evil'\">"
NAMES = (
    "ada", "Maria de los Ángeles Hernández-Fernández y Vizcaíno", "x" * 60, EVIL, "عائشة", "李明", "bob", "eve", "carl",
    "dora", "emil", "fritz",
)  # fmt: skip


def graded(name: str, seed: int, *, trusted: bool = False) -> Graded:
    """One student's marks."""
    rng = torch.Generator().manual_seed(seed)
    parts = torch.rand(len(QUESTIONS), generator=rng).tolist()
    r = Result(name, trusted=trusted, seconds=12.0)
    r.marks = {q: (round(of * (p > 0.3), 2), of, SAID if p < 0.6 else "right") for (q, of), p in zip(QUESTIONS, parts)}
    pulls = (1 + parts[0]) * torch.randn(32, generator=rng)
    r.items = {"estimate": [(float(z), 0.5 + parts[1] + 0.1 * i / 32) for i, z in enumerate(pulls)]}
    r.notes = [f"cell 3 raised ValueError: {EVIL}", "install commands are skipped when marked", "n" * 200]
    r.printed = f"{EVIL}\n" + "a long line " * 40 + "\n" + "y" * 300
    comments = [("force", -0.5, "the sign " + "z" * 120), ("", 1.0, EVIL)] if seed % 2 else []
    return Graded(r, 0.9 * r.total, r.total, "1 day late: 90 % of the points are left" if seed % 3 else "", comments)


def write(folder: Path) -> list[str]:
    """The pages: of two students, of one whose work could not be read, and of the class; their file names."""
    everybody = [graded(n, i, trusted=i == 1) for i, n in enumerate(NAMES)]
    empty = Result("nobody", marks={q: (0.0, of, "") for q, of in QUESTIONS}, notes=["nothing was handed in"])
    everybody.append(Graded(empty, 0.0, 0.0, "", []))
    groups = [["ada", NAMES[1]], ["bob", "eve", NAMES[2]]]
    found = {
        "honest.html": pages.feedback(everybody[0], "A machine of your own", 10),
        "trusted.html": pages.feedback(everybody[1], "A machine of your own", 10),
        "evil.html": pages.feedback(everybody[3], "A machine of your own", 10),
        "empty.html": pages.feedback(everybody[-1], "A machine of your own", 10),
        "class.html": pages.class_page(everybody, "A machine of your own", 10, groups, ["readme.txt", EVIL], 12),
        "nothing.html": pages.class_page([], "A machine of your own", 10, [], [], 0),
    }
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(found)

"""The last page of the part has a verdict for every system, with claims that are weighed, in the chapters' words."""

import re

from tools import chapters
from tools.chapters import ROOT

LAST = "transitions/diffusion"
VERDICTS = {"first order", "continuous", "crossover", "event in time", "none"}
PART = [name for name in chapters.chapters(ROOT) if name.startswith("transitions/")]


def text(name: str) -> str:
    return chapters.source(ROOT, name).read_text(encoding="utf-8")


def rows() -> list[tuple[str, str, str, list[str]]]:
    """(system, verdict, chapter, claims) of every row of the table."""
    found = []
    for system, verdict, evidence in re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text(LAST), re.M)[1:]:
        page = re.search(r"\{doc\}`/book/([\w/]+)`", evidence)
        claims = re.findall(r"`([\w-]+)`", re.sub(r"\{doc\}`[^`]*`", "", evidence))
        found.append((system, verdict, page[1] if page else LAST, claims))
    return found


def test_every_chapter_of_the_part_has_its_verdicts_on_the_last_page():
    assert PART[-1] == LAST and {chapter for _, _, chapter, _ in rows()} == set(PART)


def test_verdicts_are_the_five_and_their_evidence_is_weighed():
    for system, verdict, chapter, claims in rows():
        assert verdict in VERDICTS, system
        known = chapters.claims(chapters.read(chapters.source(ROOT, chapter)))
        assert set(claims) <= set(known), (system, set(claims) - set(known))


def test_a_chapter_says_the_same_as_the_table():
    """A chapter that gives a verdict gives it in italics; one that has none of its own words is told by the table."""
    for system, verdict, chapter, _ in rows():
        said = set(re.findall(r"\*(first order|continuous|crossover|event|none)s?(?: in time)?\*", text(chapter)))
        assert verdict.removesuffix(" in time") in said, (system, verdict, chapter, said)

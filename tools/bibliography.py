"""Sphinx extension: the book's list of references, `fieldkit`: labels that one can read, titles as their authors wrote
them with formulas set, and a link for every entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import HRef, Text
from pybtex.style.formatting.unsrt import Style as Unsorted
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.template import node, optional, sentence

from tools.labels import looked_up
from tools.search import readable


def people(entry: Entry) -> str:
    """Wolff; Montvay and Münster; Albergo et al."""
    persons = entry.persons.get("author") or entry.persons.get("editor", [])
    names = [" ".join(str(Text.from_latex(n)) for n in p.prelast_names + p.last_names) for p in persons]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


class Labels(BaseLabelStyle):
    """Wolff 1989a: author and year, with a letter where two would be the same."""

    def format_labels(self, sorted_entries: list[Entry]) -> Iterator[str]:
        plain = [f"{people(e)} {e.fields.get('year', '')}".strip() for e in sorted_entries]
        for i, label in enumerate(plain):
            yield label + (chr(97 + plain[:i].count(label)) if plain.count(label) > 1 else "")


@node
def found(children: Any, context: dict[str, Any]) -> HRef:
    return HRef(looked_up(context["entry"]), "find it")


@node
def titled(children: Any, context: dict[str, Any]) -> Text:
    """The title as its authors wrote it, with its formulas as plain text."""
    title = context["entry"].fields["title"]
    return Text.from_latex(re.sub(r"\$([^$]+)\$", lambda m: readable(m[1]), title))


class Style(Unsorted):
    default_label_style = "fieldkit"
    default_sorting_style = "author_year_title"

    def format_title(self, e: Entry, which_field: str, as_sentence: bool = True) -> Any:
        return sentence[titled()] if as_sentence else titled()

    def get_article_template(self, e: Entry) -> Any:
        """A preprint's number stands once, as its link."""
        preprint = e.fields["journal"].startswith("arXiv") and "eprint" in e.fields
        return self.get_misc_template(e) if preprint else super().get_article_template(e)

    def format_web_refs(self, e: Entry) -> Any:
        if {"doi", "eprint"} & set(e.fields.keys()):
            return sentence(sep=", ")[optional[self.format_eprint(e)], optional[self.format_doi(e)]]
        return sentence[self.format_url(e) if "url" in e.fields else found()]


def setup(app: Any) -> dict[str, bool]:
    register_plugin("pybtex.style.formatting", "fieldkit", Style, force=True)
    register_plugin("pybtex.style.labels", "fieldkit", Labels, force=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

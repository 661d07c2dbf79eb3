"""What the theme and its parts get wrong for people, mended in the built pages: pattern, replacement and reason."""

from __future__ import annotations

import html
import re

REPAIRS = [
    # The title above the menu lies outside of every landmark (axe: region).
    (
        r'<div class="sidebar-primary-item">(\s*<a class="navbar-brand)',
        r'<div class="sidebar-primary-item" role="navigation" aria-label="Home">\1',
    ),
    # A label that hides the text which is shown (axe: label-content-name-mismatch): the text is the better name.
    (r'(<button class="[^"]*search-button-field[^"]*"[^>]*?) aria-label="Search"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<i class="theme-switch [^>]*?) +title="[^"]*"', r"\1"),
    # Roles of docutils' bibliography: deprecated, and a list without items (axe: aria-required-children).
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
    # The search is the book's own: tools/search.py.
    (
        r'\s*<script src="_static/searchtools.js"></script>\s*<script src="_static/language_data.js"></script>\s*'
        r'<script src="searchindex.js"></script>',
        '\n  <script defer src="search-pages.js"></script>\n  <script defer src="search.js"></script>',
    ),
]


# A long signature is a list of definitions without terms (axe: definition-list).
SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.S)
PARAMETERS = {"<dl>": "<span>", "</dl>": "</span>", "<dd>": '<span class="fk-parameter">', "</dd>": "</span>"}


def repair(text: str) -> str:
    for pattern, replacement in REPAIRS:
        text = re.sub(pattern, replacement, text)
    return SIGNATURE.sub(lambda m: re.sub(r"</?d[ld]>", lambda tag: PARAMETERS[tag[0]], m[0]), text)


def door(front: dict[str, str], address: str) -> str:
    """The page at the root leads to the first; Jupyter Book's own has no name and no link."""
    title, about, first = html.escape(front["title"]), html.escape(front["about"]), front["url"]
    canonical = f'<link rel="canonical" href="{address}{first}">\n' if address else ""
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n{canonical}'
        f'<meta name="description" content="{about}">\n<link rel="icon" href="favicon.ico">\n'
        f'<meta http-equiv="refresh" content="0; url={first}">\n<a href="{first}">{title}</a>\n'
    )

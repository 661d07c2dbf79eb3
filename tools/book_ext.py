"""Sphinx extension of the book: the role {weighed}, and repairs of what the theme does to readers."""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

log = logging.getLogger(__name__)

# What the theme and its parts get wrong for people who use a screen reader: (pattern, replacement), with the reason.
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
    # The door that leads to the first page has no name and no link; without an icon browsers ask for /favicon.ico, and
    # going on to the page would break off the loading of any other.
    (
        r'\A<meta http-equiv="Refresh" content="0; url=(\S+?)" />\s*\Z',
        r'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Field Theory of Neural Networks</title>\n'
        r'<link rel="icon" href="data:,">\n<meta http-equiv="refresh" content="0; url=\1">\n'
        r'<a href="\1">Field Theory of Neural Networks</a>\n',
    ),
]


def weighed(name, rawtext, text, lineno, inliner, options=None, content=None):
    """{weighed}`name`: the measured value of a claim of this chapter, linked to the row where it is weighed."""
    env = inliner.document.settings.env
    chapter = env.docname.removeprefix("book/")
    value = env.app.weighed.get((chapter, text))
    if value is None:
        log.warning("no claim %r in %s", text, chapter, location=(env.docname, lineno))
        return [nodes.literal(text, text)], []
    return [nodes.reference(rawtext, value, internal=True, refid=f"claim-{text}")], []


def read_claims(app):
    records = json.loads((Path(app.srcdir) / "published" / "claims.json").read_text(encoding="utf-8"))
    app.weighed = {(r["chapter"], r["name"]): r["shown"] for r in records}


def repair_page(app, pagename, templatename, context, doctree):
    # sphinx-thebe adds its inline constants twice: "already been declared" on the console of every page.
    seen: set[str] = set()
    scripts = []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body") or ""
        if "THEBE_JS_URL" in body and body in seen:
            continue
        seen.add(body)
        scripts.append(script)
    context["script_files"] = scripts
    # The staged page is an executed notebook, but authors edit the text beside it.
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []) if isinstance(group, dict) else []:
            if "/edit/" in (button.get("url") or "") and button["url"].endswith(".ipynb"):
                button["url"] = button["url"].removesuffix(".ipynb") + ".md"


def repair_html(app, exception):
    if exception is None:
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            for pattern, replacement in REPAIRS:
                text = re.sub(pattern, replacement, text)
            path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", read_claims)
    app.connect("html-page-context", repair_page, priority=900)
    app.connect("build-finished", repair_html, priority=900)  # after the door is written
    app.add_role("weighed", weighed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

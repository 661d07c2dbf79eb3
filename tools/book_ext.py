"""Sphinx extension of the book: the role {weighed}, links to parts, and what every page tells about itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from fieldkit import significant
from tools import heads, links, repairs, search
from tools.names import Library

log = logging.getLogger(__name__)


def weighed(name, rawtext, text, lineno, inliner, options=None, content=None):
    """{weighed}`name`: the measured value of a claim of this chapter, linked to the row where it is weighed."""
    env = inliner.document.settings.env
    chapter = env.docname.removeprefix("book/")
    value = env.app.weighed.get((chapter, text))
    if value is None:
        log.warning("no claim %r in %s", text, chapter, location=(env.docname, lineno))
        return [nodes.literal(text, text)], []
    return [nodes.reference(rawtext, significant.powers(value), internal=True, refid=f"claim-{text}")], []


class Parts(SphinxPostTransform):
    """ "part three" in a sentence leads to the card of that part on the front page."""

    default_priority = 900

    def run(self, **_: Any) -> None:
        numbers = self.app.facts["parts"]
        if not numbers:
            return
        front = self.app.builder.get_relative_uri(self.env.docname, self.env.config.root_doc)
        words = re.compile(rf"\b([Pp]art ({'|'.join(numbers)}))\b")
        for paragraph in list(self.document.findall(nodes.paragraph)):
            for text in list(paragraph.findall(nodes.Text)):
                if isinstance(text.parent, nodes.reference | nodes.literal | nodes.math) or not words.search(text):
                    continue
                made, end = [], 0
                for match in words.finditer(text):
                    made.append(nodes.Text(text[end : match.start()]))
                    uri = f"{front}#part-{numbers[match[2]]}"
                    made.append(nodes.reference("", match[1], internal=True, refuri=uri))
                    end = match.end()
                text.parent.replace(text, [*made, nodes.Text(text[end:])])


def read(app):
    source = Path(app.srcdir)
    records = json.loads((source / "published" / "claims.json").read_text(encoding="utf-8"))
    app.weighed = {(r["chapter"], r["name"]): r["shown"] for r in records}
    app.facts = yaml.safe_load((source / "book.yml").read_text(encoding="utf-8"))
    app.library = json.loads((source / "reference.json").read_text(encoding="utf-8"))
    app.found = {}


def collect(app, tree, docname):
    """What the search looks through; before the page is written, so that its description is known."""
    title = next(iter(tree.findall(nodes.title)), None)
    topic = app.facts["topics"].get(docname, "")
    app.found[docname] = {
        "url": app.builder.get_target_uri(docname),
        "title": title.astext() if title is not None else docname,
        "kind": "chapter" if docname in app.facts["chapters"] else docname.split("/")[1],
        "topic": topic,
        "sections": search.sections(tree),
        "about": topic or search.first_words(tree),
    }


def finish(app, exception):
    """Mend and link the written pages; write the search's pages, the site map and the door."""
    if exception is not None:
        return
    out, address, pages = Path(app.outdir), app.config.html_baseurl, app.found
    known = Library(app.library["modules"], set(app.library["others"]))
    for path in out.rglob("*.html"):
        name = path.relative_to(out).as_posix().removesuffix(".html")
        text = heads.tooltips(repairs.repair(path.read_text(encoding="utf-8")), name, app.facts["topics"])
        if bound := app.library["aliases"].get(name.removeprefix("book/")):
            text = links.link(text, bound, known, "../" * (name.count("/") - 1) + "library")
        path.write_text(text, encoding="utf-8")
    (out / "search-pages.js").write_text(
        search.script([pages[name] for name in app.facts["order"] if name in pages]), encoding="utf-8"
    )
    (out / "searchindex.js").unlink(missing_ok=True)  # of Sphinx's own search
    (out / "index.html").write_text(repairs.door(pages[app.config.root_doc], address or ""), encoding="utf-8")
    if address:
        urls = "".join(f"<url><loc>{address}{page['url']}</loc></url>\n" for page in pages.values())
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        (out / "sitemap.xml").write_text(f"{head}{urls}</urlset>\n", encoding="utf-8")


def setup(app):
    app.connect("builder-inited", read)
    app.connect("doctree-resolved", collect, priority=900)
    app.connect("html-page-context", heads.tell, priority=900)
    app.connect("build-finished", finish, priority=900)  # after the door is written
    app.add_post_transform(Parts)
    app.add_role("weighed", weighed)
    return {"parallel_read_safe": True, "parallel_write_safe": False}

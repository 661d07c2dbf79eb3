"""The pages that the coursework writes, seen by a real browser: whole on a desktop and a phone, and nothing runs."""

from __future__ import annotations

import functools
import threading
from http.server import ThreadingHTTPServer

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.coursework import pictured
from tests.site.conftest import DESKTOP, PHONE, Quiet

PAGES = ("honest.html", "trusted.html", "evil.html", "empty.html", "class.html", "nothing.html")
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
# What goes on beyond the right edge, where nobody can scroll to it.
OUT = """[...document.querySelectorAll('main :is(p, li, td, th, h1, h2, svg)')]
    .filter(e => !e.closest('.wide, pre') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(e => e.outerHTML)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of a small class."""
    found = tmp_path_factory.mktemp("pages")
    assert tuple(pictured.write(found)) == PAGES
    return found


@pytest.fixture(scope="module")
def base(folder):
    """Where they are served, in place of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@SIZES
@SCHEMES
@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_whole_quiet_and_for_everybody(visit, path, size, scheme):
    page, faults = visit(path, size=size, scheme=scheme)
    assert faults == [] and page.title() != "evil"
    assert page.locator("script, main img, iframe, link").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.evaluate(OUT) == []
    violations = Axe().run(page).response["violations"]
    assert [f"{v['impact']} {v['id']}: {v['nodes'][0]['html'][:160]}" for v in violations] == []


@pytest.mark.parametrize("path", ["honest.html", "class.html"])
def test_every_picture_says_what_it_shows(visit, path):
    page, _ = visit(path)
    labels = page.evaluate("[...document.querySelectorAll('[role=img]')].map(e => e.getAttribute('aria-label'))")
    assert len(labels) == page.locator("svg").count() == 2 and all(len(label) > 30 for label in labels)


def test_a_script_that_came_through_would_not_run(visit, folder):
    """The second lock: were the escaping forgotten, the page's own policy stops what a stranger wrote."""
    text = (folder / "honest.html").read_text(encoding="utf-8").replace("<h1>", f"{pictured.EVIL}<h1>")
    (folder / "open.html").write_text(text, encoding="utf-8")
    page, faults = visit("open.html")
    assert page.title() != "evil" and any("Content Security Policy" in fault for fault in faults)

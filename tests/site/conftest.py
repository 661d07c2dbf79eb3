"""A web server on this machine and a headless Chromium; both end with the tests."""

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "site"
DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
# no first run, no update checks: the browser asks nobody but the test's own server
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def base() -> Iterator[str]:
    if not (SITE / "index.html").exists():
        pytest.exit("no site to test: run `make book` first", returncode=1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.exit("no Chromium on this machine: apt install chromium", returncode=1)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", *QUIET])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, base: str):
    """Open a page and give it back when its formulas are set, with everything that went wrong on the way."""
    contexts = []

    def open_page(path: str, *, size=DESKTOP, scheme="light") -> tuple[Page, list[str]]:
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=size is PHONE)
        contexts.append(context)
        page, faults = context.new_page(), []
        page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("requestfailed", lambda r: faults.append(f"failed: {r.url}"))
        page.on("response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: faults.append(f"off the host: {r.url}") if not r.url.startswith(own) else None)
        page.goto(f"{base}/{path}", wait_until="load")
        page.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
        return page, faults

    own = (base, "data:", "blob:")
    yield open_page
    for context in contexts:
        context.close()

"""Print the built site as one PDF, with Chromium: it sets the same formulas and figures as the page, links inside
the book stay links, and its bookmarks are the headings.  LaTeX would need a second version of every figure, claim row
and box.  The library's reference and the runs stay on the web.

python -m tools.pdf
"""

from __future__ import annotations

import functools
import html
import posixpath
import re
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urldefrag

from playwright.sync_api import sync_playwright

from tools import chapters, faults, options, parts, sources

NAME = "field-theory-of-neural-networks.pdf"
LEFT_OUT = ("book/runs",)
LINK = f'<p class="fk-pdf"><a href="../{NAME}">The whole book as a PDF</a>, made from this build.</p>'
FOOT = (
    '<div style="width:100%;font:8px sans-serif;text-align:center;color:#566170"><span class="pageNumber"></span></div>'
)
STYLE = """<style>
  body { background: white; } .fk-print article { break-before: page; max-width: none; padding: 0; }
  .fk-print article:first-child { break-before: auto; }
  .fk-part { break-before: page; padding-top: 40vh; text-align: center; }
  .fk-strip, .fk-pdf { display: none; }
</style>"""


def article(site: Path, page: str, pages: list[str], address: str) -> str:
    """The text of a page, with its anchors named after it and its links leading inside the book or to the web."""
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    body = text.partition('<article class="bd-article">')[2].partition("</article>")[0]
    here = pages.index(page)
    body = re.sub(r'(\sid=")(?!slider-)([^"]+)"', rf'\g<1>p{here}-\2"', body)

    def follow(match: re.Match[str]) -> str:
        if re.match(r"[a-z]+:", match[2]):
            return match[0]
        file, anchor = urldefrag(match[2])
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), file)) if file else f"{page}.html"
        name = target.removesuffix(".html")
        if match[1] != ' href="':
            return f'{match[1]}{target}"'
        if name in pages:
            return f' href="#p{pages.index(name)}{"-" + anchor if anchor else ""}"'
        return f' href="{address}{target}{"#" + anchor if anchor else ""}"'

    body = re.sub(r'(\s(?:href|src)=")([^"]*)"', follow, body)
    return f'<article class="bd-article" id="p{here}">{body}</article>'


def combined(root: Path, site: Path) -> str:
    """One page that holds the book in the order of its parts."""
    pages = [page for page in chapters.pages(root) if page not in LEFT_OUT and (site / f"{page}.html").exists()]
    head = (site / f"{pages[0]}.html").read_text(encoding="utf-8").partition("<head>")[2].partition("</head>")[0]
    head = re.sub(r'((?:href|src)=")\.\./', r"\1", head)
    first = {f"book/{part.pages[0]}": part for part in parts.parts(root)}
    body = []
    for page in pages:
        if part := first.get(page):
            body.append(f'<div class="fk-part"><h1>Part {part.word}<br>{html.escape(part.name)}</h1></div>')
        body.append(article(site, page, pages, sources.address(root)))
    return (
        f'<!doctype html><html lang="en" data-theme="light" data-content_root="./"><head>{head}{STYLE}</head>'
        f'<body><main class="fk-print bd-content">{"".join(body)}</main></body></html>'
    )


def write(site: Path, page: str) -> None:
    (site / "print.html").write_text(page, encoding="utf-8")
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise sources.Fault("make pdf prints with Chromium; install it first: sudo apt install chromium")
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            tab = browser.new_page(viewport={"width": 900, "height": 1200})
            tab.set_default_timeout(600_000)
            tab.goto(f"http://127.0.0.1:{server.server_port}/print.html", wait_until="load")
            tab.wait_for_function("MathJax.startup.promise.then(() => true)")
            tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            tab.evaluate("Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")
            tab.pdf(
                path=site / NAME, format="A4", print_background=True, outline=True, tagged=True,
                display_header_footer=True, header_template="<span></span>", footer_template=FOOT,
                margin={"top": "18mm", "bottom": "18mm", "left": "20mm", "right": "20mm"},
            )  # fmt: skip
            browser.close()
    finally:
        server.shutdown()
        (site / "print.html").unlink()


def main() -> int:
    arguments = options.Parser(description=__doc__)
    arguments.add_argument("--root", type=Path, default=chapters.ROOT)
    given = arguments.parse_args()
    site = given.root.resolve() / "_build" / "site"
    front = site / "book" / "index.html"
    if not front.exists():
        raise sources.Fault("no site to print: run `make book` first")
    write(site, combined(given.root, site))
    text = front.read_text(encoding="utf-8")
    front.write_text(text.replace("<!-- pdf -->", LINK), encoding="utf-8")
    print(site / NAME, f"{(site / NAME).stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    faults.end(main)

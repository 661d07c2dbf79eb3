"""A reader finds the page, the claim, the function and the book, with a browser, a phone, a printer or a crawler."""

import json
import re
from urllib.parse import quote

import pytest

from tests.site.conftest import ROOT, SITE
from tools import chapters, literature, names, parts, sources

CHAPTERS = chapters.chapters(ROOT)
FRONT = "book/index.html"
RECORDS = json.loads((SITE / "claims.json").read_text(encoding="utf-8"))

# What one might look for, and the page that must come first.
QUERIES = {
    "Ising": ("lattice/critical_slowing", "neuralrg/drawing"),
    "NTK": ("propagation/kernels",),
    "HMC": ("lattice/phi4",),
    "edge of chaos": ("propagation/twins",),
    "RealNVP": ("neuralrg/drawing",),
    "normalizing flow": ("neuralrg/drawing", "neuralrg/backwards"),
    "normalising flows": ("neuralrg/drawing", "neuralrg/backwards"),
    "Hubbard–Stratonovich": ("neuralrg/drawing", "propagation/noise"),
    "hubbard-stratonovich": ("neuralrg/drawing", "propagation/noise"),
    "error bar": ("lattice/errors",),
    "orthogonal initialisation": ("propagation/backpropagation",),
    "orthogonal initialization": ("propagation/backpropagation",),
    "propagator": ("lattice/free_field",),
}


def test_the_search_finds_the_right_page_first_and_says_why(visit):
    page, faults = visit("search.html?q=propagator")
    for query, wanted in QUERIES.items():
        page.goto(f"{page.url.split('?')[0]}?q={quote(query)}", wait_until="load")
        page.wait_for_selector("#search-results li a")
        first = page.locator("#search-results li").first
        assert first.locator("a").first.get_attribute("href") in [f"book/{name}.html" for name in wanted], query
        said = page.locator("#search-results li p").all_inner_texts()
        assert all(len(text) > 20 for text in said)
        assert not re.search(r"\\[a-z]+|\$|\{", " ".join(said)), query  # no source of formulas
        assert page.locator("#search-results mark").count()
    page.goto(f"{page.url.split('?')[0]}?q=xyzzy", wait_until="load")
    assert "Nothing found" in page.locator("#search-results [role=status]").inner_text()
    assert faults == []


def test_claims_are_shown_by_part_kind_and_pull_and_sorted(visit):
    page, _ = visit("book/claims.html")
    rows = page.locator("#fk-claims tr[data-kind]:visible")
    records = [r for r in RECORDS if r["kind"] != "published"]
    assert rows.count() == len(records)
    page.locator("label", has_text=re.compile(r"^Pull beyond")).locator("select").select_option("1")
    assert rows.count() == sum(abs(r["pull"]) >= 1 for r in records)
    page.locator("label", has_text=re.compile(r"^Kind")).locator("select").select_option("statistical")
    assert rows.count() == sum(abs(r["pull"]) >= 1 and r["kind"] == "statistical" for r in records)
    part = parts.parts(ROOT)[0]
    page.locator("label", has_text=re.compile(r"^Part")).locator("select").select_option(
        f"part {part.number} · {part.name}"
    )
    inside = [r for r in records if abs(r["pull"]) >= 1 and r["kind"] == "statistical" and r["chapter"] in part.pages]
    assert rows.count() == len(inside)
    assert page.locator(".fk-controls [role=status]").inner_text() == f"{len(inside)} of {len(records)} claims"
    page.locator("label", has_text=re.compile(r"^Sorted by")).locator("select").select_option("pull")
    pulls = [abs(float(row.get_attribute("data-pull") or "nan")) for row in rows.all()]
    assert pulls == sorted(pulls, reverse=True) and len(pulls) == len(inside)
    page.locator("label", has_text=re.compile(r"^Sorted by")).locator("select").select_option("")
    assert page.locator("#fk-claims .fk-group:visible").count() == len({r["chapter"] for r in inside})


def test_printed_numbers_are_shown_by_part_and_verdict(visit):
    page, _ = visit("book/ledger.html")
    records = [r for r in RECORDS if r["kind"] == "published"]
    rows = page.locator("#fk-published tr[data-kind]:visible")
    assert rows.count() == len(records) >= 50
    page.locator("label", has_text=re.compile(r"^Verdict")).locator("select").select_option("disagrees")
    wrong = [r for r in records if r["verdict"] == "disagrees"]
    assert rows.count() == len(wrong) > 0
    part = parts.parts(ROOT)[1]
    page.locator("label", has_text=re.compile(r"^Part")).locator("select").select_option(
        f"part {part.number} · {part.name}"
    )
    assert rows.count() == sum(r["about"] in part.pages for r in wrong) > 0


def test_a_chapter_and_the_printed_numbers_about_it_lead_to_each_other():
    ledger = (SITE / "book" / "ledger.html").read_text(encoding="utf-8")
    for chapter in {r["about"] for r in RECORDS if r["kind"] == "published"}:
        page = (SITE / "book" / f"{chapter}.html").read_text(encoding="utf-8")
        name = re.search(r'href="\.\./ledger\.html#(claim-[\w-]+)">\d+ in print', page)[1]
        assert f'id="{name}"' in ledger and f'href="{chapter}.html"' in ledger


def test_on_a_phone_a_claim_is_a_card_that_names_its_columns(visit):
    page, _ = visit("book/claims.html", size={"width": 390, "height": 844})
    cell = page.locator("#fk-claims tr[data-kind] td").nth(2)
    assert cell.evaluate("e => getComputedStyle(e, '::before').content") == '"measured"'
    assert cell.evaluate("e => e.getBoundingClientRect().right") <= 390


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_name_of_the_library_in_visible_code_leads_to_its_entry(chapter):
    known = names.library(ROOT)
    nb = chapters.read(chapters.source(ROOT, chapter))
    bound = names.aliases(nb)
    nb.cells = [c for c in nb.cells if not any(chapters.tagged(c, tag) for tag in ("remove-cell", "remove-input"))]
    used = names.used(nb, known, bound)
    page = (SITE / "book" / f"{chapter}.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'class="fk-code" href="[^"#]+#([^"]+)"', page))
    assert used and set(used) <= linked


def test_the_reference_shows_every_public_name_with_signature_and_use():
    known = names.library(ROOT)
    pages = {p.stem: p.read_text(encoding="utf-8") for p in (SITE / "book" / "library").glob("*.html")}
    anchors = {page: set(re.findall(r'\sid="(fieldkit[^"]*|module-[^"]*)"', text)) for page, text in pages.items()}
    for module in known.modules:
        assert f"module-{module}" in anchors[known.page(module)], module
    missing = [name for name in known.documented if name not in anchors[known.page(name)]]
    assert missing == []
    text = re.sub(r"<[^>]+>", "", pages["lattice"])
    assert re.search(r"sample\(\s*n: int,\s*L: int,\s*d: int,\s*\*,\s*mass2: float,\s*rng", text)
    assert "Used in What does a field look like when nothing acts on it?" in re.sub(r"\s+", " ", text)
    order = re.findall(r'<section id="module-fieldkit\.lattice\.(\w+)"', pages["lattice"])
    assert order.index("free") < order.index("phi4") < order.index("hmc") < order.index("layers")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_topic_stands_under_the_title_in_the_sidebar_and_on_the_front_page(chapter):
    topic = chapters.topic(chapters.source(ROOT, chapter))
    plain = topic.replace("&", "&amp;")
    page = (SITE / "book" / f"{chapter}.html").read_text(encoding="utf-8")
    assert len(topic) > 40 and f'<p class="fk-topic">{plain}</p>' in page
    front = (SITE / FRONT).read_text(encoding="utf-8")
    assert f'href="{chapter}.html" title="' in front
    assert f'<span class="fk-about">{plain}</span>' in front or chapter == literature.NAME  # which is of no part


def test_parts_have_their_numbers_wherever_they_are_named():
    front = (SITE / FRONT).read_text(encoding="utf-8")
    for part in parts.parts(ROOT):
        assert f"{part.number} · {part.name}" in front and f'id="part-{part.number}"' in front
        page = (SITE / "book" / f"{part.pages[0]}.html").read_text(encoding="utf-8")
        assert f'<a href="../index.html#part-{part.number}">part {part.number}</a>' in page


def test_pages_say_what_they_are_to_search_engines_and_where_they_are_linked():
    home = sources.address(ROOT)
    urls = re.findall(r"<loc>(.*?)</loc>", (SITE / "sitemap.xml").read_text(encoding="utf-8"))
    for page in chapters.pages(ROOT):
        text = (SITE / f"{page}.html").read_text(encoding="utf-8")
        assert f'<link rel="canonical" href="{home}{page}.html"' in text and f"{home}{page}.html" in urls
        assert len(re.findall(r'<meta name="description" content="[^"]{40,}">', text)) == 1, page
        assert f'<meta property="og:image" content="{home}social.png">' in text
    assert (SITE / "social.png").read_bytes()[:4] == b"\x89PNG" and (SITE / "favicon.ico").stat().st_size
    assert home in (SITE / "404.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_notebook_can_be_taken_home(chapter):
    page = (SITE / "book" / f"{chapter}.html").read_text(encoding="utf-8")
    assert f'href="{chapter.split("/")[-1]}.ipynb"' in page
    assert (SITE / "book" / f"{chapter}.ipynb").read_bytes() == (ROOT / "book" / f"{chapter}.ipynb").read_bytes()


def test_every_reference_has_a_link_and_no_source_of_formulas():
    page = (SITE / "book" / "references.html").read_text(encoding="utf-8")
    entries = re.findall(r'<div class="citation".*?</div>', page, re.S)
    assert len(entries) > 50
    for entry in entries:
        assert 'class="reference external" href="http' in entry
        assert "$" not in re.sub(r"<[^>]+>", "", entry)
        assert re.search(r"\[</span>[^<]* \d{4}[a-z]?<", entry), entry[:200]


def test_the_front_page_weighs_at_most_3_6_megabytes(visit, base, browser):
    context = browser.new_context()
    page, sizes = context.new_page(), []
    page.on("response", lambda r: sizes.append(len(r.body())) if r.ok else None)
    page.goto(f"{base}/{FRONT}", wait_until="networkidle")
    assert sum(sizes) <= 3_600_000
    context.close()


def test_paper_is_dark_on_white_and_nothing_on_it_is_still_fading_in(visit):
    page, _ = visit(f"book/{CHAPTERS[0]}.html", scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(theme) == "light"
    faint = """() => [...document.querySelectorAll('.bd-article details *')].filter(e => e.getClientRects().length
      && (getComputedStyle(e).animationName !== 'none' || getComputedStyle(e).opacity < 1)).map(e => e.outerHTML)"""
    assert page.evaluate(faint) == []
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"


def test_paper_shows_what_is_folded_three_states_of_a_slider_and_all_of_the_code(visit):
    path = next(p for p in CHAPTERS if 'class="fk-slider"' in (SITE / "book" / f"{p}.html").read_text(encoding="utf-8"))
    page, _ = visit(f"book/{path}.html")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for slider in page.locator(".fk-slider").all():
        assert slider.locator(".fk-states img:visible").count() == 3
        assert not slider.locator("input").is_visible()
    assert page.evaluate("[...document.querySelectorAll('.bd-article details')].every(d => d.open)")
    wide = "[...document.querySelectorAll('.bd-article pre')].filter(p => p.scrollWidth > p.clientWidth + 1).length"
    assert page.evaluate(wide) == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator(".fk-states").count() == 0

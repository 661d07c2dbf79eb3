"""What each page tells about itself: its description, what a link to it shows, its buttons, tooltips of the sidebar."""

from __future__ import annotations

import html
import re
from pathlib import Path


def tell(app, pagename, templatename, context, doctree):
    """A page's description and what a link to it shows; its buttons."""
    page = app.found.get(pagename)
    address = app.config.html_baseurl
    if page:
        facts = {"og:type": "article", "og:title": page["title"], "og:description": page["about"]}
        facts |= {"og:site_name": app.config.project} if app.config.project else {}
        if address:
            facts |= {"og:url": f"{address}{page['url']}", "og:image": f"{address}social.png"}
        named = {"description": page["about"], "twitter:card": "summary_large_image"}
        tags = [f'<meta name="{k}" content="{html.escape(v)}">' for k, v in named.items()]
        tags += [f'<meta property="{k}" content="{html.escape(v)}">' for k, v in facts.items()]
        context["metatags"] = context.get("metatags", "") + "\n".join(["", *tags, ""])
    # sphinx-thebe adds its inline constants twice: "already been declared" on the console of every page.
    # A page without a formula, such as the first, does not wait for what sets them.
    plain = not re.search(r'class="[^"]*(math\b|mathjax_process)', context.get("body") or "")
    seen: set[str] = set()
    scripts = []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body") or ""
        if "THEBE_JS_URL" in body and body in seen:
            continue
        if plain and ("mathjax" in str(getattr(script, "filename", "")) or body.startswith("window.MathJax")):
            continue
        seen.add(body)
        scripts.append(script)
    context["script_files"] = scripts
    # The staged page is an executed notebook, but authors edit the text beside it, and readers take the plain one home.
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []) if isinstance(group, dict) else []:
            if "/edit/" in (button.get("url") or "") and button["url"].endswith(".ipynb"):
                button["url"] = button["url"].removesuffix(".ipynb") + ".md"
    if page and page["kind"] == "chapter" and (Path(app.srcdir) / "published" / f"{pagename}.ipynb").exists():
        context["header_buttons"].append({
            "type": "link", "url": f"{pagename.rpartition('/')[2]}.ipynb", "tooltip": "Download this notebook",
            "icon": "fas fa-download", "label": "download-notebook-button",
        })  # fmt: skip


def tooltips(text: str, page: str, topics: dict[str, str]) -> str:
    """A chapter's topic as the tooltip of its line in the sidebar."""

    def put(match: re.Match[str]) -> str:
        parts = page.split("/")[:-1]
        target = match[2].removesuffix(".html").split("/")
        up = target.count("..")
        name = page if match[2] == "#" else "/".join([*parts[: len(parts) - up], *target[up:]])
        return f'{match[1]} title="{html.escape(topics[name])}"{match[3]}' if name in topics else match[0]

    return re.sub(r'(<li class="toctree-l1[^"]*"><a class="[^"]*reference internal" href="([^"]+)")(>)', put, text)

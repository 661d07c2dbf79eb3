"""MyST to the plain Markdown that Colab shows: one way, and only the directives and roles that a chapter may use.

Folded boxes become `<details>`, citations author-year links, labels the numbers that the site gives them.
Anything else raises.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools import chapters, sources
from tools.labels import EQUATION, Book, cited, place

FENCE = re.compile(r"^(?P<ticks>`{3,})\{(?P<name>[\w:-]+)\} *(?P<title>.*)$")
OPTION = re.compile(r"^:([\w-]+): *(.*)$")
INLINE = re.compile(
    r"(?P<code>^ *(?P<fence>`{3,}).*?^ *(?P=fence)`* *$)"
    r"|\{(?P<role>[A-Za-z][\w:.-]*)\}`(?P<body>[^`]+)`|(?P<span>(?P<tick>`+)(?!`).*?(?<!`)(?P=tick)(?!`))",
    re.M | re.S,
)
FOREIGN = re.compile(r"^ *:{3,}.*|^\([\w:-]+\)= *$|^%.*|\{\{.*?\}\}|\[\^[^\]]+\]|\]\((?!https?://)[^)]*\)", re.M)


def translate(text: str, book: Book, path: Path) -> str:
    """Plain Markdown of a cell of the chapter at `path`; raises `Fault` where it knows no form."""
    return inline(blocks(text.split("\n"), book, path), book, path)


def unknown(what: str, path: Path, book: Book) -> sources.Fault:
    text = sources.text(path)
    line = text.count("\n", 0, max(text.find(what), 0)) + 1
    where = f"{place(path, book)}:{line}"
    return sources.Fault(f"{where}: {what.strip()!r} has no plain form for Colab; tools/colab.py knows what has")


def blocks(lines: list[str], book: Book, path: Path) -> str:
    out: list[str] = []
    i = 0
    while i < len(lines):
        match = FENCE.match(lines[i])
        if not match:
            plain = re.match(r"^ *(`{3,})", lines[i])
            end = closing(lines, i, plain[1]) if plain else i
            out += lines[i : end + 1]
            i = end + 1
            continue
        end = closing(lines, i, match["ticks"])
        body, options = lines[i + 1 : end], {}
        while body and (option := OPTION.match(body[0])):
            options[option[1]] = option[2]
            body = body[1:]
        out += directive(
            match["name"], match["title"], options, blocks(body, book, path).strip("\n"), lines[i], book, path
        )
        i = end + 1
    return "\n".join(out)


def closing(lines: list[str], start: int, ticks: str) -> int:
    ends = (j for j in range(start + 1, len(lines)) if re.fullmatch(rf" *`{{{len(ticks)},}} *", lines[j]))
    return next(ends, len(lines) - 1)


def directive(
    name: str, title: str, options: dict[str, str], body: str, line: str, book: Book, path: Path
) -> list[str]:
    if name == "exercise":
        number = book.numbers.get(options.get("label", ""), "")
        return [f"#### Exercise {number}: {title}".replace(" :", ":"), "", body]
    if name not in ("admonition", "hint", "note", "solution"):
        raise unknown(line, path, book)
    heading = title if name == "admonition" else name.capitalize()
    if name == "solution":
        heading = f"Solution to exercise {book.numbers.get(title.strip(), '')}"
    if "dropdown" in options.get("class", "").split():
        return folded(heading, body).split("\n")
    return [f"> {row}".rstrip() for row in [f"**{heading}.**", "", *body.split("\n")]]


def folded(heading: str, body: str) -> str:
    """A box that opens; boxes may stand in boxes."""
    return f"<details><summary>{heading}</summary>\n\n{body}\n\n</details>"


def inline(text: str, book: Book, path: Path) -> str:
    def put(match: re.Match[str]) -> str:
        return match[0] if match["role"] is None else role(match["role"], match["body"], match[0], book, path)

    foreign = FOREIGN.search(INLINE.sub("", text))
    if foreign:
        raise unknown(foreign[0], path, book)
    text = EQUATION.sub(lambda m: f"{m['indent']}$${m['tex'].rstrip()} \\tag{{{book.numbers[m['label']]}}}\n$$", text)
    return INLINE.sub(put, text)


def role(name: str, body: str, raw: str, book: Book, path: Path) -> str:
    shown, _, target = body.rpartition("<")
    target, shown = target.removesuffix(">").strip(), shown.strip()
    if name in ("cite:t", "cite:p"):
        links = [cited(key.strip(), name == "cite:t", book, path) for key in body.split(",")]
        return ", ".join(links) if name == "cite:t" else f"({'; '.join(links)})"
    if name == "term":
        return shown or target
    if name == "weighed":
        return "(printed below)"
    if name == "doc":
        page = target.lstrip("/") if target.startswith("/") else place(path.parent / target, book).as_posix()
        source = book.root / f"{page}.md"
        words = shown or (chapters.title(source) if source.exists() else page)
        return f"[{words}]({book.colab}/{page}.ipynb)" if chapters.is_chapter(source) else f"*{words}*"
    if name in ("numref", "eq") and target in book.numbers:
        number = book.numbers[target]
        if name == "eq":
            return f"({number})"
        return shown.replace("%s", number).replace("{number}", number) if shown else f"Fig. {number}"
    raise unknown(raw, path, book)

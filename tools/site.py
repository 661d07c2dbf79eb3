"""Build the site from the executed chapters, or a preview of one; the last good one stays until the new is complete.

python -m tools.site [--chapter lattice/phi4] [--profile full] [--device cuda] [--seed 1]
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tools import cache, chapters, faults, folds, ledger, options, pages, preview, sources, turns


def stage(root: Path, book: list[ledger.Chapter]) -> Path:
    """The source tree that Sphinx reads: the text pages, with each chapter replaced by its executed notebook."""
    to = root / "_build" / "stage"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root / "book", to / "book", ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints"))
    shutil.copytree(root / "book" / "_static", to / "_static")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(root / name, to)
    (to / "extensions").mkdir()
    shutil.copy(chapters.ROOT / "tools" / "book_ext.py", to / "extensions")
    (to / "published").mkdir()
    (to / "published" / "claims.json").write_text(ledger.records(book), encoding="utf-8")
    pages.histogram(book, to / "book" / "pulls.svg")
    fill(to, "index", "pulls", pages.figure(book, "pulls.svg"))
    fill(to, "claims", "claims", pages.claims_page(book))
    fill(to, "runs", "runs", pages.runs_page(book))
    titles = {name: chapters.title(chapters.source(root, name)) for name in chapters.chapters(root)}
    for done in book:
        head, _, rest = done.nb.cells[0].source.partition("\n")
        done.nb.cells[0].source = f"{head}\n\n{pages.strip(done, titles)}\n{rest}"
        folds.on_the_site(done.nb.cells)
        (to / "book" / f"{done.name}.ipynb").write_text(nbformat.writes(done.nb, version=4), encoding="utf-8")
        (to / "book" / f"{done.name}.md").unlink()
    return to


def fill(to: Path, page: str, marker: str, text: str) -> None:
    path, line = to / "book" / f"{page}.md", f"<!-- {marker} -->"
    source = path.read_text(encoding="utf-8")
    if line not in source:
        raise sources.Fault(f"book/{page}.md: the line {line} is missing, where the build puts what it measured")
    path.write_text(source.replace(line, text), encoding="utf-8")


def digest(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    parts = [p.relative_to(folder).as_posix().encode() + b"\0" + p.read_bytes() for p in files]
    return hashlib.sha256(b"\0".join([*parts, (chapters.ROOT / "constraints.txt").read_bytes()])).hexdigest()


def sphinx(root: Path, source: Path) -> list[str]:
    """Build from nothing (a page that Sphinx keeps from before hides its warnings); return the warnings and errors."""
    aside, log = root / "_build" / "sphinx", root / "_build" / "site.log"
    shutil.rmtree(aside, ignore_errors=True)
    program = "from jupyter_book.cli.main import main; main()"
    command = ["-c", program, "build", "-W", "-n", "--keep-going", str(source), "--path-output", str(aside)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": os.environ | {"PYTHONUTF8": "1"}}
    done = subprocess.run([sys.executable, *command], **quiet, encoding="utf-8")
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    log.write_text(text, encoding="utf-8")
    if done.returncode == 0:
        return []
    lines = [line.strip() for line in text.splitlines() if re.search(r"WARNING|ERROR|[Ee]rror:", line)]
    return [readable(line, source) for line in dict.fromkeys(lines)] or text.splitlines()[-15:]


def readable(line: str, source: Path) -> str:
    """Name the author's file, and the cell instead of the staged notebook's artificial line number."""
    line = line.replace(f"{source}/", "")
    return re.sub(r"\.ipynb:(\d+)", lambda m: f".md (cell {int(m[1]) // 10000})", line)


def publish(root: Path, source: Path, site: Path) -> list[str]:
    """Build the staged pages and put them in the place of `site`; return what went wrong, and then leave it alone."""
    key, html, old = digest(source), root / "_build" / "sphinx" / "_build" / "html", site.with_suffix(".old")
    if (site / ".key").exists() and (site / ".key").read_text(encoding="utf-8") == key:
        print(f"{site.name} unchanged")
        return []
    if lines := sphinx(root, source):
        return lines
    (html / ".key").write_text(key, encoding="utf-8")
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    html.rename(site)
    shutil.rmtree(old, ignore_errors=True)
    return []


def report(book: list[ledger.Chapter], site: Path) -> None:
    print(f"\n{'chapter':<28}{'seconds':>9}{'claims':>9}{'worst pull':>13}")
    for done in book:
        print(f"{done.name:<28}{done.run['seconds']['wall']:>9.0f}{len(done.claims):>9}{done.worst:>13}")
    print(f"\n{ledger.summary(book)[0]}\n{site / 'index.html'}")


def build(run: cache.Run, chapter: str | None) -> int:
    """Judge the executed chapters, then build and publish the site, or the preview of one page."""
    root, site = run.root, run.root / "_build" / ("preview" if chapter else "site")
    found = {name: cache.executed(name, run) for name in options.chapters_of(root, chapter)}
    book = [ledger.chapter(root, n, cache.read(p)) for n, p in found.items() if p.exists()]
    lines = [line for done in book for line in ledger.faults(done)]
    lines += [f"book/{n}.md: no current run (run: make book)" for n, path in found.items() if not path.exists()]
    if not chapter:
        written = {page: (root / f"{page}.md").exists() for page in chapters.pages(root)}
        lines += [f"{page}.md: in _toc.yml but not written" for page, there in written.items() if not there]
    try:
        if not lines:
            source = stage(root, book)
            if chapter:
                preview.trim(root, source, chapter)
            lines = publish(root, source, site)
    except faults.Fault as fault:
        lines = [str(fault)]
    if lines:
        kept = f"; the last good {site.name} is untouched" if site.exists() else ""
        print(*lines, f"the {site.name} was not built{kept}", sep="\n")
        return 1
    if chapter:
        preview.report(book[0], site)
    else:
        report(book, site)
    return 0


def main() -> int:
    given = options.of_a_run(__doc__).parse_args()
    run = cache.Run(given.root.resolve(), given.profile, given.device, given.seed)
    with turns.turn(run.root / "_build"):
        return build(run, given.chapter)


if __name__ == "__main__":
    faults.end(main)

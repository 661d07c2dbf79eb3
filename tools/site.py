"""Build the site from the executed chapters, or a preview of one; the last good one stays until the new is complete.

python -m tools.site [--chapter lattice/phi4] [--profile full] [--device cuda] [--seed 1]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools import cache, chapters, faults, ledger, options, preview, stage, turns


def sphinx(root: Path, source: Path) -> list[str]:
    """Build from nothing (a page that Sphinx keeps from before hides its warnings); return the warnings and errors."""
    aside, log = root / "_build" / "sphinx", root / "_build" / "site.log"
    shutil.rmtree(aside, ignore_errors=True)
    program = "from jupyter_book.cli.main import main; main()"
    command = ["-c", program, "build", "-W", "-n", "--keep-going", str(source), "--path-output", str(aside)]
    paths = {"PYTHONPATH": f"{root}{os.pathsep}{chapters.ROOT}", "PYTHONUTF8": "1", "MPLBACKEND": "Agg"}
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": os.environ | paths}
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
    key, html, old = stage.digest(source), root / "_build" / "sphinx" / "_build" / "html", site.with_suffix(".old")
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
            source = stage.stage(root, book)
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

"""What goes wrong in a build stops it with one clear line, and never costs a good site or a finished chapter."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import torch
import yaml

from tests.book.conftest import TOC, cheap, write, write_result
from tools import cache, execute, faults, kernel, ledger
from tools.chapters import ROOT


def edit(root: Path, old: str, new: str, page: str = "part/one") -> None:
    path = root / "book" / f"{page}.md"
    assert path.read_text(encoding="utf-8").count(old) == 1
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_second_build_executes_nothing_and_leaves_the_site_alone(built, tool):
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = tool("execute", built)
    assert ran.stdout.count("unchanged") == 2 and "started" not in ran.stdout
    assert "site unchanged" in tool("site", built).stdout
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert end.ru_utime - start.ru_utime < 20  # of the processor: how busy the machine is does not matter


def test_the_site_shows_what_was_measured(good):
    records = json.loads((good / "_build" / "site" / "claims.json").read_text(encoding="utf-8"))
    assert [(r["chapter"], r["name"], r["kind"]) for r in records] == [
        ("part/one", "mean", "statistical"),
        ("part/two", "mean", "statistical"),
    ]
    page = (good / "_build" / "site" / "book" / "part" / "one.html").read_text(encoding="utf-8")
    assert records[0]["shown"] in page and 'id="claim-mean"' in page and "fk-strip" in page
    assert "google.colab" not in page and "stamped by" not in page
    assert 'id="claim-part-one-mean"' in (good / "_build" / "site" / "book" / "claims.html").read_text(encoding="utf-8")
    assert "2 claims weighed" in (good / "_build" / "site" / "book" / "index.html").read_text(encoding="utf-8")


def test_the_page_folds_its_solutions_and_tells_what_is_folded(good):
    page = (good / "_build" / "site" / "book" / "part" / "one.html").read_text(encoding="utf-8")
    main = page[page.index("<article") : page.index("</article>")]
    for label in ("what this page imports", "how this was weighed", "how this figure was drawn", "by hand"):
        assert main.count(f">{label}<") == 2  # shown when closed, and when open
    solution = re.search(r'<div class="solution dropdown admonition"(.*?)And now the text goes on', main, re.S)[1]
    assert "Twice nothing is nothing" in solution and "✓ twice" in solution and "Solution" in solution
    assert "fk-ask" in main[: main.index("Twice nothing is nothing")]
    nested = re.search(r'<div class="dropdown prediction admonition">(.*?)<div class="dropdown admonition">(.*?)</div>',
                       main, re.S)  # fmt: skip
    records = json.loads((good / "_build" / "site" / "claims.json").read_text(encoding="utf-8"))
    assert "How far off" in nested[1] and records[0]["shown"] in nested[2]


def test_the_source_tree_is_only_read(good):
    found = {p.name for p in good.iterdir()}
    assert found == {"_build", "_config.yml", "_toc.yml", "book", "fieldkit", "pyproject.toml", "requirements.txt",
                     "constraints.txt"}  # fmt: skip
    assert {p.suffix for p in (good / "book" / "part").iterdir()} == {".md", ".ipynb"}


@pytest.fixture(scope="module")
def failing(tmp_path_factory, tool) -> tuple[Path, str]:
    """A book in which every chapter ends badly, and what its build says."""
    root = tmp_path_factory.mktemp("failing") / "book"
    write(root)
    names = ["raises", "bare", "killed", "aborted", "full", "nan"]
    toc = TOC | {"parts": [{"chapters": [{"file": f"book/part/{name}"} for name in names]}]}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    cheap(root, "raises", "1 / 0")
    cheap(root, "bare", "1", "assert 1 == 2")
    cheap(root, "killed", "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
    cheap(root, "aborted", "import os\n\nos.write(2, b'Assertion failed: x > 0\\n')", "os.abort()")
    cheap(root, "full", "1")
    weigh = "ledger.weigh('a', '{measured}', estimates.Estimate(float('nan'), 1.0), 0.0, source='x')"
    cheap(root, "nan", f"from fieldkit import claims, estimates\n\nledger = claims.Ledger(device='cpu')\n{weigh}")
    disk = cache.executed("part/full", cache.Run(root)).with_suffix(".part.ipynb")
    disk.parent.mkdir(parents=True)
    disk.symlink_to("/dev/full")
    done = tool("execute", root)
    assert done.returncode == 1
    return root, done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "book/part/raises.md: cell 3: ZeroDivisionError: division by zero",
        "book/part/bare.md: cell 4: AssertionError: no message",
        "book/part/killed.md: cell 4: its kernel was killed, most often because memory ran out; close other programs, "
        "or run fewer at a time: JOBS=1",
        "book/part/aborted.md: cell 4: its kernel was killed, most often because memory ran out; close other programs, "
        "or run fewer at a time: JOBS=1; its last words: Assertion failed: x > 0",
        'book/part/nan.md: cell 3: ValueError: claim "a": nan with error = 1.0; a measurement without an error bar '
        "cannot be weighed.",
    ],
)
def test_a_chapter_that_ends_badly_says_where(failing, line):
    assert line in failing[1].splitlines(), failing[1]


def test_what_a_kernel_says_at_its_end_is_not_the_builds(book, tool):
    cheap(book, "one", "import atexit, os\n\natexit.register(lambda: os.write(2, b'Assertion failed: x > 0\\n'))")
    done = tool("execute", book, "--chapter", "part/one")
    assert done.returncode == 0 and [row.split()[2] for row in done.stdout.splitlines()] == ["started", "finished"]


def finishes_and_dies(chapter, run, *_):
    write_result(run.root, chapter)
    os.abort()


def test_a_process_that_dies_after_its_chapter_has_finished_is_no_fault(book, monkeypatch):
    monkeypatch.setattr(kernel, "execute", finishes_and_dies)
    assert execute.run_all(["part/one"], cache.Run(book), 1) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_a_full_disk_is_one_line(failing):
    root, said = failing
    lines = [line for line in said.splitlines() if "book/part/full.md" in line]
    assert len(lines) == 1 and "the disk is full; free some space and run it again" in lines[0], said


def test_what_a_chapter_claims_and_draws_is_judged_before_the_site_is_built(built, tool):
    edit(built, "estimates.mean(x)", "estimates.Estimate(5.0, 1.0)")
    edit(built, ':  image:\n:    alt: "A point with an error bar on a horizontal line."\n', "")
    loop = 'other = ledger\nfor _ in range(2):\n    other.weigh("loop", "", measured, 5.0, source="x")\n'
    never = 'if False:\n    ledger.check("never", "", 1, 1, tolerance=1, source="x")\n'
    edit(built, 'ledger.weigh("mean"', f'{loop}{never}ledger.weigh("mean"')
    edit(built, "twice=2 * 0", "twice=1")
    edit(built, "twice=2 * 0", "twice=...", page="part/two")
    before = {p: p.read_bytes() for p in (built / "_build" / "site").rglob("*.html")}
    assert tool("execute", built).returncode == 0
    done = tool("site", built)
    assert done.returncode == 1
    assert set(done.stdout.splitlines()) == {
        "book/part/one.md: exercise ex-one: the page's own twice is wrong",
        "book/part/one.md: exercise ex-one: no solution passes the whole check",
        "book/part/two.md: exercise ex-two: no solution passes the whole check",
        "book/part/one.md: claim mean: |pull| = 5.00 > 4 (5.0(1.0) against 0)",
        "book/part/one.md: claim never: stated but not weighed",
        "book/part/one.md: claim loop: weighed, but no cell says ledger.weigh, weigh_curve, check or published with "
        "this name",
        "book/part/one.md: claim loop: weighed 2 times; a name stands for one sentence",
        "book/part/one.md: figure fig-one: no alt text",
        "the site was not built; the last good site is untouched",
    }
    assert {p: p.read_bytes() for p in (built / "_build" / "site").rglob("*.html")} == before


def test_one_chapter_of_a_fresh_clone_ends_in_a_preview_of_its_page(good, book, tool):
    edit(book, "You draw", "As {numref}`fig-two` and {eq}`eq-two` of {doc}`/book/part/two` say, you draw")
    edit(book, "  needs: []", "  needs: []\n  made: for a preview")
    assert tool("execute", book, "--chapter", "part/one").returncode == 0
    done = tool("site", book, "--chapter", "part/one")
    page = book / "_build" / "preview" / "book" / "part" / "one.html"
    pull = json.loads((good / "_build" / "site" / "claims.json").read_text(encoding="utf-8"))[0]["pull"]
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, str(page)), done.stdout
    assert f"pull {pull:+.2f}" in done.stdout and "part/two" not in done.stdout
    text = page.read_text(encoding="utf-8")
    assert "Fig. 2.1" in text and 'href="two.html' in text and "(2.1)" in text and 'id="claim-mean"' in text
    assert "shows" in (page.parent / "two.html").read_text(encoding="utf-8") and not (book / "_build" / "site").exists()
    assert "preview unchanged" in tool("site", book, "--chapter", "part/one").stdout


def test_an_undefined_reference_and_a_number_that_was_never_weighed(built, tool):
    edit(built, "You draw", "As {numref}`fig-nowhere` says, you draw")
    edit(built, "find {weighed}`mean`", "find {weighed}`median`")
    assert tool("execute", built).returncode == 0
    for attempt in ("first", "second"):  # Sphinx forgets the warnings of a page that it has built once
        done = tool("site", built)
        assert done.returncode == 1, attempt
        for word in ("fig-nowhere", "no claim 'median' in part/one"):
            said = [row for row in done.stdout.splitlines() if word in row]
            assert said and said[0].startswith("book/part/one.md"), done.stdout


def test_a_page_that_is_not_written(built, tool):
    (built / "book" / "runs.md").unlink()
    done = tool("site", built)
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "book/runs.md: in _toc.yml but not written")


@pytest.mark.parametrize("error", [None, 0.0, float("nan")])
def test_a_claim_without_an_error_bar(error):
    claim = {"name": "mean", "kind": "statistical", "bar": True, "pull": 0.0, "error": error}
    claim |= {"shown": "0", "shown_truth": "0"}
    done = ledger.Chapter("part/one", "", {"cells": []}, {}, [claim])  # type: ignore[arg-type]
    assert ledger.poor_claims(done) == [f"claim mean: no error bar (error = {error})"]


def test_the_key_of_a_run_knows_all_that_it_depends_on(book):
    run = cache.Run(book)
    others = [cache.Run(book, seed=1), cache.Run(book, "full"), cache.Run(book, device="cpu")]
    keys = {cache.key("part/one", r) for r in [run, *others]}
    for path in ("fieldkit/estimates.py", "requirements.txt", "constraints.txt", "book/part/one.md"):
        with (book / path).open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        keys.add(cache.key("part/one", run))
    assert len(keys) == 8
    same = cache.key("part/one", run)
    with (book / "book" / "part" / "two.md").open("a", encoding="utf-8") as file:
        file.write("\nchanged\n")
    assert cache.key("part/one", run) == same


def processes_of(root: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(root).encode() in path.read_bytes():
                found.append((path.parent / "cmdline").read_text(encoding="utf-8").replace("\0", " "))
        except OSError:  # it has ended, or is not ours
            continue
    return found


def until(condition, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for left kernels in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_build_goes_on_where_it_was(book, tool, how):
    cheap(book, "one", "1")
    cheap(book, "two", "import pathlib, time\n\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.1)")
    run = cache.Run(book)
    command = [sys.executable, "-m", "tools.execute", "--root", str(book), "--jobs", "2"]
    build = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scratch = book / "_build" / "scratch" / "part" / cache.executed("part/two", run).stem
    until(lambda: cache.executed("part/one", run).exists() and scratch.exists())
    os.kill(build.pid, how)
    build.wait(timeout=300)
    until(lambda: not processes_of(book), 60)
    (scratch / "go").touch()
    again = tool("execute", book)
    assert again.returncode == 0
    words = [row.split()[1:3] for row in again.stdout.splitlines() if " cells, " not in row]
    assert words == [["part/one", "unchanged"], ["part/two", "started"], ["part/two", "finished"]]


SLIPS = [  # what an author does, and the one line that answers
    ("measured = estimates.mean(x)", "measured = = 3", "cell 4: SyntaxError in its line 1: invalid syntax"),
    ("measured = estimates", 'ledger.check("mean", "", 1, 1)\nmeasured = estimates', "claim mean: named twice"),
    ('ledger.weigh("mean"', 'name = "mean"\nledger.weigh(name', "a claim's name must be a literal string"),
    ("  needs: []", "  needs: part/two", "needs: part/two in the header is no list"),
    ("  needs: []", "  needs: [", "one.md: the header or a cell's options are not YAML"),
    ("  needs: []", "  needs:", "'needs' in the header has no value"),
]


@pytest.mark.parametrize(("old", "new", "line"), SLIPS)
def test_a_slip_of_the_pen_is_seen_before_anything_runs(book, tool, old, new, line):
    edit(book, old, new)
    done = tool("execute", book)
    assert done.returncode == 1 and "started" not in done.stdout
    assert len(done.stdout.splitlines()) == 1 and line in done.stdout and "one.md: " in done.stdout


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--seed", "abc"), "'abc' is no whole number, 0 or more"),
        (("--seed", "1" + 23 * "0"), "is no whole number, 0 to 9223372036854775807"),
        (("--seed", "²"), "'²' is no whole number, 0 or more"),
        (("--jobs", "0"), "'0' is no whole number, 1 or more"),
        (("--profile", "quik"), "'quik' (choose from 'quick', 'full')"),
        (("--device", "gpu"), "'gpu' (choose from 'auto', 'cpu', 'cuda')"),
        (("--chapter", "part/nine"), "no chapter 'part/nine'; _toc.yml has part/one, part/two"),
        (("--chapter", "part/one part/two"), "no chapter 'part/one part/two'"),
    ],
)
def test_a_wrong_option_of_make_book_is_answered_in_one_line(book, tool, options, line):
    done = tool("execute", book, *options)
    assert done.returncode in (1, 2) and len(done.stdout.splitlines()) == 1 and line in done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_started_on_one(book, tool):
    done = tool("execute", book, "--device", "cuda")
    assert (done.returncode, done.stdout) == (
        1, "DEVICE=cuda: torch sees no GPU here; use DEVICE=auto or DEVICE=cpu\n",
    )  # fmt: skip


def test_other_line_ends_and_a_byte_order_mark_change_nothing(built, tool):
    for name, change in (("one", lambda b: b.replace(b"\n", b"\r\n")), ("two", lambda b: b"\xef\xbb\xbf" + b)):
        path = built / "book" / "part" / f"{name}.md"
        path.write_bytes(change(path.read_bytes()))
    assert tool("pairs", built, "--check").returncode == 0
    assert tool("execute", built).stdout.count("unchanged") == 2


@pytest.mark.parametrize("damage", ['{"cells": [', "[]", "{}", '"x"', "", b"\xff\xfe", "no record", "folder"])
def test_a_damaged_result_is_deleted_and_run_again(tmp_path, damage):
    path = tmp_path / "one-0123456789abcdef.ipynb"
    if damage == "folder":
        (path / "inside").mkdir(parents=True)
    elif damage == "no record":
        nbformat.write(nbformat.v4.new_notebook(), path)
    else:
        path.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    if damage == "{}":
        with pytest.raises(faults.Fault, match="damaged, and deleted; run make book again"):
            cache.read(path)
    assert not cache.finished(path) and not path.exists()


def test_a_result_cut_short_is_run_again(book, tool):
    cheap(book, "one", "1")
    result = cache.executed("part/one", cache.Run(book))
    result.parent.mkdir(parents=True)
    result.write_text('{"cells": [', encoding="utf-8")
    result.with_suffix(".part.ipynb").write_text('{"cells": [', encoding="utf-8")  # of a killed build
    assert tool("execute", book, "--chapter", "part/one").returncode == 0
    assert cache.finished(result)


@pytest.mark.parametrize(
    ("name", "damage", "line"),
    [
        ("_toc.yml", "root: [", "not YAML"),
        ("_toc.yml", "format: jb-book\n", "no line `root: book/index`"),
        ("_toc.yml", "root: book/index\nchapters: [{file: book/index}]\n", "book/index is listed twice"),
        ("_config.yml", "title: x\n", "repository needs url and branch"),
        ("book/part/one.md", b"\xff", "one.md: byte 0 is no UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(book, tool, name, damage, line):
    (book / name).write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    done = tool("pairs", book, "--check")
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 1 and line in done.stdout, done.stdout

"""What make passes on and what it refuses, seen with a pretend Python that only says what it was asked."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.book.conftest import cheap, write, write_result
from tools import faults, install, sources, turns
from tools.chapters import ROOT

ECHO = '#!/bin/sh\n[ "$1" = -I ] && exit\nenv | grep -E "^(PYTHON|PIP_)" | grep -E "=mine$" 1>&2\necho "$@"\n'


@pytest.fixture
def make(tmp_path):
    """make(...) in a folder whose .venv is a script that prints its arguments, and says what it was not to inherit."""
    for name in ("Makefile", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(ECHO, encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        command = ["make", "--no-print-directory", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=kept | environment, capture_output=True, encoding="utf-8")

    return run


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


def test_options_reach_the_tools_whatever_they_contain(make):
    done = make("book", "CHAPTER=it's $$(a) part", "SEED=7", "JOBS=2")
    first, second = done.stdout.splitlines()
    assert first == "-m tools.execute --profile quick --device auto --seed 7 --chapter it's $(a) part --jobs 2"
    assert second == "-m tools.site --profile quick --device auto --seed 7 --chapter it's $(a) part"


@pytest.mark.parametrize("option", ["CHAPTERS=", "CHAPTERS=lattice/phi4", "seed=3", "JOB=2"])
def test_a_misspelt_option_is_answered_in_one_line(make, option):
    done = make("book", option)
    assert done.returncode and done.stdout == "" and len(done.stderr.splitlines()) == 1
    options = "PROFILE DEVICE SEED JOBS CHAPTER COURSE ASSIGNMENT PYTHON"
    assert f"{option.split('=')[0]}= is no option; there are {options}" in done.stderr


def test_nobodys_private_python_gets_in(make):
    private = dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONOPTIMIZE", "PIP_TARGET"), "mine")
    done = make("book", **private)
    assert (done.returncode, done.stderr) == (0, "")


def test_site_test_says_that_there_is_no_site_yet(make):
    done = make("site-test")
    assert done.returncode and done.stdout == "there is no site to walk yet; build it first: make book\n"


def test_an_old_python_is_refused_in_one_line(make, tmp_path):
    (tmp_path / ".venv" / ".ready").unlink()
    done = make("book", "PYTHON=false")
    assert done.returncode and done.stdout.startswith("the book needs Python 3.11 or later; install python3.11")


@pytest.mark.parametrize("name", ["tools", "tests", "benchmarks"])
def test_a_foreign_module_of_the_same_name_does_not_win(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("raise SystemExit('foreign')", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, env=environment)
    assert done.returncode == 0


def test_a_second_build_says_so_and_waits_for_its_turn(tmp_path, capfd):
    with turns.turn(tmp_path):
        other = threading.Thread(target=lambda: turns.turn(tmp_path).__enter__())
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(10)
    assert not other.is_alive()
    said = capfd.readouterr().out
    assert said == f"another build is at work here (process {os.getpid()}); this one waits for its turn\n"


@pytest.mark.parametrize(("name", "goes_on"), [("execute", "unchanged"), ("site", "no current run")])
def test_both_tools_wait_for_their_turn(book, tool, name, goes_on):
    write_result(book, "part/one")
    importlib.import_module(f"tools.{name}")  # which takes longer than the other build below
    lock = turns.turn(book / "_build")
    lock.__enter__()
    threading.Timer(0.5, lock.__exit__, (None, None, None)).start()
    chapter = ["--chapter", "part/one"] if name == "execute" else []
    first, *rest = tool(name, book, *chapter).stdout.splitlines()
    assert first.startswith("another build is at work here") and goes_on in " ".join(rest)


def test_an_install_that_is_current_does_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    for name in install.LISTS:
        (tmp_path / name).touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv" / ".ready").touch()
    assert install.main() == 0 and capsys.readouterr().out == ""


def test_an_install_without_room_says_how_much_it_needs(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 0, 10**9))
    assert install.main() == 1
    assert capsys.readouterr().out.startswith("1.0 GB free in ") and not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "put it where you may write"),
        (errno.EACCES, "put it where you may write"),
        (errno.EEXIST, "run make clean"),
        (errno.ENOTDIR, "run make clean"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line(number, words):
    line = faults.of_the_disk(OSError(number, os.strerror(number), "a/file"))
    assert line.startswith("a/file: ") and words in line and "\n" not in line


def test_something_in_the_way_of_the_build_is_one_line(book, tool):
    (book / "_build").write_text("not a folder", encoding="utf-8")
    done = tool("execute", book)
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1)
    assert "_build: File exists; something else lies where the build writes" in done.stdout


def elsewhere(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """tools.execute in a process and an environment of its own."""
    command = [sys.executable, "-m", "tools.execute", "--root", str(root), "--jobs", "1", "--chapter", "part/one"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LC_")}
    return subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, encoding="utf-8")


def test_a_machine_without_git_and_without_utf_8_keeps_its_runs(book, monkeypatch):
    cheap(book, "one", "print('ε → 0')")
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = elsewhere(book, PATH=str(book / "nothing"), **plain)
    assert (done.returncode, done.stderr) == (0, "") and "finished" in done.stdout
    (result,) = (book / "_build" / "executed" / "part").glob("one-*.ipynb")
    assert "ε → 0" in result.read_text(encoding="utf-8")
    monkeypatch.setenv("PATH", str(book / "nothing"))
    assert sources.commit(ROOT) == "-"


def test_a_copy_that_may_only_be_read_is_one_line():
    """As an ordinary user: root may write everywhere."""
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    here = {"cwd": ROOT, "capture_output": True, "encoding": "utf-8", **user}
    try:
        readable = subprocess.run([sys.executable, "-c", "import tools.options"], **here).returncode == 0
    except PermissionError:
        readable = False
    if not readable:
        pytest.skip("an ordinary user can read neither this checkout nor this Python")
    with tempfile.TemporaryDirectory() as folder:
        write(root := Path(folder) / "book")
        root.chmod(0o555)
        Path(folder).chmod(0o755)
        done = subprocess.run([sys.executable, "-m", "tools.execute", "--root", root], **here)
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1), done
    assert "_build: Permission denied; the book is built inside its own folder: put it where you may" in done.stdout

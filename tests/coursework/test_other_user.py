"""The walls as an ordinary user has them, where this suite itself runs as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coursework import cage

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "61234"  # owns nothing
KINDS = [
    "hostile_cell and environment",
    pytest.param("hostile_cell and (daemon or kill or shm) or os._exit or trust", marks=pytest.mark.hostile),
]


def opened(*paths: Path) -> list[str]:
    """bubblewrap's options for a root in which these can be read by all: a folder above one that is closed to others,
    as /root is, becomes an empty one that is open."""
    found: list[str] = []
    for path in paths:
        closed = [p for p in reversed(path.parents) if not p.stat().st_mode & 0o001]
        if closed:
            below = [p for p in reversed(path.parents) if closed[0] in p.parents]
            found += [] if str(closed[0]) in found else ["--perms", "0755", "--tmpfs", str(closed[0])]
            for p in below:
                found += ["--perms", "0755", "--dir", str(p)]
            found += ["--ro-bind", str(path), str(path)]
    return found


def as_another(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A command of a user who owns nothing but his home, without this one's environment."""
    needed = dict.fromkeys([ROOT, Path(sys.prefix).resolve(), Path(sys.executable).resolve().parents[1]])
    root = ["bwrap", "--dev-bind", "/", "/", *opened(*needed), "--"]
    drop = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs", "--"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.run([*root, *drop, *command], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.skipif(os.geteuid() != 0, reason="not root: the suite itself is the test")
@pytest.mark.skipif(bool(cage.missing()), reason="no sandbox on this machine")
def test_hostile_notebooks_end_as_well_when_an_ordinary_user_marks(kinds):
    home = Path("/tmp") / f"coursework-user-{os.getpid()}"  # pytest's own folders are closed to others
    home.mkdir()
    os.chown(home, int(NOBODY), int(NOBODY))
    try:
        tried = as_another(sys.executable, "-c", "from coursework import cage; print(cage.missing())", home=home)
        if tried.stdout.strip():
            pytest.skip(f"an ordinary user has no sandbox on this machine: {tried.stdout.splitlines()[0]}")
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--basetemp", str(home / "pytest")]
        done = as_another(sys.executable, *tests, "tests/coursework/test_hostile.py", "-k", kinds, home=home)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        assert "passed" in done.stdout and "skipped" not in done.stdout, done.stdout[-500:]
    finally:
        shutil.rmtree(home)

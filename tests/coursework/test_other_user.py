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
KINDS = "hostile_cell and (environment or daemon or kill) or os._exit or trust"


def as_another(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A command of a user who owns nothing but his home, without this one's environment."""
    drop = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs", "--"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.run([*drop, *command], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: the suite itself is the test")
@pytest.mark.skipif(bool(cage.missing()), reason="no sandbox on this machine")
def test_hostile_notebooks_end_as_well_when_an_ordinary_user_marks():
    home = Path("/tmp") / f"coursework-user-{os.getpid()}"  # pytest's own folders are closed to others
    home.mkdir()
    os.chown(home, int(NOBODY), int(NOBODY))
    try:
        seen = "import os, sys, torch; assert os.access(os.path.realpath(sys.executable), os.X_OK)"
        if as_another(sys.executable, "-c", seen, home=home).returncode:
            pytest.skip(f"{sys.executable} lies in a folder that is closed to other users")
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--basetemp", str(home / "pytest")]
        done = as_another(sys.executable, *tests, "tests/coursework/test_hostile.py", "-k", KINDS, home=home)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        assert "passed" in done.stdout and "skipped" not in done.stdout, done.stdout[-500:]
    finally:
        shutil.rmtree(home)

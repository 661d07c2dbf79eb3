"""What a student has on Colab: the package without the repository, and the sheet's last cell."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.coursework import asking

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = """
import fieldkit, sys
from coursework import assignments
from fieldkit import exercises
for name in assignments.ORDER:
    assert assignments.find(name).TASKS
assert exercises.questions("ex-phi4-first")
assert sys.prefix in fieldkit.__file__, fieldkit.__file__
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The Python of an environment of its own into which the package, built from a copy of this tree, is installed;
    torch and the others are this environment's, as they are Colab's there."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("fieldkit", "coursework"):
        shutil.copytree(ROOT / name, folder / "tree" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text"):
        shutil.copy(ROOT / name, folder / "tree" / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(folder / "tree")]
    done = subprocess.run([*build, "--no-build-isolation"], capture_output=True, encoding="utf-8")
    if done.returncode and subprocess.run(build, capture_output=True).returncode:
        pytest.skip(f"no wheel can be built here: {done.stderr.strip().splitlines()[-1:]}")
    (wheel,) = folder.glob("*.whl")
    assert not [n for n in zipfile.ZipFile(wheel).namelist() if n.startswith(("tests/", "tools/", "book/"))]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "own")], check=True)
    (site,) = (folder / "own" / "lib").glob("python3*/site-packages")
    (site / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    put = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(put, check=True)
    return folder / "own" / "bin" / "python"


def ran(python: Path, program: str, folder: Path) -> str:
    """What it prints, far from the repository."""
    done = subprocess.run(
        [str(python), "-P", "-c", program], cwd=folder, capture_output=True, encoding="utf-8",
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_assignments_and_exercises_come_with_the_package(installed, tmp_path):
    ran(installed, IMPORTED, tmp_path)


def test_the_last_cell_rehearses_from_the_package_alone(installed, tmp_path):
    cells = asking.cells("rg/blocking")
    program = "\n\n".join([*cells, 'from coursework.rehearsal import rehearse\nrehearse("rg/blocking")'])
    last = ran(installed, program, tmp_path).splitlines()[-1]
    assert last.startswith("in all") and "10.00 / 10" in last


def test_it_rehearses_where_signals_are_few_as_on_windows(installed, tmp_path):
    program = "import signal\ndel signal.SIGKILL, signal.SIGXCPU, signal.SIGALRM\nimport coursework.rehearsal"
    ran(installed, program, tmp_path)

"""Make .venv and bring it up to the requirements.  It runs on the system's own Python, before anything is installed.

python3.11 tools/install.py
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # and not the folder tools, whose site.py would stand before the standard library's

from tools import faults, turns  # noqa: E402

VENV = ROOT / ".venv"
GIGABYTES = 2.5  # what the packages take, with room for their unpacking
LISTS = ("requirements.txt", "constraints.txt")


def whole() -> bool:
    """Whether .venv is complete: a half made one, or one whose Python is gone, is made anew."""
    if not (VENV / ".ready").exists():
        return False
    asked = subprocess.run([VENV / "bin" / "python", "-I", "-c", "import pip"], capture_output=True)
    return asked.returncode == 0


def current() -> bool:
    made = (VENV / ".ready").stat().st_mtime
    return all((ROOT / name).stat().st_mtime <= made for name in LISTS)


def main() -> int:
    with turns.turn(ROOT / "_build", "lock-of-venv"):
        if whole() and current():  # another make has just done it
            return 0
        if not whole():
            free = shutil.disk_usage(ROOT).free / 1e9
            if free < GIGABYTES:
                print(f"{free:.1f} GB free in {ROOT}: the packages need {GIGABYTES} GB; free some, or clone elsewhere")
                return 1
            shutil.rmtree(VENV, ignore_errors=True)
            if subprocess.run([sys.executable, "-m", "venv", VENV]).returncode:
                print("this Python makes no virtual environments; on Debian: sudo apt install python3-venv")
                return 1
        print("installing requirements.txt into .venv (a few minutes)", flush=True)
        pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if code := subprocess.run([*pip, "-r", LISTS[0], "-c", LISTS[1]], cwd=ROOT).returncode:
            return code
        (VENV / ".ready").touch()
    return 0


if __name__ == "__main__":
    faults.end(main)

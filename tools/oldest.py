"""Run the library's laws with the oldest packages that pyproject.toml allows, in .venv-oldest.

python3.11 tools/oldest.py [options of pytest]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-oldest"
TOOLS = ["pytest", "pytest-xdist", "hypothesis"]
LEFT_OUT = ["book/*", "site/*", "*/mutants/*", "mutation.py", "test_mutants.py"]  # they need the book's own packages


def bounds() -> list[str]:
    """What the library declares, each at its lower bound."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    return [name.replace(">=", "==") for name in declared]


def main() -> int:
    wanted, stamp = "\n".join(bounds() + TOOLS), VENV / "installed.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        print("installing into .venv-oldest:", *bounds(), flush=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", *bounds(), *TOOLS], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    ignored = [f"--ignore-glob=tests/{path}" for path in LEFT_OUT]
    command = [VENV / "bin" / "python", "-m", "pytest", "-n", "2", *ignored, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())

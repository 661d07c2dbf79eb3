"""The files that authors write, as they meant them, and what is said when one cannot be read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tools.faults import Fault


def text(path: Path) -> str:
    """A page or a settings file as its author sees it: UTF-8, whatever editor saved it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Fault(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise Fault(f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8") from None


def settings(path: Path) -> dict[str, Any]:
    """A YAML file, such as _toc.yml."""
    try:
        found = yaml.safe_load(text(path))
    except yaml.YAMLError as error:
        raise Fault(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise Fault(f"{path}: expected names with values")
    return found


def repository(root: Path) -> dict[str, Any]:
    """The book's address in _config.yml: url and branch."""
    found = settings(root / "_config.yml").get("repository")
    if not isinstance(found, dict) or not {"url", "branch"} <= found.keys():
        raise Fault(f"{root / '_config.yml'}: repository needs url and branch, the book's address")
    return found


def address(root: Path) -> str:
    """Where the site is published, with a slash at its end: the repository's GitHub pages; empty for another host."""
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)/?", repository(root)["url"])
    return f"https://{match[1].lower()}.github.io/{match[2]}/" if match else ""


def commit(root: Path) -> str:
    """The commit that is checked out at `root`; "-" for a copy without its history, or on a machine without git."""
    if shutil.which("git") is None:
        return "-"
    git = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, encoding="utf-8")
    return git.stdout.strip() if git.returncode == 0 else "-"

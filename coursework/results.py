"""What has been marked already?  One small file for each student, written whole or not at all.

Marks depend on the handed-in bytes, the secret, the assignment and the code of marker and library; their digest
stands in the file.  A run that was killed goes on with those missing, and a changed notebook is marked anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from functools import cache
from pathlib import Path

import fieldkit
from coursework.marking import Result

HERE = Path(__file__).resolve().parent


@cache
def code() -> str:
    """A digest of every file that a mark may depend on."""
    found = hashlib.sha256()
    for root in (HERE, Path(fieldkit.__file__).resolve().parent):
        for path in sorted(root.rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def digest(*parts: bytes) -> str:
    """Of the parts and the code."""
    found = hashlib.sha256(code().encode())
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def save(path: Path, result: Result, digested: str) -> None:
    """Aside, then renamed over the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.urandom(6).hex()}.part")
    aside.write_text(json.dumps({"digest": digested, **dataclasses.asdict(result)}), encoding="utf-8")
    os.replace(aside, path)


def load(path: Path, digested: str | None = None) -> Result | None:
    """What `save` wrote, if it is there, whole, and of this digest (any, if not given)."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if digested is not None and found.pop("digest") != digested:
            return None
        found.pop("digest", None)
        found["marks"] = {k: (float(p), float(of), str(said)) for k, (p, of, said) in found["marks"].items()}
        found["items"] = {k: [(float(z), float(b)) for z, b in rows] for k, rows in found["items"].items()}
        return Result(**found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

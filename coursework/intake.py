"""What was handed in?  Files from strangers, read without trust: plain files only, so many bytes, only text.

A notebook is read as JSON with limits; nothing depends on its cell ids, its tags, its metadata or its name.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES, MOST_CELLS, MOST_CODE, MOST_MEMBERS = 20 << 20, 400, 200_000, 1000
INSTALLS = re.compile(r"\s*(%\s*(pip|conda)\b|!\s*(pip|apt|apt-get|conda)\b|%%(bash|sh|script)\b)")


class Refused(ValueError):
    """One line for the student: what is wrong with the file, and what to hand in instead."""


@dataclass(frozen=True)
class Notebook:
    """The code cells in their order, and what was left out of them."""

    cells: list[str]
    warnings: list[str]


def read(path: Path) -> Notebook:
    """The code cells of a notebook, or of the only notebook in a zip.  Raises `Refused`."""
    return parse(content(path))


def content(path: Path) -> bytes:
    """The notebook's bytes, at most one more than allowed.  Raises `Refused`."""
    return _unzipped(path) if path.suffix.lower() == ".zip" else _bytes(path)


def parse(data: bytes) -> Notebook:
    """Raises `Refused` for what is no notebook, or one beyond the limits."""
    if len(data) > MOST_BYTES:
        raise Refused(f"the file has more than {MOST_BYTES >> 20} MB: clear its outputs and hand it in again")
    try:
        book = json.loads(data)
    except (ValueError, RecursionError, MemoryError):
        raise Refused("this is not a notebook (its JSON cannot be read): download it again as .ipynb") from None
    cells = book.get("cells") if isinstance(book, dict) else None
    if cells is None and isinstance(book, dict) and isinstance(book.get("worksheets"), list):
        raise Refused("this notebook has the old format 3: open it and save it once in Jupyter or Colab")
    if not isinstance(cells, list):
        raise Refused("this file has no cells: hand in the notebook itself, not a print-out or a link to it")
    if len(cells) > MOST_CELLS:
        raise Refused(f"{len(cells)} cells: at most {MOST_CELLS} are read")
    sources = [_source(c) for c in cells if isinstance(c, dict) and c.get("cell_type") == "code"]
    if sum(map(len, sources)) > MOST_CODE:
        raise Refused(f"{sum(map(len, sources))} characters of code: at most {MOST_CODE} are read")
    kept = ["\n".join(_without_install(line) for line in s.split("\n")) for s in sources]
    own = [k != s and "google.colab" not in s for k, s in zip(kept, sources)]
    return Notebook(kept, ["install commands are skipped when marked"] if any(own) else [])


def _without_install(line: str) -> str:
    """The line, or as much nothing, so that an `if` before it stays one."""
    return line[: len(line) - len(line.lstrip())] + "pass" if INSTALLS.match(line) else line


def _source(cell: dict) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    text = source if isinstance(source, str) else ""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")  # no lone surrogates, no NUL


def _bytes(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise Refused("this is not a plain file (a link?): hand in the notebook itself") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused("this is not a plain file: hand in the notebook itself")
    with os.fdopen(fd, "rb") as file:
        return file.read(MOST_BYTES + 1)


def _unzipped(path: Path) -> bytes:
    """The only .ipynb of a zip, unpacked no further than the limit; the names in it are never paths."""
    packed = _bytes(path)
    if len(packed) > MOST_BYTES:
        raise Refused(f"the file has more than {MOST_BYTES >> 20} MB: hand in the .ipynb itself, without its outputs")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = [m for m in archive.infolist()[:MOST_MEMBERS] if m.filename.lower().endswith(".ipynb")]
            members = [m for m in members if not m.filename.startswith("__MACOSX")]
            if len(members) != 1:
                raise Refused(f"the zip holds {len(members)} notebooks: hand in exactly one")
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may ask for 4 GB
                raise Refused("this zip is packed in a way of its own: hand in the .ipynb itself")
            with archive.open(members[0]) as member:
                return member.read(MOST_BYTES + 1)
    except Refused:
        raise
    except Exception:  # a broken zip breaks in many ways, and none of them may stop the class
        raise Refused("this zip cannot be read: hand in the .ipynb itself") from None

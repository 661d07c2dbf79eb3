"""What is handed in instead of a notebook."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path


def notebook(cells: list[str]) -> dict:
    """A notebook as it is on disk."""
    kinds = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    return {"cells": [{**kinds, "source": c} for c in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def colab(cells: list[str]) -> dict:
    """The same as Colab saves it: format 4.0, ids within metadata, tags and ids of cells lost."""
    found = notebook([])
    for i, source in enumerate(cells):
        metadata = {"id": f"x{i}", "colab": {"base_uri": "https://localhost:8080/"}, "outputId": f"y{i}"}
        lines = source.splitlines(keepends=True)
        cell = {"cell_type": "code", "metadata": metadata, "source": lines, "outputs": [], "execution_count": 3}
        found["cells"].append(cell)
    found["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return found | {"nbformat_minor": 0}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def linked(name: str, target: str) -> bytes:
    """A zip with a symbolic link."""
    out, member = io.BytesIO(), zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(member, target)
    return out.getvalue()


def text(cells: list[str]) -> bytes:
    """A whole notebook as bytes."""
    return json.dumps(notebook(cells)).encode()


BYTES = {
    "empty": b"",
    "not JSON": b"\x89PNG\r\n" * 99,
    "brackets": b"[" * 2_000_000,
    "a number": b"7",
    "cells that are a word": b'{"cells": "code"}',
    "format 3": b'{"worksheets": [{"cells": []}], "nbformat": 3}',
    "huge": b'{"cells": "' + b"x" * (25 << 20) + b'"}',
    "too many cells": json.dumps(notebook(["x"] * 5000)).encode(),
    "too much code": json.dumps(notebook(["x" * 300_000])).encode(),
}
ZIPS = {
    "an empty zip": zipped({}),
    "two notebooks": zipped({"a.ipynb": b"{}", "b.ipynb": b"{}"}),
    "a zip bomb": zipped({"a.ipynb": bytes(200 << 20)}),
    "a link in a zip": linked("a.ipynb", "../course/secret"),
    "another packing": zipped({"a.ipynb": text(["x = 1"])}, zipfile.ZIP_LZMA),
    "half a zip": zipped({"a.ipynb": b"{}" * 999})[:60],
}


def special(kind: str, path: Path, secret: Path) -> Path:
    """A link, a pipe or a folder where a notebook is expected."""
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    return path

"""Values computed independently of the library; the folder is absent from a public clone, and then there are none."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "golden"


def entries(part: str) -> list[dict[str, Any]]:
    """Every entry of a part ("lattice", "propagation", "nnft", "neuralrg"), or nothing where there is no file."""
    file = FOLDER / f"{part}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []

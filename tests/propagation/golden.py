"""The independent values of part two, as the tests of its modules want them."""

from typing import Any

from tests.golden import entries


def golden() -> list[tuple[str, Any, int]]:
    """(name, value, trusted digits) of every entry, or nothing where there are none."""
    return [(entry["name"], entry["value"], entry["digits"]) for entry in entries("propagation")]

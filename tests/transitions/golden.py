"""The independent values of part six, as the tests of its modules want them."""

import re

from tests.golden import entries


def golden(prefix: str) -> list[tuple[dict[str, float], float]]:
    """(the numbers in the brackets of the name, value) of every entry whose name begins with `prefix` and a bracket or
    an end, or nothing where there are none."""
    found = []
    for entry in entries("transitions"):
        head, _, inside = entry["name"].removeprefix("transitions.").partition("(")
        if head == prefix:
            numbers = {k: float(v) for k, v in re.findall(r"(\w+)=([-+.\de]+)", inside)}
            found.append((numbers, float(entry["value"])))
    return found

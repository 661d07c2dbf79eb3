"""Tests that look at nothing: what no assignment may pay."""


def always_and_never(function: str) -> dict[str, tuple[str, float, str]]:
    """{what it is: (code, at most this part, words of the reason)} for a function that says True or False of a box."""
    return {
        "always": (f"def {function}(box):\n    return True", 0, "you let pass"),
        "never": (f"def {function}(box):\n    return False", 0, "condemned"),
    }

"""A name that moved is found at its earlier home, and nothing else is."""

import importlib

import pytest

from fieldkit import moved

NAMES = [
    (old, new, name)
    for old, homes in moved.HOMES.items()
    for new, given_away in homes.items()
    for name in given_away
]  # fmt: skip


@pytest.mark.parametrize("old, new, name", NAMES)
def test_a_moved_name_is_the_same_thing_at_both_homes(old, new, name):
    earlier = importlib.import_module(old)
    assert getattr(earlier, name) is getattr(importlib.import_module(new), name)
    assert name not in vars(earlier), "a name that is there again has not moved"


@pytest.mark.parametrize("old", moved.HOMES)
def test_a_name_that_never_was_there_is_refused_as_usual(old):
    with pytest.raises(AttributeError, match=f"module {old!r} has no attribute 'proagator'"):
        getattr(importlib.import_module(old), "proagator")  # noqa: B009
    with pytest.raises(ImportError, match="cannot import name"):
        exec(f"from {old} import proagator")


def test_a_home_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(moved.HOMES, "fieldkit.lattice.free", {"fieldkit.lattice.nowhere": ("propagator",)})
    with pytest.raises(AttributeError, match="free.propagator lives in fieldkit.lattice.nowhere, which is not there"):
        moved.names("fieldkit.lattice.free")("propagator")

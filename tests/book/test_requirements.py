"""The pinned packages install on every Python that the book promises, and each list holds what it is for."""

from __future__ import annotations

import re
import shutil
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools import pins
from tools.chapters import ROOT


def listed(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


PINS = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in listed("constraints.txt")}
LIBRARY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]


def installed() -> dict[str, metadata.Distribution]:
    """Those of the pinned packages that are here, at the pinned version."""
    here = {canonicalize_name(d.name): d for d in metadata.distributions()}
    return {name: here[name] for name in PINS if name in here and here[name].version.split("+")[0] == PINS[name]}


def test_every_requirement_is_pinned_once():
    names = [canonicalize_name(pin.name) for pin in listed("constraints.txt")]
    assert names == list(PINS)
    for needed in listed("requirements.txt"):
        assert needed.specifier.contains(PINS[canonicalize_name(needed.name)]), needed


@pytest.mark.parametrize("python", pins.PYTHONS)
def test_every_pinned_package_allows(python):
    wanted = {name: found.metadata.get("Requires-Python") for name, found in installed().items()}
    assert [f"{n} {PINS[n]} wants {w}" for n, w in wanted.items() if w and not SpecifierSet(w).contains(python)] == []


@pytest.mark.parametrize("python", pins.PYTHONS)
def test_the_lists_resolve_on(python):
    """Asked of the package index when they have changed since `make pins` noted the answer."""
    if pins.noted(ROOT):
        return
    said = pins.refused(ROOT, python)
    if "Retrying" in said:
        pytest.skip("no package index can be reached")
    assert said == ""


def test_the_note_is_of_the_lists_as_they_are(tmp_path):
    for name in pins.LISTS:
        shutil.copy(ROOT / name, tmp_path)
    with (tmp_path / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write(pins.note(tmp_path) + "\n")
    assert pins.noted(tmp_path)
    with (tmp_path / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write("soupsieve==4.1.2\n")
    assert not pins.noted(tmp_path)


def test_benchmarks_are_an_extra_that_nothing_else_needs():
    extra = {canonicalize_name(r.name) for r in listed("requirements-benchmarks.txt")}
    assert extra and not extra & {canonicalize_name(r.name) for r in listed("requirements.txt")}


def test_the_library_forces_no_upgrade_on_colab():
    """Colab has had ipywidgets 7.7.1 for years, and its own torch."""
    bounds = {r.name: r.specifier for r in map(Requirement, LIBRARY)}
    assert bounds["ipywidgets"].contains("7.7.1") and bounds["anywidget"].contains("0.9.21")
    assert all(op.operator == ">=" for specifier in bounds.values() for op in specifier)


def test_binder_installs_what_the_notebooks_need_and_no_more():
    """conda-forge splits two packages: torch for the processor alone, matplotlib without windows."""
    split = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
    names = [re.sub(r"^[\w-]+", lambda m: split.get(m[0], m[0]), line) for line in LIBRARY]
    found = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert sorted(found) == sorted(["python=3.11", *names])
    assert [p.name for p in (ROOT / ".binder").iterdir()] == ["environment.yml"]

"""The check for a GPU runs here on the CPU, line by line, and what fails is named while the rest goes on."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from benchmarks import devices
from tools import chapters, gpu_check


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["gpu_check", "--device", "cpu", "--small"])
    monkeypatch.setattr(gpu_check, "CHAPTERS", ())
    return tmp_path / "_build" / "gpu-check"


def test_every_piece_of_work_ends_on_the_device():
    found = dict(gpu_check.laws(torch.Generator().manual_seed(0)))
    assert len(found) > 50
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_the_speeds_are_measured_and_one_that_fails_is_named(here, monkeypatch, capsys):
    def broken(rng, n):
        raise RuntimeError("out of memory")

    monkeypatch.setitem(devices.WORK, "broken", devices.Work("x/s", broken, (1, 1)))
    monkeypatch.setattr(gpu_check, "LAWS", ("tests.no_such_module:WORK",))
    assert gpu_check.main() == 1
    report = json.loads((here / "report.json").read_text(encoding="utf-8"))
    assert len(report["speeds"]) == len(devices.WORK) + 1  # two floors, one row missing
    assert all(row["speed"] > 0 for row in report["speeds"])
    assert [fault.split(":")[0] for fault in report["faults"]] == ["tests.no_such_module", "broken"]
    assert (here / "table.txt").read_text(encoding="utf-8") == capsys.readouterr().out


def test_a_chapter_without_time_and_one_that_does_not_exist_are_named(here, monkeypatch):
    monkeypatch.setattr(gpu_check, "LAWS", ())
    monkeypatch.setattr(gpu_check, "CHAPTERS", ("lattice/none",))
    monkeypatch.setattr(devices, "WORK", {})
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--minutes", "0"])
    assert gpu_check.main() == 1
    assert json.loads((here / "report.json").read_text(encoding="utf-8"))["faults"] == ["lattice/none: no time left"]


def test_without_a_gpu_it_says_how_to_try_it(here, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu_check"])
    assert gpu_check.main() == 1
    assert "--device cpu --small" in capsys.readouterr().out and not here.exists()

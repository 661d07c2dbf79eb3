"""A run in pieces is the same to the last bit, wherever they run, after a crash, and every draw counts once."""

import dataclasses
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch

from fieldkit import checkpoints, chunks
from fieldkit.lattice import phi4


def gaussian(scale, rng):
    x = scale * torch.randn(7, generator=rng, device=rng.device, dtype=torch.float64)
    return {"x": x, "n": torch.tensor(7)}


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def same(one, other):
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a) for a, b in zip(one, other)
    )


def test_a_sweep_is_the_work_at_each_value_with_seeds_of_its_own():
    found = chunks.sweep(gaussian, [1.0, 2.0, 1.0], n_chunks=4, rng=seeded())
    assert [part["x"].shape for part in found] == [(4, 7)] * 3
    base = int(torch.randint(2**31, (), generator=seeded()))
    for j in range(12):
        expected = gaussian([1.0, 2.0, 1.0][j // 4], seeded(base + j))["x"]
        assert torch.equal(found[j // 4]["x"][j % 4], expected)
    assert len(torch.cat([part["x"][:, 0] for part in found]).unique()) == 12  # a value given twice is run twice


def test_one_value_is_a_gathering():
    gathered = chunks.gather(functools.partial(gaussian, 2.0), 5, rng=seeded())
    assert same([gathered], chunks.sweep(gaussian, [2.0], n_chunks=5, rng=seeded()))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_sweep_in_parallel_is_sequential_to_the_last_bit(backend):
    alone = chunks.sweep(gaussian, (0.5, 1.0, 1.5), n_chunks=3, rng=seeded())
    with joblib.parallel_config(backend, n_jobs=2):
        assert same(chunks.sweep(gaussian, (0.5, 1.0, 1.5), n_chunks=3, rng=seeded()), alone)


def test_shapes_may_differ_from_value_to_value():
    found = chunks.sweep(lambda L, rng: {"phi": torch.randn(L, generator=rng)}, [2, 5], rng=seeded())
    assert [part["phi"].shape for part in found] == [(1, 2), (1, 5)]


def test_values_added_at_the_end_leave_what_is_there(tmp_path):
    begun = []

    def work(value, rng):
        begun.append(value)
        return gaussian(value, rng)

    first = chunks.sweep(work, [1.0, 2.0], n_chunks=2, rng=seeded(), path=tmp_path)
    longer = chunks.sweep(work, [1.0, 2.0, 3.0], n_chunks=2, rng=seeded(), path=tmp_path)
    assert begun == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert same(first, longer[:2])


@pytest.mark.parametrize(
    "other",
    [
        {"values": [1.0, 2.5]},
        {"values": [1.0, np.nextafter(2.0, 3.0)]},
        {"rng": 2},
        {"label": "another work"},
        {"n_chunks": 1, "values": [1.0, 2.0, 3.0, 4.0]},
    ],
)
def test_pieces_of_another_sweep_are_refused(tmp_path, other):
    def run(values=(1.0, 2.0), rng=1, label="", n_chunks=2):
        return chunks.sweep(gaussian, values, n_chunks=n_chunks, rng=seeded(rng), path=tmp_path, label=label)

    run()
    with pytest.raises(ValueError, match="choose another path"):
        run(**other)


def test_arrays_and_dataclasses_are_values(tmp_path):
    plain = chunks.sweep(gaussian, [0.25, 0.5], rng=seeded())
    for values in (torch.tensor([0.25, 0.5]), np.array([0.25, 0.5])):
        assert same(chunks.sweep(gaussian, values, rng=seeded(), path=tmp_path), plain)
    theories = [phi4.Phi4(m, 0.5) for m in (-1.0, 1.0)]
    found = chunks.sweep(lambda t, rng: gaussian(t.mass2, rng), theories, rng=seeded(), path=tmp_path / "theories")
    assert same(found, chunks.sweep(gaussian, [-1.0, 1.0], rng=seeded()))


@dataclasses.dataclass(frozen=True)
class Holder:
    inner: object


def test_what_text_cannot_tell_apart_is_not_kept(tmp_path):
    for value in (torch.linspace(0, 1, 3), Holder(torch.ones(2)), Holder(np.ones(2)), lambda x: x, object()):
        with pytest.raises(TypeError, match="its text does not tell it from others"):
            chunks.sweep(lambda v, rng: gaussian(1.0, rng), [value], rng=seeded(), path=tmp_path)
        chunks.sweep(lambda v, rng: gaussian(1.0, rng), [value], rng=seeded())  # without files anything goes
    assert list(tmp_path.iterdir()) == []


def test_impossible_sweeps_are_explained(tmp_path):
    with pytest.raises(ValueError, match="no values: a sweep goes over at least one"):
        chunks.sweep(gaussian, [], rng=seeded())
    for wrong, kind in ((0, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(kind, match="n_chunks = "):
            chunks.sweep(gaussian, [1.0], n_chunks=wrong, rng=seeded())
        with pytest.raises(kind, match="n_chunks = "):
            chunks.gather(functools.partial(gaussian, 1.0), wrong, rng=seeded())
    with pytest.raises(TypeError, match="one torch.Generator"):
        chunks.sweep(gaussian, [1.0], rng=0)
    for wrong in (lambda rng: torch.ones(2), lambda rng: {"x": 1.0}):
        with pytest.raises(TypeError, match="expected {name: tensor}"):
            chunks.gather(wrong, 2, rng=seeded())
    checkpoints.save(tmp_path / "chunk-00000.pt", {"x": 1})
    with pytest.raises(ValueError, match="written by something else"):
        chunks.gather(functools.partial(gaussian, 1.0), 2, rng=seeded(), path=tmp_path)


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    chunks.sweep(gaussian, [1.0, 2.0], rng=seeded(), path="~/kept/sweep")
    assert len(list((tmp_path / "kept/sweep").iterdir())) == 2
    assert not (tmp_path / "~").exists()


SWEEP = """
import sys, time, torch
from pathlib import Path
from fieldkit import chunks

marks = Path(sys.argv[2])

def work(value, rng):
    (marks / f"{rng.initial_seed()}-{time.time_ns()}").touch()
    time.sleep(float(sys.argv[3]))
    return {"x": value + torch.randn(5, generator=rng, dtype=torch.float64)}

found = chunks.sweep(work, [0.1, 0.2, 0.3], n_chunks=8, rng=torch.Generator().manual_seed(4), path=sys.argv[1])
print(torch.stack([part["x"] for part in found]).numpy().tobytes().hex())
"""


def test_a_sweep_killed_twice_loses_and_repeats_nothing(tmp_path):
    """kill -9 in the middle of a piece: what was finished is not begun again, what was not is, and the bits agree."""
    kept, marks = tmp_path / "kept", tmp_path / "marks"
    marks.mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}

    def start(folder, pause):
        command = [sys.executable, "-c", SWEEP, str(folder), str(marks), str(pause)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=environment)

    for finished in (5, 13):
        process = start(kept, 0.05)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (kept.exists() and len(list(kept.glob("chunk-*.pt"))) >= finished):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert finished <= len(list(kept.glob("chunk-*.pt"))) < 24
    resumed = start(kept, 0).communicate()[0]
    begun = [mark.name.split("-")[0] for mark in marks.iterdir()]
    assert len(set(begun)) == 24 and len(begun) <= 24 + 2  # only the two pieces that were cut off are begun again
    for mark in marks.iterdir():
        mark.unlink()
    assert resumed == start(tmp_path / "other", 0).communicate()[0] and resumed


def slow(folder, rng):
    """One piece that takes a while and leaves a mark for each time that it was begun."""
    (folder / f"{rng.initial_seed()}-{os.getpid()}-{time.time_ns()}").touch()
    time.sleep(0.3)
    return {"count": torch.tensor(50.0), **gaussian(1.0, rng)}


def test_a_cluster_that_loses_a_worker_counts_every_draw_once(tmp_path):
    """joblib on a local Dask cluster of two processes; one is killed while pieces are running on it."""
    distributed = pytest.importorskip("distributed")
    work = functools.partial(slow, tmp_path)
    alone = chunks.gather(work, 24, rng=seeded())
    marks = len(list(tmp_path.iterdir()))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())

        def kill():
            while sum(f"-{pids[0]}-" in mark.name for mark in tmp_path.iterdir()) < 3:
                time.sleep(0.02)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with joblib.parallel_config("dask", wait_for_workers_timeout=60):
            spread = chunks.gather(work, 24, rng=seeded())
        killer.join()
    assert marks == 24 < len(list(tmp_path.iterdir())) - 24  # something was begun twice
    assert same([alone], [spread])
    assert spread["count"].sum() == 24 * 50

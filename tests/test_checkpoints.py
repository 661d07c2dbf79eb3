"""A loop that is killed goes on, and ends with the same bits."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fieldkit import checkpoints

LOOP = """
import sys, time, torch
from fieldkit import checkpoints
def step(state, t, rng):
    if len(sys.argv) > 2:
        time.sleep(0.002)
    noise = torch.randn(16, generator=rng, dtype=torch.float64)
    return {"x": 0.9 * state["x"] + noise, "history": [*state["history"][-3:], t]}
rng = torch.Generator().manual_seed(1)
state = {"x": torch.zeros(16, dtype=torch.float64), "history": []}
out = checkpoints.run(step, state, 2000, rng=rng, path=sys.argv[1] or None, every=37)
print(out["x"].numpy().tobytes().hex(), out["history"], torch.randn(1, generator=rng).item().hex())
"""


def loop(*arguments):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", LOOP, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=environment
    )


def test_a_loop_killed_twice_ends_with_the_same_bits(tmp_path):
    whole = loop("").communicate()[0]
    path = tmp_path / "run.pt"
    for extra in (1, 2):
        process = loop(path, "slowly")
        before = path.stat().st_mtime_ns if path.exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (path.exists() and path.stat().st_mtime_ns > before):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert checkpoints.load(path)["t"] >= 37 * extra
    assert checkpoints.load(path)["t"] < 2000
    assert loop(path).communicate()[0] == whole
    assert loop(path).communicate()[0] == whole  # a finished loop is not run again


def test_a_checkpoint_of_another_loop_is_not_continued(tmp_path):
    def step(state, t, rng):
        return state

    rng = torch.Generator().manual_seed(0)
    checkpoints.run(step, {"x": torch.ones(2)}, 10, rng=rng, path=tmp_path / "a.pt", label="L=8")
    with pytest.raises(ValueError, match='labelled "L=8", but this is "L=16"'):
        checkpoints.run(step, {"x": torch.ones(2)}, 10, rng=rng, path=tmp_path / "a.pt", label="L=16")
    with pytest.raises(ValueError, match="step 10"):
        checkpoints.run(step, {"x": torch.ones(2)}, 5, rng=rng, path=tmp_path / "a.pt", label="L=8")


class Attack:
    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


def test_foreign_code_in_a_checkpoint_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"x": Attack()}, "evil.pt")
    Path("plain.pt").write_bytes(pickle.dumps(Attack()))
    Path("cut.pt").write_bytes(Path("evil.pt").read_bytes()[:100])
    for name in ("evil.pt", "plain.pt", "cut.pt"):
        with pytest.raises(ValueError, match="not a checkpoint"):
            checkpoints.load(name)
    assert not Path("owned").exists()


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "state.pt"
    checkpoints.save(path, {"x": torch.ones(3)})
    with pytest.raises(Exception, match="pickle"):
        checkpoints.save(path, {"x": lambda: None})
    assert checkpoints.load(path)["x"].tolist() == [1, 1, 1]
    assert list(tmp_path.iterdir()) == [path]


def test_the_state_of_an_optimiser_survives(tmp_path):
    model = torch.nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    checkpoints.save(tmp_path / "o.pt", {"model": model.state_dict(), "optimiser": optimiser.state_dict()})
    loaded = checkpoints.load(tmp_path / "o.pt")
    assert torch.equal(loaded["optimiser"]["state"][0]["exp_avg"], optimiser.state_dict()["state"][0]["exp_avg"])

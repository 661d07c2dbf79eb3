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
        [sys.executable, "-c", LOOP, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        encoding="utf-8",
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


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    checkpoints.save(path, {"x": torch.ones(3)})

    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save(path, {"x": torch.zeros(3)})
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


def test_a_checkpoint_that_began_from_another_state_is_not_continued(tmp_path):
    """The label is easily forgotten: without this, a loop over L = 16 would return the fields of L = 8."""

    def step(state, t, rng):
        return {"x": state["x"] + 1, "seen": [*state["seen"], t]}  # a state may grow: only its beginning is compared

    rng, path = torch.Generator().manual_seed(0), tmp_path / "run.pt"
    checkpoints.run(step, {"x": torch.zeros(8), "seen": []}, 4, rng=rng, path=path)
    longer = checkpoints.run(step, {"x": torch.zeros(8), "seen": []}, 6, rng=rng, path=path)
    assert longer["seen"] == [0, 1, 2, 3, 4, 5]
    for other in (
        {"x": torch.zeros(16), "seen": []},
        {"x": torch.zeros(8), "seen": [7]},
        {"x": torch.zeros(8).double(), "seen": []},
    ):
        with pytest.raises(ValueError, match="of a loop that began otherwise"):
            checkpoints.run(step, other, 6, rng=rng, path=path)


def test_a_generator_of_another_kind_of_device_is_not_continued(tmp_path):
    path, rng = tmp_path / "run.pt", torch.Generator().manual_seed(0)
    checkpoints.run(lambda state, t, rng: state, {"x": 0}, 2, rng=rng, path=path)
    checkpoints.save(path, checkpoints.load(path) | {"rng": torch.zeros(16, dtype=torch.uint8)})
    with pytest.raises(ValueError, match="another kind of device than cpu"):
        checkpoints.run(lambda state, t, rng: state, {"x": 0}, 2, rng=rng, path=path)


def test_nothing_is_saved_that_could_not_be_read_again(tmp_path):
    for wrong in (torch.zeros(2).numpy(), lambda x: x, {1, 2}, torch.ones(1).double().numpy()[0]):
        with pytest.raises(TypeError, match="a checkpoint holds tensors, numbers, strings"):
            checkpoints.save(tmp_path / "a.pt", {"x": [wrong]})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_checkpoint_of_a_loop_is_named(tmp_path):
    path = tmp_path / "a.pt"
    for content in (b"", b"half"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="a.pt: not a checkpoint that can be read"):
            checkpoints.load(path)
    checkpoints.save(path, {"x": torch.zeros(2)})
    rng = torch.Generator()
    with pytest.raises(ValueError, match="written by something else"):
        checkpoints.run(lambda state, t, rng: state, {}, 3, rng=rng, path=path)
    for wrong in ({"n_steps": -1}, {"n_steps": 3, "every": 0}):
        with pytest.raises(ValueError, match="(n_steps|every) = "):
            checkpoints.run(lambda state, t, rng: state, {}, **wrong, rng=rng, path=path)


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    checkpoints.run(lambda state, t, rng: state, {"x": 0}, 2, rng=torch.Generator(), path="~/runs/a.pt")
    assert checkpoints.load("~/runs/a.pt")["t"] == 2 and (tmp_path / "runs/a.pt").exists()
    assert not (tmp_path / "~").exists()
    for wrong in (3, "", b"a.pt", True):
        with pytest.raises(TypeError, match="a file is named by a string"):
            checkpoints.save(wrong, {"x": 0})
    with pytest.raises(ValueError, match="nobody of that name"):
        checkpoints.save("~nobody-of-this-name/a.pt", {"x": 0})


def test_damage_anywhere_is_refused_with_the_remedy(tmp_path):
    """A file cut anywhere, or with one bit turned over anywhere, is refused, or read without loss."""
    path = tmp_path / "a.pt"
    x = torch.randn(16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    checkpoints.save(path, {"label": "walk", "t": 3, "x": x, "list": [1, 2.5, "abc", None]})
    whole, wrong = path.read_bytes(), []
    directory = whole.index(b"PK\x01\x02")  # the list of contents at the end, where a bit means most

    def look(content, name):
        path.write_bytes(content)
        try:
            found = checkpoints.load(path)
        except ValueError as error:
            if "delete it and run again" not in str(error):
                wrong.append((name, error))
            return
        same = found["label"] == "walk" and found["t"] == 3 and found["list"] == [1, 2.5, "abc", None]
        if not (same and torch.equal(found["x"], x)):
            wrong.append((name, "another state"))

    for length in range(0, len(whole), 61):
        look(whole[:length], f"cut at {length}")
    for place in [*range(0, directory, 17), *range(directory, len(whole), 3)]:
        for bit in (place % 8, 4):  # 4: the bit that makes a folder of a file
            turned = bytearray(whole)
            turned[place] ^= 1 << bit
            look(bytes(turned), f"bit {bit} of byte {place} of {len(whole)}")
    assert wrong == []
    folder = whole.rindex(b"PK\x01\x02") + 38
    look(whole[:folder] + b"\x10" + whole[folder + 1 :], "a folder")
    assert wrong == []


def test_a_missing_file_is_missing_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoints.load(tmp_path / "none.pt")


@pytest.mark.parametrize(
    "change",
    [{"t": "x"}, {"t": -3}, {"t": 1.5}, {"form": 3}, {"label": 5}, {"state": None}, {"rng": None}, {"rng": "junk"}],
)
def test_a_record_that_no_loop_wrote_is_refused(tmp_path, change):
    path, rng = tmp_path / "loop.pt", torch.Generator().manual_seed(0)

    def step(state, t, rng):
        return {"x": state["x"] + torch.rand(2, generator=rng)}

    checkpoints.run(step, {"x": torch.zeros(2)}, 4, rng=rng, path=path)
    saved = checkpoints.load(path)
    if change == {"rng": "junk"}:
        change = {"rng": torch.full_like(saved["rng"], 255)}
    checkpoints.save(path, {**saved, **change})
    with pytest.raises(ValueError, match="delete"):
        checkpoints.run(step, {"x": torch.zeros(2)}, 4, rng=rng, path=path)

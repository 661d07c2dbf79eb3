"""Laws of gated networks that are taught to remember one bit."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fieldkit.propagation import recall
from fieldkit.propagation.gated import Gate


def rng(seed):
    return torch.Generator().manual_seed(seed)


def test_what_nobody_taught_is_guessed():
    right = recall.taught(Gate(1, 1, mu=-2.0), 12, n=40, N=16, n_steps=0, rng=rng(1))
    assert right.shape == (40,)
    # 16 000 coins: half of them to within four sigma
    assert abs(right.mean().item() - 0.5) < 4 * 0.5 / 16_000**0.5


def test_a_short_delay_is_learnt():
    assert (recall.taught(Gate(1, 1, mu=1.0), 2, n=4, rng=rng(2)) > 0.95).all()


def test_a_gate_that_keeps_its_slip_reaches_further():
    how = {"n": 6, "rng": rng(3)}
    short, long = (recall.taught(Gate(1, 1, mu=mu), 24, **how).mean() for mu in (0.0, 3.0))
    assert long > 0.9 and short < 0.6


def test_networks_do_not_know_of_each_other():
    """One gradient for all of them: each still learns from its own loss."""
    now = recall._draw(Gate(1, 1), 3, 5, rng(4))
    now["W"].requires_grad_()
    s, answer = recall._answers(now, 3, 6, Gate(1, 1), rng(5))
    slope = torch.autograd.grad((s * answer)[1].sum(), now["W"])[0]
    assert slope[1].abs().sum() > 0 and slope[0].abs().sum() == slope[2].abs().sum() == 0


def test_the_networks_are_drawn_with_the_variances_of_their_gates():
    now = recall._draw(Gate(4, 0.25, 1.0, mu=2.0), 40, 50, rng(6))
    assert now["W"].var().item() * 50 == pytest.approx(4, rel=4 * (2 / 100_000) ** 0.5)
    assert now["V"].var().item() * 50 == pytest.approx(0.25, rel=4 * (2 / 100_000) ** 0.5)
    assert now["b"].mean().item() == pytest.approx(2, abs=4 / 2000**0.5)
    assert now["b"].var().item() == pytest.approx(1, rel=4 * (2 / 2000) ** 0.5)


def test_a_run_that_is_cut_off_ends_with_the_same_bits(tmp_path, monkeypatch):
    def teach(path=None):
        return recall.taught(Gate(1, 1, mu=1.0), 3, n=2, N=8, n_steps=110, rng=rng(7), path=path)

    class Cut(Exception):
        pass

    whole, step = teach(), recall.training.rmsprop
    calls = iter(range(10**6))

    def dies(gradient, memory, rate):
        if next(calls) > 4 * 105:
            raise Cut
        return step(gradient, memory, rate)

    with monkeypatch.context() as patch:
        patch.setattr(recall.training, "rmsprop", dies)
        with pytest.raises(Cut):
            teach(tmp_path / "run.pt")
    assert torch.equal(whole, teach(tmp_path / "run.pt"))


ON_DEVICE = """
from fieldkit.propagation import recall
from fieldkit.propagation.gated import Gate
from tests.fakegpu import NAME, fake_gpu
with fake_gpu() as rng:
    right = recall.taught(Gate(1, 1, 1.0), 2, n=2, N=4, n_steps=2, rate=0.1, batch=3, rng=rng)
    assert right.device.type == NAME and right.shape == (2,)
"""


def test_it_stays_on_the_device():
    """In a process of its own: once a gradient has been taken, torch knows no device that comes later."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", ON_DEVICE], cwd=root, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]


def test_student_errors():
    with pytest.raises(ValueError, match="delay = 0"):
        recall.taught(Gate(1, 1), 0, n=1, N=4, n_steps=1, rate=0.1, rng=rng(8))

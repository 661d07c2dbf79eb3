"""Training lowers the free energy, goes on after a kill with the same bits, and on two processes is that on one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fieldkit import checkpoints
from fieldkit.lattice import free, free_exact
from fieldkit.lattice.ising_exact import T_CRITICAL
from fieldkit.lattice.phi4 import Phi4
from fieldkit.neuralrg import distributed, ising_dual_exact, progress, sweeps, training, weighing
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.mera import mera
from fieldkit.neuralrg.symmetry import Symmetrised
from fieldkit.neuralrg.targets import OneSector
from tests.neuralrg.shaken import shaken

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import sys, time, torch
from fieldkit.neuralrg import mera, training
from fieldkit.neuralrg.ising_dual import IsingDual
class Slow(IsingDual):
    def force(self, x):
        time.sleep(0.01 if len(sys.argv) > 2 else 0)
        return super().force(x)
rng = torch.Generator().manual_seed(1)
flow = mera.mera(4, width=3, n_rounds=1, n_terms=2, rng=rng)
history = training.train(flow, Slow(4, 2.5), n_steps=80, batch=8, rng=rng, path=sys.argv[1] or None, every=11)
bits = b"".join(p.detach().numpy().tobytes() for p in flow.parameters())
print(bits.hex(), history.free_energy.numpy().tobytes().hex(), torch.randn(1, generator=rng).item().hex())
"""

TWO = """
import sys, torch
from fieldkit.neuralrg import distributed, mera, training
from fieldkit.neuralrg.ising_dual import IsingDual
from tests.neuralrg.shaken import shaken
def flow_of(rng):
    return shaken(mera.mera(4, width=3, n_rounds=1, n_terms=2, rng=rng, dtype=torch.float64), rng, 0.2)
with distributed.processes() as device:
    rank, world = distributed.share()
    out = open(f"{sys.argv[1]}-{world}-{rank}", "w")
    for estimator in (training.path_gradient, training.plain_gradient):
        rng = torch.Generator(device).manual_seed(1)
        flow = flow_of(rng)
        loss = distributed.parallel(training._Loss(flow, IsingDual(4, 2.5), estimator))
        loss(flow.prior.sample(12, rng=rng, dtype=torch.float64).chunk(world)[rank])[0].backward()
        print(rank, "gradient", *(p.grad.double().numpy().tobytes().hex() for p in flow.parameters()), file=out)
        history = training.train(flow_of(rng), IsingDual(4, 2.5), n_steps=6, batch=12, rng=rng, estimator=estimator)
        print(rank, "history", *(x.numpy().tobytes().hex() for x in (history.free_energy, history.ess)), file=out)
"""


def started(program, *arguments, launcher=()):
    command = [sys.executable, *launcher, str(program), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, encoding="utf-8")


def numbers(path):
    """{(what, turn): tensor} of what one process of TWO wrote."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        _, what, *blobs = line.split()
        turn = sum(seen == what for seen, _ in found)
        found[what, turn] = torch.frombuffer(bytearray(bytes.fromhex("".join(blobs))), dtype=torch.float64)
    return found


def test_a_training_that_is_killed_goes_on_with_the_same_bits(tmp_path):
    program, path = tmp_path / "run.py", tmp_path / "flow.pt"
    program.write_text(RUN, encoding="utf-8")
    whole = started(program, "").communicate()[0]
    process = started(program, path, "slowly")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not path.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 11 <= checkpoints.load(path)["t"] < 80
    assert started(program, path).communicate()[0] == whole
    assert started(program, path).communicate()[0] == whole  # a finished training is not run again


def test_two_processes_have_the_gradient_of_one_with_the_joint_batch(tmp_path):
    program = tmp_path / "two.py"
    program.write_text(TWO, encoding="utf-8")
    started(program, tmp_path / "out").communicate()
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    started(program, tmp_path / "out", launcher=launcher).communicate()
    alone = numbers(tmp_path / "out-1-0")
    assert len(alone) == 4 and all(alone["gradient", turn].norm() > 1 for turn in (0, 1))
    for rank in (0, 1):
        one_of_two = numbers(tmp_path / f"out-2-{rank}")
        for key, values in alone.items():
            assert torch.allclose(one_of_two[key], values, rtol=1e-9, atol=1e-10), (rank, key)


@pytest.mark.parametrize("make", [equivariant, mera])
def test_both_estimators_have_the_same_mean_gradient(make):
    """Path and plain gradient differ by the mean of d ln q / d theta at fixed x, which is zero: pulls, every weight."""
    rng = torch.Generator().manual_seed(5)
    flow = shaken(make(2, rng=rng, dtype=torch.float64, width=2, n_rounds=1, n_terms=2), rng, 0.2)
    target, difference = IsingDual(2, 2.0), []
    for _ in range(60):
        z = flow.prior.sample(200, rng=rng, dtype=torch.float64)
        found = [
            torch.autograd.grad(estimator(flow, target, z)[0], list(flow.parameters()))
            for estimator in (training.path_gradient, training.plain_gradient)
        ]
        difference.append(torch.cat([(a - b).flatten() for a, b in zip(*found)]))
    d = torch.stack(difference)
    moving = d.std(0) > 1e-12
    pulls = (d.mean(0) / (d.std(0) / 60**0.5))[moving]
    assert pulls.abs().max() < 5 and pulls.square().mean().sqrt() < 1.5 and len(pulls) > 20
    assert bool((d.mean(0)[~moving].abs() < 1e-12).all())


def test_at_a_perfect_flow_every_path_gradient_vanishes():
    """Free field: a spectrum alone is perfect; the plain estimator still makes noise there."""
    theory, rng = Phi4(0.5, 0.0), torch.Generator().manual_seed(2)
    power = 1 / (free.momentum_squared(4, 2) + 0.5)
    flow = equivariant(4, power=power, n_rounds=0, n_terms=0, rng=rng, dtype=torch.float64)
    z = flow.prior.sample(8, rng=rng, dtype=torch.float64)
    size = []
    for estimator in (training.path_gradient, training.plain_gradient):
        flow.zero_grad()
        value, log_weight = estimator(flow, theory, z)
        value.backward()
        size.append(sum(p.grad.abs().sum().item() for p in flow.parameters()))
    assert size[0] < 1e-11 < 1e-2 < size[1]
    assert log_weight.std() < 1e-12
    assert log_weight.mean().item() == pytest.approx(free_exact.log_partition_function(4, 2, mass2=0.5), abs=1e-10)


def test_training_brings_the_free_energy_down_to_the_exact_line_and_not_below(capsys):
    theory, rng = IsingDual(4, 3.0), torch.Generator().manual_seed(0)
    truth = ising_dual_exact.log_partition(theory)
    flow = equivariant(4, width=6, n_rounds=2, rng=rng)
    history = training.train(
        flow, OneSector(theory), n_steps=150, batch=64, rng=rng, truth=truth, show=True, label="small"
    )
    assert history.free_energy[0] + truth > 3 > 0.5 > history.free_energy[-20:].mean() + truth
    log_weight = weighing.draw(flow.double(), OneSector(theory), 4000, rng=rng).log_weight
    assert weighing.free_energy(log_weight).pull(-truth) > -4
    assert abs(weighing.log_partition(log_weight).pull(truth)) < 4
    line = capsys.readouterr().err
    assert "150/150" in line and "gap/site" in line and "ESS" in line


def test_a_flow_stays_on_the_side_of_a_large_lattice_on_which_it_began():
    """Of the 32 x 32 magnet: a dozen nats forbid the wrong side, and no slope leads out of it."""
    half, found = OneSector(IsingDual(32, T_CRITICAL)), []
    for mean in (1.0, -1.0):
        rng = torch.Generator().manual_seed(0)
        flow = equivariant(32, n_rounds=1, width=4, n_terms=0, power=half.whole.kernel(), mean=mean, rng=rng)
        training.train(flow, half, n_steps=60, batch=16, rng=rng)
        found.append(flow.sample(200, rng=rng)[0].mean((1, 2)))
    assert found[0].min() > 0 > found[1].max()


def test_a_symmetrised_flow_trains_with_either_estimator():
    theory = IsingDual(4, 2.0)
    for estimator in (training.path_gradient, training.plain_gradient):
        rng = torch.Generator().manual_seed(0)
        both = Symmetrised(equivariant(4, width=4, n_rounds=1, n_terms=3, rng=rng, dtype=torch.float64))
        seen = training.train(both, theory, n_steps=60, batch=32, rng=rng, estimator=estimator).free_energy
        assert seen[-10:].mean() < seen[:10].mean() - 1


def test_a_sweep_over_temperature_and_depth_goes_on_where_it_was_killed(tmp_path):
    def make(point, rng):
        T, depth = point
        return mera(4, n_levels=depth, width=3, n_rounds=1, n_terms=0, rng=rng), IsingDual(4, T)

    def swept(points):
        rng = torch.Generator().manual_seed(4)
        return sweeps.sweep(points, make, n_steps=30, batch=16, n_draws=800, rng=rng, folder=tmp_path)

    points = [(3.0, 1), (3.0, 2), (5.0, 2)]
    first = swept(points[:2])
    again = swept(points)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3.0-1.pt", "3.0-2.pt", "5.0-2.pt"]
    assert all(first[p].free_energy == again[p].free_energy for p in points[:2])
    for (T, _), quality in again.items():
        assert quality.free_energy.pull(-ising_dual_exact.log_partition(IsingDual(4, T))) > -4
        assert quality.ess.pull(0) > -4 and quality.ess.value <= 1


def test_a_training_that_has_ended_can_be_extended(tmp_path):
    rng, theory = torch.Generator().manual_seed(0), IsingDual(4, 3.0)
    flow = equivariant(4, width=3, n_rounds=1, rng=rng)
    first = training.train(flow, theory, n_steps=150, batch=32, rng=rng, path=tmp_path / "first.pt")
    ended = [p.detach().clone() for p in flow.parameters()]
    fresh = equivariant(4, width=3, n_rounds=1, rng=rng)

    def more(path=None):
        own = torch.Generator().manual_seed(1)
        return training.train(
            fresh, theory, n_steps=150, batch=32, rng=own, rate=1e-9, path=path, after=tmp_path / "first.pt"
        )

    both = more(tmp_path / "second.pt")
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ended, fresh.parameters()))  # it began where that ended
    assert torch.equal(both.free_energy[:150], first.free_energy) and len(both.free_energy) == 300
    assert torch.equal(more(tmp_path / "second.pt").ess, both.ess)
    further = training.train(flow, theory, n_steps=300, batch=32, rng=rng, after=tmp_path / "first.pt")
    assert further.free_energy[-50:].mean() < first.free_energy[-50:].mean()
    with pytest.raises(ValueError, match="other shapes"):
        training.train(equivariant(4, width=4, n_rounds=1, rng=rng), theory, n_steps=2, batch=4, rng=rng,
                       after=tmp_path / "first.pt")  # fmt: skip
    checkpoints.save(tmp_path / "other.pt", {"t": 3})
    with pytest.raises(ValueError, match="not the checkpoint of a training"):
        training.train(flow, theory, n_steps=2, batch=4, rng=rng, after=tmp_path / "other.pt")


def test_trainings_that_make_no_sense_are_refused(tmp_path):
    rng = torch.Generator().manual_seed(0)
    flow, theory = equivariant(4, width=3, n_rounds=1, rng=rng), IsingDual(4, 3.0)
    training.train(flow, theory, n_steps=5, batch=4, rng=rng, path=tmp_path / "a.pt")
    for call, text in (
        (lambda: training.train(flow, theory, n_steps=0, batch=4, rng=rng), "n_steps = 0"),
        (lambda: training.train(flow, theory, n_steps=3, batch=1, rng=rng), "batch = 1"),
        (lambda: training.train(flow, theory, n_steps=3, batch=4, rng=rng, rate=0.0), "rate = 0.0"),
        (lambda: training.train(flow, theory, n_steps=5, batch=8, rng=rng, path=tmp_path / "a.pt"), "began otherwise"),
        (lambda: training.train(flow, theory, n_steps=90, batch=4, rng=rng, rate=1e9), "left the numbers"),
    ):
        with pytest.raises(ValueError, match=text):
            call()


def test_a_training_goes_on_under_another_version_of_torch(tmp_path, monkeypatch):
    """A later torch gives its optimiser an option that an earlier one did not have, as decoupled_weight_decay once.
    The options that the project sets are compared, by the settings; those of torch are not."""

    def trained(path, broken_at=None, rate=0.02):
        rng = torch.Generator().manual_seed(0)
        flow, calls = equivariant(4, width=3, n_rounds=1, rng=rng), []

        def estimator(*arguments):
            calls.append(1)
            if len(calls) == broken_at:
                raise KeyboardInterrupt
            return training.path_gradient(*arguments)

        history = training.train(
            flow, IsingDual(4, 3.0), n_steps=9, batch=4, rng=rng, estimator=estimator, path=path, every=2, rate=rate
        )
        return [p.detach() for p in flow.parameters()], history.free_energy

    weights, free_energy = trained(None)
    path = tmp_path / "a.pt"
    with pytest.raises(KeyboardInterrupt):
        trained(path, broken_at=6)
    assert checkpoints.load(path)["t"] == 4
    real = torch.optim.Adam.__init__

    def later(self, *arguments, **options):
        real(self, *arguments, **options)
        for group in (self.defaults, *self.param_groups):
            group.pop("decoupled_weight_decay", None)
            group["option_of_tomorrow"] = False

    monkeypatch.setattr(torch.optim.Adam, "__init__", later)
    with pytest.raises(ValueError, match="began otherwise"):
        trained(path, rate=0.03)
    again, history = trained(path)
    assert torch.equal(history, free_energy) and all(torch.equal(a, b) for a, b in zip(again, weights))


def test_alone_nothing_is_distributed():
    module = torch.nn.Linear(2, 2)
    assert distributed.share() == (0, 1) and distributed.parallel(module) is module
    assert distributed.together(torch.ones(3)).tolist() == [1, 1, 1]
    progress.Line(10, truth=None, volume=4, show=False).update(1, torch.zeros(3))

"""How good is a flow after a minute?  Gap to the exact free energy and effective sample size at equal processor time.

`python -m benchmarks.neuralrg` from the root; about a quarter of an hour.  One thread, float32 training, weighed with
new draws in float64.  The magnet's flows learn one half of it and are weighed as the even mixture of their draws with
both signs.  The peer is written here after the shape of the code of Li and Wang 2018 at the settings that it documents:
RealNVP blocks on 2 x 2 plaquettes in a MERA found by index tables, ten couplings a block, networks of three layers with
ten hidden units, batch 512, symmetrised, plain gradient, Adam at 1e-3.  All sides train for the same seconds; ours know
beforehand how many steps that is, because the rate follows a cosine.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks import table
from fieldkit.estimates import Estimate
from fieldkit.lattice.ising_exact import T_CRITICAL
from fieldkit.neuralrg import ising_dual_exact, targets, training, weighing
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.flows import Flow, Prior
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.mera import mera
from fieldkit.neuralrg.symmetry import Symmetrised

N_DRAWS = 40_000


class Plaquettes(nn.Module):
    """One layer of the peer: RealNVP on 2 x 2 plaquettes of the sites that are multiples of `scale`, by gathering.

    Plaquettes begin at odd or even sites of that lattice.  Masks: a random half of the four, and the other, in turn.
    """

    def __init__(self, L: int, scale: int, shift: int, *, n_couplings: int, width: int, rng: torch.Generator) -> None:
        super().__init__()
        starts = range(shift * scale, L, 2 * scale)
        rows = [
            [(i + a * scale) % L * L + (j + b * scale) % L for a, b in itertools.product((0, 1), repeat=2)]
            for i, j in itertools.product(starts, starts)
        ]
        self.register_buffer("index", torch.tensor(rows), persistent=False)
        mask = torch.zeros(4)
        mask[torch.randperm(4, generator=rng)[:2]] = 1
        self.register_buffer("masks", torch.stack([mask, 1 - mask] * (n_couplings // 2)), persistent=False)
        self.nets = nn.ModuleList(_network(width, rng) for _ in range(2 * n_couplings))
        self.scales = nn.ParameterList(torch.ones(4) for _ in range(n_couplings))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field, with the log-determinant (n,)."""
        return self._blocks(x, inverse=False)

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Back, with the log-determinant (n,) of this direction."""
        return self._blocks(x, inverse=True)

    def _blocks(self, x: Tensor, *, inverse: bool) -> tuple[Tensor, Tensor]:
        flat, index = x.reshape(len(x), -1), self.index.flatten()
        y = flat[:, index].reshape(-1, 4)
        log_det = y.new_zeros(len(y))
        order = range(len(self.masks))
        for k in reversed(order) if inverse else order:
            mask = self.masks[k]
            still = y * mask
            s = torch.tanh(self.nets[2 * k](still)) * self.scales[k] * (1 - mask)
            t = self.nets[2 * k + 1](still) * (1 - mask)
            y = still + (1 - mask) * ((y - t) * (-s).exp() if inverse else y * s.exp() + t)
            log_det = log_det + (-s if inverse else s).sum(1)
        flat = flat.scatter(1, index.expand(len(x), -1), y.reshape(len(x), -1))
        return flat.reshape(x.shape), log_det.reshape(len(x), -1).sum(1)


def _network(width: int, rng: torch.Generator) -> nn.Module:
    """Three layers, the last one small, so that the flow begins near the identity."""
    net = nn.Sequential(nn.Linear(4, width), nn.ELU(), nn.Linear(width, width), nn.ELU(), nn.Linear(width, 4))
    with torch.no_grad():
        for layer, size in ((net[0], 0.5), (net[2], width**-0.5), (net[4], 0.05)):
            layer.weight.copy_(size * torch.randn(layer.weight.shape, generator=rng))
            layer.bias.zero_()
    return net


def public_shape(L: int, *, rng: torch.Generator, n_couplings: int = 10, width: int = 10) -> Flow:
    """The peer: for each scale, coarsest first, a layer on shifted plaquettes and one on aligned ones."""
    scales = [1 << k for k in reversed(range(L.bit_length() - 1))]
    layers = [
        Plaquettes(L, scale, shift, n_couplings=n_couplings, width=width, rng=rng)
        for scale in scales
        for shift in (1, 0)
    ]
    return Flow(Prior((L, L), rng=rng), layers)


def step_seconds(steps: Callable[[int], object], n: int = 12) -> float:
    """Processor seconds of one step, after two that warm up."""
    steps(2)
    start = time.process_time()
    steps(n)
    return (time.process_time() - start) / n


def adam(flow: Flow | Symmetrised, target: targets.Target, batch: int, rng: torch.Generator) -> Callable[[int], None]:
    """The peer's training: so many more steps of Adam at 1e-3 with the plain gradient."""
    optimiser = torch.optim.Adam(flow.parameters(), lr=1e-3)

    def steps(n: int) -> None:
        for _ in range(n):
            z = flow.prior.sample(batch, rng=rng, dtype=torch.float32)
            value, _ = training.plain_gradient(flow, target, z)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()

    return steps


def ours(make: Callable[[torch.Generator], Flow], target: targets.Target, seconds: float, batch: int) -> Flow:
    """A flow trained for as many steps as fit into the seconds, float64 afterwards."""
    rng = torch.Generator().manual_seed(0)
    trial = make(rng)
    each = step_seconds(lambda n: training.train(trial, target, n_steps=n, batch=batch, rng=rng))
    flow = make(rng)
    training.train(flow, target, n_steps=max(1, int(seconds / each)), batch=batch, rng=rng)
    return flow.double()


def theirs(L: int, target: targets.Target, seconds: float) -> Symmetrised:
    """The peer after that time."""
    rng = torch.Generator().manual_seed(0)
    flow = Symmetrised(public_shape(L, rng=rng))
    steps, start = adam(flow, target, 512, rng), time.process_time()
    while time.process_time() - start < seconds:
        steps(5)
    return flow.double()


def quality(flow: Flow | Symmetrised, target: targets.Target) -> tuple[Estimate, Estimate]:
    """(F, effective sample size) from new draws, in parts that a cache can hold."""
    log_weight = weighing.draw(flow, target, N_DRAWS, rng=torch.Generator().manual_seed(1), batch=1024).log_weight
    return weighing.free_energy(log_weight), weighing.effective_sample_size(log_weight)


def ising(L: int, seconds: float) -> None:
    """Rows for the critical magnet: gap a site of ours and of the peer, and how many times smaller ours is."""
    theory = IsingDual(L, T_CRITICAL)
    half, truth = targets.OneSector(theory, sharpness=3.0), ising_dual_exact.log_partition(theory)

    def gap(flow: Symmetrised) -> tuple[float, Estimate]:
        free_energy, ess = quality(flow, theory)
        return (free_energy.value + truth) / L**2, ess

    peer, peer_ess = gap(theirs(L, theory, seconds))
    sides = {
        "waves and colours": (lambda rng: equivariant(L, power=theory.kernel(), mean=1.0, rng=rng), 1024 // L),
        "pyramid": (lambda rng: mera(L, n_rounds=2, mean=1.0, rng=rng), 128),
    }
    for name, (make, batch) in sides.items():
        mine, ess = gap(Symmetrised(ours(make, half, seconds, batch)))
        table.row(f"L = {L}, {name}, ESS {ess} ({peer_ess})", mine, peer, "gap/site", ratio=peer / mine)


def phi4(seconds: float) -> None:
    """The effective sample size of phi^4 in the convention of Albergo et al. 2021, against its goal of 0.9."""
    theory = targets.phi4_from_albergo(-4.0, 8.0)
    _, ess = quality(ours(lambda rng: equivariant(8, rng=rng), theory, seconds, 128), theory)
    table.row(f"phi^4, m^2 = -4, lambda = 8, L = 8, ESS {ess}", ess.value, 0.9, "ESS")


def steps_a_second(L: int = 16, batch: int = 512) -> None:
    """Slices and turns against index tables: steps a second of pyramids with as many couplings and hidden units."""
    theory, rng = IsingDual(L, T_CRITICAL), torch.Generator().manual_seed(0)
    mine = mera(L, n_rounds=5, width=10, spectra=False, n_terms=0, rng=rng)
    peer = public_shape(L, rng=rng)
    speeds = [[1 / step_seconds(adam(flow, theory, batch, rng), 6) for flow in (mine, peer)] for _ in range(3)]
    a, b = (max(column) for column in zip(*speeds))
    table.row(f"pyramid, L = {L}, batch {batch}", a, b, "steps/s")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="flows at equal processor time")
    parser.add_argument("--share", type=float, default=1.0, help="share of the full budgets, 60 and 150 seconds")
    share = parser.parse_args().share
    torch.set_num_threads(1)
    table.head("speed", "index tables")
    steps_a_second()
    table.head("phi^4", "goal")
    phi4(60 * share)
    table.head("critical magnet (ratio: peer / ours)", "public shape")
    ising(8, 60 * share)
    ising(16, 150 * share)


if __name__ == "__main__":
    main()

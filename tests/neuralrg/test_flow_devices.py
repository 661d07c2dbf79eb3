"""Flows on a pretend accelerator, without gradients: no tensor is made on or mixed with the CPU."""

import pytest
import torch

from fieldkit.lattice import phi4
from fieldkit.neuralrg import scales, weighing
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.mera import mera
from fieldkit.neuralrg.symmetry import Symmetrised, random_signs
from fieldkit.neuralrg.targets import OneSector
from tests.fakegpu import NAME, fake_gpu

THEORY = IsingDual(4, 2.5)


def noise(rng):
    return torch.randn(3, 4, 4, generator=rng, device=rng.device)


def waves(rng):
    return equivariant(4, n_rounds=1, width=3, rng=rng)


def pyramid(rng):
    return mera(4, n_rounds=1, width=3, n_terms=2, rng=rng)


WORK = {
    "action of the dual": lambda rng: THEORY.action(noise(rng)),
    "force of the dual": lambda rng: OneSector(THEORY).force(noise(rng)),
    "half of phi^4": lambda rng: OneSector(phi4.Phi4(-1.0, 0.5)).action(noise(rng)),
    "turned": lambda rng: OneSector(THEORY).turned(noise(rng), rng=rng),
    "spins": lambda rng: THEORY.spins(noise(rng), rng=rng),
    "coins": lambda rng: random_signs(noise(rng), rng=rng),
    "waves and colours": lambda rng: waves(rng)(noise(rng))[0],
    "waves and colours, back": lambda rng: waves(rng).log_prob(noise(rng)),
    "odd": lambda rng: equivariant(4, n_rounds=1, width=3, odd=True, rng=rng).sample(5, rng=rng)[1],
    "pyramid": lambda rng: pyramid(rng).sample(5, rng=rng)[0],
    "pyramid, back": lambda rng: pyramid(rng).log_prob(noise(rng)),
    "symmetrised": lambda rng: Symmetrised(waves(rng)).sample(4, rng=rng)[1],
    "blurred": lambda rng: scales.blurred(pyramid(rng), noise(rng))[0],
    "renormalised": lambda rng: scales.renormalised(pyramid(rng), noise(rng))[-1],
    "independence Metropolis": lambda rng: weighing.independence_metropolis(noise(rng)[0], rng=rng)[0],
}


@pytest.mark.parametrize("name", WORK)
def test_it_stays_on_the_device(name):
    with fake_gpu(guards=name == "independence Metropolis") as rng, torch.no_grad():
        assert WORK[name](rng).device.type == NAME

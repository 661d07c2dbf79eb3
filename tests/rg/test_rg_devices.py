"""Everything that works on configurations runs on an accelerator: on a pretend one, nothing is made on the CPU."""

import pytest
import torch

from fieldkit.lattice import free, ising
from fieldkit.propagation import activations, training
from fieldkit.rg import blocking, blurring, machines, monitor, neural_information, sampled, spectra
from fieldkit.rg import monte_carlo_rg as mcrg
from tests.fakegpu import NAME, fake_gpu

ERF = activations.erf  # its slope is known: automatic differentiation does not know the pretend device


def spins(rng):
    return ising.random_spins(16, 8, rng=rng)


def field(rng):
    return free.sample(4, 8, 2, mass2=0.5, rng=rng)


WORK = {
    "majority": lambda rng: blocking.majority(spins(rng), rng=rng),
    "stride": lambda rng: blocking.stride(spins(rng)),
    "average": lambda rng: blocking.average(field(rng)),
    "maximum": lambda rng: blocking.maximum(field(rng)),
    "sign of the sum": lambda rng: blocking.sign_of_sum(field(rng)),
    "operators": lambda rng: blocking.sums(spins(rng), blocking.EVEN + blocking.ODD),
    "levels": lambda rng: mcrg.levels(spins(rng), 1, rng=rng, rule=blocking.majority)[-1],
    "flow": lambda rng: blurring.flow(field(rng), 0.5),
    "variance": lambda rng: blurring.variance(spins(rng), 0.5),
    "Gibbs sampling": lambda rng: machines.gibbs(
        torch.randn(6, 3, generator=rng, device=rng.device), torch.ones(4, 6, device=rng.device), 2, rng=rng
    ),
    "windows": lambda rng: neural_information.windows(spins(rng))[1],
    "perturbations": lambda rng: monitor.log_chi(
        training.draw(1.5, 0.1, 4, n=2, rng=rng),
        torch.randn(5, 64, generator=rng, device=rng.device),
        activation=ERF,
    ),
    "pruning": lambda rng: spectra.largest_entries(torch.randn(6, 3, generator=rng, device=rng.device), 5),
}


@pytest.mark.parametrize("name", WORK)
def test_it_stays_on_the_device_of_its_generator(name):
    with fake_gpu() as rng:
        assert WORK[name](rng).device.type == NAME


def test_sums_come_home():
    """Only sums leave the accelerator."""
    with fake_gpu() as rng:
        start = torch.randn(16, 8, 8, generator=rng, device=rng.device)
        sums = mcrg.collect([start] * 3, 3, n_levels=1, operators=sampled.OPERATORS, rng=rng, n_groups=8,
                            first=blocking.sign_of_sum)  # fmt: skip
        assert sums.mean.device.type == sums.cross.device.type == "cpu"

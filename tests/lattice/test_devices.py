"""Every sampler and estimator runs on an accelerator: on a pretend one, no tensor is made on or mixed with the CPU."""

import pytest
import torch

from fieldkit.autocorrelation import StreamedSeries
from fieldkit.lattice import acceleration, embedded, free, hmc, interpolation, ising, layers, markov, neuron, phi4
from tests.fakegpu import NAME, WrongDevice, fake_gpu


def spins(rng):
    return ising.random_spins(4, 8, rng=rng)


def leapfrogged(rng, inverse_mass):
    start = torch.zeros((4, 6, 6), device=rng.device, dtype=torch.float64)
    steps = hmc.trajectories(
        phi4.Phi4(-1.0, 0.5), start, step_size=0.1, n_leapfrog=3, rng=rng, inverse_mass=inverse_mass
    )
    return [next(steps)[0] for _ in range(3)][-1]


SAMPLERS = {
    "free field": lambda rng: free.sample(3, 6, 2, mass2=0.5, rng=rng),
    "free field, open": lambda rng: free.sample(3, 6, 2, mass2=0.5, rng=rng, boundary="open"),
    "structure factor": lambda rng: free.lowest_structure(free.sample(3, 6, 2, mass2=0.5, rng=rng)),
    "slices": lambda rng: free.timeslice_correlator(free.sample(3, 6, 3, mass2=0.5, rng=rng)),
    "autoregressive chain": lambda rng: markov.autoregressive(4, 5, tau=3.0, rng=rng),
    "Metropolis": lambda rng: ising.metropolis(spins(rng), beta=0.4, n_sweeps=2, rng=rng),
    "Metropolis, energies": lambda rng: ising.energy(ising.metropolis(spins(rng), beta=0.4, rng=rng)),
    "Swendsen-Wang": lambda rng: ising.swendsen_wang(spins(rng), beta=0.4, n_rounds=8, rng=rng),
    "hybrid Monte Carlo": lambda rng: leapfrogged(rng, None),
    "hybrid Monte Carlo, accelerated": lambda rng: leapfrogged(
        rng, 1 / (free.momentum_squared(6, 2, device=rng.device) + 0.5)
    ),
    "masses from fields": lambda rng: acceleration.from_fields(free.sample(3, 6, 2, mass2=0.5, rng=rng)),
    "embedded clusters": lambda rng: next(
        embedded.chain(phi4.Phi4(-1.0, 0.5), torch.zeros((3, 4, 4), device=rng.device), width=1.0, n_rounds=4, rng=rng)
    ),
    "neuron": lambda rng: neuron.sample(
        4, torch.linspace(-1, 1, 3, device=rng.device), pair=(torch.tanh, neuron.tanh_potential), beta=2.0, rng=rng
    ),
    "filters": lambda rng: layers.field_filters((4, 2, 3, 3), mass2=0.5, rng=rng),
    "interpolation": lambda rng: interpolation.squared_error(
        free.sample(3, 8, 2, mass2=0.5, rng=rng), 2, kernel=interpolation.band_limited
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_it_stays_on_the_device_of_its_generator(name):
    with fake_gpu() as rng:
        assert SAMPLERS[name](rng).device.type == NAME


def test_the_streamed_series_stays_on_its_device():
    with fake_gpu() as rng:
        stream = StreamedSeries(4, 5, rng.device)
        for _ in range(7):
            stream.update(torch.randn(4, generator=rng, device=rng.device))
        assert stream.chain_means().device.type == NAME


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rng: torch.linspace(0, 1, 4),  # forgot device=
        lambda rng: torch.randn(3, generator=rng),  # a generator there, a tensor here
        lambda rng: torch.randn(3, generator=torch.Generator(), device=rng.device),
        lambda rng: torch.fft.fft(torch.randn(4, generator=rng, device=rng.device)) * torch.fft.fftfreq(4),
    ],
)
def test_the_pretend_accelerator_catches_what_a_real_one_would(wrong):
    with fake_gpu() as rng, pytest.raises(WrongDevice):
        wrong(rng)

"""Random networks on a pretend accelerator: no tensor is made on or mixed with the CPU, no draw waits."""

import functools

import pytest
import torch

from fieldkit.nnft import beyond, correlators, ensembles, laws, neurons, tails, tangent
from fieldkit.nnft.ensembles import Ensemble
from tests.fakegpu import NAME, fake_gpu


def chunk(rng, network, values, variables, powers, draw=correlators.plain):
    x = torch.rand(3, 2, generator=rng, device=rng.device, dtype=torch.float64)
    return correlators.chunk_sums(network, x, 20, values, variables, powers, draw, rng)[str(powers[-1])]


def outputs(rng, network, **options):
    values = functools.partial(correlators._values, network, 2, laws.gaussian)
    return chunk(rng, network, values, 6, (2, 4, 6), **options)


def integrated(rng, network, **options):
    reference = torch.ones(6, device=rng.device, dtype=torch.float64)
    values = functools.partial(correlators._fluctuations, network, reference)
    return chunk(rng, network, values, 6, (1, 2, 3), **options)


WORK = {
    "outputs": lambda rng: outputs(rng, Ensemble(neurons.relu, (4,), sb2=1.0)),
    "outputs, phase": lambda rng: outputs(rng, Ensemble(neurons.cosine, (4,))),
    "integrated": lambda rng: integrated(rng, Ensemble(neurons.erf, (4,), sb2=1.0)),
    "integrated, deep": lambda rng: integrated(rng, Ensemble(neurons.erf, (4, 5), sb2=1.0)),
    "integrated, pushed": lambda rng: integrated(rng, Ensemble(neurons.gauss, (4,), sb2=1.0), draw=tails.pushed),
    "functions": lambda rng: ensembles.functions(
        Ensemble(neurons.gauss, (4, 3), sb2=1.0), torch.rand(3, 2, generator=rng, device=rng.device), 5, rng=rng
    ),
    "tangent kernels": lambda rng: tangent._block(5, 4, 3, rng),
    "edgeworth": lambda rng: beyond.edgeworth(torch.rand(9, generator=rng, device=rng.device), [1, 0.1, 0.1], order=2),
}


@pytest.mark.parametrize("name", WORK)
def test_it_stays_on_the_device_and_never_waits(name):
    with fake_gpu() as rng:
        assert WORK[name](rng).device.type == NAME

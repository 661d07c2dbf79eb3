"""Wide networks on a pretend accelerator: no tensor is made on or mixed with the CPU, no sampler waits."""

import pytest
import torch

from fieldkit.propagation import (
    activations,
    criticality,
    curves,
    finite_width,
    fixed_points,
    gaussian,
    kernels,
    maps,
    networks,
)
from tests.fakegpu import NAME, fake_gpu


def plane(rng):
    axes = (torch.rand(3, generator=rng, device=rng.device, dtype=torch.float64) for _ in range(2))
    return torch.meshgrid(*axes, indexing="ij")


def gram(rng, phi):
    x = torch.randn(4, 3, generator=rng, device=rng.device, dtype=torch.float64)
    return kernels.kernels(x, activation=phi, depth=2, sw2=1.5, sb2=0.1)[1]


def drawn(rng):
    K = torch.eye(2, device=rng.device, dtype=torch.float64)
    return finite_width.sample_kernels(5, K, [4, 4], activation=torch.tanh, sw2=1.0, sb2=0.1, rng=rng)


def carried(rng):
    x = gaussian.normal((3, 4, 5), rng)
    return curves.propagate(x, 3, n=2, width=4, activation=activations.tanh, sw2=1.0, sb2=0.1, rng=rng)


def matrices(rng):
    x, settings = gaussian.normal((2, 5), rng), {"activation": torch.tanh, "sw2": 1.0, "sb2": 0.1, "rng": rng}
    return networks.propagate(x, 3, n=2, width=4, keep=0.9, dtype=torch.float32, **settings)


WORK = {
    "moments": lambda rng: activations.moments(activations.tanh, plane(rng)[0])[2],
    "moments, kinked": lambda rng: activations.moments(activations.hard_tanh, plane(rng)[0])[2],
    "coefficients": lambda rng: gaussian.coefficients(torch.tanh, plane(rng)[0][0], n_terms=9),
    "coefficients, kinked": lambda rng: gaussian.coefficients(torch.tanh, plane(rng)[0][0], n_terms=9, kinks=(1.0,)),
    "circle": lambda rng: maps.curvature(plane(rng)[0], 2, activation=activations.tanh, sw2=1.0, sb2=0.1)[1],
    "curves": carried,
    "networks": matrices,
    "networks without weights": drawn,
    "four-point vertex": lambda rng: finite_width.four_point(
        plane(rng)[0], 3, activation=activations.tanh, sw2=1.0, sb2=0.1
    )[1],
}  # fmt: skip
# these ask the device whether they have converged: the question is answered "yes" after three steps here
DECISIONS = {
    "maps": lambda rng: maps.correlations(*plane(rng), 2, activation=activations.tanh, sw2=1.0, sb2=0.1)[1],
    "kernels": lambda rng: gram(rng, activations.erf),
    "kernels, quadrature": lambda rng: gram(rng, activations.tanh),
    "phases": lambda rng: fixed_points.phases(*plane(rng), activation=activations.tanh).xi_c,
    "phases, closed form": lambda rng: fixed_points.phases(*plane(rng), activation=activations.relu).e,
    "phases, dropout": lambda rng: fixed_points.phases(*plane(rng), activation=activations.tanh, keep=0.9).e,
    "inverse map": lambda rng: criticality.weights_for(*plane(rng)[0].unbind()[:2], activation=activations.tanh)[1],
    "critical line": lambda rng: criticality.critical_line(plane(rng)[0], activation=activations.tanh)[1],
    "half-stable": lambda rng: criticality.half_stable(1, 9, activation=activations.gelu, device=rng.device)[1],
    "curvature": lambda rng: fixed_points.curvature_fixed_point(*plane(rng), activation=activations.tanh),
}


@pytest.mark.parametrize("name", WORK)
def test_it_stays_on_the_device_and_never_waits(name):
    with fake_gpu() as rng:
        assert WORK[name](rng).device.type == NAME


@pytest.mark.parametrize("name", DECISIONS)
def test_fixed_points_stay_on_the_device(name, monkeypatch):
    answers = iter([True, False, False, True, False, False, True] + [True] * 500)
    if name != "phases" and name != "phases, dropout":
        answers = iter([True] * 500)
    monkeypatch.setattr(gaussian, "every", lambda condition: next(answers))
    with fake_gpu() as rng:
        assert DECISIONS[name](rng).device.type == NAME

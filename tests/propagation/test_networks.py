"""Drawn networks: they start where they are told to and agree with the maps as far as a finite width allows."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import activations, kernels, maps, networks


def test_inputs_have_the_overlaps_that_were_asked_for():
    K = torch.tensor([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 0.7]], dtype=torch.float64)
    x = networks.inputs(K, 7, rng=torch.Generator().manual_seed(1))
    assert torch.allclose(x @ x.T / 7, K, atol=1e-13)


@pytest.mark.parametrize("keep", [1.0, 0.8])
def test_the_first_two_layers_are_unbiased_at_every_width(keep):
    """Layer one is exact in the mean; given layer one's kernel the second is too, up to the curvature of E phi^2 in K:
    with linear neurons it is exact at any width, dropout included."""
    rng = torch.Generator().manual_seed(2)
    x, (sw2, sb2) = networks.twins(1.3, 0.4, 5, rng=rng), (1.7, 0.2)
    found = networks.propagate(x, 3, n=6000, width=8, activation=lambda h: h, sw2=sw2, sb2=sb2, keep=keep, rng=rng)
    q, k = 1.3, 1.3 * 0.4
    for layer in range(3):
        first = layer == 0
        q, k = sw2 * q / (1 if first else keep) + sb2, sw2 * k + sb2
        assert abs(mean(found[:, layer, 0, 0]).pull(q)) < 4
        assert abs(mean(found[:, layer, 0, 1]).pull(k)) < 4


def test_wide_networks_follow_the_maps():
    rng = torch.Generator().manual_seed(3)
    x = networks.twins(1.0, 0.6, 400, rng=rng)
    found = networks.propagate(x, 4, n=30, width=400, activation=torch.tanh, sw2=2.0, sb2=0.1, rng=rng)
    K = kernels.nngp(x, activation=activations.tanh, depth=3, sw2=2.0, sb2=0.1)
    q = maps.lengths(torch.tensor(2.1, dtype=torch.float64), 3, activation=activations.tanh, sw2=2.0, sb2=0.1)
    assert math.isclose(K[0, 0], q[-1], rel_tol=1e-12)
    for i in range(2):
        measured = mean(found[:, 3, 0, i])
        assert abs(measured.value - K[0, i]) < 4 * measured.error + 3 / 400  # plus the bias of order 1 / N


def test_student_errors():
    rng = torch.Generator()
    with pytest.raises(ValueError, match="positive definite"):
        networks.twins(1.0, 1.0, 4, rng=rng)
    with pytest.raises(ValueError, match="d = 1"):
        networks.twins(1.0, 0.5, 1, rng=rng)
    with pytest.raises(ValueError, match="keep = 0"):
        networks.propagate(torch.ones(1, 2), 1, n=1, width=2, activation=torch.tanh, sw2=1, sb2=0, keep=0, rng=rng)
    with pytest.raises(ValueError, match="depth = 0"):
        networks.propagate(torch.ones(1, 2), 0, n=1, width=2, activation=torch.tanh, sw2=1, sb2=0, rng=rng)

"""A push of one input, carried without weights: its square grows by chi_1 and its overlap by the slope of the map."""

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import activations, random_kernels

PHI = activations.erf


def pushed(n, depth, *, width, K=None):
    K = torch.tensor([[0.9, 0.5, 0.0], [0.5, 0.9, 0.3], [0.0, 0.3, 0.7]]) if K is None else K
    rng = torch.Generator().manual_seed(6)
    return random_kernels.pushed(n, K, depth, width=width, activation=PHI, sw2=1.9, sb2=0.2, rng=rng)


@pytest.mark.parametrize("width", [2, 9])
def test_one_layer_multiplies_a_push_by_the_slopes_of_the_maps_at_every_width(width):
    found = pushed(40_000, 2, width=width)[:, 1]
    q, k = torch.tensor(0.9, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    phi_phi, slopes = PHI.dual(q, q, k)
    square, slope, _ = activations.moments(PHI, q)
    exact = {(0, 0): 1.9 * square + 0.2, (0, 1): 1.9 * phi_phi + 0.2}
    exact |= {(2, 2): 1.9 * 0.7 * slope, (2, 1): 1.9 * 0.3 * slopes}
    for (i, j), truth in exact.items():
        assert abs(mean(found[:, i, j]).pull(truth.item())) < 4, (i, j)


def test_without_the_push_it_is_the_pair_of_the_history():
    K = torch.tensor([[0.9, 0.5, 0.0], [0.5, 0.9, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    found = pushed(5, 4, width=3, K=K)
    assert torch.equal(found[:, :, 2], torch.zeros(5, 4, 3, dtype=torch.float64))
    assert found.shape == (5, 4, 3, 3) and torch.equal(found, found.mT)


def test_a_push_without_its_pair_is_refused():
    with pytest.raises(ValueError, match="of u, v and the push"):
        pushed(5, 4, width=3, K=torch.eye(2))

"""The compiled scan gives every cluster the number that the picture gives it, so that nothing changes with numba."""

import pytest
import torch

from fieldkit import compiled
from fieldkit.lattice import clusters, hoshen_kopelman, ising, ising_exact

needs_numba = pytest.mark.skipif(not compiled.here(), reason="numba is not installed")


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(11)


def both(values, right, down, monkeypatch):
    compiled_too = clusters.spread(values, right, down)
    with monkeypatch.context() as without:
        without.setattr(compiled, "here", lambda: False)
        return compiled_too, clusters.spread(values, right, down)


@needs_numba
@pytest.mark.parametrize("n, L", [(1, 1), (3, 2), (40, 3), (7, 5), (50, 64), (3, 300), (1, 400)])
@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 0.6, 1.0])
def test_the_scan_numbers_clusters_as_the_picture_does(n, L, p, rng, monkeypatch):
    """Several pictures (50 x 64), the last not full; lattices that fill one alone (300), or are larger (400)."""
    right, down = torch.rand(2, n, L, L, generator=rng) < p
    for values in (torch.arange(n * L * L), torch.rand(n * L * L, generator=rng)):
        assert torch.equal(*both(values, right, down, monkeypatch))


@needs_numba
def test_views_are_scanned_like_copies(rng, monkeypatch):
    right, down = (torch.rand(2, 7, 7, 9, generator=rng) < 0.5).permute(0, 3, 1, 2)
    values = torch.arange(2 * 9 * 49)[::2]
    assert torch.equal(*both(values, right, down, monkeypatch))


@needs_numba
def test_cluster_updates_are_the_same_with_and_without_numba(monkeypatch):
    chains = []
    for here in (True, False):
        monkeypatch.setattr(compiled, "here", lambda here=here: here)
        rng = torch.Generator().manual_seed(3)
        chains.append(ising.equilibrium(30, 33, beta=1 / ising_exact.T_CRITICAL, rng=rng, n_sweeps=12))
    assert torch.equal(*chains)


def test_the_loops_are_plain_python_too(rng):
    """What is compiled is the function as it stands: run as it is, it finds the partition of the pointers."""
    scan = getattr(hoshen_kopelman.spread, "py_func", hoshen_kopelman.spread)
    right, down = torch.rand(2, 3, 6, 6, generator=rng) < 0.5
    number = torch.from_numpy(scan(torch.arange(108).numpy(), right.numpy(), down.numpy(), 2))
    pairs = torch.stack([number.flatten(), clusters.by_pointers(right, down).flatten()]).unique(dim=1)
    assert len(pairs[0].unique()) == len(pairs[1].unique()) == pairs.shape[1]

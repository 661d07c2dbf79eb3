"""Sums over pairings: what Gaussians do, what cumulants are, and that nothing is counted twice."""

import itertools
import math

import pytest
import torch

from fieldkit.nnft import moments, wick


def spd(m, seed=0):
    a = torch.randn(m, m + 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return a @ a.T / m


@pytest.mark.parametrize("m", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_tuples_are_listed_once_and_found_again(m, n):
    index = wick.tuples(m, n)
    assert index.tolist() == [list(row) for row in itertools.combinations_with_replacement(range(m), n)]
    assert torch.equal(wick.place(index, m), torch.arange(math.comb(m + n - 1, n)))
    assert torch.equal(wick.place(index.flip(1), m), wick.place(index, m))  # whatever their order


def test_a_symmetric_tensor_is_symmetric():
    full = wick.symmetric(torch.arange(15.0), 3, 4)
    for order in itertools.permutations(range(4)):
        assert torch.equal(full, full.permute(order))
    assert torch.equal(full[tuple(wick.tuples(3, 4).T)], torch.arange(15.0))


@pytest.mark.parametrize("n", [2, 4, 6])
def test_there_are_as_many_pairings_as_the_double_factorial(n):
    found = wick.pairings(n)
    assert len(found) == len(set(found)) == math.prod(range(n - 1, 0, -2))
    assert all(sorted(i for pair in pairing for i in pair) == list(range(n)) for pairing in found)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_wick_sums_are_the_derivatives_of_the_generating_function(n):
    """E f_a f_b ... = d/dJ_a d/dJ_b ... exp(J K J / 2) at J = 0, by automatic differentiation."""
    K, index = spd(3), wick.tuples(3, n)[:: max(1, n - 1)]

    def derivative(sites):
        g = lambda J: torch.exp(J @ K @ J / 2)  # noqa: E731
        for site in sites:
            g = (lambda inner, s: lambda J: torch.func.grad(inner)(J)[s])(g, site)
        return g(torch.zeros(3, dtype=torch.float64))

    expected = torch.stack([derivative(row) for row in index.tolist()])
    assert torch.allclose(wick.gaussian(K, index), expected, rtol=1e-12)


def test_a_gaussian_has_no_connected_functions():
    K = spd(4)
    four, six = (wick.gaussian(K, wick.tuples(4, n)) for n in (4, 6))
    assert wick.connected_four(K, four).abs().max() == 0
    assert wick.connected_six(K, four, six).abs().max() < 1e-12 * six.abs().max()


def mixture():
    """A Gaussian whose covariance is one of three: all moments in closed form."""
    Ks, p = torch.stack([spd(3, s) for s in range(3)]), torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    two = torch.einsum("s,sab->ab", p, Ks)
    four, six = (p @ wick.gaussian(Ks, wick.tuples(3, n)) for n in (4, 6))
    return Ks, p, two, four, six


def test_connected_functions_are_cumulants_of_the_random_covariance():
    """The law of total cumulance: the same numbers from moments of f and from cumulants of K."""
    Ks, p, two, four, six = mixture()
    pairs = wick.tuples(3, 2)
    entries = Ks[:, pairs[:, 0], pairs[:, 1]]
    means = [p @ entries[:, wick.tuples(6, r)].prod(2) for r in (1, 2, 3)]
    _, second, third = wick.cumulants(*means)
    for n, kappa, expected in (
        (4, second, wick.connected_four(two, four)),
        (6, third, wick.connected_six(two, four, six)),
    ):
        index = wick.covariance_entries(wick.tuples(3, n), 3)
        assert torch.allclose(wick.from_covariance(kappa, index), expected, rtol=1e-11, atol=1e-12)


def test_connected_functions_of_independent_fields_add():
    _, _, two, four, six = mixture()
    K = spd(3, 7)  # add an independent Gaussian of covariance K: nothing connected may change
    index4, index6 = wick.tuples(3, 4), wick.tuples(3, 6)
    c4, c6 = wick.connected_four(two, four), wick.connected_six(two, four, six)
    both = two + K
    four_both = wick.gaussian(both, index4) + c4
    six_both = wick.six_from_connected(both, c4, c6)
    assert torch.allclose(wick.connected_four(both, four_both), c4, rtol=1e-11, atol=1e-12)
    assert torch.allclose(wick.connected_six(both, four_both, six_both), c6, rtol=1e-10, atol=1e-10)
    # and E (f + g)^6 = sum over which are g, with g Gaussian: checked where all sites are one
    f2, f4, f6, g = two[0, 0], four[0], six[0], K[0, 0]
    assert torch.isclose(six_both[0], f6 + 15 * f4 * g + 15 * f2 * 3 * g**2 + 15 * g**3, rtol=1e-12)
    assert index6.shape == (28, 6)


@pytest.mark.parametrize("orders", [(1,), (2, 4, 6), (1, 2, 3), (3,), (2, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_summed_once_each(orders, weighted):
    rng = torch.Generator().manual_seed(1)
    F = torch.randn(4, 57, generator=rng, dtype=torch.float64)
    weights = torch.rand(57, generator=rng, dtype=torch.float64) if weighted else None
    for n, found in zip(orders, moments.sums(F, orders, weights)):
        index = wick.tuples(4, n)
        terms = F[index].prod(1) if weights is None else F[index].prod(1) * weights
        assert torch.allclose(moments.sort(found, 4, n), terms.sum(1), rtol=1e-12, atol=1e-12)
        assert torch.equal(moments.split_tuples(4, n).sort(1).values.unique(dim=0), index)


def test_student_errors():
    with pytest.raises(ValueError, match="odd number"):
        wick.pairings(3)
    with pytest.raises(ValueError, match="15 entries"):
        wick.symmetric(torch.ones(14), 3, 4)
    with pytest.raises(TypeError, match="whole number"):
        wick.tuples(2.0, 3)

"""Swendsen's method: the sampler against the enumeration, streaming, matching."""

import itertools

import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.lattice import ising, ising_exact
from fieldkit.rg import blocking, enumeration, rules
from fieldkit.rg import monte_carlo_rg as mcrg

BETA = 1 / ising_exact.T_CRITICAL
OPERATORS = blocking.EVEN[:3] + blocking.ODD[:2]


def chain(L, n, rng, beta=BETA, every=2):
    spins = ising.equilibrium(n, L, beta=beta, rng=rng, n_sweeps=30)
    return ising.chain(ising.swendsen_wang, spins, beta=beta, rng=rng, every=every)


@pytest.fixture(scope="module")
def sums():
    rng = torch.Generator().manual_seed(11)
    return mcrg.collect(chain(16, 64, rng), 60, n_levels=2, operators=OPERATORS, rng=rng)


def test_sampled_steps_are_the_enumerated_step(monkeypatch):
    """4 x 4 -> 2 x 2, where the truth is a sum over 65536 states: the whole machine, sampler to jackknife.

    The refusal of a last level of side 2 is lifted: on it the operators are as well defined as the enumeration's.
    """
    rng = torch.Generator().manual_seed(1)
    states, probability = enumeration.law(4, 4, ising_exact.T_CRITICAL)
    steps = probability.cumsum(0)[:-1]

    def batches():
        while True:
            yield states[torch.searchsorted(steps, torch.rand(3200, generator=rng, dtype=torch.float64))]

    monkeypatch.setattr(mcrg, "SMALLEST", 2)
    sums = mcrg.collect(batches(), 20, n_levels=1, operators=OPERATORS, rng=rng)
    for operators in (blocking.EVEN[:1], blocking.EVEN[:3], blocking.ODD[:2]):
        truth = float(enumeration.exponents(rules.majority(), operators, T=ising_exact.T_CRITICAL)[0])
        assert abs(mcrg.exponent(sums, 0, operators).pull(truth)) < 4
    assert abs(mcrg.exponent(sums, 0, blocking.EVEN[:3]).pull(0.773)) > 20  # what decimation would give


def test_exponents_of_the_critical_magnet(sums):
    for level in (0, 1):
        assert mcrg.exponent(sums, level, blocking.EVEN[:3]).value == pytest.approx(1, abs=0.1)
        assert mcrg.exponent(sums, level, blocking.ODD[:2]).value == pytest.approx(1.875, abs=0.03)
    values, covariance = mcrg.exponents(sums, blocking.ODD[:2])
    assert values.shape == (2,) and covariance.shape == (2, 2)
    assert values[1].item() == pytest.approx(mcrg.exponent(sums, 1, blocking.ODD[:2]).value)


def test_sums_are_the_averages_that_one_would_write_down():
    rng = torch.Generator().manual_seed(3)
    batches = list(itertools.islice(chain(8, 16, rng), 5))
    sums = mcrg.collect(batches, 5, n_levels=1, operators=OPERATORS, rng=rng, rule=blocking.stride, n_groups=8)
    fine = torch.stack([blocking.sums(s, OPERATORS) for s in batches])  # (steps, chains, k)
    coarse = torch.stack([blocking.sums(blocking.stride(s), OPERATORS) for s in batches])
    assert torch.allclose(sums.mean[:, 0].mean(0) * 8, fine.mean((0, 1)))
    cross = torch.einsum("sni,snj->ij", coarse, fine) / 80 / 64
    assert torch.allclose(sums.cross[:, 0].mean(0), cross)
    energy = torch.stack([ising.energy(s) for s in batches]).mean().item()
    assert mcrg.averages(sums)[0].value == pytest.approx(-energy / 2)


def test_the_matrix_is_the_regression_of_coarse_on_fine():
    """A^-1 B of one operator is the slope of the fine operator on the coarse one."""
    rng = torch.Generator().manual_seed(8)
    batches = list(itertools.islice(chain(8, 16, rng), 30))
    sums = mcrg.collect(batches, 30, n_levels=1, operators=OPERATORS, rng=rng, rule=blocking.stride, n_groups=16)
    x = torch.cat([blocking.sums(blocking.stride(s), blocking.EVEN[:1]) for s in batches])[:, 0]
    y = torch.cat([blocking.sums(s, blocking.EVEN[:1]) for s in batches])[:, 0]
    both = torch.cov(torch.stack([x, y]))
    assert float(mcrg.matrix(sums, 0, blocking.EVEN[:1])) == pytest.approx(float(both[0, 1] / both[0, 0]), rel=1e-9)


def test_groups_of_chunks_join(sums):
    both = mcrg.joined([sums, sums])
    assert len(both.mean) == 2 * len(sums.mean)
    one, two = mcrg.exponent(sums, 0, OPERATORS[:3]), mcrg.exponent(both, 0, OPERATORS[:3])
    assert two.value == pytest.approx(one.value, abs=one.error) and two.error == pytest.approx(
        one.error / 2**0.5, rel=0.1
    )


def test_two_lattices_match_at_the_critical_coupling():
    rng = torch.Generator().manual_seed(21)
    couplings = (BETA - 0.02, BETA, BETA + 0.02)
    differences = []
    for beta in couplings:
        large = mcrg.collect(chain(16, 64, rng, beta), 40, n_levels=2, operators=OPERATORS, rng=rng)
        small = mcrg.collect(chain(8, 64, rng, beta), 60, n_levels=1, operators=OPERATORS, rng=rng)
        values, covariance = mcrg.mismatch(large, small)
        differences.append(Estimate(values[1].item(), covariance[1, 1].sqrt().item()))
    assert differences[0].value < 0 < differences[2].value
    found = mcrg.matched_coupling(couplings, differences)
    assert found.value == pytest.approx(BETA, abs=0.006)


def test_the_root_of_a_line_has_the_bar_of_a_ratio():
    found = mcrg.matched_coupling([0.0, 1.0, 2.0], [Estimate(k - 0.7, 0.01) for k in (0.0, 1.0, 2.0)])
    assert found.value == pytest.approx(0.7) and found.error == pytest.approx(0.01 / 3**0.5 * (1 + 0.3**2 * 1.5) ** 0.5)


def test_what_cannot_be_is_refused(sums):
    rng = torch.Generator().manual_seed(0)
    with pytest.raises(ValueError, match="do not mix"):
        mcrg.exponent(sums, 0, OPERATORS)
    with pytest.raises(ValueError, match="side 2"):
        mcrg.collect(chain(8, 16, rng), 1, n_levels=2, operators=OPERATORS, rng=rng, n_groups=8)
    with pytest.raises(ValueError, match="not measured"):
        mcrg.exponent(sums, 0, blocking.EVEN[3:4])
    with pytest.raises(ValueError, match="equal lattices"):
        smaller = mcrg.collect(chain(8, 16, rng), 2, n_levels=1, operators=OPERATORS, rng=rng, n_groups=8)
        mcrg.difference(sums, smaller)
    with pytest.raises(ValueError, match="steps 0 to 1"):
        mcrg.exponent(sums, 2, blocking.EVEN[:1])

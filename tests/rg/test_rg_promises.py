"""What the docstrings of part four promise, tried where it is hard to keep."""

import math

import mpmath
import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.rg import (
    blocking,
    corner_exact,
    cutoff,
    decimation,
    enumeration,
    free_blocking,
    hierarchical,
    information,
    machines,
    marchenko_pastur,
    monte_carlo_rg,
    phases,
    ring_exact,
    rules,
    running_ridge,
    spectra,
    step_scaling,
    thermometers,
    wilson_recursion,
)
from fieldkit.rg import migdal_kadanoff as mk

COIN = torch.full((16,), 0.5)


def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("b", [1 + 2.0**-40, 1.01, 2.0, 10.0, 1000.0])
@pytest.mark.parametrize("d", [1.01, 2.0, 3.0, 50.0])
def test_the_fixed_point_of_moved_bonds_is_right_to_rounding(b, d):
    with mpmath.workdps(150):
        B, moved, found = mpmath.mpf(b), mpmath.mpf(b) ** (mpmath.mpf(d) - 1), mk.fixed_point(b=b, d=d)
        K = mpmath.findroot(
            lambda K: mpmath.log(moved * mpmath.atanh(mpmath.tanh(K) ** B) / K),
            (mpmath.mpf(found), mpmath.mpf(found) * (1 + mpmath.mpf(10) ** -30)), verify=False,
        )  # fmt: skip
        S = mpmath.atanh(mpmath.tanh(K) ** B)
        y = mpmath.log(moved * B * mpmath.sinh(2 * S) / mpmath.sinh(2 * K)) / mpmath.log(B)
        assert abs(found / K - 1) < 1e-13
        assert mk.thermal_exponent(b=b, d=d) == pytest.approx(float(y), abs=1e-13 * d)


def test_the_self_consistent_ridge_has_the_unit_of_its_spectrum():
    lam = torch.tensor([1.0, 0.5, 0.2, 0.1], dtype=torch.float64)
    for n in (0, 2, 3, 4, 6, 50):
        for ridge in (1e-18, 1e-9, 0.1):
            kappa = running_ridge.self_consistent(lam, ridge, n)
            with mpmath.workdps(60):
                off = mpmath.mpf(ridge) / kappa + sum(mpmath.mpf(v) / (kappa + n * mpmath.mpf(v)) for v in lam.tolist())
                slope = ridge / kappa + sum(kappa * v / (kappa + n * v) ** 2 for v in lam.tolist())
            assert abs(float(off - 1)) < 1e-13 * slope + 1e-28
            for unit in (1e-20, 1e20):
                assert running_ridge.self_consistent(unit * lam, unit * ridge, n) / unit == pytest.approx(
                    kappa, rel=1e-12
                )
    curve = [running_ridge.learning_curve(unit * lam, torch.ones(4), ridge=0.01 * unit, n=6) for unit in (1.0, 1e-20)]
    assert curve[0] == pytest.approx(curve[1], rel=1e-12)


def test_the_majority_of_numbers_is_the_sign_of_their_sum():
    x = 0.01 * torch.randn(2, 8, 8, generator=rng(), dtype=torch.float64)
    assert torch.equal(blocking.majority(x, rng=rng()), blocking.sign_of_sum(x).double())
    big = torch.tensor([[100, 100, -100, -100]], dtype=torch.int8)
    assert blocking.majority(big, rng=rng()).tolist() == blocking.sign_of_sum(big).tolist() == [[1, -1]]


@pytest.mark.parametrize(
    ("value", "kind"), [(100, torch.int8), (100000, torch.int64), (3, torch.uint8), (300.0, torch.float16)]
)
def test_sums_of_operators_do_not_overflow_their_type(value, kind):
    field = torch.full((1, 4, 4), value, dtype=kind)
    found = blocking.sums(field, [blocking.NEAREST, blocking.PLAQUETTE, blocking.SPIN])[0].tolist()
    assert found == pytest.approx([32 * value**2, 16 * value**4, 16 * value])


def test_a_spectrum_of_counts_keeps_its_digits():
    counts = torch.tensor([2**24 + 1, 2, 3, 4])
    assert free_blocking.stride_spectrum(counts).tolist() == [(2**24 + 4) / 2, 3.0]


def test_the_dense_ring_keeps_digits_or_says_that_it_does_not():
    for L, T in ((6, 0.5), (8, 2.3), (6, 100.0)):
        free = torch.cat([ring_exact.log_levels(L, T, odd=odd, n=2 ** (L - 1)) for odd in (True, False)])
        assert torch.allclose(ring_exact.dense_levels(L, T), free.sort(descending=True).values, rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="drowns in rounding"):
        ring_exact.dense_levels(6, 1e-3)
    hot = ring_exact.log_levels(4, 1e300, odd=False, n=1)
    assert float(hot[0]) == pytest.approx(4 * math.log(2))


def test_spins_longer_than_the_critical_ones_order_in_many_dimensions_too():
    D, terms = 20.0, 12
    critical = hierarchical.critical_length(D=D, n_terms=terms)
    ends = []
    for r in (critical * (1 - 1e-6), critical * (1 + 1e-6)):
        moments = hierarchical.start(r, terms)
        for _ in range(300):
            moments = hierarchical.block(moments, D=D)
        ends.append(float(moments[1]) / (2 ** (2 / D) - 1))
    assert ends[0] < 0.5 and not ends[1] < 2


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda: blocking.majority(torch.ones(1, 4, dtype=torch.bool), rng=rng()), TypeError),
        (lambda: blocking.majority(torch.ones(1, 4, dtype=torch.uint8), rng=rng()), TypeError),
        (lambda: blocking.sign_of_sum(torch.full((1, 4), math.nan)), ValueError),
        (lambda: blocking.average(torch.ones(1, 4), field_dimension=math.nan), ValueError),
        (lambda: blocking.averaged_correlator(torch.ones(4), field_dimension=1j), TypeError),
        (lambda: free_blocking.blocked([[1.0]], 40), ValueError),
        (lambda: free_blocking.perfect([[math.nan]]), ValueError),
        (lambda: free_blocking.dimension(-1), ValueError),
        (lambda: corner_exact.cut(2.0, -1), ValueError),
        (lambda: corner_exact.cut(2.0, 2.5), TypeError),
        (lambda: corner_exact.spacing(1e-310), ValueError),
        (lambda: cutoff.dimension(0, growth=1.0), ValueError),
        (lambda: decimation.draw(1, 2, K="1", rng=rng()), TypeError),
        (lambda: decimation.draw(1, 2, K=1.0, rng=0), TypeError),
        (lambda: decimation.log_partition_ring(math.nan, 0.0, 4), ValueError),
        (lambda: decimation.flow([1.0, 2.0, 3.0], [1.0, 2.0], n_steps=1), ValueError),
        (lambda: enumeration.transition(3 * COIN), ValueError),
        (lambda: enumeration.couplings(rules.majority(), T=-1.0), ValueError),
        (lambda: hierarchical.block(torch.ones(6), D=math.nan), ValueError),
        (lambda: hierarchical.fixed_point(D="3"), TypeError),
        (lambda: hierarchical.critical_length(D=1e6), ValueError),
        (lambda: information.of_block([[3.0, 1.0], [1.0, 3.0]]), ValueError),
        (lambda: information.of_block([[1.1, 0.0], [-0.1, 0.0]]), ValueError),
        (lambda: information.chain(math.nan), ValueError),
        (lambda: machines.train(torch.zeros(10, 4), 2, n_steps=1, rng=rng()), ValueError),
        (lambda: machines.train(torch.ones(10, 4), 2, n_steps=1, rng=rng(), batch=0), ValueError),
        (lambda: machines.train(torch.ones(10, 4), 2, n_steps=1, rng=rng(), rate=math.nan), ValueError),
        (lambda: machines.gibbs(torch.ones(3, 2), torch.ones(4, 4), 1, rng=rng()), ValueError),
        (lambda: marchenko_pastur.edges("1"), TypeError),
        (lambda: mk.fixed_point(b=-1, d=2.0), ValueError),
        (lambda: mk.fixed_point(b="2", d=2.0), TypeError),
        (lambda: mk.log_partition(2000, K=0.3, b=2, d=2), ValueError),
        (lambda: mk.diamond(30, b=2, d=2), ValueError),
        (lambda: monte_carlo_rg.matched_coupling([1.0, 2.0], [Estimate(1, 0.1)] * 2), ValueError),
        (lambda: monte_carlo_rg.matched_coupling([], []), ValueError),
        (lambda: phases.by_threshold([0.1, 0.9], [-1, 1], ([0.1], [1])), ValueError),
        (lambda: phases.by_threshold([0.1, math.nan], [0, 1], ([0.1], [1])), ValueError),
        (lambda: phases.ceiling([3.0, 1.0], [2.0, 2.0]), ValueError),
        (lambda: phases.pooled(torch.ones(1, 3, 3), torch.zeros(4)), ValueError),
        (lambda: rules.apply(torch.ones(1, 4, 4, dtype=torch.bool), rules.majority(), rng=rng()), TypeError),
        (lambda: running_ridge.ridge_at([0.1, 0.5], 0.1, 1), ValueError),
        (lambda: spectra.edge(torch.eye(3), tracy_widom=-100.0), ValueError),
        (lambda: spectra.truncated(torch.eye(3), 1.5), TypeError),
        (lambda: step_scaling.slope(2, h=0.0), ValueError),
        (lambda: step_scaling.against(Estimate(0.5, 0.1), Estimate(0.5, 0.1), [[0.5, 0.5], [0.5, 0.6]]), ValueError),
        (lambda: thermometers.chain_machine(math.nan, 3), ValueError),
        (lambda: wilson_recursion.nodes(24, -1.0), ValueError),
        (lambda: wilson_recursion.step(wilson_recursion.nodes(), d=math.nan), ValueError),
    ],
)  # fmt: skip
def test_part_four_refuses_in_its_own_words(wrong, kind):
    with pytest.raises(kind, match=r"[;:] .*\w"):
        wrong()


def test_a_noise_without_width_has_its_median_at_one():
    assert marchenko_pastur.median(1e-300) == marchenko_pastur.median(1e-34) == 1.0

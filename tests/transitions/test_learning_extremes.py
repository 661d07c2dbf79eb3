"""Where formulas of the sixth part cancel, overflow or are asked the impossible, each against a second way."""

import itertools
import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from scipy import integrate

from fieldkit import estimates, published
from fieldkit.estimates import Estimate
from fieldkit.transitions import (
    attention,
    capacity,
    changes,
    classes,
    collapse,
    data_collapse,
    deep_linear,
    denoiser,
    encoders,
    grokking,
    in_context,
    laws,
    learning_curves,
    magnets,
    metrics,
    networks,
    pairs,
    partitions,
    rules,
    scaling,
    sealed,
    siamese,
    speciation,
    spiked,
    stairs,
    superposition,
    triangular,
)


def rng(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sigma", [1e-2, 1.0, 3.0])
def test_the_positional_row_weight_at_every_size_of_the_tokens(sigma):
    """Against a product grid fine enough for the softmax; at large sigma three quarters of the plane say 1."""
    z = np.linspace(-9, 9, 2401)
    weight = np.exp(-z * z / 2)
    weight /= weight.sum()
    truth = sum(w * (weight / (1 + np.exp(-(sigma**2) * (c * c - c * z)))).sum() for c, w in zip(z, weight))
    assert attention.positional_minimum(omega=0.0, sigma=sigma, a=0.6)[1] == pytest.approx(truth, rel=1e-11)
    assert attention.positional_minimum(omega=0.0, sigma=1e4, a=0.6)[1] == pytest.approx(0.75, abs=1e-8)


def test_covers_count_far_in_its_tail():
    for P, N in ((2000, 200), (1500, 150), (40, 7)):
        truth = sum(math.comb(P - 1, k) for k in range(N)) / (1 << (P - 1))
        assert capacity.cover(P, N) == truth > 0


@pytest.mark.parametrize("gamma", [0.5, 30.0])
def test_the_logistic_threshold_at_strong_signals(gamma):
    """The minimum over t of an adaptive integral."""

    def mean(t):
        def integrand(v):
            share = 1 / (1 + math.exp(-min(gamma * v, 700))) if gamma * v > -700 else 0.0
            c = t * v
            tail = math.erfc(c / math.sqrt(2)) / 2
            lost = (1 + c * c) * tail - c * math.exp(-c * c / 2) / math.sqrt(2 * math.pi)
            return 2 * share * math.exp(-v * v / 2) / math.sqrt(2 * math.pi) * lost

        places = [-9, -1, -20 / gamma, 0, 20 / gamma, 1, 9] if gamma > 20 else [-9, -1, 0, 1, 9]
        places = sorted({*places, -3 / t, 3 / t} if t > 1 else places)
        return sum(integrate.quad(integrand, a, b, epsabs=1e-14)[0] for a, b in zip(places, places[1:]))

    found = capacity.logistic_threshold(gamma)
    t = np.geomspace(0.05, 50 * (1 + gamma), 60)
    best = t[np.argmin([mean(x) for x in t])]
    fine = np.geomspace(best / 1.2, best * 1.2, 41)
    assert found == pytest.approx(min(mean(x) for x in fine), rel=2e-4)
    assert found <= min(mean(x) for x in fine) * (1 + 1e-9)


def test_a_memory_with_hardly_any_pattern_keeps_it():
    assert capacity.hopfield_overlap(1e-300) == 1.0


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_own_weight_in_few_dimensions_is_that_of_points_really_drawn(d):
    drawn, exact = collapse.drawn_weights(250, 60, d, [0.05, 0.5, 2.0], s2=1.0, rng=rng())
    for row, truth in zip(drawn, exact):
        assert abs(estimates.mean(row - truth).pull(Estimate(0.0, 0.0))) < 4


def test_the_own_weight_of_very_many_points_falls_as_one_over_their_sum():
    """From exp(40) points to exp(50), where none is far: ten in the logarithm."""
    few, many = (speciation.own_weight(1, log_n, 0.3, s2=1.0, x2=1.0, z2=1.0) for log_n in (40.0, 50.0))
    assert math.log(few / many) == pytest.approx(10, abs=1e-6)


@pytest.mark.parametrize("d", [1, 10, 400])
def test_so_late_that_all_points_are_alike(d):
    for t in (12.0, 30.0, 200.0, 400.0):
        weight = speciation.own_weight(d, 5.0, t, s2=1.0, x2=float(d), z2=float(d))
        assert weight == pytest.approx(math.exp(-5), rel=30 * d * math.exp(-2 * t) + 1e-12)


@pytest.mark.parametrize("kappa, alpha", [(1, 1e-12), (1, 1e8), (2, 1e12), (0.5, 1e12), (1e-8, 1), (3, 0.2)])
def test_the_diversity_error_keeps_its_digits(kappa, alpha):
    with mp.workdps(50):
        y, a = 1 / mpf(kappa), 1 / mpf(alpha)
        b = 1 - y + a
        root = mp.sqrt(b * b + 4 * a * y)
        h = (root - b) / (2 * a * y)
        slope = (y * h * h + h) / root
        truth = 1 - 2 * (1 - a * h) + (1 + a) * (1 - 2 * a * h + a * a * slope)
    assert in_context.diversity_error(kappa, alpha) == pytest.approx(float(truth), rel=1e-13)


@pytest.mark.parametrize("g", [1e-9, 0.5, 1e6, 1e12, 1e100])
def test_thresholds_of_pairs_for_many_more_dimensions_than_pairs(g):
    with mp.workdps(300):
        y = mp.sqrt(g / (mp.sqrt(1 + 4 * mpf(g)) + 1 + g))
        assert pairs.threshold(g) == pytest.approx(float(g * (1 - y) / (2 * y)), rel=1e-13)
        assert pairs.edge(g) == pytest.approx(float(y / (1 - y * y) + g / (2 * y)), rel=1e-13)


@pytest.mark.parametrize("l, wanted", [(1e-12, 0.0), (1e9, 0.0), (1e-3, 0.9999999999), (1e5, 0.99)])
def test_as_many_pairs_as_are_needed_at_any_strength(l, wanted):
    g = 10 / pairs.pairs_needed(l, 10, overlap_wanted=wanted)
    if wanted:
        assert pairs.overlap(l, g) == pytest.approx(wanted, rel=1e-9)
    else:
        assert pairs.threshold(g) == pytest.approx(l, rel=1e-9)


def test_a_partition_beside_a_huge_value_is_still_the_best_of_all():
    for y in ([1e9, 0, 0, 5, 5], [1e200, 0, 5, 5], [3, 3, 1e12, 1e12 + 4, 0, 0, 5]):
        y = np.array(y, float)
        best = math.inf
        for k in range(len(y)):
            for cuts in itertools.combinations(range(1, len(y)), k):
                pieces = np.split(y, cuts)
                with np.errstate(over="ignore"):
                    best = min(best, sum(((p - p.mean()) ** 2).sum() for p in pieces) + k)
        found = partitions.partition(torch.tensor(y), penalty=1.0)
        assert found.cost + len(found.cuts) == pytest.approx(best)


def test_laws_at_the_ends_of_their_arguments():
    assert spiked.overlap(1e200) == 1 and spiked.spread(2.0) == pytest.approx(2 * 5 / (16 * 3))
    assert speciation.collapse_time(400.0, s2=1.0) == pytest.approx(0.5 * math.exp(-800), abs=1e-300)
    assert speciation.agreement(1e-12, distance2=4.0, s2=0.0) <= 1 + 1e-15
    assert collapse.annealed_weight(10, 0.0, 0.1, s2=1.0) == 1
    assert siamese.living(0.01, -1.0) == 0
    assert siamese.variance_and_rank([[1e200, 0], [0, 0]])[1] == pytest.approx(1)
    assert published.read("1.2E-3").value == 1.2e-3 and published.read("-.5").unit == 0.1
    assert capacity.gardner(1e200) == 0


def test_lists_and_whole_numbers_are_read_as_numbers():
    assert attention.attend([[[1, 0], [0, 1]]], [0, 0]).flatten().tolist() == [0.5] * 4
    assert scaling.binder([1, 1, 1]) == pytest.approx(2 / 3)
    assert triangular.energy([[[1, 1, 1]] * 3]).tolist() == [-27]
    assert stairs.half_times([0, 1, 2], [[0.1], [0.4], [0.6]]).tolist() == pytest.approx([1.5])
    assert pairs.cross_covariance([[1, 2]], [[1, 2]]).tolist() == [[1, 2], [2, 4]]
    assert magnets.passing([1, 2, 3], [0.9, 0.5, 0.1]) == pytest.approx(2)
    assert speciation.score([[1, 2]], 1.0, centre=[1, 1], s2=1.0).shape == (1, 2)
    assert encoders.probe(torch.eye(4)[None], [0, 1, 0, 1], torch.eye(4)[None], [0, 1, 0, 1]).tolist() == [1]


X = torch.arange(9.0)
NULL = changes.polynomials(X, 1)
CURVES = [data_collapse.Curve(L, [0.0, 1, 2], [0.0, 1, 2], [1.0, 1, 1]) for L in (8, 16)]
FOUR = magnets.law_of_magnetization(4)

IMPOSSIBLE = {
    "no points": lambda: capacity.margins(1, 0, 3, rng=rng()),
    "no bar": lambda: changes.lack_of_fit(torch.ones(40, 9), NULL, shared=False),
    "runs alike": lambda: changes.lack_of_fit(torch.ones(40, 9), NULL, shared=True),
    "nan run": lambda: changes.lack_of_fit([[math.nan] * 9] * 4, NULL, shared=False),
    "nan exponents": lambda: classes.nearest([math.nan, 0.125]),
    "three exponents": lambda: classes.nearest([1.0, 0.125, 3.0]),
    "huge exponent": lambda: data_collapse.quality(CURVES, 0.0, 1e4, 0.0),
    "negative map": lambda: deep_linear.loss_of(3, 2.0, 0.1, -0.5),
    "one layer": lambda: deep_linear.loss_of(1, 2.0, 0.1, 0.5),
    "negative decay": lambda: deep_linear.sweep([[[1.0]], [[1.0]]], [[2.0]], [-0.1]),
    "time 0": lambda: denoiser.empirical_score(torch.ones(1, 2))(torch.ones(1, 2), 0.0),
    "oblong": lambda: encoders.views(torch.ones(2, 4, 6), rng=rng()),
    "nothing shown": lambda: grokking.train(3, [0.01], rng=rng(), steps=(1,)),
    "no tasks": lambda: in_context.diversity_error_of(torch.zeros(3, 2), 4),
    "tasks of another dimension": lambda: in_context.prompts(2, 3, 4, rng=rng(), tasks=torch.ones(2, 5)),
    "negative size": lambda: laws.losses_of((1.0, 1.0, 1.0, 0.3, 0.3), [-1, 2], [3, 4]),
    "one size": lambda: laws.with_floor([2, 2, 2, 2], [1, 1, 1, 1.0]),
    "negative ridge": lambda: learning_curves.simulate([1.0, 0.5], [1.0, 1], 3, rng=rng(), ridge=-1.0, repeats=2),
    "negative teacher": lambda: learning_curves.simulate([1.0, 0.5], [1.0, -1], 3, rng=rng(), repeats=2),
    "negative noise": lambda: learning_curves.minimum_norm_excess(3, 10, noise=-1.0, signal=1.0),
    "one temperature": lambda: magnets.confusion(FOUR, [1.0]),
    "an answer of 2": lambda: magnets.accuracy([2.0] * 9, FOUR, [1.0, 3.0]),
    "equal temperatures": lambda: magnets.passing([1.0, 1, 1], [0.9, 0.5, 0.1]),
    "sizes that fall": lambda: metrics.crossing([4, 2, 1], torch.rand(10, 3, generator=rng()), 0.5),
    "blank pictures": lambda: networks.leading_share(torch.zeros(3, 4)),
    "no g": lambda: pairs.cell((0.0, 1.0), rng(), p=3, count=1),
    "nan mean": lambda: partitions.run_lengths([0.0, 1], hazard=0.1, mean=math.nan),
    "places that fall": lambda: rules.second_derivative([0, 1, 1, 3], [0, 1, 0, 1]),
    "a series of one": lambda: rules.cusum([[1.0]]),
    "unsorted": lambda: rules.sigmoid_middle([3, 2, 1, 0], [0, 0, 1, 1]),
    "few draws": lambda: scaling.crossings([4, 8], [0, 1], [torch.rand(3, 2, 3), torch.rand(3, 2, 3)], scaling.binder),
    "not symmetric": lambda: siamese.whitened([[1, 5], [0, 1.0]], [[0.5, 0.1], [0.1, 0.5]]),
    "no outputs": lambda: siamese.sweep(torch.eye(2)[None], [0.1], outputs=0, rng=rng()),
    "growth for decay": lambda: siamese.living(-0.1, 1.0),
    "no width": lambda: speciation.score([[1.0, 2]], 0.0, centre=[1.0, 1], s2=0.0),
    "negative spread": lambda: collapse.annealed_weight(10, 5.0, 0.5, s2=-1.0),
    "fewer than one point": lambda: collapse.annealed_weight(10, -1.0, 0.1, s2=1.0),
    "beyond 1": lambda: stairs.step_times([[10.0, 0], [0, 1e-3]], [[1.0, 0], [0, 0.5]]),
    "beyond half": lambda: stairs.two_layer_half_time(1.0, start=0.6),
    "nan weight": lambda: superposition.loss(math.nan, 0.0, 0.0, 0.25, 0.5),
    "nan density": lambda: superposition.loss(1.0, 0.0, 0.0, 0.25, math.nan),
    "small triangle": lambda: triangular.energy(torch.ones(1, 2, 2)),
    "printed too large": lambda: published.read("1e400"),
    "nan against print": lambda: published.digits(published.read("0.69"), math.nan),
}


@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_is_impossible_is_refused_with_a_remedy(case):
    with pytest.raises(ValueError, match="[:;] "):
        case()


def test_what_is_sealed_is_said_in_words():
    with pytest.raises(TypeError, match="say in words"):
        sealed.seal(3, Estimate(1.0, 0.1), rng=rng())

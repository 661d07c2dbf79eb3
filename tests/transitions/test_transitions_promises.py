"""What the docstrings of part six promise, tried where it is hard to keep."""

import math

import pytest
import torch

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
    laws,
    learning_curves,
    magnets,
    networks,
    pairs,
    partitions,
    rules,
    scaling,
    sealed,
    siamese,
    speciation,
    superposition,
    triangular,
)

X = torch.tensor([0.0, 1.0, 2.0, 3.0])
CURVES = [data_collapse.Curve(L, X, X, torch.ones(4)) for L in (4, 8)]


def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("depth", [3, 4, 10, 200])
def test_a_mode_is_learnt_alike_at_every_strength(depth):
    shares = []
    for s in (1e-60, 1.0, 1e60):
        critical = deep_linear.critical_decay(depth, s)
        assert deep_linear.learnt(depth, s, critical) == pytest.approx(deep_linear.jump(depth, s), rel=1e-12)
        shares.append([deep_linear.learnt(depth, s, share * critical) / s for share in (0.0, 1e-6, 0.5, 1.0)])
        m = deep_linear.learnt(depth, s, 0.5 * critical)
        assert m ** ((depth - 2) / depth) * (s - m) == pytest.approx(0.5 * critical, rel=1e-10)
    assert shares[0] == pytest.approx(shares[1], rel=1e-11) and shares[2] == pytest.approx(shares[1], rel=1e-11)
    assert deep_linear.learnt(depth, 1.0, deep_linear.spinodal(depth, 1.0) * (1 - 1e-15)) > 0


def test_a_participation_ratio_has_no_unit():
    z = torch.randn(40, 3, generator=rng(), dtype=torch.float64)
    for unit in (1e-200, 1e200):
        assert float(encoders.participation(unit * z)) == pytest.approx(float(encoders.participation(z)), rel=1e-12)


def test_data_far_from_the_origin_keep_their_distances():
    data = torch.randn(60, 4, generator=rng(), dtype=torch.float64)
    points = data[:40] + 0.01 * torch.randn(40, 4, generator=rng(), dtype=torch.float64)
    for origin in (0.0, 1e4):
        assert torch.equal(denoiser.nearest((points + origin).float(), (data + origin).float()), torch.arange(40))
    t = 0.5
    near = denoiser.empirical_score(data)(math.exp(-t) * points, t)
    far = denoiser.empirical_score(data + 1e6)(math.exp(-t) * (points + 1e6), t)
    assert torch.allclose(near, far, rtol=0, atol=1e-6)


def test_a_first_point_more_is_counted_however_few_there_are():
    for log_n in (1e-300, 1e-12, 1e-3, 1.0, 600.0):
        assert speciation.log_others(log_n) == pytest.approx(
            math.log(math.expm1(log_n)) if log_n < 30 else log_n, rel=1e-13, abs=1e-13
        )
    assert collapse.annealed_weight(10, 1e-300, 0.3, s2=1.0) == pytest.approx(1.0)


def test_the_top_vector_of_a_multiple_of_the_identity_is_a_unit_vector():
    for p in (3, 100):
        for kind in (torch.float32, torch.float64):
            value, vector = pairs.top_vector(2 * torch.eye(p, dtype=kind))
            assert value.dtype == vector.dtype == kind
            assert float(value) == pytest.approx(2) and float(vector.norm()) == pytest.approx(1, abs=1e-6)


def test_a_binder_ratio_of_counts_keeps_its_digits():
    counts = torch.tensor([1, 2**24 + 1, 3])
    assert torch.equal(scaling.binder(counts), scaling.binder(counts.double()))


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda: attention.positional_minimum(omega="0", sigma=1.0, a=0.8), TypeError),
        (lambda: attention.positional_start(-1, omega=0.3, sigma=1.0, a=0.8), ValueError),
        (lambda: attention.positional_start(2.5, omega=0.3, sigma=1.0, a=0.8), TypeError),
        (lambda: attention.train(torch.ones(3, 2, 4) * math.nan, torch.ones(3, 2, 4), torch.ones(4)), ValueError),
        (lambda: capacity.largest_margin("1"), TypeError),
        (lambda: changes.bars_of(torch.randn(4, 5), torch.ones(5, 1) * math.nan), ValueError),
        (lambda: classes.p_values(1.0, torch.eye(1)), ValueError),
        (lambda: classes.p_values([1.0, 1.0], torch.eye(2), classes={}), ValueError),
        (lambda: collapse.drawn_weights(2, 4, 3, [], s2=1.0, rng=rng()), ValueError),
        (lambda: data_collapse.best(CURVES, start=(1.0, 1.0)), ValueError),
        (lambda: data_collapse.quality(CURVES, "1", 1.0, 0.0), TypeError),
        (lambda: deep_linear.critical_response("1"), TypeError),
        (lambda: deep_linear.sweep([torch.eye(2)] * 2, torch.eye(2), "12"), TypeError),
        (lambda: denoiser.train(torch.ones(4, 2) * math.nan, rng=rng(), n_steps=1), ValueError),
        (lambda: denoiser.train(torch.ones(4, 2), rng=rng(), n_steps=1, batch=0), ValueError),
        (lambda: denoiser.nearest(torch.ones(3, 2), torch.ones(4, 3)), ValueError),
        (lambda: denoiser.reverse(torch.ones(1, 2), math.inf, lambda x, t: -x, rng=rng()), ValueError),
        (lambda: encoders.participation(torch.ones(9, 2) * math.nan), ValueError),
        (lambda: encoders.probe(*[torch.ones(1, 2, 2), torch.tensor([0.5, 1.0])] * 2), ValueError),
        (lambda: encoders.views(torch.ones(1, 4, 4), rng=rng(), noise="1"), TypeError),
        (lambda: grokking.threshold([0.1, 0.2, 0.3], [0, 1, 2], 2.5), TypeError),
        (lambda: grokking.extrapolate([11, 13], [Estimate(0.5, 0.1)] * 2, 17.5), TypeError),
        (lambda: laws.losses_of((1.0, 2.0), [1.0], [1.0]), ValueError),
        (lambda: laws.isoflop_shift(0.3, 0.3, half_width=1e3), ValueError),
        (lambda: learning_curves.amplitude(math.inf, 2.0), ValueError),
        (lambda: learning_curves.powers(3, math.nan), ValueError),
        (lambda: magnets.passing([1.0, 2.0, 3.0], [0.9, 1.5, -0.1]), ValueError),
        (lambda: pairs.nuisance_top(2.0, -1.0), ValueError),
        (lambda: pairs.top_vector([[0.0, 1.0], [0.0, 0.0]]), ValueError),
        (lambda: pairs.top_vector([[math.nan, 1.0], [1.0, 0.0]]), ValueError),
        (lambda: partitions.partition([1.0, 2.0], penalty="1"), TypeError),
        (lambda: rules.second_derivative(X, [1.0, math.nan, 2.0, 3.0]), ValueError),
        (lambda: rules.second_derivative(X, [1.0, 2.0, 3.0]), ValueError),
        (lambda: rules.sigmoid_middle(X, [1.0, math.nan, 2.0, 3.0]), ValueError),
        (lambda: scaling.crossings([4, 8], X, [torch.ones(20, 4, 1) * math.nan] * 2, lambda m: m[:, 0]), ValueError),
        (lambda: scaling.fit([4, -8], X, [torch.ones(40, 4, 3)] * 2, start=(2.0, 1.0), omega=1.0), ValueError),
        (lambda: sealed.opened("x", Estimate(1, 1), "salt"), TypeError),
        (lambda: siamese.sweep(torch.eye(2)[None], [0.1], outputs=1, rng=rng(), start=-0.5), ValueError),
        (lambda: siamese.critical_decay("1"), TypeError),
        (lambda: superposition.loss(1e200, 0.0, 0.0, 0.0, 0.5), ValueError),
        (lambda: superposition.minimum(0.5, (1.0, 2.0)), ValueError),
        (lambda: triangular.sweep(torch.ones(1, 3, 3, dtype=torch.bool), beta=0.1, rng=rng()), TypeError),
        (lambda: triangular.energy(torch.ones(1, 3, 3, dtype=torch.uint8)), TypeError),
        (lambda: networks.leading_share(torch.zeros(2, 4)), ValueError),
    ],
)  # fmt: skip
def test_part_six_refuses_in_its_own_words(wrong, kind):
    with pytest.raises(kind, match=r"[;:] .*\w"):
        wrong()

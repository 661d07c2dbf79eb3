"""A jump is what no smooth curve does: the test has its size exactly, and its power where there is one."""

import math

import pytest
import torch

from fieldkit.transitions import changes
from tests.golden import entries

N = 40
X = torch.linspace(-1, 1, N, dtype=torch.float64)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def noise(n, rng):
    return torch.randn(n, N, generator=rng, dtype=torch.float64)


@pytest.fixture
def law(rng):
    return changes.null_law(changes.polynomials(X, 3), changes.steps(N), n_draws=1999, rng=rng)


def share(p, level):
    hits = (p <= level).double()
    return hits.mean().item(), math.sqrt(level * (1 - level) / len(hits))


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_a_smooth_curve_jumps_as_often_as_the_level_says_whatever_its_size(rng, law, level):
    y = 0.1 * noise(2000, rng) + 3 * X + X**2 - X**3
    p = changes.p_values(changes.scan(y, changes.polynomials(X, 3), changes.steps(N))[0], law)
    found, bar = share(p, level)
    assert abs(found - level) < 4 * math.hypot(bar, math.sqrt(level * (1 - level) / 1999))


def test_the_statistic_knows_neither_the_curve_nor_the_size_of_the_noise(rng):
    e, null, shapes = noise(5, rng), changes.polynomials(X, 2), changes.steps(N)
    plain, moved = changes.scan(e, null, shapes), changes.scan(1e-3 * e + 100 - 7 * X**2, null, shapes)
    assert torch.allclose(plain[0], moved[0], rtol=1e-7) and torch.equal(plain[1], moved[1])


def test_the_statistic_is_the_likelihood_ratio_of_brute_force_fits(rng):
    y, null, shapes = noise(1, rng)[0], changes.polynomials(X, 1), changes.steps(N, least=4)

    def misfit(design):
        return (y - design @ torch.linalg.lstsq(design, y[:, None]).solution[:, 0]).square().sum()

    brute = [N * torch.log(misfit(null) / misfit(torch.cat([null, s[:, None]], 1))) for s in shapes.T]
    statistic, which = changes.scan(y, null, shapes)
    assert statistic.item() == pytest.approx(max(brute).item(), rel=1e-9)
    assert which.item() == max(range(len(brute)), key=lambda j: brute[j])


@pytest.mark.parametrize(("jump", "power"), [(2, 0.26), (3, 0.61), (4, 0.92)])
def test_a_jump_of_a_few_sigma_is_found_as_often_as_simulated_independently(rng, law, jump, power):
    y = noise(600, rng) + 3 * X + jump * (X > 0.1)
    statistic, which = changes.scan(y, changes.polynomials(X, 3), changes.steps(N))
    found, _ = share(changes.p_values(statistic, law), 0.05)
    assert found == pytest.approx(power, abs=4 * math.sqrt(power * (1 - power) * (1 / 600 + 1 / 500)))
    if jump == 4:
        place = int((X > 0.1).double().argmax()) - 3
        assert ((which - place).abs() <= 1).double().mean() > 0.92


def test_quantiles_of_the_law_are_the_independent_ones(rng):
    for entry in entries("transitions"):
        if entry["name"].startswith("transitions.null.jump_quantile"):
            n, degree, level = (
                float(entry["name"].split(f"{key}=")[1].split(",")[0].rstrip(")")) for key in ("n", "degree", "p")
            )
            x = torch.arange(int(n)).double()
            law = changes.null_law(changes.polynomials(x, int(degree)), changes.steps(int(n)), n_draws=20000, rng=rng)
            # the error of a quantile: sqrt(level (1 - level)/draws) over the density there, about 0.5 times the tail
            assert law.quantile(level).item() == pytest.approx(
                entry["value"], abs=4 * 2.2 * math.sqrt(1 / (1 - level) / 20000)
            )


def test_a_break_of_the_slope_is_a_shape_like_any_other(rng):
    x = torch.linspace(0, 3, 24, dtype=torch.float64)
    null, shapes = changes.polynomials(x, 1), changes.hinges(x)
    law = changes.null_law(null, shapes, n_draws=1999, rng=rng)
    e = 0.05 * torch.randn(1000, 24, generator=rng, dtype=torch.float64)
    flat, _ = share(changes.p_values(changes.scan(e - 0.5 * x, null, shapes)[0], law), 0.05)
    assert abs(flat - 0.05) < 4 * 0.0085
    bent, _ = share(
        changes.p_values(changes.scan(e - 0.5 * x - 0.7 * (x - 1.5).clamp_min(0), null, shapes)[0], law), 0.05
    )
    assert bent > 0.95


def test_a_curve_that_the_null_cannot_follow_is_no_jump(rng):
    """Twelve runs of a steep smooth rise: against a cubic the test alone would say jump, the verdict says nothing."""
    runs = torch.sigmoid(12 * X) + 0.05 * noise(12, rng)
    found = changes.verdict(runs, changes.polynomials(X, 3), changes.steps(N), rng=rng)
    assert changes.jump_test(runs.mean(0), changes.polynomials(X, 3), changes.steps(N), rng=rng).p_value < 0.01
    assert found.answer == "null rejected" and found.lack < 1e-3 and found.change is None
    assert (
        changes.verdict(noise(12, rng) + X, changes.polynomials(X, 3), changes.steps(N), rng=rng).answer
        == "no jump seen"
    )
    stepped = changes.verdict(noise(12, rng) + X + 3 * (X > 0), changes.polynomials(X, 3), changes.steps(N), rng=rng)
    assert stepped.answer == "jump" and 3 + stepped.change.place == 20


@pytest.mark.parametrize("shared", [True, False])
def test_lack_of_fit_has_its_size(rng, shared):
    x = torch.linspace(0, 1, 6, dtype=torch.float64)
    root = torch.eye(6, dtype=torch.float64) + (0.9 if shared else 0) * torch.ones(6, 6, dtype=torch.float64)
    runs = torch.randn(400, 12, 6, generator=rng, dtype=torch.float64) @ root + 2 * x
    p = torch.tensor([changes.lack_of_fit(r, changes.polynomials(x, 1), shared=shared) for r in runs])
    found, bar = share(p, 0.05)
    assert abs(found - 0.05) < 4 * bar


def test_smoothed_bars_are_unbiased(rng):
    true = torch.exp(X)
    bars = torch.stack([changes.bars_of(true * noise(5, rng), changes.polynomials(X, 1)) for _ in range(200)])
    off = (bars.log().mean(0) - (true / math.sqrt(5)).log()) / (bars.log().std(0) / math.sqrt(200))
    assert off.abs().max() < 4.5


def test_what_cannot_be_tested_is_refused(rng):
    null, shapes = changes.polynomials(X, 2), changes.steps(N)
    for call, words in (
        (lambda: changes.scan(X**2, null, shapes), "without noise"),
        (lambda: changes.scan(torch.full((N,), math.nan), null, shapes), "not finite"),
        (lambda: changes.scan(X[:-1], null, shapes), "expected"),
        (lambda: changes.scan(X.sin(), torch.ones(N, 2), shapes), "depend on each other"),
        (lambda: changes.scan(X.sin(), null, (X**2)[:, None]), "tell them apart"),
        (lambda: changes.steps(5), "either side"),
        (lambda: changes.polynomials(torch.ones(5), 1), "different places"),
        (lambda: changes.hinges(-X), "ascend"),
        (lambda: changes.lack_of_fit(torch.ones(3, N), null, shared=True), "3 runs"),
        (lambda: changes.verdict(noise(3, rng), null, shapes, rng=rng, level=0.0), "level"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

"""A fit ends at its optimum, a floor is no break, and a parabola misses the best size."""

import math

import pytest
import torch

from fieldkit.transitions import changes, laws
from tests.transitions.golden import golden

TRUTH = (1.8172, 482.01, 2085.43, 0.3478, 0.3658)


def runs(noise, seed, n=240):
    rng = torch.Generator().manual_seed(seed)
    u = torch.rand(2, n, generator=rng, dtype=torch.float64)
    sizes, examples = 10 ** (7.8 + 2.4 * u[0]), 10 ** (9.7 + 2 * u[1])
    e = torch.randn(n, generator=rng, dtype=torch.float64)
    return sizes, examples, laws.losses_of(TRUTH, sizes, examples) * (noise * e).exp()


def test_a_law_without_noise_is_found_to_rounding():
    found = laws.fit(*runs(0.0, 0))
    assert found.parameters.tolist() == pytest.approx(TRUTH, rel=1e-7) and found.misfit < 1e-20


def test_the_bars_of_a_fit_are_the_spread_of_fits():
    fits = [laws.fit(*runs(0.005, seed)) for seed in range(40)]
    for name, truth in (("alpha", 0.3478), ("beta", 0.3658)):
        pulls = torch.tensor([fit.estimate(name).pull(truth) for fit in fits], dtype=torch.float64)
        assert abs(pulls.mean()) < 4 / math.sqrt(40) and 0.65 < pulls.std() < 1.45
    pulls = torch.tensor([f.optimal_exponent().pull(0.3658 / 0.7136) for f in fits], dtype=torch.float64)
    assert abs(pulls.mean()) < 4 / math.sqrt(40) and 0.65 < pulls.std() < 1.45


def test_no_descent_ends_lower_and_the_default_one_stops_short():
    sizes, examples, losses = runs(0.005, 1)
    found = laws.fit(sizes, examples, losses)

    def misfit(law):
        return (laws.losses_of(law, sizes, examples) / losses - 1).square().sum().item()

    assert misfit(found.parameters.tolist()) == pytest.approx(found.misfit, rel=1e-9)
    for averaged in (False, True):
        assert misfit(laws.huber_descent(sizes, examples, losses, averaged=averaged).tolist()) > found.misfit
    generator = torch.Generator().manual_seed(2)
    for _ in range(20):
        step = 1 + 1e-3 * torch.randn(5, generator=generator, dtype=torch.float64)
        assert misfit((found.parameters * step).tolist()) >= found.misfit


def test_descent_on_the_averaged_loss_gives_the_wrong_exponent_with_a_small_spread():
    betas = torch.stack([laws.huber_descent(*runs(0.005, seed), averaged=True)[4] for seed in range(6)])
    assert betas.mean() == pytest.approx(0.336, abs=0.004) and betas.std() < 0.003  # the truth is 0.3658


def test_units_do_not_matter():
    sizes, examples, losses = runs(0.005, 3)
    one, other = laws.fit(sizes, examples, losses), laws.fit(sizes / 1e6, examples / 1e9, 10 * losses)
    assert other.parameters[3:].tolist() == pytest.approx(one.parameters[3:].tolist(), rel=1e-6)
    assert other.estimate("alpha").error == pytest.approx(one.estimate("alpha").error, rel=1e-4)


def test_a_parabola_misses_the_optimum_by_the_independent_values():
    for numbers, value in golden("isoflop.shift_log10N"):
        found = laws.isoflop_shift(numbers["alpha"], numbers["beta"], half_width=numbers["half_width"])
        assert found == pytest.approx(value, rel=1e-9)
    assert laws.isoflop_shift(0.4, 0.2, half_width=1.0) == pytest.approx(0.05187725742298811, rel=1e-10)
    assert laws.isoflop_shift(0.3, 0.3, half_width=1.0) == pytest.approx(0.0, abs=1e-12)


def test_a_floor_looks_like_a_break_until_it_is_fitted():
    rng = torch.Generator().manual_seed(4)
    x = torch.linspace(0, 3 * math.log(10), 24, dtype=torch.float64)
    y = (torch.exp(-0.5 * x) + 0.05) * (0.05 * torch.randn(24, generator=rng, dtype=torch.float64)).exp()
    found = changes.jump_test(y.log(), changes.polynomials(x, 1), changes.hinges(x), rng=rng)
    assert found.p_value < 0.01
    floor, a, alpha, rest = laws.with_floor(x.exp(), y)
    assert (floor, a, alpha) == pytest.approx((0.05, 1.0, 0.5), rel=0.15)
    assert rest == pytest.approx(21 * 0.05**2, rel=0.9)  # what is left is the noise


def test_impossible_laws_are_refused():
    sizes, examples, losses = runs(0.0, 0, n=8)
    for call, words in (
        (lambda: laws.fit(sizes[:5], examples[:5], losses[:5]), "6 or more"),
        (lambda: laws.fit(sizes * 0 + 1, examples, losses), "vary both"),
        (lambda: laws.fit(-sizes, examples, losses), "positive"),
        (lambda: laws.fit(sizes, examples, losses).estimate("gamma"), "'gamma'"),
        (lambda: laws.isoflop_shift(0.0, 1.0, half_width=1.0), "alpha = 0"),
        (lambda: laws.with_floor(sizes[:3], losses[:3]), "4 or more"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

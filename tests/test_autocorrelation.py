"""The Gamma method against chains whose autocorrelation is known, and against pyerrors."""

import math

import pytest
import torch
from scipy.signal import lfilter

from fieldkit.autocorrelation import StreamedSeries, gamma_method
from fieldkit.estimates import mean
from fieldkit.lattice import free, hmc, markov, phi4, slowing_exact
from fieldkit.neuralrg import prices


def autoregressive(n_chains, n_steps, a, seed):
    """x_{t+1} = a x_t + noise in equilibrium, variance 1: rho(t) = a^t, so tau = (1 + a) / (1 - a) / 2."""
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_chains, n_steps, generator=rng, dtype=torch.float64)
    noise[:, 1:] *= math.sqrt(1 - a * a)
    return torch.as_tensor(lfilter([1], [1, -a], noise.numpy()))


@pytest.mark.parametrize(("n_chains", "n_steps"), [(256, 100), (256, 400), (64, 1000), (16, 4000), (1, 20000)])
def test_tau_is_right_whatever_the_shape_of_the_run(n_chains, n_steps):
    taus = [gamma_method(autoregressive(n_chains, n_steps, 0.9, seed)).tau for seed in range(40)]
    average = sum(t.value for t in taus) / 40
    assert abs(average - 9.5) < 4 * taus[0].error / math.sqrt(40) + 0.15  # windowing truncates about 1 per cent


def test_bars_cover_as_often_as_they_say():
    means = [gamma_method(autoregressive(256, 100, 0.9, seed)).mean for seed in range(300)]
    inside = sum(abs(m.pull(0)) < 1 for m in means) / 300
    assert abs(inside - 0.683) < 4 * math.sqrt(0.683 * 0.317 / 300)


@pytest.mark.parametrize("a", [-0.9, -0.7, -0.6, -0.5, -0.4, -0.3, -0.1, 0.0, 0.3, 0.6, 0.9, 0.95])
def test_bars_are_right_and_cover_whatever_the_sign_of_the_memory(a):
    """200 runs of 4 chains x 2000 steps.  Truth: the exact variance of the mean of an autoregressive chain."""
    n_chains, n_steps, n = 4, 2000, 200
    rho = a ** torch.arange(n_steps, dtype=torch.float64)
    truth = math.sqrt(markov.variance_of_mean(rho, n_chains))
    runs = autoregressive(n * n_chains, n_steps, a, 17).view(n, n_chains, n_steps)
    found = [gamma_method(run) for run in runs]
    bars = torch.tensor([series.mean.error / truth for series in found])
    assert abs(bars.mean().item() - 1) < 4 * bars.std().item() / math.sqrt(n) + 0.01  # what the window leaves out
    assert bars.std() < 0.15 and bars.min() > 0.5
    taus = torch.tensor([series.tau.value for series in found]) * 2 * (1 - a) / (1 + a)
    assert abs(taus.mean().item() - 1) < 4 * taus.std().item() / math.sqrt(n) + 0.02
    assert 0.7 < taus.std().item() / (sum(f.tau.error / f.tau.value for f in found) / n) < 1.4  # the bar of tau itself
    inside = sum(abs(series.mean.pull(0)) < 1 for series in found) / n
    assert abs(inside - 0.683) < 4 * math.sqrt(0.683 * 0.317 / n)


@pytest.mark.parametrize(("radius", "angle"), [(0.9, 1.0), (0.9, math.pi / 2), (0.8, 2.5), (0.95, 0.5)])
def test_a_chain_that_oscillates_has_the_bar_of_its_transfer_function(radius, angle):
    """x_t = 2 r cos(w) x_{t-1} - r^2 x_{t-2} + noise: variance of the mean 1 / |1 - 2 r cos(w) + r^2|^2 / steps."""
    n, n_chains, n_steps = 60, 16, 2000
    rng = torch.Generator().manual_seed(29)
    noise = torch.randn(n * n_chains, 300 + n_steps, generator=rng, dtype=torch.float64)
    runs = torch.as_tensor(lfilter([1], [1, -2 * radius * math.cos(angle), radius**2], noise.numpy()))
    runs = runs[:, 300:].reshape(n, n_chains, n_steps)
    truth = 1 / (1 - 2 * radius * math.cos(angle) + radius**2) / math.sqrt(n_chains * n_steps)
    bars = torch.tensor([gamma_method(run).mean.error / truth for run in runs])
    assert abs(bars.mean().item() - 1) < 4 * bars.std().item() / math.sqrt(n) + 0.01


@pytest.mark.parametrize("length", [1.0, 2.1, 2.25])
def test_trajectories_that_overshoot_have_the_tau_of_an_oscillator(length):
    """Hybrid Monte Carlo of a free chain of 8 sites, mass 1: the mean field turns by the leapfrog angle, the field at a
    site is a mixture of modes, some of which come back with the other sign."""
    n_leapfrog, rng = 45, torch.Generator().manual_seed(3)
    start = free.sample(16, 8, 1, mass2=1.0, rng=rng)
    run = hmc.run(
        phi4.Phi4(1.0, 0.0), start, n_steps=1500, step_size=length / n_leapfrog, n_leapfrog=n_leapfrog, rng=rng,
        measure=lambda phi: torch.stack([phi.mean(1), phi[:, 0]], 1),
    )  # fmt: skip
    omegas = (free.momentum_squared(8, 1) + 1).sqrt()
    tau = torch.tensor(
        [slowing_exact.hmc_tau(w, step_size=length / n_leapfrog, n_leapfrog=n_leapfrog) for w in omegas.tolist()]
    )
    weights = omegas**-2 / (omegas**-2).sum()
    for k, truth in enumerate((tau[0].item(), (weights * tau).sum().item())):
        assert abs(gamma_method(run.measured[..., k]).tau.pull(truth)) < 4


def test_steps_that_swing_back_are_worth_more_than_draws():
    chains = autoregressive(16, 4000, -0.4, 8)
    assert abs(prices.of_chains(chains, 10.0).pull(2 * 10.0 * (3 / 14) / 64_000)) < 4
    assert prices.of_chains(chains[0].tolist(), 10.0).value == pytest.approx(2 * 10 * 3 / 14 / 4000, rel=0.3)


def test_one_long_chain_agrees_with_pyerrors():
    pyerrors = pytest.importorskip("pyerrors")
    chain = autoregressive(1, 20000, 0.95, 3)
    oracle = pyerrors.Obs([chain[0].numpy()], ["chain"])
    oracle.gamma_method(S=2.0)
    theirs = oracle.e_windowsize["chain"]
    ours = gamma_method(chain, window=theirs)
    assert ours.mean.value == pytest.approx(oracle.value, abs=1e-14)
    assert ours.mean.error == pytest.approx(oracle.dvalue, rel=2e-3)  # pyerrors corrects Gamma lag by lag, we the sum
    assert ours.tau.value == pytest.approx(oracle.e_tauint["chain"], rel=4e-3)
    automatic = gamma_method(chain, S=2.0)  # the area under |rho| less its noise, for the area under rho
    assert abs(automatic.window - theirs) < 0.1 * theirs
    apart = 4 * math.sqrt((abs(automatic.window - theirs) + 1) / 20000)  # noise of the lags in between, in the bar
    assert automatic.mean.error == pytest.approx(oracle.dvalue, rel=apart)


def test_independent_samples_have_tau_one_half():
    rng = torch.Generator().manual_seed(5)
    series = gamma_method(torch.randn(200, 500, generator=rng, dtype=torch.float64))
    assert abs(series.tau.pull(0.5)) < 4
    assert series.mean.error == pytest.approx(1 / math.sqrt(100_000), rel=0.05)


@pytest.mark.parametrize("a", [-0.9, -0.4, 0.0, 0.9])
@pytest.mark.parametrize(("n_chains", "n_steps"), [(64, 1000), (1, 20000)])
def test_the_streamed_run_gives_the_same_numbers(n_chains, n_steps, a):
    chains = 5 + autoregressive(n_chains, n_steps, a, 11)
    stream = StreamedSeries(n_chains, max_lag=300)
    for t in range(n_steps):
        stream.update(chains[:, t])
    ours, stored = stream.result(), gamma_method(chains)
    assert ours.window == stored.window
    assert ours.mean.value == pytest.approx(stored.mean.value, rel=1e-12)
    assert ours.mean.error == pytest.approx(stored.mean.error, rel=1e-9)
    assert ours.tau.value == pytest.approx(stored.tau.value, rel=1e-9)
    assert torch.allclose(stream.chain_means(), chains.mean(1))


def test_a_run_that_is_too_short_is_refused_with_advice():
    with pytest.raises(ValueError, match="50 tau|no window"):
        gamma_method(autoregressive(1, 300, 0.98, 0))
    with pytest.raises(ValueError, match="run longer"):
        gamma_method(torch.arange(40.0)[:, None].expand(40, 50))  # every chain is stuck where it began
    with pytest.raises(ValueError, match="do not fluctuate"):
        gamma_method(torch.ones(4, 100))
    with pytest.raises(ValueError, match="not finite"):
        gamma_method(torch.full((2, 50), float("nan")))
    with pytest.raises(ValueError, match="n_chains, n_steps"):
        gamma_method(torch.zeros(2, 3, 4))


def test_a_window_is_a_lag_and_a_guess_is_positive():
    chains = autoregressive(10, 400, 0.6, 1)
    for window in (0, -1, 400, 2.5):
        with pytest.raises((ValueError, TypeError), match=f"window = {window}"):
            gamma_method(chains, window=window)
    for S in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="S = "):
            gamma_method(chains, S=S)
    for wrong in (chains[:, :1], chains * math.inf):
        with pytest.raises(ValueError, match="two steps|not finite"):
            gamma_method(wrong)


def test_a_stream_takes_one_number_for_every_chain():
    stream = StreamedSeries(4, max_lag=5)
    with pytest.raises(ValueError, match="nothing was fed"):
        stream.chain_means()
    for wrong in (torch.zeros(3), torch.zeros(4, 1), torch.tensor(1.0), [1.0, 2.0, 3.0, 4.0]):
        with pytest.raises(ValueError, match=r"expected a tensor \(4,\)"):
            stream.update(wrong)
    for step in range(40):
        stream.update(torch.full((4,), math.nan if step == 20 else float(step % 3)))
    with pytest.raises(ValueError, match="not finite"):
        stream.result()
    for sizes in ((0, 5), (4, 0), (4, 2.5)):
        with pytest.raises((ValueError, TypeError), match="(n_chains|max_lag) = "):
            StreamedSeries(*sizes)


def test_a_stream_that_keeps_too_few_lags_is_told_so():
    stream = StreamedSeries(8, max_lag=20)
    for x in autoregressive(8, 2000, -0.95, 2).T:
        stream.update(x)
    with pytest.raises(ValueError, match="no window among 20 lags.*keep more lags"):
        stream.result()


def test_a_bar_has_the_units_of_the_observable():
    chains = autoregressive(10, 400, 0.6, 1)
    plain = gamma_method(chains)
    for scale in (2.0**-700, 2.0**700):  # squares of such numbers are 0 or infinite
        scaled = gamma_method(chains * scale)
        assert scaled == type(plain)(plain.mean * scale, plain.tau, plain.window)
    assert gamma_method(chains * 1e-9 + 1e3).tau.value == pytest.approx(plain.tau.value, rel=1e-3)


def test_a_large_guess_of_the_memory_gives_a_long_window_or_none():
    """S = 100 is a hundred times the integrated time: no window before that can be the balance."""
    chains = autoregressive(4, 2000, 0.0, 6)
    assert gamma_method(chains, S=100).window > 100
    with pytest.raises(ValueError, match="no window.*S = 100"):
        gamma_method(autoregressive(4, 500, 0.9, 6), S=100)
    windows = [gamma_method(autoregressive(4, 2000, 0.6, 6), S=S).window for S in (0.5, 1.0, 1.5, 2.0, 4.0, 8.0)]
    assert windows == sorted(windows)


def test_chains_that_disagree_beyond_their_bar_are_reported():
    """5 % of the variance lives for 200 steps behind 2: every window finds tau near 3, the truth is 11.9."""
    rng = torch.Generator().manual_seed(4)
    slow, fast = (markov.autoregressive(64, 2000, tau=tau, rng=rng) for tau in (200.0, 2.0))
    chains = math.sqrt(0.95) * fast + math.sqrt(0.05) * slow
    with pytest.warns(UserWarning, match="the means of the 64 chains scatter .* times as far as the window allows"):
        found = gamma_method(chains)
    assert found.tau.value < 4 and mean(chains.mean(1)).error > 1.5 * found.mean.error
    stream = StreamedSeries(64, max_lag=400)
    for x in chains.T:
        stream.update(x)
    with pytest.warns(UserWarning, match="a slow mode"):
        assert stream.result().window == found.window


def test_honest_chains_are_not_reported(recwarn):
    for n_chains, n_steps in ((2, 2000), (8, 1000), (64, 200), (512, 60)):
        for seed in range(20):
            x = autoregressive(n_chains, n_steps, 0.7, seed)
            gamma_method(x)
            gamma_method(x.square())
            gamma_method(x.exp())
    assert len(recwarn) == 0


def test_chains_of_unequal_length_are_told_how_to_be_equal():
    chains = [autoregressive(1, n, 0.5, 1)[0] for n in (400, 500)]
    for unequal in (chains, [chain.tolist() for chain in chains], tuple(chain.numpy() for chain in chains)):
        with pytest.raises(ValueError, match="chains of 400 to 500 steps.*cut them to 400"):
            gamma_method(unequal)
    equal = [chain[:400] for chain in chains]
    assert gamma_method(equal) == gamma_method([chain.tolist() for chain in equal]) == gamma_method(torch.stack(equal))


@pytest.mark.parametrize("unit", [2.0**-1000, 1e-200, 1e150, 1e200])
def test_a_stream_has_any_unit(unit):
    chains = autoregressive(4, 1000, 0.6, 3)
    chains[:, 0] = 0  # a cold start says nothing of the size
    stream, stored = StreamedSeries(4, max_lag=200), gamma_method(chains)
    for x in (unit * chains).T:
        stream.update(x)
    found = stream.result()
    assert found.mean.error / unit == pytest.approx(stored.mean.error, rel=1e-12)
    assert found.tau.value == pytest.approx(stored.tau.value, rel=1e-12)
    assert torch.allclose(stream.chain_means() / unit, chains.mean(1), rtol=1e-12)

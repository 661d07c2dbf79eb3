"""The Gamma method against chains whose autocorrelation is known, and against pyerrors."""

import math

import pytest
import torch

from fieldkit.autocorrelation import StreamedSeries, gamma_method


def autoregressive(n_chains, n_steps, a, seed):
    """x_{t+1} = a x_t + noise in equilibrium, variance 1: rho(t) = a^t, so tau = (1 + a) / (1 - a) / 2."""
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_steps, n_chains, generator=rng, dtype=torch.float64) * math.sqrt(1 - a * a)
    x = [noise[0] / math.sqrt(1 - a * a)]
    for step in noise[1:]:
        x.append(a * x[-1] + step)
    return torch.stack(x, dim=1)


@pytest.mark.parametrize(("n_chains", "n_steps"), [(256, 100), (256, 400), (64, 1000), (16, 4000), (1, 20000)])
def test_tau_is_right_whatever_the_shape_of_the_run(n_chains, n_steps):
    taus = [gamma_method(autoregressive(n_chains, n_steps, 0.9, seed)).tau for seed in range(40)]
    average = sum(t.value for t in taus) / 40
    assert abs(average - 9.5) < 4 * taus[0].error / math.sqrt(40) + 0.15  # windowing truncates about 1 per cent


def test_bars_cover_as_often_as_they_say():
    means = [gamma_method(autoregressive(256, 100, 0.9, seed)).mean for seed in range(300)]
    inside = sum(abs(m.pull(0)) < 1 for m in means) / 300
    assert abs(inside - 0.683) < 4 * math.sqrt(0.683 * 0.317 / 300)


def test_one_long_chain_agrees_with_pyerrors():
    pyerrors = pytest.importorskip("pyerrors")
    chain = autoregressive(1, 20000, 0.95, 3)
    oracle = pyerrors.Obs([chain[0].numpy()], ["chain"])
    oracle.gamma_method(S=2.0)
    ours = gamma_method(chain, S=2.0)
    assert ours.mean.value == pytest.approx(oracle.value, abs=1e-14)
    assert ours.mean.error == pytest.approx(oracle.dvalue, rel=2e-3)  # pyerrors corrects Gamma lag by lag, we the sum
    assert ours.tau.value == pytest.approx(oracle.e_tauint["chain"], rel=4e-3)
    assert ours.window == oracle.e_windowsize["chain"]


def test_independent_samples_have_tau_one_half():
    rng = torch.Generator().manual_seed(5)
    series = gamma_method(torch.randn(200, 500, generator=rng, dtype=torch.float64))
    assert abs(series.tau.pull(0.5)) < 4
    assert series.mean.error == pytest.approx(1 / math.sqrt(100_000), rel=0.05)


@pytest.mark.parametrize(("n_chains", "n_steps"), [(64, 1000), (1, 20000)])
def test_the_streamed_run_gives_the_same_numbers(n_chains, n_steps):
    chains = 5 + autoregressive(n_chains, n_steps, 0.9, 11)
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
    for wrong in (chains[:, :1], chains * 1e200):
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

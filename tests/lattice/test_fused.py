"""The compiled trajectory is the general one: same physics, same random numbers, no matter how many chains move
together; and where it is not to be had, the general path goes on and says why."""

import math
import warnings

import pytest
import torch

from fieldkit import compiled, estimates
from fieldkit.lattice import free, fused, hmc, parts, phi4

THEORY = phi4.Phi4(mass2=-1.0, coupling=0.5)
needs_numba = pytest.mark.skipif(not compiled.here(), reason="numba is not installed")
SHAPES = [(5, 7), (3, 1, 1), (4, 2, 2), (70, 6, 6), (6, 3, 3, 3), (2, 3, 3, 3, 3)]


def start(*shape, dtype=torch.float64, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return 0.5 * torch.randn(shape, generator=rng, dtype=dtype), rng


def chain(phi, rng, n=3, theory=THEORY, **settings):
    settings = {"step_size": 0.1, "n_leapfrog": 7, **settings}
    steps = hmc.trajectories(theory, phi, rng=rng.manual_seed(5), **settings)
    return [next(steps) for _ in range(n)]


@needs_numba
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float64, 2**-52), (torch.float32, 2**-23)])
def test_the_compiled_trajectory_is_the_general_one_to_rounding(shape, dtype, rounding):
    """Three trajectories of 21 kicks.  A kick adds a few roundings of numbers below ten, and neighbours drift apart at
    most exponentially over a time of two: a factor of a thousand in all is ample.  Energies are sums over sites."""
    phi, rng = start(*shape, dtype=dtype)
    fast, slow = chain(phi, rng, compiled=True), chain(phi, rng)
    for (phi_1, change_1, yes_1), (phi_2, change_2, yes_2) in zip(fast, slow):
        assert phi_1.dtype == phi_2.dtype == dtype
        assert phi_1.shape == phi_2.shape
        assert torch.allclose(phi_1, phi_2, rtol=0, atol=1000 * rounding)
        assert torch.allclose(change_1, change_2, rtol=0, atol=1000 * rounding * phi[0].numel() ** 0.5)
        assert torch.equal(yes_1, yes_2)


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(137, 5, 5), (9, 3, 3, 3), (150, 6)])
def test_how_many_chains_are_compiled_together_changes_no_bit(shape, dtype, monkeypatch):
    phi, rng = start(*shape, dtype=dtype)
    together = chain(phi, rng, compiled=True)
    for numbers in (1, 20 * phi[0].numel()):
        monkeypatch.setattr(fused, "IN_CACHE", numbers)
        for one, other in zip(together, chain(phi, rng, compiled=True)):
            assert all(map(torch.equal, one, other))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(200, 8, 8), (137, 5, 5), (131, 4, 4, 4), (150, 7)])
@pytest.mark.parametrize("accelerated", [False, True])
def test_moving_the_chains_in_parts_changes_no_bit(shape, dtype, accelerated, monkeypatch):
    phi, rng = start(*shape, dtype=dtype)
    masses = 1 / (free.momentum_squared(shape[1], len(shape) - 1) + 1) if accelerated else None
    steps = torch.linspace(0.05, 0.15, len(phi), dtype=dtype).reshape(-1, *(1,) * (phi.dim() - 1))
    settings = {"inverse_mass": masses, "step_size": steps}
    whole = chain(phi, rng, **settings)
    monkeypatch.setattr(parts, "IN_CACHE", 64)
    for one, other in zip(whole, chain(phi, rng, **settings)):
        assert all(map(torch.equal, one, other))
        assert one[0].stride() == other[0].stride()


@needs_numba
def test_a_compiled_run_goes_on_bit_for_bit_and_leaves_what_it_yielded_alone():
    phi, rng = start(8, 4, 4)
    kept = phi.clone()
    steps = hmc.trajectories(THEORY, phi, step_size=0.2, n_leapfrog=4, rng=rng, compiled=True)
    middle = next(steps)[0]
    copy, state = middle.clone(), rng.get_state()
    expected = [next(steps) for _ in range(2)][-1]
    assert torch.equal(middle, copy)
    assert torch.equal(phi, kept)
    rng.set_state(state)
    again = hmc.trajectories(THEORY, copy, step_size=0.2, n_leapfrog=4, rng=rng, compiled=True)
    assert all(map(torch.equal, expected, [next(again) for _ in range(2)][-1]))


@pytest.mark.parametrize("fast", [pytest.param(True, marks=needs_numba), False])
@pytest.mark.parametrize("together", [1, 250, 2**15])
def test_fields_that_are_handed_out_seldom_are_those_of_the_same_chain(fast, together, monkeypatch):
    """Bit for bit, with the changes of energy of all trajectories, however many have their random numbers at once; and
    the chain goes on from there as well."""
    monkeypatch.setattr(fused, "TOGETHER", together)
    phi, rng = start(6, 4, 4, dtype=torch.float32)
    often, state = chain(phi, rng, 14, compiled=fast, step_size=0.3), rng.get_state()
    seldom = chain(phi, rng, 2, compiled=fast, step_size=0.3, every=7)
    assert torch.equal(rng.get_state(), state)
    for k, (fields, changes, decisions) in enumerate(seldom):
        one = often[7 * k : 7 * k + 7]
        assert torch.equal(fields, one[-1][0])
        assert torch.equal(changes, torch.stack([change for _, change, _ in one], dim=1))
        assert torch.equal(decisions, torch.stack([yes for *_, yes in one], dim=1))
        assert 0 < decisions.double().mean() < 1
    later = hmc.trajectories(THEORY, seldom[-1][0], step_size=0.3, n_leapfrog=7, rng=rng, compiled=fast, every=3)
    again = hmc.trajectories(THEORY, often[-1][0], step_size=0.3, n_leapfrog=7, rng=rng, compiled=fast)
    expected = next(later)[0]
    rng.set_state(state)
    assert torch.equal([next(again) for _ in range(3)][-1][0], expected)


@needs_numba
def test_the_compiled_sampler_meets_its_identities():
    """Schwinger-Dyson and Creutz, after a search for the step, with a step of its own for every chain."""
    phi, rng = start(256, 4, 4, dtype=torch.float32)
    phi, step = hmc.tune(THEORY, phi, n_leapfrog=5, rng=rng, n_steps=100, compiled=True)
    steps = torch.full((256, 1, 1), step)
    run = hmc.run(THEORY, phi, n_steps=200, step_size=steps, n_leapfrog=5, rng=rng,
                  measure=THEORY.schwinger_dyson, compiled=True)  # fmt: skip
    assert 0.7 < run.accepted.double().mean() < 0.9
    assert abs(estimates.mean(run.measured).pull(0.0)) < 4
    assert abs(estimates.mean(torch.exp(-run.delta_h)).pull(1.0)) < 4


@needs_numba
def test_a_compiled_trajectory_that_diverges_is_rejected_and_counted():
    phi, rng = start(16, 4, 4)
    phi[:8] *= 1e3
    run = hmc.run(THEORY, phi, n_steps=3, step_size=0.5, n_leapfrog=20, rng=rng, measure=phi4.measure, compiled=True)
    assert run.diverged[:8].tolist() == [3] * 8
    assert torch.equal(run.phi[:8], phi[:8])
    assert run.phi.isfinite().all()
    assert not run.delta_h.isnan().any()


class Other(phi4.Phi4):
    """A theory of somebody's own."""


@pytest.mark.parametrize(
    ("why", "theory", "settings"),
    [
        pytest.param("not that of Other", Other(-1.0, 0.5), {}, marks=needs_numba),
        pytest.param(
            "no Fourier transform", THEORY, {"inverse_mass": 1 / (free.momentum_squared(4, 2) + 1)}, marks=needs_numba
        ),
        ("pip install numba", THEORY, None),
    ],
)
def test_without_a_compiled_path_the_general_one_goes_on_and_says_why(why, theory, settings, monkeypatch):
    if settings is None:
        monkeypatch.setattr(compiled, "here", lambda: False)
    phi, rng = start(4, 4, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        general = chain(phi, rng, theory=theory, **(settings or {}))
    with pytest.warns(UserWarning, match=why):
        asked = chain(phi, rng, theory=theory, compiled=True, **(settings or {}))
    for one, other in zip(general, asked):
        assert all(map(torch.equal, one, other))


def test_without_numba_a_loop_is_the_function_itself(monkeypatch):
    monkeypatch.setattr(compiled, "here", lambda: False)
    assert compiled.loop(math.sqrt) is math.sqrt

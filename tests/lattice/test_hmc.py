"""Laws of hybrid Monte Carlo: geometry of leapfrog, identities of the accept step, exact averages."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.lattice import acceleration as acceleration_module
from fieldkit.lattice import dynamics, free, hmc, phi4, small_lattices
from tests.fakegpu import fake_gpu

THEORY = phi4.Phi4(mass2=-1.0, coupling=0.5)
SHAPES = [(4, 6), (4, 4, 4), (4, 5, 5), (3, 3, 3, 3)]


def start(*shape, seed=1, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return 0.5 * torch.randn(shape, generator=rng, dtype=dtype), rng


def acceleration(L, d, mass2=1.0):
    return 1 / (free.momentum_squared(L, d) + mass2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("accelerated", [False, True])
def test_leapfrog_is_reversible(shape, accelerated):
    phi, rng = start(*shape)
    masses = acceleration(shape[1], len(shape) - 1) if accelerated else None
    pi = dynamics.momenta(phi, rng=rng, inverse_mass=masses)
    there = dynamics.leapfrog(THEORY, phi, pi, step_size=0.1, n_leapfrog=12, inverse_mass=masses)
    back = dynamics.leapfrog(THEORY, there[0], -there[1], step_size=0.1, n_leapfrog=12, inverse_mass=masses)
    assert torch.allclose(back[0], phi, atol=1e-10)
    assert torch.allclose(back[1], -pi, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 3), (1, 2, 2), (1, 3, 3)])
def test_leapfrog_preserves_phase_space_volume(shape):
    """The determinant of the flow's Jacobian, by central differences: h = 1e-4 leaves errors near h^2."""
    phi, rng = start(*shape)
    point = torch.cat([phi.flatten(), dynamics.momenta(phi, rng=rng).flatten()])
    size, h = len(point), 1e-4

    def flow(points):
        q, p = points.reshape(-1, 2, *shape[1:]).unbind(1)
        moved = dynamics.leapfrog(THEORY, q, p, step_size=0.2, n_leapfrog=5)
        return torch.stack(moved, dim=1).reshape(-1, size)

    shifts = h * torch.eye(size, dtype=torch.float64)
    jacobian = (flow(point + shifts) - flow(point - shifts)) / (2 * h)
    assert torch.linalg.det(jacobian).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("accelerated", [False, True])
def test_the_energy_error_falls_with_the_square_of_the_step(accelerated):
    """Richardson: dH(eps) / dH(eps/2) = 4 + O(eps^2) on the same trajectory of length 0.6."""
    phi, rng = start(1, 4, 4)
    masses = acceleration(4, 2) if accelerated else None
    pi = dynamics.momenta(phi, rng=rng, inverse_mass=masses)

    def error(n):
        q, p = dynamics.leapfrog(THEORY, phi, pi, step_size=0.6 / n, n_leapfrog=n, inverse_mass=masses)
        before, after = (dynamics.kinetic(p_, masses) + THEORY.action(q_) for q_, p_ in ((phi, pi), (q, p)))
        return float(after - before)

    ratios = [error(n) / error(2 * n) for n in (16, 32, 64)]
    assert [abs(r - 4) for r in ratios] == sorted((abs(r - 4) for r in ratios), reverse=True)
    assert ratios[-1] == pytest.approx(4, abs=0.02)


@pytest.mark.parametrize("accelerated", [False, True])
def test_momenta_have_the_covariance_of_their_masses(accelerated):
    rng = torch.Generator().manual_seed(3)
    masses = acceleration(4, 2) if accelerated else None
    pi = dynamics.momenta(torch.zeros(20000, 4, 4, dtype=torch.float64), rng=rng, inverse_mass=masses)
    structure = free.structure_factor(pi) * (masses if accelerated else 1)
    worst = max(abs(estimates.mean(structure[:, i, j]).pull(1.0)) for i in range(4) for j in range(4))
    assert worst < 4.5  # 16 pulls, 10 of them different
    assert abs(estimates.mean(dynamics.kinetic(pi, masses)).pull(8.0)) < 4


@pytest.mark.parametrize("L", [2, 3, 4])
@pytest.mark.parametrize("accelerated", [False, True])
def test_the_sampler_meets_the_exact_values(L, accelerated):
    phi, rng = start(256, L, L, seed=L)
    masses = acceleration(L, 2) if accelerated else None
    phi, step_size = hmc.tune(THEORY, phi, n_leapfrog=5, rng=rng, n_steps=100, inverse_mass=masses)
    run = hmc.run(
        THEORY, phi, n_steps=200, step_size=step_size, n_leapfrog=5, rng=rng, measure=phi4.measure, inverse_mass=masses
    )
    exact = small_lattices.torus(THEORY, L, tolerance=1e-4)
    magnetisation, phi2, quartic, neighbour = run.measured.unbind(2)
    assert 0.6 < run.accepted.double().mean() < 0.95
    for measured, truth in [
        (phi2, exact.phi2), (quartic, exact.phi4), (neighbour, exact.nn), (magnetisation, 0.0),
        (L * L * magnetisation**2, exact.chi), (torch.exp(-run.delta_h), 1.0),
    ]:  # fmt: skip
        assert abs(estimates.mean(measured).pull(truth)) < 4


@pytest.mark.parametrize("d", [1, 3])
def test_schwinger_dyson_holds_in_other_dimensions(d):
    phi, rng = start(128, *(4,) * d, seed=d)
    phi, step_size = hmc.tune(THEORY, phi, n_leapfrog=5, rng=rng, n_steps=100)
    run = hmc.run(THEORY, phi, n_steps=100, step_size=step_size, n_leapfrog=5, rng=rng, measure=THEORY.schwinger_dyson)
    assert run.measured.shape == (128, 100, 1)
    assert abs(estimates.mean(run.measured).pull(0.0)) < 4


def test_acceptance_follows_the_complementary_error_function():
    """erfc(sqrt(<dH>) / 2) for Gaussian dH (Gupta et al. 1990); the next order is far below the bar at <dH> ~ 0.04."""
    phi, rng = start(256, 8, 8)
    phi, _ = hmc.tune(THEORY, phi, n_leapfrog=10, rng=rng, n_steps=60)
    run = hmc.run(THEORY, phi, n_steps=60, step_size=0.2, n_leapfrog=5, rng=rng, measure=phi4.neighbour_product)
    assert 0.02 < run.delta_h.mean() < 0.1
    difference = estimates.jackknife(
        lambda acceptance, change: acceptance - torch.erfc(change.clamp(min=0).sqrt() / 2),
        run.accepted.double().mean(1), run.delta_h.mean(1),
    )  # fmt: skip
    assert abs(difference.pull(0.0)) < 4


def test_a_run_goes_on_bit_for_bit_from_its_last_field_and_generator():
    phi, rng = start(8, 4, 4)
    settings = {"step_size": 0.2, "n_leapfrog": 4, "rng": rng}
    chain = hmc.trajectories(THEORY, phi, **settings)
    for _ in range(3):
        middle, _, _ = next(chain)
    state = rng.get_state()
    middle = middle.contiguous().clone()
    expected = [next(chain) for _ in range(3)][-1]
    rng.set_state(state)
    again = hmc.trajectories(THEORY, middle, **settings)
    for one, other in zip(expected, [next(again) for _ in range(3)][-1], strict=True):
        assert torch.equal(one, other)


def test_trajectories_leave_what_they_yielded_alone():
    phi, rng = start(8, 4, 4)
    kept = phi.clone()
    chain = hmc.trajectories(THEORY, phi, step_size=0.2, n_leapfrog=4, rng=rng)
    first, _, _ = next(chain)
    copy = first.clone()
    for _ in range(3):
        next(chain)
    assert torch.equal(first, copy)
    assert torch.equal(phi, kept)


def test_a_diverged_trajectory_is_rejected_and_counted():
    phi, rng = start(16, 4, 4)
    phi[:8] *= 1e3  # far out, where the cubic force overflows at this step
    run = hmc.run(THEORY, phi, n_steps=3, step_size=0.5, n_leapfrog=20, rng=rng, measure=phi4.measure)
    assert run.diverged[:8].tolist() == [3] * 8
    assert torch.equal(run.phi[:8], phi[:8])
    assert run.phi.isfinite().all()
    assert not run.delta_h.isnan().any()


def test_tuning_frees_the_chains_that_a_hot_start_leaves_stuck():
    rng = torch.Generator().manual_seed(7)
    theory = phi4.Phi4(-4.0, 2.0)
    phi = 3 * torch.randn(256, 4, 4, generator=rng, dtype=torch.float64)
    before = theory.action(phi)
    phi, step_size = hmc.tune(theory, phi, n_leapfrog=10, rng=rng, step_size=0.2)
    run = hmc.run(theory, phi, n_steps=50, step_size=step_size, n_leapfrog=10, rng=rng, measure=phi4.measure)
    assert (theory.action(phi) < before).all()
    assert 0.7 < run.accepted.double().mean() < 0.9
    assert abs(estimates.mean(torch.exp(-run.delta_h)).pull(1.0)) < 4


def test_single_precision_gives_the_same_averages():
    phi, rng = start(512, 3, 3, dtype=torch.float32)
    phi, step_size = hmc.tune(THEORY, phi, n_leapfrog=5, rng=rng, n_steps=60)
    run = hmc.run(THEORY, phi, n_steps=100, step_size=step_size, n_leapfrog=5, rng=rng, measure=phi4.measure)
    assert run.phi.dtype == torch.float32
    exact = small_lattices.torus(THEORY, 3, tolerance=1e-4)
    assert abs(estimates.mean(run.measured[:, :, 1]).pull(exact.phi2)) < 4
    assert abs(estimates.mean(torch.exp(-run.delta_h)).pull(1.0)) < 4


@pytest.mark.parametrize("accelerated", [False, True])
def test_the_sampler_runs_on_the_pretend_accelerator_without_reading_back(accelerated):
    with fake_gpu() as rng:
        phi = torch.zeros(16, 6, 6, device=rng.device, dtype=torch.float32)
        masses = 1 / (free.momentum_squared(6, 2, device=rng.device) + 1) if accelerated else None
        settings = {"n_leapfrog": 3, "rng": rng, "inverse_mass": masses}
        phi, log_step = hmc._adapt(THEORY, phi, step_size=0.1, target=0.8, n_steps=3, **settings)
        run = hmc.run(THEORY, phi, n_steps=2, step_size=log_step.exp(), measure=phi4.measure, **settings)
        assert run.measured.shape == (16, 2, 4)
        assert run.measured.device == rng.device


def test_impossible_settings_are_refused_with_advice():
    phi, rng = start(2, 4, 4)
    good = {"step_size": 0.1, "n_leapfrog": 3, "rng": rng}
    for wrong in (
        {"step_size": 0.0}, {"step_size": math.nan}, {"n_leapfrog": 0}, {"inverse_mass": torch.ones(4, 3)},
        {"every": 0},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            next(hmc.trajectories(THEORY, phi, **{**good, **wrong}))
    with pytest.raises(ValueError, match="batch"):
        next(hmc.trajectories(THEORY, phi[0, 0], **good))
    with pytest.raises(ValueError, match="target"):
        hmc.tune(THEORY, phi, n_leapfrog=3, rng=rng, target=1.5)


def test_what_is_measured_has_one_row_for_every_chain():
    phi, rng = start(8, 4, 4)
    for wrong in (lambda p: p.mean(), lambda p: 1.0, lambda p: p[:4].flatten(1)):
        with pytest.raises(ValueError, match="one row for each of 8 chains"):
            hmc.run(THEORY, phi, n_steps=2, step_size=0.1, n_leapfrog=2, rng=rng, measure=wrong)
    with pytest.raises(ValueError, match="at least one trajectory"):
        hmc.run(THEORY, phi, n_steps=0, step_size=0.1, n_leapfrog=2, rng=rng, measure=phi4.measure)


@pytest.mark.parametrize("accelerated", [False, True])
def test_a_run_that_measures_seldom_is_the_run_that_measures_always(accelerated):
    phi, rng = start(5, 4, 4)
    how = {"step_size": 0.5, "n_leapfrog": 3, "rng": rng, "measure": phi4.measure}
    if accelerated:
        how["inverse_mass"] = 1 / (free.momentum_squared(4, 2) + 1)
    rng.manual_seed(9)
    always = hmc.run(THEORY, phi, n_steps=12, **how)
    rng.manual_seed(9)
    seldom = hmc.run(THEORY, phi, n_steps=3, every=4, **how)
    assert torch.equal(seldom.measured, always.measured[:, 3::4])
    assert torch.equal(seldom.phi, always.phi)
    assert torch.equal(seldom.delta_h, always.delta_h)
    assert torch.equal(seldom.accepted, always.accepted)


def test_every_chain_may_have_a_step_of_its_own_but_every_column_not():
    phi, rng = start(4, 4, 4)
    steps = torch.full((4, 1, 1), 0.1, dtype=torch.float64)
    own = next(hmc.trajectories(THEORY, phi, step_size=steps, n_leapfrog=3, rng=rng.manual_seed(2)))
    common = next(hmc.trajectories(THEORY, phi, step_size=0.1, n_leapfrog=3, rng=rng.manual_seed(2)))
    assert torch.allclose(own[0], common[0], rtol=1e-12)
    with pytest.raises(ValueError, match="one for every chain"):
        next(hmc.trajectories(THEORY, phi, step_size=steps.flatten(), n_leapfrog=3, rng=rng))


def test_tuning_refuses_what_no_step_size_can_move():
    phi, rng = start(4, 4, 4)
    phi[1, 2, 3] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        hmc.tune(THEORY, phi, n_leapfrog=3, rng=rng)
    for step_size in (0.0, -0.1, math.inf):
        with pytest.raises(ValueError, match=f"step_size = {step_size}"):
            hmc.tune(THEORY, start(4, 4, 4)[0], n_leapfrog=3, rng=rng, step_size=step_size)


def test_the_masses_that_fields_ask_for_are_those_of_the_free_field():
    """The free field's own masses make all its modes swing alike: 1/(p^2 + m^2), to the error of xi over 4000 draws."""
    rng = torch.Generator().manual_seed(2)
    phi = free.sample(4000, 8, 2, mass2=0.25, rng=rng)
    masses = acceleration_module.from_fields(phi)
    assert masses[0, 0] == pytest.approx(4.0, rel=0.2)
    assert torch.allclose(masses, acceleration(8, 2, mass2=0.25), rtol=0.2)


@pytest.mark.parametrize("phi", [torch.ones(3, 6, 6), torch.zeros(3, 6), torch.eye(6)[None].float()])
def test_whatever_the_fields_the_masses_are_possible_ones(phi):
    masses = acceleration_module.from_fields(phi)
    assert masses.dtype == torch.float64
    acceleration_module.refuse(masses, phi)
    assert 1 / (36 + 4 * 3) < masses.min() <= masses.max() <= 36 * (1 + 1e-12)

"""Where formulas cancel, overflow or are asked the impossible: couplings strong, weak and negative, masses, labels."""

import math

import pytest
import torch
from mpmath import mp, mpf

from fieldkit.lattice import ising_exact
from fieldkit.rg import (
    blocking,
    blurring,
    corner_exact,
    decimation,
    depth,
    enumeration,
    free_blocking,
    hierarchical,
    information,
    machines,
    maps,
    marchenko_pastur,
    migdal_kadanoff,
    monitor,
    monte_carlo_rg,
    phases,
    potential,
    ring_exact,
    rules,
    running_ridge,
    spectra,
    tensors,
    thermometers,
    wilson_recursion,
)

COUPLINGS = (1e-9, 1e-3, 0.3, 0.5, 1.0, 5.0, 15.0, 20.0, 99.0, 120.0, 400.0)


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(800):
        yield


def rng():
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("K", COUPLINGS)
def test_a_string_of_bonds_keeps_its_digits_at_every_coupling(K):
    for b in (2, 3, 2.5, 1.01):
        truth = b * mp.atanh(mp.tanh(mpf(K)) ** mpf(b))
        assert float(migdal_kadanoff.recursion(K, b=b, d=2)) == pytest.approx(float(truth), rel=1e-14)
    truth = mpf(K) + mp.sinh(2 * mpf(K)) * mp.log(mp.tanh(mpf(K))) / 2
    assert float(migdal_kadanoff.beta(K, d=2)) == pytest.approx(float(truth), rel=1e-14)
    assert float(decimation.correlation_length(K)) == pytest.approx(float(-1 / mp.log(mp.tanh(mpf(K)))), rel=1e-14)


@pytest.mark.parametrize("K", [0.0, 1e-9, 0.3, 0.6, 30.0, 150.0])
def test_the_slope_of_the_recursion_is_that_of_its_formula(K):
    """b^(d-1) d artanh(tanh^2 K) / dK = 2 tanh 2K at b = d = 2."""
    k = torch.tensor(K, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(migdal_kadanoff.recursion(k, b=2, d=2), k)
    assert float(slope) == pytest.approx(2 * math.tanh(2 * K), rel=1e-13, abs=1e-300)


def test_near_one_dimension_the_fixed_point_runs_off_as_one_over_two_epsilon():
    """2^eps (K - ln 2 / 2) = K for strong bonds."""
    for eps in (1e-2, 1e-4):
        truth = 2**eps * math.log(2) / 2 / math.expm1(eps * math.log(2))
        assert migdal_kadanoff.fixed_point(b=2, d=1 + eps) == pytest.approx(truth, rel=1e-10)
        assert migdal_kadanoff.fixed_point(b=1, d=1 + eps) == pytest.approx(0.5 / eps, rel=1e-10)


STRONG = [(-400, 0, 3), (-40, 0.3, 3), (-2, 0.5, 5), (-0.4, 0.2, 3), (40, 1, 3), (-3, 20, 3)]


@pytest.mark.parametrize("K, h, b", STRONG)
def test_decimation_is_a_matrix_power_for_antiferromagnets_too(K, h, b):
    T = mp.matrix([[mp.exp(mpf(K) + h), mp.exp(-mpf(K))], [mp.exp(-mpf(K)), mp.exp(mpf(K) - h)]])
    power = T**b
    found = decimation.decimate(K, h, b=b)
    new_K = mp.log(power[0, 0] * power[1, 1] / power[0, 1] ** 2) / 4
    assert float(found[0]) == pytest.approx(float(new_K), rel=1e-13)
    assert float(found[1]) == pytest.approx(float(mp.log(power[0, 0] / power[1, 1]) / 2), rel=1e-13, abs=1e-13)
    assert float(found[2]) == pytest.approx(float(mp.log(power[0, 1]) + new_K), rel=1e-13)
    assert float(decimation.log_partition(K, h)) == pytest.approx(float(mp.log(max(mp.eigsy(T, eigvals_only=True)))))


@pytest.mark.parametrize("w, h, b", [(0.5, 1000, 2), (0.5, -60, 2), (1e-5, 400, 3), (0.3, 49, 2), (0, 1000, 2)])
def test_the_cold_coordinates_hold_in_strong_fields(w, h, b):
    power = mp.matrix([[mp.exp(mpf(h)), w], [w, mp.exp(-mpf(h))]]) ** b
    new_w, new_h = decimation.decimate_cold(w, h, b=b)
    assert float(new_w) == pytest.approx(float(power[0, 1] / mp.sqrt(power[0, 0] * power[1, 1])), rel=1e-11)
    assert float(new_h) == pytest.approx(float(mp.log(power[0, 0] / power[1, 1]) / 2), rel=1e-13)


def test_a_cold_chain_is_of_one_sign_and_either_sign_is_as_likely():
    spins = decimation.draw(4000, 6, K=25.0, rng=rng()).double()
    assert (spins[:, 1:] == spins[:, :-1]).all()
    assert abs(spins[:, 0].mean()) < 4 / math.sqrt(4000)


@pytest.mark.parametrize("T", [0.001, 0.1, 0.3, 2.2, 2.5, 1e5])
def test_the_step_of_the_ladder_at_every_temperature(T):
    k = mp.sinh(2 / mpf(T)) ** 2
    k = min(k, 1 / k)
    with mp.workdps(4000 if T < 0.01 else 800):
        truth = mp.pi * mp.ellipk(1 - k**2) / mp.ellipk(k**2)
    assert corner_exact.spacing(T) == pytest.approx(float(truth), rel=1e-12)


@pytest.mark.parametrize("mass2", [1e-12, 1e-6, 1e-2, 1.0, 30.0, 1e2, 1e3, 1e5, 1e7])
def test_the_perfect_propagator_at_small_and_large_masses(mass2):
    m, s = mp.sqrt(mpf(mass2)), 4 * mp.sin(mpf(0.25)) ** 2
    truth = float((1 - s * mp.sinh(m) / (2 * m * (mp.cosh(m) - mp.cos(mpf(0.5))))) / m**2)
    assert float(free_blocking.perfect_chain(0.5, mass2=mass2)) == pytest.approx(truth, rel=1e-13)
    assert float(free_blocking.perfect([[0.5]], mass2=mass2)[0]) == pytest.approx(truth, rel=1e-12)
    spectrum = free_blocking.perfect_spectrum(4, 1, mass2=mass2)
    assert float(spectrum[0]) == pytest.approx(1 / mass2, rel=1e-12)


def test_the_perfect_propagator_at_small_momenta():
    for p in (1e-6, 1e-3, 0.1):
        truth = 1 / (4 * math.sin(p / 2) ** 2) - 1 / 6
        assert float(free_blocking.perfect([[p]])[0]) == pytest.approx(truth, rel=1e-13)


@pytest.mark.parametrize("L", [3, 6, 9])
@pytest.mark.parametrize("T", [1.5, ising_exact.T_CRITICAL, 5.0])
def test_all_levels_of_a_ring_are_found_not_only_the_first(L, T):
    both = [ring_exact.log_levels(L, T, odd=odd, n=2 ** (L - 1)) for odd in (False, True)]
    assert [len(levels) for levels in both] == [2 ** (L - 1)] * 2
    dense = ring_exact.dense_levels(L, T)
    assert (torch.cat(both).sort(descending=True).values - dense).abs().max() < 1e-9


def test_a_frozen_ring_has_its_levels_too():
    levels = ring_exact.log_levels(4, 0.002, odd=False, n=8)
    assert levels.tolist() == pytest.approx([4000, 2000, 2000, 2000, 2000, 2000, 2000, 0], abs=1e-9)


@pytest.mark.parametrize("T", [1e-3, 1e-2])
def test_frozen_tensors_sum_to_two_ground_states(T):
    found = tensors.flow(T, chi=2, n_steps=2).log_partition[:, 0]
    assert found.tolist() == pytest.approx([2 / T + math.log(2) / n for n in (1, 2, 4)], rel=1e-13)


def test_the_couplings_of_the_coarse_law_at_low_temperature():
    """Decimation keeps one spin of four: with the other spins free its law is a sum of Boltzmann factors, of which at T
    -> 0 the largest is left: all up, 2^4 bonds twice, against one spin turned over."""
    for T in (0.02, 0.1):
        states = ising_exact.all_states(4, 4)
        energy = blocking.sums(states, [blocking.NEAREST])[:, 0]
        kept = rules.state_of(states[:, ::2, ::2].repeat_interleave(1, 1)).flatten()
        log = torch.stack([(energy[kept == v] / T).logsumexp(0) for v in range(16)])
        up, one = float(log[15]), float(log[14])
        K = enumeration.couplings(rules.decimation(), T=T)
        design = blocking.sums(enumeration.coarse_states(), blocking.EVEN[:3])
        told = design @ K
        assert float(told[15] - told[14]) == pytest.approx(up - one, rel=1e-10)


def test_weights_of_a_machine_at_weak_and_strong_coupling():
    for K in (1e-12, 0.3, 400.0):
        assert thermometers.chain_weight(K) == pytest.approx(float(mp.acosh(mp.exp(2 * mpf(K))) / 2), rel=1e-14)


def test_a_threshold_on_tied_values_with_unequal_classes():
    """Of 90 zeros, 60 are labelled 0; of 10 ones, all are 1: say 0 and 1, right 70 times, as by trying both cuts."""
    values = torch.tensor([0.0] * 90 + [1.0] * 10)
    labels = torch.tensor([0] * 60 + [1] * 40)
    assert phases.by_threshold(values, labels, (values, labels)).value == pytest.approx(0.7)
    rare = torch.tensor([0] * 5 + [1] * 95)  # always 1 is the best guess
    assert phases.by_threshold(values, rare, (values, rare)).value == pytest.approx(0.95)
    generator = rng()
    x = torch.randint(6, (300,), generator=generator)
    y = (torch.rand(300, generator=generator) < 0.1 + 0.12 * x).long()
    tried = [((x > cut).long() == y).double().mean() for cut in range(-1, 6)]
    assert phases.by_threshold(x, y, (x, y)).value == pytest.approx(float(max(max(tried), 1 - min(tried))))


def test_a_ridgeless_regression_has_a_ridge_of_its_own_below_as_many_points_as_modes():
    lam = torch.tensor([1.0, 0.5, 0.2], dtype=torch.float64)
    kappa = running_ridge.self_consistent(lam, 0.0, 2)
    assert float((lam / (kappa + 2 * lam)).sum()) == pytest.approx(1, rel=1e-12)
    assert running_ridge.self_consistent(lam, 0.0, 2) == pytest.approx(running_ridge.self_consistent(lam, 1e-12, 2))
    assert running_ridge.self_consistent(lam, 0.0, 10) == 0


def test_strengths_without_limit():
    assert marchenko_pastur.spike(1e100) == pytest.approx(1e100)
    assert marchenko_pastur.overlap(1e200) == (1.0, 1.0)


def test_whole_numbers_and_lists_are_read_as_numbers():
    assert spectra.truncated([[1, 1], [1, 1]], 1).flatten().tolist() == pytest.approx([1, 1, 1, 1])
    assert spectra.largest_entries(torch.tensor([[1, 2], [3, 4]]), 1).tolist() == [[0, 0], [0, 4]]
    assert running_ridge.ridge_at([1, 0.5, 0.2], 0.1, 1) == pytest.approx(0.8)
    assert maps.exponents([[2, 0], [0, 0.5]], b=2).tolist() == pytest.approx([1, -1])
    assert blocking.average([[1, 2], [3, 4]]).tolist() == [[1.5], [3.5]]
    assert machines.log_partition(torch.ones(2, 2, dtype=torch.int64)) == pytest.approx(
        float(mp.log(2 * (2 * mp.cosh(2)) ** 2 + 2 * 4)), rel=1e-13
    )


@pytest.mark.parametrize("shape", [(64, 64), (16, 16), (15, 15), (200, 50)])
def test_the_size_of_the_noise_is_that_of_its_entries(shape):
    """Of 400 matrices, up to what is left at finite size, a tenth of a spacing of singular values at the median."""
    found = spectra.noise(torch.randn(400, *shape, generator=rng(), dtype=torch.float64))
    assert float(found.mean()) == pytest.approx(1, abs=0.25 / min(shape) + 4 * float(found.std()) / 20)


IMPOSSIBLE = {
    "no slope": lambda: depth.critical_sw2(lambda z: z**2),
    "a kernel that grows": lambda: depth.kernel_amplitude(torch.nn.functional.gelu),
    "a kernel that does not vanish": lambda: depth.vertex_slope(torch.sigmoid),
    "nothing joined": lambda: monte_carlo_rg.joined([]),
    "negative mass": lambda: free_blocking.perfect([[0.5]], mass2=-1.0),
    "negative mass on a torus": lambda: free_blocking.perfect_spectrum(4, 2, mass2=-1.0),
    "negative mass, blocked": lambda: free_blocking.blocked([[0.5]], 2, mass2=-1.0),
    "nan weight": lambda: free_blocking.perfect_action(4, 1, kappa=math.nan),
    "no dimension": lambda: free_blocking.exponent(2, d=0),
    "negative side": lambda: blurring.time(-4, 0.3),
    "backwards": lambda: blurring.free_variance(4, 2, mass2=1.0, t=-1.0),
    "no ordered phase": lambda: hierarchical.critical_length(D=1.5),
    "a rule of 2": lambda: information.of_rule(information.chain(0.5), [2.0, 0, 0, 1]),
    "another block": lambda: information.of_rule(information.chain(0.5), [1.0, 0]),
    "nan exponent": lambda: maps.kind([math.nan, 1.0]),
    "no exponent": lambda: maps.kind([]),
    "not square": lambda: maps.exponents(torch.ones(2, 3), b=2),
    "negative strength": lambda: marchenko_pastur.spike(-2.0),
    "negative signal": lambda: spectra.planted(4, -2.0, 3, rng=rng()),
    "nan place": lambda: marchenko_pastur.cumulative(math.nan, 0.3),
    "broken power": lambda: migdal_kadanoff.recursion(-0.5, b=2.5, d=2),
    "negative burn-in": lambda: migdal_kadanoff.heat_bath(1, 0.4, b=2, d=2, n=1, n_sweeps=1, rng=rng(), n_burn=-5),
    "a blind rule": lambda: enumeration.exponents(torch.ones(16), blocking.EVEN[:2], T=2.2),
    "frozen": lambda: enumeration.exponents(rules.majority(), blocking.EVEN[:3], T=0.05),
    "laws of two lengths": lambda: phases.ceiling([0.5, 0.5], [1.0, 0, 0]),
    "negative chance": lambda: phases.ceiling([1.5, -0.5], [1.0, 0]),
    "hot before cold": lambda: phases.magnetization_cut(4, 2.5, 2.0),
    "off the grid": lambda: potential.potential(potential.fixed_point(), torch.tensor([10.0])),
    "nan rule": lambda: rules.apply(torch.ones(1, 2, 2), [math.nan] * 16, rng=rng()),
    "negative ridge": lambda: running_ridge.self_consistent([1.0], -0.1, 2),
    "negative points": lambda: running_ridge.learning_curve([1.0], [1.0], ridge=0.1, n=-2),
    "nan weights": lambda: spectra.n_spikes(torch.full((3, 4), math.nan)),
    "negative rank": lambda: spectra.numbers(torch.ones(3, 4), -1),
    "negative temperature": lambda: tensors.site(-1.0),
    "open ring": lambda: tensors.transfer_levels(torch.ones(1, 2, 3, 2, 4), 2),
    "no critical mass": lambda: wilson_recursion.critical_mass(d=1.0),
    "equal scores": lambda: monitor.luck(torch.ones(3), torch.arange(3.0), torch.arange(3), rng=rng()),
    "negative cold coupling": lambda: decimation.decimate_cold(-0.5),
    "no operators": lambda: blocking.sums(torch.ones(1, 4, 4), []),
}


@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_is_impossible_is_refused_with_a_remedy(case):
    with pytest.raises(ValueError, match="[:;] ?"):
        case()

"""The exact results of the Ising model, checked against each other and against independent values."""

import math
import re

import pytest
import torch

from fieldkit.lattice import ising_exact as exact
from fieldkit.lattice import ising_moments
from fieldkit.lattice import onsager_exact as onsager
from tests.golden import entries

TC = exact.T_CRITICAL
GOLDEN = entries("lattice")


@pytest.mark.parametrize("L, M", [(2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (2, 7)])
@pytest.mark.parametrize("T", [1.0, 2.0, TC, 2.5, 5.0])
def test_kaufman_is_the_sum_over_all_states(L, M, T):
    H, _ = exact.enumerate_states(L, M)
    weight = torch.softmax(-H / T, 0)
    u = (weight @ H).item()
    assert exact.log_partition(L, T, M=M) == pytest.approx(torch.logsumexp(-H / T, 0).item(), rel=1e-13)
    assert exact.energy(L, T, M=M) == pytest.approx(u / (L * M), rel=1e-12)
    assert exact.specific_heat(L, T, M=M) == pytest.approx((weight @ (H - u) ** 2).item() / (L * M) / T**2, rel=1e-9)


@pytest.mark.parametrize("T", [1.5, TC, 3.0])
def test_the_torus_may_be_turned(T):
    for function in (exact.log_partition, exact.energy, exact.specific_heat):
        assert function(12, T, M=32) == pytest.approx(function(32, T, M=12), rel=1e-11)


@pytest.mark.parametrize("T", [1.2, 1.8, 3.2, 5.0])
def test_a_large_torus_is_onsager_off_the_critical_point(T):
    L, degeneracy = 64, math.log(2) if T < TC else 0.0
    bulk = -(L**2) * onsager.onsager_free_energy(T) / T
    assert exact.log_partition(L, T) == pytest.approx(bulk + degeneracy, rel=1e-12)
    assert exact.energy(L, T) == pytest.approx(onsager.onsager_energy(T), rel=1e-9)
    assert exact.specific_heat(L, T) == pytest.approx(onsager.onsager_specific_heat(T), rel=1e-7)


@pytest.mark.parametrize("T", [0.8, 1.7, 2.2, 2.4, 4.0])
def test_onsager_energy_and_heat_are_derivatives_of_the_free_energy(T):
    h = 1e-3

    def beta_f(beta):
        return beta * onsager.onsager_free_energy(1 / beta)

    steps = [beta_f(1 / T + k * h) for k in (-2, -1, 0, 1, 2)]
    slope = (steps[0] - 8 * steps[1] + 8 * steps[3] - steps[4]) / (12 * h)
    bend = (-steps[0] + 16 * steps[1] - 30 * steps[2] + 16 * steps[3] - steps[4]) / (12 * h**2)
    assert onsager.onsager_energy(T) == pytest.approx(slope, abs=1e-6)
    assert onsager.onsager_specific_heat(T) == pytest.approx(-bend / T**2, abs=1e-5)


def test_the_critical_point_is_where_it_should_be():
    catalan = 0.915965594177219015  # sum (-1)^k/(2k+1)^2
    assert math.sinh(2 / TC) == pytest.approx(1, abs=1e-15)
    assert onsager.onsager_energy(TC) == pytest.approx(-math.sqrt(2), abs=1e-12)
    assert onsager.onsager_free_energy(TC) == pytest.approx(-(math.log(2) / 2 + 2 * catalan / math.pi) * TC, rel=1e-14)
    assert onsager.yang_magnetization(TC) == 0 and onsager.yang_magnetization(3.0) == 0


def test_yang_is_what_the_torus_magnetization_approaches():
    """Below T_c the correction to <m^2> = m0^2 is chi/N; at T = 1.5 the correlation length is under a site."""
    m0 = onsager.yang_magnetization(1.5)
    gap = [exact.magnetization_moment(L, 1.5, 2) - m0**2 for L in (4, 6, 8)]
    assert gap[0] > gap[1] > gap[2] > 0
    assert gap[2] * 64 == pytest.approx(gap[1] * 36, rel=0.05)


@pytest.mark.parametrize("L", [2, 3, 4])
@pytest.mark.parametrize("T", [1.0, 2.0, TC, 3.0])
def test_the_magnetization_law_is_that_of_all_states(L, T):
    H, M = exact.enumerate_states(L, L)
    weight = torch.softmax(-H / T, 0)
    law = torch.zeros(L * L + 1, dtype=torch.float64).index_add_(0, ((M + L * L) / 2).long(), weight)
    assert torch.allclose(exact.magnetization_law(L, T), law, rtol=1e-12, atol=0)


def test_the_binder_cumulant_approaches_its_critical_value():
    """As L^(-7/4), from the regular part of <M^2>: two sides extrapolate to three digits."""
    U8, U10 = exact.binder_cumulant(8, TC), exact.binder_cumulant(10, TC)
    r = (10 / 8) ** 1.75
    assert (r * U10 - U8) / (r - 1) == pytest.approx(exact.BINDER_CRITICAL.value, abs=3e-4)
    assert exact.binder_cumulant(6, 0.5) == pytest.approx(2 / 3, abs=1e-4)


def test_wrong_arguments_are_explained():
    with pytest.raises(ValueError, match="a temperature is positive"):
        exact.energy(4, 0.0)
    with pytest.raises(ValueError, match="bond a site to itself"):
        exact.energy(4, 2.0, M=1)
    with pytest.raises(ValueError, match="diverges at T_c"):
        onsager.onsager_specific_heat(TC)
    for call in (
        lambda: exact.log_partition(3.5, 2.0), lambda: exact.log_partition(4, 2.0, M=2.5),
        lambda: exact.magnetization_law(3.5, 2.0), lambda: exact.binder_cumulant(True, 2.0),
        lambda: exact.all_states(2.0, 2), lambda: exact.energy(4, True),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="give a (whole|plain) number"):
            call()
    for T in (-1.0, math.inf, math.nan):
        for function in (onsager.onsager_energy, onsager.yang_magnetization, lambda T: exact.binder_cumulant(4, T)):
            with pytest.raises(ValueError, match="a temperature is positive"):
                function(T)
    for power in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="powers 0 and above"):
            exact.magnetization_moment(4, 2.0, power)
    with pytest.raises(ValueError, match="L = 15: .* use L <= 14"):
        exact.binder_cumulant(15, 2.0)
    with pytest.raises(ValueError, match="2 <= L <= 11"):
        exact.magnetization_law(12, 2.0)
    with pytest.raises(ValueError, match="20 spins at most"):
        exact.all_states(5, 5)


@pytest.mark.parametrize("T", [0.0005, 0.001, 0.0028, 0.004, 0.05])
def test_near_absolute_zero_two_ground_states_are_left(T):
    for L, M in ((2, 2), (8, 8), (5, 7), (64, 64)):
        assert exact.log_partition(L, T, M=M) == pytest.approx(2 * L * M / T + math.log(2), rel=1e-15)
        assert exact.energy(L, T, M=M) == pytest.approx(-2, rel=1e-14)
        assert abs(exact.specific_heat(L, T, M=M)) < 1e-14
    assert onsager.onsager_free_energy(T) == -2 and onsager.onsager_energy(T) == pytest.approx(-2, rel=1e-15)
    assert onsager.yang_magnetization(T) == 1


def test_the_magnetization_below_one_is_that_of_single_turned_spins():
    """1 - m0 = 2 e^{-8/T} + 8 e^{-12/T} + ... at low temperature."""
    for T in (0.4, 0.45):
        x = math.exp(-4 / T)
        assert 1 - onsager.yang_magnetization(T) == pytest.approx(2 * x**2 + 8 * x**3 + 34 * x**4, rel=1e-6)


@pytest.mark.parametrize("T", [1e3, 1e6, 1e10, 1e160, 1e300])
def test_far_above_the_transition_spins_are_free(T):
    """ln Z = N (ln 2 + K^2 + 5/6 K^4 + ...), from 2 ln cosh K and the plaquette tanh^4 K; u = -2 K, K = 1/T."""
    K = 1 / T
    assert exact.log_partition(8, T) == pytest.approx(64 * (math.log(2) + K**2 + 5 / 6 * K**4), rel=1e-13)
    assert exact.energy(8, T) == pytest.approx(-2 / T, rel=1e-5, abs=1e-14)
    assert exact.specific_heat(8, T) == pytest.approx(2 * (1 / T) ** 2, rel=1e-4, abs=1e-18)


@pytest.mark.parametrize("L", [2, 3, 5, 8])
@pytest.mark.parametrize("T", [0.5, 2.0, TC, 5.0])
def test_the_series_in_the_field_gives_the_moments_of_the_whole_law(L, T):
    law, m2 = exact.magnetization_law(L, T), torch.linspace(-1, 1, L * L + 1, dtype=torch.float64) ** 2
    second, fourth = ising_moments.even_moments(L, T)
    assert second == pytest.approx(float(law @ m2), rel=1e-13)
    assert fourth == pytest.approx(float(law @ m2**2), rel=1e-13)


def test_twelve_spins_a_side_continue_the_smaller_magnets():
    """The correction L^(-7/4) of the cumulant at T_c, from sides 8 and 10, predicts 12; <m^2> scales as L^(-1/4)."""
    U8, U10, U12 = (exact.binder_cumulant(L, TC) for L in (8, 10, 12))
    r = (10 / 8) ** 1.75
    slope, limit = (U8 - U10) / (8**-1.75 - 10**-1.75), (r * U10 - U8) / (r - 1)
    assert pytest.approx(limit + slope * 12**-1.75, abs=2e-5) == U12
    m2 = exact.magnetization_moment(12, TC, 2)
    assert m2 / exact.magnetization_moment(10, TC, 2) == pytest.approx((10 / 12) ** 0.25, rel=2e-3)
    with pytest.raises(ValueError, match="even_moments"):
        exact.magnetization_moment(12, TC, 1)


# Independent values: Kaufman's product and Onsager's forms with 40 digits, a magnetisation-resolved transfer matrix.
INDEPENDENT = [
    (exact.log_partition, (8, TC), 60.1417807890691534),
    (exact.log_partition, (64, 3.0), 3341.85566968922702),
    (exact.log_partition, (64, 1.5), 5485.08200551253551),
    (exact.energy, (32, TC), -1.43365846614624828),
    (exact.specific_heat, (64, TC), 2.19221139314057107),
    (exact.specific_heat, (16, 2.5), 1.06497688285343525),
    (onsager.onsager_free_energy, (2.4,), -2.15661471841696381),
    (onsager.onsager_specific_heat, (2.5,), 0.861698356830763625),
    (onsager.yang_magnetization, (2.2,), 0.784755131383921513),
    (exact.binder_cumulant, (8, 2.5), 0.5241228558633858),
    (exact.binder_cumulant, (7, TC), 0.6135903937979232),
]


@pytest.mark.parametrize("function, arguments, value", INDEPENDENT)
def test_independent_values(function, arguments, value):
    assert function(*arguments) == pytest.approx(value, rel=1e-12)


@pytest.mark.skipif(not GOLDEN, reason="the independent values lie outside the repository")
def test_all_golden_values():
    infinite = {
        "f": onsager.onsager_free_energy, "u": onsager.onsager_energy,
        "c": onsager.onsager_specific_heat, "m": onsager.yang_magnetization,
    }  # fmt: skip
    torus = {"lnZ": exact.log_partition, "u": exact.energy, "c": exact.specific_heat, "U4": exact.binder_cumulant}
    powers = {"abs_m": 1, "m2": 2, "m4": 4}
    seen = 0
    for entry in GOLDEN:
        found = re.fullmatch(r"ising2d\.(?:L(\d+)\.)?(\w+?)(?:_inf)?\((?:T=)?(.+)\)", entry["name"])
        if not found:
            continue
        L, quantity, T = found[1], found[2], TC if found[3] == "Tc" else float(found[3])
        if L is None:
            value = infinite[quantity](T)
        elif quantity in powers:
            if int(L) > 10:
                continue  # seconds each
            value = exact.magnetization_moment(int(L), T, powers[quantity])
        else:
            value = torus[quantity](int(L), T)
        assert value == pytest.approx(float(entry["value"]), rel=1e-12, abs=1e-13), entry["name"]
        seen += 1
    assert seen > 80


@pytest.mark.parametrize(
    ("T", "energy", "heat"),
    [
        (0.05, -2.0, 8.339170642451413e-66),
        (0.2, -2.0, 6.79736687151342e-15),
        (1e3, -0.0020000033333376, 2.000010000021333e-6),
        (1e9, -2e-9, 2e-18),
    ],
)
def test_onsager_keeps_his_digits_when_it_is_very_cold_or_hot(T, energy, heat):
    """Truths: the docstrings' formulas with elliptic integrals in 80 digits."""
    assert onsager.onsager_energy(T) == pytest.approx(energy, rel=1e-13)
    assert onsager.onsager_specific_heat(T) == pytest.approx(heat, rel=1e-13)


def test_no_square_of_a_temperature_leaves_the_range_of_numbers():
    for T in (1e-300, 1e-160, 1e300):
        assert exact.specific_heat(4, T) == onsager.onsager_specific_heat(T) == 0

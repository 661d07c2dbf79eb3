"""The exact results of the Ising model, checked against each other and against independent values."""

import math
import re

import pytest
import torch

from fieldkit.lattice import ising_exact as exact
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
    bulk = -(L**2) * exact.onsager_free_energy(T) / T
    assert exact.log_partition(L, T) == pytest.approx(bulk + degeneracy, rel=1e-12)
    assert exact.energy(L, T) == pytest.approx(exact.onsager_energy(T), rel=1e-9)
    assert exact.specific_heat(L, T) == pytest.approx(exact.onsager_specific_heat(T), rel=1e-7)


@pytest.mark.parametrize("T", [0.8, 1.7, 2.2, 2.4, 4.0])
def test_onsager_energy_and_heat_are_derivatives_of_the_free_energy(T):
    h = 1e-3

    def beta_f(beta):
        return beta * exact.onsager_free_energy(1 / beta)

    steps = [beta_f(1 / T + k * h) for k in (-2, -1, 0, 1, 2)]
    slope = (steps[0] - 8 * steps[1] + 8 * steps[3] - steps[4]) / (12 * h)
    bend = (-steps[0] + 16 * steps[1] - 30 * steps[2] + 16 * steps[3] - steps[4]) / (12 * h**2)
    assert exact.onsager_energy(T) == pytest.approx(slope, abs=1e-6)
    assert exact.onsager_specific_heat(T) == pytest.approx(-bend / T**2, abs=1e-5)


def test_the_critical_point_is_where_it_should_be():
    catalan = 0.915965594177219015  # sum (-1)^k/(2k+1)^2
    assert math.sinh(2 / TC) == pytest.approx(1, abs=1e-15)
    assert exact.onsager_energy(TC) == pytest.approx(-math.sqrt(2), abs=1e-12)
    assert exact.onsager_free_energy(TC) == pytest.approx(-(math.log(2) / 2 + 2 * catalan / math.pi) * TC, rel=1e-14)
    assert exact.yang_magnetization(TC) == 0 and exact.yang_magnetization(3.0) == 0


def test_yang_is_what_the_torus_magnetization_approaches():
    """Below T_c the correction to <m^2> = m0^2 is chi/N; at T = 1.5 the correlation length is under a site."""
    m0 = exact.yang_magnetization(1.5)
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
        exact.onsager_specific_heat(TC)
    with pytest.raises(ValueError, match="2 <= L <= 11"):
        exact.magnetization_law(12, 2.0)
    with pytest.raises(ValueError, match="20 spins at most"):
        exact.all_states(5, 5)


# Independent values: Kaufman's product and Onsager's forms with 40 digits, a magnetisation-resolved transfer matrix.
INDEPENDENT = [
    (exact.log_partition, (8, TC), 60.1417807890691534),
    (exact.log_partition, (64, 3.0), 3341.85566968922702),
    (exact.log_partition, (64, 1.5), 5485.08200551253551),
    (exact.energy, (32, TC), -1.43365846614624828),
    (exact.specific_heat, (64, TC), 2.19221139314057107),
    (exact.specific_heat, (16, 2.5), 1.06497688285343525),
    (exact.onsager_free_energy, (2.4,), -2.15661471841696381),
    (exact.onsager_specific_heat, (2.5,), 0.861698356830763625),
    (exact.yang_magnetization, (2.2,), 0.784755131383921513),
    (exact.binder_cumulant, (8, 2.5), 0.5241228558633858),
    (exact.binder_cumulant, (7, TC), 0.6135903937979232),
]


@pytest.mark.parametrize("function, arguments, value", INDEPENDENT)
def test_independent_values(function, arguments, value):
    assert function(*arguments) == pytest.approx(value, rel=1e-12)


@pytest.mark.skipif(not GOLDEN, reason="the independent values lie outside the repository")
def test_all_golden_values():
    infinite = {
        "f": exact.onsager_free_energy, "u": exact.onsager_energy,
        "c": exact.onsager_specific_heat, "m": exact.yang_magnetization,
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

"""The exact answers of this part against values that were computed independently."""

import re

import pytest

from fieldkit.lattice import ising_exact, small_lattices
from fieldkit.neuralrg import ising_dual_exact as exact
from fieldkit.neuralrg import targets
from fieldkit.neuralrg.ising_dual import IsingDual
from tests.neuralrg.golden import golden

TC = ising_exact.T_CRITICAL


def temperature(text):
    return TC if text == "Tc" else float(text.removeprefix("T="))


def computed(name):
    """The library's value of an entry, or None where it asks for no exact answer of this part (Monte Carlo, U(1))."""
    if m := re.match(r"(ising_dual|ising2d|ising1d) (.+) L=(\d+) (\S+)$", name):
        family, what, L, T = m[1], m[2], int(m[3]), temperature(m[4])
        theory = IsingDual(L, T, 1 if family == "ising1d" else 2)
        values = {
            "ising_dual offset": lambda: theory.offset,
            "ising_dual logdetK": lambda: theory.kernel().log().sum().item(),
            "ising_dual fix": lambda: exact.log_partition_shift(theory),
            "ising_dual lnZ_field": lambda: exact.log_partition(theory),
            "ising_dual <x.Kinv.x>/(2N)": lambda: exact.quadratic(theory) / 2,
            "ising_dual <(sum x)^2>/N": lambda: exact.zero_mode(theory, ising_exact.magnetization_moment(L, T, 2)),
            "ising2d lnZ": lambda: exact.spin_log_partition(L, T),
            "ising2d e=<E>/N": lambda: exact.spin_energy(L, T),
            "ising2d <e>": lambda: exact.spin_energy(L, T),
            "ising1d lnZ": lambda: exact.spin_log_partition(L, T, d=1),
            "ising2d <absm>": lambda: ising_exact.magnetization_moment(L, T, 1),
            "ising2d <m2>": lambda: ising_exact.magnetization_moment(L, T, 2),
            "ising2d <m4>": lambda: ising_exact.magnetization_moment(L, T, 4),
            "ising2d <U4>": lambda: ising_exact.binder_cumulant(L, T),
        }
        if "<m2> L=16" in name:
            return None  # beyond the transfer matrix of the library
        return values[f"{family} {what}"]()
    if m := re.match(r"phi4 2D L=([234]) m2=-4 lam=8 (\w+) \(n=\d+\)", name):
        L, theory = int(m[1]), targets.phi4_from_albergo(-4.0, 8.0)
        found = small_lattices.torus(theory, L)
        return {
            "lnZ": targets.log_partition_to_albergo(found.lnZ, L * L),
            "chi2": found.chi / 2, "phi2": found.phi2 / 2, "phi4": found.phi4 / 4,
        }[m[2]]  # fmt: skip
    if m := re.match(r"phi4 1D chain L=(\d+) m2=-4 lam=8 lnZ", name):
        found = small_lattices.ring(targets.phi4_from_albergo(-4.0, 8.0), int(m[1]))
        return targets.log_partition_to_albergo(found.lnZ, int(m[1]))
    return None


@pytest.mark.parametrize(("name", "value", "uncertainty"), golden())
def test_it_agrees_with_an_independent_value(name, value, uncertainty):
    mine = computed(name)
    if mine is None:
        pytest.skip("no exact answer of this part")
    assert mine == pytest.approx(value, rel=5e-14, abs=max(4 * uncertainty, 3e-12))


def test_the_line_no_flow_can_cross_at_the_critical_point():
    """-ln Z of the dual: Kaufman's products and ln det K with fifty digits (mpmath), by someone else."""
    known = {4: -37.3767316899440178, 8: -148.655016280990911, 16: -592.875739857582629, 32: -2369.58709112525842}
    for L, value in known.items():
        assert -exact.log_partition(IsingDual(L, TC)) == pytest.approx(value, abs=2e-12 * L * L)


def test_exact_phi4_of_the_flow_literature_on_four_sites_a_side():
    """m^2 = -4, lambda = 8: a transfer matrix in momentum sectors with quadrature, by someone else."""
    found = small_lattices.torus(targets.phi4_from_albergo(-4.0, 8.0), 4)
    assert targets.log_partition_to_albergo(found.lnZ, 16) == pytest.approx(2.40513896161372, abs=1e-8)
    assert found.phi2 / 2 == pytest.approx(0.14774621412566744, abs=1e-9)

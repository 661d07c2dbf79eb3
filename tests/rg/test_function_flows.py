"""One function that flows: local potential, Wilson's recursion, the expansion about four dimensions."""

from fractions import Fraction

import pytest
import torch

from fieldkit.rg import epsilon_expansion, hierarchical, ising_3d, potential, wilson_recursion


def test_the_local_potential_from_independent_values():
    """Polchinski's equation shot from the origin with 40 digits, and Litim's flow expanded about the minimum."""
    point = potential.fixed_point()
    assert point.nu == pytest.approx(0.649561773880648018, abs=1e-12)
    assert point.omega == pytest.approx(0.655745939193338741, abs=1e-11)
    assert float(point.eigenvalues[2]) == pytest.approx(3.18000651205916753, abs=1e-10)


@pytest.mark.parametrize(
    "d, nu, omega",  # Chebyshev collocation with numpy, 18 nodes on [0, 6], to 1e-8
    [(2.8, 0.710090849, 0.75278571), (3.3, 0.586397309, 0.49699351), (3.5, 0.555162269, 0.37890668)],
)
def test_the_local_potential_in_other_dimensions(d, nu, omega):
    point = potential.fixed_point(d=d)
    assert (point.nu, point.omega) == pytest.approx((nu, omega), abs=2e-8)


@pytest.mark.parametrize(
    "d, nu, omega",  # V(phi) and its perturbations shot from the origin as differential equations (scipy, DOP853)
    [(2.4, 0.9568993076, 0.93903360), (2.5, 0.8652576358, 0.89160899)],
)
def test_far_below_three_dimensions_shooting_finds_the_same(d, nu, omega):
    point = potential.fixed_point(d=d)
    assert point.nu == pytest.approx(nu, abs=2e-9) and point.omega == pytest.approx(omega, abs=5e-7)


@pytest.mark.parametrize("d", [2.4, 2.6, 3.0, 3.5, 3.7])
def test_more_nodes_change_nothing(d):
    ours = potential.fixed_point(d=d)
    finer = potential.fixed_point(d=d, n=len(ours.grid.rho) + 2, R=6.3)
    assert ours.nu == pytest.approx(finer.nu, abs=3e-7)


def test_the_jacobian_is_the_derivative_of_the_flow():
    for anomalous in (False, True):
        point = potential.fixed_point(d=3.1, anomalous=anomalous)
        g = point.grid

        def flow(slope, g=g, anomalous=anomalous):
            eta = potential.anomalous_dimension(g, slope) if anomalous else 0.0
            return potential.flow(g, slope, d=3.1, eta=eta)

        J = torch.autograd.functional.jacobian(flow, point.slope)
        values = torch.linalg.eigvals(J)
        real = values.real[values.imag.abs() < 1e-6].sort().values
        assert real[:3].tolist() == pytest.approx(point.eigenvalues[:3].tolist(), abs=1e-9)
        assert float(flow(point.slope).abs().max()) < 1e-11


def test_the_wave_function_factor():
    """numpy, 34 nodes on [0, 8], finite differences of eta: to 1e-6."""
    point = potential.fixed_point(anomalous=True)
    assert (point.nu, point.eta) == pytest.approx((0.6272105606, 0.1119795373), abs=1e-6)
    finer = potential.fixed_point(anomalous=True, n=30, R=7.5)
    assert (point.nu, point.omega, point.eta) == pytest.approx((finer.nu, finer.omega, finer.eta), abs=1e-10)


def test_close_to_four_dimensions_eta_is_four_and_a_half_times_too_large():
    """LPA' has eta -> eps^2/12 where the truth is eps^2/54: 54 eta / eps^2 falls towards 4.5."""
    ratios = [54 * potential.fixed_point(d=d, anomalous=True).eta / (4 - d) ** 2 for d in (3.0, 3.3, 3.5)]
    assert ratios[0] > ratios[1] > ratios[2] > 4.5


def test_infinitely_many_components_are_the_spherical_model():
    for N, tolerance in ((100, 0.01), (1000, 0.001)):
        point = potential.fixed_point(N=N)
        assert point.nu == pytest.approx(1, abs=tolerance)
        assert point.omega == pytest.approx(1, abs=2 * tolerance)
    assert potential.fixed_point(N=2).nu > potential.fixed_point(N=1).nu


def test_the_potential_is_the_integral_of_its_slope():
    point = potential.fixed_point()
    rho = torch.tensor([0.0, 0.5, 1.8, 3.0], dtype=torch.float64)
    u = potential.potential(point, rho)
    h = 1e-4
    slope = (potential.potential(point, rho[1:] + h) - potential.potential(point, rho[1:] - h)) / (2 * h)
    assert float(u[0]) == 0 and float(u[2]) == pytest.approx(float(u.min()))
    assert float(slope[1]) == pytest.approx(0, abs=0.02) and point.minimum == pytest.approx(1.8149, abs=1e-4)


def test_first_order_in_epsilon_is_common_to_all():
    eps = 0.3
    first = epsilon_expansion.nu()(eps, order=1)
    for nu in (potential.fixed_point(d=4 - eps).nu, hierarchical.fixed_point(D=4 - eps, n_terms=28).nu):
        assert nu == pytest.approx(first, abs=0.1 * eps**2)


def test_potential_and_hierarchical_model_differ_in_the_fifth_digit():
    """Two maps with almost the same exponents (Litim 2007; Bervillier, Juettner and Litim 2007), and not the same."""
    difference = hierarchical.fixed_point(n_terms=28).nu - potential.fixed_point().nu
    assert difference == pytest.approx(8.591e-6, abs=1e-8)


def test_wilsons_recursion_from_independent_values():
    """numpy with 24, 32 and 40 nodes and a numerical Jacobian: to 1e-9."""
    point = wilson_recursion.fixed_point()
    assert point.nu == pytest.approx(0.60867733766, abs=1e-9)
    assert point.omega == pytest.approx(1.05920110, abs=3e-8)
    assert float(point.eigenvalues[0]) == pytest.approx(3.12294373, abs=1e-8)
    again = wilson_recursion.step(point.Q)
    assert torch.allclose(again, point.Q, atol=1e-9)


def test_a_quadratic_potential_stays_quadratic():
    """A Gaussian integral: Q = r z^2 goes to r' z^2 with r' = 4 r: a mass grows by b^2 and nothing else happens."""
    z = wilson_recursion.nodes(24, 3.5)
    new = wilson_recursion.step(0.3 * z**2)
    assert torch.allclose(new, 1.2 * z**2, atol=1e-9)


def test_the_epsilon_expansion_is_exact_arithmetic():
    zeta3 = epsilon_expansion.ZETA3
    assert epsilon_expansion.omega().rational == (0, 1, Fraction(-17, 27), Fraction(1603, 2916))
    assert epsilon_expansion.omega().zeta3 == (0, 0, 0, Fraction(8, 9))
    assert epsilon_expansion.eta().rational == (0, 0, Fraction(1, 54), Fraction(109, 5832))
    assert epsilon_expansion.nu().rational[:3] == (Fraction(1, 2), Fraction(1, 12), Fraction(7, 162))
    product = epsilon_expansion.nu() * epsilon_expansion.inverse_nu()
    assert product.rational == (1, 0, 0, 0) and product.zeta3 == (0, 0, 0, 0)
    assert epsilon_expansion.coupling()(1.0, order=1) == pytest.approx(1 / 3)
    assert epsilon_expansion.eta()(1.0) == pytest.approx(1 / 54 + 109 / 5832)
    # scaling laws hold order by order: alpha + 2 beta + gamma = 2
    total = epsilon_expansion.alpha() + epsilon_expansion.beta() * 2 + epsilon_expansion.gamma()
    assert total.rational == (2, 0, 0, 0) and total.zeta3 == (0, 0, 0, 0)
    assert zeta3 == pytest.approx(sum(n**-3 for n in range(1, 20000)), abs=1e-8)


def test_many_components_in_the_epsilon_expansion_are_spherical():
    """nu = 1 / (2 - eps), omega = eps as N -> oo."""
    nu, omega = epsilon_expansion.nu(10**6), epsilon_expansion.omega(10**6)
    assert [float(x) for x in nu.rational] == pytest.approx([0.5, 0.25, 0.125, 0.0625], abs=1e-4)
    assert [float(x) for x in omega.rational] == pytest.approx([0, 1, 0, 0], abs=1e-4)


def test_the_truth_in_three_dimensions_follows_from_two_dimensions_of_operators():
    assert ising_3d.NU.value == pytest.approx(0.62997097, abs=1e-8) and ising_3d.NU.error == pytest.approx(
        1.15e-7, rel=0.01
    )
    assert ising_3d.ETA.value == pytest.approx(0.036297612) and ising_3d.ETA.error == pytest.approx(4.8e-8)
    roads = (potential.fixed_point(), hierarchical.fixed_point(n_terms=28), wilson_recursion.fixed_point())
    assert all(0.005 < abs(road.nu - ising_3d.NU.value) < 0.03 for road in roads)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="2.4 <= d"):
        potential.fixed_point(d=3.9)
    with pytest.raises(ValueError, match="one component"):
        potential.fixed_point(N=2, anomalous=True)
    with pytest.raises(ValueError, match="three loops"):
        epsilon_expansion.nu()(1.0, order=4)
    with pytest.raises(ValueError, match="2.8 <= d"):
        wilson_recursion.fixed_point(d=2.0)

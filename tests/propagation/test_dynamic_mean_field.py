"""Laws of the dynamic mean field."""

import math

import pytest
import torch

from fieldkit.propagation import dynamic_mean_field, gaussian, linear_network_exact
from tests.propagation.golden import golden


def seconds(*tau):
    return torch.tensor(tau, dtype=torch.float64)


@pytest.fixture(scope="module")
def state():
    return dynamic_mean_field.solve(torch.tanh, 2.0)


def test_the_variance_solves_the_condition_of_sompolinsky_crisanti_and_sommers(state):
    # Delta_0^2 = 2 g^2 Var ln cosh(sqrt(Delta_0) z), with the primitive written out
    q = torch.tensor(state.Delta0, dtype=torch.float64)
    mean = gaussian.average(lambda x: torch.cosh(x).log(), q, n=64)
    spread = gaussian.average(lambda x: (torch.cosh(x).log() - mean).square(), q, n=64)
    assert (8 * spread / q.square()).item() == pytest.approx(1, rel=1e-13)
    assert state.Delta0 == pytest.approx(1.924805413737058, rel=1e-13)  # the same root in 34 digits


def test_the_correlation_obeys_its_equation_of_motion(state):
    h = 0.05
    for at in (0.3, 2.0, 7.0):
        t = at + h * torch.arange(-3, 4, dtype=torch.float64)
        Delta = dynamic_mean_field.autocorrelation(state, t)
        stencil = torch.tensor([1 / 90, -3 / 20, 3 / 2, -49 / 18, 3 / 2, -3 / 20, 1 / 90], dtype=torch.float64)
        left = ((stencil * Delta).sum() / h**2).item()
        power = torch.arange(len(state.a2), dtype=torch.float64)
        phi_phi = (state.a2 * (Delta[3] / state.Delta0) ** power).sum().item()
        assert left == pytest.approx(Delta[3].item() - state.g**2 * phi_phi, abs=1e-8)


def test_the_particle_keeps_its_energy(state):
    t, h = seconds(0.5, 1.0, 4.0, 12.0), 1e-3
    speed = (
        dynamic_mean_field.autocorrelation(state, t + h) - dynamic_mean_field.autocorrelation(state, t - h)
    ) / (2 * h)  # fmt: skip
    V = dynamic_mean_field.potential(state, dynamic_mean_field.autocorrelation(state, t))
    assert torch.allclose(speed.square() / 2, -V, rtol=1e-5)


def test_it_decays_with_kappa(state):
    late = dynamic_mean_field.autocorrelation(state, seconds(60.0, 61.0))
    assert math.log(late[0] / late[1]) == pytest.approx(state.kappa, rel=1e-7)
    slope = math.sqrt(1 - dynamic_mean_field.slope_correlation(state, seconds(0.0)).item() * state.g**2)
    assert slope == pytest.approx(state.kappa, rel=1e-12)


def test_curvature_is_variance_minus_drive(state):
    q = torch.tensor(state.Delta0, dtype=torch.float64)
    drive = state.g**2 * gaussian.average(lambda x: x.tanh().square(), q, n=64).item()
    assert state.curvature == pytest.approx(state.Delta0 - drive, rel=1e-11)


@pytest.mark.parametrize("g", [1.05, 2.0, 3.0])
def test_the_velocity_of_the_correlation_is_a_zero_mode(g):
    assert abs(dynamic_mean_field.lyapunov(dynamic_mean_field.solve(torch.tanh, g), parity=-1)) < 1e-12


def test_the_exponent_does_not_depend_on_the_grid(state):
    exponent = dynamic_mean_field.lyapunov(state)
    assert exponent == pytest.approx(dynamic_mean_field.lyapunov(state, spacing=0.025), abs=1e-12)
    assert exponent == pytest.approx(0.112458109628, rel=1e-10)  # sinc grid, potential from 34-digit Delta_0


def test_chaos_begins_quadratically():
    ratios = [dynamic_mean_field.lyapunov(dynamic_mean_field.solve(torch.tanh, 1 + e)) / e**2 for e in (0.02, 0.01)]
    assert 0.46 < ratios[0] < ratios[1] < 0.5
    assert 2 * ratios[1] - ratios[0] == pytest.approx(0.5, abs=0.002)


def test_any_odd_activation_works():
    state = dynamic_mean_field.solve(lambda x: torch.erf(math.sqrt(math.pi) / 2 * x), 1.5)
    q = state.Delta0  # <phi phi> in closed form, (2/pi) asin(s c / (1 + s q)), s = pi / 2: V(Delta_0) = 0
    c = torch.linspace(0, q, 20001, dtype=torch.float64)
    drive = 1.5**2 * 2 / math.pi * torch.asin(math.pi / 2 * c / (1 + math.pi / 2 * q))
    assert torch.trapezoid(c - drive, c).abs().item() < 1e-8


def test_linear_noise_is_filtered():
    g, D = 0.8, 1.3
    omega = torch.linspace(-4000, 4000, 2000001, dtype=torch.float64)
    power = torch.trapezoid(D * linear_network_exact.response_power(omega, g), omega).item() / (2 * math.pi)
    assert power == pytest.approx(linear_network_exact.linear_variance(g, D), rel=2e-4)  # the cut tail is D / (pi 4000)
    assert linear_network_exact.linear_autocorrelation(g, D, seconds(0.0)).item() == pytest.approx(
        linear_network_exact.linear_variance(g, D)
    )


def test_a_linear_network_obeys_its_lyapunov_equation():
    # (1 - J) C + C (1 - J)^T = D solved for one matrix, N = 300: self-averaging up to 1 / N
    N, g = 300, 0.5
    J = g / math.sqrt(N) * torch.randn((N, N), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values, vectors = torch.linalg.eig(torch.eye(N, dtype=torch.float64) - J)
    inverse = torch.linalg.inv(vectors)
    C = vectors @ ((inverse @ inverse.T) / (values[:, None] + values)) @ vectors.T
    measured = C.diagonal().real.mean().item()
    assert measured == pytest.approx(linear_network_exact.linear_variance(g, 1.0), rel=5 / N)


def test_golden_values():
    states = {}
    for name, value, digits in golden():
        if not name.startswith("SCS tanh g="):
            continue
        g = float(name.split("g=")[1].split()[0])
        if g not in states:
            states[g] = dynamic_mean_field.solve(torch.tanh, g)
        state = states[g]
        # Delta_0 is the root of a function of slope g^2 - 1: that much of the 16 digits is lost
        rel = max(10.0 ** (1 - digits), 2e-14 / (g * g - 1))
        if "Delta0=" in name:
            assert state.Delta0 == pytest.approx(float(value), rel=rel), name
        elif "C''(0)" in name:
            assert state.curvature == pytest.approx(float(value), rel=4 * rel), name
        elif "kappa" in name:
            assert state.kappa == pytest.approx(float(value), rel=4 * rel), name
        elif "C(tau=" in name:
            tau = float(name.split("tau=")[1].rstrip(")"))
            mine = dynamic_mean_field.autocorrelation(state, seconds(tau)).item()
            assert mine == pytest.approx(float(value), rel=10.0 ** (1 - digits)), name
        elif "Lyapunov" in name:
            assert dynamic_mean_field.lyapunov(state) == pytest.approx(float(value), rel=10.0 ** (1 - digits)), name


@pytest.mark.parametrize("g", [3.0, 10.0, 50.0])
def test_large_gains_keep_their_digits(g):
    state = dynamic_mean_field.solve(torch.tanh, g)
    q = torch.tensor(state.Delta0, dtype=torch.float64)

    def primitive(x):  # ln cosh without overflow
        return x.abs() + torch.log1p(torch.exp(-2 * x.abs())) - math.log(2)

    mean = gaussian.average(primitive, q, n=64)
    spread = gaussian.average(lambda x: (primitive(x) - mean).square(), q, n=64)
    assert (2 * g * g * spread / q.square()).item() == pytest.approx(1, rel=1e-12)
    drive = g**2 * gaussian.average(lambda x: x.tanh().square(), q, n=64).item()
    assert state.curvature == pytest.approx(state.Delta0 - drive, rel=1e-11)
    slope = gaussian.average(lambda x: 1 - x.tanh().square(), q, n=64).item()
    assert state.kappa == pytest.approx(math.sqrt(1 - (g * slope) ** 2), rel=1e-10)
    assert abs(dynamic_mean_field.lyapunov(state, parity=-1)) < 1e-10  # the zero mode


def test_the_exponent_at_a_large_gain_is_that_of_a_fine_grid():
    """Sinc functions at spacing 0.02: every step resolves the well of width 1 / g."""
    state, h = dynamic_mean_field.solve(torch.tanh, 10.0), 0.04
    tau = h * torch.arange(500, dtype=torch.float64)
    c = dynamic_mean_field.autocorrelation(state, tau) / state.Delta0
    well, i = 1 - 100 * dynamic_mean_field.slope_correlation(state, c), torch.arange(500, dtype=torch.float64)

    def kinetic(k):
        return torch.where(k == 0, math.pi**2 / 3, 2 * (1 - 2 * (k % 2)) / k.square().clamp_min(1)) / h**2

    H = kinetic(i[:, None] - i) + kinetic(i[:, None] + i)
    H[0] /= math.sqrt(2)
    H[:, 0] /= math.sqrt(2)
    exact = -1 + math.sqrt(1 - torch.linalg.eigvalsh(H + torch.diag(well))[0].item())
    assert dynamic_mean_field.lyapunov(state) == pytest.approx(exact, abs=1e-9)
    assert exact == pytest.approx(0.7734299143, abs=1e-9)


def test_slopes_other_than_one_only_rescale_the_gain():
    """phi(a x) at gain g is phi at gain a g, with a^2 Delta in place of Delta."""
    one = dynamic_mean_field.solve(torch.tanh, 1.5)
    for a in (0.5, 3.0):
        other = dynamic_mean_field.solve(lambda x, a=a: torch.tanh(a * x), 1.5 / a)
        assert other.Delta0 == pytest.approx(one.Delta0 / a**2, rel=1e-10)
        assert other.kappa == pytest.approx(one.kappa, rel=1e-9)
    assert dynamic_mean_field.solve(torch.erf, 0.95).Delta0 > 0


def test_a_function_steeper_away_from_zero_has_chaos_below_one():
    """tanh(x + x^3) at g = 0.95 has two roots of 2 g^2 Var Phi = Delta^2; the larger is given (Pazo 2024)."""
    state = dynamic_mean_field.solve(lambda x: torch.tanh(x + x**3), 0.95)
    x = torch.linspace(0, 9, 20001, dtype=torch.float64)
    Phi = torch.cat([torch.zeros(1, dtype=torch.float64), torch.cumulative_trapezoid(torch.tanh(x + x**3), x)])

    def balance(Delta):
        z = x / math.sqrt(Delta)
        w = 2 * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi * Delta)
        mean = torch.trapezoid(w * Phi, x)
        return 2 * 0.95**2 * torch.trapezoid(w * (Phi - mean).square(), x).item() / Delta**2 - 1

    assert balance(state.Delta0) == pytest.approx(0, abs=1e-6)
    assert balance(0.8 * state.Delta0) > 0 > balance(1.2 * state.Delta0) and balance(1e-2) < 0


def test_errors_speak():
    with pytest.raises(ValueError, match="dies out"):
        dynamic_mean_field.solve(torch.tanh, 0.9)
    with pytest.raises(ValueError, match="not odd"):
        dynamic_mean_field.solve(lambda x: torch.tanh(x) + 0.1 * x**2 / (1 + x**2), 1.5)

"""Laws of the noisy unit."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import langevin
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def test_the_exact_variance_obeys_the_schwinger_dyson_equation():
    # < x (a x + u x^3) > = D / 2; with <x^4> from d log Z / du = -<x^4> / (2 D) and <x^2> = -D d log Z / da
    a, D, u, e = 1.3, 0.8, 0.4, 1e-4
    x2 = langevin.exact_variance(a, D, u)
    x4 = (D / 2 - a * x2) / u
    # the mixed derivative of log Z is the same either way: d<x^2>/du = d<x^4>/da / 2
    left = (langevin.exact_variance(a, D, u + e) - langevin.exact_variance(a, D, u - e)) / (2 * e)
    plus, minus = ((D / 2 - b * langevin.exact_variance(b, D, u)) / u for b in (a + e, a - e))
    assert left == pytest.approx((plus - minus) / (4 * e), rel=1e-6)
    assert x4 > x2**2


def test_scaling_of_units():
    # x -> x / sqrt(s), t -> a t leaves one coupling u s / a
    assert langevin.exact_variance(2.0, 3.0, 0.5) == pytest.approx(
        3 / 2 * langevin.exact_variance(1.0, 1.0, 0.5 * 3 / 4), rel=1e-12
    )


def test_one_loop_is_the_first_order():
    errors = [langevin.exact_variance(1, 1, u) - langevin.one_loop_variance(1, 1, u) for u in (2e-3, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.03) and errors[1] > 0
    assert langevin.exact_variance(1, 1, 0) == pytest.approx(0.5, rel=1e-13)


def test_golden_values():
    # Boltzmann average by quadrature in high precision
    assert langevin.exact_variance(1, 1, 0.5) == pytest.approx(0.3451294981469099, rel=1e-13)
    for name, value, _ in golden():
        if name.startswith("SDE dx"):
            u = float(name.split(", u=")[1].split(":")[0])
            assert langevin.exact_variance(1, 1, u) == pytest.approx(float(value[0]), rel=1e-13)
            assert langevin.one_loop_variance(1, 1, u) == pytest.approx(float(value[1].split()[1]), rel=1e-14)


def test_the_inverse_action_has_the_blocks_of_the_generating_functional():
    h, a, D = 0.01, 1.5, 0.7
    C, R, zero = langevin.propagators(200, h=h, a=a, D=D)
    assert zero.abs().max() < 1e-13  # two derivatives in the source of xh: nothing
    assert R.triu(1).abs().max() < 1e-13  # cause before effect
    t = h * torch.arange(1, 201, dtype=torch.float64)
    assert torch.allclose(C, langevin.free_covariance(t[:, None], t, a=a, D=D), atol=0.02 * D / a)
    middle = t - h / 2  # the force acts between the grid times t - h and t
    assert torch.allclose(R, langevin.free_response(t[:, None], middle, a=a), atol=0.02)
    assert torch.allclose(C, D * h * R @ R.T, atol=1e-13)


def rest(n, device="cpu"):
    return torch.zeros((2, n), device=device, dtype=torch.float64)


def test_simulated_units_have_the_exact_variance():
    for u in (0.0, 0.5):
        rng = torch.Generator().manual_seed(12)
        x, _ = langevin.walk(rest(40000), 60, h=0.1, a=1.0, D=1.0, u=u, rng=rng)
        estimate = estimates.mean(langevin.extrapolate(x.square()))
        assert abs(estimate.pull(langevin.exact_variance(1.0, 1.0, u))) < 4
        assert u == 0 or abs(estimate.pull(langevin.one_loop_variance(1.0, 1.0, u))) > 10


def test_the_two_copies_differ_by_the_error_of_the_step():
    gaps = []
    for h in (0.1, 0.05):
        rng = torch.Generator().manual_seed(3)
        x, _ = langevin.walk(rest(40000), int(6 / h), h=h, a=1.0, D=1.0, u=0.5, rng=rng)
        gaps.append(x.square().mean(1).diff().item())
    assert gaps[0] == pytest.approx(4 * gaps[1], rel=0.15) and gaps[0] > 0


def test_without_noise_a_walk_is_the_solution_of_the_differential_equation():
    # dx/dt = -a x - u x^3: x^-2 = (x_0^-2 + u / a) e^(2 a t) - u / a
    x = torch.full((2, 1), 0.8, dtype=torch.float64)
    found = langevin.walk(x, 40, h=0.05, a=1.0, D=0.0, u=0.7, rng=torch.Generator())[0]
    exact = ((0.8**-2 + 0.7) * math.exp(4.0) - 0.7) ** -0.5
    assert langevin.extrapolate(found).item() == pytest.approx(exact, abs=2 * 0.05**3)
    assert abs(langevin.extrapolate(found).item() - exact) < 0.1 * abs(found[1, 0].item() - exact)


def test_a_push_moves_a_linear_unit_by_force_over_stiffness():
    x, kicks = langevin.walk(rest(3), 200, h=0.1, a=2.0, D=0.0, u=0.0, force=0.6, rng=torch.Generator())
    assert torch.allclose(x, torch.full_like(x, 0.3)) and kicks.abs().max() == 0


def test_noise_probes_the_response():
    # <x W> / sqrt(D) is the answer to a steady force (Novikov 1965), and by fluctuation and dissipation 2 <x^2> / D
    rng = torch.Generator().manual_seed(5)
    x, kicks = langevin.walk(rest(40000), 60, h=0.1, a=1.0, D=0.8, u=0.5, rng=rng)
    estimate = estimates.mean(langevin.extrapolate(x) * kicks / 0.8)
    assert abs(estimate.pull(2 * langevin.exact_variance(1.0, 0.8, 0.5) / 0.8)) < 4


def test_hartree_is_right_to_first_order_and_solves_its_equation():
    a, D, u = 1.3, 0.8, 0.4
    s = langevin.hartree_variance(a, D, u)
    assert s == pytest.approx(D / (2 * (a + 3 * u * s)), rel=1e-14)
    errors = [langevin.hartree_variance(1, 1, u) - langevin.one_loop_variance(1, 1, u) for u in (2e-3, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.03)
    assert langevin.hartree_variance(a, D, 0.0) == langevin.free_variance(a, D)


def test_errors_speak():
    with pytest.raises(ValueError, match="drives x to infinity"):
        langevin.exact_variance(1, 1, -0.1)
    with pytest.raises(ValueError, match="no steady state exists"):
        langevin.free_variance(0, 1)
    with pytest.raises(ValueError, match="coarse and a fine copy"):
        langevin.walk(torch.zeros(5), 1, h=0.1, a=1, D=1, u=0, rng=torch.Generator())


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        x, kicks = langevin.walk(rest(4, rng.device), 3, h=0.1, a=1, D=1, u=0.1, rng=rng)
        assert langevin.extrapolate(x).device.type == NAME and kicks.device.type == NAME

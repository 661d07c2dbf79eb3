"""Laws at the edges: impossible arguments are refused, silence, size and great depth are not."""

import math

import mpmath
import numpy as np
import pytest
import torch

from fieldkit.propagation import (
    activations,
    batch_norm,
    committee,
    communities,
    convolution,
    criticality,
    deep_convolution,
    dynamic_mean_field,
    finite_width,
    fixed_points,
    gaps,
    gated,
    gated_networks,
    graphs,
    jacobian,
    jacobian_exact,
    kernel_regression,
    kernels,
    langevin,
    linear_network_exact,
    maps,
    networks,
    normalisation,
    powers,
    random_filters,
    random_kernels,
    recurrent,
    residual,
    tangent,
    training,
    two_time,
    walks,
)

TANH, ONE = torch.tanh, torch.ones((), dtype=torch.float64)


def sech2(x):
    return 1 - torch.tanh(x).square()


def generator():
    return torch.Generator().manual_seed(2)


REFUSED = {
    "length, sw2": lambda: maps.length(ONE, activation=TANH, sw2=-1, sb2=0.1),
    "length, sb2": lambda: maps.length(ONE, activation=TANH, sw2=1, sb2=-0.1),
    "length, no number": lambda: maps.length(ONE, activation=TANH, sw2=math.nan, sb2=0.1),
    "lengths, q": lambda: maps.lengths(-1.0, 3, activation=TANH, sw2=1, sb2=0.1),
    "correlations, e": lambda: maps.correlations(3.0, 1.0, 2, activation=TANH, sw2=1, sb2=0.1),
    "kernels, sw2": lambda: kernels.kernels([[1.0, 2]], activation=TANH, depth=1, sw2=-1, sb2=0.1),
    "kernels, sb2": lambda: kernels.kernels([[1.0, 2]], activation=TANH, depth=1, sw2=1, sb2=-0.1),
    "kernels, name": lambda: kernels.kernels([[1.0, 2]], activation="relu", depth=1, sw2=1, sb2=0.1),
    "kernels, depth": lambda: kernels.kernels([[1.0, 2]], activation=TANH, depth=1.5, sw2=1, sb2=0.1),
    "Gate": lambda: gated.Gate(-1, 1),
    "Block": lambda: residual.Block(-1, 1),
    "table, D": lambda: two_time.covariance(3, dual=two_time.linear_dual, g=1.0, h=0.1, D=-1),
    "table, start": lambda: two_time.covariance(3, dual=two_time.linear_dual, g=1.0, h=0.1, start=-1),
    "at_length": lambda: criticality.at_length(-1, activation=TANH),
    "critical_line": lambda: criticality.critical_line(-0.1, activation=TANH),
    "critical line of a step": lambda: criticality.critical_line(0.1, activation=torch.sign),
    "weights_for": lambda: criticality.weights_for([0.0], [0.5], activation=TANH),
    "exponents, kink": lambda: criticality.critical_exponents(activations.relu),
    "exponents, even": lambda: criticality.critical_exponents(torch.cos),
    "walks": lambda: walks.mean_walks(2, 5, c=2.0, eps=0.5),
    "batch": lambda: batch_norm.growth(TANH, sech2, 4.5),
    "four_point": lambda: finite_width.four_point(ONE, 0, activation=TANH, sw2=1.0, sb2=0.0),
    "profile": lambda: deep_convolution.draw(1, 2, 3, v=torch.ones(3, 3), q=0.1, rng=generator()),
    "saturated": lambda: residual.saturated_fixed_point(residual.Block(0, 1)),
    "graph, c": lambda: graphs.kernel(torch.eye(4), 2, dual=two_time.linear_dual, sw2=1.0, c=0),
    "graph, dual": lambda: graphs.kernel(torch.eye(4), 2, dual=activations.erf.dual, sw2=1.0, c=1),
    "Hartree": lambda: langevin.hartree_variance(1.0, 1.0, -1.0),
    "density evolution": lambda: communities.best_overlap(3.0, -0.1, n=1, M=10, steps=3, rng=generator()),
    "belief": lambda: communities.belief_propagation(torch.eye(4), c=3.0, eps=-0.1, steps=3, rng=generator()),
    "regress, shape": lambda: kernel_regression.regress(torch.eye(2), torch.eye(2), torch.ones(2), noise=0.0),
    "regress, twice": lambda: kernel_regression.regress(
        torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 1), noise=0.0
    ),
    "tangent, integers": lambda: tangent.empirical_ntk(torch.nn.Linear(2, 1), torch.ones(3, 2).long()),
    "tangent, numbers": lambda: tangent.empirical_ntk(
        torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0)), torch.ones(3, 2)
    ),
    "networks, sw2": lambda: networks.propagate(
        torch.ones(1, 3), 2, n=1, width=4, activation=TANH, sw2=-1.0, sb2=0.0, rng=generator()
    ),
    "kernels, NaN": lambda: kernels.kernels([[math.nan, 1.0]], activation=TANH, depth=1, sw2=1, sb2=0.1),
    "kernels, nothing": lambda: kernels.kernels(torch.zeros(0, 3), activation=TANH, depth=1, sw2=1, sb2=0.1),
    "averages": lambda: kernels.averages([[1.0, 5.0], [5.0, 1.0]], activation=TANH),
    "moments": lambda: activations.moments(TANH, [-1.0]),
    "curvature of a step": lambda: maps.curvature(1.0, 2, activation=torch.sign, sw2=1.5, sb2=0.1),
    "curvature of a kink": lambda: maps.curvature(1.0, 2, activation=torch.relu, sw2=1.5, sb2=0.1),
    "kurtosis of silence": lambda: finite_width.excess([0.0], 3, activation=TANH, sw2=1.0, sb2=0.0),
    "edge": lambda: jacobian_exact.universal_smooth_edge(-5.0),
    "spectrum": lambda: jacobian.edge(
        jacobian.squared_slopes(sech2, 0.5), depth=3, sw2=-1.0, weights=jacobian.orthogonal
    ),
    "filter": lambda: convolution.of_images(torch.ones(1, 3), v=torch.ones(3), sw2=1.0, sb2=0.0),
    "growth": lambda: residual.relu_log_growth([-3.0]),
    "loops": lambda: recurrent.discrete(1, 3, 2, activation=TANH, g=1.0, D=-1.0, rng=generator()),
    "echo": lambda: linear_network_exact.response_power(ONE, 2.0),
    "lag": lambda: dynamic_mean_field.autocorrelation(dynamic_mean_field.solve(TANH, 2.0), [-1.0]),
    "kick": lambda: langevin.walk(torch.zeros(2, 3), 2, h=-0.1, a=1.0, D=1.0, u=0.0, rng=generator()),
    "grid": lambda: langevin.propagators(0, h=0.1, a=1.0, D=1.0),
    "features": lambda: graphs.features(torch.eye(4)[None], 1, F=0, activation=TANH, sw2=1.0, c=1.0, rng=generator()),
    "gates": lambda: gated_networks.minimal_sample(1, 3, 0, gated.Gate(1.0, 1.0), tied=True, rng=generator()),
    "drawn": lambda: training.draw(-1.0, 0.1, 2, n=1, d=4, width=3, rng=generator()),
    "groups": lambda: random_filters.delta_orthogonal_(torch.zeros(8, 2, 3), groups=3, rng=generator()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_impossible_is_refused_in_a_sentence(name):
    with pytest.raises((ValueError, TypeError), match=r"[;:] .{10}"):
        REFUSED[name]()


def test_numbers_lists_and_arrays_are_inputs():
    x = [[1.0, 2.0], [0.5, -1.0]]
    a = kernels.ntk(x, activation=TANH, depth=1, sw2=1.0, sb2=0.1)
    b = kernels.ntk(np.array(x), activation=TANH, depth=1, sw2=1.0, sb2=0.1)
    assert torch.equal(a, b) and maps.lengths(1.0, 3, activation=TANH, sw2=1.0, sb2=0.1).shape == (4,)


@pytest.mark.parametrize("B", [3000, 30_000, 10**6])
def test_large_batches_tend_to_their_limit(B):
    """The first correction is of order 1 / B."""
    limit = batch_norm.large_batch_growth(TANH, sech2)
    found = [batch_norm.growth(TANH, sech2, b) - limit for b in (B, 2 * B)]
    assert found[0] == pytest.approx(2 * found[1], rel=2e-3) and 0 < found[0] < 1.1 / B
    assert batch_norm.growth(lambda x: x, torch.ones_like, B) == pytest.approx((B - 2) / (B - 3), rel=1e-12)


def test_relu_angles_survive_any_depth():
    """Lengths double and overflow; angles do not know."""
    blocks = [residual.Block(1, 2)] * 1300
    p, e, log_gradient = residual.trajectory(blocks, p=1.0, e=0.5, activation=activations.relu)
    small = residual.trajectory(blocks, p=1e-140, e=0.5, activation=activations.relu)[1]
    assert math.isinf(p[-1]) and torch.isfinite(e).all()
    assert log_gradient[-1].item() == pytest.approx(1300 * math.log(2))
    assert torch.allclose(e, small, atol=1e-14)
    assert residual.relu_angle_rate(math.inf) == 1 / (3 * math.pi)


def test_one_unit_with_any_cubic_force():
    s = 0.5  # D / 2a
    assert langevin.hartree_variance(1.0, 1.0, 1e-13) - s == pytest.approx(-3e-13 * s * s, abs=1e-16)
    u = 1e13  # the quadratic force no longer matters: <x^2> of exp(-u x^4 / 2D)
    exact = math.sqrt(2 / u) * math.gamma(0.75) / math.gamma(0.25)
    assert langevin.exact_variance(1, 1, u) == pytest.approx(exact, rel=1e-6)


def test_no_judge_sees_groups_in_the_order_of_the_nodes():
    N = 200
    s = graphs.groups(N)
    for blank in (torch.zeros(N, N), torch.ones(N, N), torch.eye(N)):
        found = graphs.overlap(blank.double().expand(20, N, N), s)
        assert found.mean() < 3 * 1.3 / math.sqrt(N)
    assert graphs.overlap((s[:, None] * s)[None], s).item() == pytest.approx(1)


def test_certain_messages_find_the_giant_component():
    found = communities.best_overlap(3.0, 0.0, n=20, M=5000, steps=30, rng=generator())
    share = 0.9404797  # S = 1 - exp(-3 S)
    assert abs(found.mean().item() - share) < 4 * found.std().item() / math.sqrt(20)
    A = graphs.stochastic_block_model(1, 200, c=3.0, eps=0.0, rng=generator())[0]
    u = communities.belief_propagation(A, c=3.0, eps=0.0, steps=100, rng=generator())
    right = ((u > 0) == (graphs.groups(200) > 0))[u != 0].double().mean().item()
    assert torch.isfinite(u).all() and abs(right - 0.5) > 0.4


def test_the_second_eigenvalue_is_a_real_one():
    """Against all eigenvalues of small graphs, below the threshold too, where the bulk hides it."""
    rng, n = generator(), 60
    for eps in (0.1, 0.6, 0.9):
        A = graphs.stochastic_block_model(1, n, c=5.0, eps=eps, rng=rng)[0]
        eye = torch.eye(n, dtype=torch.float64)
        whole = torch.cat([torch.cat([A, eye - torch.diag(A.sum(0))], 1), torch.cat([eye, 0 * eye], 1)])
        values = torch.linalg.eigvals(whole)
        real = values.real[values.imag.abs() < 1e-6].sort(descending=True).values
        assert communities.second_eigenvalue(A) == pytest.approx(real[1].item(), abs=1e-6)


def test_grouped_convolutions_keep_every_norm():
    layer = torch.nn.Conv1d(8, 8, 3, groups=4, padding=1, bias=False)
    random_filters.delta_orthogonal_(layer.weight, groups=4, rng=generator())
    x = torch.randn(2, 8, 7, generator=generator())
    assert torch.allclose(layer(x).square().sum(1), x.square().sum(1), rtol=1e-5)


def test_batch_statistics_belong_to_the_gradient():
    layers = torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2, track_running_stats=False), torch.nn.Tanh()
    module = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8, 2)).double().eval()
    x = torch.randn(3, 1, 4, 4, generator=generator(), dtype=torch.float64)
    rows = [torch.autograd.grad(f, list(module.parameters()), retain_graph=True) for f in module(x).flatten()]
    J = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
    assert torch.allclose(tangent.empirical_ntk(module, x, chunk=7).reshape(6, 6), J @ J.T, atol=1e-13)


def test_lengths_that_never_move_have_no_fixed_point():
    for sw2, phi in ((2.0, activations.relu), (1.0, activations.linear)):
        p = fixed_points.phases(sw2, 0.0, activation=phi)
        assert math.isinf(p.q.item()) and math.isnan(p.chi_1.item())
    assert fixed_points.phases(1.0, 0.0, activation=activations.tanh).q.item() < 1e-8


def test_silent_pictures_and_lonely_nodes():
    images = torch.zeros(2, 3, 3, dtype=torch.float64)
    images[1, 1, 1] = 1.0
    v = convolution.uniform_profile(3, 2)
    for phi in (activations.tanh, activations.relu, activations.erf):
        K = convolution.covariance(
            convolution.of_images(images, v=v, sw2=1.5, sb2=0.0), 2, v=v, activation=phi, sw2=1.5, sb2=0.0
        )
        assert torch.isfinite(K).all() and K[-1][1, 1, 1, 1, 1, 1] > 0
    A = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.float64)
    K = graphs.kernel(A, 3, dual=two_time.mehler_dual(TANH), sw2=1.5, c=1.0)
    assert torch.isfinite(K).all() and (K[2] == 0).all()


@pytest.mark.parametrize("size", [1e-8, 1e6, 1e8])
def test_sizes_that_lose_digits_elsewhere(size):
    """Orthogonal, equal and opposite inputs, where each kernel is known."""
    q = size**2
    u, zero = torch.tensor(q, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    K, P = activations.sin.dual(u, u, u)
    assert K.item() == pytest.approx(-math.expm1(-2 * q) / 2, rel=1e-14) and P.item() == pytest.approx(
        (1 + math.exp(-2 * q)) / 2
    )
    for phi in (activations.erf, activations.gelu, activations.relu):
        square, slope, _ = phi.moments(u)
        K, P = phi.dual(u, u, u)
        assert K.item() == pytest.approx(square.item(), rel=1e-13)
        assert P.item() == pytest.approx(slope.item(), rel=1e-13)
        K, P = phi.dual(u, zero, zero)
        assert torch.isfinite(K) and torch.isfinite(P)
    x = size * torch.tensor([[1.0, 0], [0, 1]], dtype=torch.float64)
    K = kernels.nngp(x, activation=activations.sin, depth=1, sw2=1.0, sb2=0.0)
    assert K[0, 0].item() == pytest.approx(-math.expm1(-q) / 2, rel=1e-13) and K[0, 1].item() == 0


def test_small_covariances_are_drawn_as_they_are():
    K = 1e-20 * torch.tensor([[1.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    z = finite_width.sample_layer(K[None], 20_000, rng=generator())[0]
    assert torch.allclose(z @ z.T / 20_000 / 1e-20, K / 1e-20, atol=0.05)


def test_gates_that_never_open_forget_at_a_rate_below_rounding():
    """u = sigma(mu + e): 1 - u ~ e^-(mu + e), so Q ~ R e^-mu E e^-2e / 2 E e^-e for large mu."""
    Q, chi = gated.minimal_fixed_point(gated.Gate(1.0, 1.0, mu=25.0))
    assert pytest.approx(math.exp(-25) * math.exp(1.5) / 2, rel=1e-5) == Q and chi == pytest.approx(1, abs=1e-9)


def test_variances_of_answers_are_not_negative():
    x = torch.tensor([[1.0, 2], [0, 1], [1, 2]], dtype=torch.float64)
    K, T = kernels.kernels(x, activation=activations.erf, depth=1, sw2=1.5, sb2=0.1)
    _, variance = kernel_regression.gradient_descent(K, T, torch.tensor([1.0, -1]), rate=0.1, steps=[10**6])
    assert variance.item() >= 0 and variance.item() < 1e-10


@pytest.mark.parametrize("mu", [5.0, 20.0, 40.0, 300.0])
def test_a_cell_that_hardly_forgets_keeps_its_digits(mu):
    """E c^2 = E i^2 E t^2 / E (1 - f^2), and 1 - f^2 = 2 e^-(mu + e) - 3 e^-2(mu + e) + ... with a Gaussian e."""
    gate = gated.Gate(0.0, 0.5, 0.0, mu)
    variance = 0.5
    i2 = gated.Gate(0.0, 0.5).averages(0.0)[0]
    t2 = gated._mean(lambda s: torch.tanh(s).square(), variance)
    forgotten = 2 * math.exp(-mu + variance / 2) - 3 * math.exp(-2 * mu + 2 * variance)
    c2, c4 = gated.lstm_moments(gate, 0.0)
    assert c2 == pytest.approx(i2 * t2 / forgotten, rel=1e-12 + 5 * math.exp(-2 * mu + 4))
    if mu > 30:  # slow: c is Gaussian
        assert c4 == pytest.approx(3 * c2**2, rel=1e-10)


def test_a_gate_that_never_lets_go_is_refused():
    with pytest.raises(ValueError, match=r"mu = 800\.0"):
        gated.minimal_fixed_point(gated.Gate(1.0, 1.0, 0.0, 800.0))


@pytest.mark.parametrize("e", [1e-12, 1e-8, 1e-4])
def test_the_share_beyond_a_line_grows_as_the_power_three_halves(e):
    """Twice the segment's angle is x with tan^2 (x / 2) = g^2 - 1; x - sin x = x^3 / 6 - x^5 / 120 + ..."""
    g = 1 + e
    x = 2 * math.atan(math.sqrt((g - 1) * (g + 1)))
    assert recurrent.share_beyond(g) == pytest.approx(
        (x**3 / 6 - x**5 / 120) / (2 * math.pi), rel=1e-6 * e**0.5 + 1e-14
    )
    assert recurrent.share_beyond(1e200) == 0.5
    with pytest.raises(ValueError, match=r"sb2 = -1\.0"):
        recurrent.discrete_mean_field(TANH, g=1.5, sb2=-1.0, D=2.0)


@pytest.mark.parametrize("variance", [1.0, 1e6, 1e12, 1e17])
def test_the_dual_of_erf_is_right_for_large_twins(variance):
    q = torch.tensor(variance, dtype=torch.float64)
    truth = 1 - 2 / math.pi * math.atan(math.sqrt(1 + 4 * variance) / (2 * variance))  # asin x = pi/2 - atan ...
    assert two_time.erf_dual(1.0)(q, q, q).item() == pytest.approx(truth, rel=1e-15)
    for steps, h in ((2.5, 0.1), (2, 1.5)):
        with pytest.raises((TypeError, ValueError), match="steps = 2.5|h = 1.5"):
            two_time.response(steps, h=h)
    with pytest.raises(ValueError, match=r"h = 2\.0"):
        two_time.sample(1, 3, 2, activation=TANH, g=1.0, h=2.0, rng=torch.Generator())


@pytest.mark.parametrize("scale", [1e-150, 1e-4, 1.0, 1e150])
def test_a_unit_may_be_measured_in_any_unit(scale):
    """x -> scale x: a stays, D goes with scale^2, u with scale^-2.  a = 0 in the limit: a pure quartic."""
    truth = langevin.exact_variance(1.0, 1.0, 0.7)
    assert langevin.exact_variance(1.0, scale**2, 0.7 / scale**2) / scale**2 == pytest.approx(truth, rel=1e-12)
    quartic = math.sqrt(2) * math.gamma(0.75) / math.gamma(0.25)
    assert langevin.exact_variance(1e-200, 1.0, 1.0) == pytest.approx(quartic, rel=1e-12)
    assert langevin.hartree_variance(1e-200, 1.0, 1.0) == pytest.approx(1 / math.sqrt(6), rel=1e-14)
    assert langevin.free_response(1.0, 0.0, a=1.0).item() == pytest.approx(math.exp(-1))


@pytest.mark.parametrize(
    ("p", "shift", "K", "T"),
    [
        (0, 1e-9, 0.74930337114820205, 297463051389545.68),
        (2, 1e-9, 67.832080384039143, 425.18062570369367),
        (2, 1e-3, 68.011105356025019, 426.31620433196684),
    ],
)
def test_powers_tell_nearly_equal_inputs_apart(p, shift, K, T):
    """Truths: the recursion in 60 digits."""
    found = kernels.kernels(
        [[1.0, 0.5]], [[1.0, 0.5 + shift]], activation=powers.relu_power(p), depth=3, sw2=1.3, sb2=0.1
    )
    assert [x.item() for x in found] == pytest.approx([K, T], rel=1e-13)


def test_the_first_power_is_relu():
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0 + 1e-9], [-1.0, -2.0], [0.3, -1.0]], dtype=torch.float64)
    one, other = (
        kernels.ntk(x, activation=phi, depth=3, sw2=2.0, sb2=0.0) for phi in (powers.relu_power(1), activations.relu)
    )
    assert torch.allclose(one, other, rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_chaos_has_no_unit(scale):
    """phi(x) = s tanh(x / s): Delta_0 goes with s^2, the exponent stays."""
    truth = dynamic_mean_field.solve(torch.tanh, 2.0)
    state = dynamic_mean_field.solve(lambda x: scale * torch.tanh(x / scale), 2.0)
    assert state.Delta0 / scale**2 == pytest.approx(truth.Delta0, rel=1e-10)


def test_chaos_begins_at_once_above_one():
    """Near g = 1: Delta_0 = e + 7/6 e^2 and lambda = e^2 / 2 with e = g - 1 (Sompolinsky et al. 1988)."""
    e = 2.0**-23
    state = dynamic_mean_field.solve(torch.tanh, 1 + e)
    assert state.Delta0 == pytest.approx(e + 7 / 6 * e**2, rel=2e-8)
    assert dynamic_mean_field.lyapunov(state) == pytest.approx(e**2 / 2, rel=0.05)


def test_switches_part_at_once():
    state = dynamic_mean_field.solve(torch.sign, 1.5)
    assert state.Delta0 == pytest.approx(2 * 1.5**2 * (1 - 2 / math.pi), rel=1e-12)
    assert math.isinf(dynamic_mean_field.lyapunov(state))
    assert gaps.gap(torch.sign, [1.0])(torch.zeros(1, dtype=torch.float64))[0].item() == math.inf
    sw2, sb2 = criticality.weights_for([1.0], [1.0], activation=torch.sign)
    assert (sw2.item(), sb2.item()) == (0, 1)  # nothing but the bias keeps twins together
    assert maps.correlations(0.0, 1.0, 2, activation=torch.sign, sw2=1.5, sb2=0.1)[1].tolist() == [0, 0, 0]
    for f in (batch_norm.large_batch_growth, normalisation.layer_growth):
        with pytest.raises(ValueError, match="jumps"):
            f(torch.sign, torch.zeros_like)
        with pytest.raises(ValueError, match="constant"):
            f(torch.ones_like, torch.zeros_like)
    with pytest.raises(ValueError, match="jumps"):
        batch_norm.growth(torch.sign, torch.zeros_like, 8)
    with pytest.raises(ValueError, match="nowhere different"):
        jacobian.squared_slopes(torch.zeros_like, 1.0)


def test_kinks_are_respected_in_every_coefficient():
    """a_1 of hard tanh at variance q is sqrt q times P(|x| < 1)."""
    q = 2.4
    a2 = dynamic_mean_field._squares(activations.hard_tanh, q, 3)
    assert a2[1].item() == pytest.approx(q * math.erf(1 / math.sqrt(2 * q)) ** 2, rel=1e-13)


def test_a_steep_function_is_no_kink():
    assert not activations.of(lambda x: activations.gelu(100 * x)).bent
    assert activations.relu.bent and activations.of(torch.nn.functional.leaky_relu).bent


def test_weights_that_no_critical_network_has_are_refused():
    with pytest.raises(ValueError, match=r"sb2 = -1\.94"):
        criticality.at_length(0.1, activation=lambda x: torch.nn.functional.softplus(x))
    with pytest.raises(ValueError, match="does not vary"):
        criticality.at_length(0.1, activation=torch.ones_like)


@pytest.mark.parametrize("ratio", [1e-3, 1.0, 1e3, 1e6, 1e12])
def test_angles_settle_whatever_the_biases_weigh(ratio):
    e, delta = residual.saturated_fixed_point(residual.Block(1.0, 1.0, ratio))
    share = 2 / math.pi / (1 + ratio)
    theta = math.asin(share / (1 - delta))
    theta = theta if e > math.sqrt(0.5) else math.acos(e)
    assert 2 * math.sin(theta / 2) ** 2 == pytest.approx(share * theta, rel=1e-9)
    assert 0 < delta < 1
    with pytest.raises(TypeError, match=r"width = 1\.5"):
        residual.log_width_factor([1.5, 2])


def test_lists_arrays_and_whole_numbers_are_numbers():
    lengths = maps.length([1.0, 2.0], activation=TANH, sw2=np.array([1.0, 2.0]), sb2=[0.0, 0.1])
    alone = [maps.length(q, activation=TANH, sw2=w, sb2=b).item() for q, w, b in ((1.0, 1.0, 0.0), (2.0, 2.0, 0.1))]
    assert lengths.tolist() == alone
    assert maps.lengths([1.0, 2.0], 1, activation=TANH, sw2=[1.0, 2.0], sb2=[0.0, 0.1])[1].tolist() == alone
    assert fixed_points.depth_scale(math.exp(-0.5)).item() == pytest.approx(2)
    rng = torch.Generator().manual_seed(0)
    graph = graphs.stochastic_block_model(1, 8, c=3, eps=0.2, rng=rng)
    assert graphs.features(graph.long(), 1, F=3, activation=TANH, sw2=1.0, c=3.0, rng=rng).shape == (1, 8, 3)
    assert len(communities.belief_propagation(graph[0].tolist(), c=3.0, eps=0.2, steps=2, rng=rng)) == 8
    x = [[1, 2]]
    assert committee.tangents(1, x, depth=1, width=3, activation=TANH, sw2=1.0, sb2=0.1, rng=rng).shape == (1, 1, 1)
    filters = convolution.uniform_profile(3, 2)
    assert random_filters.layer(torch.ones(1, 2, 4, 4), v=filters, sw2=1.0, rng=rng).dtype == torch.float64
    assert convolution.spread(np.ones(8), convolution.uniform_profile(3), chi=2.0, depth=2).tolist() == [4.0] * 8
    assert random_kernels.history(2, [[1.0]], 2, width=3, activation=TANH, sw2=1.0, sb2=0.1, rng=rng).shape == (
        2,
        2,
        1,
        1,
    )


def test_what_is_no_covariance_no_graph_and_no_picture_is_refused():
    rng, bad = torch.Generator(), [[1.0, 2.0], [2.0, 1.0]]
    many = {"activation": TANH, "sw2": 1.0, "sb2": 0.1, "rng": rng}
    for draw in (
        lambda: finite_width.sample_kernels(2, bad, [3], **many),
        lambda: random_kernels.history(2, bad, 2, width=3, **many),
        lambda: finite_width.deep_correlation(2.0, 1.0, 2, widths=[10, 20], work=2000, **many),
        lambda: random_kernels.pushed(2, np.diag([1.0, 1.0, -1.0]), 2, width=3, **many),
    ):
        with pytest.raises(ValueError, match=r"no covariance|negative diagonal"):
            draw()
    with pytest.raises(ValueError, match=r"sw2 = -1\.0"):
        random_kernels.history(2, [[1.0]], 2, width=3, **{**many, "sw2": -1.0})
    with pytest.raises(ValueError, match="symmetric"):
        communities.belief_propagation([[0, 1], [0, 0]], c=1.0, eps=0.5, steps=1, rng=rng)
    with pytest.raises(ValueError, match="axes"):
        convolution.of_images(torch.ones(2, 3, 4), v=convolution.uniform_profile(3), sw2=1.0, sb2=0.0)
    with pytest.raises(ValueError, match=r"gain = -1\.0"):
        deep_convolution.draw(1, 1, 2, v=convolution.uniform_profile(3, 2), q=1.0, gain=-1.0, rng=rng)


def test_a_graph_may_have_edges_between_its_groups_only():
    assert graphs.probabilities(10, c=3.0, eps=math.inf) == (0.0, 0.6)
    graph = graphs.stochastic_block_model(1, 40, c=5.0, eps=math.inf, rng=torch.Generator().manual_seed(0))[0]
    assert graph.sum() > 0 and graph[:20, :20].sum() == 0


def test_a_ring_has_one_as_its_second_eigenvalue():
    ring = torch.eye(6).roll(1, 1)
    assert communities.second_eigenvalue(ring + ring.T) == pytest.approx(1, abs=1e-6)


def test_the_critical_line_without_biases_passes_silence_only_if_silence_stays():
    for phi, weight in ((activations.tanh, 1), (activations.erf, math.pi / 4), (activations.gelu, 4)):
        sw2, q = criticality.critical_line([0.0], activation=phi)
        assert (sw2.item(), q.item()) == (pytest.approx(weight), 0)
    sw2, q = criticality.critical_line([0.0], activation=torch.sigmoid)  # sigma(0) = 1/2: it never is silent
    rest = fixed_points.phases(sw2, 0.0, activation=torch.sigmoid)
    assert rest.q.item() == pytest.approx(q.item(), rel=1e-9) and q > 40
    assert rest.chi_1.item() == pytest.approx(1, rel=1e-9)


def test_a_spectrum_is_the_same_beside_numbers_that_it_cannot_have():
    slopes = jacobian.squared_slopes(sech2, 0.5)
    law = {"depth": 5, "sw2": 1.2, "weights": jacobian.gaussian}
    alone = jacobian.density(slopes, [2.0], **law).item()
    assert alone > 0.02
    for other in (-1.0, 0.0, 1e9):
        found = jacobian.density(slopes, [other, 2.0], **law)
        assert found.tolist() == [0, pytest.approx(alone, rel=1e-9)]
    with pytest.raises(ValueError, match="finite"):
        jacobian.density(slopes, [math.nan], **law)
    with pytest.raises(ValueError, match="q = inf"):
        jacobian.squared_slopes(sech2, math.inf)


def test_lessons_that_cannot_be_taught_are_refused():
    rng = torch.Generator().manual_seed(0)
    net = training.draw([1.0, 2.0], np.array([0.1, 0.1]), 2, n=2, d=4, width=4, rng=rng)
    x, y = np.ones((10, 4)), [0] * 10
    assert training.train(net, x, y, n_steps=2, rate=0.1, rng=rng)[1].shape == (2, 2)
    for images, labels, rate, words in (
        (x, [20] * 10, 0.1, "beyond the 10 classes"),
        (x, y[:5], 0.1, "10 images, 5 labels"),
        (x, y, -1.0, r"rate = -1\.0"),
        (x, y, math.nan, "rate = nan"),
    ):
        with pytest.raises(ValueError, match=words):
            training.train(net, images, labels, n_steps=2, rate=rate, rng=rng)
    with pytest.raises(ValueError, match="3,"):
        training.draw([1.0, 2.0, 3.0], 0.1, 2, n=2, d=4, width=4, rng=rng)
    school = committee.draw(2, 2, depth=1, width=3, activation=TANH, sw2=1.0, sb2=0.1, rng=rng)
    assert committee.train(school, [[1, 2]], [1], rate=0.1, steps=[0, 2], new=[[1, 1]]).shape == (2, 2, 1)
    with pytest.raises(ValueError, match="rate"):
        committee.train(school, [[1, 2]], [1], rate=-0.1, steps=[0, 2], new=[[1, 1]])


def test_nothing_is_left_of_a_circle_without_radius():
    for q, sw2 in ((0.0, 1.5), (1.0, 0.0)):
        with pytest.raises(ValueError, match="circle"):
            maps.curvature(q, 3, activation=activations.tanh, sw2=sw2, sb2=0.1)
    with pytest.raises(ValueError, match="circle"):
        fixed_points.circle_curvature(3, 0.0, 0.1, activation=activations.tanh)
    with pytest.raises(ValueError, match="q <= sb2"):
        kernels.post_activation_correlation(0.1, 0.5, 0.1)


def test_what_is_no_activation_is_refused():
    for phi, error, words in (
        (lambda x: x.sum(), TypeError, "element by element"),
        (lambda x: x > 0, TypeError, "bool"),
        (lambda x: x * 1j, TypeError, "complex"),
        (torch.sqrt, ValueError, "finite there"),
    ):
        with pytest.raises(error, match=words):
            activations.of(phi)
    with pytest.raises(ValueError, match="parity = 1"):
        activations.Activation(torch.relu, parity=1)
    for kink in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite places"):
            activations.Activation(torch.tanh, kinks=(kink,))


def test_a_jump_is_measured_without_the_slopes_beside_it():
    phi = activations.Activation(lambda x: torch.where(x > 1, 3 * x + 1, -2 * x), kinks=(1.0,))
    assert phi.jumps == ((1.0, pytest.approx(6, abs=1e-14)),)
    V = finite_width.four_point(1.0, 3, activation=torch.sign, sw2=1.0, sb2=0.1)[1]
    assert V.tolist() == [0, 0, 0]


def test_parallel_inputs_of_any_length_have_the_kernels_of_one_direction():
    """phi(t x) = t^p phi(x): without biases K and T depend on lengths by a factor alone."""
    x = torch.tensor([1.1, 2.3, -0.7], dtype=torch.float64)
    for phi, p in ((activations.relu, 1), (torch.abs, 1), (powers.relu_power(2), 2), (powers.monomial(3), 3)):
        assert activations.degree(phi) == p
        for depth in (1, 3):
            K, T = kernels.kernels(torch.stack([x, 1.7 * x, -3.3 * x]), activation=phi, depth=depth, sw2=2.0, sb2=0.0)
            for k in (K, T):
                assert k[0, 1].item() == pytest.approx(k[0, 0].item() * 1.7 ** (p**depth), rel=1e-13)
    K = kernels.nngp(torch.stack([x, 2 * x]), activation=torch.sign, depth=2, sw2=2.0, sb2=0.0)
    assert (K - 2).abs().max() < 1e-13  # of an arcsine near 1: half the digits would be lost
    assert all(activations.degree(phi) is None for phi in (torch.tanh, activations.gelu, activations.hard_tanh))


def test_the_tangent_kernel_of_nearly_parallel_relu_inputs_keeps_its_digits():
    x, away = torch.tensor([1.1, 2.3, -0.7], dtype=torch.float64), torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    for shift in (0.0, 1e-9, 1e-6):
        pair = torch.stack([x, 1.7 * x + shift * away])
        with mpmath.workdps(40):
            u, v, k = (sum(mpmath.mpf(a) * mpmath.mpf(b) for a, b in zip(pair[i].tolist(), pair[j].tolist())) * 2 / 3
                       for i, j in ((0, 0), (1, 1), (0, 1)))  # fmt: skip
            sine = mpmath.sqrt(max(u * v - k * k, 0))
            angle = mpmath.pi - mpmath.atan2(sine, k)
            truth = (sine + angle * k) / mpmath.pi + angle / mpmath.pi * k
        found = kernels.ntk(pair, activation=activations.relu, depth=1, sw2=2.0, sb2=0.0)[0, 1].item()
        assert found == pytest.approx(float(truth), rel=1e-14)


def test_no_kernel_of_a_jump_is_no_number():
    x = [[0.0, 0.0], [0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    for phi in (torch.sign, powers.relu_power(0)):
        K, T = kernels.kernels(x, activation=phi, depth=2, sw2=1.5, sb2=0.0)
        assert not bool(K.isnan().any() or T.isnan().any())
        assert (T[:2, :2] == 0).all() and T[2, 3].isinf()


def test_lengths_that_fade_have_a_gradient_as_those_that_grow():
    for skip, sv2 in ((0.1, 0.1), (0.0, 1e-3), (1.0, 1.0)):
        block = residual.Block(sv2=sv2, sw2=2.0, skip=skip)
        _, e, log_gradient = residual.trajectory([block] * 3000, p=1.0, e=0.5, activation=activations.relu)
        assert log_gradient[-1].item() == pytest.approx(3000 * math.log(skip**2 + sv2), rel=1e-12)
        assert bool(e.isfinite().all()) and 0.99 < e[-1] < 1
    with pytest.raises(ValueError, match="below the range of numbers"):
        residual.trajectory([residual.Block(0.1, 1.0, skip=0.1)] * 900, p=1.0, e=0.5, activation=torch.tanh)


def test_twins_have_the_correlation_that_was_asked_for_to_rounding():
    for c in (0.1, 1 - 1e-10):
        x = networks.twins(1.0, c, 50, rng=torch.Generator().manual_seed(0))
        assert (x[0] @ x[1]).item() / 50 == pytest.approx(c, abs=1e-14)


def test_what_is_no_function_of_tensors_is_refused_in_words():
    for phi in (math.tanh, np.tanh, torch.nn.Tanh):
        with pytest.raises(TypeError, match="functions of torch"):
            activations.of(phi)
    rng = torch.Generator().manual_seed(0)
    with pytest.raises(TypeError, match="activation = 'relu': it is a function of tensors"):
        two_time.sample(1, 4, 2, activation="relu", g=1.0, h=0.5, rng=rng)
    with pytest.raises(TypeError, match="activation = 'relu': it is a function of tensors"):
        finite_width.sample_kernels(2, torch.eye(1), [3], activation="relu", sw2=1.0, sb2=0.0, rng=rng)
    A = torch.ones(4, 4, dtype=torch.float64)
    for dual in (activations.erf, activations.erf.dual, torch.erf):
        with pytest.raises(TypeError, match="mehler_dual"):
            graphs.kernel(A, 2, dual=dual, sw2=1.0, c=3.0)
        with pytest.raises(TypeError, match="mehler_dual"):
            two_time.covariance(3, dual=dual, g=1.0, h=0.1)


def test_impossible_arguments_are_refused_by_their_siblings_too():
    for call in (
        lambda: walks.unreturned(2, N=11, c=3.0, eps=0.1),
        lambda: graphs.probabilities(11, c=3.0, eps=0.1),
        lambda: graphs.bethe_hessian(torch.zeros(4, 4), c=0.0),
        lambda: convolution.eigenvalues(torch.ones(3), (5,)),
        lambda: langevin.one_loop_variance(1.0, 1.0, -1.0),
        lambda: two_time.covariance(-3, dual=two_time.linear_dual, g=0.5, h=0.1),
    ):
        with pytest.raises(ValueError, match="take|choose|divide"):
            call()

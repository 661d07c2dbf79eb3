"""Laws at the edges: impossible arguments are refused, silence, size and great depth are not."""

import math

import numpy as np
import pytest
import torch

from fieldkit.propagation import (
    activations,
    batch_norm,
    communities,
    convolution,
    criticality,
    deep_convolution,
    dynamic_mean_field,
    finite_width,
    fixed_points,
    gated,
    graphs,
    jacobian,
    kernels,
    langevin,
    maps,
    networks,
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
    "regress, shape": lambda: kernels.regress(torch.eye(2), torch.eye(2), torch.ones(2), noise=0.0),
    "regress, twice": lambda: kernels.regress(torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 1), noise=0.0),
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
    "edge": lambda: jacobian.universal_smooth_edge(-5.0),
    "spectrum": lambda: jacobian.edge(
        jacobian.squared_slopes(sech2, 0.5), depth=3, sw2=-1.0, weights=jacobian.orthogonal
    ),
    "filter": lambda: convolution.of_images(torch.ones(1, 3), v=torch.ones(3), sw2=1.0, sb2=0.0),
    "growth": lambda: residual.relu_log_growth([-3.0]),
    "loops": lambda: recurrent.discrete(1, 3, 2, activation=TANH, g=1.0, D=-1.0, rng=generator()),
    "echo": lambda: dynamic_mean_field.response_power(ONE, 2.0),
    "lag": lambda: dynamic_mean_field.autocorrelation(dynamic_mean_field.solve(TANH, 2.0), [-1.0]),
    "kick": lambda: langevin.walk(torch.zeros(2, 3), 2, h=-0.1, a=1.0, D=1.0, u=0.0, rng=generator()),
    "grid": lambda: langevin.propagators(0, h=0.1, a=1.0, D=1.0),
    "features": lambda: graphs.features(torch.eye(4)[None], 1, F=0, activation=TANH, sw2=1.0, c=1.0, rng=generator()),
    "gates": lambda: gated.minimal_sample(1, 3, 0, gated.Gate(1.0, 1.0), tied=True, rng=generator()),
    "drawn": lambda: training.draw(-1.0, 0.1, 2, n=1, d=4, width=3, rng=generator()),
    "groups": lambda: convolution.delta_orthogonal_(torch.zeros(8, 2, 3), groups=3, rng=generator()),
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
    convolution.delta_orthogonal_(layer.weight, groups=4, rng=generator())
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
    _, variance = kernels.gradient_descent(K, T, torch.tensor([1.0, -1]), rate=0.1, steps=[10**6])
    assert variance.item() >= 0 and variance.item() < 1e-10

"""Laws where formulas lose their digits: near one, near zero, far out; and what is refused instead of answered."""

import math

import pytest
import torch

from fieldkit.propagation import (
    activations,
    committee,
    communities,
    convolution,
    curves,
    deep_convolution,
    dynamic_mean_field,
    finite_width,
    finite_width_exact,
    fixed_points,
    gated,
    gated_networks,
    gaussian,
    graphs,
    jacobian,
    jacobian_exact,
    kernels,
    langevin,
    linear_network,
    linear_network_exact,
    maps,
    networks,
    random_filters,
    recall,
    recurrent,
    residual,
    tied,
    training,
    two_time,
)

TANH = torch.tanh


def sech2(x):
    return 1 - torch.tanh(x).square()


def generator():
    return torch.Generator().manual_seed(4)


def test_a_deviation_that_alternates_has_a_depth_too():
    """V' of an even phi may be negative: q - q* is multiplied by it all the same."""
    found = fixed_points.phases(1.0, 0.1, activation=torch.cos)
    q = maps.lengths(found.q + 1e-3, 6, activation=torch.cos, sw2=1.0, sb2=0.1) - found.q
    assert found.chi_q < 0 and found.xi_q.item() == pytest.approx(-1 / math.log(abs(q[6] / q[5])), rel=1e-3)


def test_a_short_walk_has_the_variance_of_its_noise():
    """<x(t)^2> -> D t as t or a -> 0, and -> D / 2a late."""
    for t, a in ((1e-10, 1.0), (1.0, 1e-17), (1e-200, 1.0)):
        assert langevin.free_covariance(t, t, a=a, D=3.0).item() == pytest.approx(3 * t, rel=1e-9)
    assert langevin.free_covariance(1e3, 1e3, a=1.0, D=3.0).item() == pytest.approx(1.5)


def test_a_response_has_a_gradient_at_all_times():
    t = torch.tensor([0.0, 1e4], dtype=torch.float64, requires_grad=True)
    langevin.free_response(t, 5e3, a=1.0).sum().backward()
    assert torch.isfinite(t.grad).all()


def test_fine_steps_have_the_variance_of_continuous_time():
    for h in (1e-5, 1e-9, 1e-12):
        ratio = two_time.linear_stationary_variance(0.5, 1.0, h) / linear_network_exact.linear_variance(0.5, 1.0)
        assert ratio == pytest.approx(1 + h / 2, abs=max(1e-15, h * h))
    g = 1 - 2.0**-50
    assert linear_network_exact.linear_variance(g, 1.0) == pytest.approx(2.0**24 / math.sqrt(1 + g), rel=1e-14)


@pytest.mark.parametrize("depth", [10**6, 10**12, 10**17])
def test_edges_of_deep_spectra_grow_by_e_a_layer(depth):
    assert jacobian_exact.linear_gaussian_edge(depth) == pytest.approx(math.e * (depth + 0.5), rel=1e-12)
    assert jacobian_exact.relu_orthogonal_edge(depth) == pytest.approx(math.e * depth, rel=3 / depth + 1e-12)
    assert jacobian_exact.universal_smooth_edge(float(depth)) == pytest.approx(math.e * (depth + 1), rel=2e-12)


def test_slopes_that_are_nearly_equal_have_a_small_variance():
    """phi'^2 = 1 - 2 h^2 + ...: the variance of the squares is 8 q^2."""
    slopes = jacobian.squared_slopes(sech2, 1e-9)
    assert jacobian.variance(slopes, depth=3, weights=jacobian.orthogonal) == pytest.approx(24e-18, rel=1e-6)


def test_groups_of_unequal_size_are_averaged_over_their_own_pairs():
    K = torch.arange(16.0, dtype=torch.float64).reshape(4, 4)
    K, s = K + K.T, torch.tensor([1.0, 1, 1, -1])
    diagonal, same, other = graphs.block_averages(K, s)
    assert diagonal.item() == pytest.approx(K.diagonal().mean().item())
    assert same.item() == pytest.approx((K[0, 1] + K[0, 2] + K[1, 2]).item() / 3)
    assert other.item() == pytest.approx(K[3, :3].mean().item())


def test_ratios_of_kernels_do_not_know_their_unit():
    s = torch.rand(100, generator=generator(), dtype=torch.float64)
    for scale in (1e-200, 1e200):
        for f in (finite_width.kurtosis, finite_width.relative_spread):
            assert f(s * scale).value == pytest.approx(f(s).value, rel=1e-12)


def test_inputs_have_the_overlap_that_is_asked_for():
    for c in (1 - 1e-6, 1 - 1e-12, -0.1):
        x, y = networks.twins(0.1, c, 9, rng=generator())
        assert (1 - (x @ y) / 0.9).item() == pytest.approx(1 - c, rel=1e-3) and (x @ x).item() == pytest.approx(0.9)
    circle = curves.circle(0.1, 7, 5, rng=generator())
    assert torch.allclose(circle[0].square().mean(1), torch.full((5,), 0.1, dtype=torch.float64), rtol=1e-14)


def test_without_weights_a_push_is_lost_and_the_state_goes_on():
    x, growth = recurrent.discrete(1, 4, 3, activation=TANH, g=0.0, sb2=0.5, rng=generator())
    assert torch.isfinite(x).all() and (growth == -math.inf).all()


def test_a_graph_without_edges_tells_nothing():
    u = communities.belief_propagation(torch.zeros(4, 4), c=3.0, eps=0.2, steps=3, rng=generator())
    assert not u.any()


@pytest.mark.parametrize("phi", [activations.relu, activations.leaky_relu(-1.0)])
def test_tiny_kernels_are_right_or_refused(phi):
    x = torch.tensor([[1.0, 2.0], [2.0, 0.5]], dtype=torch.float64)
    one, scaled = (kernels.kernels(s * x, activation=phi, depth=2, sw2=1.5, sb2=0.0)[0] / s**2 for s in (1, 2.0**-400))
    assert torch.allclose(one, scaled, rtol=1e-12)
    with pytest.raises(ValueError, match="fewer layers"):
        kernels.kernels(x, activation=phi, depth=8, sw2=1e-30, sb2=0.0)


NET = {"activation": TANH, "sw2": 1.0, "sb2": 0.1}
PARAMETERS = training.draw(1.0, 0.1, 2, n=2, d=4, width=3, rng=generator())
CONVOLUTION = deep_convolution.draw(1, 1, 3, v=convolution.uniform_profile(3, 2), q=0.1, rng=generator())
J = linear_network.weights(2, 3, 0.3, rng=generator())
STATE = dynamic_mean_field.solve(TANH, 1.5, n_modes=60)
REFUSED = {
    "a label between two classes": lambda: training.losses(torch.zeros(1, 2, 3), torch.tensor([0.5, 1.0])),
    "labels of others": lambda: training.right(torch.zeros(1, 2, 3), torch.zeros(5)),
    "no labels": lambda: training.right(torch.zeros(1, 2, 3), None),
    "flattened pictures": lambda: training.layers(PARAMETERS, torch.zeros(5, 2, 2)),
    "large pictures": lambda: deep_convolution.logits(CONVOLUTION, torch.zeros(2, 28, 28), q=0.1),
    "a side and a half": lambda: deep_convolution.neighbours(2.5),
    "a filter without axes": lambda: convolution.uniform_profile(3, -1),
    "a gain that is no number": lambda: random_filters.delta_orthogonal_(
        torch.zeros(4, 4, 3), gain=1j, rng=generator()
    ),
    "whole weights": lambda: random_filters.delta_orthogonal_(torch.zeros(4, 4, 3).long(), rng=generator()),
    "minus one layer": lambda: jacobian.sample(
        1, 3, -1, activation=TANH, derivative=sech2, sw2=1.0, sb2=0.0, q=1.0, rng=generator()
    ),
    "part of a layer": lambda: jacobian.variance(
        jacobian.squared_slopes(sech2, 1.0), depth=-1, weights=jacobian.orthogonal
    ),
    "fourth below square": lambda: graphs.feature_noise(torch.eye(3), F=2, square=2.0, fourth=1.0, sw2=1.0, c=1.0),
    "a weighted graph": lambda: communities.second_eigenvalue(torch.full((4, 4), 0.5)),
    "a loop": lambda: communities.belief_propagation(torch.eye(4), c=3.0, eps=0.1, steps=3, rng=generator()),
    "one group": lambda: graphs.block_averages(torch.eye(4), torch.ones(4)),
    "an endless degree": lambda: graphs.kesten_stigum(math.inf),
    "no network": lambda: committee.draw(0, 3, depth=1, width=2, rng=generator(), **NET),
    "a named activation": lambda: committee.Wide(3, depth=1, width=2, **{**NET, "activation": "relu"}, rng=generator()),
    "a matrix of no network": lambda: linear_network.response_power(J[0], 1.0),
    "a frequency that is none": lambda: linear_network.response_power(J, math.nan),
    "beyond equal times": lambda: dynamic_mean_field.slope_correlation(STATE, 1.5),
    "a grid without distance": lambda: dynamic_mean_field.lyapunov(STATE, spacing=math.inf),
    "a negative echo": lambda: linear_network_exact.response_power(1.0, 0.5, mean_slope2=-1.0),
    "a push that grows": lambda: langevin.free_response(1.0, 0.0, a=-1.0),
    "units of no force": lambda: langevin.walk([[0.0], [0.0]], 2, h=0.1, a="1", D=1.0, u=0.0, rng=generator()),
    "terms": lambda: fixed_points.phases(1.0, 0.1, activation=TANH, n_terms=-1),
    "keep": lambda: maps.length(1.0, keep="1", **NET),
    "yes is no variance": lambda: maps.length(1.0, activation=TANH, sw2=True, sb2=0.1),
    "a curve": lambda: curves.propagate(torch.ones(4, 5), 2, n=1, width=3, rng=generator(), **NET),
    "no units": lambda: tied.minimal(1, 0, 3, gated.Gate(1.0, 1.0), rng=generator()),
    "half a unit": lambda: gated_networks.gru_sample(1, 2.5, 3, gated.Gate(1.0, 1.0), tied=True, rng=generator()),
    "no generator": lambda: gated_networks.gru_sample(1, 2, 3, gated.Gate(1.0, 1.0), tied=True, rng=None),
    "no sequences": lambda: recall.taught(gated.Gate(1.0, 1.0), 2, n=1, N=3, n_steps=1, batch=0, rng=generator()),
    "a gate of words": lambda: gated.Gate("1", 1.0),
    "a block of nothing": lambda: residual.Block(None, 1.0),
    "a kurtosis beyond numbers": lambda: finite_width_exact.relu_kurtosis(1, 1000),
    "equal kernels": lambda: finite_width.relative_spread(torch.full((50,), 0.1)),
    "half a neuron": lambda: finite_width.sample_kernels(1, [[1.0]], [2.5], rng=generator(), **NET),
    "half a panel": lambda: gaussian.average(TANH, 1.0, n=2.5),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_answer_is_refused_in_a_sentence(name):
    with pytest.raises((ValueError, TypeError), match=r"[;:] .{10}"):
        REFUSED[name]()

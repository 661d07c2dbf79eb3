"""Laws of one neuron: activation and potential are a Fenchel pair, warm and cold."""

import math

import numpy as np
import pytest
import torch
from scipy.special import spence

from fieldkit.estimates import mean
from fieldkit.lattice import exact_neuron, neuron
from tests.fakegpu import fake_gpu

NAMES = list(neuron.PAIRS)
GELU, SILU = torch.nn.functional.gelu, torch.nn.functional.silu


def line(low, high, k):
    return torch.linspace(low, high, k, dtype=torch.float64)


@pytest.mark.parametrize("name", NAMES)
def test_every_closed_form_is_the_supremum(name):
    f, V = neuron.PAIRS[name]
    phi = f(line(-5, 5, 50))
    assert torch.allclose(neuron.conjugate(f)(phi), V(phi), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_walls_of_the_numerical_potential_stand_where_the_closed_form_has_them(name):
    f, V = neuron.PAIRS[name]
    outside = torch.tensor([-2.0, -0.3, 1.3, 4.0], dtype=torch.float64)
    assert torch.allclose(neuron.conjugate(f)(outside), V(outside), rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_slope_of_the_potential_inverts_the_activation(name):
    f, V = neuron.PAIRS[name]
    h = line(0.05, 4, 40) if name == "ReLU" else line(-4, 4, 40)
    assert torch.allclose(neuron.slope_of(V, f(h)), h, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_the_bend_of_the_potential_is_the_local_mass(name):
    f, V = neuron.PAIRS[name]
    h = line(0.1, 2, 20)
    assert torch.allclose(neuron.bend(V, f(h)), neuron.local_mass2(h, activation=f), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_no_other_place_has_less_energy(name):
    f, V = neuron.PAIRS[name]
    h, phi = line(-3, 3, 13)[:, None], line(-4, 4, 2001)
    assert ((V(phi) - h * phi).amin(1) >= (V(f(h)) - h * f(h))[:, 0] - 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_potential_is_zero_at_rest_and_nowhere_negative(name):
    f, V = neuron.PAIRS[name]
    assert V(f(torch.zeros(1, dtype=torch.float64))).item() == pytest.approx(0, abs=1e-15)
    assert (V(line(-3, 3, 601)) >= -1e-14).all()


def test_a_wall_is_finite_at_its_foot_and_infinite_behind():
    edge = torch.tensor([-1.0, 1.0, 1.0 + 1e-12], dtype=torch.float64)
    assert neuron.tanh_potential(edge).tolist() == [math.log(2), math.log(2), math.inf]
    assert neuron.sigmoid_potential((1 + edge) / 2)[:2].tolist() == [math.log(2), math.log(2)]
    assert neuron.softplus_potential(torch.zeros(1, dtype=torch.float64)).item() == pytest.approx(math.pi**2 / 12)


def test_softplus_has_the_dilogarithm_of_scipy():
    phi = line(0.01, 20, 60)
    exact = phi * torch.log(torch.expm1(phi)) + torch.tensor(spence(torch.exp(phi).numpy())) + math.pi**2 / 12
    assert torch.allclose(neuron.softplus_potential(phi), exact, rtol=1e-12, atol=1e-12)


def test_a_tanh_neuron_carries_the_entropy_of_a_spin():
    phi = line(-0.99, 0.99, 41)
    entropy = torch.special.entr((1 + phi) / 2) + torch.special.entr((1 - phi) / 2)
    assert torch.allclose(neuron.tanh_potential(phi), math.log(2) - entropy, atol=1e-14)


def test_any_activation_that_never_falls_has_a_potential():
    def f(h):
        return h + torch.sin(h) / 2

    h = line(-6, 6, 25)
    expected = h * f(h) - (h**2 / 2 - torch.cos(h) / 2 + 0.5)
    assert torch.allclose(neuron.conjugate(f, h_max=50.0)(f(h)), expected, atol=1e-9)
    hard = torch.nn.functional.hardtanh
    flat = torch.tensor([-1.5, 0.5, 1.5], dtype=torch.float64)
    assert neuron.conjugate(hard)(flat).tolist() == pytest.approx([math.inf, 0.125, math.inf], abs=1e-10)


@pytest.mark.parametrize(("f", "turn"), [(GELU, "-0.7518"), (SILU, "-1.2785")])
def test_an_activation_that_turns_is_refused_with_the_place(f, turn):
    with pytest.raises(ValueError, match=rf"turns at h = {turn}.*never falls"):
        neuron.conjugate(f)


def test_turning_points():
    assert neuron.turning_point(GELU) == pytest.approx(exact_neuron.gelu_turn(), abs=1e-12)
    assert neuron.turning_point(torch.neg) == pytest.approx(-1000)  # falls from the start
    assert neuron.turning_point(lambda h: torch.exp(-h.square())) == pytest.approx(0, abs=1e-6)  # a peak
    for f, _ in neuron.PAIRS.values():
        assert neuron.turning_point(f) is None


def test_the_exact_moments_agree_with_closed_forms():
    h = torch.tensor([-2.0, -0.5, 0.0, 1.0], dtype=torch.float64)
    for beta in (0.5, 2.0, 50.0):
        free_mean, free_variance = exact_neuron.moments(h, activation=torch.nn.Identity(), beta=beta)
        assert torch.allclose(free_mean, h, atol=1e-10) and torch.allclose(free_variance, torch.full_like(h, 1 / beta))
        cut = [exact_neuron.relu_mean(x, beta) for x in h.tolist()]
        assert exact_neuron.moments(h, activation=torch.relu, beta=beta)[0].tolist() == pytest.approx(cut, rel=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_fluctuation_is_dissipation_exactly(name):
    f, _ = neuron.PAIRS[name]
    h = torch.tensor([-1.0, 0.3, 2.0], dtype=torch.float64)
    variance = exact_neuron.moments(h, activation=f, beta=3.0)[1]
    assert torch.allclose(exact_neuron.response(h, activation=f, beta=3.0), 3.0 * variance, rtol=1e-6)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus"])
def test_the_first_correction_is_approached_as_one_over_beta(name):
    f, _ = neuron.PAIRS[name]
    h = torch.tensor([0.7], dtype=torch.float64)
    c = exact_neuron.first_correction(0.7, activation=f)
    gap = [beta * (exact_neuron.moments(h, activation=f, beta=beta)[0] - f(h)).item() - c for beta in (100.0, 200.0)]
    assert gap[1] / gap[0] == pytest.approx(0.5, abs=0.05)


def test_there_is_no_first_correction_on_a_plateau():
    with pytest.raises(ValueError, match="plateau"):
        exact_neuron.first_correction(-1.0, activation=torch.relu)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("beta", [1.0, 30.0])
def test_sampled_neurons_have_the_exact_mean_and_variance(name, beta):
    pair = neuron.PAIRS[name]
    n, h = 4000 if name == "softplus" else 20000, torch.tensor([-2.5, 0.0, 1.5], dtype=torch.float64)
    phi = neuron.sample(n, h, pair=pair, beta=beta, rng=torch.Generator().manual_seed(3))
    exact, variance = exact_neuron.moments(h, activation=pair[0], beta=beta)
    for k in range(3):
        assert abs(mean(phi[:, k]).pull(exact[k].item())) < 5  # 72 skewed pulls in all
        assert abs(mean((phi[:, k] - exact[k]).square()).pull(variance[k].item())) < 5


def test_a_neuron_needs_a_positive_temperature():
    with pytest.raises(ValueError, match="beta = 0"):
        neuron.sample(3, torch.zeros(1), pair=neuron.PAIRS["tanh"], beta=0, rng=torch.Generator())


@pytest.mark.parametrize("name", NAMES)
def test_the_sampler_runs_where_its_generator_lives(name):
    with fake_gpu() as rng:
        h = torch.zeros(5, device=rng.device, dtype=torch.float64)
        phi = neuron.sample(7, h, pair=neuron.PAIRS[name], beta=2.0, steps=2, rng=rng)
        assert phi.shape == (7, 5) and phi.device == rng.device


def test_truths_of_a_neuron_that_does_not_exist_are_refused():
    for beta in (-1.0, 0.0, math.inf, math.nan):
        for call in (
            lambda beta=beta: exact_neuron.moments([0.3], activation=torch.tanh, beta=beta),
            lambda beta=beta: exact_neuron.response([0.3], activation=torch.tanh, beta=beta),
            lambda beta=beta: exact_neuron.relu_mean(0.3, beta),
        ):
            with pytest.raises(ValueError, match="beta = "):
                call()
    with pytest.raises(ValueError, match="rises nowhere"):
        exact_neuron.moments([0.3], activation=lambda x: 0 * x, beta=1.0)
    with pytest.raises(ValueError, match="finite fields"):
        exact_neuron.moments([math.nan], activation=torch.tanh, beta=1.0)
    for call in (
        lambda: exact_neuron.driven_length(0.0, 8), lambda: exact_neuron.driven_length(1.0, 1),
        lambda: exact_neuron.window_covariance(0, 3, mass2=1.0),
        lambda: exact_neuron.window_covariance(3, 3, mass2=0.0),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=" = [01](.0)?: "):
            call()


def test_a_relu_far_below_its_kink_still_fluctuates():
    """The closed form against quadrature of e^{-beta (x - h)^2 / 2} on x > 0, and 1 / (beta |h|) far out."""
    for h, beta in ((-2.9, 100.0), (-3.1, 100.0), (-5.0, 400.0)):
        x, w = np.polynomial.legendre.leggauss(200)
        x = (x + 1) / 2 * 40 / (beta * abs(h))
        density = w * np.exp(-beta * (x**2 / 2 - h * x))
        assert exact_neuron.relu_mean(h, beta) == pytest.approx((density @ x) / density.sum(), rel=1e-9)
    assert exact_neuron.relu_mean(-1e6, 1.0) == pytest.approx(1e-6, rel=1e-11)


def test_fields_may_be_a_list():
    mean, _ = exact_neuron.moments([0.1, 16777217.0 / 2**24], activation=torch.tanh, beta=2.0)
    h = torch.tensor([0.1, 1 + 2.0**-24], dtype=torch.float64)
    same, _ = exact_neuron.moments(h, activation=torch.tanh, beta=2.0)
    assert mean[1] == same[1] and mean.dtype == torch.float64


@pytest.mark.parametrize("beta", [1e-6, 1e-3, 0.5, 30.0, 1e3, 1e6])
@pytest.mark.parametrize("h", [-5.0, -1.0, 0.0, 2.0, 5.0])
def test_hot_and_cold_neurons_are_integrated_where_they_are(beta, h):
    mean_, variance = exact_neuron.moments([h], activation=torch.nn.Identity(), beta=beta)
    assert mean_.item() == pytest.approx(h, rel=1e-10, abs=1e-10)
    assert variance.item() * beta == pytest.approx(1, rel=1e-10)
    wall = exact_neuron.moments([h], activation=torch.relu, beta=beta)[0].item()
    assert wall == pytest.approx(exact_neuron.relu_mean(h, beta), rel=1e-10)


@pytest.mark.parametrize("potential", [neuron.tanh_potential, neuron.sigmoid_potential])
def test_what_is_no_number_is_no_wall(potential):
    phi = torch.tensor([math.nan, -2.0, 2.0, 1.0, math.inf], dtype=torch.float64)
    found = potential(phi).tolist()
    assert math.isnan(found[0]) and found[1:3] == [math.inf] * 2 and found[3] == pytest.approx(math.log(2))
    assert found[4] == math.inf

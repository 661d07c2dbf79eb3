"""Laws of the Jacobian spectra."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.estimates import blocks, mean
from fieldkit.propagation import gaussian, jacobian, jacobian_exact
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden

RULES = {"orth": jacobian.orthogonal, "gauss": jacobian.gaussian}
LINEAR = jacobian.squared_slopes(torch.ones_like, 1.0)
RELU = jacobian.squared_slopes(lambda x: (x > 0).double(), 2.0, kinks=(0,))


def sech2(x):
    return 1 / torch.cosh(x) ** 2


def hard(x):
    return (x.abs() < 1).double()


def tanh_square(q):
    return gaussian.average(lambda x: x.tanh() ** 2, torch.tensor(q, dtype=torch.float64)).item()


def at(name, key):
    return float(name.split(key + "=")[1].split(":")[0].split()[0])


def critical_edge(derivative, q, depth, weights, **options):
    slopes = jacobian.squared_slopes(derivative, q, **options)
    return jacobian.edge(slopes, depth=depth, sw2=1 / slopes.moment(1), weights=weights)


@pytest.mark.parametrize("depth", [1, 2, 5, 32])
def test_linear_gaussian_layers_have_the_fuss_catalan_edge(depth):
    edge = jacobian.edge(LINEAR, depth=depth, sw2=1.0, weights=jacobian.gaussian)
    assert edge == pytest.approx(jacobian_exact.linear_gaussian_edge(depth), rel=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_density_integrates_to_the_moments(depth):
    top = jacobian_exact.linear_gaussian_edge(depth)
    t = torch.linspace(0, 1, 801, dtype=torch.float64)[1:-1]
    power = 2 * depth + 2  # lambda = top t^power opens the singularity lambda^(-depth / (depth + 1)) at 0
    lambdas = top * t**power
    rho = jacobian.density(LINEAR, lambdas, depth=depth, sw2=1.0, weights=jacobian.gaussian)
    for k in (1, 2, 3):
        moment = (rho * lambdas**k * top * power * t ** (power - 1)).sum().item() * (t[1] - t[0]).item()
        assert moment == pytest.approx(jacobian_exact.linear_gaussian_moment(k, depth=depth), rel=3e-3)


def test_one_gaussian_layer_is_marchenko_pastur():
    lambdas = torch.linspace(0.1, 3.9, 20, dtype=torch.float64)
    rho = jacobian.density(LINEAR, lambdas, depth=1, sw2=1.0, weights=jacobian.gaussian)
    assert torch.allclose(rho, torch.sqrt(4 / lambdas - 1) / (2 * math.pi), rtol=1e-10)


def test_the_variance_is_the_second_moment_of_the_density():
    slopes = jacobian.squared_slopes(sech2, 0.1)
    sw2, depth = 1 / slopes.moment(1), 8
    top = jacobian.edge(slopes, depth=depth, sw2=sw2, weights=jacobian.orthogonal)
    lambdas = torch.linspace(0, top, 802, dtype=torch.float64)[1:-1]
    rho = jacobian.density(slopes, lambdas, depth=depth, sw2=sw2, weights=jacobian.orthogonal)
    step = (lambdas[1] - lambdas[0]).item()
    assert rho.sum().item() * step == pytest.approx(1, abs=5e-3)
    assert (rho * lambdas).sum().item() * step == pytest.approx(1, abs=5e-3)
    expected = jacobian.variance(slopes, depth=depth, weights=jacobian.orthogonal)
    assert (rho * lambdas**2).sum().item() * step - 1 == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize("depth", [2, 32])
def test_orthogonal_relu_layers_have_the_bernoulli_edge(depth):
    # M(y) = p / (y - 1): the minimum of lambda is at m = p / (L (1 - p) - 1), p = 1/2
    m = 0.5 / (depth / 2 - 1) if depth > 2 else math.inf
    exact = 4.0 if depth == 2 else (1 + m) / m * ((1 + 0.5 / m) * 2 * m / (1 + m)) ** depth
    edge = jacobian.edge(RELU, depth=depth, sw2=2.0, weights=jacobian.orthogonal)
    assert edge == pytest.approx(exact, rel=1e-11)
    # golden section in 30 digits (notes): (11 + 5 sqrt 5) / 2
    edge = jacobian.edge(RELU, depth=2, sw2=2.0, weights=jacobian.gaussian)
    assert edge == pytest.approx((11 + 5 * math.sqrt(5)) / 2, rel=1e-12)


def test_edges_agree_with_values_in_28_digits():
    # minimum of the inverse moment map, trapezoid rule on the line in 28 digits
    assert critical_edge(sech2, 0.1, 8, jacobian.orthogonal) == pytest.approx(2.1952619206, rel=1e-10)
    assert critical_edge(sech2, 0.1, 128, jacobian.gaussian) == pytest.approx(363.130167153, rel=1e-10)
    assert critical_edge(hard, 0.25, 32, jacobian.orthogonal, kinks=(-1, 1)) == pytest.approx(4.08154792449, rel=1e-11)


def test_shallow_hard_tanh_ends_in_an_atom():
    p = math.erf(1 / math.sqrt(0.2))
    assert critical_edge(hard, 0.1, 32, jacobian.orthogonal, kinks=(-1, 1)) == pytest.approx(p**-32, rel=1e-12)
    slopes = jacobian.squared_slopes(hard, 0.1, kinks=(-1, 1))
    with pytest.raises(ValueError, match="atom"):
        jacobian.density(
            slopes, torch.ones(1).double(), depth=32, sw2=1 / slopes.moment(1), weights=jacobian.orthogonal
        )


def test_universal_edges_are_limits_of_deep_small_signals():
    gaps = []
    for q in (0.004, 0.002, 0.001):
        slopes = jacobian.squared_slopes(sech2, q)
        depth = 1 / (slopes.moment(2) / slopes.moment(1) ** 2 - 1)
        edge = jacobian.edge(slopes, depth=depth, sw2=1 / slopes.moment(1), weights=jacobian.orthogonal)
        gaps.append((jacobian_exact.universal_smooth_edge(1.0) - edge) / q)
    assert gaps[1] - gaps[0] == pytest.approx(2 * (gaps[2] - gaps[1]), rel=0.1)  # the approach is linear in q
    p = 1 - 1e-6
    slopes = jacobian.SquaredSlopes(*torch.tensor([[0.0, 1.0], [1 - p, p]], dtype=torch.float64))
    edge = jacobian.edge(slopes, depth=round(4 / (1 - p)), sw2=1 / p, weights=jacobian.orthogonal)
    assert edge == pytest.approx(jacobian_exact.universal_bernoulli_edge(4.0), rel=1e-5)


def test_golden_values():
    for name, value, digits in golden():
        rule = next((RULES[w] for w in RULES if f" {w} critical" in name), None)
        if name.startswith("deep linear Gaussian sw=1"):
            edge = jacobian.edge(LINEAR, depth=int(at(name, "L")), sw2=1.0, weights=jacobian.gaussian)
            assert edge == pytest.approx(float(value), rel=1e-12), name
        elif name.startswith("deep linear Gaussian: moments"):
            assert [jacobian_exact.linear_gaussian_moment(k, depth=32) for k in (2, 3, 4)] == [int(v) for v in value]
        elif name.startswith("tanh ") and rule and "L=" in name and ": s_max^2" in name:
            edge = critical_edge(sech2, at(name, "q*"), int(at(name, "L")), rule)
            assert edge == pytest.approx(float(value), rel=10 ** (1 - digits)), name
        elif name.startswith("tanh orth critical") and "sigma0^2=1)" in name:
            slopes = jacobian.squared_slopes(sech2, float(name.split("q*=")[1].split(",")[0]))
            depth = 1 / (slopes.moment(2) / slopes.moment(1) ** 2 - 1)
            edge = jacobian.edge(slopes, depth=depth, sw2=1 / slopes.moment(1), weights=jacobian.orthogonal)
            assert [depth, edge] == pytest.approx([float(v) for v in value], rel=1e-8), name
        elif name.startswith("tanh critical q*") and ": " in name:
            slopes = jacobian.squared_slopes(sech2, at(name, "q*"))
            sw2 = 1 / slopes.moment(1)
            sb2 = at(name, "q*") - sw2 * tanh_square(at(name, "q*"))
            mine = {"mu_2": slopes.moment(2), "sw2": sw2, "sb2": sb2}[name.split(": ")[1]]
            assert mine == pytest.approx(float(value), rel=1e-12, abs=1e-15), name
        elif name.startswith("tanh orth critical") and "sigma^2_JJT per layer" in name:
            slopes = jacobian.squared_slopes(sech2, at(name.replace(" sigma", ": sigma"), "q*"))
            mine = jacobian.variance(slopes, depth=1, weights=jacobian.orthogonal)
            assert mine == pytest.approx(float(value), rel=1e-12), name
        elif name.startswith("ReLU orth sw2=2 L=") or name.startswith("ReLU Gaussian sw2=2 L="):
            rule = jacobian.orthogonal if "orth" in name else jacobian.gaussian
            edge = jacobian.edge(RELU, depth=int(at(name, "L")), sw2=2.0, weights=rule)
            assert edge == pytest.approx(float(value), rel=1e-11), name
        elif name.startswith("hard-tanh orth"):
            q, depth = at(name, "q*"), int(at(name, "L"))
            slopes = jacobian.squared_slopes(hard, q, kinks=(-1, 1))
            mine = [
                slopes.moment(1),
                jacobian.variance(slopes, depth=depth, weights=jacobian.orthogonal),
                critical_edge(hard, q, depth, jacobian.orthogonal, kinks=(-1, 1)),
            ]
            assert mine == pytest.approx([float(v) for v in value], rel=1e-11), name
        elif name.startswith("universal smooth class"):
            spread = float(name.split("=")[1].split(":")[0])
            assert jacobian_exact.universal_smooth_edge(spread) == pytest.approx(float(value), rel=1e-14)
        elif name.startswith("universal Bernoulli class"):
            assert jacobian_exact.universal_bernoulli_edge(4.0) == pytest.approx(float(value), rel=1e-14)


@pytest.mark.parametrize("draw, rule", [(jacobian.orthogonal_weights, "orth"), (jacobian.gaussian_weights, "gauss")])
def test_real_networks_have_the_predicted_variance(draw, rule):
    slopes = jacobian.squared_slopes(sech2, 0.1)
    sw2, depth = 1 / slopes.moment(1), 4
    sb2 = 0.1 - sw2 * tanh_square(0.1)
    rng = torch.Generator().manual_seed(3)
    squared = jacobian.sample(
        40, 100, depth, activation=torch.tanh, derivative=sech2, sw2=sw2, sb2=sb2, q=0.1, weights=draw, rng=rng
    )
    spread = estimates.jackknife(lambda a, b: b.mean() / a.mean() ** 2 - 1, squared, squared**2)
    truth = jacobian.variance(slopes, depth=depth, weights=RULES[rule])
    assert abs(spread.value - truth) < 4 * spread.error + 2 * truth / 100  # and corrections of order 1 / width


def test_the_jacobian_is_the_derivative_of_the_network():
    W = jacobian.gaussian_weights(1, 6, rng=torch.Generator().manual_seed(5))

    def network(x):
        for _ in range(3):
            x = torch.tanh(1.3 * W[0] @ x)
        return x

    squared = jacobian.sample(
        1, 6, 3, activation=torch.tanh, derivative=sech2, sw2=1.3**2, sb2=0.0, q=0.7,
        weights=lambda n, width, rng: W, rng=torch.Generator().manual_seed(6),
    )  # fmt: skip
    h = math.sqrt(0.7) * torch.randn((1, 6, 1), generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    J = torch.autograd.functional.jacobian(network, torch.tanh(h[0, :, 0]))
    assert torch.allclose(squared[0], torch.linalg.svdvals(J).square(), rtol=1e-12)


def test_orthogonal_weights_are_orthogonal():
    W = jacobian.orthogonal_weights(3, 7, rng=torch.Generator().manual_seed(0))
    assert torch.allclose(W @ W.mT, torch.eye(7).double().expand(3, 7, 7), atol=1e-14)


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        out = jacobian.sample(
            2, 5, 3, activation=torch.tanh, derivative=sech2, sw2=1.0, sb2=0.1, q=1.0,
            weights=jacobian.orthogonal_weights, rng=rng,
        )  # fmt: skip
        assert out.device.type == NAME


@pytest.mark.parametrize(("depth", "width"), [(1, 3), (3, 5), (4, 2)])
def test_the_second_moment_of_a_finite_product_is_exact(depth, width):
    rng = torch.Generator().manual_seed(21)
    law = {"activation": lambda h: h, "derivative": torch.ones_like, "sw2": 1.0, "sb2": 0.0, "q": 1.0}
    spectrum = jacobian.sample(40_000, width, depth, **law, rng=rng)
    second = mean(blocks(spectrum.square().mean(1)[None], 200))
    assert abs(second.pull(jacobian_exact.linear_gaussian_second_moment(depth, width=width))) < 4


def test_the_second_moment_of_a_wide_product_is_fuss_catalan():
    wide = jacobian_exact.linear_gaussian_second_moment(6, width=10**9)
    assert wide == pytest.approx(jacobian_exact.linear_gaussian_moment(2, depth=6), rel=1e-7)


def test_the_relu_edge_is_a_minimum():
    for depth in (3, 8, 32):
        at = jacobian_exact.relu_orthogonal_edge(depth)
        m = torch.linspace(0.01, 20, 200_001, dtype=torch.float64)
        scan = ((1 + m) / m * ((1 + 2 * m) / (1 + m)) ** depth).min().item()
        assert at == pytest.approx(scan, rel=1e-6) and at <= scan * (1 + 1e-12)
    with pytest.raises(ValueError, match="atom"):
        jacobian_exact.relu_orthogonal_edge(2)

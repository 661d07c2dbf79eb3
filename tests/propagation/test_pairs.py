"""Laws of averages over two Gaussian variables: at any variance and correlation, twins, silence, jumps, gradients."""

import math

import pytest
import torch
from scipy.stats import multivariate_normal

from fieldkit.propagation import activations, criticality, fixed_points, kernels, maps, pairs, powers, two_time
from fieldkit.propagation.activations import Activation

CLOSED = ("relu", "erf", "gelu", "sin", "linear")
ALL = {
    **{name: getattr(activations, name) for name in (*CLOSED, "tanh", "hard_tanh", "swish")},
    "leaky": activations.leaky_relu(0.3),
    "modulus": activations.leaky_relu(-1.0),
    "plain relu": Activation(torch.relu),
    "square": powers.monomial(2),
    "cube": powers.monomial(3),
    "relu squared": powers.relu_power(2),
}
STEPS = {
    "sign": Activation(torch.sign, parity=-1),
    "Heaviside": Activation(lambda x: (x > 0).to(x.dtype)),
    "step at 1": Activation(lambda x: (x > 1).to(x.dtype), kinks=(1.0,)),
    "two steps, a slope": Activation(lambda x: torch.sign(x - 0.5) + (x > -1).to(x.dtype) + 0.3 * x, kinks=(0.5, -1)),
}


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def stripped(phi):
    """The same function without closed forms."""
    return Activation(phi.phi, slope=phi.slope, kinks=phi.kinks, parity=phi.parity)


def pair(q, c):
    return torch.tensor([[q, q * c], [q * c, q]], dtype=torch.float64)


@pytest.mark.parametrize("name", ["relu", "erf", "gelu", "leaky", "modulus"])
def test_quadrature_is_the_closed_form_at_every_variance_and_correlation(name):
    rng = torch.Generator().manual_seed(1)
    u = 10 ** (7 * torch.rand(24, generator=rng, dtype=torch.float64) - 3)
    v = u * 10 ** (torch.rand(24, generator=rng, dtype=torch.float64) - 0.5)
    c = (1 - 10 ** (-8 * torch.rand(24, generator=rng, dtype=torch.float64))) * numbers(1, -1).repeat(12)
    k = c * (u * v).sqrt()
    det = u * v * (1 - c) * (1 + c)
    phi = ALL[name]
    product, slope = phi.near(u, v, k, det, (u + v) / 2 - k)
    found = pairs.averages(stripped(phi), u, v, k, det)
    (left, steep, _), (right, *_) = (phi.moments(q) for q in (u, v))
    assert torch.allclose(found.product / (left * right).sqrt(), product / (left * right).sqrt(), atol=1e-12, rtol=0)
    assert torch.allclose(found.slope / steep, slope / steep, atol=3e-12, rtol=0)
    assert torch.allclose(found.gap, (left + right) / 2 - product, atol=1e-12 * (left + right).max().item())


@pytest.mark.parametrize(("q", "c"), [(0.3, 0.999), (1.0, 0.999), (1.0, -0.97), (4.0, 0.9999), (100.0, 0.99)])
def test_slopes_of_hard_tanh_are_the_probability_that_both_neurons_are_inside(q, c):

    def below(x, y):
        return multivariate_normal.cdf([x, y], [0, 0], pair(q, c).numpy(), maxpts=10**7, abseps=1e-13, releps=1e-13)

    inside = below(1, 1) - below(1, -1) - below(-1, 1) + below(-1, -1)
    found = kernels.averages(pair(q, c), activation=activations.hard_tanh)[1][0, 1].item()
    assert found == pytest.approx(inside, abs=2e-10)


# mpmath, two nested adaptive integrals cut at the kinks: T of one hidden layer at sw2 = 1, sb2 = 0, first variance q
@pytest.mark.parametrize(
    ("phi", "q", "c", "T"),
    [
        (activations.tanh, 100.0, 0.99, 4.22783353663881),
        (activations.tanh, 100.0, 0.999, 5.84873071561101),
        (activations.hard_tanh, 1.0, 0.999, 1.18876293831551),
    ],
)
def test_tangent_kernels_of_alike_inputs(phi, q, c, T):
    angle = math.acos(c)
    x = math.sqrt(2 * q) * torch.tensor([[1, 0], [math.cos(angle), math.sin(angle)]], dtype=torch.float64)
    found = kernels.ntk(x, activation=phi, depth=1, sw2=1.0, sb2=0.0)[0, 1].item()
    assert found == pytest.approx(T, rel=1e-12)


@pytest.mark.parametrize("size", [1e-8, 1.0, 255.0, 1e6, 1e8])
@pytest.mark.parametrize("name", ALL)
def test_an_input_twice_has_the_kernel_of_the_diagonal(name, size):
    x = size * torch.tensor([[1, 2, 3], [1, 2, 3], [0, 1, -2]], dtype=torch.float64)
    for K in kernels.kernels(x, activation=ALL[name], depth=2, sw2=1.5, sb2=0.1):
        assert torch.isfinite(K).all() and K[0, 1].item() == pytest.approx(K[0, 0].item(), rel=1e-14)
    for K in kernels.kernels(x, x.clone(), activation=ALL[name], depth=2, sw2=1.5, sb2=0.1):
        assert torch.isfinite(K).all() and K[0, 1].item() == pytest.approx(K[0, 0].item(), rel=1e-14)


def test_large_alike_inputs_of_tanh():
    x = 255 * torch.tensor([[1, 2, 3], [1, 2, 3]], dtype=torch.float64)
    T = kernels.ntk(x, activation=activations.tanh, depth=2, sw2=1.5, sb2=0.1)
    assert T[0, 1].item() == pytest.approx(312.258, abs=1e-3) and torch.equal(T[0, 1], T[0, 0])


@pytest.mark.parametrize("name", ALL)
def test_silence_is_no_nan(name):
    x = torch.tensor([[0, 0, 0], [1, 2, 3]], dtype=torch.float64)
    phi = ALL[name]
    x.requires_grad_()
    found = kernels.kernels(x, activation=phi, depth=2, sw2=1.5, sb2=0.0)
    for K in found:
        assert (K[0].abs() < 1e-140).all() and K[1, 1] > 0
    sum(K.sum() for K in found).backward()
    assert torch.isfinite(x.grad).all()
    product, slope = kernels.averages(torch.diag(numbers(0.0, 2.0)), activation=phi)
    zero = numbers(0.0)
    kinked = name in ("relu", "leaky", "modulus", "plain relu")
    one = None if kinked else activations.of(phi).derivative(zero).item()
    assert torch.isfinite(product).all() and torch.isfinite(slope).all()
    if one is not None:
        mean = pairs.side(stripped(phi), numbers(2.0)).first.item()
        assert slope[0, 1].item() == pytest.approx(one * mean, abs=1e-12)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, 1e-12])
def test_relu_tells_near_twins_apart_by_their_angle(distance):
    """E phi' phi' = (pi - theta) / 2 pi and K = (sin theta + (pi - theta) cos theta) / 2 pi, |x| = 1 a component."""
    x = numbers(1, 1, 1, 1)
    y = math.cos(distance) * x + math.sin(distance) * numbers(1, -1, 1, -1)
    theta = 2 * math.asin((x - y).norm().item() / 4)
    K = (math.sin(theta) + (math.pi - theta) * math.cos(theta)) / (2 * math.pi)
    T = K + math.cos(theta) * (math.pi - theta) / (2 * math.pi)
    found = kernels.kernels(torch.stack([x, y, -y]), activation=activations.relu, depth=1, sw2=1.0, sb2=0.0)
    assert found[0][0, 1].item() == pytest.approx(K, abs=3e-16) and found[1][0, 1].item() == pytest.approx(T, abs=3e-16)
    opposite = (math.sin(theta) - theta * math.cos(theta)) / (2 * math.pi) - math.cos(theta) * theta / (2 * math.pi)
    assert found[1][0, 2].item() == pytest.approx(opposite, abs=3e-16)


def test_variances_of_any_size_may_meet_in_one_batch():
    """Entries do not depend on what else is in the batch; a smooth phi shares its nodes among all variances."""
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = x * numbers(1e-6, 1e-2, 0.3, 1, 30, 1e4)[:, None]
    for phi in (activations.tanh, activations.swish, stripped(activations.erf)):
        whole = kernels.kernels(x, activation=phi, depth=2, sw2=1.5, sb2=0.05)
        for i, j in ((0, 5), (2, 3), (3, 4), (4, 5)):
            alone = kernels.kernels(x[[i, j]], activation=phi, depth=2, sw2=1.5, sb2=0.05)
            for one, two in zip(whole, alone):
                assert one[i, j].item() == pytest.approx(two[0, 1].item(), rel=1e-10, abs=1e-13)
    for one, two in zip(
        kernels.kernels(x, activation=activations.erf, depth=2, sw2=1.5, sb2=0.05),
        kernels.kernels(x, activation=stripped(activations.erf), depth=2, sw2=1.5, sb2=0.05),
    ):
        assert torch.allclose(one, two, rtol=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_finite_differences(name):
    z = torch.tensor([[1.0, 2, 3], [0, 1, 2], [-0.5, 0.3, 1]], dtype=torch.float64)
    phi = ALL[name]

    def total(x):
        K, T = kernels.kernels(x, activation=phi, depth=2, sw2=1.1, sb2=0.0)
        return (K * torch.arange(9.0).double().reshape(3, 3)).sum() / 7 + T.sum()

    x = z.clone().requires_grad_()
    total(x).backward()
    step, size = 1e-5, x.grad.abs().max().item()
    for i in range(3):
        for j in range(3):
            up, down = z.clone(), z.clone()
            up[i, j] += step
            down[i, j] -= step
            numeric = (total(up) - total(down)) / (2 * step)
            assert x.grad[i, j].item() == pytest.approx(numeric.item(), abs=3e-7 * size)


@pytest.mark.parametrize("name", ALL)
def test_gradients_of_averages_are_finite_and_right(name):
    base = torch.tensor([[1.0, 0.4], [0.4, 2.0]], dtype=torch.float64)

    def total(k):
        K = base + k * numbers(0, 1, 1, 0).reshape(2, 2)
        return sum(x.sum() for x in kernels.averages(K, activation=ALL[name]))

    k = numbers(0.0).requires_grad_()
    total(k).backward()
    numeric = (total(1e-6) - total(-1e-6)) / 2e-6
    assert k.grad.item() == pytest.approx(numeric.item(), rel=1e-7)
    twins = torch.ones(2, 2, dtype=torch.float64).requires_grad_()
    kernels.averages(twins, activation=ALL[name])[0].sum().backward()
    assert torch.isfinite(twins.grad).all()


@pytest.mark.parametrize("name", STEPS)
def test_averages_of_a_step_are_probabilities(name):
    """Against a sum over the quadrants that the jumps cut out of the plane (and their density by a difference)."""
    phi, q, c = STEPS[name], 1.7, 0.93
    product, slope = kernels.averages(pair(q, c), activation=phi)
    step = 1e-4
    up, down = (kernels.averages(pair(q, c + s), activation=phi)[0][0, 1].item() for s in (step, -step))
    assert slope[0, 1].item() == pytest.approx((up - down) / (2 * step * q), rel=1e-6)  # Price's theorem
    if name == "sign":
        assert product[0, 1].item() == pytest.approx(2 / math.pi * math.asin(c), abs=1e-13)
        assert slope[0, 1].item() == pytest.approx(2 / (math.pi * q * math.sqrt(1 - c * c)), rel=1e-12)
    if name == "step at 1":
        both = multivariate_normal.cdf([-1, -1], [0, 0], [[q, q * c], [q * c, q]], abseps=1e-12, releps=1e-12)
        assert product[0, 1].item() == pytest.approx(both, abs=1e-9)


@pytest.mark.parametrize("name", STEPS)
def test_a_jump_makes_twins_strangers(name):
    """chi_1 is infinite, and 1 - c of nearly equal inputs goes to its square root."""
    phi = STEPS[name]
    p = fixed_points.phases(1.5, 0.05, activation=phi)
    q, again = maps.correlations(p.e, p.q, 1, activation=phi, sw2=1.5, sb2=0.05)
    assert math.isinf(p.chi_1.item()) and p.e.item() > 1e-8
    assert again[1].item() == pytest.approx(p.e.item(), rel=1e-10)
    assert q[1].item() == pytest.approx(p.q.item(), rel=1e-12)
    _, near = maps.correlations(numbers(1e-8, 4e-8), numbers(1.0, 1.0), 1, activation=phi, sw2=1.5, sb2=0.05)
    assert (near[1, 1] / near[1, 0]).item() == pytest.approx(2, rel=1e-3)
    step = 1e-5
    up, down = (activations.moments(phi, numbers(1.3 + s))[0].item() for s in (step, -step))
    assert activations.moments(phi, numbers(1.3))[2].item() == pytest.approx((up - down) / (2 * step), abs=1e-9)


def test_the_sign_is_chaotic_with_the_arcsine():
    p = fixed_points.phases(1.5, 0.05, activation=torch.sign)
    c = p.c.item()  # q c = sw2 (2 / pi) asin c + sb2
    assert 1.55 * c == pytest.approx(1.5 * 2 / math.pi * math.asin(c) + 0.05, abs=1e-13)
    assert c == pytest.approx(0.0842, abs=5e-5)
    e = numbers(0.001)
    after = maps.correlation(e, numbers(1.0), activation=torch.sign, sw2=1.5, sb2=0.05).item()
    assert after == pytest.approx(1.5 / 1.55 * (1 - 2 / math.pi * math.asin(0.999)), rel=1e-12)
    closed = fixed_points.phases(1.5, 0.05, activation=powers.relu_power(0))
    plain = fixed_points.phases(1.5, 0.05, activation=STEPS["Heaviside"])
    assert closed.e.item() == pytest.approx(plain.e.item(), rel=1e-11) and math.isinf(closed.chi_1.item())
    with pytest.raises(ValueError, match="jumps"):
        criticality.at_length(1.0, activation=torch.sign)
    sw2, sb2 = criticality.weights_for(numbers(1.0), numbers(0.2, 0.99), activation=torch.sign)
    exact = 1 / (1 - 2 / math.pi * torch.asin(numbers(0.2, 0.99)))
    assert torch.allclose(sw2[0], exact * (1 - numbers(0.2, 0.99)), rtol=1e-11) and torch.allclose(sb2, 1 - sw2)


@pytest.mark.parametrize("q", [0.01, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("name", ["erf", "sin", "gelu", "relu", "square", "cube", "relu squared"])
def test_the_gap_is_closed_at_every_variance_and_distance(name, q):
    """Against 1 - c of the closed dual where that has digits, and the slope at c = 1 where it has none."""
    phi, e = ALL[name], numbers(1e-12, 1e-6, 1e-3, 0.1, 1.0, 1.7)
    v = torch.full_like(e, q)
    S, steep = maps.gap(phi, v)(e)
    square, slope, _ = phi.moments(v)
    direct = (square - phi.dual(v, v, v * (1 - e))[0]) / e
    assert torch.allclose(S[2:], direct[2:], rtol=1e-9)
    assert S[0].item() == pytest.approx((v * slope)[0].item(), rel=3e-6 if name == "relu" else 1e-7)
    step = 1e-3 * e[2:5]
    up, down = (maps.gap(phi, v[2:5])(e[2:5] + s)[0] for s in (step, -step))
    assert torch.allclose((down - up) / (2 * step), steep[2:5], rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("q", [1.0, 9.0, 100.0, 1e4])
def test_correlations_of_stripped_and_closed_erf_agree(q):
    e = numbers(1e-9, 1e-5, 1e-2, 0.3, 1.2)
    one, two = (
        maps.correlations(e, torch.full_like(e, q), 2, activation=phi, sw2=1.5, sb2=0.1)[1][1:]
        for phi in (activations.erf, stripped(activations.erf))
    )
    assert torch.allclose(one, two, rtol=1e-9)


def test_near_the_critical_line_a_kink_has_its_own_fixed_point():
    phi = activations.hard_tanh
    sw2, _ = criticality.critical_line(numbers(0.1), activation=phi)
    for factor in (1.0005, 1.005, 1.05):
        p = fixed_points.phases(sw2 * factor, 0.1, activation=phi)
        e = p.e.item()
        cov = pair(p.q.item(), 1 - e)  # another route: E phi phi itself instead of the gap
        product = kernels.averages(cov, activation=phi)[0][0, 1]
        c = (factor * sw2 * product + 0.1) / p.q
        assert 0 < e < 0.5 and c.item() == pytest.approx(1 - e, abs=2e-12)
        e = [p.e * s for s in (0.999, 1.001)]
        below, above = (maps.correlation(x, p.q, activation=phi, sw2=sw2 * factor, sb2=0.1) for x in e)
        assert ((above - below) / (0.002 * p.e)).item() == pytest.approx(p.chi_c.item(), rel=1e-5)


def test_the_dual_of_a_table_is_right_at_any_variance():
    dual = two_time.mehler_dual(torch.erf)
    u, k = numbers(9.0, 9.0, 100.0, 0.0), numbers(9.0, 8.9, 99.99, 0.0)
    assert torch.allclose(dual(k, u, u), activations.erf.dual(u, u, k)[0], rtol=1e-12)
    silent = two_time.covariance(3, dual=two_time.mehler_dual(torch.tanh), g=1.5, h=0.1, start=0.0, D=0.1)
    assert torch.isfinite(silent).all() and silent[1, 1].item() == pytest.approx(0.01)


def test_opposite_inputs_of_a_function_without_parity():
    """E softplus(u) softplus(-u) in one dimension."""
    phi, q = Activation(torch.nn.functional.softplus), 50.0
    product = kernels.averages(pair(q, -1.0), activation=phi)[0][0, 1]
    square = Activation(lambda x: (phi(x) * phi(-x)).clamp_min(1e-300).sqrt(), parity=1)
    exact = activations.moments(square, numbers(q))[0]
    assert product.item() == pytest.approx(exact.item(), rel=1e-10)

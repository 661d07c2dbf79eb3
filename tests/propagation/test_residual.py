"""Laws of residual networks."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import activations, kernels, residual
from fieldkit.propagation.residual import Block
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def sech2(x):
    return 1 / torch.cosh(x) ** 2


def tanh_run(depth, e=0.5, n_terms=200):
    return residual.trajectory([Block(1, 1)] * depth, p=1.0, e=e, activation=activations.tanh, n_terms=n_terms)


def test_tanh_recursion_agrees_with_an_independent_one():
    # trapezoid rule on |z| <= 15 with steps 1/32, 1/64 and 1/256, which agree; sv2 = sw2 = 1, no biases, p = 1, e = 1/2
    p, e, log_gradient = tanh_run(100)
    assert p[100].item() == pytest.approx(84.44947899160563, rel=1e-12)
    assert log_gradient[100].item() == pytest.approx(10.545548530742531, rel=1e-12)
    assert e[100].item() == pytest.approx(0.22341650054, rel=1e-6)  # a coarser trapezoid, see below


def test_linear_blocks_multiply():
    p, e, log_gradient = residual.trajectory([Block(0.5, 2.0)] * 7, p=2.0, e=-0.3, activation=lambda x: x)
    assert torch.allclose(p, 2 * 2.0 ** torch.arange(8, dtype=torch.float64), rtol=1e-13)
    assert torch.allclose(e, torch.full_like(e, -0.3), rtol=1e-13)
    assert torch.allclose(log_gradient, math.log(2) * torch.arange(8, dtype=torch.float64), rtol=1e-13)


def test_gradient_exponent_is_the_slope_at_great_depth():
    p, _, log_gradient = tanh_run(800)
    slope = (log_gradient[800] - log_gradient[400]).item() / (math.sqrt(800) - math.sqrt(400))
    assert slope == pytest.approx(residual.tanh_gradient_exponent(Block(1, 1)), rel=0.03)  # then 1 / sqrt l
    assert p[800].item() / 800 == pytest.approx(1, rel=0.08)


def test_relu_growth_has_its_limits():
    l = torch.arange(1, 100001, dtype=torch.float64)
    constant, inverse, square = (residual.relu_log_growth(l**-b) for b in (0.0, 1.0, 2.0))
    assert constant[9].item() == pytest.approx(10 * math.log(1.5), rel=1e-14)
    # prod (1 + 1 / 2k) = Gamma(l + 3/2) / (Gamma(3/2) l!)
    assert inverse[9999].item() == pytest.approx(
        math.lgamma(10001.5) - math.lgamma(1.5) - math.lgamma(10001), abs=1e-10
    )
    x = 1 / math.sqrt(2)  # prod (1 + 1 / 2 k^2) = sinh(pi x) / (pi x), tail 1 / (2 l)
    assert square[-1].exp().item() == pytest.approx(math.sinh(math.pi * x) / (math.pi * x), rel=1e-5)


def test_golden_values():
    for name, value, _ in golden():
        if name.startswith("tanh FRN sv2=sw2=1"):
            # the stored recursion used a trapezoid step of about 0.1: at q = 40 the poles of tanh are at 0.25 i, good
            # for 2e-7 only
            mine = [row[50].item() for row in tanh_run(50)]
            assert mine == pytest.approx([float(v) for v in value], rel=3e-7)
        elif name.startswith("tanh FRN gradient exponent"):
            assert residual.tanh_gradient_exponent(Block(1, 1)) == pytest.approx(float(value), rel=1e-15)
        elif name.startswith("tanh FRN delta* for sa=0"):
            assert residual.saturated_fixed_point(Block(1, 1))[1] == pytest.approx(float(value), rel=1e-15)
        elif name.startswith("tanh FRN e*, delta*"):
            mine = residual.saturated_fixed_point(Block(1, 1, sa2=float(name.split("sa2=")[1])))
            assert mine == pytest.approx([float(v) for v in value], rel=1e-13)
        elif name.startswith("ReLU FRN variance variation"):
            b = float(name.split("l^-")[1].split(":")[0])
            logs = residual.relu_log_growth(torch.arange(1, 10001, dtype=torch.float64) ** -b)
            for depth, text in value:
                mantissa, _, power = text.partition("e")
                truth = math.log(float(mantissa)) + int(power or 0) * math.log(10)
                assert logs[depth - 1].item() == pytest.approx(truth, rel=1e-12, abs=1e-12)  # 10^4 roundings


def test_real_networks_follow_the_recursion():
    p, e, log_gradient = tanh_run(20)
    rng = torch.Generator().manual_seed(1)
    blocks = [Block(1, 1)] * 20
    lengths, angles, gradient = residual.sample(
        60, [100] * 21, blocks, p=1.0, e=0.5, activation=torch.tanh, derivative=sech2, rng=rng
    )
    # the tolerance beside 4 standard errors is the 1 / N correction
    for measured, truth in ((lengths, p), (angles, e), (gradient, log_gradient.exp())):
        estimate = estimates.mean(measured[:, 20])
        assert abs(estimate.value - truth[20].item()) < 4 * estimate.error + 0.02 * truth[20].item()


def test_relu_growth_is_exact_at_any_width_also_when_the_width_changes():
    widths = [6, 12, 8, 8]
    blocks = [Block(1.0, 0.7)] * 3
    lengths, _, gradient = residual.sample(
        20000, widths, blocks, p=1.0, e=0.0, activation=torch.relu, derivative=lambda x: (x > 0).double(),
        rng=torch.Generator().manual_seed(2),
    )  # fmt: skip
    growth = residual.relu_log_growth(torch.full((3,), 0.7, dtype=torch.float64))[-1]
    assert abs(estimates.mean(lengths[:, 3]).pull(growth.exp().item())) < 4
    truth = (growth + residual.log_width_factor(widths)[-1]).exp().item()
    assert abs(estimates.mean(gradient[:, 3]).pull(truth)) < 4


def test_without_the_skip_it_is_a_plain_network():
    # another path: the kernels of a fully connected network, layer by layer
    x = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64)
    plain = [Block(1.0, 2.25, sb2=0.05, skip=0.0)] * 4
    for phi in (activations.relu, activations.tanh):
        p, e, _ = residual.trajectory(plain, p=0.5, e=0.6, activation=phi)
        K = kernels.nngp(x, activation=phi, depth=4, sw2=2.25, sb2=0.05)  # q_1 = 2.25 / 2 + 0.05, as in the block
        post = kernels.post_activation(K, sw2=2.25, sb2=0.05)
        assert p[4].item() == pytest.approx(post[0, 0].item(), rel=1e-12)
        assert e[4].item() == pytest.approx((post[0, 1] / post[0, 0]).item(), rel=1e-9)


def test_relu_angles_shrink_as_the_arc_cosine_says():
    # the recursion for the cosine, written out for sv2 = 1, sw2 = 0.8: half of 0.8 goes to the branch
    e, cosine = residual.trajectory([Block(1.0, 0.8)] * 30, p=3.0, e=0.2, activation=activations.relu)[1], 0.2
    for _ in range(30):
        branch = (math.sqrt(1 - cosine**2) + cosine * (math.pi - math.acos(cosine))) / math.pi
        cosine = (cosine + 0.4 * branch) / 1.4
    assert e[30].item() == pytest.approx(cosine, abs=1e-13)


@pytest.mark.parametrize("v", [0.3, 1.0, 2.0])
def test_inverse_relu_angles_grow_linearly(v):
    depth = 800
    e = residual.trajectory([Block(1.0, v)] * depth, p=1.0, e=0.0, activation=activations.relu)[1]
    inverse = 1 / torch.acos(e)
    rate = (inverse[depth] - inverse[depth // 2]).item() / (depth / 2)
    assert rate == pytest.approx(residual.relu_angle_rate(v) * (1 + 3 * math.log(2) / depth), rel=(10 / depth / v) ** 2)


def test_nearly_equal_inputs_keep_their_digits():
    # tanh is linear for small signals: the distance then grows as the gradient does
    blocks = [Block(1, 1)] * 5
    _, e, log_gradient = residual.trajectory(blocks, p=1e-8, e=1 - 1e-9, activation=activations.tanh)
    assert (1 - e[5]).item() == pytest.approx(1e-9, rel=1e-6)
    assert log_gradient[5].item() == pytest.approx(5 * math.log(2), rel=1e-6)


def test_drawn_rows_are_those_of_a_weight_matrix():
    # _weigh against explicit matrices: second and fourth moments of a product of two rows
    rng = torch.Generator().manual_seed(7)
    rows = torch.randn(3, 5, generator=rng, dtype=torch.float64)
    drawn = residual._weigh(rows.expand(1, 3, 5), 0.7, 200_000, rng)[0].T
    W = math.sqrt(0.7 / 5) * torch.randn(200_000, 5, generator=rng, dtype=torch.float64)
    explicit = W @ rows.T
    for f in (lambda h: h[:, 0] * h[:, 1], lambda h: h[:, 0] ** 2 * h[:, 2] ** 2, lambda h: torch.relu(h[:, 1])):
        a, b = estimates.mean(f(drawn)), estimates.mean(f(explicit))
        assert abs(a.pull(b)) < 4


def test_errors_speak():
    with pytest.raises(ValueError, match="correlation"):
        tanh_run(1, e=1.5)
    with pytest.raises(ValueError, match="width before and after"):
        residual.sample(1, [3], [Block(1, 1)], p=1, e=0, activation=torch.tanh, derivative=sech2, rng=torch.Generator())


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        out = residual.sample(
            2, [5, 5, 4], [Block(1, 1)] * 2, p=1, e=0.5, activation=torch.tanh, derivative=sech2, rng=rng
        )
        assert all(row.device.type == NAME for row in out)

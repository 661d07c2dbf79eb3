"""Laws of normalised branches with and without a wire."""

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import activations, batch_norm, normalisation
from tests.fakegpu import NAME, fake_gpu

TANH, RELU = activations.tanh, activations.relu
NORMS = {"batch": normalisation.over_batch, "neurons": normalisation.over_neurons}


def test_layer_normalisation_keeps_the_gradients_of_relu():
    assert normalisation.layer_growth(RELU, RELU.derivative, kinks=(0.0,)) == pytest.approx(1, rel=1e-12)


def test_an_odd_activation_has_no_mean_to_lose():
    layer = normalisation.layer_growth(TANH, TANH.derivative)
    assert layer == pytest.approx(batch_norm.large_batch_growth(TANH, TANH.derivative), rel=1e-12)


@pytest.mark.parametrize("R", [0.5, 1.0, 1.59])
def test_beside_a_wire_each_block_multiplies_by_one_more_part(R):
    product = torch.log1p(R / torch.arange(1, 40, dtype=torch.float64)).cumsum(0)
    assert torch.allclose(normalisation.log_power_law(R, 40)[1:], product, rtol=1e-12)
    assert normalisation.log_power_law(R, 1).item() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_what_it_makes_of_a_perturbation_is_the_derivative(norm):
    h, v = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    step = 1e-6
    (up, _), (down, _) = (norm(h + s * v, v) for s in (step, -step))
    assert torch.allclose(norm(h, v)[1], (up - down) / (2 * step), atol=1e-8)


@pytest.mark.parametrize(("norm", "dim"), [("batch", 1), ("neurons", 2)])
def test_it_leaves_mean_zero_and_mean_square_one(norm, dim):
    h = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 1
    y, _ = NORMS[norm](h, h)
    assert y.mean(dim).abs().max() < 1e-14 and torch.allclose(y.square().mean(dim), torch.ones(()).double())


def test_without_a_wire_the_batch_explodes_at_its_rate():
    rng = torch.Generator().manual_seed(4)
    law = {"norm": normalisation.over_batch, "activation": RELU, "derivative": RELU.derivative, "rng": rng}
    _, seen = normalisation.sample(60, 100, 16, 6, wire=False, **law)
    rate = estimates.jackknife(lambda s: (s[5] / s[0]) ** 0.2, seen)
    truth = batch_norm.relu_growth(16)
    assert abs(rate.value - truth) < 4 * rate.error + 0.02 * truth  # and corrections of order 1 / width


def test_the_stream_gains_one_branch_a_block():
    rng = torch.Generator().manual_seed(5)
    law = {"norm": normalisation.over_neurons, "activation": TANH, "derivative": TANH.derivative, "rng": rng}
    lengths, _ = normalisation.sample(200, 50, 1, 8, wire=True, **law)
    grown = estimates.jackknife(lambda p: p[7] / p[0], lengths)
    assert abs(grown.value - 8) < 4 * grown.error


def test_what_has_no_spread_is_refused():
    one = torch.ones(2, 1, 4, dtype=torch.float64)
    with pytest.raises(ValueError, match="normalise two or more"):
        normalisation.over_batch(one, one)
    with pytest.raises(ValueError, match="R = 0"):
        normalisation.log_power_law(0.0, 3)
    with pytest.raises(ValueError, match="depth"):
        normalisation.log_power_law(1.0, 0)


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        law = {"norm": normalisation.over_batch, "activation": torch.tanh, "derivative": TANH.derivative}
        out, _ = normalisation.sample(2, 5, 4, 3, wire=True, **law, rng=rng)
        assert out.device.type == NAME

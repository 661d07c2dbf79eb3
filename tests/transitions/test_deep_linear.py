"""Two layers slide, three or more jump, and a really trained network says so."""

import pytest
import torch

from fieldkit.transitions import deep_linear
from tests.transitions.golden import golden


def layers(depth, d, scale, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(d, d, generator=rng, dtype=torch.float64) for _ in range(depth)]


@pytest.mark.parametrize("depth", [3, 4, 5, 8])
def test_at_the_critical_decay_to_learn_and_not_to_learn_cost_the_same(depth):
    for s in (0.3, 1.0, 1.7):
        decay = deep_linear.critical_decay(depth, s)
        m = deep_linear.learnt(depth, s, decay)
        assert m == pytest.approx(deep_linear.jump(depth, s), rel=1e-10)
        assert deep_linear.loss_of(depth, s, decay, m) == pytest.approx(s * s / 2, rel=1e-12)
        end = deep_linear.spinodal(depth, s)
        assert end > decay
        assert deep_linear.learnt(depth, s, end * (1 - 1e-9)) == pytest.approx(m / 2, rel=1e-3)
        assert deep_linear.learnt(depth, s, end) == 0


def test_two_layers_learn_what_the_decay_leaves():
    assert deep_linear.critical_decay(2, 1.3) == deep_linear.spinodal(2, 1.3) == 1.3 and deep_linear.jump(2, 1.3) == 0
    maps, _ = deep_linear.sweep(layers(2, 2, 0.5), torch.diag(torch.tensor([2.0, 1.0])), [0.2, 0.9, 1.01, 1.99, 2.01])
    exact = [[1.8, 0.8], [1.1, 0.1], [0.99, 0], [0.01, 0], [0, 0]]
    assert torch.allclose(maps, torch.tensor(exact, dtype=torch.float64), atol=2e-4)


def test_three_layers_hold_on_beyond_the_critical_decay_and_then_fall():
    one = torch.ones(1, 1)
    decay, end = deep_linear.critical_decay(3, 1.0), deep_linear.spinodal(3, 1.0)
    decays = [0.2, decay - 0.005, decay + 0.005, end - 0.002, end + 0.002]
    maps, losses = deep_linear.sweep([torch.ones(1, 1)] * 3, one, decays)
    expected = [deep_linear.learnt(3, 1.0, x) for x in decays]
    assert maps[:, 0].tolist() == pytest.approx(expected, abs=1e-4)
    assert losses[1] < 0.5 < losses[2]
    down, _ = deep_linear.sweep([0.05 * torch.ones(1, 1)] * 3, one, decays[::-1])
    assert down.abs().max() < 1e-6  # zero is a local minimum: hysteresis


def test_a_field_shows_how_soft_the_mode_is():
    weights = [0.1 * torch.ones(1, 1)] * 2
    for decay in (1.2, 2.0):
        maps, _ = deep_linear.sweep(weights, torch.ones(1, 1), [decay], field=1e-5)
        u = (2 * maps[0, 0]).sqrt()  # a = b = u / sqrt 2, map = u^2 / 2
        assert u.item() / 1e-5 == pytest.approx(deep_linear.susceptibility(1.0, decay), rel=1e-3)
    maps, _ = deep_linear.sweep(weights, torch.ones(1, 1), [1.0], field=1e-6)
    assert (2 * maps[0, 0]).sqrt().item() == pytest.approx(deep_linear.critical_response(1e-6), rel=1e-3)


def test_inputs_that_are_not_white_learn_at_the_same_decay():
    """The zero map loses its stability at the largest singular value of the cross-covariance, whatever the second
    moment of the inputs."""
    rng = torch.Generator().manual_seed(4)
    root = torch.randn(4, 4, generator=rng, dtype=torch.float64)
    cross = torch.randn(3, 4, generator=rng, dtype=torch.float64)
    first = [0.01 * torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((3, 4), (3, 3))]
    critical = float(torch.linalg.svdvals(cross)[0])
    for factor, learns in ((0.99, True), (1.01, False)):
        maps, _ = deep_linear.sweep(first, cross, [factor * critical], second=root @ root.T)
        assert (maps[0, 0] > 1e-4).item() is learns


def test_values_are_the_independent_ones():
    for name, function in (("critical_decay", "lambda_c"), ("jump", "jump"), ("spinodal", "lambda_spinodal")):
        for numbers, value in golden(f"depth.{function}"):
            assert getattr(deep_linear, name)(int(numbers["L"]), numbers["s"]) == pytest.approx(value, rel=1e-13)
    assert deep_linear.critical_decay(3, 1.0) == pytest.approx(0.39685026299204987)


def test_impossible_networks_are_refused():
    for call, words in (
        (lambda: deep_linear.critical_decay(1, 1.0), "depth = 1"),
        (lambda: deep_linear.spinodal(3, -1.0), "s = -1"),
        (lambda: deep_linear.learnt(3, 1.0, -0.1), "decay = -0.1"),
        (lambda: deep_linear.susceptibility(1.0, 0.5), "decay = 0.5"),
        (lambda: deep_linear.critical_response(-1.0), "h = -1"),
        (lambda: deep_linear.sweep(layers(2, 2, 1.0), torch.ones(3, 2), [0.1]), "fit together"),
        (lambda: deep_linear.sweep(layers(1, 2, 1.0), torch.ones(2, 2), [0.1]), "two or more"),
    ):
        with pytest.raises(ValueError, match=words):
            call()

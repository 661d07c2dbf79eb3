"""Laws of gated networks."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import gated, gated_networks
from fieldkit.propagation.gated import Gate
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def test_fixed_points_agree_with_independent_ones():
    # trapezoid rule on the line, iterated apart from the library
    assert gated.minimal_fixed_point(Gate(6, 1)) == pytest.approx((0.54161604700007, 0.61359416165981), rel=1e-12)
    Q, chi = gated.minimal_fixed_point(Gate(1, 1, mu=4))
    assert (Q, chi) == pytest.approx((0.03445308785772919, 0.946400275722701), rel=1e-12)
    Q, T, chi = gated.gru_fixed_point(Gate(4, 1))
    assert (Q, T, chi) == pytest.approx((0.1992831966149, 0.4350857994429, 0.5954740789714), rel=1e-11)


def test_golden_values():
    for name, value, _ in golden():
        if name.startswith("minimalRNN ("):
            sw2, sv2, sb2, mu, R = (float(v) for v in name.split(")=")[1].split(":")[0].split(","))
            gate = Gate(sw2, sv2, sb2, mu, R)
            Q, chi = gated.minimal_fixed_point(gate)
            u2, _, slope2 = gate.averages(Q)
            assert [Q, u2, slope2, chi] == pytest.approx([float(v) for v in value], rel=1e-12), name
        elif name.startswith("GRU untied"):
            sw2, su2, R = (float(v) for v in name.split(")=")[1].split()[0].split(","))
            gate = Gate(sw2, su2, R=R)
            Q, T, chi = gated.gru_fixed_point(gate)
            assert [Q, gate.averages(Q)[0], T, chi] == pytest.approx([float(v) for v in value], rel=1e-11), name


def test_a_gate_that_never_opens_remembers_for_ever():
    Q, chi = gated.minimal_fixed_point(Gate(1e-12, 1e-12, mu=9.0))
    assert chi == pytest.approx(1, abs=1e-3)
    # a frozen gate u: Q = R (1 - u) / (1 + u)
    u = 1 / (1 + math.exp(-9))
    frozen = (1 - u) / (1 + u)
    assert abs(Q / frozen - 1) < 1e-9


@pytest.mark.parametrize(
    "draw, gate", [(gated_networks.minimal_sample, Gate(6, 1)), (gated_networks.gru_sample, Gate(4, 1))]
)
def test_untied_networks_follow_the_theory_and_tied_ones_do_not(draw, gate):
    theory = (gated.minimal_fixed_point if draw is gated_networks.minimal_sample else gated.gru_fixed_point)(gate)
    rng = torch.Generator().manual_seed(13)
    for measured, truth in zip(draw(12, 100, 24, gate, tied=False, rng=rng), (theory[0], theory[-1])):
        estimate = estimates.mean(measured)
        assert abs(estimate.value - truth) < 4 * estimate.error + 2 * truth / 100
    tied = estimates.mean(draw(40, 150, 60, gate, tied=True, rng=rng)[0])
    sign = -1 if draw is gated_networks.minimal_sample else 1  # 6 % low and 4 % high at large N
    assert sign * tied.pull(theory[0]) > 4


def test_a_push_is_carried_by_the_derivative_of_the_step():
    rng, gate = torch.Generator().manual_seed(15), Gate(3, 1, 0.4, mu=0.5)
    h, v, x = torch.randn((3, 4, 1, 7), generator=rng, dtype=torch.float64)
    weights = gated_networks._weights(4, 7, gate, gate.mu, rng)
    moved = gated_networks._minimal_step(h, v, x, weights)[1]
    derivative = torch.autograd.functional.jvp(lambda h: gated_networks._minimal_step(h, v, x, weights)[0], h, v)[1]
    assert torch.allclose(moved, derivative, atol=1e-14)


def test_what_is_left_of_a_push_multiplies_when_weights_are_fresh():
    gate, N = Gate(1, 1, 1.0, mu=2.0), 100
    D = gated_networks.minimal_sensitivity(30, N, 30, 4, gate, tied=False, rng=torch.Generator().manual_seed(16))
    chi = gated.minimal_fixed_point(gate)[1]
    assert bool((D[:, 0] == 1).all())
    for t in range(1, 5):
        estimate = estimates.mean(D[:, t])
        assert abs(estimate.value - chi**t) < 4 * estimate.error + 2 * chi**t / N


def test_a_cell_that_forgets_all_has_the_moments_of_what_it_is_told():
    """f = 0: k = i tanh(s); inputs without spread: tanh(s) = 0."""
    gate = Gate(1.0, 1.0, mu=-60.0)
    square, fourth = gated.lstm_moments(gate, 0.25)
    second, fourth_power = (
        gated._mean(lambda e: torch.sigmoid(e) ** 2, 1.25) * gated._mean(lambda e: torch.tanh(e) ** 2, 1.25),
        gated._mean(lambda e: torch.sigmoid(e) ** 4, 1.25) * gated._mean(lambda e: torch.tanh(e) ** 4, 1.25),
    )
    assert (square, fourth) == pytest.approx((second, fourth_power), rel=1e-13)
    assert gated.lstm_moments(Gate(1.0, 1.0, R=1e-20), 0.0) == pytest.approx((0, 0), abs=1e-19)


def test_the_memory_cell_exceeds_what_it_shows():
    c2, c4, h2 = gated_networks.lstm_sample(
        4, 60, 20, Gate(1, 1, mu=2.0), tied=True, rng=torch.Generator().manual_seed(14)
    ).T
    assert (c2 > h2).all() and (h2 < 1).all() and (c4 > c2.square()).all()


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        for draw in (gated_networks.minimal_sample, gated_networks.gru_sample, gated_networks.lstm_sample):
            for tied in (True, False):
                assert all(out.device.type == NAME for out in draw(2, 4, 2, Gate(1, 1), tied=tied, rng=rng))
        D = gated_networks.minimal_sensitivity(2, 4, 2, 2, Gate(1, 1), tied=True, rng=rng)
        assert D.device.type == NAME and D.shape == (2, 3)

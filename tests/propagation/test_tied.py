"""Laws of one unit in a field with a memory."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import gated, gated_networks, tied
from fieldkit.propagation.gated import Gate
from fieldkit.propagation.gaussian import normal
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def frozen(f, sb2):
    """Average of f(u) over gates that never move, u = sigma(b), b ~ N(0, sb2): trapezoid rule."""
    b = torch.linspace(-12, 12, 4001, dtype=torch.float64) * math.sqrt(sb2)
    weight = torch.exp(-b.square() / (2 * sb2))
    return ((f(torch.sigmoid(b)) * weight).sum() / weight.sum()).item()


def test_the_field_has_the_covariance_that_the_units_give_it():
    rng, gate = torch.Generator().manual_seed(21), Gate(1.5, 0.7, 0.2, R=2.0)
    n, M, steps = 400, 50, 4
    h = normal((steps, n, M), rng)
    h[2] = 0.6 * h[1] + 0.8 * h[2]
    following = tied.field(1, (n, M), steps, gate, rng=rng)
    e = torch.stack([following(h[t])[0] for t in range(steps)])
    for t in range(steps):
        for s in range(steps):
            truth = gate.sw2 * (h[t] * h[s]).mean(1) + gate.sb2 + gate.sv2 * gate.R * (t == s)
            assert abs(mean((e[t] * e[s]).mean(1) - truth).pull(0)) < 4, (t, s)


def test_gates_have_fields_of_their_own():
    rng = torch.Generator().manual_seed(22)
    following = tied.field(3, (200, 20), 2, Gate(1, 1, 0.5), rng=rng)
    for h in normal((2, 200, 20), rng):
        e = following(h)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert abs(mean((e[a] * e[b]).mean(1)).pull(0)) < 4


@pytest.mark.parametrize("gate", [Gate(6, 1), Gate(1, 1, 0.5, mu=1.0)])
def test_with_a_fresh_field_the_minimal_network_is_the_mean_field(gate):
    Q, chi = gated.minimal_fixed_point(gate)
    measured, D = tied.minimal(24, 1000, 30, gate, lags=5, fresh=True, rng=torch.Generator().manual_seed(23))
    assert abs(mean(measured).pull(Q)) < 4
    for t in (1, 3, 5):
        assert abs(mean(D[:, t]).pull(chi**t)) < 4


def test_with_a_fresh_field_the_gru_is_the_mean_field():
    gate = Gate(4, 1, 0.3, mu=0.5)
    Q = tied.gru(24, 1000, 30, gate, fresh=True, rng=torch.Generator().manual_seed(24))
    assert abs(mean(Q).pull(gated.gru_fixed_point(gate)[0])) < 4


def test_with_a_fresh_field_the_cell_has_its_moments():
    gate = Gate(2, 2, 0.3, mu=1.0)
    c2, c4, h2 = tied.lstm(32, 2000, 40, gate, fresh=True, rng=torch.Generator().manual_seed(25)).T
    square, fourth = gated.lstm_moments(gate, h2.mean().item())
    assert abs(mean(c2).pull(square)) < 4 and abs(mean(c4).pull(fourth)) < 4


def test_golden_values_are_met_with_a_fresh_field():
    rng = torch.Generator().manual_seed(26)
    for name, value, _ in golden():
        if name.startswith("minimalRNN ("):
            sw2, sv2, sb2, mu, R = (float(v) for v in name.split(")=")[1].split(":")[0].split(","))
            Q, D = tied.minimal(24, 1000, 24, Gate(sw2, sv2, sb2, mu, R), lags=1, fresh=True, rng=rng)
            assert abs(mean(Q).pull(float(value[0]))) < 4 and abs(mean(D[:, 1]).pull(float(value[3]))) < 4, name
        elif name.startswith("GRU untied"):
            sw2, su2, R = (float(v) for v in name.split(")=")[1].split()[0].split(","))
            Q = tied.gru(24, 1000, 24, Gate(sw2, su2, R=R), fresh=True, rng=rng)
            assert abs(mean(Q).pull(float(value[0]))) < 4, name


def test_gates_that_never_move_are_averaged_one_by_one():
    """No weights, kept biases: E h^2 = R E (1 - u) / (1 + u), D = E u^2t, and fresh biases give D = (E u^2)^t."""
    gate = Gate(1e-12, 1e-12, 2.0)
    Q, D = tied.minimal(24, 2000, 60, gate, lags=8, rng=torch.Generator().manual_seed(27))
    assert abs(mean(D[:, 8]).pull(frozen(lambda u: u**16, 2.0))) < 4
    fresh = tied.minimal(24, 2000, 60, gate, lags=8, fresh=True, rng=torch.Generator().manual_seed(28))[1]
    assert abs(mean(fresh[:, 8]).pull(frozen(lambda u: u**2, 2.0) ** 8)) < 4
    # gates near one are not at rest after 30 steps: 1 - u^(2 t) of their variance is there
    t = torch.arange(34, 68, dtype=torch.float64) + 1
    at = lambda u: (1 - u) / (1 + u) * (1 - u[:, None] ** (2 * t)).mean(1)  # noqa: E731
    assert abs(mean(Q).pull(frozen(at, 2.0))) < 4


@pytest.mark.parametrize(
    "single, draw, gate",
    [
        (lambda *a, **k: tied.minimal(*a, **k)[0], gated_networks.minimal_sample, Gate(6, 1, 0.5)),
        (tied.gru, gated_networks.gru_sample, Gate(4, 1, 0.5, mu=0.5)),
    ],
)
def test_real_networks_that_keep_their_weights_agree(single, draw, gate):
    rng = torch.Generator().manual_seed(29)
    truth, N = mean(single(16, 2000, 20, gate, rng=rng)), 100
    real = mean(draw(150, N, 20, gate, tied=True, rng=rng)[0])
    assert abs(real.value - truth.value) < 4 * math.hypot(real.error, truth.error) + 2 * truth.value / N


def test_the_cell_of_real_networks_that_keep_their_weights_agrees():
    rng, gate, N = torch.Generator().manual_seed(30), Gate(2, 2, mu=1.0), 100
    truth = mean(tied.lstm(16, 2000, 20, gate, rng=rng)[:, 0])
    real = mean(gated_networks.lstm_sample(100, N, 20, gate, tied=True, rng=rng)[:, 0])
    assert abs(real.value - truth.value) < 4 * math.hypot(real.error, truth.error) + 2 * truth.value / N


def test_it_stays_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        for fresh in (False, True):
            Q, D = tied.minimal(2, 4, 3, Gate(1, 1), lags=2, fresh=fresh, rng=rng)
            assert Q.device.type == D.device.type == NAME and D.shape == (2, 3)
            for single in (tied.gru, tied.lstm):
                assert single(2, 4, 3, Gate(1, 1), fresh=fresh, rng=rng).device.type == NAME


def test_student_errors():
    with pytest.raises(ValueError, match="come to rest"):
        tied.minimal(2, 4, 1, Gate(1, 1), rng=torch.Generator())

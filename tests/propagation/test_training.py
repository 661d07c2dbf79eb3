"""Many deep networks at once: each is what it would be alone, and a killed run ends with the same bits."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fieldkit.propagation import jacobian, training


def task(n=3, depth=4, seed=0):
    rng = torch.Generator().manual_seed(seed)
    net = training.draw(torch.tensor([1.0, 1.5, 2.0]), 0.05, depth, n=n, d=5, width=6, n_classes=4, rng=rng)
    return net, torch.randn(20, 5, generator=rng), torch.randint(4, (20,), generator=rng), rng


def test_a_network_in_the_stack_is_the_network_alone():
    net, x, labels, _ = task()
    together = training.gradients(net, x, labels)
    one = {
        "first": net["first"][1:2],
        "hidden": net["hidden"][:, 1:2],
        "bias": net["bias"][:, 1:2],
        "last": net["last"][1:2],
    }
    alone = training.gradients(one, x, labels)
    assert torch.allclose(together["hidden"][:, 1], alone["hidden"][:, 0], atol=1e-7)
    assert torch.allclose(together["last"][1], alone["last"][0], atol=1e-7)


def test_the_loss_is_torchs_cross_entropy():
    net, x, labels, _ = task()
    logits = training.layers(net, x)[-1]
    theirs = torch.stack([torch.nn.functional.cross_entropy(one, labels) for one in logits])
    assert torch.allclose(training.losses(logits, labels), theirs, atol=1e-6)


def test_squared_gradients_are_those_of_autograd_layer_by_layer():
    net, x, labels, _ = task()
    found, gradient = training.squared_gradients(net, x, labels), training.gradients(net, x, labels)
    assert found.shape == (3, 4)
    assert torch.allclose(found[:, 2], gradient["hidden"][1].double().square().sum((1, 2)))


def test_weights_have_the_variance_that_was_asked_for():
    rng = torch.Generator().manual_seed(1)
    net = training.draw(torch.tensor([1.0, 2.0]), 0.3, 4, n=2, width=200, weights=jacobian.orthogonal_weights, rng=rng)
    for k, sw2 in enumerate((1.0, 2.0)):
        W = net["hidden"][0, k].double()
        assert torch.allclose(W @ W.T, sw2 * torch.eye(200, dtype=torch.float64), atol=1e-5)
    assert abs(net["bias"].var() / 0.3 - 1) < 5 * (2 / net["bias"].numel()) ** 0.5


@pytest.mark.parametrize("rule", [training.plain, training.momentum, training.rmsprop])
def test_training_lowers_the_loss_of_a_learnable_task(rule):
    net, x, _, rng = task(depth=2)
    labels = (x[:, 0] > 0).long()
    _, loss = training.train(
        net, x, labels, n_steps=200, rate=0.01 if rule is training.rmsprop else 0.1, rule=rule, rng=rng
    )
    assert bool((loss[-20:].mean(0) < 0.5 * loss[:5].mean(0)).all())


def test_a_run_that_is_cut_off_ends_with_the_same_bits(tmp_path):
    net, x, labels, rng = task()
    whole, history = training.train(net, x, labels, n_steps=120, rate=1e-3, rng=rng)

    class Cut(Exception):
        pass

    def dies(gradient, memory, rate, calls=[0]):  # noqa: B006
        calls[0] += 1
        if calls[0] > 4 * 110:
            raise Cut
        return training.rmsprop(gradient, memory, rate)

    net, x, labels, rng = task()
    with pytest.raises(Cut):
        training.train(net, x, labels, n_steps=120, rate=1e-3, rule=dies, rng=rng, path=tmp_path / "run.pt")
    net, x, labels, rng = task()
    again, retold = training.train(net, x, labels, n_steps=120, rate=1e-3, rng=rng, path=tmp_path / "run.pt")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert torch.equal(history, retold)


ON_DEVICE = """
import torch
from fieldkit.propagation import training
from tests.fakegpu import NAME, fake_gpu
with fake_gpu() as rng:
    net = training.draw(1.5, 0.05, 3, n=2, d=5, width=4, n_classes=3, rng=rng)
    x = torch.randn(7, 5, generator=rng, device=rng.device)
    labels = torch.zeros(7, dtype=torch.long, device=rng.device)
    assert training.squared_gradients(net, x, labels).device.type == NAME
    net, loss = training.train(net, x, labels, n_steps=2, rate=0.1, batch=3, rng=rng)
    assert loss.device.type == NAME and net["last"].device.type == NAME
"""


def test_it_stays_on_the_device():
    """In a process of its own: once a gradient has been taken, torch knows no device that comes later."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", ON_DEVICE], cwd=root, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]


def test_student_errors():
    with pytest.raises(ValueError, match="depth = 0"):
        training.draw(1.0, 0.0, 0, n=1, rng=torch.Generator())


def test_one_step_of_momentum_is_the_gradient_of_each_networks_own_loss():
    def forward(parameters, x):  # two classes, logit theta x
        return torch.stack([parameters["first"][..., 0] * x, torch.zeros_like(x)], 2)

    starts = [1.0, 3.0]
    trained, _ = training.descend(
        forward,
        {"first": torch.tensor(starts)[:, None, None]},
        torch.ones(4),
        torch.zeros(4, dtype=torch.long),
        n_steps=2,
        batch=2,
        rate=0.5,
        rule=training.momentum,
        rng=torch.Generator().manual_seed(0),
    )
    for start, end in zip(starts, trained["first"].flatten().tolist()):
        first = 1 / (1 + math.exp(start))  # -d loss / d theta
        middle = start + 0.5 * first
        assert end == pytest.approx(middle + 0.5 * (0.9 * first + 1 / (1 + math.exp(middle))), rel=1e-6)


def test_a_batch_holds_a_picture():
    net, x, labels, rng = task()
    with pytest.raises(ValueError, match="averaged over pictures"):
        training.train(net, x, labels, n_steps=1, batch=0, rate=0.1, rng=rng)


def test_pictures_may_be_arrays_and_must_have_the_shape_of_the_networks():
    net, x, _, _ = task()
    assert torch.equal(training.layers(net, x.numpy())[-1], training.layers(net, x)[-1])
    with pytest.raises(ValueError, match="expected"):
        training.layers(net, x[:, :-1])
    with pytest.raises(TypeError, match="function of tensors"):
        training.layers(net, x, activation="relu")

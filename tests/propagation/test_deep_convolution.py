"""Laws of the convolution that is trained."""

import math
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from fieldkit.propagation import activations, convolution, criticality, deep_convolution, jacobian, training

GAIN = 1.2 / criticality.at_length(0.3, activation=activations.tanh)[0]  # sw2 = 1.2
DELTA, WIDE = convolution.delta_profile(3, 2), convolution.uniform_profile(3, 2)


def network(depth=3, n=2, channels=5, v=WIDE, seed=0, **weights):
    rng = torch.Generator().manual_seed(seed)
    return deep_convolution.draw(n, depth, channels, v=v, q=0.3, gain=GAIN, **weights, rng=rng), rng


def blobs(rng):
    labels = torch.arange(60) % 2
    return torch.randn(60, 8, 8, generator=rng) + (2.0 * labels - 1)[:, None, None], labels


def test_it_is_torchs_convolution():
    net, rng = network()
    net["last"] = torch.randn(net["last"].shape, generator=rng)
    images = torch.randn(2, 4, 8, 8, generator=rng)
    found = deep_convolution.logits(net, images, q=0.3)

    def circular(x, w, **kwargs):  # w (C, 9, C') -> torch's (C', C, 3, 3)
        kernel = w.permute(2, 0, 1).unflatten(-1, (3, 3))
        return torch.conv2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="circular"), kernel, **kwargs)

    for i in range(2):
        h = circular(images[i][:, None], net["first"][i][None], stride=2)
        for w, b in zip(net["hidden"][:, i], net["bias"][:, i]):
            h = circular(torch.tanh(h), w.reshape(5, 9, 5), bias=b[0])
        logits = torch.tanh(h).permute(0, 2, 3, 1).flatten(1) @ net["last"][i] / math.sqrt(0.3)
        assert torch.allclose(found[i], logits, atol=1e-5)
    shared = deep_convolution.logits(net, images[0], q=0.3)
    assert torch.allclose(shared[0], found[0], atol=1e-6)


def test_filters_have_the_variance_of_their_profile():
    v = torch.tensor([[0.1, 0.2, 0.0], [0.1, 0.3, 0.1], [0.05, 0.05, 0.1]])
    net, _ = network(depth=40, n=5, channels=16, v=v)
    measured = 16 * net["hidden"].unflatten(3, (9, 16)).square().mean((0, 1, 2, 4))
    assert torch.allclose(measured, 1.2 * v.flatten(), atol=0.015)  # 51,200 draws a tap: 4.6 sigma at 0.3


def test_the_delta_orthogonal_start_keeps_every_site_and_norm():
    net, rng = network(200, 1, 8, DELTA, weights=jacobian.orthogonal_weights)
    x = torch.randn(1, 16, 8, generator=rng)
    wired, norms = deep_convolution.wiring().expand(1, -1, -1), x.norm(dim=2)
    for w in net["hidden"] / math.sqrt(1.2):
        x = deep_convolution.convolve(x, w, wired)
    assert torch.allclose(x.norm(dim=2), norms, rtol=1e-4)


def test_every_network_starts_at_the_loss_of_ignorance():
    net, rng = network()
    images, labels = torch.randn(2, 6, 8, 8, generator=rng), torch.randint(10, (2, 6), generator=rng)
    losses = training.losses(deep_convolution.logits(net, images, q=0.3), labels)
    assert losses.tolist() == pytest.approx([math.log(10)] * 2, rel=1e-6)


def test_a_shallow_one_learns_and_networks_differ():
    net, rng = network(depth=2, n=3, v=DELTA, weights=jacobian.orthogonal_weights)
    images, labels = blobs(rng)
    forward = partial(deep_convolution.logits, q=0.3)
    settings = {"n_steps": 30, "batch": 20, "rate": 0.01, "rule": training.momentum, "rng": rng}
    trained, losses = training.descend(forward, net, images, labels, **settings)
    assert training.right(forward(trained, images), labels).min() > 0.9
    assert losses.shape == (30, 3) and losses[-1].max() < 0.5 and losses[5].unique().numel() == 3


def test_a_network_that_overflows_harms_no_other():
    net, rng = network(depth=1)
    net["first"][1] = math.nan
    images, labels = blobs(rng)
    forward = partial(deep_convolution.logits, q=0.3)
    settings = {"n_steps": 3, "batch": 5, "rate": 0.01, "rule": training.momentum, "rng": rng}
    trained, losses = training.descend(forward, net, images, labels, **settings)
    assert losses[-1].isfinite().tolist() == [True, False]
    assert training.right(forward(trained, images), labels)[1] == 0


def test_the_best_rate_is_chosen_by_the_loss():
    rng = torch.Generator().manual_seed(3)
    images, labels = blobs(rng)
    settings = {"v": DELTA, "weights": jacobian.orthogonal_weights, "n": 2, "n_steps": 20}
    found = deep_convolution.learn(2, 5, (images, labels, *blobs(rng)), rates=(1e-6, 0.02, 1e6), **settings, rng=rng)
    assert found.shape == (2,) and found.min() > 0.9  # the slow one learns nothing, the fast one overflows


ON_DEVICE = """
from functools import partial
import torch
from fieldkit.propagation import convolution, deep_convolution, training
from tests.fakegpu import NAME, fake_gpu
law = {"v": convolution.uniform_profile(3, 2), "sw2": 1.2, "sb2": 0.1, "q": 0.3}
with fake_gpu() as rng:
    shapes = {"first": (2, 9, 5), "hidden": (3, 2, 5, 45), "bias": (3, 2, 1, 5), "last": (2, 80, 10)}
    net = {name: torch.rand(shape, generator=rng, device=rng.device) for name, shape in shapes.items()}
    images = torch.rand(6, 8, 8, generator=rng, device=rng.device)
    labels = torch.zeros(6, device=rng.device, dtype=torch.long)
    forward = partial(deep_convolution.logits, q=0.3)
    settings = {"n_steps": 2, "batch": 3, "rate": 0.1, "rule": training.momentum, "rng": rng}
    net, loss = training.descend(forward, net, images, labels, **settings)
    assert loss.device.type == NAME and all(p.device.type == NAME for p in net.values())
    assert training.right(forward(net, images), labels).device.type == NAME
"""


def test_it_stays_on_the_device():
    """In a process of its own: once a gradient has been taken, torch knows no device that comes later."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", ON_DEVICE], cwd=root, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]

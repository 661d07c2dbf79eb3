"""Laws of the convolution that is trained, and of the descent that trains it."""

import math
from functools import partial

import pytest
import torch

from fieldkit.propagation import convolution, deep_convolution, descent, jacobian
from tests.fakegpu import NAME, fake_gpu

DELTA, WIDE = convolution.delta_profile(3, 2), convolution.uniform_profile(3, 2)


def network(depth=3, n=2, channels=5, profile=WIDE, seed=0, **kwargs):
    rng = torch.Generator().manual_seed(seed)
    layers = deep_convolution.filters(n, depth, channels, profile=profile, sw2=1.2, rng=rng, **kwargs)
    return deep_convolution.parameters(layers, q=0.3, sb2=0.1, rng=rng), rng


def test_it_is_torchs_convolution():
    (lift, layers, biases, readout), rng = network()
    readout = torch.randn(readout.shape, generator=rng)
    images = torch.randn(2, 4, 8, 8, generator=rng)
    found = deep_convolution.forward([lift, layers, biases, readout], images, q=0.3)

    def circular(x, w, **kwargs):  # w (C, 9, C') -> torch's (C', C, 3, 3)
        kernel = w.permute(2, 0, 1).unflatten(-1, (3, 3))
        return torch.conv2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="circular"), kernel, **kwargs)

    for i in range(2):
        h = circular(images[i][:, None], lift[i][None], stride=2)
        for w, b in zip(layers[i], biases[i]):
            h = circular(torch.tanh(h), w.reshape(5, 9, 5), bias=b[0])
        logits = torch.tanh(h).permute(0, 2, 3, 1).flatten(1) @ readout[i] / math.sqrt(0.3)
        assert torch.allclose(found[i], logits, atol=1e-5)


def test_filters_have_the_variance_of_their_profile():
    rng = torch.Generator().manual_seed(1)
    profile = torch.tensor([[0.1, 0.2, 0.0], [0.1, 0.3, 0.1], [0.05, 0.05, 0.1]])
    W = deep_convolution.filters(40, 5, 16, profile=profile, sw2=1.7, rng=rng).unflatten(3, (9, 16))
    measured = 16 * W.square().mean((0, 1, 2, 4))
    assert torch.allclose(measured, 1.7 * profile.flatten(), atol=0.02)  # 51,200 draws a tap: 4.5 sigma at 0.3


def test_the_delta_orthogonal_start_keeps_every_site_and_norm():
    rng = torch.Generator().manual_seed(2)
    layers = deep_convolution.filters(
        1, 200, 8, profile=DELTA, sw2=1.0, weights=jacobian.orthogonal_weights, rng=rng
    )[0]
    x = torch.randn(1, 16, 8, generator=rng)
    wired, norms = deep_convolution.wiring().expand(1, -1, -1), x.norm(dim=2)
    for w in layers:
        x = deep_convolution.convolve(x, w[None], wired)
    assert torch.allclose(x.norm(dim=2), norms, rtol=1e-4)


def test_every_network_starts_at_the_loss_of_ignorance():
    parameters, rng = network()
    images, labels = torch.randn(2, 6, 8, 8, generator=rng), torch.randint(10, (2, 6), generator=rng)
    losses = descent.loss(deep_convolution.forward(parameters, images, q=0.3), labels)
    assert losses.tolist() == pytest.approx([math.log(10)] * 2, rel=1e-6)


def blobs(rng):
    labels = torch.arange(60) % 2
    return torch.randn(60, 8, 8, generator=rng) + (2.0 * labels - 1)[:, None, None], labels


def test_a_shallow_one_learns_and_copies_differ():
    parameters, rng = network(depth=2, n=3, profile=DELTA, weights=jacobian.orthogonal_weights)
    images, labels = blobs(rng)
    forward = partial(deep_convolution.forward, q=0.3)
    before = [p.clone() for p in parameters]
    trained, losses = descent.train(
        forward, parameters, images, labels, n_steps=30, batch=20, rate=0.01, rng=rng
    )
    assert descent.accuracy(forward, trained, images, labels).min() > 0.9
    assert losses.shape == (30, 3) and losses[-1].max() < 0.5 and losses[5].unique().numel() == 3
    assert all(torch.equal(a, b) for a, b in zip(before, parameters))  # the start is not touched


def test_one_step_of_descent_is_the_gradient_of_each_copys_own_loss():
    theta = [torch.tensor([[1.0], [3.0]])]

    def forward(parameters, images):  # two classes, logit theta x
        return torch.stack([parameters[0] * images, torch.zeros_like(images)], 2)

    images, labels = torch.ones(4), torch.zeros(4, dtype=torch.long)
    trained, _ = descent.train(
        forward, theta, images, labels, n_steps=2, batch=2, rate=0.5, momentum=0.5, rng=torch.Generator().manual_seed(0)
    )
    for start, end in zip((1.0, 3.0), trained[0][:, 0].tolist()):
        first = 1 / (1 + math.exp(start))  # -d loss / d theta
        middle = start + 0.5 * first
        assert end == pytest.approx(middle + 0.5 * (0.5 * first + 1 / (1 + math.exp(middle))), rel=1e-6)


def test_a_copy_that_overflows_harms_no_other():
    parameters, rng = network(depth=1)
    parameters[0][1] = math.nan
    images, labels = blobs(rng)
    forward = partial(deep_convolution.forward, q=0.3)
    trained, losses = descent.train(forward, parameters, images, labels, n_steps=3, batch=5, rate=0.01, rng=rng)
    assert losses[-1].isfinite().tolist() == [True, False]
    assert descent.accuracy(forward, trained, images, labels)[1] == 0


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    def run(n_steps, path):
        parameters, rng = network(depth=2)
        images, labels = blobs(rng)
        return descent.train(
            partial(deep_convolution.forward, q=0.3), parameters, images, labels, n_steps=n_steps, batch=5, rate=0.01,
            rng=rng, path=path,
        )  # fmt: skip

    whole = run(6, None)[0]
    torch.manual_seed(0)
    path = tmp_path / "a.pt"
    with pytest.raises(RuntimeError, match="killed"):
        _killed_after(3, lambda: run(6, path))
    assert all(torch.equal(a, b) for a, b in zip(whole, run(6, path)[0]))


def _killed_after(steps, call):
    from fieldkit import checkpoints

    save, count = checkpoints.save, iter(range(100))

    def failing(path, state):
        save(path, state)
        if next(count) == 0:
            raise RuntimeError("killed")

    run = checkpoints.run
    checkpoints.save = failing
    checkpoints.run = partial(run, every=steps)
    try:
        call()
    finally:
        checkpoints.save, checkpoints.run = save, run


def test_errors_speak():
    parameters, rng = network()
    with pytest.raises(ValueError, match="averaged over images"):
        descent.train(
            partial(deep_convolution.forward, q=0.3), parameters, *blobs(rng), n_steps=1, batch=0, rate=0.1, rng=rng
        )


def test_it_runs_on_the_device_of_its_generator(monkeypatch):
    # the pretend device has no engine for the way back: gradients are zeros of the right shape and place
    monkeypatch.setattr(torch.autograd, "grad", lambda total, theta: [torch.zeros_like(p) for p in theta])
    with fake_gpu() as rng:
        layers = torch.rand(2, 3, 5, 45, generator=rng, device=rng.device)
        parameters = deep_convolution.parameters(layers, q=0.3, sb2=0.1, rng=rng)
        images = torch.rand(6, 8, 8, generator=rng, device=rng.device)
        labels = torch.zeros(6, device=rng.device, dtype=torch.long)
        forward = partial(deep_convolution.forward, q=0.3)
        trained, losses = descent.train(
            forward, parameters, images, labels, n_steps=2, batch=3, rate=0.1, rng=rng
        )
        assert losses.device.type == NAME and all(p.device.type == NAME for p in trained)
        assert descent.accuracy(forward, trained, images, labels).device.type == NAME

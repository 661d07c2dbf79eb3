"""Many networks that learn the same lesson: each is what it would be alone, and the kernels know them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import (
    activations,
    committee,
    finite_width_exact,
    kernel_regression,
    kernels,
    tangent,
)

ERF = {"activation": activations.erf, "sw2": 1.5, "sb2": 0.1}
RELU = {"activation": activations.relu, "sw2": 2.0, "sb2": 0.0}


def task(k=4, m=3, d=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x, y, new = (torch.randn(s, generator=rng, dtype=torch.float64) for s in ((k, d), (k,), (m, d)))
    return x, y, new, rng


def test_networks_at_birth_answer_with_the_covariance_of_the_nngp_kernel():
    x, _, _, rng = task(k=2)
    answers = torch.stack([net(x)[:, 0].detach() for net in committee.draw(4000, 5, depth=1, width=8, rng=rng, **ERF)])
    K = kernels.nngp(x, depth=1, **ERF)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        assert abs(mean(answers[:, i] * answers[:, j]).pull(K[i, j].item())) < 4.5


def test_with_one_hidden_layer_the_mean_tangent_kernel_is_exact_at_every_width():
    x, _, _, rng = task(k=2)
    drawn, T = committee.tangents(1500, x, depth=1, width=4, rng=rng, **ERF), kernels.ntk(x, depth=1, **ERF)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        assert abs(mean(drawn[:, i, j]).pull(T[i, j].item())) < 4.5


@pytest.mark.parametrize(("depth", "width", "n"), [(1, 8, 1500), (2, 12, 1500), (4, 16, 1000)])
def test_the_tangent_kernel_of_relu_networks_has_its_exact_second_moment(depth, width, n):
    rng, x = torch.Generator().manual_seed(1), torch.ones(1, 1, dtype=torch.float64)
    drawn = committee.tangents(n, x, depth=depth, width=width, rng=rng, **RELU)[:, 0, 0] / 2
    assert abs(mean(drawn).pull(depth + 1)) < 4.5
    assert abs(mean(drawn**2).pull((depth + 1) ** 2 * finite_width_exact.relu_tangent(width, depth))) < 4.5


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("law", [ERF, RELU, ERF | {"activation": torch.tanh}], ids=["erf", "relu", "a function"])
def test_the_tangent_kernels_of_many_are_those_of_their_gradients(monkeypatch, depth, law):
    x, *_ = task(k=4)
    school = committee.draw(5, 5, depth=depth, width=6, rng=torch.Generator().manual_seed(3), **law)
    alone = torch.stack([tangent.empirical_ntk(net, x)[:, 0, :, 0] for net in school])
    monkeypatch.setattr(committee, "NUMBERS", 300)  # a few at a time
    found = committee.tangents(5, x, depth=depth, width=6, rng=torch.Generator().manual_seed(3), **law)
    assert torch.allclose(found, alone, rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match="n = 0"):
        committee.tangents(0, x, depth=depth, width=6, rng=torch.Generator(), **law)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_networks_trained_together_are_networks_trained_alone(depth):
    x, y, new, rng = task()
    school = committee.draw(3, 5, depth=depth, width=6, rng=rng, **ERF)
    before = [p.detach().clone() for p in school[1].parameters()]
    found = committee.train(school, x, y, rate=0.05, steps=[0, 7], new=new)
    assert all(torch.equal(p, q) for p, q in zip(before, school[1].parameters()))  # the networks given are not touched
    alone = torch.optim.SGD(school[1].parameters(), lr=0.05)
    assert torch.allclose(found[0, 1], school[1](new)[:, 0])
    for _ in range(7):
        alone.zero_grad()
        ((school[1](x)[:, 0] - y).square().sum() / 2).backward()
        alone.step()
    assert torch.allclose(found[1, 1], school[1](new)[:, 0].detach(), rtol=1e-10)


def test_a_linear_model_follows_its_kernel_exactly():
    """Without hidden layers the answer is linear in the parameters, so no width and no small step is needed."""
    x, y, new, rng = task()
    school = committee.draw(3, 5, depth=0, width=1, rng=rng, **ERF)
    both = torch.cat([x, new])
    K, T = kernels.kernels(both, depth=0, **ERF)
    for net in school:
        began = net(both)[:, 0].detach()
        moved, _ = kernel_regression.gradient_descent(K, T, y - began[:4], rate=0.1, steps=[0, 1, 9])
        found = committee.train([net], x, y, rate=0.1, steps=[0, 1, 9], new=new)[:, 0]
        assert torch.allclose(found, began[4:] + moved, rtol=1e-10)


def test_the_first_small_step_is_the_empirical_tangent_kernel():
    x, y, new, rng = task()
    (net,) = committee.draw(1, 5, depth=2, width=6, rng=rng, **ERF)
    start, rate = net(x)[:, 0].detach(), 1e-5
    found = committee.train([net], x, y, rate=rate, steps=[0, 1], new=new)[:, 0]
    moved = tangent.empirical_ntk(net, new, x)[:, 0, :, 0] @ (y - start)
    assert torch.allclose((found[1] - found[0]) / rate, moved, rtol=1e-3)


def test_a_lesson_has_two_classes_and_signs():
    images, named = torch.arange(48.0).reshape(6, 2, 4), torch.tensor([3, 1, 8, 3, 8, 8])
    x, y = committee.lesson(images, named, classes=(3, 8), n=4)
    assert torch.equal(x, images[[0, 2, 3, 4]].flatten(1)) and y.tolist() == [1, -1, 1, -1]
    with pytest.raises(ValueError, match="6 pictures asked for: there are 5"):
        committee.lesson(images, named, classes=(3, 8), n=6)


def test_student_errors():
    x, y, new, rng = task()
    school = committee.draw(1, 5, depth=1, width=2, rng=rng, **ERF)
    for steps in ([3, 1], [1, 1], [-1, 2], []):
        with pytest.raises(ValueError, match="increasing"):
            committee.train(school, x, y, rate=0.1, steps=steps, new=new)
    with pytest.raises(ValueError, match="width = 0"):
        committee.draw(1, 5, depth=1, width=0, rng=rng, **ERF)
    with pytest.raises(ValueError, match="depth = -1"):
        committee.draw(1, 5, depth=-1, width=2, rng=rng, **ERF)


ON_DEVICE = """
import torch
from fieldkit.propagation import activations, committee, gaussian, kernels
from tests.fakegpu import NAME, fake_gpu
law = {"activation": activations.erf, "sw2": 1.5, "sb2": 0.1}
with fake_gpu() as rng:
    x, new, y = (gaussian.normal(s, rng) for s in ((3, 5), (2, 5), (3,)))
    school = committee.draw(2, 5, depth=1, width=4, rng=rng, **law)
    found = committee.train(school, x, y, rate=0.1, steps=[0, 2], new=new)
    assert found.device.type == NAME
    assert committee.tangents(2, x, depth=1, width=4, rng=rng, **law).device.type == NAME
"""


def test_it_stays_on_the_device():
    """In a process of its own: once a gradient has been taken, torch knows no device that comes later."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", ON_DEVICE], cwd=root, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]

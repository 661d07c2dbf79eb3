"""A derivative by automatic differentiation is that of `torch.func`, at any order, and does not load a compiler."""

import subprocess
import sys

import pytest
import torch

from fieldkit.propagation import elementwise

X = torch.linspace(-2, 2, 9, dtype=torch.float64)
BENT = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "a bump": lambda x: torch.exp(-x.square()) * torch.sin(3 * x),
    "sign": torch.sign,
    "a line": lambda x: 2 * x + 1,
}


@pytest.mark.parametrize("f", BENT.values(), ids=BENT)
def test_a_derivative_is_that_of_torch_func_at_any_order(f):
    own, theirs = f, f
    for _ in range(3):
        own, theirs = elementwise.differentiate(own), torch.func.grad(lambda x, g=theirs: g(x).sum())
        assert torch.equal(own(X), theirs(X))
        assert not own(X).requires_grad


def test_a_derivative_is_differentiable_where_its_place_is_and_nowhere_else():
    slope = elementwise.differentiate(torch.tanh)
    x = X.clone().requires_grad_()
    (bend,) = torch.autograd.grad(slope(x.sin()).sum(), x)
    inner = X.sin()
    assert torch.allclose(bend, -2 * inner.tanh() * (1 - inner.tanh() ** 2) * X.cos(), atol=1e-14)
    with torch.no_grad():
        assert not slope(x).requires_grad
    assert x.grad is None


def test_what_does_not_depend_on_its_place_has_no_slope():
    weight = torch.ones(9, dtype=torch.float64, requires_grad=True)
    for constant in (torch.ones_like, lambda x: weight):
        assert torch.equal(elementwise.differentiate(constant)(X), torch.zeros_like(X))


def test_an_activation_of_any_function_does_not_import_a_compiler():
    code = (
        "import sys, torch; from fieldkit.propagation import activations; "
        "activations.of(torch.nn.functional.softplus).second_derivative(torch.ones(2)); "
        "assert 'torch._dynamo' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stderr == b""

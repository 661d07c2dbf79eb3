"""A derivative by automatic differentiation goes through everything that torch does with functions."""

import torch

from fieldkit.propagation import activations

X = torch.linspace(-1, 1, 5, dtype=torch.float64)
SLOPE = (1 + X) * torch.exp(X)  # of x exp(x)
BEND = (2 + X) * torch.exp(X)


def test_a_derivative_is_mapped_pushed_and_taken_again():
    phi = activations.of(lambda x: x * torch.exp(x))
    x = X.clone().requires_grad_()
    (again,) = torch.autograd.grad(phi.derivative(x).sum(), x)
    for found, right in (
        (phi.derivative(X), SLOPE),
        (torch.func.vmap(phi.derivative)(X), SLOPE),
        (torch.func.jvp(phi.derivative, (X,), (torch.ones_like(X),))[1], BEND),
        (torch.func.jacfwd(phi.derivative)(X).diagonal(), BEND),
        (phi.second_derivative(X), BEND),
        (again, BEND),
    ):
        assert torch.allclose(found, right, atol=1e-14)


def test_a_derivative_is_right_where_nothing_is_recorded():
    phi = activations.of(lambda x: x * torch.exp(x))
    for quiet in (torch.no_grad, torch.inference_mode):
        with quiet():
            assert torch.allclose(phi.derivative(X), SLOPE, atol=1e-14)

r"""What is the tangent kernel of the network in your hands?  Gradients against gradients, a few parameters at a time.

    T_(ia)(jb) = sum_p  d f_a(x_i) / d theta_p   d f_b(x_j) / d theta_p        (Jacot, Gabriel and Hongler 2018)

The Jacobian of n inputs with P parameters has n P numbers and does not fit; the sum over p does not need it at once:
one parameter tensor at a time, and as many rows of it as `chunk` numbers hold.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap


def empirical_ntk(module: nn.Module, x: Tensor, y: Tensor | None = None, *, chunk: int = 2**22) -> Tensor:
    """T (n, k, m, k) of any module that maps a batch (n, ...) to (n, k), at its present parameters; y = None means x.

    At most two blocks of `chunk` numbers of gradients are in memory (more only when one parameter tensor has more than
    `chunk` numbers: then two rows of it), besides the activations of the rows of one block.  A smaller chunk repeats
    gradients.  Parameters with requires_grad = False are left out, as gradient descent does.  Put the module in eval
    mode: batch statistics and dropout would mix or change the rows.  A batch normalisation that keeps no statistics
    uses those of x, or of y, even then: its gradients are those of whole batches.  Raises `ValueError` otherwise.
    """
    if chunk < 1:
        raise ValueError(f"chunk = {chunk}: the number of gradient entries kept at once is at least 1.")
    x, y = _rows(x), None if y is None else _rows(y)
    if any(part.training and isinstance(part, _MIXING) for part in module.modules()):
        raise ValueError("the module is in training mode and mixes or drops its rows; call module.eval() first.")
    y_is_x = y is None
    y = x if y is None else y
    state = {name: p.detach() for name, p in (*module.named_parameters(), *module.named_buffers())}
    with torch.no_grad():
        answer = functional_call(module, state, (x,))
    if answer.dim() != 2 or len(answer) != len(x):
        raise ValueError(
            f"the module answers {tuple(answer.shape)} to {len(x)} inputs: expected (n, k); end it with a layer of k "
            "outputs, k = 1 for one number."
        )
    k = answer.shape[1]
    whole = any(_shared(part) for part in module.modules())  # then no row is a function of its input alone
    total = torch.zeros(len(x) * k, len(y) * k, device=x.device, dtype=x.dtype)
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        step = max(1, chunk // parameter.numel())
        for i in range(0, len(x) * k, step):
            left = _gradients(module, state, name, x, k, slice(i, i + step), whole)
            for j in range(i if y_is_x else 0, len(y) * k, step):
                right = left if y_is_x and i == j else _gradients(module, state, name, y, k, slice(j, j + step), whole)
                block = left @ right.T
                total[i : i + step, j : j + step] += block
                if y_is_x and i != j:
                    total[j : j + step, i : i + step] += block.T
    return total.reshape(len(x), k, len(y), k)


_MIXING = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def _shared(part: nn.Module) -> bool:
    """Whether a layer in eval mode takes its statistics from the batch: it has kept none of its own."""
    return isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is None


def _rows(x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.dim() < 1 or not len(x):
        what = f"{tuple(x.shape)} of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"inputs {what}: expected a batch (n, ...) of floating-point numbers; convert with .double().")
    return x


def _gradients(
    module: nn.Module, state: dict[str, Tensor], name: str, x: Tensor, k: int, rows: slice, whole: bool
) -> Tensor:
    """d f_a(x_i) / d theta for the rows (i, a) in row-major order, (rows, size of theta); of the `whole` batch."""

    def output(theta: Tensor, one: Tensor, pick: Tensor) -> Tensor:
        return functional_call(module, {**state, name: theta}, (one[None],))[0] @ pick

    def entry(theta: Tensor, mask: Tensor) -> Tensor:
        return (functional_call(module, {**state, name: theta}, (x,)) * mask).sum()

    if whole:
        mask = torch.eye(len(x) * k, device=x.device, dtype=x.dtype)[rows].reshape(-1, len(x), k)
        found = vmap(grad(entry), in_dims=(None, 0))(state[name], mask)
        return found.reshape(len(mask), -1)
    row = torch.arange(len(x) * k, device=x.device)[rows]
    pick = (row[:, None] % k == torch.arange(k, device=x.device)).to(x.dtype)
    found = vmap(grad(output), in_dims=(None, 0, 0))(state[name], x[row // k], pick)
    return found.reshape(len(row), -1)

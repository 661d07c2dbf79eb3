r"""What does training do to the flow?  The growth of a small perturbation, layer by layer, before and after.

    ln chi_l = ln [ |W_l|_F^2 / N  <phi'(h^l)^2> ]

is what an isotropic perturbation of h^l gains on the way to h^(l+1); 0 is critical, xi = -1 / ln chi the depth over
which it dies.  For random weights it is ln chi_1 of the mean field (`theory`), for trained ones it is measured: both
from networks of `propagation.training`.  `weight_index`, std over mean of mean |W| over the layers, is the null: it
has been proposed as a distance to criticality, and W -> aW, which takes a network from one phase to the other, leaves
it as it is.  `gains` is what is exact in training: with phi(cz) = c phi(z) all layers gain alike under gradient flow
(Du, Hu and Lee 2018).  `held` pushes a network back to ln chi = 0; `luck` asks what a rank correlation is worth.
"""

from __future__ import annotations

import torch
from scipy import stats
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, fixed_points, training
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function
from fieldkit.propagation.training import Parameters


def log_chi(parameters: Parameters, x: Tensor, *, activation: Function | Activation = torch.tanh) -> Tensor:
    """ln chi_l of n networks at pictures x (B, d) or (n, B, d), averaged over the pictures: (n, L - 1), float64.

    One number for each hidden matrix W_l, from h^l to h^(l+1).  Raises `ValueError` for a network with one hidden
    layer.
    """
    if len(parameters["hidden"]) == 0:
        raise ValueError("depth = 1: a network with one hidden layer has no matrix between hidden layers to look at.")
    phi = activations.of(activation)
    with torch.no_grad():
        h = training.layers(parameters, x, activation=phi)[: len(parameters["hidden"])]
        slope = torch.stack([phi.derivative(z.double()).square().mean((1, 2)) for z in h], 1)
    size = parameters["hidden"].double().square().sum((2, 3)).T / parameters["hidden"].shape[-1]
    return (size * slope).log()


def theory(sw2: Tensor | float, sb2: Tensor | float, *, activation: Function | Activation) -> Tensor:
    """ln chi_1 of random networks at infinite width, of the shape of sw2 and sb2: the phase diagram of the flow."""
    return fixed_points.phases(sw2, sb2, activation=activation).chi_1.log()


def correlation_length(log_chi: Tensor) -> Tensor:
    """xi = -1 / ln chi in layers, the effective range; negative (a growth length) in chaos, infinite at 0."""
    return fixed_points.depth_scale(torch.exp(log_chi))


def weight_index(parameters: Parameters) -> Tensor:
    """std / mean over the hidden matrices of their mean |W|, (n,): exactly the same for W and aW."""
    size = parameters["hidden"].double().abs().mean((2, 3))
    return size.std(0, correction=0) / size.mean(0)


def gains(before: Parameters, after: Parameters) -> Tensor:
    """What |W_(l+1)|^2 gained in training over what |W_l|^2 + |b_l|^2 did, l = 1 ... L: (L, n), float64.

    All 1 for ReLU and gradient flow: multiplying what goes into a layer by c and what goes out by 1/c changes nothing.
    Steps of finite rate miss it by a multiple of the rate.
    """
    grown = {name: _squares(after[name]) - _squares(before[name]) for name in ("first", "hidden", "last", "bias")}
    weights = torch.cat([grown["first"][None], grown["hidden"], grown["last"][None]])
    return weights[1:] / (weights[:-1] + grown["bias"])


def held(parameters: Parameters, x: Tensor, *, activation: Function | Activation = torch.tanh) -> Parameters:
    """The same network with each hidden matrix multiplied so that its ln chi_l, as measured before, would be 0."""
    factor = torch.exp(-log_chi(parameters, x, activation=activation) / 2).T[..., None, None]
    return {**parameters, "hidden": parameters["hidden"] * factor.to(parameters["hidden"].dtype)}


def luck(score: Tensor, values: Tensor, groups: Tensor, *, n: int = 1000, rng: torch.Generator) -> tuple[float, float]:
    """Spearman's rank correlation of score (k,), one number for each group, with values (m,), of groups (m,); and how
    often it is as large when the scores are dealt out to the groups at random.

    Members of a group share their score, so they are one thing and not many: the usual p-value would be far too small.
    """
    given.whole("n", n, least=1, why="luck is counted in random orders")
    given.generator(rng)
    score, values, groups = given.doubles(score), given.doubles(values).cpu(), given.numbers(groups).long().cpu()
    if groups.shape != values.shape or len(values) == 0 or not bool(((groups >= 0) & (groups < len(score))).all()):
        raise ValueError(
            f"score {tuple(score.shape)}, values {tuple(values.shape)}, groups {tuple(groups.shape)}: expected (k,), "
            "(m,) and (m,) numbers of groups, 0 to k - 1."
        )
    if bool((score.cpu()[groups] == score.cpu()[groups[0]]).all()) or bool((values == values[0]).all()):
        raise ValueError("all scores or all values are equal: there is nothing to correlate; take some that differ.")
    seen = float(stats.spearmanr(score.cpu()[groups], values).statistic)
    orders = torch.rand(n, len(score), generator=rng, device=rng.device).argsort(1).cpu()
    dealt = [abs(float(stats.spearmanr(score.cpu()[order][groups], values).statistic)) for order in orders]
    return seen, (1 + sum(value >= abs(seen) for value in dealt)) / (1 + n)


def _squares(p: Tensor) -> Tensor:
    return p.double().square().sum((-2, -1))

r"""Which convolution is trained?  The plainest: tanh, circular filters, no skip, no normalisation, any depth.

    h_0 = first * image  (stride 2: 8 x 8 pixels -> 4 x 4 sites),        h_l = W_l * tanh(h_(l-1)) + b_l,
    logits = last . tanh(h_L) / sqrt q,        W_l(b) = sqrt(sw2 v_b) times a random matrix

Networks go through a layer together, in one matrix product over channels and one over sites.  All that a layer keeps
for the way back is its tanh, n x batch x sites x channels numbers: ten thousand layers of 16 channels with 8 networks
and 32 images take 2.6 GB, so nothing has to be computed twice.  float32.  `training.descend` trains them.

Source: Xiao et al. 2018, who trained ten thousand layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, criticality, gaussian, jacobian, training
from fieldkit.propagation.training import Parameters

SIDE = 4  # sites a side behind the first layer
CLASSES = 10


def draw(
    n: int,
    depth: int,
    channels: int,
    *,
    v: Tensor,
    q: float,
    gain: float = 1.0,
    weights: Callable[..., Tensor] = jacobian.gaussian_weights,
    rng: torch.Generator,
) -> Parameters:
    """n networks with `depth` layers behind the first: "first" (n, 9, C), "hidden" (depth, n, C_in, 9 C_out), "bias"
    (depth, n, 1, C) and "last" (n, sites C, 10).

    They are critical with fixed point q* = q: sw2 and sb2 of `criticality.at_length`; then sw2 is multiplied by `gain`.
    v: profile (3, 3), of sum one; tap b of a layer is sqrt(sw2 v_b) `weights`, so `jacobian.orthogonal_weights` on the
    delta profile is the delta-orthogonal start of many layers at once (`random_filters.delta_orthogonal_` fills one).
    The first layer brings pixels of mean square 1 to length q; the last is zero: every network starts at the loss
    ln 10.
    """
    given.whole("depth", depth, least=1, why="there is a layer behind the first")
    given.whole("channels", channels, least=1, why="a layer has channels")
    given.whole("n", n, least=1, why="networks are drawn")
    given.generator(rng)
    given.not_negative("gain", gain, why="it multiplies a variance")
    v = given.doubles(v)
    if v.shape != (3, 3) or not gaussian.seen((v >= 0) & ((v.sum() - 1).abs() < 1e-6)):
        raise ValueError(
            f"v of shape {tuple(v.shape)}: a profile (3, 3) of variances has the sum 1; divide it by its sum."
        )
    sw2, sb2 = criticality.at_length(q, activation=activations.tanh)
    hidden = torch.zeros(depth, n, channels, 9, channels, device=rng.device)
    for tap, share in enumerate(v.flatten().tolist()):
        if share > 0:
            matrices = weights(depth * n, channels, rng=rng).float()
            hidden[:, :, :, tap] = math.sqrt(gain * sw2 * share) * matrices.reshape(depth, n, channels, channels)
    first = torch.randn(n, 9, channels, generator=rng, device=rng.device)
    bias = torch.randn(depth, n, 1, channels, generator=rng, device=rng.device)
    return {
        "first": math.sqrt(q / 9) * first,
        "hidden": hidden.flatten(3),
        "bias": math.sqrt(sb2) * bias,
        "last": torch.zeros(n, SIDE**2 * channels, CLASSES, device=rng.device),
    }


def logits(parameters: Parameters, images: Tensor, *, q: float) -> Tensor:
    """(n, B, 10) for images (B, 8, 8), or (n, B, 8, 8) when each network has its own; q as in `draw`.

    Raises `ValueError` for pictures of another side.
    """
    given.positive("q", q, why="a signal has a length")
    images = given.numbers(images)
    if images.dim() not in (3, 4) or images.shape[-2:] != (2 * SIDE, 2 * SIDE):
        raise ValueError(
            f"shape {tuple(images.shape)}: pictures are (B, {2 * SIDE}, {2 * SIDE}); scale them down first."
        )
    n, batch = len(parameters["first"]), images.shape[-3]
    seen = neighbours(2 * SIDE, stride=2, device=images.device)
    x = images.float().flatten(-2)[..., seen].expand(n, batch, -1, 9).reshape(n, -1, 9) @ parameters["first"]
    wired = wiring(device=images.device).expand(n * batch, -1, -1)
    for w, b in zip(parameters["hidden"].unbind(), parameters["bias"].unbind()):
        x = convolve(torch.tanh(x), w, wired) + b
    return torch.tanh(x).reshape(n, batch, -1) @ parameters["last"] / math.sqrt(q)


def learn(
    depth: int,
    channels: int,
    task: tuple[Tensor, Tensor, Tensor, Tensor],
    *,
    v: Tensor,
    weights: Callable[..., Tensor],
    rates: Sequence[float],
    n: int,
    n_steps: int = 50,
    batch: int = 16,
    rng: torch.Generator,
    path: str | Path | None = None,
) -> Tensor:
    """Accuracy on unseen pictures of n networks, (n,), trained by `training.momentum` at the best of the rates.

    task: images, labels, unseen images, their labels (`digits.halves`).  Every rate is divided by the depth and tried
    on n networks of its own; the best is that of the lowest mean loss over the last fifth of the steps, so the unseen
    pictures have no part in the choice.  At the start q* = 1/2 sqrt(1 / depth): the spread that the bending of tanh
    gives to lengths, about depth 8 q*^2, is then the same at every depth.
    """
    images, labels, unseen, answers = task
    q = 0.5 / math.sqrt(depth)
    pace = torch.tensor([float(rate) for rate in rates], device=rng.device).repeat_interleave(n) / depth
    net, forward = draw(len(pace), depth, channels, v=v, q=q, weights=weights, rng=rng), partial(logits, q=q)
    net, loss = training.descend(
        forward,
        net,
        images,
        labels,
        n_steps=n_steps,
        rate=pace,
        rule=training.momentum,
        batch=batch,
        rng=rng,
        path=path,
    )
    best = loss[-(n_steps // 5 + 1) :].mean(0).reshape(-1, n).mean(1).nan_to_num(math.inf).argmin()
    with torch.no_grad():
        return training.right(forward(net, unseen), answers).reshape(-1, n)[best]


def convolve(x: Tensor, w: Tensor, wired: Tensor) -> Tensor:
    """sum_b x(a + b) w(b) on the 4 x 4 torus: x (n, B sites, C), w (n, C, 9 C'), wired (n B, sites, 9 sites)."""
    z = torch.bmm(x, w).reshape(len(wired), wired.shape[2], -1)  # every tap at every site, before they are shifted
    return torch.bmm(wired, z).reshape(*x.shape[:2], -1)


def neighbours(side: int, *, stride: int = 1, device: torch.device | str | None = None) -> Tensor:
    """Which site of a side x side torus lies under each tap of a 3 x 3 filter: (outputs, 9), row by row."""
    given.whole("side", side, least=1, why="a torus has at least one site a side")
    given.whole("stride", stride, least=1, why="a filter moves on")
    centre = torch.arange(0, side, stride, device=device)[:, None]
    line = (centre + torch.arange(-1, 2, device=device)) % side  # (outputs a side, 3)
    return (side * line[:, None, :, None] + line[None, :, None, :]).reshape(-1, 9)


def wiring(*, device: torch.device | str | None = None) -> Tensor:
    """0 or 1, (sites, 9 sites): site a takes tap b from site a + b."""
    source = neighbours(SIDE, device=device) * 9 + torch.arange(9, device=device)
    return torch.zeros(SIDE**2, 9 * SIDE**2, device=device).scatter_(1, source, 1.0)

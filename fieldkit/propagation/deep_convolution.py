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
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit.propagation import jacobian
from fieldkit.propagation.training import Parameters

SIDE = 4  # sites a side behind the first layer
CLASSES = 10


def draw(
    n: int,
    depth: int,
    channels: int,
    *,
    profile: Tensor,
    sw2: float,
    sb2: float,
    q: float,
    weights: Callable[..., Tensor] = jacobian.gaussian_weights,
    rng: torch.Generator,
) -> Parameters:
    """n networks with `depth` layers behind the first: "first" (n, 9, C), "hidden" (depth, n, C_in, 9 C_out), "bias"
    (depth, n, 1, C) and "last" (n, sites C, 10).

    profile: v (3, 3), of sum one; tap b of a layer is sqrt(sw2 v_b) `weights`, so `jacobian.orthogonal_weights` on the
    delta profile is the delta-orthogonal start of many layers at once (`convolution.delta_orthogonal_` fills one).
    The first layer brings pixels of mean square 1 to length q; the last is zero: every network starts at the loss
    ln 10.
    """
    hidden = torch.zeros(depth, n, channels, 9, channels, device=rng.device)
    for tap, v in enumerate(profile.flatten().tolist()):
        if v > 0:
            matrices = weights(depth * n, channels, rng=rng).float()
            hidden[:, :, :, tap] = math.sqrt(sw2 * v) * matrices.reshape(depth, n, channels, channels)
    first = torch.randn(n, 9, channels, generator=rng, device=rng.device)
    bias = torch.randn(depth, n, 1, channels, generator=rng, device=rng.device)
    return {
        "first": math.sqrt(q / 9) * first,
        "hidden": hidden.flatten(3),
        "bias": math.sqrt(sb2) * bias,
        "last": torch.zeros(n, SIDE**2 * channels, CLASSES, device=rng.device),
    }


def logits(parameters: Parameters, images: Tensor, *, q: float) -> Tensor:
    """(n, B, 10) for images (B, 8, 8), or (n, B, 8, 8) when each network has its own; q as in `draw`."""
    n, batch = len(parameters["first"]), images.shape[-3]
    seen = neighbours(2 * SIDE, stride=2, device=images.device)
    x = images.float().flatten(-2)[..., seen].expand(n, batch, -1, 9).reshape(n, -1, 9) @ parameters["first"]
    wired = wiring(device=images.device).expand(n * batch, -1, -1)
    for w, b in zip(parameters["hidden"].unbind(), parameters["bias"].unbind()):
        x = convolve(torch.tanh(x), w, wired) + b
    return torch.tanh(x).reshape(n, batch, -1) @ parameters["last"] / math.sqrt(q)


def convolve(x: Tensor, w: Tensor, wired: Tensor) -> Tensor:
    """sum_b x(a + b) w(b) on the 4 x 4 torus: x (n, B sites, C), w (n, C, 9 C'), wired (n B, sites, 9 sites)."""
    z = torch.bmm(x, w).reshape(len(wired), wired.shape[2], -1)  # every tap at every site, before they are shifted
    return torch.bmm(wired, z).reshape(*x.shape[:2], -1)


def neighbours(side: int, *, stride: int = 1, device: torch.device | str | None = None) -> Tensor:
    """Which site of a side x side torus lies under each tap of a 3 x 3 filter: (outputs, 9), row by row."""
    centre = torch.arange(0, side, stride, device=device)[:, None]
    line = (centre + torch.arange(-1, 2, device=device)) % side  # (outputs a side, 3)
    return (side * line[:, None, :, None] + line[None, :, None, :]).reshape(-1, 9)


def wiring(*, device: torch.device | str | None = None) -> Tensor:
    """0 or 1, (sites, 9 sites): site a takes tap b from site a + b."""
    source = neighbours(SIDE, device=device) * 9 + torch.arange(9, device=device)
    return torch.zeros(SIDE**2, 9 * SIDE**2, device=device).scatter_(1, source, 1.0)

r"""Which convolution is trained?  The plainest: tanh, circular filters, no skip, no normalisation, any depth.

    h_0 = lift * image  (stride 2: 8 x 8 pixels -> 4 x 4 sites),        h_l = W_l * tanh(h_(l-1)) + b_l,
    logits = readout . tanh(h_L) / sqrt q,        W_l(b) = sqrt(sw2 v_b) times a random matrix

Copies go through a layer together, in one matrix product over channels and one over sites.  All that a layer keeps
for the way back is its tanh, copies x batch x sites x channels numbers: ten thousand layers of 16 channels with 8
copies and 32 images take 2.6 GB, so nothing has to be computed twice.  float32.

Source: Xiao et al. 2018, who trained ten thousand layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fieldkit.propagation import jacobian

SIDE = 4  # sites a side behind the lift
CLASSES = 10


def filters(
    n: int,
    depth: int,
    channels: int,
    *,
    profile: Tensor,
    sw2: float,
    weights: Callable[..., Tensor] = jacobian.gaussian_weights,
    rng: torch.Generator,
) -> Tensor:
    """Filters of `depth` layers of n networks, (n, depth, C_in, 9 C_out): at tap b, sqrt(sw2 v_b) `weights`.

    profile: v (3, 3), of sum one.  `jacobian.orthogonal_weights` on the delta profile is the delta-orthogonal start of
    many layers at once (`convolution.delta_orthogonal_` fills one).
    """
    out = torch.zeros(n, depth, channels, 9, channels, device=rng.device)
    for tap, v in enumerate(profile.flatten().tolist()):
        if v > 0:
            matrices = weights(n * depth, channels, rng=rng).float()
            out[:, :, :, tap] = math.sqrt(sw2 * v) * matrices.reshape(n, depth, channels, channels)
    return out.flatten(3)


def parameters(layers: Tensor, *, q: float, sb2: float, rng: torch.Generator) -> list[Tensor]:
    """[lift, layers, biases, readout] of networks with the given `filters`.

    The lift (n, 9, C) brings pixels of mean square 1 to length q, biases (n, depth, 1, C) are N(0, sb2) and the readout
    (n, sites C, 10) is zero: every network starts at the loss ln 10.
    """
    n, depth, channels = layers.shape[:3]
    draw = torch.randn(n, depth + 9, 1, channels, generator=rng, device=rng.device)
    lift, biases = math.sqrt(q / 9) * draw[:, :9, 0], math.sqrt(sb2) * draw[:, 9:]
    return [lift, layers, biases, torch.zeros(n, SIDE**2 * channels, CLASSES, device=rng.device)]


def forward(parameters: Sequence[Tensor], images: Tensor, *, q: float) -> Tensor:
    """Logits (n, B, 10) of images (n, B, 8, 8): each network has its own."""
    lift, layers, biases, readout = parameters
    n, batch = images.shape[:2]
    seen = neighbours(2 * SIDE, stride=2, device=images.device)
    x = images.flatten(2)[..., seen].reshape(n, -1, 9) @ lift
    wired = wiring(device=images.device).expand(n * batch, -1, -1)
    for w, b in zip(layers.unbind(1), biases.unbind(1)):
        x = convolve(torch.tanh(x), w, wired) + b
    return torch.tanh(x).reshape(n, batch, -1) @ readout / math.sqrt(q)


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

r"""Is a layer of feature maps a lattice field?  A convolution h = w * x whose maps pay the action of a free field,

    R[h] = < sum_x [ 1/2 sum_mu (h(x + mu) - h(x))^2 + 1/2 m^2 h(x)^2 ] >      (channels summed, mean over the batch),

so that a constant map costs m^2 h^2 / 2 a site and nothing is counted twice.  On a periodic lattice a filter as wide as
the image is one number w_p for each momentum, h_p = w_p x_p.  Wherever the filters come to rest, multiply d(data loss +
R)/dw_p = 0 by w_p and sum over channels c: the layer obeys

    (p^2 + m^2) sum_c <|h_cp|^2> = Re sum_c <J_cp h_cp*>,        J = -d(data loss of one image)/dh,

the equation of motion of a free field h with source J, tested against h itself.  Filters may also begin as fields
(`field_filters`).  Action and lattice momenta: Montvay and Muenster 1994, ch. 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.lattice import free

Function = Callable[[Tensor], Tensor]


def lattice_action(maps: Tensor, *, mass2: float, boundary: str = "periodic") -> Tensor:
    """R[h] of feature maps (n, channels, H, W): a scalar.  boundary "open" leaves out the links across the edge.

    Raises `ValueError` for another shape: the sum would run over the wrong axes.
    """
    if maps.dim() != 4:
        raise ValueError(f"shape {tuple(maps.shape)}: feature maps are (n, channels, H, W); unsqueeze what is missing.")
    return free.action(maps.flatten(0, 1), mass2=mass2, boundary=boundary).sum() / len(maps)


def convolve(images: Tensor, filters: Tensor) -> Tensor:
    """h_c(x) = sum_y w_c(y) image(x - y), periodic: images (n, H, W), filters (channels, k, l) -> (n, channels, H, W).

    A product over momenta; a filter smaller than the image (k <= H, l <= W) is padded with zeros.  Raises `ValueError`
    for a larger one, or other numbers of axes.
    """
    images, filters = (given.floats(x) for x in (images, filters))
    shape = images.shape[1:]
    if images.dim() != 3 or filters.dim() != 3 or any(k > side for k, side in zip(filters.shape[1:], shape)):
        raise ValueError(f"images {tuple(images.shape)}, filters {tuple(filters.shape)}: expected (n, H, W) and "
                         "(channels, k, l) with k <= H, l <= W.")  # fmt: skip
    return torch.fft.irfft2(torch.fft.rfft2(images)[:, None] * torch.fft.rfft2(filters, s=shape), s=shape)


def train_in_source(images: Tensor, *, mass2: float, steps: int = 100) -> Tensor:
    """Filters (1, H, W) that minimise R[h] - <sum_x h(x) image(x)>: h = filters * images in the source `images`.

    No labels.  The loss is sum_p <|x_p|^2> [(p^2 + mass2) |w_p|^2 / 2 - Re w_p] / V, least at the propagator w_p =
    1 / (p^2 + mass2) for all images (n, H, W) that excite every p.
    """

    def loss(filters: Tensor) -> Tensor:
        maps = convolve(images, filters)
        return lattice_action(maps, mass2=mass2) - (maps * images[:, None]).sum() / len(images)

    return descend(loss, torch.zeros_like(images[:1]), steps=steps)[0]


def label_loss(maps: Tensor, readout: Tensor, labels: Tensor, *, activation: Function = torch.tanh) -> Tensor:
    """Mean cross entropy of labels (n,) given f(maps), maps (n, channels, H, W), and readout (10, channels H W)."""
    given.function("activation", activation)
    return torch.nn.functional.cross_entropy(activation(maps).flatten(1) @ readout.T, labels)


def train_classifier(
    images: Tensor, labels: Tensor, *, filters: Tensor | None = None, mass2: float = 1.0, strength: float = 0.01,
    decay: float = 0.01, activation: Function = torch.tanh, steps: int = 100, settle: int = 0, rng: torch.Generator,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Filters and readout after `steps` of descent on label_loss + strength R[h] + decay/2 |readout|^2.

    images (n, H, W), labels (n,).  Starts at readout (10, channels H W) zero and at the given filters (channels, k, l);
    without any, at two drawn by `field_filters` with mass 1, as wide as the images.  Without `decay` the readout would
    grow without bound and the maps shrink to zero, for R measures h and the labels see only readout and h together.
    `settle` more steps move the filters alone: when they rest, the equation of motion holds.
    """

    given.function("activation", activation)

    def loss(w: Tensor, r: Tensor) -> Tensor:
        maps = convolve(images, w)
        weight = decay / 2 * r.square().sum() + strength * lattice_action(maps, mass2=mass2)
        return label_loss(maps, r, labels, activation=activation) + weight

    height, width = images.shape[1:]
    if filters is None:
        filters = field_filters((2, 1, height, width), mass2=1.0, rng=rng)[:, 0]
    readout = images.new_zeros(10, len(filters) * height * width)
    filters, readout = descend(loss, filters, readout, steps=steps)
    if settle:
        (filters,) = descend(lambda w: loss(w, readout), filters, steps=settle)
    return filters, readout


def accuracy(
    filters: Tensor, readout: Tensor, images: Tensor, labels: Tensor, *, activation: Function = torch.tanh
) -> float:
    """The fraction of images (n, H, W) whose label (n,) the classifier names."""
    given.function("activation", activation)
    named = (activation(convolve(images, filters)).flatten(1) @ readout.T).argmax(1)
    return (named == labels).double().mean().item()


def descend(loss: Callable[..., Tensor], *parameters: Tensor, steps: int = 200) -> tuple[Tensor, ...]:
    """The parameters after at most `steps` L-BFGS iterations with line search; the given tensors stay as they are.

    The whole batch and no noise, so that the place where training stops is a point and not a cloud.
    """
    leaves = [p.detach().clone().requires_grad_() for p in parameters]
    optimiser = torch.optim.LBFGS(
        leaves, max_iter=steps, max_eval=2 * steps, history_size=50, tolerance_grad=1e-9, tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss(*leaves)
        value.backward()
        return value

    optimiser.step(closure)
    return tuple(leaf.detach() for leaf in leaves)


def equation_of_motion(
    images: Tensor, labels: Tensor, filters: Tensor, readout: Tensor, *, strength: float = 0.01,
    activation: Function = torch.tanh,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """p^2, Gamma_p = Re sum_c <J_cp h_cp*> / sum_c <|h_cp|^2> and the power sum_c <|h_cp|^2> / V, three tensors (L, L).

    Gamma_p = p^2 + m^2 for filters at rest.  J = -n d label_loss / d maps / strength, the source that one of n images
    feels.  Arguments as in `train_classifier`; momenta in the order of `torch.fft.fftn`.
    """
    given.function("activation", activation)
    maps = convolve(images, filters).requires_grad_()
    (force,) = torch.autograd.grad(label_loss(maps, readout, labels, activation=activation), maps)
    h, J = torch.fft.fft2(maps.detach()), torch.fft.fft2(-len(images) * force / strength)
    power = h.abs().square().sum(1).mean(0)
    p2 = free.momentum_squared(images.shape[-1], 2, device=images.device)
    return p2, (J * h.conj()).real.sum(1).mean(0) / power, power / images[0].numel()


def long_waves(images: Tensor, filters: Tensor) -> Tensor:
    """Power of each image's maps at p = 0 and, averaged, at the smallest p > 0; channels summed: (n, 2).

    As `free.second_moment_length` wants it; images (n, L, L), filters (channels, k, l).
    """
    maps = convolve(images, filters)
    return free.lowest_structure(maps.flatten(0, 1)).reshape(*maps.shape[:2], 2).sum(1)


def wave_ratio(images: Tensor, filters: Tensor) -> Estimate:
    """S_h(0) / S_h(p_1) of the maps, with its error over images (jackknife): above 1 for every field with a length."""
    return jackknife(lambda s: s[0] / s[1], long_waves(images, filters))


def activation_length(images: Tensor, filters: Tensor) -> Estimate:
    """Second-moment correlation length of the maps, with its error over images.  images (n, L, L), L >= 2.

    It exists only for `wave_ratio` above 1; otherwise the value is not finite.
    """
    return jackknife(lambda s: free.second_moment_length(s, images.shape[-1]), long_waves(images, filters))


def long_transfer(filters: Tensor) -> Tensor:
    """sum_c |w_cp|^2 at the momenta of `long_waves`, (2,): their power for white images.

    filters (channels, L, L), as wide as the lattice.
    """
    power = torch.fft.fft2(filters).abs().square().sum(0)
    return torch.stack([power[0, 0], (power[0, 1] + power[1, 0]) / 2])


def filter_length(filters: Tensor) -> Tensor:
    """Second-moment length of one filter (1, L, L), w_p in place of S(p): 1/m for a propagator; a scalar."""
    return free.second_moment_length(long_transfer(filters).sqrt(), filters.shape[-1])


def field_filters(
    shape: tuple[int, int, int, int], *, mass2: float, eta: float = 0.0, gain: float = 1.0, rng: torch.Generator
) -> Tensor:
    """Filters (out, in, k, l), each an independent Gaussian field on its k x l window, of variance gain / fan_in.

    The covariance is (-Laplacian + mass2)^-(1 - eta/2) with free ends, for opposite edges of a filter are no
    neighbours: a free field for eta = 0; critical inside the window for mass2 below 1/k^2, where it falls as
    r^-(d - 2 + eta), with eta = 1/4 for the Ising model in d = 2; white for mass2 -> infinity.  fan_in is in * k * l,
    and the variance is the average over the window: free ends fluctuate more than the middle.  Raises `ValueError` for
    mass2 <= 0 or eta outside [0, 2).
    """
    if not (mass2 > 0 and 0 <= eta < 2):
        raise ValueError(f"mass2 = {mass2}, eta = {eta}: the flat mode needs mass2 > 0, and correlations that fall off "
                         "need 0 <= eta < 2.")  # fmt: skip
    given.positive("gain", gain, why="it multiplies a variance")
    k, l = shape[2:]
    p2 = [free.momentum_squared(side, 1, boundary="open", device=rng.device) for side in (k, l)]
    variance = (p2[0][:, None] + p2[1] + mass2) ** (eta / 2 - 1)
    variance = variance / variance.mean() * gain / (shape[1] * k * l)
    white = torch.randn(shape, generator=rng, device=rng.device, dtype=torch.float64)
    modes = [free.open_modes(side, device=rng.device) for side in (k, l)]
    return modes[0].T @ (white * variance.sqrt()) @ modes[1]


STARTS: dict[str, dict[str, float]] = {
    "white": {"mass2": 1e6},
    "free field, m = 1/2": {"mass2": 0.25},
    "critical, 1/m = 5 sites": {"mass2": 0.04, "eta": 0.25},
}


def head_start(
    images: Tensor, labels: Tensor, held_images: Tensor, held_labels: Tensor, *,
    starts: Sequence[dict[str, float]] = tuple(STARTS.values()), repeats: int = 8, steps: int = 5, rng: torch.Generator,
) -> Tensor:  # fmt: skip
    """Accuracy on held images after few steps without R, for each start of four 5 x 5 filters: (repeats, starts).

    starts: keyword arguments of `field_filters`.  The rows are independent draws of the filters on the same images.
    """
    rows = []
    for _ in range(repeats):
        first = [field_filters((4, 1, 5, 5), rng=rng, **start)[:, 0] for start in starts]
        runs = [train_classifier(images, labels, filters=f, strength=0, steps=steps, rng=rng) for f in first]
        rows.append([accuracy(*run, held_images, held_labels) for run in runs])
    return torch.tensor(rows, dtype=torch.float64)

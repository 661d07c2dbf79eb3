"""Which real pictures does the layer see?  The 1797 handwritten digits of scikit-learn, 8 x 8 pixels each.

Source: Alpaydin and Kaynak 1998 (Optical Recognition of Handwritten Digits), distributed with scikit-learn (Pedregosa
et al. 2011): nothing is downloaded.
"""

from __future__ import annotations

import torch
from torch import Tensor


def halves(*, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """images (898, 8, 8), labels (898,), and the other 899 images and labels, split at random; float64 on rng's device.

    From every pixel its mean over the first half is taken, so that what is left are fluctuations; they are divided by
    one number, their standard deviation over the first half.
    """
    from sklearn.datasets import load_digits  # here, because it takes a second that nobody else should wait for

    pixels, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=rng, device=rng.device)
    images = torch.tensor(pixels.tolist(), dtype=torch.float64, device=rng.device).reshape(-1, 8, 8)[order]
    named = torch.tensor(labels.tolist(), device=rng.device)[order]
    images = images - images[:898].mean(0)
    images = images / images[:898].std()
    return images[:898], named[:898], images[898:], named[898:]


def white_halves(*, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """images (898, 8, 8) and labels (898,) to train on, and 899 new images: `halves`, whitened like the first half."""
    images, labels, new, _ = halves(rng=rng)
    return whiten(images, like=images), labels, whiten(new, like=images)


def whiten(images: Tensor, *, like: Tensor) -> Tensor:
    """images (n, L, L), each Fourier mode divided by the root mean square that it has in the images `like`.

    On `like` itself the structure factor is then 1 at every momentum: any correlation length seen behind a layer is
    the layer's own and not the ink's.  Translation-invariant, so it commutes with a periodic convolution.
    """
    power = torch.fft.fft2(like).abs().square().mean(0) / (like.shape[1] * like.shape[2])
    return torch.fft.ifft2(torch.fft.fft2(images) / power.sqrt()).real

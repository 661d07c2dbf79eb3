"""How heavy is each wave of a field?  Fourier acceleration gives every mode a mass of its own, so that all move alike.

    M^-1 = inverse_mass(p), such as 1 / (p^2 + m^2):  slow, long waves are made light, and none holds up the others.

`inverse_mass` is a real positive tensor (L, ..., L) in the order of torch.fft.fftn, even in the momentum: p and -p are
one amplitude of a real field.  `hmc` uses it, and `from_fields` makes it.  Source: Batrouni et al. 1985.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit.lattice import free


def from_fields(phi: Tensor) -> Tensor:
    """The inverse mass that suits thermalised fields (n, L, ..., L): 1 / (p^2 + 1/xi^2), shape (L, ..., L), float64.

    xi is their second-moment length, in a phase without order; it is kept between half a lattice spacing and L, where
    noise or order would make it anything.  Any positive even mass samples the same exp(-S): a bad one costs time only.
    Raises as `free.lowest_structure`.
    """
    L, d = phi.shape[-1], phi.dim() - 1
    xi = free.second_moment_length(free.lowest_structure(phi).mean(0), L).double()
    heavy = xi.nan_to_num(nan=0.0, posinf=L).clamp(0.5, L) ** -2
    return 1 / (free.momentum_squared(L, d, device=phi.device) + heavy)


def filtered(field: Tensor, factor: Tensor) -> Tensor:
    """Multiply every Fourier mode of real fields (n, L, ..., L) by factor (L, ..., L), even in the momentum.

    In the field's own precision.  Raises `ValueError` when factor has another shape than one field.
    """
    _refuse_shape(factor, field)
    if factor.is_complex():
        raise TypeError(f"factor is {factor.dtype}: a mass is a real number; give its real part.")
    axes = tuple(range(1, field.dim()))
    half = factor[..., : field.shape[-1] // 2 + 1].to(field.dtype)
    return torch.fft.irfftn(torch.fft.rfftn(field, dim=axes) * half, s=field.shape[1:], dim=axes)


def refuse(inverse_mass: Tensor, phi: Tensor) -> None:
    """Raise `ValueError` for an inverse mass that fields phi (n, L, ..., L) cannot have.

    Its numbers are looked at on the CPU only; an accelerator would have to be waited for.
    """
    _refuse_shape(inverse_mass, phi)
    if inverse_mass.device.type != phi.device.type:
        raise ValueError(f"inverse_mass lives on {inverse_mass.device}, phi on {phi.device}: make both on one device.")
    if inverse_mass.is_complex():
        raise ValueError("inverse_mass is complex: a mass is a real number; give its real part.")
    if inverse_mass.device.type != "cpu":
        return
    if not bool(((inverse_mass > 0) & inverse_mass.isfinite()).all()):
        raise ValueError("inverse_mass is not positive and finite in every mode; build it as 1 / (p^2 + m^2), m > 0.")
    opposite = inverse_mass
    for axis in range(inverse_mass.dim()):
        opposite = opposite.flip(axis).roll(1, axis)  # place k holds what was at -k
    if not torch.allclose(opposite, inverse_mass, rtol=1e-5, atol=0):
        raise ValueError(
            "inverse_mass differs between p and -p: they are one amplitude of a real field, and the chain would not "
            "sample exp(-S); build it from `free.momentum_squared`."
        )


def _refuse_shape(inverse_mass: Tensor, phi: Tensor) -> None:
    if not isinstance(inverse_mass, Tensor):
        raise TypeError(
            f"inverse_mass is a {type(inverse_mass).__name__}: give a tensor, one number for each momentum."
        )
    if inverse_mass.shape != phi.shape[1:]:
        raise ValueError(
            f"inverse_mass has shape {tuple(inverse_mass.shape)}, one field has {tuple(phi.shape[1:])}: give one "
            "number for every momentum, in the order of torch.fft.fftn."
        )

"""What weighs a field that interacts with itself?  The lattice phi^4 theory in any dimension.

    S = sum_x [ 1/2 sum_mu (phi(x + mu) - phi(x))^2 + 1/2 mass2 phi(x)^2 + coupling phi(x)^4 ]

on a periodic lattice of side L in d dimensions, lattice spacing 1.  A batch of fields has shape (n, L, ..., L).  With
L = 2 the two neighbours of a site along an axis are the same site, so that each of these bonds counts twice.

Other conventions, all exact algebra (a subscript marks the other paper's symbol):

- Schaich and Loinaz 2009: the quartic term is lambda_SL / 4 phi^4, hence lambda_SL = 4 coupling.
- Albergo et al. 2021: S has no factor 1/2 in front of kinetic and mass term, hence phi = sqrt(2) phi_A, mass2 =
  mass2_A, coupling = lambda_A / 4.
- hopping parameter, S = sum_x [ -2 kappa sum_mu phi_h(x) phi_h(x + mu) + phi_h^2 + lambda_h (phi_h^2 - 1)^2 ]:
  phi = sqrt(2 kappa) phi_h, mass2 = (1 - 2 lambda_h) / kappa - 2 d, coupling = lambda_h / (4 kappa^2).

Sources: Montvay and Muenster 1994, ch. 2; the identity of `Phi4.schwinger_dyson` is derived in its docstring.
"""

from __future__ import annotations

import dataclasses
import math
from numbers import Real

import torch
from torch import Tensor

from fieldkit import given


@dataclasses.dataclass(frozen=True)
class Phi4:
    """The theory: mass squared `mass2` (negative: a double well) and coupling of phi^4.

    Raises ValueError when the action has no minimum or Z does not exist: coupling < 0, or coupling = 0 with mass2 <= 0,
    or either not finite; TypeError when they are not plain numbers.  The methods take fields (n, L, ..., L), float32 or
    float64, and raise TypeError or ValueError for anything else.
    """

    mass2: float
    coupling: float

    def __post_init__(self) -> None:
        for name, value in (("mass2", self.mass2), ("coupling", self.coupling)):
            if not isinstance(value, Real) or isinstance(value, bool):
                raise TypeError(f"{name} = {value!r}: a theory is two plain numbers; convert with float({name}).")
            if math.isinf(value) or math.isnan(value):
                raise ValueError(f"{name} = {value}: exp(-S) needs a finite action; choose a finite number.")
        if not self.coupling >= 0:
            raise ValueError(
                f"coupling = {self.coupling}: the action is unbounded below, exp(-S) cannot be normalised; "
                "choose coupling >= 0."
            )
        if self.coupling == 0 and not self.mass2 > 0:
            raise ValueError(
                f"mass2 = {self.mass2} with coupling = 0: nothing holds the constant field back, exp(-S) cannot be "
                "normalised; choose mass2 > 0, or coupling > 0."
            )

    def potential(self, phi: Tensor) -> Tensor:
        """V(phi) = 1/2 mass2 phi^2 + coupling phi^4, one number a site; any shape."""
        square = phi * phi
        return square * (0.5 * self.mass2 + self.coupling * square)

    def action(self, phi: Tensor) -> Tensor:
        """S of each field, shape (n,), float64: sites are computed in the field's own precision, summed in float64.

        The squares of the differences are multiplied out: d phi^2 a site, minus phi(x) phi(y) a bond.
        """
        given.fields(phi)
        d = phi.dim() - 1
        square = phi * phi
        density = square * ((d + 0.5 * self.mass2) + self.coupling * square)
        for axis in range(1, d + 1):
            last = phi.shape[axis] - 1
            density.narrow(axis, 0, last).addcmul_(phi.narrow(axis, 0, last), phi.narrow(axis, 1, last), value=-1)
            density.narrow(axis, last, 1).addcmul_(phi.narrow(axis, last, 1), phi.narrow(axis, 0, 1), value=-1)
        return _sum(density)

    def force(self, phi: Tensor) -> Tensor:
        """-dS/dphi = sum of the 2d neighbours - (2d + mass2) phi - 4 coupling phi^3, the shape (and layout) of phi.

        One temporary, no copies of shifted fields: the neighbours are added in place through views.
        """
        given.fields(phi)
        d = phi.dim() - 1
        linear = torch.full((), -(2.0 * d + self.mass2), dtype=phi.dtype, device=phi.device)
        force = torch.addcmul(linear, phi, phi, value=-4 * self.coupling).mul_(phi)
        for axis in range(1, d + 1):
            last = phi.shape[axis] - 1
            force.narrow(axis, 0, last).add_(phi.narrow(axis, 1, last))
            force.narrow(axis, 1, last).add_(phi.narrow(axis, 0, last))
            force.narrow(axis, 0, 1).add_(phi.narrow(axis, last, 1))
            force.narrow(axis, last, 1).add_(phi.narrow(axis, 0, 1))
        return force

    def schwinger_dyson(self, phi: Tensor) -> Tensor:
        """(2d + mass2) phi^2 + 4 coupling phi^4 - 2d phi phi_nn - 1, averaged over each field's sites; shape (n,).

        Its expectation is exactly 0 on every lattice, whatever its size: the integral of d/dphi(x) [phi(x) exp(-S)]
        vanishes, hence <phi(x) dS/dphi(x)> = 1.  No reference run is needed to test a sampler with it.
        """
        given.fields(phi)
        d = phi.dim() - 1
        mean, phi2, phi4, neighbour = measure(phi).unbind(dim=1)
        return (2 * d + self.mass2) * phi2 + 4 * self.coupling * phi4 - 2 * d * neighbour - 1


def measure(phi: Tensor) -> Tensor:
    """Lattice averages of phi, phi^2, phi^4 and, over the axes too, phi(x) phi(x + mu); shape (n, 4), float64.

    Raises as the methods of `Phi4`.
    """
    given.fields(phi)
    square = phi * phi
    columns = [phi, square, square * square]
    volume = phi[0].numel()
    return torch.stack([_sum(column) / volume for column in columns] + [neighbour_product(phi)], dim=1)


def neighbour_product(phi: Tensor) -> Tensor:
    """phi(x) phi(x + mu) averaged over sites and axes, shape (n,), float64.  Raises as the methods of `Phi4`."""
    given.fields(phi)
    d = phi.dim() - 1
    total = torch.zeros((), dtype=torch.float64, device=phi.device)
    for axis in range(1, d + 1):
        last = phi.shape[axis] - 1
        total = total + _sum(phi.narrow(axis, 0, last) * phi.narrow(axis, 1, last))
        total = total + _sum(phi.narrow(axis, last, 1) * phi.narrow(axis, 0, 1))
    return total / (d * phi[0].numel())


def _sum(density: Tensor) -> Tensor:
    return density.sum(dim=tuple(range(1, density.dim())), dtype=torch.float64)

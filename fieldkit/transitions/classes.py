r"""Which universality class is it?  All that the data allow, which may be several, or none.

    chi^2 = (v - e)^T C^-1 (v - e),        p = P(chi^2 of dim v degrees >= it),

for measured exponents v with covariance C and each class with exponents e.  Every class with p above the level is
named.  A true class is then missed in a fraction `level` of experiments, and not more: the nearest class, by contrast,
is always named, however far it is.  Exponents that two classes share cannot tell them apart: beta/nu = 1/8 for Ising
and for four-state Potts alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from fieldkit import given, pulls

# (1/nu, beta/nu), exact but for the last three
CLASSES: dict[str, tuple[float, float]] = {
    "2D Ising": (1.0, 1 / 8),  # Onsager 1944; Yang 1952
    "2D 3-state Potts": (6 / 5, 2 / 15),  # den Nijs 1979; Nienhuis 1982
    "2D 4-state Potts": (3 / 2, 1 / 8),
    "2D percolation": (3 / 4, 5 / 48),  # Smirnov & Werner 2001
    "mean field": (2.0, 1.0),  # in powers of L^(d/4) above four dimensions: L^(1/nu) -> N^(1/2), L^(beta/nu) -> N^(1/4)
    "3D Ising": (1 / 0.62997098, 0.518148806),  # conformal bootstrap, Chang et al. 2025 (2411.15300)
    "3D percolation": (1 / 0.8765, 0.4770),  # Wang et al. 2013
    "1+1 directed percolation": (1 / 1.096854, 0.276486 / 1.096854),  # Jensen 1999, exponents across space
}


def p_values(
    exponents: Tensor, covariance: Tensor, *, classes: Mapping[str, tuple[float, ...]] = CLASSES
) -> dict[str, float]:
    """p of each class for measured exponents (k,) with covariance (k, k).

    Raises `ValueError` for classes of another length, values that are not finite or a covariance without an inverse.
    """
    from scipy import stats

    v = given.doubles(exponents)
    if v.dim() != 1 or not classes:
        raise ValueError(f"exponents {tuple(v.shape)}, {len(classes)} classes: compare a row (k,) with at least one.")
    found = {}
    for name, truth in classes.items():
        if len(truth) != len(v):
            raise ValueError(f"{name} has {len(truth)} exponents, measured were {len(v)}: compare the same ones.")
        off = v - torch.tensor(truth, dtype=torch.float64)
        found[name] = float(stats.chi2.sf(pulls.chi_squared(off, covariance), len(v)))
    return found


def compatible(
    exponents: Tensor,
    covariance: Tensor,
    *,
    level: float = 0.05,
    classes: Mapping[str, tuple[float, ...]] = CLASSES,
) -> list[str]:
    """Names of all classes with p > level, the likeliest first; an empty list says: none of these.  Raises as
    `p_values`, and `ValueError` for a level outside of (0, 1)."""
    given.within("level", level, 0, 1, why="how often a true class may be missed", ends="()")
    p = p_values(exponents, covariance, classes=classes)
    return sorted((name for name in p if p[name] > level), key=lambda name: -p[name])


def nearest(exponents: Tensor, *, classes: Mapping[str, tuple[float, ...]] = CLASSES) -> str:
    """The class at the smallest Euclidean distance: a rule without a null, kept to be compared with `compatible`."""
    v = given.numbers(exponents).double()
    if not bool(v.isfinite().all()) or any(v.shape != (len(truth),) for truth in classes.values()) or not classes:
        raise ValueError(f"exponents {v.tolist()}: as many finite ones as each class has, and at least one class.")
    return min(classes, key=lambda name: float((v - torch.tensor(classes[name], dtype=torch.float64)).norm()))

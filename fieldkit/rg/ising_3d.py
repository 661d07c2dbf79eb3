"""What is the truth in three dimensions?  The Ising class from the conformal bootstrap.

Values of the literature, each with its own error: Delta_sigma and Delta_epsilon from Chang et al. 2024
(arXiv:2411.15300, abstract), omega from Reehorst 2022;
nu = 1 / (3 - Delta_epsilon), eta = 2 Delta_sigma - 1.
"""

from __future__ import annotations

from fieldkit.estimates import Estimate

DELTA_SIGMA = Estimate(0.518148806, 24e-9)
"""Dimension of the spin."""

DELTA_EPSILON = Estimate(1.41262528, 29e-8)
"""Dimension of the energy."""

NU = Estimate(1 / (3 - DELTA_EPSILON.value), DELTA_EPSILON.error / (3 - DELTA_EPSILON.value) ** 2)
"""0.62997098(12)."""

ETA = 2 * DELTA_SIGMA - 1
"""0.036297612(48)."""

OMEGA = Estimate(0.82951, 0.00061)
"""Correction to scaling, Delta_epsilon' - 3."""
